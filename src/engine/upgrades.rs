//! What package managers did to the base: the package databases of each reading, and one more read of
//! those layers that hold a file of which a package tells an MD5 or SHA-1.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Upgrades;
use crate::base::upgrades::{Claims, Place};
use crate::error::Result;
use crate::facts::Facts;
use crate::limits::Limits;
use crate::packages::Databases;
use crate::rootfs::Inode;
use crate::scan::{OldDigests, hash_entries};

/// Looks for the packages behind each reading's changes.
///
/// # Errors
/// Only the host's: a layer that could not be read again.
pub(super) fn upgrades(facts: &Facts, limits: &Limits) -> Result<Vec<Upgrades>> {
    let Ok(rootfs) = &facts.rootfs else { return Ok(Vec::new()) };
    let content = |inode: &Inode| facts.content(inode);
    let claims = rootfs.readings.iter().zip(&facts.changes).map(|(reading, comparison)| {
        let databases = |tree| Databases::new(tree, &content);
        Claims::of(&databases(&reading.base), &databases(&reading.effective), comparison)
    });
    let claims: Vec<_> = claims.collect();
    let wanted = claims.iter().flat_map(Claims::wanted).collect();
    let digests = digests(facts, wanted, limits)?;
    let settled = claims.into_iter().zip(&facts.changes);
    Ok(settled.map(|(claims, comparison)| claims.settle(comparison, &digests)).collect())
}

fn digests(facts: &Facts, wanted: BTreeSet<Place>, limits: &Limits) -> Result<BTreeMap<Place, OldDigests>> {
    let mut by_layer: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (layer, entry) in wanted {
        by_layer.entry(layer).or_default().insert(entry);
    }
    let mut digests = BTreeMap::new();
    for (layer, entries) in by_layer {
        let blob = facts.image.layers.get(layer).and_then(|layer| layer.blob.as_ref());
        let Some(blob) = blob else { continue };
        match hash_entries(blob, facts.entries(layer), &entries, limits) {
            // What could not be hashed is not what its package says.
            Ok(read) => digests
                .extend(read.into_iter().filter_map(|(entry, digest)| Some(((layer, entry), digest.ok()?)))),
            Err(error) if error.is_of_the_host() => return Err(error.at(format!("layer {layer}"))),
            Err(_) => {}
        }
    }
    Ok(digests)
}
