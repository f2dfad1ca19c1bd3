//! The loop that most bytes come from: literals and matches far from the ends of input and output.
//!
//! A round takes a piece of fixed size of the input and one of the output. That is the only check of
//! bounds: inside of them every offset is a constant or masked, and the compiler sees that none can
//! be out of them. (Look at the machine code after a change: it should call no panic in the loop.)

use super::bits::Reader;
use super::symbol::{BAD_DISTANCE, BAD_SYMBOL, Output, TOO_FAR};
use super::tables::{DISTANCE_BITS, END_OF_BLOCK, EXCEPTIONAL, LITERAL, LITLEN_BITS, SUBTABLE, Tables};
use super::tables::{subtable_index, value};
use super::{Broken, HISTORY};

/// Input that a round may read: two refills of up to seven bytes, each of which looks at eight.
const INPUT: usize = 32;
/// Matches are copied in pieces of this size, one machine register.
const PIECE: usize = 16;
/// The longest match, 258 bytes, in pieces, which are copied in pairs.
const MATCH: usize = 18 * PIECE;
/// Output that a round may write: two literals and a match.
const ROOM: usize = 2 + MATCH;
/// What a round sees of the output: all that a match may refer to, and the room.
const REGION: usize = HISTORY + ROOM;

const LITLEN_MASK: usize = (1 << LITLEN_BITS) - 1;
const DISTANCE_MASK: usize = (1 << DISTANCE_BITS) - 1;

/// A distance's longest codeword and extra bits, and a look at the symbol behind it.
const DISTANCE_AND_NEXT: u8 = 15 + 13 + LITLEN_BITS as u8;

/// The bits, in registers.
struct Hold {
    /// Above `count` there may be bits of the input that will be there again after the next refill.
    bits: u64,
    /// In its lowest byte; taking whole entries off leaves rubbish above it.
    count: u32,
}

impl Hold {
    /// Fills up to 56 bits or more without a branch: reads eight bytes, and moves on by as many as fit.
    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "the offset is masked")]
    fn refill(&mut self, piece: &[u8; INPUT], offset: usize) -> usize {
        let offset = offset & 15;
        let word = piece[offset..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        self.bits |= word.wrapping_shl(self.count);
        let taken = 7 - ((self.count >> 3) & 7) as usize;
        self.count |= 56;
        offset + taken
    }

    /// Uses the bits that an entry stands for.
    #[inline(always)]
    fn take(&mut self, entry: u32) {
        self.bits = self.bits.wrapping_shr(entry);
        self.count = self.count.wrapping_sub(entry);
    }
}

