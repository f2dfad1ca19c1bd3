//! The one unnamed temporary file: for standard input, pipes and compressed archives, which cannot
//! be read in place.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::headers::looks_like_tar;
use crate::codec;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::{Deadline, Limits, RATIO_FREE_BYTES};
use crate::model::descriptor::Compression;
use crate::read::{OpenFile, Section};

/// Reads a stream to its end, uncompressed on the way, into an unnamed temporary file.
pub(super) fn spool(stream: impl Read + Send + 'static, limits: &Limits) -> Result<Section> {
    let stored = Arc::new(AtomicU64::new(0));
    let counted = Counted { reader: stream, count: Arc::clone(&stored), deadline: limits.deadline };
    let mut stream = BufReader::with_capacity(256 << 10, counted);
    let head = take(&mut stream, codec::HEAD_BYTES).map_err(|error| Error::io("cannot be read", error))?;
    let compression = codec::detect(&head);
    let mut decoded = codec::decoder(compression, io::Cursor::new(head).chain(stream))?;
    let failed = |error| match compression {
        Compression::None => Error::io("cannot be read", error),
        other => Error::io(format!("cannot be unpacked as {other}"), error),
    };
    let first = take(&mut decoded, 512).map_err(failed)?;
    // Before a byte is written: most of what is no archive shows at once.
    if !first.is_empty() && !looks_like_tar(&first) {
        return Err(not_a_tar());
    }
    let mut file = host::ask(tempfile::tempfile).map_err(|error| {
        Error::io("no temporary file can be made", error).hint("set TMPDIR to a directory with room")
    })?;
    let mut written = 0;
    let mut piece = first;
    while !piece.is_empty() {
        written += piece.len() as u64;
        limits.deadline.check()?;
        hold_limits(written, stored.load(Ordering::Relaxed), limits)?;
        host::ask(|| file.write_all(&piece)).map_err(|error| {
            Error::io("the temporary file for it cannot be written", error)
                .hint("set TMPDIR to a directory with room")
        })?;
        piece = take(&mut decoded, 256 << 10).map_err(failed)?;
    }
    let trailing = decoded.drain().map_err(|error| Error::io("cannot be read", error))?;
    if trailing > 0 {
        return Err(Error::invalid(format!("{trailing} bytes follow the end of the {compression} stream")));
    }
    host::ask(|| file.seek(SeekFrom::Start(0))).map_err(|error| Error::io("cannot be read back", error))?;
    let file = OpenFile::new(file).map_err(|error| Error::io("cannot be read back", error))?;
    Ok(Section::whole(Arc::new(file)).until(limits.deadline))
}

/// A small file that becomes a very large one is made to fill disks.
fn hold_limits(written: u64, stored: u64, limits: &Limits) -> Result<()> {
    if written > limits.spool_bytes {
        return Err(Error::limit("the uncompressed archive", "spool_bytes", limits.spool_bytes));
    }
    if written > RATIO_FREE_BYTES && written / limits.ratio > stored {
        return Err(Error::limit("the archive's size over its compressed size", "ratio", limits.ratio));
    }
    Ok(())
}

/// What is said of an input that is no archive.
pub(super) fn not_a_tar() -> Error {
    Error::invalid("it is not a tar archive, compressed or not").hint(FORMS)
}

/// What an archive is.
pub(super) const FORMS: &str =
    "an image archive is a tar made by docker save, podman save, skopeo copy or the like";

/// The next bytes of a stream, taken from it; fewer only at its end.
fn take(stream: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(count);
    stream.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Counts what is read of a stream, as long as there is time.
struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
    deadline: Deadline,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.deadline.check()?;
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::limits::{RATIO, SPOOL_BYTES};
    use crate::read::build::Tar;

    fn exceeds(outcome: Result<impl Sized>, name: &str) {
        let error = outcome.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        assert!(error.to_string().contains(&format!("the limit {name} (")), "{error}");
    }

    #[test]
    fn what_is_spooled_is_held_to_spool_bytes() {
        let tar = Tar::new().file("f", &"x".repeat(700_000)).end();
        let size = tar.len() as u64;
        for stored in [tar.clone(), ::zstd::encode_all(&tar[..], 3).unwrap()] {
            let limited = |spool_bytes| {
                spool(io::Cursor::new(stored.clone()), &Limits { spool_bytes, ..Limits::default() })
            };
            assert_eq!(limited(size).unwrap().size(), size);
            exceeds(limited(size - 1), "spool_bytes");
        }
        // As it is without a policy.
        assert!(hold_limits(SPOOL_BYTES, SPOOL_BYTES, &Limits::default()).is_ok());
        exceeds(hold_limits(SPOOL_BYTES + 1, SPOOL_BYTES, &Limits::default()), "spool_bytes");
    }

    #[test]
    fn what_is_spooled_is_held_to_the_ratio_beyond_the_free_bytes() {
        let limits = Limits::default();
        assert!(hold_limits(RATIO_FREE_BYTES, 1, &limits).is_ok());
        exceeds(hold_limits(RATIO_FREE_BYTES + 1, 1, &limits), "ratio");
        let stored = RATIO_FREE_BYTES;
        assert!(hold_limits(stored * RATIO, stored, &limits).is_ok());
        exceeds(hold_limits((stored + 1) * RATIO, stored, &limits), "ratio");
    }
}
