//! Sparse files: the map of which bytes are stored, in its four forms (GNU tar manual, "Sparse
//! Formats"): GNU's old header, and PAX 0.0, 0.1 and 1.0.
//!
//! Decisions follow Go's `handleSparseFile`; a map that Go refuses is an error.

use super::header::{Block, field, number};
use super::pax::{Records, SPARSE_MAP, decimal};
use crate::error::{Error, Result};
use crate::limits;

/// Bytes of a file that are stored; all others are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// A map while it is read.
#[derive(Debug, Default)]
pub(super) struct Map(Vec<Segment>);

fn broken(what: &str) -> Error {
    Error::invalid(format!("a sparse file's map is broken: {what}"))
}

impl Map {
    /// Adds a segment; they must come in order and not overlap.
    fn push(&mut self, offset: Option<i64>, length: Option<i64>) -> Result<()> {
        let number = |value: Option<i64>| {
            value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| broken("a number does not parse"))
        };
        let segment = Segment { offset: number(offset)?, length: number(length)? };
        if i64::try_from(segment.end()).is_err() {
            return Err(broken("a segment's end overflows"));
        }
        if self.0.last().is_some_and(|last| last.end() > segment.offset) {
            return Err(broken("its segments overlap or are out of order"));
        }
        if self.0.len() >= limits::SPARSE_SEGMENTS {
            return Err(too_many());
        }
        self.0.push(segment);
        Ok(())
    }

    /// The segments, checked against the file's size and against how many bytes are stored.
    pub(super) fn finish(self, size: u64, stored: u64) -> Result<Vec<Segment>> {
        if self.0.last().is_some_and(|last| last.end() > size) {
            return Err(broken("a segment lies beyond the file's end"));
        }
        let mapped = self.0.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.length));
        if mapped != stored {
            return Err(broken(&format!("it maps {mapped} bytes, but {stored} are stored")));
        }
        Ok(self.0)
    }

    /// Takes the segments of a GNU header (`first`) or of an extension block. Whether another
    /// extension block follows.
    pub(super) fn take_block(&mut self, block: &Block, first: bool) -> Result<bool> {
        let (start, count) = if first { (386, 4) } else { (0, 21) };
        for element in field(block, start, count * 24).chunks_exact(24) {
            if element.first() == Some(&0) {
                break;
            }
            self.push(number(field(element, 0, 12)), number(field(element, 12, 12)))?;
        }
        Ok(block.get(start + count * 24).is_some_and(|flag| *flag != 0))
    }

    /// PAX 0.1, and 0.0 once its records are joined: the map is a list in the records.
    pub(super) fn of_records(records: &Records) -> Result<Self> {
        let count = records
            .get(b"GNU.sparse.numblocks")
            .and_then(decimal)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| broken("the number of segments is missing or wrong"))?;
        if count > limits::SPARSE_SEGMENTS {
            return Err(too_many());
        }
        let list = records.get(SPARSE_MAP).unwrap_or_default();
        let numbers: Vec<&[u8]> =
            if list.is_empty() { Vec::new() } else { list.split(|byte| *byte == b',').collect() };
        if numbers.len() != count * 2 {
            return Err(broken("the number of segments differs from the list"));
        }
        let mut map = Self::default();
        for pair in numbers.chunks_exact(2) {
            if let [offset, length] = pair {
                map.push(decimal(offset), decimal(length))?;
            }
        }
        Ok(map)
    }
}

fn too_many() -> Error {
    Error::limit("the map of a sparse file", "SPARSE_SEGMENTS", limits::SPARSE_SEGMENTS as u64)
}

/// PAX 1.0: the map stands in the file's first blocks, as decimal lines.
#[derive(Debug, Default)]
pub(super) struct LeadingMap {
    map: Map,
    /// How many segments there are, once the first line was read.
    count: Option<usize>,
    offset: Option<i64>,
    line: Vec<u8>,
}

impl LeadingMap {
    /// Takes the next block; whether the map is complete. The rest of its last block means nothing.
    pub(super) fn take_block(&mut self, block: &Block) -> Result<bool> {
        for byte in block {
            if self.count == Some(self.map.0.len()) {
                return Ok(true);
            }
            if *byte != b'\n' {
                // A decimal of 64 bits has at most 20 characters; leading zeros are let through.
                if self.line.len() >= 512 {
                    return Err(broken("a line is too long"));
                }
                self.line.push(*byte);
                continue;
            }
            let value = decimal(&self.line);
            self.line.clear();
            match (self.count, self.offset.take()) {
                (None, _) => {
                    let count = value
                        .and_then(|count| usize::try_from(count).ok())
                        .ok_or_else(|| broken("the number of segments does not parse"))?;
                    if count > limits::SPARSE_SEGMENTS {
                        return Err(too_many());
                    }
                    self.count = Some(count);
                }
                (Some(_), None) => {
                    self.offset = Some(value.ok_or_else(|| broken("a number does not parse"))?);
                }
                (Some(_), Some(offset)) => self.map.push(Some(offset), value)?,
            }
        }
        Ok(self.count == Some(self.map.0.len()))
    }

    pub(super) fn into_map(self) -> Map {
        self.map
    }
}
