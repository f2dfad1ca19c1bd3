//! Facts as bytes: what reading a layer yielded, packed to be kept and taken for reading the same bytes
//! again. Who keeps them, as [`crate::base::layer_facts`] does, knows by a digest or a MAC that
//! they are those that were packed.
//!
//! The form: one zstd frame with these fields. Numbers are LEB128, byte strings have their length before
//! them.
//!
//! - the diffID's 32 bytes, the uncompressed size;
//! - the number of entries, and each: a byte for its kind and what follows, path, mode, uid, gid, size,
//!   mtime (zigzag); then, where the byte says so, content's SHA-256, what an ELF file's
//!   head says (machine, type, class, data; a kind of its own says so), raw path, link, extended
//!   attributes, device;
//! - the number of kept contents, and each: its entry's index as the distance from the last, the bytes;
//! - the number of secrets, and each: its entry, offset, line (0 for none), length, the kind's name and prefix;
//! - the number of files not looked at in full for secrets, and each: its entry, why;
//! - the number of archives with members, and each: its entry, the members' names, each after its length;
//! - the number of archives whose members are not known, and each: its entry, why;
//! - the number of files with components, and each: its entry, how many, and of each of them: ecosystem and evidence
//!   by their numbers, name, version, the member it was found in (empty for none);
//! - the number of files in which components may be missing, and each: its entry, why.
//!
//! The same facts give the same fields.

mod decode;
mod encode;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use decode::Unpacked;

use super::TarFacts;

/// The version of the form *and* of what reading a layer means: it goes up whenever the same layer
/// would be read as other entries, secrets, members or components, so that what was packed before is stale.
pub const VERSION: u32 = 13;

/// Contents of a layer's files, by index of their entry.
pub type Contents = BTreeMap<usize, Arc<[u8]>>;

/// Packs the facts of a layer without anomalies; `more` are contents that were read beside the captured
/// ones. `level` tells the zstd level by the bytes before compression.
///
/// `None` for facts that are too large to be kept, or that the form does not know.
pub fn pack(tar: &TarFacts, more: &Contents, level: impl FnOnce(usize) -> i32) -> Option<Vec<u8>> {
    let fields = encode::fields(tar, more)?;
    zstd::bulk::compress(&fields, level(fields.len())).ok()
}
