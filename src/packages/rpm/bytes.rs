//! Numbers at offsets that may lie, what a database form yields, and how much it may yield.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::limits;

/// The order of bytes in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

/// `count` bytes at `at`.
pub(super) fn slice(bytes: &[u8], at: usize, count: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(count)?)
}

/// The 16-bit number at `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize, order: Order) -> Option<u16> {
    let raw = slice(bytes, at, 2)?.try_into().ok()?;
    Some(match order {
        Order::Little => u16::from_le_bytes(raw),
        Order::Big => u16::from_be_bytes(raw),
    })
}

/// The 32-bit number at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize, order: Order) -> Option<u32> {
    let raw = slice(bytes, at, 4)?.try_into().ok()?;
    Some(match order {
        Order::Little => u32::from_le_bytes(raw),
        Order::Big => u32::from_be_bytes(raw),
    })
}

/// As [`u32_at`], to be used as an offset or length.
pub(super) fn size_at(bytes: &[u8], at: usize, order: Order) -> Option<usize> {
    usize::try_from(u32_at(bytes, at, order)?).ok()
}

/// Notes kept of one database; beyond this there is nothing more to learn from them.
const NOTES: usize = 100;

/// What could not be read, in clauses without a full stop. Any note means that packages or files may
/// be missing.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// Adds one, if there is room: a hostile database has as many faults as bytes.
    pub(super) fn add(&mut self, note: impl FnOnce() -> String) {
        if self.0.len() < NOTES {
            self.0.push(note());
        }
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// The header blobs of a database. All of them together are never longer than the database, for no
/// byte of an honest one belongs to two.
pub(super) struct Blobs<'a> {
    blobs: Vec<Cow<'a, [u8]>>,
    budget: usize,
    records: usize,
    /// What could not be read.
    pub(super) notes: Notes,
}

impl<'a> Blobs<'a> {
    pub(super) fn new(database: &[u8]) -> Self {
        Self { blobs: Vec::new(), budget: database.len(), records: limits::PACKAGES, notes: Notes::default() }
    }

    /// Counts the bytes of a record about to be taken; an error once all were longer than the
    /// database, or more than a limit.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<()> {
        self.records = self
            .records
            .checked_sub(1)
            .ok_or_else(|| Error::limit("the packages of a database", "PACKAGES", limits::PACKAGES as u64))?;
        match self.budget.checked_sub(bytes) {
            Some(rest) => self.budget = rest,
            None => return Err(Error::invalid("records that overlap, or are longer than the database")),
        }
        Ok(())
    }

    pub(super) fn push(&mut self, blob: Cow<'a, [u8]>) {
        self.blobs.push(blob);
    }

    pub(super) fn into_parts(self) -> (Vec<Cow<'a, [u8]>>, Notes) {
        (self.blobs, self.notes)
    }
}

/// Pages of a database, each to be visited once.
pub(super) struct Pages<'a> {
    bytes: &'a [u8],
    size: usize,
    visited: Vec<bool>,
}

impl<'a> Pages<'a> {
    /// `size` must not be 0. A last page that is cut short is none.
    pub(super) fn new(bytes: &'a [u8], size: usize) -> Self {
        let count = bytes.len().checked_div(size).unwrap_or(0);
        Self { bytes, size, visited: vec![false; count] }
    }

    /// Page `number`, counted from 0; the reason where it is not there or was visited before.
    pub(super) fn visit(&mut self, number: usize) -> std::result::Result<&'a [u8], String> {
        match self.visited.get_mut(number) {
            Some(visited @ false) => *visited = true,
            Some(true) => return Err(format!("page {number} (from 0) belongs to two places")),
            None => return Err(format!("page {number} (from 0) is beyond the end")),
        }
        number
            .checked_mul(self.size)
            .and_then(|at| slice(self.bytes, at, self.size))
            .ok_or_else(|| format!("page {number} (from 0) is beyond the end"))
    }
}
