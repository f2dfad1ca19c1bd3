//! Layers that need not be unpacked, because what an earlier reading of the same stored bytes yielded
//! is known: they are hashed only.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::facts::{Entry, EntryKind, LayerFacts, TarFacts};
use super::layer::ScanOptions;
use super::meter;
use super::packed::Contents;
use super::pipeline::Progress;
use super::plan::Plan;
use super::room::{Budget, Room};
use super::stored::Tap;
use crate::codec::{self, HEAD_BYTES};
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, Result};
use crate::model::descriptor::Compression;
use crate::read::Section;

/// What is known of layers by the digests of their stored bytes. `()` knows nothing.
pub trait KnownLayers: Send + Sync {
    /// Whether a blob that is said to have this digest is worth being hashed first; `plain` where it is
    /// not compressed.
    fn may_know(&self, stored: &Digest, plain: bool) -> bool;

    /// All that reading a blob with these computed digests would yield, for a layer without anomalies.
    /// `None` where that is not known; the blob is read then.
    fn tar_facts(
        &self,
        stored: &BlobDigests,
        compression: Compression,
        options: &ScanOptions,
    ) -> Option<Arc<TarFacts>>;
}

impl KnownLayers for () {
    fn may_know(&self, _: &Digest, _: bool) -> bool {
        false
    }

    fn tar_facts(&self, _: &BlobDigests, _: Compression, _: &ScanOptions) -> Option<Arc<TarFacts>> {
        None
    }
}

/// Hashes a blob and looks it up; `None` where it is to be read.
pub(super) fn scan_known(
    blob: &Section,
    options: &ScanOptions,
    known: &dyn KnownLayers,
    progress: &dyn Progress,
) -> Result<Option<LayerFacts>> {
    let failed = |error| Error::io("the layer cannot be read", error);
    let compression = codec::detect(&blob.head(HEAD_BYTES).map_err(failed)?);
    let reader = Tap { reader: blob.reader(), seen: |bytes: &[u8]| progress.add_bytes(bytes.len() as u64) };
    let stored = BlobDigests::of(reader, options.blob_sha512).map_err(failed)?;
    let tar = known.tar_facts(&stored, compression, options);
    // Under higher limits it was read, and today it may be too large.
    let tar = tar.filter(|tar| meter::allows(tar, stored.size, options.plan.limits()));
    if let Some(tar) = &tar {
        options.budget.hold(tar.held(&options.plan))?;
    }
    Ok(tar.map(|tar| LayerFacts { blob: stored, compression, tar: Ok(tar), anomalies: Vec::new() }))
}

/// Contents of a layer's files.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// As reading would keep them.
    pub(super) captured: Contents,
    /// As reading would tell them.
    pub(super) not_captured: BTreeMap<usize, Error>,
    /// The others.
    pub(super) beside: Contents,
}

/// What reading a layer without anomalies by this plan would keep, taken from `contents` that were
/// kept before. `None` where the plan wants a file that is not among them.
pub(super) fn kept_again(
    entries: &[Entry],
    mut contents: Contents,
    plan: &Plan,
    budget: &Budget,
) -> Option<Kept> {
    let mut kept = Kept::default();
    let mut room = Room::new(budget);
    for (index, entry) in entries.iter().enumerate() {
        let Some(ceiling) = plan.wants(&entry.path).filter(|_| entry.kind == EntryKind::File) else {
            continue;
        };
        match room.take(entry, ceiling) {
            Ok(()) => drop(kept.captured.insert(index, contents.remove(&index)?)),
            Err(error) => {
                contents.remove(&index);
                kept.not_captured.insert(index, error);
            }
        }
    }
    kept.beside = contents;
    Some(kept)
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
