//! Which of two versions is newer, by the rules of the ecosystem that they are of.
//!
//! A text that is no version has no place in any order: that is told as `None`, and what hangs on it is
//! undecidable, never "not affected".

mod apk;
mod gem;
mod go;
mod maven;
mod pep440;
mod semver;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::packages::Manager;
use crate::packages::version;

/// The rules that say which version is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Debian and what stems from it: deb-version(7).
    Dpkg,
    /// Alpine and what uses apk-tools.
    Apk,
    /// Red Hat, SUSE and all others that use rpm.
    Rpm,
    /// Python: PEP 440.
    Pep440,
    /// Semantic Versioning 2.0.0, and what looks like it: npm, crates.io, NuGet.
    Semver,
    /// Go: semantic versions with a `v`, pseudo-versions, `+incompatible`.
    Go,
    /// Maven's `ComparableVersion`.
    Maven,
    /// `Gem::Version` of Ruby.
    Gem,
    /// Nobody knows: only versions that are listed one by one can be told.
    Unknown,
}

/// Compares two versions; `None` where one of them is no version of its ecosystem.
pub fn compare(order: Order, a: &str, b: &str) -> Option<Ordering> {
    match order {
        Order::Dpkg => (is_dpkg(a) && is_dpkg(b)).then(|| version::compare(Manager::Dpkg, a, b)).flatten(),
        Order::Apk => {
            (apk::is_version(a) && apk::is_version(b)).then(|| version::compare(Manager::Apk, a, b)).flatten()
        }
        Order::Rpm => version::compare(Manager::Rpm, a, b),
        Order::Pep440 => pep440::compare(a, b),
        Order::Semver => semver::compare(a, b),
        Order::Go => go::compare(a, b),
        Order::Maven => maven::compare(a, b),
        Order::Gem => gem::compare(a, b),
        Order::Unknown => (a == b && !a.is_empty()).then_some(Ordering::Equal),
    }
}

/// As [`compare`], of a version that is one (it compares with itself): of many others, that is not found out for each.
pub(super) fn compare_known(order: Order, version: &str, other: &str) -> Option<Ordering> {
    match order {
        Order::Dpkg if is_dpkg(other) => version::compare(Manager::Dpkg, version, other),
        Order::Apk if apk::is_version(other) => version::compare(Manager::Apk, version, other),
        Order::Dpkg | Order::Apk => None,
        _ => compare(order, version, other),
    }
}

/// Whether dpkg would take a text for a version (deb-version(7); dpkg: `lib/dpkg/parsehelp.c`). Like dpkg, it
/// lets an upstream version begin with a letter, which the manual does not.
fn is_dpkg(text: &str) -> bool {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (Some(epoch), rest),
        None => (None, text),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    let letters = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let epoch_holds =
        |epoch: &str| epoch.bytes().all(|byte| byte.is_ascii_digit()) && epoch.parse::<i32>().is_ok();
    epoch.is_none_or(epoch_holds) && letters(upstream, b".-+~:") && letters(revision, b".+~")
}
