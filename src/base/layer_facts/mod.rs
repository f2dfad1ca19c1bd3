//! Facts files: beside the catalog, one file for each base layer with all that reading it yields. With
//! it, a base layer of an image is hashed and not unpacked. docs/bases.md describes them.
//!
//! The catalog names a file by the SHA-256 of its bytes, so the bytes are known to be the catalog's
//! before anything in them is understood. Who vouches for the catalog thus vouches for the way from
//! a layer's stored digest to its diffID and facts; the stored digest itself is always computed.
//!
//! The form: `ocifacts`, the version (u32, little-endian), and what [`crate::scan::packed`] makes of the
//! facts.
//!
//! What the plan asked for needs no record: a layer's kept contents are held to today's plan when
//! they are used ([`Unpacked::into_facts`]), so a plan that grew makes just those files stale that lack
//! something of it. Of a layer with anomalies there is no file; `base add` takes no such layer.

mod known;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::scan::packed::{self, Contents, Unpacked, VERSION};
use crate::scan::{LayerFacts, TarFacts};

pub use known::FactsFiles;

const MAGIC: &[u8; 8] = b"ocifacts";

/// A base is taken once and checked often, so some time for a small file is well spent.
const ZSTD_LEVEL: i32 = 12;

/// A hundred MB of rpm database would take ten seconds more, to be a few hundredths smaller.
const ZSTD_LEVEL_LARGE: i32 = 6;

/// Bytes before compression from which on that level is taken.
const LARGE: usize = 32 << 20;

/// A facts file ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsFile {
    /// SHA-256 of the bytes: what the catalog calls it.
    pub digest: Digest,
    /// The file.
    pub bytes: Vec<u8>,
}

impl FactsFile {
    /// The facts file of a layer; `more` are contents that were read beside the captured ones, by entry.
    ///
    /// `None` for a layer that is to be read each time: one that was not read whole, archives and components, has
    /// anomalies, or is too large to be worth it ([`limits::FACTS_FILE_BYTES`]).
    pub fn of(layer: &LayerFacts, more: &Contents) -> Option<Self> {
        let whole = |tar: &&Arc<TarFacts>| tar.archives.is_some() && tar.components.is_some();
        let tar = layer.tar.as_ref().ok().filter(|_| layer.anomalies.is_empty()).filter(whole)?;
        let level = |bytes| if bytes > LARGE { ZSTD_LEVEL_LARGE } else { ZSTD_LEVEL };
        let packed = packed::pack(tar, more, level)?;
        let bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &packed].concat();
        let fits = bytes.len() as u64 <= limits::FACTS_FILE_BYTES;
        fits.then(|| Self { digest: Digest::sha256(&bytes), bytes })
    }

    /// What a file holds; `None` for one of another version.
    fn read(bytes: &[u8]) -> Result<Option<Unpacked>> {
        let cut_short = || Error::invalid("it is cut short");
        let (magic, rest) = bytes.split_first_chunk().ok_or_else(cut_short)?;
        let (version, frame) = rest.split_first_chunk().ok_or_else(cut_short)?;
        if magic != MAGIC {
            return Err(Error::invalid("it is none by its first bytes"));
        }
        if u32::from_le_bytes(*version) != VERSION {
            return Ok(None);
        }
        Unpacked::read(frame).map(Some)
    }
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
