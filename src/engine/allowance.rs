//! What all images of an input may cost together: a layer is stored and scanned once, and listed by as many images, and as
//! often, as somebody likes.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits;
use crate::scan::LayerFacts;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Allowance {
    entries: u64,
    read_again: u64,
}

impl Allowance {
    /// Of an input whose stored layers have so many uncompressed bytes.
    pub(super) fn of(uncompressed: u64) -> Self {
        Self::within(limits::INPUT_LISTED_ENTRIES, uncompressed.saturating_mul(limits::LAYER_READS))
    }

    fn within(entries: u64, read_again: u64) -> Self {
        Self { entries, read_again }
    }

    /// Takes the layers of one image, as it lists them.
    ///
    /// # Errors
    /// [`limits::INPUT_LISTED_ENTRIES`].
    pub(super) fn list(&mut self, layers: &[Option<Arc<LayerFacts>>]) -> Result<()> {
        let entries = |layer: &Arc<LayerFacts>| layer.tar.as_ref().map_or(0, |tar| tar.entries.len());
        let listed: u64 = layers.iter().flatten().map(|layer| entries(layer) as u64 + PER_LAYER).sum();
        let left = self.entries.checked_sub(listed).ok_or_else(|| {
            let what = "how many entries the layers of all images have, each layer as often as it is listed";
            Error::limit(what, "INPUT_LISTED_ENTRIES", limits::INPUT_LISTED_ENTRIES)
                .hint("check fewer images at once")
        })?;
        self.entries = left;
        Ok(())
    }

    /// Takes one more read of a layer of so many uncompressed bytes.
    ///
    /// # Errors
    /// [`limits::LAYER_READS`].
    pub(super) fn read_again(&mut self, uncompressed: u64) -> Result<()> {
        self.read_again = self.read_again.checked_sub(uncompressed).ok_or_else(|| {
            Error::limit("how often layers are read again", "LAYER_READS", limits::LAYER_READS)
        })?;
        Ok(())
    }
}

/// What a layer costs that has no entries.
const PER_LAYER: u64 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Section;
    use crate::scan::build::Tar;
    use crate::scan::{ScanOptions, scan_layer};

    #[test]
    fn listed_entries_are_held_to_input_listed_entries_over_all_images() {
        let tar = Tar::new().file("a", "x").file("b", "x").end();
        let scanned = scan_layer(&Section::of_bytes(tar), &ScanOptions::default(), &()).unwrap();
        let layer = Some(Arc::new(scanned));
        let mut allowance = Allowance::within(3 * (2 + PER_LAYER), 0);
        allowance.list(&[layer.clone(), layer.clone(), None]).unwrap();
        allowance.list(std::slice::from_ref(&layer)).unwrap();
        let error = allowance.list(&[layer]).unwrap_err().to_string();
        assert!(error.contains("INPUT_LISTED_ENTRIES"), "{error}");
    }

    #[test]
    fn further_reads_of_layers_are_held_to_layer_reads() {
        let mut allowance = Allowance::of(100);
        (0..limits::LAYER_READS).for_each(|_| allowance.read_again(100).unwrap());
        let error = allowance.read_again(1).unwrap_err().to_string();
        assert!(error.contains("LAYER_READS"), "{error}");
        assert!(allowance.read_again(0).is_ok());
    }
}
