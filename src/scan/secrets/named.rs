//! Files that are known by their names: to hold secrets, or to be configuration.

use super::kinds::{self, Kind};
use super::tokens::is_random;
use super::{Match, text};
use crate::limits;
use crate::model::ImagePath;
use crate::model::secret_names::is_named_secret;
use crate::model::secret_values::{is_no_secret, is_placeholder};

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Logins of registries, as docker and podman keep them.
    DockerConfig,
    /// `name=value` lines of which these names are secrets.
    Assignments(&'static [&'static str], &'static Kind),
    /// `machine … login … password …`.
    Netrc,
    /// `host:port:database:user:password`.
    Pgpass,
    /// URLs with user and password.
    Urls,
    /// Variables of a program's environment.
    Environment,
    /// `<password>`.
    Maven,
    /// `name:hash:…`, also of `/etc/passwd`, where it is taken for the password still.
    Shadow,
    /// `user:hash`, as Apache's htpasswd writes it.
    Htpasswd,
    /// Configuration in which assignments are guessed at.
    Config,
}

const KUBE: Form = Form::Assignments(
    &["token", "client-key-data", "password", "id-token", "refresh-token"],
    &kinds::KUBECONFIG,
);
const NPM: Form = Form::Assignments(&["_authToken", "_auth", "_password"], &kinds::NPM_LOGIN);

/// By the last part of a path, and where that says nothing by itself, by the directory's last part too.
const BY_NAME: [(&str, &str, Form); 30] = [
    (".docker", "config.json", Form::DockerConfig),
    ("containers", "auth.json", Form::DockerConfig),
    ("", ".dockercfg", Form::DockerConfig),
    ("", ".dockerconfigjson", Form::DockerConfig),
    ("", ".npmrc", NPM),
    ("", "npmrc", NPM),
    ("", ".pypirc", Form::Assignments(&["password"], &kinds::PYPI_LOGIN)),
    ("", ".my.cnf", Form::Assignments(&["password"], &kinds::MYSQL_LOGIN)),
    ("", ".mylogin.cnf", Form::Assignments(&["password"], &kinds::MYSQL_LOGIN)),
    (".cargo", "credentials", Form::Assignments(&["token"], &kinds::CARGO_TOKEN)),
    (".cargo", "credentials.toml", Form::Assignments(&["token"], &kinds::CARGO_TOKEN)),
    ("", ".netrc", Form::Netrc),
    ("", "_netrc", Form::Netrc),
    ("", ".pgpass", Form::Pgpass),
    ("", "pgpass.conf", Form::Pgpass),
    ("", ".git-credentials", Form::Urls),
    ("git", "credentials", Form::Urls),
    // Of a remote, or of those that `insteadOf` puts in the place of others.
    (".git", "config", Form::Urls),
    ("", ".gitconfig", Form::Urls),
    ("", ".gitmodules", Form::Urls),
    ("", "pip.conf", Form::Urls),
    ("", "kubeconfig", KUBE),
    (".kube", "config", KUBE),
    ("kubernetes", "admin.conf", KUBE),
    ("", "settings.xml", Form::Maven),
    ("etc", "shadow", Form::Shadow),
    ("etc", "shadow-", Form::Shadow),
    ("etc", "passwd", Form::Shadow),
    ("etc", "passwd-", Form::Shadow),
    ("", "htpasswd", Form::Htpasswd),
];

/// What editors and people put behind the name of a file that they keep a copy of.
const COPIES: [&str; 4] = [".bak", ".old", ".orig", "~"];

/// What configuration ends in.
const CONFIG: [&str; 10] =
    [".ini", ".conf", ".cfg", ".cnf", ".properties", ".yaml", ".yml", ".toml", ".json", ".xml"];

impl Form {
    /// The form of the file at `path`; `None` for one that is only searched.
    pub(super) fn of(path: &ImagePath) -> Option<Self> {
        let (directory, name) = path.split();
        let name = std::str::from_utf8(name).ok()?;
        let mut parents = directory.rsplit(|byte| *byte == b'/');
        let mut parent = parents.next().unwrap_or_default();
        if !parent.is_empty() && parent.iter().all(u8::is_ascii_digit) {
            // podman has a directory for each user: `/run/containers/0/auth.json`.
            parent = parents.next().unwrap_or_default();
        }
        // musl asks these before /etc/shadow; the directory is called as the account.
        if name == "shadow" && directory.starts_with(b"etc/tcb/") {
            return Some(Form::Shadow);
        }
        let name = COPIES.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let known = BY_NAME
            .iter()
            .find(|(within, known, _)| *known == name && (within.is_empty() || within.as_bytes() == parent));
        if let Some((_, _, form)) = known {
            return Some(*form);
        }
        let is_sample =
            [".example", ".sample", ".template", ".dist", ".tpl"].iter().any(|end| name.ends_with(end));
        if !is_sample && is_environment(name) {
            return Some(Self::Environment);
        }
        if !is_sample && name.ends_with(".htpasswd") {
            return Some(Self::Htpasswd);
        }
        CONFIG.iter().any(|end| name.ends_with(end)).then_some(Self::Config)
    }

