//! `/etc/subuid` and `/etc/subgid`: which ids accounts may map into namespaces of theirs. `newuidmap` takes
//! all lines of a name, so what the layers above add to the base's counts as much as what they change.

use super::accounts::ids_of;

/// The files, each with the one that says whose the ids are.
pub const SUBORDINATE_FILES: [(&str, &str); 2] = [("etc/subuid", "etc/passwd"), ("etc/subgid", "etc/group")];

/// Ids that an account may map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range<'a> {
    /// Its name or uid, as written.
    pub owner: &'a [u8],
    /// The first id.
    pub first: u64,
    /// The last id.
    pub last: u64,
}

/// What happened to a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeChange<'a> {
    /// The base has it, and it is gone.
    Lost(Range<'a>),
    /// It is new, and of an account that has others in the base.
    Added(Range<'a>),
    /// It is new, and holds an id of another account of the base.
    HoldsId {
        /// The new range.
        range: Range<'a>,
        /// The id.
        id: u32,
        /// Whose it is.
        with: &'a [u8],
    },
    /// It is new, and overlaps one of the base.
    Overlaps {
        /// The new range.
        range: Range<'a>,
        /// The base's.
        with: Range<'a>,
    },
}

/// Compares the ranges of the base with the effective ones; `accounts` is the base's passwd or group.
pub fn compare<'a>(
    base: &'a [u8],
    effective: &'a [u8],
    accounts: &'a [u8],
) -> impl Iterator<Item = RangeChange<'a>> {
    let (before, after) = (ranges_of(base), ranges_of(effective));
    let lost: Vec<_> = before.iter().filter(|range| after.binary_search(range).is_err()).copied().collect();
    let ids = ids_of(accounts);
    let reaches = reaches(&before);
    let added = after.into_iter().filter_map(move |range| {
        if before.binary_search(&range).is_ok() {
            return None;
        }
        let (first, last) = (u32::try_from(range.first).ok(), u32::try_from(range.last).unwrap_or(u32::MAX));
        let held = first.and_then(|first| ids.range(first..=last).find(|(_, name)| **name != range.owner));
        if let Some((id, with)) = held {
            return Some(RangeChange::HoldsId { range, id: *id, with });
        }
        let at = before.partition_point(|known| known.owner < range.owner);
        if before.get(at).is_some_and(|known| known.owner == range.owner) {
            return Some(RangeChange::Added(range));
        }
        let below = reaches.partition_point(|(first, _)| *first <= range.last);
        let (_, with) = below.checked_sub(1).and_then(|at| reaches.get(at))?;
        (with.last >= range.first).then_some(RangeChange::Overlaps { range, with: *with })
    });
    lost.into_iter().map(RangeChange::Lost).chain(added)
}

/// Where ranges begin, in order, each with the one that reaches furthest of those that begin there or before.
fn reaches<'a>(ranges: &[Range<'a>]) -> Vec<(u64, Range<'a>)> {
    let mut ordered = ranges.to_vec();
    ordered.sort_by_key(|range| range.first);
    let mut furthest: Option<Range<'a>> = None;
    let reach = |range: Range<'a>| {
        let longest = furthest.filter(|known| known.last >= range.last).unwrap_or(range);
        furthest = Some(longest);
        (range.first, longest)
    };
    ordered.into_iter().map(reach).collect()
}

/// The ranges of a file, in order, each once.
fn ranges_of(text: &[u8]) -> Vec<Range<'_>> {
    let mut ranges: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(range_of).collect();
    ranges.sort_unstable();
    ranges.dedup();
    ranges
}

/// A line that `newuidmap` takes; older ones pass over further fields.
fn range_of(line: &[u8]) -> Option<Range<'_>> {
    let mut fields = line.split(|byte| *byte == b':');
    let owner = fields.next().filter(|owner| !owner.is_empty())?;
    let first = number(fields.next()?)?;
    let count = number(fields.next()?)?;
    Some(Range { owner, first, last: first.saturating_add(count.checked_sub(1)?) })
}

/// As `strtoul` reads it, with a prefix for the base: `0x10` and `020` are 16.
fn number(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_start_matches([' ', '\t', '\r', '\x0b', '\x0c']);
    let (text, is_negative) = match text.strip_prefix('-') {
        Some(text) => (text, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let (text, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(text) => (text, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let number = u64::from_str_radix(text, radix).ok().filter(|_| !text.starts_with(['+', '-']))?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"builder:100000:65536\nbuilder:300000:10\nci:200000:65536\n";
    const PASSWD: &[u8] = b"root:x:0:0::/:/bin/sh\ndaemon:x:1:1::/:/\nbuilder:x:1000:1000::/:/\n";

    fn range(owner: &'static str, first: u64, last: u64) -> Range<'static> {
        Range { owner: owner.as_bytes(), first, last }
    }

    fn added(line: &'static str) -> Option<RangeChange<'static>> {
        let effective = [BASE, line.as_bytes()].concat().leak();
        let mut changes = compare(BASE, effective, PASSWD);
        let change = changes.next();
        assert_eq!(changes.next(), None);
        change
    }

    #[test]
    fn what_useradd_appends_is_no_damage() {
        for line in ["app:400000:65536\n", "app:1001:64535", "app:0:0", "builder:100000:65536", "app:1:x", ""]
        {
            assert_eq!(added(line), None, "{line}");
        }
    }

    #[test]
    fn a_new_range_may_not_hold_what_is_the_bases() {
        for (line, id, with, last) in [
            ("app:0:65536", 0, "root", 65535),
            ("app:0x0:0200000", 0, "root", 65535),
            ("app:+00:65536:more", 0, "root", 65535),
            ("app:1:10", 1, "daemon", 10),
            ("app:1000:1", 1000, "builder", 1000),
            ("app:-18446744073709551615:10", 1, "daemon", 10),
            ("builder:0:1", 0, "root", 0),
        ] {
            let range = Range {
                owner: line.split(':').next().unwrap_or_default().as_bytes(),
                first: u64::from(id),
                last,
            };
            assert_eq!(
                added(line),
                Some(RangeChange::HoldsId { range, id, with: with.as_bytes() }),
                "{line}"
            );
        }
        let own = added("builder:1000:1");
        assert_eq!(own, Some(RangeChange::Added(range("builder", 1000, 1000))));
        for (line, first, last, with) in [
            ("app:99999:2", 99_999, 100_000, range("builder", 100_000, 165_535)),
            ("app:165535:1", 165_535, 165_535, range("builder", 100_000, 165_535)),
            ("app:200001:300000", 200_001, 500_000, range("builder", 300_000, 300_009)),
        ] {
            let range = range("app", first, last);
            assert_eq!(added(line), Some(RangeChange::Overlaps { range, with }), "{line}");
        }
    }

    #[test]
    fn the_bases_own_may_not_change() {
        let changes: Vec<_> =
            compare(BASE, b"ci:200000:65536\nbuilder:100000:9\nbuilder:300000:10", PASSWD).collect();
        let expected = [
            RangeChange::Lost(range("builder", 100_000, 165_535)),
            RangeChange::Added(range("builder", 100_000, 100_008)),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn hostile_files_cost_little_more_than_their_length() {
        let started = std::time::Instant::now();
        let lines = |owner: &str, step: u64| -> String {
            (0..100_000).map(|number| format!("{owner}:{}:999999\n", 100_000 + number * step)).collect()
        };
        assert_eq!(compare(lines("a", 1).as_bytes(), lines("b", 2).as_bytes(), PASSWD).count(), 200_000);
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
