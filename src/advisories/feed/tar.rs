//! Tar archives of feeds, as Red Hat and Ubuntu publish theirs: regular members, in their order. What else is in
//! one is passed over; long names only are cut, since names are told and nothing else.

use std::io::Read;

use super::Room;
use super::files::fill;
use crate::error::{Error, Result};

pub(super) const BLOCK: usize = 512;

/// A member.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) escapes: bool,
}

/// An archive that is read as it streams by.
pub(super) struct Archive<R> {
    reader: R,
    room: Room,
    members: usize,
    unpacked: u64,
}

/// Whether a block is the header of a tar archive.
pub(super) fn begins(block: &[u8]) -> bool {
    block.get(257..262) == Some(b"ustar")
}

impl<R: Read> Archive<R> {
    pub(super) fn new(reader: R, room: Room) -> Self {
        Self { reader, room, members: 0, unpacked: 0 }
    }

    /// The next regular member; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        loop {
            let mut header = [0; BLOCK];
            let filled = fill(&mut self.reader, &mut header)?;
            if filled == 0 || header.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            if filled < BLOCK || !begins(&header) {
                return Err(Error::invalid("the tar archive is broken or cut short"));
            }
            self.members += 1;
            if self.members > self.room.documents {
                let limit = self.room.documents as u64;
                return Err(Error::limit("an archive of more members", "FEED_DOCUMENTS", limit));
            }
            let size = octal(header.get(124..136).unwrap_or_default())
                .ok_or_else(|| Error::invalid("the tar archive has a member without a size"))?;
            let name = name_of(&header);
            let is_file = matches!(header.get(156), Some(b'0' | 0));
            let bytes = self.content(size, is_file).map_err(|error| error.at(&name))?;
            if is_file {
                let escapes = super::zip::escapes(&name);
                return Ok(Some(Member { name, bytes, escapes }));
            }
        }
    }

    /// Reads a member's bytes and the rest of its last block; keeps them where that is wanted.
    fn content(&mut self, size: u64, keep: bool) -> Result<Vec<u8>> {
        self.unpacked = self.unpacked.saturating_add(size);
        if self.unpacked > self.room.unpacked {
            return Err(Error::limit("the archive, unpacked,", "FEED_UNPACKED_BYTES", self.room.unpacked));
        }
        if keep && size > self.room.document {
            return Err(Error::limit("a document of a feed", "FEED_DOCUMENT_BYTES", self.room.document));
        }
        let cannot = |error| Error::io("cannot be read", error);
        let short = || Error::invalid("the tar archive is cut short");
        let mut bytes = Vec::new();
        let read = if keep {
            (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(cannot)? as u64
        } else {
            std::io::copy(&mut (&mut self.reader).take(size), &mut std::io::sink()).map_err(cannot)?
        };
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        let padded =
            std::io::copy(&mut (&mut self.reader).take(padding), &mut std::io::sink()).map_err(cannot)?;
        if read < size || padded < padding { Err(short()) } else { Ok(bytes) }
    }
}

fn name_of(header: &[u8]) -> String {
    let text = |field: Option<&[u8]>| {
        let field = field.unwrap_or_default();
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
    };
    let (name, prefix) = (text(header.get(..100)), text(header.get(345..500)));
    // GNU's headers have times where POSIX has the prefix.
    let is_posix = header.get(257..263) == Some(b"ustar\0");
    if prefix.is_empty() || !is_posix { name } else { format!("{prefix}/{name}") }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok().filter(|size| *size < 1 << 40)
}
