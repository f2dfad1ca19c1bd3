//! How much of what is read may be kept in memory: by file, by layer, and in all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Entry;
use crate::error::{Error, Result};
use crate::limits::{self, Limits, Party, Turns};

/// A number of bytes, and what it is called in [`crate::limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// The number.
    pub bytes: u64,
    /// The name.
    pub name: &'static str,
}

/// How large wanted files of one kind may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ceiling {
    /// One file.
    pub file: Limit,
    /// All files of a layer that have this ceiling.
    pub layer: Limit,
}

impl Ceiling {
    /// That of most files, which are a few KiB.
    pub fn ordinary(limits: &Limits) -> Self {
        Self {
            file: Limit { bytes: limits.captured_file_bytes, name: "captured_file_bytes" },
            layer: Limit { bytes: limits.captured_layer_bytes(), name: "4 * captured_file_bytes" },
        }
    }

    /// That of texts that say what a component is.
    pub fn component_text(limits: &Limits) -> Self {
        Self {
            file: Limit { bytes: limits::COMPONENT_TEXT_BYTES, name: "COMPONENT_TEXT_BYTES" },
            ..Self::ordinary(limits)
        }
    }

    /// That of rpm's databases.
    pub fn rpm_database(limits: &Limits) -> Self {
        Self {
            file: Limit { bytes: limits.rpm_database_bytes, name: "rpm_database_bytes" },
            layer: Limit { bytes: limits.rpm_databases_layer_bytes(), name: "2 * rpm_database_bytes" },
        }
    }
}

/// What all layers that are read together may keep, whichever comes first.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
    whole: u64,
    /// What is left for all that is no file's content.
    facts_left: AtomicU64,
    facts: u64,
    exceeded: AtomicBool,
    /// What is left of what may be unpacked to look for components.
    unpacked_left: AtomicU64,
    unpacked: u64,
    unpacked_exceeded: AtomicBool,
    turns: Arc<Turns>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Budget {
    /// Nothing of it is taken yet.
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits.captured_bytes())
    }

    pub(super) fn of(bytes: u64) -> Self {
        Self::within(bytes, limits::INPUT_FACTS_BYTES)
    }

    /// So many bytes for captured files, and for all else.
    pub(crate) fn within(captured: u64, facts: u64) -> Self {
        Self {
            left: AtomicU64::new(captured),
            whole: captured,
            facts_left: AtomicU64::new(facts),
            facts,
            exceeded: AtomicBool::new(false),
            unpacked_left: AtomicU64::new(limits::INPUT_COMPONENT_UNPACKED_BYTES),
            unpacked: limits::INPUT_COMPONENT_UNPACKED_BYTES,
            unpacked_exceeded: AtomicBool::new(false),
            turns: Arc::default(),
        }
    }

    /// The same, where so many bytes may be unpacked to look for components.
    #[cfg(test)]
    pub(crate) fn unpacking(self, bytes: u64) -> Self {
        Self { unpacked_left: AtomicU64::new(bytes), unpacked: bytes, ..self }
    }

    /// Counts bytes that what is read of a layer takes of memory, but for captured files.
    ///
    /// # Errors
    /// There is no room for it. Which layer meets that depends on the threads, so it is an error of all:
    /// see [`Budget::exceeded`].
    pub(crate) fn hold(&self, bytes: u64) -> Result<()> {
        let fewer = |left: u64| left.checked_sub(bytes);
        if self.facts_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_err() {
            self.exceeded.store(true, Ordering::Relaxed);
        }
        self.exceeded().map_or(Ok(()), Err)
    }

    /// Counts bytes that are unpacked to look for components. Where there is no room for them, all ends with
    /// [`Budget::exceeded`].
    pub(super) fn unpack(&self, bytes: u64) {
        let fewer = |left: u64| left.checked_sub(bytes);
        if self.unpacked_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_err() {
            self.unpacked_exceeded.store(true, Ordering::Relaxed);
        }
    }

    /// Holds what all layers unpacked to, with those that were known from before.
    ///
    /// # Errors
    /// It is more than may be.
    pub fn hold_unpacked(&self, bytes: u64) -> Result<()> {
        if bytes > self.unpacked { Err(self.too_much_unpacked()) } else { Ok(()) }
    }

    fn too_much_unpacked(&self) -> Error {
        let what = "what archives and programs of all layers unpack to";
        Error::limit(what, "INPUT_COMPONENT_UNPACKED_BYTES", self.unpacked)
    }

    #[cfg(test)]
    pub(super) fn is_free(&self) -> bool {
        self.turns.is_free()
    }

    #[cfg(test)]
    pub(super) fn facts_left(&self) -> u64 {
        self.facts_left.load(Ordering::Relaxed)
    }

    /// The error of all layers together, where they do not fit.
    pub fn exceeded(&self) -> Option<Error> {
        if self.exceeded.load(Ordering::Relaxed) {
            let what = "what the entries of all layers take of memory";
            return Some(Error::limit(what, "INPUT_FACTS_BYTES", self.facts));
        }
        self.unpacked_exceeded.load(Ordering::Relaxed).then(|| self.too_much_unpacked())
    }

    /// A layer that is read with the others: what it holds of large files and for large decoders it holds in its turn.
    pub(super) fn party(&self) -> Arc<Party> {
        Party::of(&self.turns)
    }

    /// Whether there was room for so many bytes more; they are taken then.
    pub fn take(&self, bytes: u64) -> bool {
        let fewer = |left: u64| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok()
    }
}

/// What one layer may still keep.
#[derive(Debug)]
pub(super) struct Room<'a> {
    budget: &'a Budget,
    taken: BTreeMap<Ceiling, u64>,
}

impl<'a> Room<'a> {
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self { budget, taken: BTreeMap::new() }
    }

    /// Makes room for the content of a file.
    ///
    /// # Errors
    /// The limit that it would exceed; nothing is taken then.
    pub(super) fn take(&mut self, entry: &Entry, ceiling: Ceiling) -> Result<()> {
        let over = |limit: Limit| {
            Err(Error::limit(format!("{} of {} bytes", entry.path, entry.size), limit.name, limit.bytes))
        };
        let taken = self.taken.entry(ceiling).or_default();
        if entry.size > ceiling.file.bytes {
            return over(ceiling.file);
        }
        if entry.size > ceiling.layer.bytes.saturating_sub(*taken) {
            return over(ceiling.layer);
        }
        if !self.budget.take(entry.size) {
            return over(Limit { bytes: self.budget.whole, name: "CAPTURED_BYTES" });
        }
        *taken += entry.size;
        Ok(())
    }
}
