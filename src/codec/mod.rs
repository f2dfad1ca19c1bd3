//! Decompression, chosen by magic bytes and never by media type.
//!
//! Every format here is a run of *members* (gzip), *frames* (zstd) or *streams* (xz, bzip2). All are
//! read one after another; what follows the last one and begins no further one is left for
//! [`Decoder::drain`] to count, since readers disagree on it: Go's gzip refuses such a blob, gzip(1)
//! and pigz ignore it. A member that is cut short or whose checksum is wrong is an error, so that
//! "decoded" always means "decoded whole".

mod bzip2;
mod gzip;
mod inflate;
mod input;
mod xz;
mod zstd;

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use self::input::Input;
use crate::error::{Error, Result};
use crate::limits::Party;
use crate::model::descriptor::Compression;

/// How many first bytes [`detect`] wants to see.
pub const HEAD_BYTES: usize = 16;

/// Decoded bytes are handed out in pieces of at most this size: they stay in the CPU's cache.
const OUTPUT_BYTES: usize = 256 << 10;

/// How a blob is compressed, by its first bytes (at least [`HEAD_BYTES`], or all).
///
/// The magics are those that docker and containerd look for. Only bzip2 is held to more of its
/// header, for a plain tar may well begin with a file name like `BZhang`.
pub fn detect(head: &[u8]) -> Compression {
    if gzip::begins(head) {
        Compression::Gzip
    } else if zstd::begins(head) {
        Compression::Zstd
    } else if xz::begins(head) {
        Compression::Xz
    } else if bzip2::begins(head) {
        Compression::Bzip2
    } else {
        Compression::None
    }
}

/// A streaming decoder. Broken content is an [`Error`] inside the `io::Error` ([`Error::io`] takes
/// it out); any other `io::Error` came from the reader below.
pub trait Decoder: BufRead + Send {
    /// Reads the stored bytes to their end without decoding them, after the end or an error.
    /// Yields how many there were from the first non-zero one on.
    fn drain(&mut self) -> io::Result<u64>;

    /// What of the stored bytes before the end decoded to nothing, although it is well-formed.
    fn undecoded(&self) -> Undecoded {
        Undecoded::default()
    }

    /// Gives away the bytes at hand, or the next ones, and takes `spare` to decode into: what one
    /// thread decodes another one reads without a copy. An empty piece at the end.
    fn hand_over(&mut self, spare: Piece) -> io::Result<Piece>;
}

/// Stored bytes that belong to a compressed stream and decode to nothing: comments and extra fields of gzip,
/// skippable frames of zstd.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undecoded {
    /// How many there are.
    pub bytes: u64,
    /// Of which form a table of contents is among them, by which some unpackers fetch single files and do
    /// not read the stream.
    pub table_of_contents: Option<&'static str>,
}

/// A buffer of decoded bytes of which some are at hand.
#[derive(Debug)]
pub struct Piece {
    /// What a codec wants to see of what it decoded before, then what it decodes.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Default for Piece {
    fn default() -> Self {
        Self { buffer: vec![0; inflate::HISTORY + OUTPUT_BYTES].into_boxed_slice(), start: 0, end: 0 }
    }
}

impl Piece {
    /// The bytes at hand.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes bytes away from the front.
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Makes room behind what was decoded last, when that was handed out; `history` bytes of it stay.
    fn make_room(&mut self, history: usize) {
        if history == 0 || self.end == self.buffer.len() {
            let kept = self.end.saturating_sub(history)..self.end;
            self.buffer.copy_within(kept, 0);
            self.end = history;
        }
        self.end = self.end.max(history);
        self.start = self.end;
    }

    /// Begins behind the last bytes of what another piece holds.
    fn follow(&mut self, before: &Self, history: usize) {
        (self.start, self.end) = (history, history);
        let kept = before.buffer.get(before.end.saturating_sub(history)..before.end);
        if let (Some(to), Some(from)) = (self.buffer.get_mut(..history), kept)
            && to.len() == from.len()
        {
            to.copy_from_slice(from);
        }
    }

    /// Adds what `step` decodes behind what is there.
    fn decode(&mut self, step: impl FnOnce(&mut [u8], usize) -> Result<Step>) -> Result<Step> {
        let step = step(&mut self.buffer, self.end)?;
        self.end = self.end.saturating_add(step.produced).min(self.buffer.len());
        Ok(step)
    }

    /// Holds what `read` reads, and nothing else.
    fn read(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        (self.start, self.end) = (0, 0);
        self.end = read(&mut self.buffer)?.min(self.buffer.len());
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { buffer: bytes.into(), start: 0, end: bytes.len() }
    }
}

/// A decoder of `reader`, which must stand at the first byte.
///
/// There is no limit on how much may come out: the caller counts. Memory is bounded by
/// [`crate::limits::ZSTD_WINDOW_LOG`] and [`crate::limits::XZ_MEMORY_BYTES`].
pub fn decoder<'a>(compression: Compression, reader: impl Read + Send + 'a) -> Result<Box<dyn Decoder + 'a>> {
    decoder_of(&Arc::default(), compression, reader)
}

