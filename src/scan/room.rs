//! How much of what is read may be kept in memory: by file, by layer, and in all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Entry;
use crate::error::{Error, Result};
use crate::limits::Limits;

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
        Self { left: AtomicU64::new(bytes), whole: bytes }
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
