//! Facts files: beside the catalog, one file for each base layer with all that reading it yields. With
//! it, a base layer of an image is hashed and not unpacked. docs/bases.md describes them.
//!
//! The catalog names a file by the SHA-256 of its bytes, so the bytes are known to be the catalog's
//! before anything in them is understood. Who vouches for the catalog thus vouches for the way from
//! a layer's stored digest to its diffID and facts; the stored digest itself is always computed.
//!
//! The form: `ocifacts`, the version (u32, little-endian), and one zstd frame with these fields.
//! Numbers are LEB128, byte strings have their length before them.
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
//! - the number of archives whose members are not known, and each: its entry, why.
//!
//! What the plan asked for needs no record: a layer's kept contents are held to today's plan when
//! they are used ([`crate::scan::kept_again`]), so a plan that grew makes just those files stale that lack
//! something of it. Of a layer with anomalies there is no file; `base add` takes no such layer.

mod decode;
mod encode;
mod known;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::digest::Digest;

pub use known::FactsFiles;

const MAGIC: &[u8; 8] = b"ocifacts";

/// The version of the form *and* of what reading a layer means: it goes up whenever the same layer
/// would be read as other entries, secrets or members, so that files of before are stale.
const VERSION: u32 = 5;

/// A facts file ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsFile {
    /// SHA-256 of the bytes: what the catalog calls it.
    pub digest: Digest,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The directory of a catalog's facts files: `bases.facts` beside `bases.json`.
pub fn directory_of(catalog: &Path) -> PathBuf {
    if catalog.extension().is_some_and(|extension| extension == "json") {
        return catalog.with_extension("facts");
    }
    let mut name = catalog.file_name().unwrap_or_default().to_owned();
    name.push(".facts");
    catalog.with_file_name(name)
}

/// The name of a facts file in that directory: its hexadecimal digits.
pub fn file_name(digest: &Digest) -> String {
    digest.hex()
}