    /// The secrets in a file of this form, in order.
    pub(super) fn read(self, data: &[u8]) -> Vec<Match> {
        // Forms are of ASCII where it matters; offsets are to be those of the bytes.
        let mut found = Vec::new();
        let mut tell = |value: &str, start: usize, kind| {
            found.push(Match { start, length: value.len(), kind });
        };
        match self {
            Self::DockerConfig => {
                json_values(data, &["auth", "password", "identitytoken", "registrytoken"], |value, at| {
                    if !is_placeholder(value) && value.len() > 3 {
                        tell(value, at, &kinds::DOCKER_AUTH);
                    }
                })
            }
            Self::Maven => xml_values(data, &["password", "passphrase", "privateKey"], |value, at| {
                // `{…}` is encrypted, and its key is elsewhere.
                if !is_no_secret(value) && !value.starts_with('{') {
                    tell(value, at, &kinds::MAVEN_LOGIN);
                }
            }),
            Self::Netrc => {
                let mut expects = false;
                for (word, at) in
                    lines(data).filter(|(line, _)| !line.trim_start().starts_with('#')).flat_map(words)
                {
                    if expects && !is_placeholder(word) {
                        tell(word, at, &kinds::NETRC);
                    }
                    expects = !expects && word == "password";
                }
            }
            Self::Urls => {
                for (line, at) in lines(data) {
                    for (start, length) in text::url_passwords(line) {
                        if let Some(value) = line.get(start..start + length) {
                            tell(value, at + start, &kinds::URL_PASSWORD);
                        }
                    }
                }
            }
            _ => lines(data).for_each(|(line, at)| {
                if let Some((value, kind)) = self.in_line(line) {
                    let start = value.as_ptr() as usize - line.as_ptr() as usize;
                    tell(value, at + start, kind);
                }
            }),
        }
        found
    }

    fn in_line(self, line: &str) -> Option<(&str, &'static Kind)> {
        match self {
            Self::Shadow => {
                // A leading `!` locks the account, not the hash.
                let hash = line.split(':').nth(1)?.trim_start_matches('!');
                (is_crypt(hash) || is_des(hash)).then_some((hash, &kinds::PASSWORD_HASH))
            }
            Self::Htpasswd => {
                let hash = line.split_once(':').filter(|(user, _)| !user.starts_with('#'))?.1.trim_end();
                let plain = hash.strip_prefix("{PLAIN}").filter(|password| !is_no_secret(password));
                plain
                    .map(|password| (password, &kinds::HTPASSWD))
                    .or_else(|| is_htpasswd(hash).then_some((hash, &kinds::PASSWORD_HASH)))
            }
            Self::Pgpass => {
                let password = line.splitn(5, ':').nth(4)?.trim_end();
                (!line.starts_with('#') && !is_no_secret(password)).then_some((password, &kinds::PGPASS))
            }
            Self::Assignments(names, kind) => {
                let (name, value) = assignment(line)?;
                // npm puts the registry before the name: `//registry.example.com/:_authToken`.
                let name = name.rsplit(':').next().unwrap_or(name);
                (names.contains(&name) && !is_no_secret(value)).then_some((value, kind))
            }
            Self::Environment => {
                let (name, value) = assignment(line)?;
                (value.len() > 2 && is_named_secret(name, value)).then_some((value, &kinds::NAMED))
            }
            Self::Config => {
                let (name, value) = assignment(line)?;
                (is_likely(value) && is_named_secret(name, value)).then_some((value, &kinds::ASSIGNMENT))
            }
            _ => None,
        }
    }
}

/// `.env`, `app.env`, `.env.anything`, `.envrc`; `env.prod` and `prod.env.local` where the word behind is one of these, for
/// `env.js` and `vite.env.d.ts` are programs.
fn is_environment(name: &str) -> bool {
    const ENVIRONMENTS: [&str; 14] = [
        "ci",
        "dev",
        "development",
        "docker",
        "live",
        "local",
        "prod",
        "production",
        "qa",
        "secret",
        "secrets",
        "stage",
        "staging",
        "test",
    ];
    let (before, last) = name.rsplit_once('.').unwrap_or_default();
    name.ends_with(".env")
        || [".env.", ".env-", ".env_"].iter().any(|begin| name.starts_with(begin))
        || name == ".envrc"
        || (before == "env" || before.ends_with(".env")) && ENVIRONMENTS.contains(&last)
}

/// A hash as crypt(5) writes it: `$6$salt$…`.
/// `$scheme$…`, whatever the scheme: libxcrypt knows a dozen, some with options (`$md5,rounds=904$`).
fn is_crypt(hash: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b',' | b'=' | b'-' | b'_');
    let scheme = hash.strip_prefix('$').and_then(|rest| rest.split('$').next());
    scheme.is_some_and(|scheme| (1..=32).contains(&scheme.len()) && scheme.bytes().all(is_part))
        && hash.matches('$').count() >= 2
        && hash.len() > 16
}

