//! Secrets in the bytes of files, and in texts such as variables and build steps.
//!
//! The probe sees every file of a layer as it streams by. One search finds *clues*, literal bytes that each
//! kind of secret has; what stands around a clue is then read by a small matcher that looks no further than
//! [`crate::limits::SECRET_AHEAD_BYTES`]. So a file without clues costs one search, and a file of nothing but clues
//! time in proportion to its size. Files that are known by their names to hold secrets, and small configuration files, are
//! read whole besides. Archives within a file are not opened.
//!
//! Nothing here keeps a secret: only its kind, place and length.

#[cfg(test)]
mod cost_tests;
mod keys;
mod kinds;
mod named;
mod probe;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

use std::fmt;

pub use kinds::{Kind, Weight, all_kinds, kind};
pub(crate) use probe::Probe;
pub use text::{Found, in_assignment, in_text, in_words, mask_assignment, mask_text, mask_words};

/// A secret in a file of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret {
    /// Index of the file's entry in [`super::TarFacts::entries`].
    pub entry: usize,
    /// Its first byte in the file.
    pub offset: u64,
    /// Its line, from 1; `None` in files that are no text, and far from the beginning of large ones.
    pub line: Option<u64>,
    /// Its bytes, as far as they were looked at.
    pub length: u64,
    /// What it is.
    pub kind: &'static Kind,
}

/// Why a file was not looked at in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// It is known by its name and larger than [`crate::limits::SECRET_FORM_BYTES`].
    LargeForm,
    /// It has more secrets than [`crate::limits::FILE_SECRETS`].
    ManyInFile,
    /// The layer has more secrets than [`crate::limits::LAYER_SECRETS`].
    ManyInLayer,
    /// It is a keystore whose entries go on beyond [`crate::limits::SECRET_CHUNK_BYTES`].
    LargeKeystore,
}

impl Gap {
    /// All, in the order of their numbers in facts files.
    pub const ALL: [Gap; 4] = [Self::LargeForm, Self::ManyInFile, Self::ManyInLayer, Self::LargeKeystore];
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LargeForm => "is larger than the limit SECRET_FORM_BYTES",
            Self::ManyInFile => "has more secrets than the limit FILE_SECRETS",
            Self::ManyInLayer => "is in a layer with more secrets than the limit LAYER_SECRETS",
            Self::LargeKeystore => "is a keystore larger than the limit SECRET_CHUNK_BYTES",
        })
    }
}

/// What a layer's files hold of secrets, by entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// In the order of entries and offsets.
    pub found: Vec<Secret>,
    /// Files that were not looked at in full, in the order of entries; the first
    /// [`crate::limits::LAYER_SECRET_GAPS`] of them.
    pub gaps: Vec<(usize, Gap)>,
}

impl Secrets {
    /// What they take of memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        (self.found.len() * size_of::<Secret>() + self.gaps.len() * size_of::<(usize, Gap)>()) as u64
    }
}

/// A place in a slice where a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Match {
    start: usize,
    length: usize,
    kind: &'static Kind,
}