/// As [`decoder`], of one of several parties: what it holds beyond [`crate::limits::DECODER_AT_ONCE_BYTES`] is held by
/// one of them at a time.
pub fn decoder_of<'a>(
    party: &Arc<Party>,
    compression: Compression,
    reader: impl Read + Send + 'a,
) -> Result<Box<dyn Decoder + 'a>> {
    let party = Arc::clone(party);
    let input = Input::new(reader);
    Ok(match compression {
        Compression::None => Box::new(Plain(input)),
        Compression::Gzip => Box::new(Members::new(gzip::Gzip::new(), input)),
        Compression::Zstd => Box::new(Members::new(zstd::Zstd::new(party)?, input)),
        Compression::Xz => Box::new(Members::new(xz::Xz::new(party)?, input)),
        Compression::Bzip2 => Box::new(Members::new(bzip2::Bzip2::new(), input)),
    })
}

/// What one call of a codec did.
#[derive(Default)]
struct Step {
    /// Bytes taken from the input.
    consumed: usize,
    /// Bytes written to the output.
    produced: usize,
    /// The member's data is complete.
    ended: bool,
}

/// One compression format: how its members begin, run and end.
trait Codec: Send {
    /// What people call one member: `gzip member`.
    const MEMBER: &'static str;
    /// How many of the bytes decoded last it wants to see before where it writes.
    const HISTORY: usize = 0;
    /// Whether a member begins with these bytes.
    fn begins(head: &[u8]) -> bool;
    /// Reads what stands before a member's data.
    fn open<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()>;
    /// Decodes some data to `output` from `at` on; an empty input means that none is left.
    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step>;
    /// What decoded to nothing so far.
    fn undecoded(&self) -> Undecoded {
        Undecoded::default()
    }
    /// Reads and checks what stands behind a member's data.
    fn close<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()>;
}

/// Bytes that are not compressed.
struct Plain<R>(Input<R>);

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.fill()?.read(buffer)?;
        self.0.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Plain<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill()
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

impl<R: Read + Send> Decoder for Plain<R> {
    fn drain(&mut self) -> io::Result<u64> {
        self.0.drain()
    }

    fn hand_over(&mut self, mut spare: Piece) -> io::Result<Piece> {
        spare.read(|buffer| self.0.read(buffer))?;
        Ok(spare)
    }
}

enum State {
    /// Before the first member.
    Start,
    /// Inside a member.
    Inside,
    /// Behind a member's data, before what checks it.
    Tail,
    /// Behind a member.
    Between,
    /// Behind the last one.
    End,
    /// A member was broken.
    Failed(Error),
}

/// The decoder of all formats that are a run of members.
struct Members<R, C> {
    codec: C,
    input: Input<R>,
    state: State,
    output: Piece,
}

impl<R: Read, C: Codec> Members<R, C> {
    fn new(codec: C, input: Input<R>) -> Self {
        let mut output = Piece::default();
        output.make_room(C::HISTORY);
        Self { codec, input, state: State::Start, output }
    }

    /// Decodes until there is output or the end.
    fn refill(&mut self) -> io::Result<()> {
        self.output.make_room(C::HISTORY);
        loop {
            match &self.state {
                State::End => return Ok(()),
                State::Failed(error) => return Err(error.clone().into()),
                State::Start | State::Between => {
                    if !C::begins(self.input.peek(HEAD_BYTES)?) {
                        if matches!(self.state, State::Start) {
                            return Err(Error::invalid(format!("this is no {}", C::MEMBER)).into());
                        }
                        self.state = State::End;
                        return Ok(());
                    }
                    self.codec.open(&mut self.input)?;
                    self.state = State::Inside;
                }
                State::Tail => {
                    self.codec.close(&mut self.input)?;
                    self.state = State::Between;
                }
                State::Inside => {
                    let data = self.input.fill()?;
                    let at_end = data.is_empty();
                    let step = self.output.decode(|output, at| self.codec.step(data, output, at))?;
                    self.input.consume(step.consumed);
                    if step.ended {
                        // What was decoded is handed out first, should the checksum be wrong.
                        self.state = State::Tail;
                    } else if step.produced == 0 && at_end {
                        return Err(truncated(C::MEMBER, &self.input).into());
                    } else if step.produced == 0 && step.consumed == 0 {
                        return Err(broken(C::MEMBER, "the decoder makes no progress").into());
                    }
                    if step.produced > 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The stored bytes end inside a member.
fn truncated<R>(member: &str, input: &Input<R>) -> Error {
    Error::invalid(format!("a {member} is cut short at stored byte {}", input.position()))
}

/// A member's bytes are wrong.
fn broken(member: &str, what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("a {member} is broken: {what}"))
}

impl<R: Read, C: Codec> Read for Members<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read, C: Codec> BufRead for Members<R, C> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.output.bytes().is_empty()
            && let Err(error) = self.refill()
        {
            // Asked again, a broken blob must not read as one that ended.
            if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                self.state = State::Failed(inner.clone());
            }
            return Err(error);
        }
        Ok(self.output.bytes())
    }

    fn consume(&mut self, count: usize) {
        self.output.consume(count);
    }
}

impl<R: Read + Send, C: Codec> Decoder for Members<R, C> {
    fn drain(&mut self) -> io::Result<u64> {
        self.input.drain()
    }

    fn undecoded(&self) -> Undecoded {
        self.codec.undecoded()
    }

    fn hand_over(&mut self, mut spare: Piece) -> io::Result<Piece> {
        self.fill_buf()?;
        spare.follow(&self.output, C::HISTORY);
        Ok(std::mem::replace(&mut self.output, spare))
    }
}

#[cfg(test)]
mod tests;
