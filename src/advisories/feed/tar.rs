//! Tar archives of feeds, as Red Hat and Ubuntu publish theirs, and as tools pack directories: members in their order,
//! by the whole names that PAX headers and GNU's long names give them.

use std::io::Read;

use super::Room;
use super::files::{fill, is_json};
use crate::error::{Error, Result};
use crate::limits;
use crate::scan::tar::header::{BLOCK, Block, Header, is_zero, text};
use crate::scan::tar::pax::{self, Records};

/// Headers that say more of one member: PAX's, and GNU's names of it and of what it links to.
const HEADERS: usize = 8;

/// A member that is no directory.
pub(super) struct Member {
    pub(super) name: String,
    /// Of a document; all else is not read.
    pub(super) document: Option<Vec<u8>>,
    pub(super) escapes: bool,
}

/// An archive that is read as it streams by.
pub(super) struct Archive<R> {
    reader: R,
    room: Room,
    members: usize,
    unpacked: u64,
}

/// What headers before a member say of it.
#[derive(Default)]
struct Said {
    name: Option<String>,
    size: Option<u64>,
}

/// Whether the first bytes of a file are the header of a tar archive.
pub(super) fn begins(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

impl<R: Read> Archive<R> {
    pub(super) fn new(reader: R, room: Room) -> Self {
        Self { reader, room, members: 0, unpacked: 0 }
    }

    /// The next member; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        loop {
            let mut said = Said::default();
            let Some((flag, name, size)) = self.described(&mut said)? else { return Ok(None) };
            self.members += 1;
            if self.members > self.room.documents {
                let limit = self.room.documents as u64;
                return Err(Error::limit("an archive of more members", "FEED_DOCUMENTS", limit));
            }
            let name = said.name.unwrap_or(name);
            let is_file = matches!(flag, b'0' | 0 | b'7');
            // What is no file has no content, whatever size its header says.
            let size = if matches!(flag, b'1'..=b'6') { 0 } else { said.size.unwrap_or(size) };
            let wanted = is_file && is_json(&name);
            let document = self.content(size, wanted).map_err(|error| error.at(&name))?;
            if flag != b'5' && !name.ends_with('/') {
                let escapes = super::zip::escapes(&name);
                return Ok(Some(Member { name, document: wanted.then_some(document), escapes }));
            }
        }
    }

    /// Reads headers up to that of a member: what it is, its short name, and its size.
    fn described(&mut self, said: &mut Said) -> Result<Option<(u8, String, u64)>> {
        for _ in 0..=HEADERS {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = u64::try_from(header.size).map_err(|_| broken())?;
            match header.flag {
                b'x' => said.take(&Records::parse(&self.extended(size)?).map_err(|_| broken())?)?,
                b'L' => said.name = Some(string(text(&self.extended(size)?))),
                // What is said of all members names none of them, and what a link leads to is not looked at.
                b'g' | b'K' => drop(self.content(size, false)?),
                flag => return Ok(Some((flag, string(&header.name), size))),
            }
        }
        Err(broken())
    }

    /// The next header; `None` at the end, which is two blocks of zeros and no more than zeros behind them.
    fn header(&mut self) -> Result<Option<Header>> {
        let mut block = self.block()?;
        if !is_zero(&block) {
            return Header::parse(&block).map(Some).map_err(|_| broken());
        }
        if !is_zero(&self.block()?) {
            return Err(broken());
        }
        loop {
            let filled = fill(&mut self.reader, &mut block)?;
            self.count(filled as u64)?;
            if filled == 0 {
                return Ok(None);
            }
            if !is_zero(block.get(..filled).unwrap_or_default()) {
                return Err(Error::invalid("the tar archive has more behind its end")
                    .hint("unpack what was joined, and name each part"));
            }
        }
    }

    fn block(&mut self) -> Result<Block> {
        let mut block = [0; BLOCK];
        if fill(&mut self.reader, &mut block)? < BLOCK { Err(broken()) } else { Ok(block) }
    }

    /// The body of a header that says more of the next member.
    fn extended(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > limits::PAX_BYTES {
            return Err(Error::limit("an extended header of the archive", "PAX_BYTES", limits::PAX_BYTES));
        }
        self.content(size, true)
    }

    fn count(&mut self, bytes: u64) -> Result<()> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        if self.unpacked > self.room.unpacked {
            return Err(Error::limit("the archive, unpacked,", "FEED_UNPACKED_BYTES", self.room.unpacked));
        }
        Ok(())
    }

    /// Reads a body and the rest of its last block; keeps it where that is wanted.
    fn content(&mut self, size: u64, keep: bool) -> Result<Vec<u8>> {
        self.count(size)?;
        if keep && size > self.room.document {
            return Err(Error::limit("a document of a feed", "FEED_DOCUMENT_BYTES", self.room.document));
        }
        let cannot = |error| Error::io("cannot be read", error);
        let mut bytes = Vec::new();
        let read = if keep {
            (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(cannot)? as u64
        } else {
            std::io::copy(&mut (&mut self.reader).take(size), &mut std::io::sink()).map_err(cannot)?
        };
        let padding = size.wrapping_neg() % BLOCK as u64;
        let padded =
            std::io::copy(&mut (&mut self.reader).take(padding), &mut std::io::sink()).map_err(cannot)?;
        if read < size || padded < padding { Err(broken()) } else { Ok(bytes) }
    }
}

impl Said {
    fn take(&mut self, records: &Records) -> Result<()> {
        if let Some(path) = records.get(pax::PATH) {
            self.name = Some(string(path));
        }
        if let Some(size) = records.number(pax::SIZE).map_err(|_| broken())? {
            self.size = Some(u64::try_from(size).map_err(|_| broken())?);
        }
        Ok(())
    }
}

fn string(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn broken() -> Error {
    Error::invalid("the tar archive is broken or cut short")
        .hint("fetch it again, and compare its size and digest")
}
