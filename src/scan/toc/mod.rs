//! Tables of contents in layers, by which some unpackers fetch single files and do not read the tar: zstd:chunked
//! (containers/storage, `pkg/chunked`) and eStargz (stargz-snapshotter, `docs/estargz.md`).
//!
//! Whoever goes by such a table has the files that it tells. So each that a reader may find is held to the tar:
//! where it says anything else, the image is another one to partial pulls, and that is an anomaly.

mod compare;
mod entries;
mod place;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read};
use std::sync::Arc;

use self::compare::Comparison;
use self::place::{End, Place, TAIL_BYTES, places};
use super::facts::{LayerFacts, TarFacts};
use super::meter::Meter;
use super::relay::Relay;
use super::room::Budget;
use super::second::hash_pieces;
use super::stored::Tap;
use super::tar::{Piece, TarReader};
use crate::codec;
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{self, Limits};
use crate::model::descriptor::{Compression, TocClaims};
use crate::model::{Anomaly, Fault};
use crate::read::{Section, SectionKey, changed};

/// The forms of such tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Chunked,
    Stargz,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chunked => "zstd:chunked",
            Self::Stargz => "eStargz",
        })
    }
}

/// What came of the tables of an input's layers, each of which is read once: many layers and images may be one
/// blob.
#[derive(Debug)]
pub struct Tables {
    budget: Arc<Budget>,
    known: BTreeMap<SectionKey, BTreeMap<TocClaims, Vec<Anomaly>>>,
    /// Bytes of the largest: [`limits::TOC_BYTES`].
    most: u64,
}

impl Tables {
    /// Nothing was read yet; `budget` is what all layers may keep.
    pub fn new(budget: Arc<Budget>) -> Self {
        Self { budget, known: BTreeMap::new(), most: limits::TOC_BYTES }
    }

    /// Holds the tables in a layer to its tar. `claims` are those of the layer's descriptor.
    ///
    /// # Errors
    /// The host's, time that is up, and bytes that are not those that were hashed. What is wrong with a table is
    /// an anomaly.
    pub fn hold(
        &mut self,
        blob: &Section,
        layer: &LayerFacts,
        claims: &TocClaims,
        limits: &Limits,
    ) -> Result<Vec<Anomaly>> {
        // What could not be read is told already, and judged by nobody.
        let Ok(tar) = &layer.tar else { return Ok(Vec::new()) };
        let known = self.known.entry(blob.key()).or_default();
        if let Some(known) = known.get(claims) {
            return Ok(known.clone());
        }
        if known.len() >= limits::LAYER_TOCS {
            let what = "the number of tables of contents that descriptors give one layer";
            let error = Error::limit(what, "LAYER_TOCS", limits::LAYER_TOCS as u64);
            let form = if claims.stargz_digest.is_some() { Form::Stargz } else { Form::Chunked };
            return Ok(vec![unreadable(form, &error.to_string())]);
        }
        let anomalies =
            Layer { blob, tar, digest: layer.blob.sha256, limits, most: self.most }.tables(claims)?;
        self.budget.hold(anomalies.iter().map(Anomaly::memory).sum())?;
        known.insert(claims.clone(), anomalies.clone());
        Ok(anomalies)
    }
}

/// One layer, and what was read of it.
struct Layer<'a> {
    blob: &'a Section,
    tar: &'a TarFacts,
    digest: Digest,
    limits: &'a Limits,
    most: u64,
}

