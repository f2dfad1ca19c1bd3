//! The uncompressed bytes of a layer on their way to the tar reader: hashed for the diffID, counted
//! against the limits.

use super::relay::Relay;
use crate::digest::BlobHasher;
use crate::error::{Error, Result};
use crate::limits::{Limits, RATIO_FREE_BYTES};

/// Counts and hashes what a decoder yields.
pub(crate) struct Meter<'a> {
    inner: Relay<'a>,
    hasher: Option<BlobHasher>,
    /// How many bytes of the decoder's current buffer were hashed and not yet consumed. Hashing a
    /// buffer whole when it is first seen keeps SHA's blocks aligned, whatever is read out of it.
    ahead: usize,
    /// Uncompressed bytes seen.
    size: u64,
    /// Those, and the bytes that sparse files expand to.
    charged: u64,
    limit: Limit,
}

#[derive(Clone, Copy)]
struct Limit {
    name: &'static str,
    value: u64,
    bytes: u64,
}

impl<'a> Meter<'a> {
    /// `stored` is the size of the blob, which [`Limits::ratio`] refers to. Without a hasher nothing
    /// is hashed.
    pub(crate) fn new(inner: Relay<'a>, hasher: Option<BlobHasher>, stored: u64, limits: &Limits) -> Self {
        let by_ratio = stored.saturating_mul(limits.ratio).max(RATIO_FREE_BYTES);
        let limit = if by_ratio < limits.layer_bytes {
            Limit { name: "ratio", value: limits.ratio, bytes: by_ratio }
        } else {
            Limit { name: "layer_bytes", value: limits.layer_bytes, bytes: limits.layer_bytes }
        };
        Self { inner, hasher, ahead: 0, size: 0, charged: 0, limit }
    }

    /// The bytes at hand; empty at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8]> {
        if self.ahead == 0 {
            let fresh = self.inner.advance().map_err(decoding)?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(fresh);
            }
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

    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.ahead);
        self.ahead -= count;
        self.inner.consume(count);
    }

    /// Counts bytes that will be hashed without having been stored: holes of sparse files.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<()> {
        self.charged = self.charged.saturating_add(bytes);
        if self.charged > self.limit.bytes { Err(self.too_large()) } else { Ok(()) }
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
            self.consume(count);
        }
        Ok(())
    }

    /// Reads the stored bytes to their end; how many followed the compressed data, from the first
    /// non-zero one on.
    pub(crate) fn drain_stored(&mut self) -> Result<u64> {
        self.inner.drain().map_err(decoding)
    }

    /// The hasher of all bytes seen.
    pub(crate) fn into_hasher(self) -> Option<BlobHasher> {
        self.hasher
    }
}

fn decoding(error: std::io::Error) -> Error {
    Error::io("the blob cannot be read", error)
}
