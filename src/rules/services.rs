//! Services that teams may tick, as a policy describes them: how each shows in an image, and which an
//! environment requires and allows.

use std::collections::{BTreeMap, BTreeSet};

use super::pattern::Pattern;

/// What the policy says of services.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// All that are described, by name.
    pub known: BTreeMap<String, Service>,
    /// The environment that the image is judged for, where one was named.
    pub environment: Option<Environment>,
}

impl Services {
    /// Whether rules ask for what archives hold: some service shows by it, and the image is judged for an
    /// environment.
    pub fn look_into_archives(&self) -> bool {
        self.environment.is_some() && self.known.values().any(|service| !service.inside.is_empty())
    }
}

/// How a service shows in an image. Any one sign is enough.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// What it is, for people.
    pub description: Option<String>,
    /// Paths of its files in the effective tree.
    pub files: Vec<Pattern>,
    /// Names of members of zip archives (jar, war, ear) in the effective tree.
    pub inside: Vec<Pattern>,
    /// Variables of the config, as `NAME=value`.
    pub env: Vec<Pattern>,
    /// Words of the entrypoint, the command, the health check, and of variables that hold options.
    pub arguments: Vec<Pattern>,
    /// Labels of the config, as `name=value`.
    pub labels: Vec<Pattern>,
}

/// What is run where.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Services that must be there.
    pub require: BTreeSet<String>,
    /// Services that may be there; `None` for all.
    pub allow: Option<BTreeSet<String>>,
}

impl Service {
    /// Whether it shows by nothing.
    pub fn has_no_sign(&self) -> bool {
        self.signs().iter().all(|(_, patterns)| patterns.is_empty())
    }

    /// Its signs, by the keys of a policy.
    pub fn signs(&self) -> [(&'static str, &[Pattern]); 5] {
        let Self { description: _, files, inside, env, arguments, labels } = self;
        [("files", files), ("inside", inside), ("env", env), ("arguments", arguments), ("labels", labels)]
    }
}

impl Environment {
    /// Whether a service may be there.
    pub fn allows(&self, service: &str) -> bool {
        self.require.contains(service) || self.allow.as_ref().is_none_or(|allowed| allowed.contains(service))
    }
}

/// Commands within commands that are looked into: `sh -c "env OPTS='…' sh -c '…'"`.
const DEPTH: usize = 4;

/// The words of a command or of a variable's value, with those that only what it starts would see: of words
/// that are commands again (`sh -c '…'`), and of values in them (`env JAVA_TOOL_OPTIONS=… java`).
pub fn words(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut found = split(text);
    // A shell takes backslashes away, and the JVM does not.
    if text.contains('\\') {
        found.extend(split(&text.replace('\\', "")));
    }
    for _ in 0..DEPTH {
        let mut within = Vec::new();
        for word in found {
            if all.contains(&word) {
                continue;
            }
            if let Some((_, value)) = word.split_once('=') {
                within.extend(split(value));
            }
            if word.contains(is_blank) {
                within.extend(split(&word));
            }
            all.insert(word);
        }
        found = within;
    }
    all.extend(found);
    all
}

/// Words as a shell and the JVM part them: at blanks, but for those in quotes. The quotes are taken away.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for char in text.chars() {
        match (quote, char) {
            (Some(open), char) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, char) if is_blank(char) => words.extend(word.take()),
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// `isspace` of C, by which the JVM goes: a no-break space parts no words.
fn is_blank(char: char) -> bool {
    char.is_ascii_whitespace() || char == '\x0b'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_a_shell_does() {
        assert_eq!(split("java -jar  app.jar"), ["java", "-jar", "app.jar"]);
        assert_eq!(split("-javaagent:\"/a b/x.jar\"=c 'd e'"), ["-javaagent:/a b/x.jar=c", "d e"]);
        assert_eq!(split("\t\n\x0b"), [""; 0]);
        assert_eq!(split("'' \"open"), ["", "open"]);
        assert_eq!(split("-javaagent:/a\u{a0}b.jar"), ["-javaagent:/a\u{a0}b.jar"]);
    }

    #[test]
    fn words_of_what_a_command_starts_are_found() {
        for text in [
            "java -agent",
            "env OPTS=-agent java",
            "OPTS='-Xmx1g -agent' exec ./run",
            "submit --conf 'driver.opts=-Xmx1g -agent'",
            "sh -c 'exec sh -c \"java -agent -jar a.jar\"'",
            "java -a\\gent",
        ] {
            assert!(words(text).contains("-agent"), "{text}");
        }
        for text in ["java --agent", "echo x-agent", "a=b-agent", ""] {
            assert!(!words(text).contains("-agent"), "{text}");
        }
    }

    #[test]
    fn hostile_words_cost_little() {
        let started = std::time::Instant::now();
        for text in ["a=", "\"'", "a= ", "'\"a ", "\\"] {
            let _ = words(&text.repeat(1 << 20));
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
