//! The facts files of a catalog, read when a layer's computed digest asks for one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{FactsFile, file_name};
use crate::base::{Catalog, CatalogEntry};
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, Result};
use crate::host;
use crate::limits;
use crate::model::descriptor::Compression;
use crate::rootfs::{Builder, Runtime, Tree};
use crate::scan::packed::Unpacked;
use crate::scan::{Budget, KnownLayers, Plan, ScanOptions, TarFacts};

/// What a catalog knows of layers by their stored digests.
#[derive(Debug)]
pub struct FactsFiles {
    directory: PathBuf,
    plan: Arc<Plan>,
    /// Stored digest → diffID; `None` where the catalog says two.
    diff_ids: BTreeMap<Digest, Option<Digest>>,
    /// diffID → digests of its facts files.
    files: BTreeMap<Digest, BTreeSet<Digest>>,
    kept: Mutex<Kept>,
    notes: Mutex<BTreeSet<String>>,
}

/// Facts that were read already: the next image may stand on the same base.
#[derive(Debug, Default)]
struct Kept {
    facts: BTreeMap<Digest, Arc<TarFacts>>,
    bytes: u64,
}

impl FactsFiles {
    /// Those that `catalog` names, in `directory`; used where they hold all that `plan` asks for.
    pub fn new(catalog: &Catalog, directory: &Path, plan: Arc<Plan>) -> Self {
        let mut diff_ids: BTreeMap<_, Option<Digest>> = BTreeMap::new();
        let mut files: BTreeMap<_, BTreeSet<Digest>> = BTreeMap::new();
        for layer in catalog.bases().iter().flat_map(|base| &base.layers) {
            for stored in &layer.blob_digests {
                let diff_id = diff_ids.entry(*stored).or_insert(Some(layer.diff_id));
                *diff_id = diff_id.filter(|diff_id| *diff_id == layer.diff_id);
            }
            if let Some(file) = layer.facts {
                files.entry(layer.diff_id).or_default().insert(file);
            }
        }
        let directory = directory.to_owned();
        Self { directory, plan, diff_ids, files, kept: Mutex::default(), notes: Mutex::default() }
    }

    /// What there is to say of the files that were asked for since the last time, sorted.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes)).into_iter().collect()
    }

    /// The diffID of stored bytes, where there are facts of it.
    fn diff_id(&self, stored: &Digest, plain: bool) -> Option<Digest> {
        // Bytes that are not compressed are the layer itself; this needs nobody's word.
        let itself = Some(*stored).filter(|stored| plain && self.files.contains_key(stored));
        let diff_id = itself.or_else(|| *self.diff_ids.get(stored)?);
        diff_id.filter(|diff_id| self.files.contains_key(diff_id))
    }

    /// The tree of a base; `None` where not all its layers have facts files that can be used.
    pub fn tree(&self, base: &CatalogEntry) -> Option<Tree> {
        let mut builder = Builder::new(Runtime::Vfs);
        for (index, layer) in base.layers.iter().enumerate() {
            let file = layer.facts?;
            let facts = match self.kept(&file, &layer.diff_id) {
                Some(facts) => facts,
                None => Arc::new(self.stored(&file, &layer.diff_id).ok()??.without_contents()),
            };
            builder.apply(index, &facts).ok()?;
        }
        Some(builder.take_tree())
    }

    /// What was read of a file before.
    fn kept(&self, file: &Digest, diff_id: &Digest) -> Option<Arc<TarFacts>> {
        lock(&self.kept).facts.get(file).filter(|facts| facts.diff_id == *diff_id).map(Arc::clone)
    }

    /// Reads one file; `None` where it is not there or does not hold what is wanted today.
    fn load(&self, file: &Digest, diff_id: &Digest) -> Result<Option<Arc<TarFacts>>> {
        if let Some(facts) = self.kept(file, diff_id) {
            return Ok(Some(facts));
        }
        // They are in memory already, so the only ceilings are those of each layer.
        let budget = Budget::new(self.plan.limits());
        let stored = self.stored(file, diff_id)?;
        let Some(facts) = stored.and_then(|stored| stored.into_facts(&self.plan, &budget)) else {
            return Ok(None);
        };
        let facts = Arc::new(facts);
        lock(&self.kept).keep(*file, &facts);
        Ok(Some(facts))
    }

    /// Reads one file, whatever is wanted; `None` where it is not there or of another version.
    fn stored(&self, file: &Digest, diff_id: &Digest) -> Result<Option<Unpacked>> {
        let bytes = match read(&self.directory.join(file_name(file))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|error| Error::io("it cannot be read", error))?,
        };
        if Digest::compute_like(file, &bytes) != *file {
            return Err(Error::invalid("it does not have the digest that the catalog says"));
        }
        let Some(stored) = FactsFile::read(&bytes)? else { return Ok(None) };
        drop(bytes);
        if stored.diff_id != *diff_id {
            return Err(Error::invalid(format!("it is of another layer, {}", stored.diff_id)));
        }
        Ok(Some(stored))
    }
}

impl Kept {
    fn keep(&mut self, file: Digest, facts: &Arc<TarFacts>) {
        let bytes = facts.memory();
        if self.bytes.saturating_add(bytes) > limits::FACTS_KEPT_BYTES {
            self.facts.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.facts.insert(file, Arc::clone(facts));
    }
}

impl KnownLayers for FactsFiles {
    fn may_know(&self, stored: &Digest, plain: bool) -> bool {
        self.diff_id(stored, plain).is_some()
    }

    fn tar_facts(
        &self,
        stored: &BlobDigests,
        compression: Compression,
        _: &ScanOptions,
    ) -> Option<Arc<TarFacts>> {
        let diff_id = self.diff_id(&stored.sha256, compression == Compression::None)?;
        for file in self.files.get(&diff_id)? {
            match self.load(file, &diff_id) {
                Ok(Some(facts)) => return Some(facts),
                Ok(None) => {}
                Err(error) => {
                    let note = format!("the facts file of base layer {diff_id} is not used: {error}");
                    lock(&self.notes).insert(note);
                }
            }
        }
        None
    }
}

/// Reads a regular file of at most [`limits::FACTS_FILE_BYTES`].
fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(path, limits::FACTS_FILE_BYTES)
}

pub(super) fn read_up_to(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if !host::metadata(path)?.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    let mut bytes = Vec::new();
    host::Stream::new(host::open(path)?).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Error::limit("its size", "FACTS_FILE_BYTES", limit).into());
    }
    Ok(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