/// Decodes symbols until the block ends (true) or an end of input or output is near (false).
///
/// The bits suffice: 56 after a refill for two literals of 11 bits and a length of 20, or for three
/// literals and the look at the next; then a refill before the distance, if need be.
#[allow(clippy::indexing_slicing, reason = "every index is masked or constant, see above")]
pub(super) fn symbols(tables: &Tables, reader: &mut Reader, output: &mut Output) -> Result<bool, Broken> {
    // The region of the output begins here, and the next byte goes to its offset `HISTORY`.
    let Some(mut base) = output.at.checked_sub(HISTORY) else {
        return Ok(false);
    };
    let (input, mut position) = (reader.input, reader.position);
    let Some(piece) = input.get(position..).and_then(<[u8]>::first_chunk) else {
        return Ok(false);
    };
    if output.buffer.len() - base < REGION {
        return Ok(false);
    }
    let floor = output.floor;
    let mut hold = Hold { bits: reader.bits.buffer, count: reader.bits.count };
    position += hold.refill(piece, 0);
    let mut entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
    let result = loop {
        let Some(piece) = input.get(position..).and_then(<[u8]>::first_chunk) else {
            break Ok(false);
        };
        let Some(region) = output.buffer.get_mut(base..).and_then(<[u8]>::first_chunk_mut::<REGION>) else {
            break Ok(false);
        };
        let mut offset = 0;
        let mut at = HISTORY;
        // The bits from the entry's codeword on.
        let mut before = hold.bits;
        hold.take(entry);
        if entry & LITERAL != 0 {
            region[at] = (entry >> 16) as u8;
            at += 1;
            entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
            before = hold.bits;
            hold.take(entry);
            if entry & LITERAL != 0 {
                region[at] = (entry >> 16) as u8;
                at += 1;
                entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
                before = hold.bits;
                hold.take(entry);
                if entry & LITERAL != 0 {
                    region[at] = (entry >> 16) as u8;
                    entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
                    position += hold.refill(piece, offset);
                    base += 3;
                    continue;
                }
            }
        }
        if entry & EXCEPTIONAL != 0 {
            if entry & SUBTABLE != 0 {
                entry = tables.litlen.get(subtable_index(entry, hold.bits)).copied().unwrap_or(EXCEPTIONAL);
                before = hold.bits;
                hold.take(entry);
                if entry & LITERAL != 0 {
                    region[at] = (entry >> 16) as u8;
                    entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
                    position += hold.refill(piece, offset);
                    base += at - HISTORY + 1;
                    continue;
                }
            }
            if entry & EXCEPTIONAL != 0 {
                base += at - HISTORY;
                break if entry & END_OF_BLOCK != 0 { Ok(true) } else { Err(BAD_SYMBOL) };
            }
        }
        let length = value(entry, before);

        entry = tables.distance[hold.bits as usize & DISTANCE_MASK];
        if (hold.count as u8) < DISTANCE_AND_NEXT {
            offset = hold.refill(piece, offset);
        }
        if entry & SUBTABLE != 0 {
            hold.take(DISTANCE_BITS);
            entry = tables.distance.get(subtable_index(entry, hold.bits)).copied().unwrap_or(EXCEPTIONAL);
        }
        if entry & EXCEPTIONAL != 0 {
            base += at - HISTORY;
            break Err(BAD_DISTANCE);
        }
        let distance = value(entry, hold.bits);
        hold.take(entry);
        if distance > base + at - floor {
            base += at - HISTORY;
            break Err(TOO_FAR);
        }
        // What follows is looked up before the copy, so that neither waits for the other.
        entry = tables.litlen[hold.bits as usize & LITLEN_MASK];
        position += hold.refill(piece, offset);
        base += at - HISTORY + length;
        copy(region, at, distance, length);
    };
    let count = hold.count & 63;
    reader.bits.count = count;
    reader.bits.buffer = hold.bits & ((1 << count) - 1);
    reader.position = position;
    output.at = base + HISTORY;
    result
}

/// Copies a match to `to`, and up to two pieces more than it has.
#[inline(always)]
fn copy(region: &mut [u8; REGION], to: usize, distance: usize, length: usize) {
    // The distance is at most `HISTORY`; the mask says so to the compiler.
    let from = ((HISTORY - distance) & (HISTORY - 1)) + (to - HISTORY);
    if distance >= PIECE {
        let mut done = 0;
        while done < MATCH {
            write(region, to + done, read(region, from + done));
            write(region, to + done + PIECE, read(region, from + done + PIECE));
            done += 2 * PIECE;
            if done >= length {
                break;
            }
        }
        return;
    }
    // The match repeats what it writes itself: a pattern of `distance` bytes. It is put together in
    // registers, for bytes that were just written in other pieces are slow to read.
    let mut pattern = u128::from_le_bytes(read(region, from));
    let mut period = distance as u32;
    if period == 1 {
        pattern = u128::from_le_bytes([pattern as u8; PIECE]);
        period = PIECE as u32;
    } else {
        pattern &= !u128::MAX.wrapping_shl(8 * period);
        while period <= PIECE as u32 / 2 {
            pattern |= pattern.wrapping_shl(8 * period);
            period *= 2;
        }
    }
    // What of a piece lies behind the last whole pattern is overwritten by the next.
    let mut done = 0;
    while done < MATCH - PIECE {
        write(region, to + done, pattern.to_le_bytes());
        done += period as usize & 31;
        if done >= length {
            break;
        }
    }
}

#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "the callers' offsets are bounded")]
fn read(region: &[u8; REGION], from: usize) -> [u8; PIECE] {
    region[from..].first_chunk().copied().unwrap_or_default()
}

#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "the callers' offsets are bounded")]
fn write(region: &mut [u8; REGION], to: usize, piece: [u8; PIECE]) {
    if let Some(to) = region[to..].first_chunk_mut() {
        *to = piece;
    }
}
