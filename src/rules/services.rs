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
    /// Words of the entrypoint, the command, and of variables that hold options.
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

/// The words of a command or of a variable's value, as a shell and the JVM part them: at spaces, but for
/// those in quotes. The quotes are taken away.
pub fn words(text: &str) -> Vec<String> {
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
            (None, char) if char.is_whitespace() => words.extend(word.take()),
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_a_shell_does() {
        assert_eq!(words("java -jar  app.jar"), ["java", "-jar", "app.jar"]);
        assert_eq!(words("-javaagent:\"/a b/x.jar\"=c 'd e'"), ["-javaagent:/a b/x.jar=c", "d e"]);
        assert_eq!(words("\t\n"), [""; 0]);
        assert_eq!(words("'' \"open"), ["", "open"]);
    }
}
