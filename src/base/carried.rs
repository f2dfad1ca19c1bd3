//! Bases that are not, or not much longer, to be built on, and that an image carries without standing on them: above
//! another layer, in another order, under the name of another platform. What such a base is withdrawn for is in its layers,
//! wherever they lie.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::catalog::{Catalog, CatalogEntry, State};
use crate::digest::Digest;

/// DiffIDs of tars without entries: Docker's two blocks of zeros, GNU tar's twenty, and no byte at all. Whoever leaves such a
/// layer out, or brings one, changes no file.
static EMPTY_TARS: LazyLock<[Digest; 3]> =
    LazyLock::new(|| [0, 1024, 10_240].map(|length| Digest::sha256(&vec![0; length])));

/// The deprecated and revoked bases of which an image has all layers, wherever they lie, tars without entries left aside. One of
/// them must be in no better base: else it is that one whose layers they are. `diff_ids` are those of the image, computed.
pub(super) fn carried<'c>(catalog: &'c Catalog, diff_ids: &[Digest]) -> Vec<&'c CatalogEntry> {
    let image: BTreeSet<_> = diff_ids.iter().collect();
    let withdrawn = catalog.bases().iter().filter(|base| base.state != State::Approved);
    let carried = withdrawn.filter(|base| layers(base).all(|layer| image.contains(layer)));
    carried.filter(|base| has_a_layer_of_its_own(catalog, base)).collect()
}

/// The diffIDs of its layers but for the empty ones.
fn layers(base: &CatalogEntry) -> impl DoubleEndedIterator<Item = &Digest> {
    base.layers.iter().map(|layer| &layer.diff_id).filter(|layer| !EMPTY_TARS.contains(layer))
}

/// Whether a layer is in no base of a better state. Those that were built on it do not count: they have all of its layers.
fn has_a_layer_of_its_own(catalog: &Catalog, base: &CatalogEntry) -> bool {
    let is_better = |other: &CatalogEntry| other.state < base.state && !is_built_on(other, base);
    let has = |other: &CatalogEntry, layer: &Digest| layers(other).any(|of_other| of_other == layer);
    // Most likely it is the highest.
    layers(base).rev().any(|layer| !catalog.bases().iter().any(|other| has(other, layer) && is_better(other)))
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
    fn a_revoked_base_is_known_by_its_layers_wherever_they_lie() {
        let catalog = catalog([
            base("java", Tier::Official, State::Revoked, "dj"),
            base("debian", Tier::Official, State::Approved, "d"),
            base("alpine", Tier::Official, State::Approved, "a"),
        ]);
        for layers in ["dj", "dxj", "jd", "xdj", "dajx"] {
            assert_eq!(named(&catalog, &ids(layers)), ["java"], "{layers}");
        }
        // A layer of it alone is one that many builds have: `WORKDIR /app`.
        for layers in ["d", "dx", "j", "ajx", ""] {
            assert!(named(&catalog, &ids(layers)).is_empty(), "{layers}");
        }
    }

    #[test]
    fn empty_layers_need_not_be_there() {
        let mut java = base("java", Tier::Official, State::Revoked, "abc");
        java.layers[1].diff_id = Digest::sha256(&[0; 1024]);
        let catalog = catalog([java]);
        assert_eq!(named(&catalog, &ids("xca")), ["java"]);
        assert!(named(&catalog, &ids("a")).is_empty());
    }

    #[test]
    fn one_layer_must_be_in_no_better_base_unless_that_was_built_on_it() {
        let bases = |better: &str, state: State| {
            catalog([
                base("old", Tier::Official, State::Revoked, "ab"),
                base("better", Tier::Custom, state, better),
            ])
        };
        // Rebuilt, with a layer in common.
        assert_eq!(named(&bases("bc", State::Approved), &ids("xab")), ["old"]);
        assert_eq!(named(&bases("bc", State::Deprecated), &ids("bxca")), ["better", "old"]);
        // All are in common, so that their order alone tells the two.
        assert!(named(&bases("ba", State::Approved), &ids("ba")).is_empty());
        assert_eq!(named(&bases("ba", State::Revoked), &ids("xab")), ["better", "old"]);
        assert_eq!(named(&bases("abc", State::Approved), &ids("xab")), ["old"]);
    }

    #[test]
    fn tars_without_entries_are_known_by_their_digests() {
        let empty = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
        assert!(EMPTY_TARS.iter().any(|known| known.hex() == empty));
    }
}
