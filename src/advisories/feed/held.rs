//! Which versions some intervals hold, asked of many versions.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::events::Bound;
use crate::advisories::order::{Order, compare};
use crate::advisories::record::Range;

/// Of versions that are listed one by one, those that no interval holds already; sorted.
pub(super) fn beside(order: Order, ranges: &[Range], mut versions: Vec<String>) -> Vec<String> {
    versions.sort();
    versions.dedup();
    let held = Held::of(order, ranges);
    versions.retain(|version| !held.has(version));
    versions
}

/// What intervals certainly hold, by where they begin, for searching by halving.
struct Held<'a> {
    order: Order,
    /// One of them has neither beginning nor end, and so holds also what is no version.
    all: bool,
    /// Where no order is known: the versions that are the only one of an interval.
    single: BTreeSet<&'a str>,
    /// Where intervals begin, in order, each with the furthest end of those that begin no later.
    intervals: Vec<(&'a str, End<'a>)>,
}

type End<'a> = (Bound, &'a str);

impl<'a> Held<'a> {
    fn of(order: Order, ranges: &'a [Range]) -> Self {
        let all: Vec<(&str, End<'_>)> =
            ranges.iter().map(|range| (range.introduced.as_str(), Bound::of(&range.end))).collect();
        let mut held = Self {
            order,
            all: all.iter().any(|(introduced, (bound, _))| introduced.is_empty() && *bound == Bound::Open),
            single: BTreeSet::new(),
            intervals: Vec::new(),
        };
        if order == Order::Unknown {
            held.single = all.into_iter().filter_map(single).collect();
            return held;
        }
        // A bound that is no version leaves it open whether one is held.
        let is_sound = |(introduced, (bound, end)): &(&str, End<'_>)| {
            (introduced.is_empty() || is_version(order, introduced))
                && (*bound == Bound::Open || is_version(order, end))
        };
        held.intervals = all.into_iter().filter(is_sound).collect();
        held.intervals.sort_by(|(a, _), (b, _)| match (a.is_empty(), b.is_empty()) {
            (false, false) => compare(order, a, b).unwrap_or(Ordering::Equal),
            (a, b) => b.cmp(&a),
        });
        let mut furthest: Option<End<'_>> = None;
        for (_, end) in &mut held.intervals {
            *end = furthest.map_or(*end, |furthest| later(order, furthest, *end));
            furthest = Some(*end);
        }
        held
    }

    fn has(&self, version: &str) -> bool {
        if self.all || self.single.contains(version) {
            return true;
        }
        if !is_version(self.order, version) {
            return false;
        }
        let is_begun = |introduced: &str| {
            introduced.is_empty() || compare(self.order, version, introduced).is_some_and(Ordering::is_ge)
        };
        let begun = self.intervals.partition_point(|(introduced, _)| is_begun(introduced));
        let last = begun.checked_sub(1).and_then(|last| self.intervals.get(last));
        last.is_some_and(|(_, (bound, end))| match bound {
            Bound::Open => true,
            Bound::Before => compare(self.order, version, end).is_some_and(Ordering::is_lt),
            Bound::With => compare(self.order, version, end).is_some_and(Ordering::is_le),
        })
    }
}

fn is_version(order: Order, text: &str) -> bool {
    compare(order, text, text).is_some()
}

/// The later of two ends.
fn later<'a>(order: Order, a: End<'a>, b: End<'a>) -> End<'a> {
    match (a.0, b.0) {
        (Bound::Open, _) => a,
        (_, Bound::Open) => b,
        _ => match compare(order, a.1, b.1) {
            Some(Ordering::Less) => b,
            Some(Ordering::Equal) if b.0 == Bound::With => b,
            _ => a,
        },
    }
}

/// The one version that an interval certainly holds where versions only are the same or not.
fn single<'a>((introduced, (bound, end)): (&'a str, End<'a>)) -> Option<&'a str> {
    match bound {
        Bound::Open => Some(introduced),
        Bound::With => Some(end).filter(|end| introduced.is_empty() || introduced == *end),
        Bound::Before => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::contains;
    use super::*;
    use crate::advisories::record::End;

    #[test]
    fn listed_versions_are_kept_where_no_interval_holds_them() {
        let ranges = [Range { introduced: String::new(), end: End::Fixed("2".to_owned()) }];
        let versions = ["1.0", "2.0", "odd one"].map(str::to_owned).to_vec();
        assert_eq!(beside(Order::Semver, &ranges, versions), ["2.0", "odd one"]);
    }

    /// A feed may list any number of both.
    #[test]
    fn many_versions_and_intervals_take_no_longer_than_they_are() {
        let range = |at: usize| Range {
            introduced: format!("1.{}.0", 2 * at),
            end: End::Fixed(format!("1.{}.1", 2 * at)),
        };
        let ranges: Vec<Range> = (0..20_000).map(range).collect();
        let versions = (0..20_000).map(|at| format!("1.{at}.0")).collect();
        let begun = std::time::Instant::now();
        assert_eq!(beside(Order::Semver, &ranges, versions).len(), 10_000);
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }

    /// Each of three intervals out of all of a few versions, and of what is none.
    #[test]
    fn searching_by_halving_holds_what_each_interval_holds() {
        let texts = ["", "1", "1.0", "2", "3-rc1", "3", "odd one"];
        let ends = texts.iter().skip(1).flat_map(|end| {
            let end = || (*end).to_owned();
            [End::Fixed(end()), End::LastAffected(end()), End::Limit(end())]
        });
        let ends: Vec<End> = ends.chain([End::Open]).collect();
        let ranges = texts.iter().flat_map(|introduced| {
            ends.iter().map(|end| Range { introduced: (*introduced).to_owned(), end: end.clone() })
        });
        let ranges: Vec<Range> = ranges.collect();
        let versions: Vec<String> = ["0.5", "1", "1.0", "1.5", "2", "3-rc1", "3", "4", "odd one", "other"]
            .map(str::to_owned)
            .to_vec();
        for order in [Order::Semver, Order::Maven, Order::Dpkg, Order::Unknown] {
            for at in 0..ranges.len() {
                for step in [0, 1, 7, 23, 50, 61] {
                    let some = [0, step, 3 * step].map(|more| ranges[(at + more) % ranges.len()].clone());
                    let holds = |version: &String| {
                        some.iter().any(|range| contains(order, range, version) == Some(true))
                    };
                    let left: Vec<String> = versions.iter().filter(|one| !holds(one)).cloned().collect();
                    let mut beside = beside(order, &some, versions.clone());
                    beside.sort_by_key(|one| versions.iter().position(|known| known == one));
                    assert_eq!(beside, left, "{order:?} {some:?}");
                }
            }
        }
    }
}
