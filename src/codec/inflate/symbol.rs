//! One symbol at a time, anywhere: at the ends of input and output, where [`super::fast`] cannot be.

use super::bits::Reader;
use super::tables::{DISTANCE_BITS, END_OF_BLOCK, EXCEPTIONAL, LITERAL, LITLEN_BITS, SUBTABLE, Tables};
use super::tables::{subtable_index, value};
use super::{Broken, Stop};

pub(super) const BAD_SYMBOL: Broken = "invalid literal or length code";
pub(super) const BAD_DISTANCE: Broken = "invalid distance code";
pub(super) const TOO_FAR: Broken = "invalid distance too far back";

/// A codeword's longest: length with extra bits, distance with extra bits.
const LONGEST: u32 = 15 + 5 + 15 + 13;

/// Where the output goes.
pub(super) struct Output<'a> {
    pub(super) buffer: &'a mut [u8],
    /// The next byte goes here.
    pub(super) at: usize,
    /// The first byte of the stream that is still in the buffer.
    pub(super) floor: usize,
}

impl Output<'_> {
    /// Copies from `distance` bytes back; how many bytes there was room for.
    pub(super) fn copy(&mut self, distance: usize, length: usize) -> usize {
        let count = length.min(self.buffer.len() - self.at);
        for to in self.at..self.at + count {
            let byte = self.buffer.get(to.wrapping_sub(distance)).copied().unwrap_or_default();
            if let Some(to) = self.buffer.get_mut(to) {
                *to = byte;
            }
        }
        self.at += count;
        count
    }
}

/// What was read.
pub(super) enum Symbol {
    /// A byte, which is written.
    Literal,
    /// A match, which is to be copied.
    Match {
        distance: usize,
        length: usize,
    },
    EndOfBlock,
}

/// Reads one symbol, a match as a whole, or nothing of it where the input ends.
pub(super) fn read(tables: &Tables, reader: &mut Reader, output: &mut Output) -> Result<Symbol, Stop> {
    reader.has(LONGEST);
    let buffer = reader.bits.buffer;
    let (entry, skipped) = look_up(&tables.litlen, LITLEN_BITS, buffer);
    let taken = skipped + (entry & 63);
    reader.want(taken)?;
    if entry & LITERAL != 0 {
        let slot = output.buffer.get_mut(output.at).ok_or(Stop::Room)?;
        *slot = (entry >> 16) as u8;
        output.at += 1;
        reader.skip(taken);
        return Ok(Symbol::Literal);
    }
    if entry & EXCEPTIONAL != 0 {
        if entry & END_OF_BLOCK == 0 {
            return Err(Stop::Broken(BAD_SYMBOL));
        }
        reader.skip(taken);
        return Ok(Symbol::EndOfBlock);
    }
    let length = value(entry, buffer >> skipped);
    let buffer = buffer >> taken;
    let (entry, skipped) = look_up(&tables.distance, DISTANCE_BITS, buffer);
    let taken = taken + skipped + (entry & 63);
    reader.want(taken)?;
    if entry & EXCEPTIONAL != 0 {
        return Err(Stop::Broken(BAD_DISTANCE));
    }
    let distance = value(entry, buffer >> skipped);
    if distance > output.at - output.floor {
        return Err(Stop::Broken(TOO_FAR));
    }
    reader.skip(taken);
    Ok(Symbol::Match { distance, length })
}

/// The entry of the next codeword, in a subtable where it has one, and the bits that led to that.
fn look_up(table: &[u32], bits: u32, buffer: u64) -> (u32, u32) {
    let entry_at = |index: usize| table.get(index).copied().unwrap_or(EXCEPTIONAL);
    let entry = entry_at(buffer as usize & ((1 << bits) - 1));
    if entry & SUBTABLE == 0 {
        return (entry, 0);
    }
    (entry_at(subtable_index(entry, buffer >> bits)), bits)
}
