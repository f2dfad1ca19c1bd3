//! Which bases an image stands on: its computed diffIDs begin with the base's whole list.

use std::cmp::Ordering;

use super::catalog::{Catalog, CatalogEntry, State, Tier};
use crate::digest::Digest;
use crate::model::Platform;
use crate::packages::{Manager, version};

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
    },
    /// It stands on none.
    Missing {
        /// The base that comes nearest.
        nearest: Option<Box<Nearest>>,
    },
}

/// The base that an image comes nearest to, and how it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The base.
    pub base: CatalogEntry,
    /// How many of the base's layers the image begins with.
    pub layers_agreed: usize,
    /// What stands where the chain breaks: index, the base's diffID and the image's.
    pub breaks_at: Option<Break>,
    /// All of the base's layers are there, from this layer of the image on.
    pub found_at: Option<usize>,
    /// All its layers are there at the bottom, but it is for this other platform.
    pub other_platform: bool,
}

/// Where a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// Index of the layer.
    pub layer: usize,
    /// The base's diffID there.
    pub expected: Digest,
    /// The image's diffID there; `None` where the image has no more layers.
    pub found: Option<Digest>,
}

impl Nearest {
    /// How near and why not there, in one clause.
    pub fn explain(&self) -> String {
        let title = self.base.title();
        let (agreed, layers) = (self.layers_agreed, self.base.layers.len());
        match (self.found_at, self.breaks_at) {
            (Some(0), _) if self.other_platform => {
                format!(
                    "all layers of {title} are at its bottom, but that base is for {}",
                    self.base.platform
                )
            }
            (Some(at), _) => {
                format!("all layers of {title} are in it from layer {at} on, and not at its bottom")
            }
            (None, Some(Break { found: None, .. })) => {
                format!("it has only {agreed} of the {layers} layers of {title}")
            }
            (None, Some(at)) => {
                format!("{agreed} of the {layers} layers of {title} agree, and layer {} is another", at.layer)
            }
            (None, None) => format!("{title} is near"),
        }
    }
}

impl BaseStatus {
    /// Asks the catalog. `diff_ids` are computed, lowest layer first.
    pub fn of(catalog: &Catalog, platform: &Platform, diff_ids: &[Digest]) -> Self {
        let stands_on =
            |base: &&CatalogEntry| base.platform.same_as(platform) && diff_ids.starts_with(&base.diff_ids());
        let mut lineage: Vec<_> = catalog.bases().iter().filter(stands_on).cloned().collect();
        if lineage.is_empty() {
            return Self::Missing { nearest: nearest(catalog, platform, diff_ids).map(Box::new) };
        }
        // Of two bases of the same layers the official one comes first, as the one to stand on.
        lineage.sort_by_key(|base| (base.layers.len(), base.tier == Tier::Custom));
        let usable = lineage.iter().filter(|base| base.state != State::Revoked);
        let base_layers = usable.map(|base| base.layers.len()).max().unwrap_or(0);
        Self::Matched { lineage, base_layers }
    }

    /// The bases that the image stands on, the one with the fewest layers first.
    pub fn lineage(&self) -> &[CatalogEntry] {
        match self {
            Self::Matched { lineage, .. } => lineage,
            Self::NotEvaluated { .. } | Self::Missing { .. } => &[],
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

fn nearest(catalog: &Catalog, platform: &Platform, diff_ids: &[Digest]) -> Option<Nearest> {
    let candidates = catalog.bases().iter().map(|base| {
        let wanted = base.diff_ids();
        let layers_agreed = wanted.iter().zip(diff_ids).take_while(|(a, b)| a == b).count();
        let breaks_at = wanted.get(layers_agreed).map(|expected| Break {
            layer: layers_agreed,
            expected: *expected,
            found: diff_ids.get(layers_agreed).copied(),
        });
        let found_at = diff_ids.windows(wanted.len().max(1)).position(|window| window == wanted);
        let other_platform = !base.platform.same_as(platform);
        Nearest { base: base.clone(), layers_agreed, breaks_at, found_at, other_platform }
    });
    let worth = |near: &Nearest| (near.found_at.is_some(), near.layers_agreed, !near.other_platform);
    let by_version = |a: &Nearest, b: &Nearest| {
        version::compare(Manager::Dpkg, &a.base.version, &b.base.version).unwrap_or(Ordering::Equal)
    };
    // Of equals the highest version, as Debian orders versions: 12 is above 9.
    candidates
        .max_by(|a, b| worth(a).cmp(&worth(b)).then_with(|| by_version(a, b)))
        .filter(|near| near.layers_agreed > 0 || near.found_at.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::catalog::tests::{base, catalog};
    use super::*;

    fn ids(layers: &str) -> Vec<Digest> {
        layers.bytes().map(|byte| Digest::sha256(&[byte])).collect()
    }

    fn amd64() -> Platform {
        "linux/amd64".parse().unwrap()
    }

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

    #[test]
    fn the_whole_base_must_be_there_at_the_bottom_and_for_the_platform() {
        let catalog = catalog([base("official", Tier::Official, State::Approved, "abc")]);
        let near = |layers: &str, platform: &Platform| match BaseStatus::of(&catalog, platform, &ids(layers))
        {
            BaseStatus::Missing { nearest } => nearest.map(|near| *near),
            other => panic!("{other:?}"),
        };
        let broken = near("abX", &amd64()).unwrap();
        assert_eq!(broken.layers_agreed, 2);
        assert_eq!(broken.breaks_at.map(|b| (b.layer, b.found)), Some((2, Some(Digest::sha256(b"X")))));
        assert_eq!(near("ab", &amd64()).unwrap().breaks_at.unwrap().found, None);
        assert_eq!(near("xabc", &amd64()).unwrap().found_at, Some(1));
        assert_eq!(near("x", &amd64()), None);
        assert_eq!(near("", &amd64()), None);
        assert!(near("abc", &"linux/arm64".parse().unwrap()).unwrap().other_platform);
    }
}
