//! A bounded, streaming reader of a layer's tar (POSIX.1-2017 pax and ustar, GNU, star, v7).
//!
//! docker, podman, containerd, buildah and umoci all read layers with Go's `archive/tar`, so its
//! decisions are ours: what it accepts is accepted, what it refuses is an error (the layer is unread).
//! Where other readers would see another archive, the entry is told as an anomaly besides.
//!
//! Nothing is allocated by a length that was only declared, and no more than one extended header and
//! one sparse map are held at a time.

pub(crate) mod header;
mod member;
pub(crate) mod pax;
mod sparse;
mod xattr;

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use crate::read::build;

pub(crate) use self::member::Member;
pub(super) use self::xattr::base64_decode;

use self::header::{BLOCK, BadField, Block, Header, is_zero, text};
use self::member::Pending;
use self::pax::Records;
use self::sparse::Segment;
use crate::digest::ContentId;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::anomaly::Anomalies;
use crate::model::{Anomaly, Fault};
use crate::scan::meter::Meter;

/// A piece of a file's content.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// Bytes, straight out of the decoder's buffer.
    Data(&'a [u8]),
    /// So many zeros: a hole.
    Hole(u64),
}

/// Reads members one after another.
pub(crate) struct TarReader<'a> {
    input: Meter<'a>,
    /// Bytes consumed.
    position: u64,
    /// Stored bytes of the current body that were not yet read.
    left: u64,
    /// Bytes behind that body up to the next block.
    padding: usize,
    /// The current file's stored segments, where it is sparse; and its size.
    sparse: Option<Vec<Segment>>,
    size: u64,
    /// The global extended headers so far.
    global: Records,
    /// Bytes of their extended attributes, counted for each entry so far.
    global_xattr_bytes: u64,
    /// What stood before a global header that became a member.
    held: Pending,
    /// Whether the archive's end was reached.
    ended: bool,
    /// What was broken or ambiguous so far.
    pub(crate) faults: Anomalies,
}

impl<'a> TarReader<'a> {
    pub(crate) fn new(input: Meter<'a>) -> Self {
        Self {
            input,
            position: 0,
            left: 0,
            padding: 0,
            sparse: None,
            size: 0,
            global: Records::default(),
            global_xattr_bytes: 0,
            held: Pending::default(),
            ended: false,
            faults: Anomalies::of_layer(),
        }
    }

    /// The stream below, and what was broken or ambiguous.
    pub(crate) fn into_parts(self) -> (Meter<'a>, Anomalies) {
        (self.input, self.faults)
    }

