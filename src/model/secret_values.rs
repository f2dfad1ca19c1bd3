//! Which values are no secret whatever their name says, and which look like one whatever it says.

/// Words that people write where a secret is to be put, alone: `insertcoin` is a password.
const WORDS: [&str; 5] = ["dummy", "fixme", "insert", "todo", "xxxx"];

/// What people write there, and nobody's lot has in it: also within words.
const STAND_INS: [&str; 16] = [
    "changeme",
    "change_me",
    "change-me",
    "change-this",
    "changethis",
    "example",
    "placeholder",
    "redacted",
    "your-",
    "your_",
    "<your",
    "replace",
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
        Some(rest) => is_expansion(rest),
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
    STAND_INS.iter().any(|word| lower.contains(word)) || WORDS.iter().any(|word| has_word(&lower, word))
}

/// Whether a word stands there with no letters around it, or the same letter again: `xxxxxxxx`.
fn has_word(text: &str, word: &str) -> bool {
    let is_other_letter = |byte: Option<&u8>, own: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphabetic() && Some(byte) != own)
    };
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    bytes.windows(word.len()).enumerate().any(|(at, window)| {
        window == word
            && !is_other_letter(at.checked_sub(1).and_then(|before| bytes.get(before)), word.first())
            && !is_other_letter(bytes.get(at + word.len()), word.last())
    })
}

/// Whether what follows a `$` is there to be expanded: by a shell, an entrypoint, a template. A config's own variables are
/// expanded no more, and a password may begin with `$` as a hash does (`$6$`), so a name must look like one.
fn is_expansion(rest: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let name = rest.split(|char| !is_part(char)).next().unwrap_or_default();
    rest.starts_with(['{', '(', '$'])
        || rest.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && !rest.contains('$')
            && !is_drawn(name)
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
        || is_url(value)
}

/// A place that is called by its scheme, also in a vault; what of it is drawn by lot may be a secret.
fn is_url(value: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.');
    let Some((scheme, place)) = value.split_once("://") else { return false };
    !scheme.is_empty() && scheme.chars().all(is_part) && !place.split(is_separator).any(is_mixed)
}

/// `/run/secrets/x`, `certs/server.key`; not base64 or a password, which may begin with a slash too.
fn is_path(value: &str) -> bool {
    const FILES: [&str; 11] =
        [".pem", ".key", ".crt", ".cer", ".p12", ".pfx", ".jks", ".json", ".txt", ".yaml", ".yml"];
    if FILES.iter().any(|end| value.ends_with(end)) && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return !value.split(is_separator).any(is_mixed);
    }
    let Some(path) = value.strip_prefix('/') else { return false };
    let first = path.split('/').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_short = value.len() < 30 || value.matches('/').count() > 2;
    !value.contains(['+', '=']) && !is_drawn(first) && (is_short || !is_drawn(last))
}

/// How one logs in: what a name that ends in `AUTH` may have for a value.
pub(super) fn is_mechanism(value: &str) -> bool {
    const MECHANISMS: [&str; 24] = [
        "anonymous",
        "basic",
        "bearer",
        "cert",
        "cookie",
        "db",
        "digest",
        "external",
        "gssapi",
        "iam",
        "internal",
        "jwt",
        "kerberos",
        "ldap",
        "local",
        "login",
        "ntlm",
        "oauth",
        "oidc",
        "password",
        "plain",
        "saml",
        "token",
        "trust",
    ];
    let mut parts = value.trim().split(is_separator);
    // `cram-md5`, `oauth2`, `jwt,basic`
    let is_one = |part: &str| {
        let letters = part.trim_end_matches(|char: char| char.is_ascii_digit());
        part.is_empty() || MECHANISMS.iter().any(|known| letters.eq_ignore_ascii_case(known))
    };
    ["cram-md5", "scram-sha-256", "md5"].iter().any(|known| value.trim().eq_ignore_ascii_case(known))
        || !value.contains(':') && parts.all(is_one)
}

/// What stands between the parts of names, numbers, dates, addresses and lists.
fn is_separator(char: char) -> bool {
    matches!(char, '-' | '_' | '.' | ':' | '/' | ',') || char.is_whitespace()
}

/// Whether a value is made of words and numbers as settings are: `eu-west-1`, `sha512`, `vault:8200`; or a URL.
pub(super) fn is_plain(value: &str) -> bool {
    /// Algorithms and the like that end in a number.
    const NUMBERED: [&str; 7] = ["argon", "blake", "http", "oauth", "pbkdf", "python", "scram"];
    let is_digit = |char: char| char.is_ascii_digit();
    let is_plain = |part: &str| {
        // `argon2id`, `30m`
        let unit = part.rfind(is_digit).map_or("", |last| part.get(last + 1..).unwrap_or_default());
        let is_unit = unit.len() <= 2 && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
        let part = if is_unit { part.strip_suffix(unit).unwrap_or(part) } else { part };
        let letters = part.trim_end_matches(is_digit);
        letters.bytes().all(|byte| byte.is_ascii_alphabetic())
            && (letters.len() <= 3
                || letters.len() == part.len()
                || NUMBERED.iter().any(|known| letters.eq_ignore_ascii_case(known)))
    };
    value.contains("://")
        || value.split(is_separator).all(is_plain)
        || !value.contains(|char: char| char.is_ascii_alphanumeric())
}

