//! OSV's events as intervals (ossf.github.io/osv-schema, "Evaluation"): sorted once, when a database is built.

use std::cmp::Ordering;

use serde::Deserialize;

use super::json::{Object, Text};
use crate::advisories::order::{Order, compare};
use crate::advisories::record::{End, Range};

/// Something that happens at a version; real records have events with two keys, too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    introduced: Text,
    fixed: Text,
    last_affected: Text,
    limit: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Introduced,
    Fixed,
    LastAffected,
}

/// The intervals of versions that events make.
///
/// Where two versions cannot be compared the events stay in the order in which they are written, so that the
/// broken version is a bound of some interval: asking it is undecidable then.
pub(super) fn intervals(order: Order, events: Vec<Object<Event>>) -> Vec<Range> {
    let mut happens: Vec<(String, What)> = Vec::new();
    let mut limits: Vec<String> = Vec::new();
    for Object(event) in events {
        let kinds = [
            (event.introduced, What::Introduced),
            (event.fixed, What::Fixed),
            (event.last_affected, What::LastAffected),
        ];
        for (version, what) in kinds {
            let version = version.0.trim().to_owned();
            if !version.is_empty() {
                happens.push((version, what));
            }
        }
        let limit = event.limit.0.trim().to_owned();
        if !limit.is_empty() {
            limits.push(limit);
        }
    }
    sort(order, &mut happens);
    let ranges = paired(order, &happens);
    match limit(order, limits) {
        Some(limit) => ranges.into_iter().filter_map(|range| within(order, range, &limit)).collect(),
        None => ranges,
    }
}

/// `introduced: "0"` is before any version.
fn begins_all(version: &str, what: What) -> bool {
    version == "0" && what == What::Introduced
}

fn sort(order: Order, happens: &mut [(String, What)]) {
    let compared =
        |a: &(String, What), b: &(String, What)| match (begins_all(&a.0, a.1), begins_all(&b.0, b.1)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => compare(order, &a.0, &b.0),
        };
    let first = happens.first().cloned();
    let comparable =
        |event: &(String, What)| first.as_ref().is_some_and(|first| compared(first, event).is_some());
    // `0` compares with all, so each is held to the others that are none.
    let other = happens.iter().find(|event| !begins_all(&event.0, event.1)).cloned();
    let holds = |event: &(String, What)| {
        comparable(event) && other.as_ref().is_none_or(|other| compared(other, event).is_some())
    };
    if happens.iter().all(holds) {
        happens.sort_by(|a, b| compared(a, b).unwrap_or(Ordering::Equal));
    }
}

fn paired(order: Order, happens: &[(String, What)]) -> Vec<Range> {
    let mut pairs = Pairs::default();
    let is_same =
        |a: &(String, What), b: &(String, What)| compare(order, &a.0, &b.0) == Some(Ordering::Equal);
    for of_version in happens.chunk_by(is_same) {
        pairs.add(of_version);
    }
    pairs.done()
}

/// Intervals while they are made.
#[derive(Default)]
struct Pairs {
    ranges: Vec<Range>,
    open: Option<String>,
}

impl Pairs {
    /// What happens at one version, in its order, but that what begins comes behind what ends the interval that is open.
    fn add(&mut self, events: &[(String, What)]) {
        let begins = |event: &(String, What)| event.1 == What::Introduced;
        // Behind the last end that was taken.
        let mut rest = 0;
        for (at, event) in events.iter().enumerate() {
            if !begins(event) && at < rest {
                continue;
            }
            rest = rest.max(at);
            if begins(event) && self.open.is_some() {
                let behind = events.get(rest..).unwrap_or_default();
                let end = behind.iter().position(|event| !begins(event));
                end.and_then(|end| behind.get(end)).into_iter().for_each(|end| self.take(end));
                rest = end.map_or(events.len(), |end| rest + end + 1);
            }
            self.take(event);
        }
    }

    fn take(&mut self, (version, what): &(String, What)) {
        let version = version.clone();
        let end = match what {
            What::Introduced => {
                self.open.get_or_insert(version);
                return;
            }
            What::Fixed => End::Fixed(version),
            What::LastAffected => End::LastAffected(version),
        };
        if let Some(introduced) = self.open.take() {
            self.ranges.push(Range { introduced: plain(introduced), end });
        }
    }

    fn done(mut self) -> Vec<Range> {
        if let Some(introduced) = self.open {
            self.ranges.push(Range { introduced: plain(introduced), end: End::Open });
        }
        self.ranges
    }
}

