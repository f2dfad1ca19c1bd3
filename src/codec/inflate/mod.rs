//! Raw inflate (RFC 1951): streaming, of bounded memory, without a line of unsafe code.
//!
//! Inflating is what most of a check's time goes to, so this is written for speed, after the ways
//! of libdeflate: [`tables`] that say all of a symbol in one entry, and a [`fast`] loop for where
//! input and output are far from their ends. The state machine here does the rest, one symbol or
//! field at a time; it can stop at any bit and goes on with the next piece of input. What is valid
//! is what zlib takes for valid, and [`tests`] hold it to that.
//!
//! The output is a buffer of the caller's that has the last [`HISTORY`] bytes before what comes next:
//! matches are copied inside one slice.

mod bits;
mod fast;
mod symbol;
mod tables;

use bits::{Bits, Reader};
use symbol::{Output, Symbol};
use tables::{DISTANCE_SYMBOLS, LITLEN_SYMBOLS, PRECODE_BITS, PRECODE_SYMBOLS, Tables};

/// How far back a match may reach.
pub(super) const HISTORY: usize = 32 << 10;

/// Symbols that a dynamic block may have: 286 and 287, 30 and 31 mean nothing, and zlib refuses their lengths.
const LITLEN_CODES: usize = 286;
const DISTANCE_CODES: usize = 30;

/// The order in which the lengths of the code lengths' code are stored (RFC 1951, 3.2.7).
const PRECODE_ORDER: [usize; PRECODE_SYMBOLS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What is wrong with the compressed data.
pub(super) type Broken = &'static str;

/// What one call did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes taken from the input. Where the data ends they are all of its bytes and none behind it.
    pub(super) consumed: usize,
    /// Bytes written to the output.
    pub(super) produced: usize,
    pub(super) ended: bool,
}

/// What comes next in the stream.
#[derive(Clone, Copy)]
enum State {
    BlockHeader,
    StoredHeader,
    /// So many bytes of a stored block.
    Stored(usize),
    DynamicHeader,
    /// The lengths of the code lengths' code, of which there are so many.
    PrecodeLengths(usize),
    /// The lengths of both codes.
    CodeLengths,
    Symbols,
    /// The rest of a match for which there was no room.
    Match {
        distance: usize,
        length: usize,
    },
    End,
    Broken(Broken),
}

/// Why the state machine stops.
enum Stop {
    /// For more input.
    Input,
    /// For more room.
    Room,
    /// At the end.
    End,
    Broken(Broken),
}

/// A decoder of one stream after another.
pub(super) struct Inflate {
    state: State,
    bits: Bits,
    /// The block is the last.
    last: bool,
    /// Bytes that the stream gave so far: no match reaches further back.
    total: u64,
    lengths: Lengths,
    tables: Box<Tables>,
}