/// The shortest value that [`is_drawn`] takes for drawn by lot.
const DRAWN: usize = 10;

/// Whether a value looks drawn by lot, and like no word, number, path, UUID or name of something: letters and digits
/// follow each other as nobody writes them, a change of kind at every fourth place or more.
pub(super) fn is_drawn(value: &str) -> bool {
    let is_word = |part: &str| {
        part.len() >= 3
            && part.bytes().all(|byte| byte.is_ascii_alphabetic())
            && part.get(1..).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    let parts = || value.split(is_separator);
    !value.contains("://") && !is_uuid(value) && !parts().any(is_word) && parts().any(is_mixed)
}

fn is_mixed(part: &str) -> bool {
    #[derive(PartialEq)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Other,
    }
    let class = |byte: &u8| match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        _ => Class::Other,
    };
    let changes = part.as_bytes().windows(2).filter(|pair| match pair {
        [before, behind] => {
            let (before, behind) = (class(before), class(behind));
            // `Word` is one word.
            before != behind && !(before == Class::Upper && behind == Class::Lower)
        }
        _ => false,
    });
    let changes = changes.count();
    // `PT1H30M`, `87600h0m0s`
    let is_duration =
        part.bytes().all(|byte| byte.is_ascii_digit() || b"DHMNPSTUWY".contains(&byte.to_ascii_uppercase()));
    part.len() >= DRAWN && changes >= 4 && changes * 4 >= part.len() - 1 && !is_duration
}

/// `3f2a9c4e-11aa-4b2c-9d3e-8a7b6c5d4e3f`: it names something.
fn is_uuid(value: &str) -> bool {
    let mut parts = value.split('-');
    [8, 4, 4, 4, 12].iter().all(|length| {
        parts
            .next()
            .is_some_and(|part| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_for_a_secret_is_none() {
        for value in [
            "",
            "changeme",
            "${VAR}",
            "$VAR",
            "$DB_PASS",
            "$dbPassword1",
            "$(cat x)",
            "<token>",
            "xxxxxxxx",
            "aaaa",
            "my-example-key",
            "%TOKEN%",
            "/run/secrets/x",
            "/credentials/service-account-production.json",
            "/etc/ssl/a8f5f167f44f4964e6c998dee827110c/x",
            "true",
            "0",
            "{{ token }}",
            "YOUR_TOKEN",
            "********",
            "todo",
            "INSERT_KEY_HERE",
            "sk-xxxxxxxxxxxx",
            "fixme1",
        ] {
            assert!(is_no_secret(value), "{value}");
        }
        for value in [
            "hunter2",
            "password",
            "s3cret",
            "/9j4+AAQSkZJRg==",
            "$6$salt$hash",
            "12345",
            "$Xk29dkq9sLmz",
            "$XK29DKQ9SLMZ",
            "/Xk29dkq9sLmz",
            "/Xk29/dkq9sLmz7wQ01nB2vC3xZ4yT5",
            "insertcoin99X",
            "todolist99X",
            "mastodon7",
        ] {
            assert!(!is_no_secret(value), "{value}");
        }
    }

    #[test]
    fn what_is_drawn_by_lot_is_told_from_words_and_names() {
        for value in [
            "Xk29dkq9sLmz",
            "a8f5f167f44f4964e6c998dee827110c",
            "wJalr7UtnF3MI/K7MD2NG/bP5xRfi8CY0qW1eR2",
            "k3Jd8sLq0zPw4",
            "Xk29!dkq9#sL",
        ] {
            assert!(is_drawn(value), "{value}");
        }
        for value in [
            "",
            "4096",
            "eu-central-1",
            "pbkdf2_sha256",
            "gpt-4o-mini-2024-07-18",
            "meta-llama/Llama-3.1-8B-Instruct",
            "sentence-transformers/all-MiniLM-L6-v2",
            "cl100k_base",
            "arn:aws:kms:eu-west-1:123456789012:key/3f2a9c4e-11aa-4b2c-9d3e-8a7b6c5d4e3f",
            "3f2a9c4e-11aa-4b2c-9d3e-8a7b6c5d4e3f",
            "org.apache.kafka.common.security.plain.PlainLoginModule",
            "AzureKeyVaultSecretsProviderV2",
            "HMACSHA256",
            "2024-01-01T00:00:00Z",
            "20240101T000000Z",
            "PT1H30M15S",
            "87600h0m0s",
            "my-service-7d9f8b6c5d-x2x4z",
            "https://h.example/a8f5f167f44f4964e6c998dee827110c",
            "10.0.12.7:8080",
        ] {
            assert!(!is_drawn(value), "{value}");
        }
    }
}
