//! The order of Go's module versions (go.dev/ref/mod, "Versions"), and of its own releases.
//!
//! They are semantic versions: a pseudo-version (`v0.0.0-20240101000000-0123456789ab`) is a pre-release by its
//! form, and `+incompatible` is build metadata, so neither needs a rule. Advisories write them without the `v`.
//! Releases of Go itself are written in more ways: `go1.21`, `1.21rc2`.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::semver;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    semver::compare(&written(a), &written(b))
}

/// A release candidate of Go itself as a semantic version: `1.21rc2` is `1.21-rc.2`.
fn written(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let text = text.strip_prefix("go").unwrap_or(text);
    for kind in ["rc", "beta"] {
        if let Some((numbers, count)) = text.split_once(kind)
            && numbers.ends_with(|char: char| char.is_ascii_digit())
            && !count.is_empty()
            && count.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Cow::Owned(format!("{numbers}-{kind}.{count}"));
        }
    }
    Cow::Borrowed(text)
}
