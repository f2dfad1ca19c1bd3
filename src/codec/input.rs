//! The stored bytes below a decoder: large reads, and a look ahead that never straddles a buffer.

use std::io::{self, Read};

/// Read at once: large enough that the cost of a call is nothing, small enough for the cache.
const BYTES: usize = 256 << 10;

/// A buffered reader that can look ahead by a few bytes at any place.
pub(super) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    consumed: u64,
}

impl<R> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BYTES].into_boxed_slice(), start: 0, end: 0, consumed: 0 }
    }

    /// How many bytes were consumed so far.
    pub(super) fn position(&self) -> u64 {
        self.consumed
    }

    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.consumed += count as u64;
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

impl<R: Read> Input<R> {
    /// The bytes at hand; reads more when there are none. Empty at the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.more()?;
        }
        Ok(self.buffered())
    }

    /// Reads past the buffer, where nothing is in it: bytes that need not be decoded are copied once.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = if self.start < self.end {
            let mut buffered = self.buffered();
            let read = buffered.read(into)?;
            self.start += read;
            read
        } else {
            retrying(|| self.reader.read(into))?
        };
        self.consumed += read as u64;
        Ok(read)
    }

    /// The next `count` bytes without consuming them; fewer only at the end.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let count = count.min(BYTES);
        while self.end - self.start < count && self.more()? {}
        let buffered = self.buffered();
        Ok(buffered.get(..count).unwrap_or(buffered))
    }

    /// The next byte, consumed.
    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.fill()?.first().copied();
        self.consume(1);
        Ok(byte)
    }

    /// Reads to the end; how many bytes there were from the first non-zero one on.
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        let mut count = 0;
        loop {
            let data = self.fill()?;
            let length = data.len();
            if length == 0 {
                return Ok(count);
            }
            if count > 0 {
                count += length as u64;
            } else if let Some(first) = data.iter().position(|byte| *byte != 0) {
                count = (length - first) as u64;
            }
            self.consume(length);
        }
    }

    /// Appends one read to what is buffered; whether there was anything.
    fn more(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = retrying(|| self.reader.read(self.buffer.get_mut(self.end..).unwrap_or_default()))?;
        self.end = self.end.saturating_add(read).min(BYTES);
        Ok(read > 0)
    }
}

/// Reads until no signal comes between.
fn retrying(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
