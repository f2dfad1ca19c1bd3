//! The base that an image comes nearest to, where it stands on none: by the layers that it begins with,
//! and by what its files hold, for a squash or a rebuild has a base's content and not its layers.

use std::cmp::Ordering;

use super::catalog::{Catalog, CatalogEntry};
use super::likeness::Likeness;
use crate::digest::Digest;
use crate::limits;
use crate::model::Platform;
use crate::packages::{Manager, version};

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
    /// How much of what the base's files hold is in the image; `None` where the base's files are not known.
    pub content: Option<Likeness>,
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
    /// Asks the catalog; `None` where no base shares a layer, or half its content, with the image.
    ///
    /// `diff_ids` are computed, lowest layer first. `alike` tells how much of a base's content the image
    /// has, where that is known; it is asked for at most [`limits::LIKENESS_BASES`] bases.
    pub fn of(
        catalog: &Catalog,
        platform: &Platform,
        diff_ids: &[Digest],
        mut alike: impl FnMut(&CatalogEntry) -> Option<Likeness>,
    ) -> Option<Self> {
        let mut candidates: Vec<_> =
            catalog.bases().iter().map(|base| Self::by_layers(base, platform, diff_ids)).collect();
        candidates.sort_by(|a, b| Self::compare(b, a));
        let same_platform = candidates.iter_mut().filter(|near| !near.other_platform);
        for near in same_platform.take(limits::LIKENESS_BASES) {
            near.content = alike(&near.base).filter(Likeness::is_telling);
        }
        let best = candidates.into_iter().max_by(Self::compare)?;
        let is_near = best.layers_agreed > 0 || best.found_at.is_some() || best.content.is_some();
        is_near.then_some(best)
    }

    fn by_layers(base: &CatalogEntry, platform: &Platform, diff_ids: &[Digest]) -> Self {
        let wanted = base.diff_ids();
        let layers_agreed = wanted.iter().zip(diff_ids).take_while(|(a, b)| a == b).count();
        let breaks_at = wanted.get(layers_agreed).map(|expected| Break {
            layer: layers_agreed,
            expected: *expected,
            found: diff_ids.get(layers_agreed).copied(),
        });
        Self {
            base: base.clone(),
            layers_agreed,
            breaks_at,
            found_at: diff_ids.windows(wanted.len().max(1)).position(|window| window == wanted),
            other_platform: !base.platform.same_as(platform),
            content: None,
        }
    }

    /// Which of two is nearer. Of equals it is the highest version, as Debian orders versions: 12 is above 9.
    fn compare(a: &Self, b: &Self) -> Ordering {
        let by_share = a.share().cmp(&b.share());
        let by_version =
            || version::compare(Manager::Dpkg, &a.base.version, &b.base.version).unwrap_or(Ordering::Equal);
        (a.found_at.is_some().cmp(&b.found_at.is_some()))
            .then(by_share)
            .then(a.layers_agreed.cmp(&b.layers_agreed))
            .then(b.other_platform.cmp(&a.other_platform))
            .then_with(by_version)
    }

    /// How much of the base is there, in millionths, by its layers or by its content.
    fn share(&self) -> u64 {
        self.layer_share().max(self.content_share())
    }

    fn layer_share(&self) -> u64 {
        millionths(self.layers_agreed, self.base.layers.len())
    }

    fn content_share(&self) -> u64 {
        self.content.map_or(0, |content| millionths(content.equal, content.files))
    }

    /// How near and why not there, in one clause.
    pub fn explain(&self) -> String {
        let title = self.base.title();
        let (agreed, layers) = (self.layers_agreed, self.base.layers.len());
        match (self.found_at, self.breaks_at, self.content) {
            (Some(0), ..) if self.other_platform => {
                format!(
                    "all layers of {title} are at its bottom, but that base is for {}",
                    self.base.platform
                )
            }
            (Some(at), ..) => {
                format!("all layers of {title} are in it from layer {at} on, and not at its bottom")
            }
            (None, _, Some(Likeness { files, equal })) if self.content_share() >= self.layer_share() => {
                let layers = match agreed {
                    0 => "not its layers".to_owned(),
                    agreed => format!("only {agreed} of its {layers} layers"),
                };
                format!(
                    "it has {equal} of the {files} files of {title} with the same content, \
                     and {layers}: the base was squashed or built anew"
                )
            }
            (None, Some(Break { found: None, .. }), _) => {
                format!("it has only {agreed} of the {layers} layers of {title}")
            }
            (None, Some(at), _) => {
                format!("{agreed} of the {layers} layers of {title} agree, and layer {} is another", at.layer)
            }
            (None, None, _) => format!("{title} is near"),
        }
    }
}

