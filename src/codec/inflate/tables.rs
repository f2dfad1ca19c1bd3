//! Huffman decode tables (RFC 1951, 3.2): the next bits of the stream are the index, the entry says it all.
//!
//! A table has a main part, indexed by as many bits as nearly every codeword fits in, and behind it
//! subtables for longer codewords. An entry holds what a symbol means, not the symbol: the literal,
//! or the base of a length or distance together with how many extra bits follow, so that a match
//! needs no second lookup.
//!
//! | bits | literal | length, distance | subtable pointer | end of block, invalid |
//! |---|---|---|---|---|
//! | 31 | 1 | 0 | 0 | 0 |
//! | 16–30 | the byte | base | where the subtable starts | |
//! | 12–15 | 0 | 0 | [`EXCEPTIONAL`], [`SUBTABLE`] | [`EXCEPTIONAL`] and which |
//! | 8–11 | codeword's length | codeword's length | index bits of the subtable | codeword's length |
//! | 0–5 | codeword's length | the same and the extra bits | index bits of the main table | codeword's length |
//!
//! The lowest byte is thus always what is to be taken from the stream, and shifting by an entry
//! needs no mask: a shift looks at the lowest six bits only.

/// Codewords longer than this are rare enough in the literal and length code, and the table fits in the L1 cache.
pub(super) const LITLEN_BITS: u32 = 11;
pub(super) const DISTANCE_BITS: u32 = 8;
/// The longest codeword of the code of code lengths: it never needs subtables.
pub(super) const PRECODE_BITS: u32 = 7;

/// As many entries as any code needs: `enough 288 11 15`, `enough 32 8 15` of zlib's `examples/enough.c`.
const LITLEN_ENTRIES: usize = 2342;
const DISTANCE_ENTRIES: usize = 402;

/// Symbols there are, those that mean nothing among them: the fixed codes have codewords for those too.
pub(super) const LITLEN_SYMBOLS: usize = 288;
pub(super) const DISTANCE_SYMBOLS: usize = 32;
pub(super) const PRECODE_SYMBOLS: usize = 19;

const LONGEST: usize = 15;
/// How many codewords there are of each length.
type Counts = [u16; LONGEST + 1];

pub(super) const LITERAL: u32 = 1 << 31;
/// Neither literal nor length nor distance.
pub(super) const EXCEPTIONAL: u32 = 1 << 15;
pub(super) const SUBTABLE: u32 = 1 << 14;
pub(super) const END_OF_BLOCK: u32 = 1 << 13;
/// No symbol has this codeword, or one that means nothing.
const INVALID: u32 = EXCEPTIONAL | 1 << 12;

