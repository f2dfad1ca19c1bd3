//! Bases that are not, or not much longer, to be built on, and that an image carries without standing on them: above
//! another layer, in another order, under the name of another platform. What such a base is withdrawn for is in its layers,
//! wherever they lie.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::catalog::{Catalog, CatalogEntry, State};
use crate::digest::Digest;

/// DiffIDs of tars without entries: Docker's two blocks of zeros, GNU tar's twenty, and no byte at all. Whoever leaves such a
/// layer out, or brings one, changes no file.
static EMPTY_TARS: LazyLock<[Digest; 3]> =
    LazyLock::new(|| [0, 1024, 10_240].map(|length| Digest::sha256(&vec![0; length])));

/// The deprecated and revoked bases of which an image has all layers that are theirs alone: in no base of a better state,
/// but for bases that were built on them. `diff_ids` are those of the image, computed.
pub(super) fn carried<'c>(catalog: &'c Catalog, diff_ids: &[Digest]) -> Vec<&'c CatalogEntry> {
    let image: BTreeSet<_> = diff_ids.iter().filter(|layer| !EMPTY_TARS.contains(layer)).collect();
    let withdrawn = catalog.bases().iter().filter(|base| base.state != State::Approved);
    let has_some = |base: &&CatalogEntry| base.layers.iter().any(|layer| image.contains(&layer.diff_id));
    let mut candidates = withdrawn.filter(has_some).peekable();
    if candidates.peek().is_none() {
        return Vec::new();
    }
    let owners = Owners::of(catalog);
    candidates
        .filter(|base| {
            let mut own = owners.layers_of_its_own(base).peekable();
            own.peek().is_some() && own.all(|layer| image.contains(layer))
        })
        .collect()
}

/// Which bases have a layer.
struct Owners<'c>(BTreeMap<&'c Digest, Vec<&'c CatalogEntry>>);

impl<'c> Owners<'c> {
    fn of(catalog: &'c Catalog) -> Self {
        let mut owners: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for base in catalog.bases() {
            for layer in &base.layers {
                owners.entry(&layer.diff_id).or_default().push(base);
            }
        }
        Self(owners)
    }

    /// The layers by which a base is known wherever they lie; none where others have all of them.
    fn layers_of_its_own<'b>(&self, base: &'b CatalogEntry) -> impl Iterator<Item = &'b Digest> {
        let is_better = |other: &&CatalogEntry| other.state < base.state && !is_built_on(other, base);
        base.layers.iter().map(|layer| &layer.diff_id).filter(move |layer| {
            let owners = self.0.get(layer).map_or(&[][..], Vec::as_slice);
            !EMPTY_TARS.contains(layer) && !owners.iter().copied().any(|other| is_better(&other))
        })
    }
}

/// Whether a base begins with all layers of another.
fn is_built_on(base: &CatalogEntry, other: &CatalogEntry) -> bool {
    let same = base.layers.iter().zip(&other.layers).all(|(a, b)| a.diff_id == b.diff_id);
    same && base.layers.len() >= other.layers.len()
}

#[cfg(test)]
mod tests {
    use super::super::Tier;
    use super::super::catalog::tests::{base, catalog, ids};
    use super::*;

    fn named(catalog: &Catalog, diff_ids: &[Digest]) -> Vec<String> {
        carried(catalog, diff_ids).into_iter().map(|base| base.name.clone()).collect()
    }

    #[test]
    fn a_revoked_base_is_known_by_its_own_layers_wherever_they_lie() {
        let catalog = catalog([
            base("java", Tier::Official, State::Revoked, "dj"),
            base("debian", Tier::Official, State::Approved, "d"),
        ]);
        for layers in ["dj", "dxj", "jd", "j", "xj"] {
            assert_eq!(named(&catalog, &ids(layers)), ["java"], "{layers}");
        }
        for layers in ["d", "dx", ""] {
            assert!(named(&catalog, &ids(layers)).is_empty(), "{layers}");
        }
    }

    #[test]
    fn all_of_its_own_layers_must_be_there_but_the_empty_ones() {
        let mut java = base("java", Tier::Official, State::Revoked, "abc");
        java.layers[1].diff_id = Digest::sha256(&[0; 1024]);
        let catalog = catalog([java]);
        assert_eq!(named(&catalog, &ids("xca")), ["java"]);
        assert!(named(&catalog, &ids("a")).is_empty());
    }

    #[test]
    fn what_a_better_base_has_is_no_sign_of_it_unless_that_was_built_on_it() {
        let bases = |better: &str, state: State| {
            catalog([
                base("old", Tier::Official, State::Revoked, "ab"),
                base("better", Tier::Custom, state, better),
            ])
        };
        // Rebuilt, with a layer in common.
        assert!(named(&bases("bc", State::Approved), &ids("b")).is_empty());
        assert_eq!(named(&bases("bc", State::Approved), &ids("xa")), ["old"]);
        assert_eq!(named(&bases("bc", State::Revoked), &ids("b")), Vec::<String>::new());
        assert_eq!(named(&bases("bc", State::Deprecated), &ids("bxc")), ["better"]);
        // All are in common, so that their order alone tells the two.
        assert!(named(&bases("ba", State::Approved), &ids("ba")).is_empty());
        assert_eq!(named(&bases("abc", State::Approved), &ids("xab")), ["old"]);
    }

    #[test]
    fn tars_without_entries_are_known_by_their_digests() {
        let empty = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
        assert!(EMPTY_TARS.iter().any(|known| known.hex() == empty));
    }
}
