//! What is broken or ambiguous in an image that can still be read.

use super::path::ImagePath;

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
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
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

    /// Marks it as critical.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.critical = true;
        self
    }
}
