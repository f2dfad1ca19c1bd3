//! Which layers are worth hashing first: those that are said to be catalogued or cached. What is said
//! decides only how a layer is read, never what it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::before::ReadBefore;
use super::plan;
use crate::base::{Catalog, FactsFiles};
use crate::cache::Cache;
use crate::codec::{self, HEAD_BYTES};
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::model::Image;
use crate::model::descriptor::Compression;
use crate::read::Section;
use crate::scan::{KnownLayers, ScanOptions, TarFacts};

/// The facts files of a catalog, for what the rules want today.
pub fn facts_files(catalog: &Catalog, directory: &Path, limits: Limits) -> FactsFiles {
    FactsFiles::new(catalog, directory, plan(limits))
}

/// All that is known of layers before they are read.
pub(super) struct Known<'a> {
    pub(super) files: Option<&'a FactsFiles>,
    pub(super) cache: Option<&'a Cache>,
    pub(super) before: Option<&'a ReadBefore>,
    /// Blobs that facts files knew; they need no entry of the cache.
    by_files: Mutex<BTreeSet<Digest>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        files: Option<&'a FactsFiles>,
        cache: Option<&'a Cache>,
        before: Option<&'a ReadBefore>,
    ) -> Self {
        Self { files, cache, before, by_files: Mutex::default() }
    }

    fn by_files(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.by_files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was read of an image's layers.
    pub(super) fn keep(&self, facts: &Facts) {
        if let Some(before) = self.before {
            facts.layers.iter().flatten().for_each(|layer| before.keep(layer));
        }
        let Some(cache) = self.cache else { return };
        for (index, layer) in facts.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            let is_base = self.by_files().contains(&layer.blob.sha256);
            if !is_base {
                cache.keep(layer, &facts.second_read_of(index));
            }
        }
    }
}

impl KnownLayers for Known<'_> {
    fn may_know(&self, stored: &Digest, plain: bool) -> bool {
        self.before.is_some_and(|before| before.may_know(stored, plain))
            || self.files.is_some_and(|files| files.may_know(stored, plain))
            || self.cache.is_some_and(|cache| cache.may_know(stored, plain))
    }

    fn tar_facts(
        &self,
        stored: &BlobDigests,
        compression: Compression,
        options: &ScanOptions,
    ) -> Option<Arc<TarFacts>> {
        let before = self.before.and_then(|before| before.tar_facts(stored, compression, options));
        if before.is_some() {
            return before;
        }
        let by_files = self.files.and_then(|files| files.tar_facts(stored, compression, options));
        if by_files.is_some() {
            self.by_files().insert(stored.sha256);
        }
        by_files.or_else(|| self.cache?.tar_facts(stored, compression, options))
    }
}

/// Whether a layer is said to be a known one: by its descriptor, or else, in docker archives, by its
/// file's name or (where it is not compressed) the config's diffID.
///
/// # Errors
/// The host's: its first bytes cannot be read.
pub(super) fn hint(known: &dyn KnownLayers, image: &Image, index: usize, blob: &Section) -> Result<bool> {
    let Some(layer) = image.layers.get(index) else { return Ok(false) };
    let head = blob.head(HEAD_BYTES).map_err(|error| Error::io("the layer cannot be read", error))?;
    let plain = codec::detect(&head) == Compression::None;
    if let Some(declared) = &layer.declared {
        return Ok(known.may_know(&declared.digest, plain));
    }
    let mut said: Vec<Digest> = named(&layer.name).into_iter().collect();
    if plain {
        let diff_ids = image.configs.iter().filter_map(|config| config.diff_ids.as_ref()?.get(index));
        said.extend(diff_ids.filter_map(|diff_id| diff_id.parse::<Digest>().ok()));
    }
    Ok(said.iter().any(|digest| known.may_know(digest, plain)))
}

/// The digest in a file name as tools write it: `blobs/sha256/<hex>`, `<hex>.tar.gz`, `sha256:<hex>`.
fn named(name: &str) -> Option<Digest> {
    let file = name.rsplit('/').next()?.split('.').next()?;
    format!("sha256:{}", file.strip_prefix("sha256:").unwrap_or(file)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_layers_may_hold_a_digest() {
        let digest = Digest::sha256(b"x");
        let hex = digest.hex();
        for name in [format!("blobs/sha256/{hex}"), format!("{hex}.tar.gz"), format!("sha256:{hex}")] {
            assert_eq!(named(&name), Some(digest), "{name}");
        }
        for name in ["", "x/layer.tar", "sha256:", "a/b.tar"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
