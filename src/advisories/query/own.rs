//! The version that is asked of, and how the versions of advisories are compared with it.

use std::cmp::Ordering;

use super::super::order::{Order, compare, compare_known};
use crate::packages::rpm::version::Evr;

/// What the epoch of an rpm's version is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::advisories) enum Epoch {
    /// It is compared as it is written: who names the packages that are installed tells their epochs.
    Written,
    /// That of a source package is this. Feeds that name sources do not tell epochs throughout, so one of 0 says nothing.
    OfSource(u32),
    /// That of a source package is not told; the package that was built of it has this one.
    Unknown(u32),
}

/// The version of a package, as it is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) order: Order,
    pub(super) text: &'a str,
    epoch: Epoch,
    /// Whether it is a version that has a place in the order.
    pub(super) is_version: bool,
}

impl<'a> Own<'a> {
    pub(super) fn new(order: Order, text: &'a str, epoch: Epoch) -> Self {
        Self { order, text, epoch, is_version: is_version(order, text) }
    }

    /// Whether it is older or newer than an advisory's version; `None` where that cannot be decided.
    pub(super) fn compare(&self, other: &str) -> Option<Ordering> {
        if !self.is_version {
            return None;
        }
        match self.epoch {
            Epoch::Written if self.order == Order::Pep440 => compare(self.order, self.public(other), other),
            Epoch::Written => compare_known(self.order, self.text, other),
            Epoch::OfSource(epoch) => self.by_source(other, epoch, true),
            Epoch::Unknown(epoch) => self.by_source(other, epoch, false),
        }
    }

    /// PEP 440 ("Version specifiers"): a local label is passed over where the other version has none.
    fn public(&self, other: &str) -> &str {
        match self.text.split_once('+') {
            Some((public, _)) if !other.contains('+') => public,
            _ => self.text,
        }
    }

    /// By version and release, where the other's epoch is the same or says nothing.
    fn by_source(&self, other: &str, epoch: u32, is_certain: bool) -> Option<Ordering> {
        let (own, other) = (Evr::parse(self.text)?, Evr::parse(other)?);
        if other.epoch == 0 || other.epoch == epoch {
            return Some(Evr { epoch: 0, ..own }.compare(&Evr { epoch: 0, ..other }));
        }
        is_certain.then(|| epoch.cmp(&other.epoch))
    }

    /// Why it could not be compared with the bounds of an interval, of which one may be empty.
    pub(super) fn why(&self, introduced: &str, end: &str) -> String {
        if !self.is_version {
            return format!("`{}` is no version that can be compared", self.text);
        }
        let told = || [introduced, end].into_iter().filter(|bound| !bound.is_empty());
        if let Some(bound) = told().find(|bound| !is_version(self.order, bound)) {
            return format!("the advisory's version `{bound}` cannot be compared");
        }
        let bound = told().find(|bound| self.compare(bound).is_none()).unwrap_or(end);
        format!("the advisory's version is `{bound}`, and the epoch of the package's source is not known")
    }
}

fn is_version(order: Order, text: &str) -> bool {
    compare(order, text, text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_of_a_source_is_left_out_where_it_says_nothing() {
        let own = |epoch| Own::new(Order::Rpm, "5.38.2-507", epoch);
        for (other, known, unknown) in [
            ("5.38.2-508", Some(Ordering::Less), Some(Ordering::Less)),
            ("0:5.38.2-506", Some(Ordering::Greater), Some(Ordering::Greater)),
            ("4:5.38.2-508", Some(Ordering::Less), Some(Ordering::Less)),
            ("3:9-1", Some(Ordering::Greater), None),
            ("5:1-1", Some(Ordering::Less), None),
            ("4:not one", None, None),
        ] {
            assert_eq!(own(Epoch::OfSource(4)).compare(other), known, "{other}");
            assert_eq!(own(Epoch::Unknown(4)).compare(other), unknown, "{other}");
        }
        assert_eq!(own(Epoch::Written).compare("4:1-1"), Some(Ordering::Less));
    }
}
