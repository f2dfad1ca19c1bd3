//! The one targeted second read of a layer: files that turned out to be wanted only once the tree was
//! known, because a wanted path is a link to them, or because a package database tells a digest of
//! them that is not computed of every file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use md5::Md5;
use sha1::Sha1;
use sha2::Digest as _;

use super::entries::{entries_of, entry_of, keep};
use super::meter::{Meter, zeros};
use super::relay::Relay;
use super::room::{Budget, Ceiling, Room};
use super::tar::{Piece, TarReader};
use super::{Entry, EntryKind, TarFacts};
use crate::codec::{self, HEAD_BYTES};
use crate::digest::{ContentId, Sha256};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Limits, Party, Turns};
use crate::read::{Section, changed};

/// Reads the content of some entries, by their index in [`super::TarFacts::entries`], each up to its
/// ceiling; `budget` is what all layers together may keep.
///
/// Reading stops behind the last wanted entry. What is read is held to `known`, the layer's entries as the
/// first read found them: so it is part of what was verified then. An entry that is no regular file has an
/// error, and so has one that is beyond its ceiling or finds no room.
///
/// # Errors
/// The host's, and bytes that are not those of the first read.
pub fn read_entries(
    blob: &Section,
    known: &[Entry],
    wanted: &BTreeMap<usize, Ceiling>,
    budget: &Budget,
    limits: &Limits,
) -> Result<BTreeMap<usize, Result<Arc<[u8]>>>> {
    let mut room = Room::new(budget);
    let indexes = wanted.keys().copied().collect();
    read_wanted(&Arc::default(), blob, known, &indexes, limits, |reader, entry, indexes| {
        let ceiling = wanted.range(indexes).map(|(_, ceiling)| *ceiling).max();
        room.take(entry, ceiling.unwrap_or(Ceiling::ordinary(limits)))?;
        let mut bytes = Vec::new();
        let content = reader.hashed_body(|piece| keep(&mut bytes, &piece))?;
        Ok((content, bytes.into()))
    })
}

/// As [`read_entries`], where all that is wanted was kept when the layer was read before; else `None`.
pub fn known_entries(
    tar: &TarFacts,
    wanted: &BTreeMap<usize, Ceiling>,
    budget: &Budget,
) -> Option<BTreeMap<usize, Result<Arc<[u8]>>>> {
    let known = |(index, ceiling): (&usize, &Ceiling)| {
        Some((*index, tar.entries.get(*index)?, tar.beside.get(index)?, *ceiling))
    };
    let known: Vec<_> = wanted.iter().map(known).collect::<Option<_>>()?;
    let mut room = Room::new(budget);
    let mut take = |entry, bytes, ceiling| room.take(entry, ceiling).map(|()| Arc::clone(bytes));
    Some(
        known
            .into_iter()
            .map(|(index, entry, bytes, ceiling)| (index, take(entry, bytes, ceiling)))
            .collect(),
    )
}

/// Which of [`OldDigests`] are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldAlgorithms {
    /// MD5.
    pub md5: bool,
    /// SHA-1.
    pub sha1: bool,
}

/// Digests that prove nothing any more, and that package managers still write down; those that were wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldDigests {
    /// MD5 of the file's content.
    pub md5: Option<[u8; 16]>,
    /// SHA-1 of it.
    pub sha1: Option<[u8; 20]>,
}

impl OldDigests {
    /// Whether there is all that is wanted.
    pub fn have(&self, wanted: OldAlgorithms) -> bool {
        (self.md5.is_some() || !wanted.md5) && (self.sha1.is_some() || !wanted.sha1)
    }
}

/// Hashes the content of some entries, of any size; else as [`read_entries`]. Those who read at the same time share
/// `turns`.
///
/// # Errors
/// As there.
pub fn hash_entries(
    blob: &Section,
    known: &[Entry],
    wanted: &BTreeMap<usize, OldAlgorithms>,
    turns: &Arc<Turns>,
    limits: &Limits,
) -> Result<BTreeMap<usize, Result<OldDigests>>> {
    let indexes = wanted.keys().copied().collect();
    read_wanted(&Party::of(turns), blob, known, &indexes, limits, |reader, _, indexes| {
        let by = |of: fn(&OldAlgorithms) -> bool| wanted.range(indexes.clone()).any(|(_, by)| of(by));
        let (mut md5, mut sha1) = (by(|by| by.md5).then(Md5::new), by(|by| by.sha1).then(Sha1::new));
        let content = reader.hashed_body(|piece| {
            md5.iter_mut().for_each(|md5| update(md5, &piece));
            sha1.iter_mut().for_each(|sha1| update(sha1, &piece));
        })?;
        let (md5, sha1) = (md5.map(|md5| md5.finalize().into()), sha1.map(|sha1| sha1.finalize().into()));
        Ok((content, OldDigests { md5, sha1 }))
    })
}

/// A piece of a file, as somebody else tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePiece {
    pub(super) offset: u64,
    pub(super) size: u64,
    /// The SHA-256 that it is said to have; `None` for what is no such digest.
    pub(super) digest: Option<ContentId>,
}

