//! The one targeted second read of a layer: files that turned out to be wanted only once the tree was
//! known, because a wanted path is a link to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::EntryKind;
use super::entries::{entries_of, entry_of, keep, may_capture};
use super::meter::Meter;
use super::tar::TarReader;
use crate::codec::{self, HEAD_BYTES};
use crate::error::{Error, Result};
use crate::limits;
use crate::read::Section;

/// Reads the content of some entries, by their index in [`super::TarFacts::entries`].
///
/// Reading stops behind the last wanted entry, and nothing is hashed: the blob was verified by
/// the first read. An index that is no regular file is an error, and so is a file that is too large
/// ([`limits::CAPTURED_FILE_BYTES`], [`limits::CAPTURED_LAYER_BYTES`]).
pub fn read_entries(blob: &Section, wanted: &BTreeSet<usize>) -> Result<BTreeMap<usize, Arc<[u8]>>> {
    let mut contents = BTreeMap::new();
    let Some(last) = wanted.last() else { return Ok(contents) };
    let head = blob.head(HEAD_BYTES).map_err(|error| Error::io("the layer cannot be read", error))?;
    let decoder = codec::decoder(codec::detect(&head), blob.reader())?;
    let mut reader = TarReader::new(Meter::new(decoder, None, blob.size()));
    let (mut first, mut taken) = (0, 0);
    while first <= *last
        && let Some(member) = reader.next()?
    {
        let end = first + entries_of(&member);
        if wanted.range(first..end).next().is_some() {
            let entry = entry_of(&mut reader, member)?;
            if entry.kind != EntryKind::File {
                return Err(Error::invalid(format!("{} is no regular file", entry.path)));
            }
            may_capture(&entry, limits::CAPTURED_LAYER_BYTES.saturating_sub(taken))?;
            let mut bytes = Vec::new();
            reader.body(|piece| keep(&mut bytes, &piece))?;
            taken += bytes.len() as u64;
            let bytes: Arc<[u8]> = bytes.into();
            contents.extend(wanted.range(first..end).map(|index| (*index, Arc::clone(&bytes))));
        }
        first = end;
    }
    match wanted.iter().find(|index| !contents.contains_key(index)) {
        Some(missing) => Err(Error::invalid(format!("the layer has no entry {missing}"))),
        None => Ok(contents),
    }
}