impl Layer<'_> {
    fn tables(&self, claims: &TocClaims) -> Result<Vec<Anomaly>> {
        let from = self.blob.size().saturating_sub(TAIL_BYTES);
        let end = self.blob.slice(from, self.blob.size() - from).ok_or_else(changed)?;
        let tail = end.read_all(TAIL_BYTES, "TAIL_BYTES")?;
        let end = End { tail: &tail, size: self.blob.size(), most: self.most };
        let (places, mut anomalies) = places(end, claims, |offset| self.begins_as_zstd(offset));
        for (place, stored) in places.iter().zip(self.stored(&places, from, &tail)?) {
            match self.table(place, stored) {
                Ok(told) => anomalies.extend(told),
                Err(error) => match error.kind() {
                    ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Limit => {
                        anomalies.push(unreadable(place.form, &error.to_string()));
                    }
                    _ => return Err(error),
                },
            }
        }
        Ok(anomalies)
    }

    fn begins_as_zstd(&self, offset: u64) -> bool {
        let head = self.blob.slice(offset, codec::HEAD_BYTES as u64);
        let head = head.and_then(|head| head.head(codec::HEAD_BYTES).ok()).unwrap_or_default();
        codec::detect(&head) == Compression::Zstd
    }

    /// The stored bytes of each table, as part of those that were hashed.
    fn stored(&self, places: &[Place], from: u64, tail: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut stored: Vec<Vec<u8>> = vec![Vec::new(); places.len()];
        if places.is_empty() {
            return Ok(stored);
        }
        let (mut end, mut at) = (Vec::new(), 0);
        let seen = |bytes: &[u8]| {
            for (place, stored) in places.iter().zip(&mut stored) {
                stored.extend_from_slice(overlap(bytes, at, place.offset, place.size));
            }
            end.extend_from_slice(overlap(bytes, at, from, TAIL_BYTES));
            at += bytes.len() as u64;
        };
        let again = BlobDigests::of(Tap { reader: self.blob.reader(), seen }, false);
        let again = again.map_err(|error| Error::io("the layer cannot be read again", error))?;
        if again.sha256 != self.digest || end != tail {
            return Err(changed());
        }
        Ok(stored)
    }

    /// Holds one table to the tar.
    fn table(&self, place: &Place, stored: Vec<u8>) -> Result<Vec<Anomaly>> {
        if let Some(digest) = &place.stored_digest {
            held("stored bytes", digest, &stored)?;
        }
        let text = match place.form {
            Form::Chunked => decoded(stored, self.most)?,
            Form::Stargz => first_file(stored, self.limits, self.most)?,
        };
        if let Some(digest) = &place.text_digest {
            held("text", digest, &text)?;
        }
        let mut comparison = Comparison::new(place.form, &self.tar.entries);
        let mut count = 0_usize;
        entries::read(&text, |entry| {
            count += 1;
            if count.is_multiple_of(limits::ENTRIES_AT_ONCE) {
                self.limits.deadline.check()?;
            }
            comparison.add(entry)
        })?;
        let pieces = comparison.finish();
        for (entry, result) in hash_pieces(self.blob, &self.tar.entries, &pieces, self.limits)? {
            comparison.tell_pieces(entry, result?);
        }
        Ok(comparison.into_anomalies())
    }
}

/// The part of `bytes`, which stand at `at`, that is within `size` bytes from `offset` on.
fn overlap(bytes: &[u8], at: u64, offset: u64, size: u64) -> &[u8] {
    let within =
        |place: u64| usize::try_from(place.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(within(offset)..within(offset.saturating_add(size))).unwrap_or_default()
}

fn held(what: &str, declared: &str, bytes: &[u8]) -> Result<()> {
    let right = declared.parse().is_ok_and(|declared| Digest::compute_like(&declared, bytes) == declared);
    if right {
        return Ok(());
    }
    Err(Error::invalid(format!("its {what} do not have the digest that the layer's annotations say")))
}

fn too_large(most: u64) -> Error {
    Error::limit("a table of contents", "TOC_BYTES", most)
}

fn decoded(stored: Vec<u8>, most: u64) -> Result<Vec<u8>> {
    let failed = |error| Error::io("it cannot be decoded", error);
    let mut decoder = codec::decoder(Compression::Zstd, Cursor::new(stored))?;
    let mut text = Vec::new();
    (&mut decoder).take(most.saturating_add(1)).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > most {
        return Err(too_large(most));
    }
    if decoder.drain().map_err(failed)? > 0 {
        return Err(Error::invalid("bytes follow its last zstd frame"));
    }
    Ok(text)
}

/// The content of the first member of a compressed tar.
fn first_file(stored: Vec<u8>, limits: &Limits, most: u64) -> Result<Vec<u8>> {
    let size = stored.len() as u64;
    let decoder = codec::decoder(Compression::Gzip, Cursor::new(stored))?;
    let mut reader = TarReader::new(Meter::new(Relay::alone(decoder), None, size, limits));
    let member = reader.next()?.ok_or_else(|| Error::invalid("its tar is empty"))?;
    if member.size > most {
        return Err(too_large(most));
    }
    let mut text = Vec::new();
    reader.body(|piece| match piece {
        Piece::Data(data) => text.extend_from_slice(data),
        Piece::Hole(length) => text.resize(text.len().saturating_add(length as usize), 0),
    })?;
    Ok(text)
}

/// A table that nobody here can hold to the tar, and somebody else may go by.
pub(super) fn unreadable(form: Form, why: &str) -> Anomaly {
    let message = format!(
        "the layer's table of contents ({form}) cannot be held to its tar, and partial pulls may go by it: {why}"
    );
    Anomaly::new(Fault::AmbiguousEntry, message).evidence("tableOfContents", form)
}