    /// The next member; what is left of the current one is skipped. `None` at the archive's end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>> {
        let mut pending = std::mem::take(&mut self.held);
        loop {
            self.skip_body()?;
            let Some(block) = self.header_block()? else {
                if let Some(anomaly) = pending.left_over("stands at the archive's end, before no entry") {
                    self.faults.push(anomaly)?;
                }
                return Ok(None);
            };
            let header = Header::parse(&block).map_err(|bad| self.no_header(bad, &block))?;
            match header.flag {
                b'x' => {
                    let records = self.records(&header)?;
                    pending.take_records(records)?;
                }
                b'g' => {
                    let records = self.records(&header)?;
                    if let Some(anomaly) =
                        pending.left_over("stands before a global header, where Go drops it")
                    {
                        self.faults.push(anomaly)?;
                    }
                    pending = pending.after_global()?;
                    self.take_global(records)?;
                    if let Some(member) = self.named_global(&header)? {
                        self.held = pending;
                        return Ok(Some(member));
                    }
                }
                b'L' => {
                    let name = self.special(&header)?;
                    pending.take_long_name(text(&name))?;
                }
                b'K' => {
                    let name = self.special(&header)?;
                    pending.take_long_link(text(&name))?;
                }
                _ => return self.member(header, block, pending).map(Some),
            }
        }
    }

    /// Hands out the current file's content, piece by piece.
    pub(crate) fn body(&mut self, mut take: impl FnMut(Piece<'_>)) -> Result<()> {
        let Some(segments) = self.sparse.take() else {
            return self.stored(self.left, &mut take);
        };
        let mut at = 0;
        for segment in segments {
            self.hole(segment.offset.saturating_sub(at), &mut take)?;
            self.stored(segment.length, &mut take)?;
            at = segment.offset.saturating_add(segment.length);
        }
        self.hole(self.size.saturating_sub(at), &mut take)
    }

    /// As [`Self::body`]; the identity of the content.
    pub(crate) fn hashed_body(&mut self, take: impl FnMut(Piece<'_>)) -> Result<ContentId> {
        self.input.begin_content();
        let read = self.body(take);
        let content = self.input.end_content();
        read.map(|()| content)
    }

    fn hole(&mut self, mut length: u64, take: &mut impl FnMut(Piece<'_>)) -> Result<()> {
        while length > 0 {
            let piece = length.min(limits::HOLE_PIECE_BYTES);
            self.input.hole(piece)?;
            take(Piece::Hole(piece));
            length -= piece;
        }
        Ok(())
    }

    fn stored(&mut self, mut length: u64, take: &mut impl FnMut(Piece<'_>)) -> Result<()> {
        while length > 0 {
            let data = self.input.fill()?;
            let count = usize::try_from(length).unwrap_or(usize::MAX).min(data.len());
            if count == 0 {
                return Err(self.truncated("the content of an entry"));
            }
            take(Piece::Data(data.get(..count).unwrap_or_default()));
            self.input.consume(count)?;
            self.position += count as u64;
            self.left = self.left.saturating_sub(count as u64);
            length -= count as u64;
        }
        Ok(())
    }

    /// Reads what follows the archive's end: the diffID is of every byte.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let mut block = [0; BLOCK];
        let mut first = None;
        let mut count = 0;
        loop {
            let start = self.position;
            let read = self.read_block(&mut block)?;
            if read == 0 {
                break;
            }
            let bytes = block.get(..read).unwrap_or_default();
            if first.is_none()
                && let Some(offset) = bytes.iter().position(|byte| *byte != 0)
            {
                let header = read == BLOCK && Header::parse(&block).is_ok();
                first = Some((start + offset as u64, header));
                count = (read - offset) as u64;
            } else if first.is_some() {
                count += read as u64;
            }
        }
        let Some((offset, header)) = first else { return Ok(()) };
        let more = if header {
            "; they begin with a tar header, so readers that skip end marks see more entries"
        } else {
            ""
        };
        self.faults.push(
            Anomaly::new(
                Fault::TrailingData,
                format!("{count} bytes that are not all zero follow the end mark of the layer's tar{more}"),
            )
            .evidence("bytes", count)
            .evidence("offset", offset)
            .evidence("tarHeader", header),
        )
    }

    /// Sets up the body of what a header announced.
    fn set_body(&mut self, stored: u64) {
        self.left = stored;
        self.padding = padding(stored);
        self.sparse = None;
    }

    fn skip_body(&mut self) -> Result<()> {
        self.sparse = None;
        self.stored(self.left, &mut |_| {})?;
        while self.padding > 0 {
            let count = self.input.fill()?.len().min(self.padding);
            if count == 0 {
                // Go takes an archive that ends inside padding for complete.
                self.ended = true;
                self.padding = 0;
                return Ok(());
            }
            self.input.consume(count)?;
            self.position += count as u64;
            self.padding -= count;
        }
        Ok(())
    }

    /// The next header; `None` at the end: no more bytes, one zero block and no more bytes, or two
    /// zero blocks. A lone zero block is an error, as in Go (GNU tar reads on, Python stops).
    fn header_block(&mut self) -> Result<Option<Block>> {
        let mut block = [0; BLOCK];
        for zero_before in [false, true] {
            if self.ended {
                return Ok(None);
            }
            match self.read_block(&mut block)? {
                0 => self.ended = true,
                BLOCK if !is_zero(&block) && zero_before => {
                    return Err(Error::invalid(format!(
                        "the tar has one zero block, where its end has two, at byte {}",
                        self.position - 2 * BLOCK as u64
                    )));
                }
                BLOCK if !is_zero(&block) => return Ok(Some(block)),
                BLOCK => {}
                read if self.position == read as u64 => return Err(Error::invalid("the layer is no tar")),
                _ => return Err(self.truncated("a header")),
            }
        }
        self.ended = true;
        Ok(None)
    }

    /// Fills a block; fewer bytes only at the end.
    fn read_block(&mut self, block: &mut Block) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let data = self.input.fill()?;
            let count = data.len().min(rest.len());
            if count == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (rest.get_mut(..count), data.get(..count)) {
                to.copy_from_slice(from);
            }
            self.input.consume(count)?;
            filled += count;
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// The body of a header that describes the next entry.
    fn special(&mut self, header: &Header) -> Result<Vec<u8>> {
        let length = u64::try_from(header.size).map_err(|_| self.bad_field("size"))?;
        if length > limits::PAX_BYTES {
            return Err(Error::limit(
                format!("an extended header of {length} bytes at byte {}", self.header_position()),
                "PAX_BYTES",
                limits::PAX_BYTES,
            ));
        }
        self.set_body(length);
        let mut bytes = Vec::new();
        self.body(|piece| {
            if let Piece::Data(data) = piece {
                bytes.extend_from_slice(data);
            }
        })?;
        Ok(bytes)
    }

    fn records(&mut self, header: &Header) -> Result<Records> {
        let position = self.header_position();
        let body = self.special(header)?;
        Records::parse(&body)
            .map_err(|what| Error::invalid(format!("a PAX header is broken: {what}, at byte {position}")))
    }

    /// Where the header that was just read begins.
    fn header_position(&self) -> u64 {
        self.position.saturating_sub(BLOCK as u64)
    }

    fn truncated(&self, what: &str) -> Error {
        Error::invalid(format!("the tar ends inside {what}, at byte {}", self.position))
    }

    fn bad_field(&self, field: &str) -> Error {
        Error::invalid(format!("a tar header has a bad {field}, at byte {}", self.header_position()))
    }

    fn no_header(&self, bad: BadField, block: &Block) -> Error {
        match (self.header_position(), block.get(..4)) {
            (0, Some(b"hsqs")) => Error::unsupported("the layer is a squashfs image, not a tar"),
            (0, _) if bad.0 == "checksum" => Error::invalid("the layer is no tar"),
            _ => self.bad_field(bad.0),
        }
    }
}

/// Bytes from the end of a body of this size to the next block.
fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}
