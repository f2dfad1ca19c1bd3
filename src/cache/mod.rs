//! Layers that were read before, kept in a directory that the user names: the same stored bytes a
//! second time are hashed and not unpacked. docs/cache.md describes it.
//!
//! An entry is asked for by the digest that was *computed* of a blob, and is used if its MAC is right
//! for that digest and this version. What an entry holds is then held to today's plan and limits, so
//! it needs no record of those it was made under: it either has all that reading would yield, or the
//! layer is read and the entry made anew.
//!
//! Nothing here can spoil a check: what goes wrong is a note, and the layer is read.

mod entry;
mod files;
mod key;
mod store;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::descriptor::Compression;
use crate::scan::packed::{Contents, Unpacked};
use crate::scan::{Budget, KnownLayers, LayerFacts, ScanOptions, TarFacts};

use entry::{Looked, Sealed};
use key::Key;
use store::Store;

/// What a cache is to be.
#[derive(Clone)]
pub struct CacheSettings {
    /// Where it is; made where it is not there yet.
    pub directory: PathBuf,
    /// Bytes that all its entries may take.
    pub bytes: u64,
    /// The key's text, where it is not in the directory's file `key`.
    pub key: Option<Vec<u8>>,
}

/// An open cache.
#[derive(Debug)]
pub struct Cache {
    store: Store,
    key: Key,
    /// Stored bytes of a layer that is worth an entry.
    least: u64,
    /// Contents beside those that plans want, of all layers that were known in this run.
    beside: Budget,
    /// Entries that are known to be right, and whose contents they have.
    have: Mutex<BTreeMap<Digest, BTreeSet<usize>>>,
    notes: Mutex<Notes>,
    /// Held by who reads a large entry.
    large: Mutex<()>,
}

/// What there is to say, each once.
#[derive(Debug, Default)]
struct Notes {
    /// Names of spoilt entries by what is wrong with them.
    spoilt: BTreeMap<String, BTreeSet<String>>,
    unwritten: Option<String>,
}

impl Cache {
    /// Opens a cache, or makes one.
    ///
    /// # Errors
    /// A usage error for what cannot be a cache, and another where this one cannot be trusted or reached:
    /// images can be checked without it then.
    pub fn open(settings: &CacheSettings) -> Result<Self> {
        let store = Store::open(&settings.directory, settings.bytes)?;
        let key = match &settings.key {
            Some(text) => Key::of_text(text)?,
            None => Key::of_file(store.directory())?,
        };
        Ok(Self {
            store,
            key,
            least: limits::CACHE_LAYER_BYTES,
            beside: Budget::default(),
            have: Mutex::default(),
            notes: Mutex::default(),
            large: Mutex::default(),
        })
    }

    /// The same for layers of any size.
    #[cfg(test)]
    pub(crate) fn for_any_layer(self) -> Self {
        Self { least: 0, ..self }
    }

    /// Keeps what was read of a layer, where that is worth it and not known yet; `more` are contents that
    /// were read beside those of the plan.
    pub fn keep(&self, layer: &LayerFacts, more: &Contents) {
        let Ok(tar) = &layer.tar else { return };
        // What is wrong in a layer is found anew each time.
        if !layer.anomalies.is_empty() || layer.blob.size < self.least {
            return;
        }
        let stored = layer.blob.sha256;
        if self.store.is_closed() || self.has_all(&layer.blob, tar, more) {
            return;
        }
        let Some(sealed) = Sealed::seal(&self.key, &layer.blob, tar, more) else { return };
        match self.store.write(&entry::name(&stored), &sealed.bytes) {
            Ok(true) => {
                let contents = tar.captured.keys().chain(tar.beside.keys()).chain(more.keys());
                lock(&self.have).insert(stored, contents.copied().collect());
            }
            Ok(false) => {}
            Err(error) => lock(&self.notes).unwritten = Some(error.to_string()),
        }
    }

    /// What there is to say since the last time.
    pub fn take_notes(&self) -> Vec<String> {
        let Notes { spoilt, unwritten } = std::mem::take(&mut *lock(&self.notes));
        let directory = self.store.directory().display();
        let spoilt = spoilt.into_iter().filter_map(|(what, names)| {
            let (count, first) = (names.len(), names.first()?);
            let more = if count == 1 { String::new() } else { format!(" and {} more", count - 1) };
            Some(format!("the cache {directory}: {first}{more} is not used, and read anew: {what}"))
        });
        let unwritten = unwritten.map(|what| format!("the cache {directory} cannot be written to: {what}"));
        spoilt.chain(unwritten).collect()
    }

    /// Whether there is a good entry already with all of this.
    fn has_all(&self, blob: &BlobDigests, tar: &TarFacts, more: &Contents) -> bool {
        let stored = &blob.sha256;
        let has = |have: &BTreeSet<usize>, contents: &Contents| contents.keys().all(|e| have.contains(e));
        if let Some(have) = lock(&self.have).get(stored) {
            return has(have, more);
        }
        // The image did not say a digest by which it could have been asked for.
        let entry = self.entry(blob).unwrap_or_else(|error| {
            self.spoilt(stored, &error);
            None
        });
        let Some((unpacked, looked)) = entry else { return false };
        let have = unpacked.contents.into_keys().collect();
        let all = has(&have, more) && has(&have, &tar.captured);
        lock(&self.have).insert(*stored, have);
        all && looked.has(Looked::of(tar))
    }

    /// Removes an entry that is none, and notes why.
    fn spoilt(&self, stored: &Digest, error: &Error) {
        let name = entry::name(stored);
        self.store.remove(&name);
        lock(&self.notes).spoilt.entry(told(error)).or_default().insert(name);
    }

    /// What an entry holds, and what had been looked for.
    fn entry(&self, blob: &BlobDigests) -> Result<Option<(Unpacked, Looked)>> {
        let Some(file) = self.store.open_file(&entry::name(&blob.sha256))? else { return Ok(None) };
        entry::check_size(file.bytes, blob)?;
        let _large = (file.bytes > limits::CACHE_AT_ONCE_BYTES).then(|| lock(&self.large));
        Sealed { bytes: file.read()? }.open(&self.key, &blob.sha256).map(Some)
    }

    fn facts(&self, blob: &BlobDigests, options: &ScanOptions) -> Result<Option<TarFacts>> {
        let Some((unpacked, looked)) = self.entry(blob)? else { return Ok(None) };
        if !looked.has(Looked::by(&options.plan)) {
            return Ok(None);
        }
        let have = unpacked.contents.keys().copied().collect();
        let Some(mut facts) = unpacked.into_facts(&options.plan, &options.budget) else { return Ok(None) };
        facts.archives = facts.archives.filter(|_| looked.archives);
        facts.components = facts.components.filter(|_| looked.components);
        facts.beside.retain(|_, bytes| self.beside.take(bytes.len() as u64));
        lock(&self.have).insert(blob.sha256, have);
        Ok(Some(facts))
    }
}

impl KnownLayers for Cache {
    fn may_know(&self, stored: &Digest, _: bool) -> bool {
        matches!(stored, Digest::Sha256(_)) && self.store.has(&entry::name(stored))
    }

    fn tar_facts(
        &self,
        stored: &BlobDigests,
        _: Compression,
        options: &ScanOptions,
    ) -> Option<Arc<TarFacts>> {
        match self.facts(stored, options) {
            Ok(facts) => facts.map(Arc::new),
            Err(error) => {
                self.spoilt(&stored.sha256, &error);
                None
            }
        }
    }
}

fn told(error: &Error) -> String {
    match error.hint_text() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
