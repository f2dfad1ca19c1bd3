//! The order of Ruby's `Gem::Version`: segments of digits or letters; letters mark a pre-release and come
//! before any number.

use std::cmp::Ordering;

use super::semver::by_number;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (segments(a.trim())?, segments(b.trim())?);
    for place in 0..a.len().max(b.len()) {
        let (left, right) =
            (a.get(place).map_or("0", String::as_str), b.get(place).map_or("0", String::as_str));
        let order = match (is_number(left), is_number(right)) {
            (true, true) => by_number(left, right),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => left.cmp(right),
        };
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1.2.b3` is 1, 2, b, 3; `-` is `.pre.`.
fn segments(text: &str) -> Option<Vec<String>> {
    let text = text.replace('-', ".pre.");
    let known = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !text.split('.').all(known) || !text.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let mut segments: Vec<String> = Vec::new();
    for part in text.split('.') {
        let mut segment = String::new();
        for char in part.chars() {
            let turns = segment
                .chars()
                .next_back()
                .is_some_and(|last| last.is_ascii_digit() != char.is_ascii_digit());
            if turns {
                segments.push(std::mem::take(&mut segment));
            }
            segment.push(char);
        }
        segments.push(segment);
    }
    // Zeros before a pre-release or the end say nothing: 1.0.0.a is 1.a.
    let mut canonical: Vec<String> = Vec::new();
    for segment in segments {
        if !is_number(&segment) {
            drop_zeros(&mut canonical);
        }
        canonical.push(segment);
    }
    drop_zeros(&mut canonical);
    Some(canonical)
}

fn drop_zeros(segments: &mut Vec<String>) {
    while segments.last().is_some_and(|last| is_number(last) && last.trim_start_matches('0').is_empty()) {
        segments.pop();
    }
}