fn millionths(part: usize, whole: usize) -> u64 {
    (part as u64).saturating_mul(1_000_000).checked_div(whole as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::tests::{amd64, base, catalog, ids};
    use super::super::{State, Tier};
    use super::*;

    #[test]
    fn the_whole_base_must_be_there_at_the_bottom_and_for_the_platform() {
        let catalog = catalog([base("official", Tier::Official, State::Approved, "abc")]);
        let near =
            |layers: &str, platform: &Platform| Nearest::of(&catalog, platform, &ids(layers), |_| None);
        let broken = near("abX", &amd64()).unwrap();
        assert_eq!(broken.layers_agreed, 2);
        assert_eq!(broken.breaks_at.map(|b| (b.layer, b.found)), Some((2, Some(Digest::sha256(b"X")))));
        assert_eq!(near("ab", &amd64()).unwrap().breaks_at.unwrap().found, None);
        assert_eq!(near("xabc", &amd64()).unwrap().found_at, Some(1));
        assert_eq!(near("x", &amd64()), None);
        assert_eq!(near("", &amd64()), None);
        assert!(near("abc", &"linux/arm64".parse().unwrap()).unwrap().other_platform);
    }

    #[test]
    fn files_of_likeness_bases_and_no_more_are_looked_at() {
        for count in [limits::LIKENESS_BASES, limits::LIKENESS_BASES + 1] {
            let names: Vec<String> = (0..count).map(|number| format!("base{number}")).collect();
            let bases = names.iter().map(|name| base(name, Tier::Official, State::Approved, "abcd"));
            let asked = std::cell::Cell::new(0);
            Nearest::of(&catalog(bases), &amd64(), &ids("x"), |_| {
                asked.set(asked.get() + 1);
                None
            });
            assert_eq!(asked.get(), limits::LIKENESS_BASES);
        }
    }

    #[test]
    fn content_counts_from_half_of_the_base_on_and_against_layers_by_its_share() {
        let catalog = catalog([
            base("squashed", Tier::Official, State::Approved, "abcd"),
            base("began", Tier::Official, State::Approved, "xyz"),
        ]);
        let near = |layers: &str, equal: usize| {
            Nearest::of(&catalog, &amd64(), &ids(layers), |base| {
                (base.name == "squashed").then_some(Likeness { files: 100, equal })
            })
        };
        let found = near("q", 98).unwrap();
        assert_eq!((found.base.name.as_str(), found.content.unwrap().equal), ("squashed", 98));
        assert!(found.explain().contains("98 of the 100 files of squashed:1"), "{}", found.explain());
        assert_eq!(near("q", 49), None);
        assert_eq!(near("q", 0), None);
        // Two of three layers are more than half of the files, and less than nine tenths.
        assert_eq!(near("xyq", 51).unwrap().base.name, "began");
        assert_eq!(near("xyq", 90).unwrap().base.name, "squashed");
        assert_eq!(near("qxyz", 100).unwrap().base.name, "began");
    }

    #[test]
    fn a_base_for_another_platform_is_not_asked_for_its_content() {
        let catalog = catalog([base("official", Tier::Official, State::Approved, "abc")]);
        let arm = "linux/arm64".parse().unwrap();
        let asked = |_: &CatalogEntry| -> Option<Likeness> { panic!("it was asked") };
        assert_eq!(Nearest::of(&catalog, &arm, &ids("x"), asked), None);
    }
}
