//! Which bases an image stands on: its computed diffIDs begin with the base's whole list.

use super::carried::carried;
use super::catalog::{Catalog, CatalogEntry, State, Tier};
use super::nearest::Nearest;
use crate::digest::Digest;
use crate::model::Platform;

/// What the catalog says of an image.
#[derive(Debug, Clone)]
pub enum BaseStatus {
    /// It could not be asked: no catalog, or layers that could not be read.
    NotEvaluated {
        /// Why.
        reason: String,
    },
    /// The image stands on at least one catalogued base.
    Matched {
        /// Every base that the image stands on, the one with the fewest layers first.
        lineage: Vec<CatalogEntry>,
        /// Layers of the longest base that is not revoked: what "new over the base" is measured
        /// against. 0 where all are revoked.
        base_layers: usize,
        /// Deprecated and revoked bases that it carries without standing on them.
        carried: Vec<CatalogEntry>,
    },
    /// It stands on none.
    Missing {
        /// Deprecated and revoked bases that it carries all the same.
        carried: Vec<CatalogEntry>,
        /// The base that comes nearest.
        nearest: Option<Box<Nearest>>,
    },
}

impl BaseStatus {
    /// Asks the catalog. `diff_ids` are computed, lowest layer first.
    pub fn of(catalog: &Catalog, platform: &Platform, diff_ids: &[Digest]) -> Self {
        let stands_on =
            |base: &&CatalogEntry| base.platform.same_as(platform) && diff_ids.starts_with(&base.diff_ids());
        let mut lineage: Vec<_> = catalog.bases().iter().filter(stands_on).cloned().collect();
        let carried: Vec<_> =
            carried(catalog, diff_ids).into_iter().filter(|base| !lineage.contains(base)).cloned().collect();
        if lineage.is_empty() {
            let nearest = Nearest::of(catalog, platform, diff_ids, |_| None);
            return Self::Missing { carried, nearest: nearest.map(Box::new) };
        }
        // Of two bases of the same layers the official one comes first, as the one to stand on.
        lineage.sort_by_key(|base| (base.layers.len(), base.tier == Tier::Custom));
        let usable = lineage.iter().filter(|base| base.state != State::Revoked);
        let base_layers = usable.map(|base| base.layers.len()).max().unwrap_or(0);
        Self::Matched { lineage, base_layers, carried }
    }

    /// The bases that the image stands on, the one with the fewest layers first.
    pub fn lineage(&self) -> &[CatalogEntry] {
        match self {
            Self::Matched { lineage, .. } => lineage,
            Self::NotEvaluated { .. } | Self::Missing { .. } => &[],
        }
    }

    /// The deprecated and revoked bases of which all layers are in the image, and which it does not stand on.
    pub fn carried(&self) -> &[CatalogEntry] {
        match self {
            Self::Matched { carried, .. } | Self::Missing { carried, .. } => carried,
            Self::NotEvaluated { .. } => &[],
        }
    }

    /// How many of the image's layers are the base's.
    pub fn base_layers(&self) -> usize {
        match self {
            Self::Matched { base_layers, .. } => *base_layers,
            Self::NotEvaluated { .. } | Self::Missing { .. } => 0,
        }
    }

    /// Whether an official base that may be built on is among those it stands on.
    pub fn is_official(&self) -> bool {
        self.lineage().iter().any(|base| base.tier == Tier::Official && base.state != State::Revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::tests::{amd64, base, catalog, ids};
    use super::*;

    #[test]
    fn the_lineage_goes_from_official_to_custom() {
        let catalog = catalog([
            base("team", Tier::Custom, State::Approved, "abc"),
            base("official", Tier::Official, State::Approved, "ab"),
            base("other", Tier::Official, State::Approved, "x"),
        ]);
        let status = BaseStatus::of(&catalog, &amd64(), &ids("abcd"));
        let names: Vec<_> = status.lineage().iter().map(|base| base.name.as_str()).collect();
        assert_eq!(names, ["official", "team"]);
        assert_eq!(status.base_layers(), 3);
        assert!(status.is_official());
    }

    #[test]
    fn a_revoked_base_is_told_and_measures_nothing() {
        let catalog = catalog([
            base("old", Tier::Official, State::Revoked, "abc"),
            base("official", Tier::Official, State::Approved, "ab"),
        ]);
        let status = BaseStatus::of(&catalog, &amd64(), &ids("abc"));
        assert_eq!((status.lineage().len(), status.base_layers()), (2, 2));
    }
}