/// Whether the pieces of some files are those of their content: within it, one behind the other, and with the
/// digests that they are said to have; else as [`read_entries`].
///
/// # Errors
/// As there.
pub(super) fn hash_pieces(
    blob: &Section,
    known: &[Entry],
    wanted: &BTreeMap<usize, Vec<FilePiece>>,
    limits: &Limits,
) -> Result<BTreeMap<usize, Result<bool>>> {
    let indexes = wanted.keys().copied().collect();
    read_wanted(&Arc::default(), blob, known, &indexes, limits, |reader, entry, indexes| {
        let pieces = wanted.range(indexes).map(|(_, pieces)| pieces.as_slice()).next();
        let mut hashing =
            Pieces { left: pieces.unwrap_or_default(), at: 0, hasher: Sha256::default(), right: true };
        let content = reader.hashed_body(|piece| match piece {
            Piece::Data(data) => hashing.feed(data),
            Piece::Hole(length) => zeros(length, |zeros| hashing.feed(zeros)),
        })?;
        Ok((content, hashing.finish(entry.size)))
    })
}

/// Pieces of a file that streams by.
struct Pieces<'a> {
    left: &'a [FilePiece],
    at: u64,
    hasher: Sha256,
    right: bool,
}

impl Pieces<'_> {
    fn feed(&mut self, mut data: &[u8]) {
        while let (Some(piece), false) = (self.left.first(), data.is_empty()) {
            let end = piece.offset.saturating_add(piece.size);
            let until = if self.at < piece.offset { piece.offset } else { end };
            let count = usize::try_from(until - self.at).unwrap_or(usize::MAX).min(data.len());
            let (now, rest) = data.split_at_checked(count).unwrap_or((data, &[]));
            if self.at >= piece.offset {
                self.hasher.update(now);
            }
            data = rest;
            self.at += now.len() as u64;
            if self.at == end {
                self.end_piece();
            }
        }
        self.at += data.len() as u64;
    }

    fn end_piece(&mut self) {
        if let Some((piece, rest)) = self.left.split_first() {
            let digest = std::mem::take(&mut self.hasher).finish();
            self.right &= piece.digest == Some(digest);
            self.left = rest;
            if rest.first().is_some_and(|next| next.offset < self.at) {
                // It begins before this one's end.
                (self.right, self.left) = (false, &[]);
            }
        }
    }

    fn finish(mut self, size: u64) -> bool {
        // Empty pieces at the very end.
        while self.left.first().is_some_and(|piece| piece.size == 0 && piece.offset == size) {
            self.end_piece();
        }
        self.right && self.left.is_empty()
    }
}

/// Hashes a piece of content, holes as the zeros that they are read as.
fn update(hasher: &mut impl sha2::Digest, piece: &Piece<'_>) {
    match piece {
        Piece::Data(data) => hasher.update(data),
        Piece::Hole(length) => zeros(*length, |zeros| hasher.update(zeros)),
    }
}

/// `read` is also told which entries the member is, and yields its content's identity too.
fn read_wanted<T: Clone>(
    party: &Arc<Party>,
    blob: &Section,
    known: &[Entry],
    wanted: &BTreeSet<usize>,
    limits: &Limits,
    read: impl FnMut(&mut TarReader<'_>, &Entry, Range<usize>) -> Result<(ContentId, T)>,
) -> Result<BTreeMap<usize, Result<T>>> {
    read_again(party, blob, known, wanted, limits, read).map_err(|error| match error.kind() {
        // The first read found nothing broken.
        ErrorKind::Invalid | ErrorKind::Unsupported => changed().detail(error.to_string()),
        _ => error,
    })
}

fn read_again<T: Clone>(
    party: &Arc<Party>,
    blob: &Section,
    known: &[Entry],
    wanted: &BTreeSet<usize>,
    limits: &Limits,
    mut read: impl FnMut(&mut TarReader<'_>, &Entry, Range<usize>) -> Result<(ContentId, T)>,
) -> Result<BTreeMap<usize, Result<T>>> {
    let mut found = BTreeMap::new();
    let Some(last) = wanted.last() else { return Ok(found) };
    let head = blob.head(HEAD_BYTES).map_err(|error| Error::io("the layer cannot be read", error))?;
    let decoder = codec::decoder_of(party, codec::detect(&head), blob.reader())?;
    let mut reader = TarReader::new(Meter::new(Relay::alone(decoder), None, blob.size(), limits));
    let mut first = 0;
    while first <= *last
        && let Some(member) = reader.next()?
    {
        let end = first + entries_of(&member);
        if wanted.range(first..end).next().is_some() {
            let entry = entry_of(&mut reader, member)?;
            let before = known.get(first..end).ok_or_else(changed)?;
            if before.iter().any(|before| (before.kind, before.size) != (entry.kind, entry.size)) {
                return Err(changed());
            }
            let value = if entry.kind == EntryKind::File {
                match read(&mut reader, &entry, first..end) {
                    Ok((content, _)) if before.iter().any(|before| before.content != content) => {
                        return Err(changed());
                    }
                    Err(error) if error.kind() != ErrorKind::Limit => return Err(error),
                    read => read.map(|(_, value)| value),
                }
            } else {
                Err(Error::invalid(format!("{} is no regular file", entry.path)))
            };
            found.extend(wanted.range(first..end).map(|index| (*index, value.clone())));
        }
        first = end;
    }
    match wanted.iter().find(|index| !found.contains_key(index)) {
        Some(missing) => Err(Error::invalid(format!("the layer has no entry {missing}"))),
        None => Ok(found),
    }
}
