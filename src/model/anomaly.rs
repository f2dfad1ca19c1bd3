//! What is broken or ambiguous in an image that can still be read.

use super::path::ImagePath;
use crate::error::{Error, Result};
use crate::limits;

/// The kinds of broken or ambiguous input. Each is the one input of the rule of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A blob's bytes or size differ from what its descriptor says.
    DigestMismatch,
    /// A layer's uncompressed bytes differ from the config's diffID.
    DiffIdMismatch,
    /// The manifest and the config disagree on how many layers there are.
    LayerCountMismatch,
    /// A blob that the image refers to is not there.
    BlobMissing,
    /// A layer that could not be read, and so was not judged.
    LayerUnsupported,
    /// JSON that two readers read differently.
    AmbiguousJson,
    /// An entry that two runtimes apply differently.
    AmbiguousEntry,
    /// Two headers give one entry two names or sizes.
    AmbiguousHeader,
    /// The media type says another form than the bytes have.
    MediaTypeMismatch,
    /// Bytes behind an end mark.
    TrailingData,
    /// One path twice in a layer, or one name twice in an archive.
    DuplicateEntry,
    /// A blob that nothing refers to.
    UnreferencedBlob,
    /// The history does not fit the layers.
    HistoryMismatch,
    /// A path or hard-link target that leaves the root.
    PathEscapesRoot,
    /// A hard link to nothing.
    BrokenHardlink,
    /// Bytes of a layer that decode to nothing.
    UnreadData,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::DigestMismatch,
        Self::DiffIdMismatch,
        Self::LayerCountMismatch,
        Self::BlobMissing,
        Self::LayerUnsupported,
        Self::AmbiguousJson,
        Self::AmbiguousEntry,
        Self::AmbiguousHeader,
        Self::MediaTypeMismatch,
        Self::TrailingData,
        Self::DuplicateEntry,
        Self::UnreferencedBlob,
        Self::HistoryMismatch,
        Self::PathEscapesRoot,
        Self::BrokenHardlink,
        Self::UnreadData,
    ];

    /// The name of the rule that tells of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DigestMismatch => "digest-mismatch",
            Self::DiffIdMismatch => "diff-id-mismatch",
            Self::LayerCountMismatch => "layer-count-mismatch",
            Self::BlobMissing => "blob-missing",
            Self::LayerUnsupported => "layer-unsupported",
            Self::AmbiguousJson => "ambiguous-json",
            Self::AmbiguousEntry => "ambiguous-entry",
            Self::AmbiguousHeader => "ambiguous-header",
            Self::MediaTypeMismatch => "media-type-mismatch",
            Self::TrailingData => "trailing-data",
            Self::DuplicateEntry => "duplicate-entry",
            Self::UnreferencedBlob => "unreferenced-blob",
            Self::HistoryMismatch => "history-mismatch",
            Self::PathEscapesRoot => "path-escapes-root",
            Self::BrokenHardlink => "broken-hardlink",
            Self::UnreadData => "unread-data",
        }
    }
}

/// One broken or ambiguous thing, where it is and how it shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anomaly {
    /// What kind of thing.
    pub fault: Fault,
    /// Index of the layer in its image, where it concerns one.
    pub layer: Option<usize>,
    /// Path in the image, where it concerns one.
    pub path: Option<ImagePath>,
    /// One clause for people, without a full stop. What it quotes from the image is escaped.
    pub message: String,
    /// Named values that prove it: `declared`, `computed`, …
    pub evidence: Vec<(&'static str, String)>,
    /// Worse than the rule's usual severity: two readers would run different images.
    pub critical: bool,
}

impl Anomaly {
    /// An anomaly of the image as a whole.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            layer: None,
            path: None,
            message: message.into(),
            evidence: Vec::new(),
            critical: false,
        }
    }

    /// Names the path it concerns.
    #[must_use]
    pub fn path(mut self, path: &ImagePath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// Names the layer it concerns.
    #[must_use]
    pub fn layer(mut self, index: usize) -> Self {
        self.layer = Some(index);
        self
    }

    /// Adds a named value that proves it.
    #[must_use]
    pub fn evidence(mut self, name: &'static str, value: impl ToString) -> Self {
        self.evidence.push((name, value.to_string()));
        self
    }

    /// What it takes of memory, in bytes.
    pub fn memory(&self) -> u64 {
        let path = self.path.as_ref().map_or(0, |path| path.as_bytes().len());
        let evidence = self.evidence.iter().map(|(_, value)| size_of::<(&str, String)>() + value.len());
        (size_of::<Self>() + path + self.message.len() + evidence.sum::<usize>()) as u64
    }

    /// Marks it as critical.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.critical = true;
        self
    }
}

