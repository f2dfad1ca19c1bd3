//! One pass over each layer: digest, diffID, entries, the content identity of each file, and the
//! few files that were asked for beforehand.
//!
//! The bytes flow `stored blob → `[`crate::codec`]` → meter (limits, diffID) → tar → `[`facts`]; nothing
//! here knows a rule, and nothing is ever written to a disk.

pub mod archives;
pub mod components;
mod crew;
pub mod elf;
mod entries;
mod extras;
pub mod facts;
pub mod known;
pub mod layer;
#[cfg(test)]
mod limit_tests;
mod meter;
pub mod opinion;
pub mod packed;
pub mod pipeline;
pub mod plan;
mod relay;
pub mod room;
pub mod second;
pub mod secrets;
mod stored;
pub(crate) mod tar;
pub mod toc;

pub use archives::Archives;
pub use components::{Component, Components};
pub use elf::Elf;
pub use extras::{ExtraFields, Extras};
pub use facts::{Entry, EntryKind, LayerFacts, TarFacts, Unread};
pub use known::KnownLayers;
pub use layer::{ScanOptions, scan_layer};
pub use opinion::Opinions;
pub use pipeline::{LayerJob, Progress, scan_layers};
pub use plan::Plan;
pub use room::{Budget, Ceiling, Limit};
pub use second::{OldAlgorithms, OldDigests, hash_entries, known_entries, read_entries};
pub use secrets::{Secret, Secrets};
pub use toc::Tables;

#[cfg(test)]
pub(crate) mod build {
    pub(crate) use super::archives::build::*;
    pub(crate) use super::tar::build::*;
}
