//! Which names say that a value is a secret, and which values are none whatever their name says.

/// Parts of names, in capitals with `_` between words, whose values are nobody's business.
const PARTS: [&str; 19] = [
    "PASSWORD",
    "PASSWD",
    "_PASS",
    "_PWD",
    "_PW",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "JWT_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "_AUTH",
    "CLIENT_KEY_DATA",
];

/// Whole names that are as good as one of [`PARTS`] within a name.
const WHOLE: [&str; 3] = ["PASS", "PWD", "AUTH"];

/// Names of keys that everyone is to have: package signatures are checked with them.
const PUBLIC: [&str; 6] = ["PUBLIC", "GPG", "PGP", "APT", "RPM", "REPO"];

/// Ends of names that speak *about* a secret: where it lies, how long it lives, what it is called.
const ABOUT: [&str; 46] = [
    "_FILE",
    "_FILES",
    "_PATH",
    "_DIR",
    "_SOCK",
    "_SOCKET",
    "_TTL",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_HOST",
    "_EXPIRY",
    "_EXPIRES",
    "_EXPIRATION",
    "_LIFETIME",
    "_AGE",
    "_TIMEOUT",
    "_INTERVAL",
    "_LENGTH",
    "_SIZE",
    "_MIN",
    "_MAX",
    "_COUNT",
    "_LIMIT",
    "_TYPE",
    "_NAME",
    "_NAMES",
    "_HEADER",
    "_FIELD",
    "_FORMAT",
    "_ENABLED",
    "_DISABLED",
    "_REQUIRED",
    "_POLICY",
    "_ALGORITHM",
    "_HASHER",
    "_ISSUER",
    "_AUDIENCE",
    "_USER",
    "_USERNAME",
    "_ID",
    "_VERSION",
    "_PROMPT",
    "_RESET",
    "_PROVIDER",
    "_STORE",
];

/// `npm.authToken`, `npm-auth-token` → `NPM_AUTH_TOKEN` (but for the first, whose words are not told apart).
fn normal(name: &str) -> String {
    let word =
        |char: char| if matches!(char, '-' | '.' | '/' | ' ') { '_' } else { char.to_ascii_uppercase() };
    name.chars().map(word).collect()
}

/// Whether a value of this name is not to be shown.
pub fn is_secret_name(name: &str) -> bool {
    let name = normal(name);
    WHOLE.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
}

/// Whether a value of this name is a secret, where it is not one by [`is_no_secret`]: names that only
/// speak about a secret are left out.
pub fn names_a_secret(name: &str) -> bool {
    let name = normal(name);
    let has = |part: &str| match part {
        // No AUTHOR.
        "_AUTH" | "_PASS" | "_PWD" | "_PW" => name.ends_with(part),
        "JWT_KEY" | "ENCRYPTION_KEY" | "SIGNING_KEY" => {
            name.ends_with(part) && !PUBLIC.iter().any(|word| name.contains(word))
        }
        part => name.contains(part),
    };
    // PWD is a directory in most shells.
    let is_whole = name != "PWD" && WHOLE.contains(&name.as_str());
    let named = is_whole || PARTS.into_iter().any(has);
    named && !ABOUT.iter().any(|end| name.ends_with(end))
}

/// Words that people write where a secret is to be put.
const STAND_INS: [&str; 21] = [
    "changeme",
    "change_me",
    "change-me",
    "change-this",
    "changethis",
    "example",
    "placeholder",
    "redacted",
    "dummy",
    "your-",
    "your_",
    "<your",
    "replace",
    "insert",
    "todo",
    "fixme",
    "xxxx",
    "****",
    "....",
    "0123456789",
    "abcdefgh",
];

/// Whether a value only stands where a secret could: nothing, a variable, a stand-in, the same character
/// again and again.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let first = value.bytes().next();
    let is_variable = match value.strip_prefix('$') {
        // A password hash begins with `$6$` or the like.
        Some(rest) => {
            rest.starts_with(['{', '(', '$'])
                || rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !rest.contains('$')
        }
        None => {
            value.starts_with("{{")
                || value.starts_with("<%")
                || value.starts_with("%(")
                || value.starts_with('%') && value.len() > 1 && value.ends_with('%')
                || value.starts_with("@@")
        }
    };
    if is_variable || value.starts_with('<') && value.ends_with('>') {
        return true;
    }
    if value.bytes().all(|byte| Some(byte) == first) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    STAND_INS.iter().any(|word| lower.contains(word))
}

/// Whether a value is no secret although its name says so: a placeholder, a switch, a place.
pub fn is_no_secret(value: &str) -> bool {
    let value = value.trim();
    let switches =
        ["true", "false", "yes", "no", "on", "off", "none", "null", "nil", "0", "1", "enabled", "disabled"];
    is_placeholder(value)
        || switches.iter().any(|switch| value.eq_ignore_ascii_case(switch))
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("file:")
        || is_path(value)
}

/// `/run/secrets/x`; not base64, which may begin with a slash too.
fn is_path(value: &str) -> bool {
    value.starts_with('/')
        && !value.contains(['+', '='])
        && (value.len() < 30 || value.matches('/').count() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_speak_about_secrets_name_none() {
        for (name, hidden, alarming) in [
            ("NPM_TOKEN", true, true),
            ("db.password", true, true),
            ("my-api-key", true, true),
            ("PASS", true, true),
            ("DB_PASS", true, true),
            ("MYSQL_PWD", true, true),
            ("DB_PW", true, true),
            ("JWT_KEY", true, true),
            ("app.encryption-key", true, true),
            ("SIGNING_KEY", true, true),
            ("SIGNING_KEY_ID", true, false),
            ("SIGNING_KEY_FINGERPRINT", true, false),
            ("APT_SIGNING_KEY", true, false),
            ("JWT_PUBLIC_KEY", false, false),
            ("user.signingkey", false, false),
            ("OLDPWD", false, false),
            ("COMPASS", false, false),
            ("AUTHOR", false, false),
            ("BUILD_AUTHORS", true, false),
            ("PASSWORD_FILE", true, false),
            ("TOKEN_TTL", true, false),
            ("SSH_AUTH_SOCK", true, false),
            ("GPG_KEY", false, false),
            ("PYTHON_SHA256", false, false),
            ("NODE_VERSION", false, false),
            ("PWD", true, false),
            ("PATH", false, false),
        ] {
            assert_eq!((is_secret_name(name), names_a_secret(name)), (hidden, alarming), "{name}");
        }
    }

    #[test]
    fn what_stands_in_for_a_secret_is_none() {
        for value in [
            "",
            "changeme",
            "${VAR}",
            "$VAR",
            "$(cat x)",
            "<token>",
            "xxxxxxxx",
            "aaaa",
            "my-example-key",
            "%TOKEN%",
            "/run/secrets/x",
            "true",
            "0",
            "{{ token }}",
            "YOUR_TOKEN",
            "********",
        ] {
            assert!(is_no_secret(value), "{value}");
        }
        for value in ["hunter2", "password", "s3cret", "/9j4+AAQSkZJRg==", "$6$salt$hash", "12345"] {
            assert!(!is_no_secret(value), "{value}");
        }
    }
}