/// "From the beginning" is empty.
fn plain(introduced: String) -> String {
    if introduced == "0" { String::new() } else { introduced }
}

/// The furthest limit; none where there is none, or one says "no limit".
fn limit(order: Order, limits: Vec<String>) -> Option<String> {
    if limits.iter().any(|limit| limit == "*") {
        return None;
    }
    limits.into_iter().reduce(|a, b| if compare(order, &a, &b) == Some(Ordering::Less) { b } else { a })
}

/// What of an interval is before a limit.
fn within(order: Order, range: Range, limit: &str) -> Option<Range> {
    let is_before = |version: &str| compare(order, version, limit) == Some(Ordering::Less);
    if !range.introduced.is_empty() && compare(order, &range.introduced, limit).is_some_and(Ordering::is_ge) {
        return None;
    }
    let ends_before = match &range.end {
        End::Open => false,
        End::Fixed(end) | End::Limit(end) => is_before(end) || end == limit,
        End::LastAffected(end) => is_before(end),
    };
    Some(if ends_before { range } else { Range { end: End::Limit(limit.to_owned()), ..range } })
}

/// Whether an interval holds a version; `None` where that cannot be decided.
#[cfg(test)]
pub(super) fn contains(order: Order, range: &Range, version: &str) -> Option<bool> {
    let (kind, end) = Bound::of(&range.end);
    holds(&range.introduced, kind, end, |other| compare(order, version, other))
}

/// How an interval ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::advisories) enum Bound {
    /// Not.
    Open,
    /// Before a version.
    Before,
    /// With a version.
    With,
}

impl Bound {
    /// How an interval ends, and with which version.
    pub(super) fn of(end: &End) -> (Self, &str) {
        match end {
            End::Open => (Self::Open, ""),
            End::Fixed(end) | End::Limit(end) => (Self::Before, end),
            End::LastAffected(end) => (Self::With, end),
        }
    }
}

/// Whether the interval from `introduced` (empty: from the beginning) to `end` holds a version, which `compared` compares
/// with others.
///
/// A bound that cannot be compared leaves it open, unless the other bound rules the version out. A version that
/// is none at all is never in an order, so "from the beginning, without an end" is all that holds it.
pub(in crate::advisories) fn holds(
    introduced: &str,
    bound: Bound,
    end: &str,
    compared: impl Fn(&str) -> Option<Ordering>,
) -> Option<bool> {
    let begun = if introduced.is_empty() { Some(true) } else { compared(introduced).map(Ordering::is_ge) };
    let ended = match bound {
        Bound::Open => Some(false),
        Bound::Before => compared(end).map(Ordering::is_ge),
        Bound::With => compared(end).map(Ordering::is_gt),
    };
    match (begun, ended) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    }
}