/// Anomalies told so far, held to limits on their number and on what they take of memory.
#[derive(Debug)]
pub struct Anomalies {
    list: Vec<Anomaly>,
    bytes: u64,
    most: Most,
}

#[derive(Debug, Clone, Copy)]
struct Most {
    count: (&'static str, usize),
    bytes: (&'static str, u64),
}

impl Anomalies {
    /// Those of one layer's bytes.
    pub fn of_layer() -> Self {
        Self::within(Most {
            count: ("LAYER_ANOMALIES", limits::LAYER_ANOMALIES),
            bytes: ("LAYER_ANOMALY_BYTES", limits::LAYER_ANOMALY_BYTES),
        })
    }

    /// Those of an image's tree, or of an archive.
    pub fn of_image() -> Self {
        Self::within(Most {
            count: ("IMAGE_ANOMALIES", limits::IMAGE_ANOMALIES),
            bytes: ("IMAGE_ANOMALY_BYTES", limits::IMAGE_ANOMALY_BYTES),
        })
    }

    fn within(most: Most) -> Self {
        Self { list: Vec::new(), bytes: 0, most }
    }

    /// Adds one.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub fn push(&mut self, anomaly: Anomaly) -> Result<()> {
        let Most { count, bytes } = self.most;
        if self.list.len() >= count.1 {
            return Err(Error::limit("the number of anomalies", count.0, count.1 as u64));
        }
        self.bytes = self.bytes.saturating_add(anomaly.memory());
        if self.bytes > bytes.1 {
            return Err(Error::limit("what the anomalies take of memory", bytes.0, bytes.1));
        }
        self.list.push(anomaly);
        Ok(())
    }

    /// Adds those of an iterator, no more of which is asked for once a limit is exceeded.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn extend(&mut self, anomalies: impl IntoIterator<Item = Anomaly>) -> Result<()> {
        anomalies.into_iter().try_for_each(|anomaly| self.push(anomaly))
    }

    /// Those told so far, in their order.
    pub fn as_slice(&self) -> &[Anomaly] {
        &self.list
    }

    /// What they take of memory.
    pub fn memory(&self) -> u64 {
        self.bytes
    }

    /// Takes them out.
    pub fn into_vec(self) -> Vec<Anomaly> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anomalies_are_held_to_their_number() {
        for (mut anomalies, name, most) in [
            (Anomalies::of_layer(), "LAYER_ANOMALIES", limits::LAYER_ANOMALIES),
            (Anomalies::of_image(), "IMAGE_ANOMALIES", limits::IMAGE_ANOMALIES),
        ] {
            let short = || Anomaly::new(Fault::DuplicateEntry, "x");
            (0..most).for_each(|_| anomalies.push(short()).unwrap());
            let error = anomalies.push(short()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the number of anomalies exceeds the limit {name} ({most})")
            );
            assert_eq!(anomalies.as_slice().len(), most);
        }
    }

    #[test]
    fn anomalies_are_held_to_their_bytes() {
        for (mut anomalies, name, most) in [
            (Anomalies::of_layer(), "LAYER_ANOMALY_BYTES", limits::LAYER_ANOMALY_BYTES),
            (Anomalies::of_image(), "IMAGE_ANOMALY_BYTES", limits::IMAGE_ANOMALY_BYTES),
        ] {
            let path = ImagePath::new(vec![b'p'; 4_000]);
            let long = || {
                Anomaly::new(Fault::PathEscapesRoot, "m".repeat(16_000))
                    .path(&path)
                    .evidence("written", "w".repeat(20_000))
            };
            let whole = most / long().memory();
            assert!((40_000..41_000).contains(&long().memory()));
            (0..whole).for_each(|_| anomalies.push(long()).unwrap());
            let error = anomalies.push(long()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
