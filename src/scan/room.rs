//! How much of what is read may be kept in memory: by file, by layer, and in all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Entry;
use crate::error::{Error, Result};
use crate::limits;

/// A number of bytes, and what it is called in [`limits`].
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
    pub const ORDINARY: Self = Self {
        file: Limit { bytes: limits::CAPTURED_FILE_BYTES, name: "CAPTURED_FILE_BYTES" },
        layer: Limit { bytes: limits::CAPTURED_LAYER_BYTES, name: "CAPTURED_LAYER_BYTES" },
    };
}

/// What all layers that are read together may keep, whichever comes first.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Default for Budget {
    fn default() -> Self {
        Self::of(limits::CAPTURED_BYTES)
    }
}

impl Budget {
    pub(super) fn of(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
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
            return over(Limit { bytes: limits::CAPTURED_BYTES, name: "CAPTURED_BYTES" });
        }
        *taken += entry.size;
        Ok(())
    }
}
