//! What the package databases of each reading say of its files: which changes of the base come from packages, and which
//! files are not what their packages say. What both need hashed is hashed together.

use super::image::Shared;
use crate::base::Upgrades;
use crate::base::upgrades::Claims;
use crate::error::Result;
use crate::facts::{Facts, Verified};
use crate::limits::{Deadline, Limits};
use crate::packages::packed::{Digests, Wanted};
use crate::packages::verify::{self, HeldLayers, Room, Scope, Verification};
use crate::packages::{Databases, installed::Content};
use crate::rootfs::{Inode, Rootfs};

/// Looks for the packages behind each reading's changes, and holds the files of `layers` to their packages.
///
/// # Errors
/// The time is up, or the host's: a layer that could not be read again.
pub(super) fn look(
    facts: &mut Facts,
    layers: Option<HeldLayers>,
    limits: &Limits,
    shared: &mut Shared,
) -> Result<()> {
    let (upgrades, verified) = looked_at(facts, layers, limits, shared)?;
    facts.upgrades = upgrades;
    facts.verified = verified;
    Ok(())
}

fn looked_at(
    facts: &Facts,
    layers: Option<HeldLayers>,
    limits: &Limits,
    shared: &mut Shared,
) -> Result<(Vec<Upgrades>, Option<Verified>)> {
    let Ok(rootfs) = &facts.rootfs else { return Ok((Vec::new(), None)) };
    let content = |inode: &Inode| facts.content(inode);
    let changed = claims_of_changes(facts, rootfs, &content, limits.deadline)?;
    let held = match layers {
        Some(layers) => claims_of_files(facts, rootfs, layers, &content, limits.deadline)?,
        None => Vec::new(),
    };
    let mut wanted = Wanted::new();
    changed.iter().for_each(|claims| claims.want(&mut wanted));
    held.iter().for_each(|claims| claims.want(&mut wanted));
    let computed: Digests = shared.digests.of(facts, &wanted, limits, &mut shared.allowance)?;
    let settled = changed.into_iter().zip(&facts.changes);
    limits.deadline.check()?;
    let upgrades = settled.map(|(claims, comparison)| claims.settle(comparison, &computed)).collect();
    let readings: Vec<Verification> = held.into_iter().map(|claims| claims.settle(&computed)).collect();
    Ok((upgrades, layers.map(|layers| Verified { layers, readings })))
}

fn claims_of_changes(
    facts: &Facts,
    rootfs: &Rootfs,
    content: Content<'_>,
    deadline: Deadline,
) -> Result<Vec<Claims>> {
    let claims = rootfs.readings.iter().zip(&facts.changes).map(|(reading, comparison)| {
        deadline.check()?;
        let databases = |tree| Databases::new(tree, content);
        Ok(Claims::of(&databases(&reading.base), &databases(&reading.effective), comparison))
    });
    claims.collect()
}

/// None where only upper layers count and there is no base below them.
fn claims_of_files(
    facts: &Facts,
    rootfs: &Rootfs,
    layers: HeldLayers,
    content: Content<'_>,
    deadline: Deadline,
) -> Result<Vec<verify::Claims>> {
    let base_layers = facts.base.base_layers();
    let first_layer = match layers {
        HeldLayers::All => 0,
        HeldLayers::Upper if base_layers == 0 => return Ok(Vec::new()),
        HeldLayers::Upper => base_layers,
    };
    let mut room = Room::default();
    let claims = rootfs.readings.iter().map(|reading| {
        let databases = |tree| Databases::new(tree, content);
        let (before, after) = (databases(&reading.base), databases(&reading.effective));
        let scope = Scope { first_layer, before: (base_layers > 0).then_some(&before) };
        verify::Claims::of(&after, &scope, &mut room, deadline)
    });
    claims.collect()
}
