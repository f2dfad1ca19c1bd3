//! What apk-tools take for a version (`src/version.c`); the order itself is the package floor's.

/// Suffixes that may follow an underscore.
const SUFFIXES: [&str; 9] = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];

/// Whether a text is a version: numbers, one letter, suffixes, a commit, a revision, in this order.
pub(super) fn is_version(text: &str) -> bool {
    parsed(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

fn parsed(text: &[u8]) -> Option<&[u8]> {
    let mut rest = digits(text)?;
    while let Some(after) = rest.strip_prefix(b".") {
        rest = digits(after)?;
    }
    if let [b'a'..=b'z', after @ ..] = rest {
        rest = after;
    }
    while let Some(after) = rest.strip_prefix(b"_") {
        rest = suffix(after)?;
    }
    if let Some(after) = rest.strip_prefix(b"~") {
        rest = run(after, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))?;
    }
    match rest.strip_prefix(b"-r") {
        Some(after) => digits(after),
        None => Some(rest),
    }
}

fn suffix(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    SUFFIXES.iter().any(|suffix| suffix.as_bytes() == name).then_some(())?;
    // A number may follow, and need not.
    Some(digits(rest).unwrap_or(rest))
}

fn digits(text: &[u8]) -> Option<&[u8]> {
    run(text, |byte| byte.is_ascii_digit())
}

/// What follows one byte or more of a kind.
fn run(text: &[u8], kind: impl Fn(u8) -> bool) -> Option<&[u8]> {
    let end = text.iter().position(|byte| !kind(*byte)).unwrap_or(text.len());
    (end > 0).then(|| text.get(end..)).flatten()
}
