//! The order of Python's versions (PEP 440), by the crate that uv resolves with.

use std::cmp::Ordering;
use std::str::FromStr as _;

use pep440_rs::Version;

/// Compares two versions; `None` where one is none that PEP 440 knows, as old projects on PyPI have them.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(Version::from_str(a.trim()).ok()?.cmp(&Version::from_str(b.trim()).ok()?))
}