/// The code lengths of a dynamic block while they are read.
struct Lengths {
    lengths: [u8; LITLEN_SYMBOLS + DISTANCE_SYMBOLS],
    /// How many of them are read.
    read: usize,
    litlen: usize,
    distance: usize,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self {
            state: State::BlockHeader,
            bits: Bits::default(),
            last: false,
            total: 0,
            lengths: Lengths {
                lengths: [0; LITLEN_SYMBOLS + DISTANCE_SYMBOLS],
                read: 0,
                litlen: 0,
                distance: 0,
            },
            tables: Box::new(Tables::new()),
        }
    }

    /// Begins a new stream.
    pub(super) fn reset(&mut self) {
        self.state = State::BlockHeader;
        self.bits = Bits::default();
        self.last = false;
        self.total = 0;
    }

    /// How many bytes the stream gave so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Decodes from `input` into `buffer` from `at` on, until one of them is used up, or the stream
    /// ends or is broken. An empty input means that none is left; a call that then does nothing at
    /// all tells that the stream is cut short.
    ///
    /// The last [`HISTORY`] bytes that were decoded must stand before `at`, or all if there were
    /// fewer. Bytes behind those that are produced are overwritten with anything.
    ///
    /// An error comes with the first call that produces nothing: what stands before it is all handed out.
    pub(super) fn step(&mut self, input: &[u8], buffer: &mut [u8], at: usize) -> Result<Progress, Broken> {
        let mut reader = Reader::new(self.bits, input);
        let floor = at.saturating_sub(usize::try_from(self.total).unwrap_or(usize::MAX));
        let mut output = Output { buffer, at, floor };
        let stop = self.run(&mut reader, &mut output);
        let produced = output.at - at;
        if matches!(stop, Stop::Room | Stop::End) {
            reader.give_back();
        }
        self.bits = reader.bits;
        self.total += produced as u64;
        if let Stop::Broken(what) = stop {
            self.state = State::Broken(what);
            if produced == 0 {
                return Err(what);
            }
        }
        Ok(Progress { consumed: reader.position, produced, ended: matches!(stop, Stop::End) })
    }

    fn run(&mut self, reader: &mut Reader, output: &mut Output) -> Stop {
        loop {
            let next = match self.state {
                State::BlockHeader => self.block_header(reader),
                State::StoredHeader => stored_header(reader),
                State::Stored(left) => self.stored(left, reader, output),
                State::DynamicHeader => self.dynamic_header(reader),
                State::PrecodeLengths(count) => self.precode_lengths(count, reader),
                State::CodeLengths => self.code_lengths(reader),
                State::Symbols => self.symbols(reader, output),
                State::Match { distance, length } => self.rest_of_match(distance, length, output),
                State::End => Err(Stop::End),
                State::Broken(what) => Err(Stop::Broken(what)),
            };
            match next {
                Ok(state) => self.state = state,
                Err(stop) => return stop,
            }
        }
    }

    fn block_header(&mut self, reader: &mut Reader) -> Result<State, Stop> {
        reader.want(3)?;
        self.last = reader.take(1) == 1;
        match reader.take(2) {
            0 => Ok(State::StoredHeader),
            1 => {
                self.tables.load_fixed();
                Ok(State::Symbols)
            }
            2 => Ok(State::DynamicHeader),
            _ => Err(Stop::Broken("invalid block type")),
        }
    }

    fn behind_block(&self) -> State {
        if self.last { State::End } else { State::BlockHeader }
    }

    fn stored(&mut self, left: usize, reader: &mut Reader, output: &mut Output) -> Result<State, Stop> {
        let input = reader.input.get(reader.position..).unwrap_or_default();
        let room = output.buffer.get_mut(output.at..).unwrap_or_default();
        let count = left.min(input.len()).min(room.len());
        for (to, from) in room.chunks_mut(count.max(1)).zip(input.chunks(count.max(1))).take(1) {
            to.copy_from_slice(from);
        }
        reader.position += count;
        output.at += count;
        if count == left {
            return Ok(self.behind_block());
        }
        self.state = State::Stored(left - count);
        Err(if output.at == output.buffer.len() { Stop::Room } else { Stop::Input })
    }

    fn dynamic_header(&mut self, reader: &mut Reader) -> Result<State, Stop> {
        reader.want(14)?;
        self.lengths.litlen = reader.take(5) as usize + 257;
        self.lengths.distance = reader.take(5) as usize + 1;
        let count = reader.take(4) as usize + 4;
        if self.lengths.litlen > LITLEN_CODES || self.lengths.distance > DISTANCE_CODES {
            return Err(Stop::Broken("too many length or distance symbols"));
        }
        self.lengths.lengths.fill(0);
        self.lengths.read = 0;
        Ok(State::PrecodeLengths(count))
    }

    fn precode_lengths(&mut self, count: usize, reader: &mut Reader) -> Result<State, Stop> {
        for symbol in PRECODE_ORDER.iter().take(count).skip(self.lengths.read) {
            reader.want(3)?;
            if let Some(length) = self.lengths.lengths.get_mut(*symbol) {
                *length = reader.take(3) as u8;
            }
            self.lengths.read += 1;
        }
        let lengths = self.lengths.lengths.get(..PRECODE_SYMBOLS).unwrap_or_default();
        if !self.tables.load_precode(lengths) {
            return Err(Stop::Broken("invalid code lengths set"));
        }
        self.lengths.read = 0;
        Ok(State::CodeLengths)
    }

    fn code_lengths(&mut self, reader: &mut Reader) -> Result<State, Stop> {
        let Lengths { lengths, read, litlen, distance } = &mut self.lengths;
        let count = *litlen + *distance;
        while *read < count {
            reader.has(PRECODE_BITS + 7);
            let entry = self.tables.precode_entry(reader.bits.buffer);
            let (taken, symbol) = (entry & 63, (entry >> 16) as u8);
            // A length, or how often one is repeated (RFC 1951, 3.2.7).
            let (extra, least) = match symbol {
                ..16 => (0, 1),
                16 => (2, 3),
                17 => (3, 3),
                18.. => (7, 11),
            };
            reader.want(taken + extra)?;
            reader.skip(taken);
            let times = least + reader.take(extra) as usize;
            let length = match symbol {
                ..16 => symbol,
                16 => match read.checked_sub(1).and_then(|before| lengths.get(before)) {
                    Some(length) => *length,
                    None => return Err(Stop::Broken("invalid bit length repeat")),
                },
                17.. => 0,
            };
            match lengths.get_mut(*read..*read + times) {
                Some(repeated) if *read + times <= count => repeated.fill(length),
                _ => return Err(Stop::Broken("invalid bit length repeat")),
            }
            *read += times;
        }
        let (litlen, rest) = lengths.split_at_checked(*litlen).unwrap_or_default();
        if litlen.get(256).is_none_or(|length| *length == 0) {
            return Err(Stop::Broken("no code for the end of block"));
        }
        self.tables.load(litlen, rest.get(..*distance).unwrap_or_default()).map_err(Stop::Broken)?;
        Ok(State::Symbols)
    }

    /// Decodes symbols up to the end of the block: fast, and one with care wherever that stops.
    fn symbols(&mut self, reader: &mut Reader, output: &mut Output) -> Result<State, Stop> {
        loop {
            if fast::symbols(&self.tables, reader, output).map_err(Stop::Broken)? {
                return Ok(self.behind_block());
            }
            match symbol::read(&self.tables, reader, output)? {
                Symbol::Literal => {}
                Symbol::Match { distance, length } => return Ok(State::Match { distance, length }),
                Symbol::EndOfBlock => return Ok(self.behind_block()),
            }
        }
    }

    fn rest_of_match(&mut self, distance: usize, length: usize, output: &mut Output) -> Result<State, Stop> {
        let left = length - output.copy(distance, length);
        if left == 0 {
            return Ok(State::Symbols);
        }
        self.state = State::Match { distance, length: left };
        Err(Stop::Room)
    }
}

fn stored_header(reader: &mut Reader) -> Result<State, Stop> {
    reader.skip(reader.bits.count % 8);
    reader.want(32)?;
    let length = reader.take(16);
    if reader.take(16) != !length & 0xffff {
        return Err(Stop::Broken("invalid stored block lengths"));
    }
    // What follows is bytes of the input.
    reader.give_back();
    Ok(State::Stored(length as usize))
}

#[cfg(test)]
mod tests;
