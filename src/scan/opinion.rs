//! A second opinion on gzip layers. They are read by a decoder of our own; before an image is accused of
//! a wrong diffID, another one must have come to the same.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::facts::LayerFacts;
use crate::digest::BlobDigests;
use crate::error::{Error, ErrorKind, Result};
use crate::read::{Section, SectionKey, changed};

/// What another decoder made of blobs, each of which is asked of once: many layers and images may be one
/// blob, and each time costs as much as unpacking it.
#[derive(Debug, Default)]
pub struct Opinions(BTreeMap<SectionKey, Result<()>>);

impl Opinions {
    /// Reads a gzip blob by another decoder, and holds what came of it to what we computed.
    ///
    /// # Errors
    /// The two disagree, which is a fault of this program, or the blob cannot be read, or has changed. Where
    /// the other one refuses the blob (it takes bytes behind the last member for an error) it has no opinion.
    pub fn of(&mut self, blob: &Section, ours: &LayerFacts) -> Result<()> {
        self.0.entry(blob.key()).or_insert_with(|| second_opinion(blob, ours)).clone()
    }
}

fn second_opinion(blob: &Section, layer: &LayerFacts) -> Result<()> {
    let Ok(ours) = &layer.tar else { return Ok(()) };
    let failed = |error| Error::io("the layer cannot be read again", error);
    // One byte more tells that it is longer.
    let bytes = MultiGzDecoder::new(blob.reader()).take(ours.size.saturating_add(1));
    let theirs = match BlobDigests::of(bytes, false) {
        Ok(theirs) => theirs,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::InvalidInput
                    | std::io::ErrorKind::InvalidData
                    | std::io::ErrorKind::UnexpectedEof
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(failed(error)),
    };
    if theirs.sha256 == ours.diff_id && theirs.size == ours.size {
        return Ok(());
    }
    if BlobDigests::of(blob.reader(), false).map_err(failed)?.sha256 != layer.blob.sha256 {
        return Err(changed());
    }
    let what = format!("two gzip decoders make {} and {} of the layer", ours.diff_id, theirs.sha256);
    Err(Error::new(ErrorKind::Internal, what)
        .hint("this is a fault of ocicheck; please report it with the layer, which was not judged"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::digest::Digest;
    use crate::read::ReadAt;
    use crate::scan::tar::build::Tar;
    use crate::scan::{ScanOptions, TarFacts, scan_layer};

    /// Bytes, and how often they were read.
    #[derive(Debug)]
    struct Counted(Vec<u8>, AtomicUsize);

    impl ReadAt for Counted {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(buffer, offset)
        }

        fn size(&self) -> u64 {
            self.0.size()
        }
    }

    fn gzip(tar: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        flate2::read::GzEncoder::new(tar, flate2::Compression::best()).read_to_end(&mut stored).unwrap();
        stored
    }

    /// A layer of which something else was computed.
    fn with(ours: &LayerFacts, change: impl FnOnce(&mut TarFacts)) -> LayerFacts {
        let mut tar = TarFacts::clone(ours.tar.as_ref().unwrap());
        change(&mut tar);
        LayerFacts { tar: Ok(Arc::new(tar)), ..ours.clone() }
    }

    #[test]
    fn each_blob_is_asked_of_once() {
        let tar = Tar::new().file("f", "text").end();
        let stored = gzip(&tar);
        let counted = Arc::new(Counted(stored, AtomicUsize::new(0)));
        let blob = Section::whole(Arc::<Counted>::clone(&counted));
        let ours = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
        let wrong = with(&ours, |tar| tar.diff_id = Digest::sha256(b"else"));
        for (facts, agrees) in [(&ours, true), (&wrong, false)] {
            let mut opinions = Opinions::default();
            assert_eq!(opinions.of(&blob, facts).is_ok(), agrees);
            let before = counted.1.load(Ordering::Relaxed);
            for _ in 0..100 {
                assert_eq!(opinions.of(&blob, facts).is_ok(), agrees);
            }
            assert_eq!(counted.1.load(Ordering::Relaxed), before);
        }
    }

    #[test]
    fn another_decoder_must_agree() {
        let tar = Tar::new().file("f", "some text, some text, some text").end();
        let stored = gzip(&tar);
        let blob = Section::of_bytes(stored.clone());
        let ours = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
        second_opinion(&blob, &ours).unwrap();
        // What a decoder with a fault would have computed.
        let wrong = with(&ours, |tar| tar.diff_id = Digest::sha256(b"else"));
        let error = second_opinion(&blob, &wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains(&Digest::sha256(&tar).to_string()), "{error}");
        let short = with(&ours, |tar| tar.size -= 1);
        assert!(second_opinion(&blob, &short).is_err());
        // Bytes that changed meanwhile are nobody's fault here.
        let other = Section::of_bytes(gzip(&Tar::new().file("g", "other").end()));
        let error = second_opinion(&other, &ours).unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("changed"), "{error}");
        // It has no opinion of what it does not read.
        for refused in [[stored.clone(), b"more".to_vec()].concat(), stored[..40].to_vec()] {
            second_opinion(&Section::of_bytes(refused), &wrong).unwrap();
        }
    }
}
