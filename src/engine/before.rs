//! Layers that images read before in the same run had too: of several archives that stand on one base,
//! the first has its layers read, and the others have them hashed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::{BlobDigests, Digest};
use crate::limits;
use crate::model::descriptor::Compression;
use crate::scan::{KnownLayers, LayerFacts, ScanOptions, TarFacts};

/// What was read before, by the computed digest of the stored bytes.
///
/// It holds for one plan: that of the engine that it belongs to.
#[derive(Debug, Default)]
pub struct ReadBefore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Those used last stand last.
    layers: VecDeque<(Digest, Arc<TarFacts>)>,
    bytes: u64,
}

impl ReadBefore {
    /// Keeps a layer, unless there is something wrong with it.
    pub(super) fn keep(&self, layer: &LayerFacts) {
        let Ok(tar) = &layer.tar else { return };
        let bytes = tar.memory();
        if !layer.anomalies.is_empty() || bytes > limits::FACTS_KEPT_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(&layer.blob.sha256);
        kept.layers.push_back((layer.blob.sha256, Arc::clone(tar)));
        kept.bytes += bytes;
        while kept.bytes > limits::FACTS_KEPT_BYTES
            && let Some((oldest, _)) = kept.layers.front().cloned()
        {
            kept.forget(&oldest);
        }
    }

    fn get(&self, digest: &Digest) -> Option<Arc<TarFacts>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.layers.iter().find(|(known, _)| known == digest).map(|(_, tar)| Arc::clone(tar))
    }
}

impl Kept {
    fn forget(&mut self, digest: &Digest) {
        let place = self.layers.iter().position(|(known, _)| known == digest);
        if let Some((_, tar)) = place.and_then(|place| self.layers.remove(place)) {
            self.bytes = self.bytes.saturating_sub(tar.memory());
        }
    }
}

impl KnownLayers for ReadBefore {
    fn may_know(&self, stored: &Digest, _: bool) -> bool {
        self.get(stored).is_some()
    }

    fn tar_facts(&self, stored: &BlobDigests, _: Compression, _: &ScanOptions) -> Option<Arc<TarFacts>> {
        self.get(&stored.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Anomaly, Fault, ImagePath};
    use crate::read::Section;
    use crate::scan::{LayerJob, Plan, scan_layer, scan_layers};

    /// A layer with a file of this size, whose content is kept.
    fn layer(name: &str, size: usize) -> LayerFacts {
        let tar = crate::scan::build::Tar::new().file(name, &"x".repeat(size)).end();
        let mut plan = Plan::new(limits::Limits { captured_file_bytes: 1 << 30, ..Default::default() });
        plan.capture(ImagePath::new(name));
        let options = ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() };
        scan_layer(&Section::of_bytes(tar), &options, &()).unwrap()
    }

    #[test]
    fn a_layer_that_was_read_is_hashed_the_next_time() {
        let before = ReadBefore::default();
        let tar = crate::scan::build::Tar::new().file("f", "x").end();
        let job =
            LayerJob { blob: Section::of_bytes(tar), options: ScanOptions::default(), hash_first: true };
        let read =
            |known: &ReadBefore| scan_layers(std::slice::from_ref(&job), known, &()).remove(0).unwrap();
        let first = read(&before);
        before.keep(&first);
        let again = read(&before);
        assert!(Arc::ptr_eq(first.tar.as_ref().unwrap(), again.tar.as_ref().unwrap()));
        assert_eq!(again.blob, first.blob);
    }

    #[test]
    fn the_oldest_make_room_and_spoilt_layers_are_not_kept() {
        let before = ReadBefore::default();
        let known = |layer: &LayerFacts| before.may_know(&layer.blob.sha256, true);
        let third = (limits::FACTS_KEPT_BYTES / 3) as usize;
        let layers = ["a", "b", "c"].map(|name| layer(name, third - 1_000));
        layers.iter().for_each(|layer| before.keep(layer));
        assert!(layers.iter().all(known));
        // One that is used again is the newest.
        before.keep(&layers[0]);
        let more = layer("d", third - 1_000);
        before.keep(&more);
        assert_eq!(layers.each_ref().map(known), [true, false, true]);
        assert!(known(&more));
        let mut spoilt = layer("e", 1);
        spoilt.anomalies.push(Anomaly::new(Fault::TrailingData, "x"));
        before.keep(&spoilt);
        assert!(!known(&spoilt));
    }
}
