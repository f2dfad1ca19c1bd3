//! The one unnamed temporary file: for standard input, pipes and compressed archives, which cannot
//! be read in place.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use crate::codec;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::descriptor::Compression;
use crate::read::{OpenFile, Section};

/// Reads a stream to its end, uncompressed on the way, into an unnamed temporary file.
pub(super) fn spool(stream: impl Read + Send + 'static) -> Result<Section> {
    let mut stream = BufReader::with_capacity(256 << 10, stream);
    let head = peek(&mut stream).map_err(|error| Error::io("cannot be read", error))?;
    let compression = codec::detect(&head);
    let head = io::Cursor::new(head);
    let mut decoded = codec::decoder(compression, head.chain(stream))?;
    let mut file = tempfile::tempfile().map_err(|error| {
        Error::io("no temporary file can be made", error).hint("set TMPDIR to a directory with room")
    })?;
    let limit = limits::SPOOL_BYTES;
    let copied = io::copy(&mut (&mut decoded).take(limit + 1), &mut file);
    let copied = copied.map_err(|error| match compression {
        Compression::None => Error::io("cannot be copied to a temporary file", error),
        other => Error::io(format!("cannot be unpacked as {other}"), error),
    })?;
    if copied > limit {
        return Err(Error::limit("the uncompressed archive", "SPOOL_BYTES", limit));
    }
    let trailing = decoded.drain().map_err(|error| Error::io("cannot be read", error))?;
    if trailing > 0 {
        return Err(Error::invalid(format!("{trailing} bytes follow the end of the {compression} stream")));
    }
    file.seek(SeekFrom::Start(0)).map_err(|error| Error::io("cannot be read back", error))?;
    let file = OpenFile::new(file).map_err(|error| Error::io("cannot be read back", error))?;
    Ok(Section::whole(Arc::new(file)))
}

/// The first bytes of a stream, taken from it.
fn peek(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    stream.take(codec::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}
