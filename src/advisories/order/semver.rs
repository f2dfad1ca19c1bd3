//! Semantic Versioning 2.0.0, section 11, read as leniently as OSV's records and package managers write it.
//!
//! A `v` before it is passed over, parts that are missing are 0, and there may be more than three of them
//! (NuGet has four). Numbers have any length, and may have leading zeros. Of versions that the specification
//! knows, the order is the specification's.

use std::cmp::Ordering;

/// A version in its parts.
struct Version<'a> {
    numbers: &'a str,
    pre_release: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V', '=']).unwrap_or(text);
        let (version, build) = match text.split_once('+') {
            Some((version, build)) => (version, Some(build)),
            None => (text, None),
        };
        let (numbers, pre_release) = match version.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release)),
            None => (version, None),
        };
        let are_numbers =
            numbers.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        let are_identifiers = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            text.split('.').all(|part| !part.is_empty() && part.bytes().all(known))
        };
        let holds =
            are_numbers && pre_release.is_none_or(are_identifiers) && build.is_none_or(are_identifiers);
        holds.then_some(Self { numbers, pre_release })
    }
}

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    Some(by_parts(a.numbers, b.numbers).then_with(|| match (a.pre_release, b.pre_release) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => by_identifiers(a, b),
    }))
}

fn by_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => by_number(left.unwrap_or("0"), right.unwrap_or("0")),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn by_identifiers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match (is_number(left), is_number(right)) {
                (true, true) => by_number(left, right),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => left.cmp(right),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares digits as numbers of any length.
pub(super) fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
