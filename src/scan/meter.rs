//! The uncompressed bytes of a layer on their way to the tar reader: hashed for the diffID and, where
//! they are a file's, for its content's identity; counted against the limits.

use super::facts::TarFacts;
use super::relay::Relay;
use crate::codec::Undecoded;
use crate::digest::{BlobHasher, ContentId, Sha256};
use crate::error::{Error, Result};
use crate::limits::{Deadline, Limits, RATIO_FREE_BYTES};

/// Counts and hashes what a decoder yields.
pub(crate) struct Meter<'a> {
    inner: Relay<'a>,
    hasher: Option<BlobHasher>,
    /// Of the file whose content is consumed.
    content: Option<Sha256>,
    /// How many bytes of the decoder's current buffer were counted and not yet consumed.
    ahead: usize,
    /// Uncompressed bytes seen.
    size: u64,
    /// Those, and the bytes that sparse files expand to.
    charged: u64,
    limit: Limit,
    deadline: Deadline,
}

#[derive(Clone, Copy)]
struct Limit {
    name: &'static str,
    value: u64,
    bytes: u64,
}

impl Limit {
    fn of(stored: u64, limits: &Limits) -> Self {
        let by_ratio = stored.saturating_mul(limits.ratio).max(RATIO_FREE_BYTES);
        if by_ratio < limits.layer_bytes {
            Self { name: "ratio", value: limits.ratio, bytes: by_ratio }
        } else {
            Self { name: "layer_bytes", value: limits.layer_bytes, bytes: limits.layer_bytes }
        }
    }
}

/// Whether a layer that was read before, of so many stored bytes, is within these limits. In doubt it is
/// not: how much of its files' sizes was holes is not known.
pub(super) fn allows(tar: &TarFacts, stored: u64, limits: &Limits) -> bool {
    let expanded = tar.entries.iter().fold(tar.size, |sum, entry| sum.saturating_add(entry.size));
    expanded <= Limit::of(stored, limits).bytes
}

impl<'a> Meter<'a> {
    /// `stored` is the size of the blob, which [`Limits::ratio`] refers to. Without a hasher nothing
    /// is hashed.
    pub(crate) fn new(inner: Relay<'a>, hasher: Option<BlobHasher>, stored: u64, limits: &Limits) -> Self {
        let limit = Limit::of(stored, limits);
        let deadline = limits.deadline;
        Self { inner, hasher, content: None, ahead: 0, size: 0, charged: 0, limit, deadline }
    }

    /// The bytes at hand; empty at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8]> {
        if self.ahead == 0 {
            self.deadline.check()?;
            let fresh = self.inner.advance().map_err(decoding)?;
            let count = fresh.len() as u64;
            self.size = self.size.saturating_add(count);
            self.charged = self.charged.saturating_add(count);
            self.ahead = fresh.len();
            if self.charged > self.limit.bytes {
                return Err(self.too_large());
            }
        }
        // Asked a second time: the first borrow may not outlive the branch above.
        self.inner.bytes().map_err(decoding)
    }

    /// Takes bytes that were at hand. They are hashed now and not when they are first seen, for only
    /// now it is known whether they are a file's content; both hashes then cost little more than one.
    pub(crate) fn consume(&mut self, count: usize) -> Result<()> {
        let count = count.min(self.ahead);
        if count > 0 && (self.hasher.is_some() || self.content.is_some()) {
            let bytes = self.inner.bytes().map_err(decoding)?.get(..count).unwrap_or_default();
            match (&mut self.hasher, &mut self.content) {
                (Some(hasher), Some(content)) => hasher.update_with(content, bytes),
                (Some(hasher), None) => hasher.update(bytes),
                (None, Some(content)) => content.update(bytes),
                (None, None) => {}
            }
        }
        self.ahead -= count;
        self.inner.consume(count);
        Ok(())
    }

    /// What is consumed from now on, and the holes, are a file's content too.
    pub(crate) fn begin_content(&mut self) {
        self.content = Some(Sha256::default());
    }

    /// The content ends here; its identity.
    pub(crate) fn end_content(&mut self) -> ContentId {
        self.content.take().unwrap_or_default().finish()
    }

    /// Counts bytes that are hashed without having been stored: a hole of a sparse file.
    pub(crate) fn hole(&mut self, length: u64) -> Result<()> {
        self.deadline.check()?;
        self.charged = self.charged.saturating_add(length);
        if self.charged > self.limit.bytes {
            return Err(self.too_large());
        }
        if let Some(content) = &mut self.content {
            zeros(length, |zeros| content.update(zeros));
        }
        Ok(())
    }

    fn too_large(&self) -> Error {
        let hint = match self.limit.name {
            "ratio" => {
                "the limit is on uncompressed bytes for each stored byte; a layer like this is a decompression bomb"
            }
            _ => "the limit is on the uncompressed bytes of one layer",
        };
        Error::limit(
            format!("a layer that grows to {} bytes", self.charged),
            self.limit.name,
            self.limit.value,
        )
        .hint(hint)
    }

    /// Hashes on to the end of what can be decoded, without limits: for bytes that are not
    /// compressed, whose digest is the blob's.
    pub(crate) fn hash_rest(&mut self) -> Result<()> {
        self.limit.bytes = u64::MAX;
        while let count @ 1.. = self.fill()?.len() {
            self.consume(count)?;
        }
        Ok(())
    }

    /// Reads the stored bytes to their end; how many followed the compressed data, from the first
    /// non-zero one on.
    pub(crate) fn drain_stored(&mut self) -> Result<u64> {
        self.inner.drain().map_err(decoding)
    }

    /// What of the stored bytes decoded to nothing.
    pub(crate) fn undecoded(&mut self) -> Undecoded {
        self.inner.undecoded()
    }

    /// The hasher of all bytes consumed.
    pub(crate) fn into_hasher(self) -> Option<BlobHasher> {
        self.hasher
    }
}

/// Hands out so many zeros.
pub(crate) fn zeros(mut length: u64, mut take: impl FnMut(&[u8])) {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    while length > 0 {
        let count = length.min(ZEROS.len() as u64);
        take(ZEROS.get(..count as usize).unwrap_or_default());
        length -= count;
    }
}

fn decoding(error: std::io::Error) -> Error {
    Error::io("the blob cannot be read", error)
}
