//! The layers of all images of an input, each stored one read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::known::{self, Known};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Image;
use crate::read::{Section, SectionKey};
use crate::scan::{Budget, LayerFacts, LayerJob, Plan, Progress, ScanOptions, scan_layers};

/// What came of each stored layer.
type Scanned = BTreeMap<SectionKey, Result<Arc<LayerFacts>>>;

/// Scans every stored layer of all images, each once; `budget` is what all of them may keep.
pub(super) fn scan(
    images: &[Image],
    plan: &Arc<Plan>,
    budget: &Arc<Budget>,
    known: &Known<'_>,
    progress: &dyn Progress,
) -> Scanned {
    let mut jobs: BTreeMap<SectionKey, LayerJob> = BTreeMap::new();
    let mut unread = Scanned::new();
    for image in images {
        let diff_ids_by_sha512 = image.configs.iter().flat_map(|config| config.diff_ids.iter().flatten());
        let diff_id_sha512 = diff_ids_by_sha512.into_iter().any(|text| text.starts_with("sha512:"));
        for (index, layer) in image.layers.iter().enumerate() {
            let Some(blob) = &layer.blob else { continue };
            let declared = layer.declared.as_ref().map(|declared| declared.digest);
            let job = jobs.entry(blob.key()).or_insert_with(|| LayerJob {
                blob: blob.clone(),
                options: ScanOptions {
                    plan: Arc::clone(plan),
                    budget: Arc::clone(budget),
                    ..ScanOptions::default()
                },
                hash_first: false,
            });
            if !job.hash_first && !unread.contains_key(&blob.key()) {
                match known::hint(known, image, index, blob) {
                    Ok(hint) => job.hash_first = hint,
                    Err(error) => drop(unread.insert(blob.key(), Err(error))),
                }
            }
            job.options.blob_sha512 |= matches!(declared, Some(Digest::Sha512(_)));
            job.options.diff_id_sha512 |= diff_id_sha512;
        }
    }
    let jobs = jobs.into_iter().filter(|(key, _)| !unread.contains_key(key));
    let (keys, mut jobs): (Vec<_>, Vec<LayerJob>) = jobs.unzip();
    for job in &mut jobs {
        // Nothing that is known has a SHA-512 of the uncompressed bytes.
        job.hash_first &= !job.options.diff_id_sha512;
    }
    let scanned = scan_layers(&jobs, known, progress);
    unread.extend(keys.into_iter().zip(scanned.into_iter().map(|facts| facts.map(Arc::new))));
    unread
}

/// Uncompressed bytes of all of them.
pub(super) fn uncompressed(scanned: &Scanned) -> u64 {
    let size = |layer: &Arc<LayerFacts>| Some(layer.tar.as_ref().ok()?.size);
    scanned.values().flatten().filter_map(size).fold(0, u64::saturating_add)
}

/// Bytes that archives and programs in all of them unpacked to.
pub(super) fn unpacked_for_components(scanned: &Scanned) -> u64 {
    let unpacked = |layer: &Arc<LayerFacts>| Some(layer.tar.as_ref().ok()?.components.as_ref()?.unpacked);
    scanned.values().flatten().filter_map(unpacked).fold(0, u64::saturating_add)
}

/// What was read of an image's layers.
pub(super) fn layers_of(image: &Image, scanned: &Scanned) -> Result<Vec<Option<Arc<LayerFacts>>>> {
    let facts = |blob: &Section| match scanned.get(&blob.key()) {
        Some(facts) => facts.clone(),
        None => Err(Error::new(ErrorKind::Internal, "a layer was not scanned")),
    };
    let layers = image.layers.iter().enumerate();
    layers
        .map(|(index, layer)| {
            layer.blob.as_ref().map(facts).transpose().map_err(|error| error.at(format!("layer {index}")))
        })
        .collect()
}