/// Whether fixed versions are those of a module's packages: rpm writes `.module_el8` or `.module+el8` into
/// their releases.
pub(super) fn is_modular(ranges: &[Range]) -> bool {
    ranges.iter().any(|range| match &range.end {
        End::Fixed(version) | End::LastAffected(version) | End::Limit(version) => version.contains(".module"),
        End::Open => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(order: Order, events: &str) -> Vec<String> {
        let events: Vec<Object<Event>> = serde_json::from_str(events).unwrap();
        let shown = |range: Range| match range.end {
            End::Open => format!("[{},", range.introduced),
            End::Fixed(end) => format!("[{},{end})", range.introduced),
            End::LastAffected(end) => format!("[{},{end}]", range.introduced),
            End::Limit(end) => format!("[{},{end}|", range.introduced),
        };
        intervals(order, events).into_iter().map(shown).collect()
    }

    #[test]
    fn events_are_sorted_and_paired() {
        for (events, expected) in [
            (r#"[{"introduced":"0"},{"fixed":"1.2"}]"#, vec!["[,1.2)"]),
            (r#"[{"fixed":"1.2"},{"introduced":"0"}]"#, vec!["[,1.2)"]),
            (r#"[{"introduced":"0"}]"#, vec!["[,"]),
            (
                r#"[{"introduced":"2.3.0"},{"fixed":"2.3.4"},{"introduced":"2.10.0"},{"fixed":"2.10.3"},{"introduced":"2.4.0"},{"fixed":"2.4.3"}]"#,
                vec!["[2.3.0,2.3.4)", "[2.4.0,2.4.3)", "[2.10.0,2.10.3)"],
            ),
            (r#"[{"introduced":"1"},{"last_affected":"2"}]"#, vec!["[1,2]"]),
            // Two fixes: the first ends it. Twice introduced: the first begins it.
            (r#"[{"introduced":"0"},{"fixed":"3"},{"fixed":"2"}]"#, vec!["[,2)"]),
            (r#"[{"introduced":"0"},{"introduced":"1"},{"fixed":"2"}]"#, vec!["[,2)"]),
            // Fixed and broken anew by the same version; and an empty interval.
            (r#"[{"introduced":"0"},{"introduced":"2"},{"fixed":"2"}]"#, vec!["[,2)", "[2,"]),
            (r#"[{"introduced":"2"},{"fixed":"2"}]"#, vec!["[2,2)"]),
            (
                r#"[{"introduced":"2"},{"introduced":"2.0.0"},{"fixed":"2"},{"fixed":"2"}]"#,
                vec!["[2,2)", "[2.0.0,2)"],
            ),
            (
                r#"[{"fixed":"2"},{"introduced":"2"},{"introduced":"2"},{"introduced":"2"},{"last_affected":"2"},{"introduced":"2"},{"fixed":"2"}]"#,
                vec!["[2,2]", "[2,2)", "[2,"],
            ),
            // Only a fix, and two keys in one event.
            (r#"[{"fixed":"2"}]"#, vec![]),
            (r#"[{"introduced":"0","fixed":"2"}]"#, vec!["[,2)"]),
            ("[]", vec![]),
        ] {
            assert_eq!(of(Order::Semver, events), expected, "{events}");
        }
    }

    /// A feed may say the same any number of times: each event is looked at once.
    #[test]
    fn many_events_of_one_version_take_no_longer_than_others() {
        let introduced = vec![r#"{"introduced":"1"}"#; 50_000].join(",");
        let fixed = vec![r#"{"fixed":"1"}"#; 50_000].join(",");
        let begun = std::time::Instant::now();
        assert_eq!(of(Order::Semver, &format!("[{introduced}]")), ["[1,"]);
        assert_eq!(of(Order::Semver, &format!("[{introduced},{fixed}]")).len(), 50_000);
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_limit_ends_what_has_no_end() {
        for (events, expected) in [
            (r#"[{"introduced":"1"},{"limit":"3"}]"#, vec!["[1,3|"]),
            (r#"[{"introduced":"1"},{"limit":"3"},{"limit":"4"}]"#, vec!["[1,4|"]),
            (r#"[{"introduced":"1"},{"limit":"*"}]"#, vec!["[1,"]),
            (r#"[{"introduced":"1"},{"fixed":"2"},{"introduced":"5"},{"limit":"3"}]"#, vec!["[1,2)"]),
            (r#"[{"introduced":"1"},{"fixed":"5"},{"limit":"3"}]"#, vec!["[1,3|"]),
        ] {
            assert_eq!(of(Order::Semver, events), expected, "{events}");
        }
    }

    #[test]
    fn a_bound_that_is_no_version_leaves_it_undecided() {
        assert_eq!(of(Order::Semver, r#"[{"introduced":"0"},{"fixed":"soon"}]"#), ["[,soon)"]);
        let range = Range { introduced: "1".to_owned(), end: End::Fixed("soon".to_owned()) };
        assert_eq!(contains(Order::Semver, &range, "2"), None);
        assert_eq!(contains(Order::Semver, &range, "0.5"), Some(false), "the other bound rules it out");
        let all = Range { introduced: String::new(), end: End::Open };
        assert_eq!(contains(Order::Semver, &all, "soon"), Some(true));
        let fixed = Range { introduced: String::new(), end: End::Fixed("1".to_owned()) };
        assert_eq!(contains(Order::Semver, &fixed, "soon"), None, "never \"not affected\"");
    }

    #[test]
    fn bounds_are_as_the_schema_says() {
        let range = |end| Range { introduced: "1".to_owned(), end };
        for (end, inside, outside) in [
            (End::Fixed("2".to_owned()), "1.9", "2"),
            (End::Limit("2".to_owned()), "1.9", "2"),
            (End::LastAffected("2".to_owned()), "2", "2.0.1"),
            (End::Open, "999", "0.9"),
        ] {
            assert_eq!(contains(Order::Semver, &range(end.clone()), inside), Some(true), "{end:?}");
            assert_eq!(contains(Order::Semver, &range(end.clone()), outside), Some(false), "{end:?}");
            assert_eq!(contains(Order::Semver, &range(end), "1"), Some(true));
        }
    }
}