/// What the symbols mean: an entry but for the codeword's length.
const LITLEN: [u32; LITLEN_SYMBOLS] = litlen();
const DISTANCE: [u32; DISTANCE_SYMBOLS] = distance();
const PRECODE: [u32; PRECODE_SYMBOLS] = precode();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn litlen() -> [u32; LITLEN_SYMBOLS] {
    let mut meaning = [INVALID; LITLEN_SYMBOLS];
    let mut symbol = 0;
    while symbol < 256 {
        meaning[symbol] = LITERAL | (symbol as u32) << 16;
        symbol += 1;
    }
    meaning[256] = EXCEPTIONAL | END_OF_BLOCK;
    // Lengths 3 to 257 in groups that double; 258 has a symbol of its own (RFC 1951, 3.2.5).
    let mut base = 3;
    symbol = 257;
    while symbol < 285 {
        let extra = if symbol < 265 { 0 } else { (symbol as u32 - 261) / 4 };
        meaning[symbol] = base << 16 | extra;
        base += 1 << extra;
        symbol += 1;
    }
    meaning[285] = 258 << 16;
    meaning
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn distance() -> [u32; DISTANCE_SYMBOLS] {
    let mut meaning = [INVALID; DISTANCE_SYMBOLS];
    let mut base = 1;
    let mut symbol = 0;
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { (symbol as u32 - 2) / 2 };
        meaning[symbol] = base << 16 | extra;
        base += 1 << extra;
        symbol += 1;
    }
    meaning
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn precode() -> [u32; PRECODE_SYMBOLS] {
    let mut meaning = [0; PRECODE_SYMBOLS];
    let mut symbol = 0;
    while symbol < PRECODE_SYMBOLS {
        meaning[symbol] = (symbol as u32) << 16;
        symbol += 1;
    }
    meaning
}

/// The tables of the block that is being decoded, and of its code lengths' code.
pub(super) struct Tables {
    pub(super) litlen: [u32; LITLEN_ENTRIES],
    pub(super) distance: [u32; DISTANCE_ENTRIES],
    precode: [u32; 1 << PRECODE_BITS],
    /// The fixed codes are what is loaded: many short blocks of them need no building.
    fixed: bool,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            litlen: [INVALID; LITLEN_ENTRIES],
            distance: [INVALID; DISTANCE_ENTRIES],
            precode: [INVALID; 1 << PRECODE_BITS],
            fixed: false,
        }
    }

    /// Loads the fixed codes (RFC 1951, 3.2.6).
    pub(super) fn load_fixed(&mut self) {
        if self.fixed {
            return;
        }
        let mut lengths = [8; LITLEN_SYMBOLS];
        lengths.iter_mut().take(256).skip(144).for_each(|length| *length = 9);
        lengths.iter_mut().take(280).skip(256).for_each(|length| *length = 7);
        build(&mut self.litlen, LITLEN_BITS, &lengths, &LITLEN);
        build(&mut self.distance, DISTANCE_BITS, &[5; DISTANCE_SYMBOLS], &DISTANCE);
        self.fixed = true;
    }

    /// Loads the code of code lengths; whether it is one.
    #[must_use]
    pub(super) fn load_precode(&mut self, lengths: &[u8]) -> bool {
        if lengths.iter().all(|length| *length == 0) {
            // zlib takes an empty code for one that means zeros, only to miss the end of block then.
            self.precode.fill(entry_of(0, 1));
            return true;
        }
        build(&mut self.precode, PRECODE_BITS, lengths, &PRECODE) == Built::Complete
    }

    /// The entry of the next code length.
    #[allow(clippy::indexing_slicing, reason = "the index is masked to the table")]
    pub(super) fn precode_entry(&self, buffer: u64) -> u32 {
        self.precode[buffer as usize & ((1 << PRECODE_BITS) - 1)]
    }

    /// Loads the codes of a dynamic block, or says which is none.
    pub(super) fn load(&mut self, litlen: &[u8], distance: &[u8]) -> Result<(), &'static str> {
        self.fixed = false;
        if build(&mut self.litlen, LITLEN_BITS, litlen, &LITLEN) == Built::Refused {
            return Err("invalid literal and length code");
        }
        if build(&mut self.distance, DISTANCE_BITS, distance, &DISTANCE) == Built::Refused {
            return Err("invalid distance code");
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Built {
    Complete,
    /// No codeword, or one of one bit: zlib takes these, and calls what has no codeword invalid when met.
    Incomplete,
    /// More codewords than fit, or fewer than there must be.
    Refused,
}

/// Builds a table from the lengths of its symbols' codewords (RFC 1951, 3.2.2).
fn build(table: &mut [u32], bits: u32, lengths: &[u8], meaning: &[u32]) -> Built {
    let counts = count(lengths);
    // Each symbol's rank in its code: by length, then by symbol.
    let mut ranks = [0_u16; LONGEST + 1];
    let mut rank = 0;
    let mut left = 1_i32;
    for (count, next) in counts.iter().zip(&mut ranks).skip(1) {
        *next = rank;
        rank += count;
        left = (left << 1) - i32::from(*count);
        if left < 0 {
            return Built::Refused;
        }
    }
    let mut sorted = [0_u16; LITLEN_SYMBOLS];
    for (symbol, length) in lengths.iter().enumerate() {
        if *length == 0 {
            continue;
        }
        if let Some(rank) = ranks.get_mut(usize::from(*length)) {
            if let Some(slot) = sorted.get_mut(usize::from(*rank)) {
                *slot = symbol as u16;
            }
            *rank += 1;
        }
    }
    let sorted = sorted.get(..usize::from(rank)).unwrap_or_default();
    if left > 0 {
        return fill_incomplete(table, bits, sorted, &counts, meaning);
    }
    let main = 1 << bits;
    let codeword = fill_main(table, bits, sorted, &counts, meaning);
    let long =
        sorted.get(counts.iter().take(bits as usize + 1).skip(1).map(|count| usize::from(*count)).sum()..);
    fill_subtables(table, (bits, main), (codeword, long.unwrap_or_default()), &counts, meaning);
    Built::Complete
}

/// How many codewords there are of each length. Counted by fours in turn, for runs of one length
/// are common, and the next addition to a count waits for the one before.
fn count(lengths: &[u8]) -> Counts {
    let mut by_turn = [[0_u16; LONGEST + 1]; 4];
    for four in lengths.chunks(4) {
        for (counts, length) in by_turn.iter_mut().zip(four) {
            if let Some(count) = counts.get_mut(usize::from(*length)) {
                *count += 1;
            }
        }
    }
    let mut sum = [0; LONGEST + 1];
    for counts in by_turn {
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sum
}

/// Repeats the first half of a table in the second.
fn double(table: &mut [u32], half: usize) {
    if let Some((low, high)) = table.split_at_mut_checked(half)
        && let Some(high) = high.get_mut(..half)
    {
        high.copy_from_slice(low);
    }
}

/// A code of no codeword or of the single codeword `0`.
fn fill_incomplete(table: &mut [u32], bits: u32, sorted: &[u16], counts: &Counts, meaning: &[u32]) -> Built {
    let zero = match (sorted, counts) {
        ([], _) => INVALID,
        ([symbol], [_, 1, ..]) => meaning.get(usize::from(*symbol)).copied().unwrap_or(INVALID),
        _ => return Built::Refused,
    };
    for (entry, meaning) in table.iter_mut().zip([zero, INVALID]) {
        *entry = entry_of(meaning, 1);
    }
    (1..bits).for_each(|length| double(table, 1 << length));
    Built::Incomplete
}

/// Fills the main table with the codewords that fit in it; the first codeword that does not.
///
/// Codewords stand in the index with their first bit lowest, so the entries of one are its length's
/// power of two apart. Rather than to stride, the table is doubled with each length: whoever has
/// an entry by then has it in both halves.
fn fill_main(table: &mut [u32], bits: u32, sorted: &[u16], counts: &Counts, meaning: &[u32]) -> u32 {
    let mut codeword = 0;
    let mut symbols = sorted.iter();
    for (length, count) in (0..=bits).zip(counts).skip(1) {
        double(table, 1 << (length - 1));
        for symbol in symbols.by_ref().take(usize::from(*count)) {
            let meaning = meaning.get(usize::from(*symbol)).copied().unwrap_or(INVALID);
            if let Some(entry) = table.get_mut(codeword as usize) {
                *entry = entry_of(meaning, length);
            }
            codeword = next(codeword, length);
        }
    }
    codeword
}

/// Fills subtables with the codewords that are longer than the main table's bits.
fn fill_subtables(
    table: &mut [u32],
    (bits, main): (u32, usize),
    (mut codeword, sorted): (u32, &[u16]),
    counts: &Counts,
    meaning: &[u32],
) {
    let (mut prefix, mut start, mut end) = (usize::MAX, 0, main);
    let mut symbols = sorted.iter();
    for (length, count) in (0..).zip(counts).skip(bits as usize + 1) {
        for (taken, symbol) in (0..*count).zip(symbols.by_ref().take(usize::from(*count))) {
            let own = codeword as usize & (main - 1);
            if own != prefix {
                let index_bits = subtable_bits(bits, length, count - taken, counts);
                (prefix, start) = (own, end);
                end += 1 << index_bits;
                if let Some(pointer) = table.get_mut(prefix) {
                    *pointer = (start as u32) << 16 | EXCEPTIONAL | SUBTABLE | index_bits << 8 | bits;
                }
            }
            let meaning = meaning.get(usize::from(*symbol)).copied().unwrap_or(INVALID);
            let entries = table.get_mut(start + (codeword >> bits) as usize..end).unwrap_or_default();
            for entry in entries.iter_mut().step_by(1 << (length - bits)) {
                *entry = entry_of(meaning, length - bits);
            }
            codeword = next(codeword, length);
        }
    }
}

/// How many bits a subtable is indexed by that begins with a codeword of `length`, when `count` more
/// of that length are left: as few as it can be filled with, for the code is complete.
fn subtable_bits(bits: u32, length: u32, count: u16, counts: &Counts) -> u32 {
    let mut index_bits = length - bits;
    let mut used = u32::from(count);
    for longer in counts.iter().skip(length as usize + 1) {
        if used >= 1 << index_bits {
            break;
        }
        index_bits += 1;
        used = (used << 1) + u32::from(*longer);
    }
    index_bits
}

/// The codeword after this one of `length` bits, first bit lowest: the last bit that is 0 becomes 1,
/// those behind it 0. Behind the last codeword, 0.
fn next(codeword: u32, length: u32) -> u32 {
    let zeros = codeword ^ ((1 << length) - 1);
    match zeros.checked_ilog2() {
        Some(at) => codeword & ((1 << at) - 1) | 1 << at,
        None => 0,
    }
}

fn entry_of(meaning: u32, length: u32) -> u32 {
    meaning + (length << 8 | length)
}

/// The length or distance that an entry means, with its extra bits out of `buffer`, which begins with
/// the entry's codeword.
#[inline(always)]
pub(super) fn value(entry: u32, buffer: u64) -> usize {
    let bits = buffer & !u64::MAX.wrapping_shl(entry);
    (entry >> 16) as usize + bits.wrapping_shr(entry >> 8) as usize
}

/// Where a subtable has the entry of the next bits, those of the main table being taken.
#[inline(always)]
pub(super) fn subtable_index(pointer: u32, buffer: u64) -> usize {
    (pointer >> 16) as usize + (buffer & !u64::MAX.wrapping_shl(pointer >> 8 & 15)) as usize
}