/// The oldest hashes of crypt, of 13 characters, and BSDi's, of 19 behind a `_`; `*`, `x` and words such as `NP` are none.
fn is_des(hash: &str) -> bool {
    let (digits, length) = hash.strip_prefix('_').map_or((hash, 13), |digits| (digits, 19));
    digits.len() == length
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
        && is_random(digits.as_bytes())
}

/// The hashes that Apache and nginx know: those of crypt, also in its oldest form of 13 characters, and
/// SHA-1 (20 bytes in base64), with salt or without.
fn is_htpasswd(hash: &str) -> bool {
    let is_base64 = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    };
    is_crypt(hash)
        || is_des(hash)
        || hash.strip_prefix("{SHA}").is_some_and(|hash| hash.len() == 28 && is_base64(hash))
        || hash.strip_prefix("{SSHA}").is_some_and(|hash| hash.len() >= 28 && is_base64(hash))
}

/// Whether a value that has only its name to speak for it looks as if it were drawn by lot.
pub(super) fn is_likely(value: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'+' | b'/' | b'=' | b'_' | b'-' | b'!' | b'@' | b'#' | b'^' | b'&' | b'*' | b'~'
            )
    };
    (10..=200).contains(&value.len())
        && value.bytes().all(is_part)
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && is_random(value.as_bytes())
        && !is_no_secret(value)
}

/// The lines, as far as they are UTF-8, with their offsets. Long ones cost what they are long.
fn lines(data: &[u8]) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    data.split(|byte| *byte == b'\n').filter_map(move |line| {
        let start = at;
        at += line.len() + 1;
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(line.get(..error.valid_up_to())?).ok()?,
        };
        Some((text.trim_end_matches('\r'), start))
    })
}

/// The words of a line, with their offsets.
fn words((line, at): (&str, usize)) -> impl Iterator<Item = (&str, usize)> {
    line.split_ascii_whitespace()
        .map(move |word| (word, at + (word.as_ptr() as usize - line.as_ptr() as usize)))
}

/// Name and value of `name = value`, `name: value`, `"name": "value",`, `export name=value`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if line.starts_with(['#', ';']) || line.starts_with("//") && !line.contains("/:_") {
        return None;
    }
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start_matches(['-', ' ']);
    let equals = line.split_once('=');
    let (name, value) = match line.split_once(':') {
        // A colon parts name and value where a blank follows or a quote stands before; npm's names have one.
        Some((name, value))
            if name.ends_with('"')
                || value.starts_with([' ', '\t']) && !name.contains('=')
                || equals.is_none() =>
        {
            (name, value)
        }
        _ => equals?,
    };
    let name = name.trim().trim_matches(['"', '\'']);
    let value = value.trim();
    let quote = value.chars().next().filter(|char| matches!(char, '"' | '\''));
    let value = match quote {
        Some(quote) => value.get(1..)?.split(quote).next()?,
        None => value.split(" #").next()?.trim_end_matches([',', ';']).trim_end(),
    };
    let is_name = !name.is_empty() && name.len() <= 200 && !name.contains(char::is_whitespace);
    is_name.then_some((name, value))
}

/// The texts that JSON has under some names, wherever they are, with their offsets.
fn json_values(data: &[u8], names: &[&str], mut tell: impl FnMut(&str, usize)) {
    let mut at = 0;
    // Where the text before ends; a name is a text that a colon follows.
    let mut name: &[u8] = &[];
    while let Some(open) = data.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'"')) {
        let between = data.get(at..at + open).unwrap_or_default();
        let is_value = is_value_after(between);
        let start = at + open + 1;
        let rest = data.get(start..).unwrap_or_default();
        let mut end = 0;
        while let Some(byte) = rest.get(end).filter(|byte| **byte != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let text = rest.get(..end.min(rest.len())).unwrap_or_default();
        if is_value
            && names.iter().any(|known| known.as_bytes() == name)
            && text.len() <= limits::SECRET_VALUE_BYTES
            && let Ok(text) = std::str::from_utf8(text)
        {
            tell(text, start);
        }
        name = text;
        at = start + end + 1;
    }
}

/// Whether a text with this before it is the value of the text before.
fn is_value_after(between: &[u8]) -> bool {
    between.contains(&b':') && between.iter().all(|byte| *byte == b':' || byte.is_ascii_whitespace())
}

/// The texts of some XML elements outside comments, with their offsets.
fn xml_values(data: &[u8], names: &[&str], mut tell: impl FnMut(&str, usize)) {
    let Ok(document) = std::str::from_utf8(data) else { return };
    let mut at = 0;
    while let Some(open) = document.get(at..).and_then(|rest| rest.find('<')) {
        at += open;
        let rest = document.get(at..).unwrap_or_default();
        if rest.starts_with("<!--") {
            at += rest.find("-->").unwrap_or(rest.len());
            continue;
        }
        // Only what is asked for is compared: a search for each `>` would read a file of `<` again and again.
        let after = |name: &&str| Some((name.len(), rest.get(1..)?.strip_prefix(*name)?.strip_prefix('>')?));
        if let Some((name, after)) = names.iter().find_map(after) {
            let value = after.split('<').next().unwrap_or_default();
            tell(value.trim(), at + name + 2 + (value.len() - value.trim_start().len()));
        }
        at += 1;
    }
}
