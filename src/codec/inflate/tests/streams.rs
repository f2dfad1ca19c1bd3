//! Streams to compare on: compressed text, generated blocks, and both with spoilt bytes.

use flate2::{Compress, Compression, FlushCompress};

/// SplitMix64: the same streams for the same seed, everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }

    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    pub(super) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }
}

/// Data with literals, runs, short periods and repetitions from near and far.
pub(super) fn text(random: &mut Random, length: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(length);
    let letters = *random.one_of(&[2, 20, 256]);
    while data.len() < length {
        let (longest, furthest) = (*random.one_of(&[4, 40, 600]), *random.one_of(&[4, 20, 40_000]));
        let run = random.below(longest) + 1;
        match random.below(4) {
            0 if !data.is_empty() => {
                let back = random.below(data.len().min(furthest)) + 1;
                (0..run).for_each(|_| data.push(data[data.len() - back]));
            }
            1 => data.extend(std::iter::repeat_n(random.next() as u8, run)),
            _ => data.extend((0..run).map(|_| random.below(letters) as u8)),
        }
    }
    data.truncate(length);
    data
}

/// By zlib-rs, flushed here and there, so that there are blocks of all three kinds.
pub(super) fn compressed(data: &[u8], level: u32) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(level), false);
    let mut stream = Vec::with_capacity(2 * data.len() + 1000);
    let (first, rest) = data.split_at(data.len() / 3);
    compress.compress_vec(first, &mut stream, FlushCompress::Sync).unwrap();
    compress.compress_vec(rest, &mut stream, FlushCompress::Finish).unwrap();
    assert_eq!(compress.total_in(), data.len() as u64);
    stream
}

/// Flips, removes or inserts a few bytes, or cuts the stream short.
pub(super) fn spoilt(random: &mut Random, mut stream: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(3) {
        // The header of the first block is where most is to be spoilt.
        let near = stream.len().min(*random.one_of(&[20, 100, usize::MAX]));
        let at = random.below(near);
        match random.below(8) {
            0 => stream.truncate(at),
            1 => stream.insert(at, random.next() as u8),
            2 if !stream.is_empty() => drop(stream.remove(at)),
            _ => {
                if let Some(byte) = stream.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    stream
}

/// Writes bits, lowest first.
#[derive(Default)]
pub(super) struct Writer {
    stream: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Writer {
    pub(super) fn bits(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.stream.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    pub(super) fn code(&mut self, code: &Code, symbol: usize) {
        let (bits, count) = code.codewords[symbol];
        assert!(count > 0, "no codeword for {symbol}");
        self.bits(u64::from(bits), count);
    }

    pub(super) fn stored(&mut self, data: &[u8], last: bool) {
        self.bits(u64::from(last), 3);
        self.align();
        self.bits(data.len() as u64, 16);
        self.bits(data.len() as u64 ^ 0xffff, 16);
        self.stream.extend_from_slice(data);
    }

    pub(super) fn align(&mut self) {
        self.bits(0, (8 - self.count % 8) % 8);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.stream
    }
}

/// A Huffman code: each symbol's codeword, first bit lowest, and its length.
pub(super) struct Code {
    pub(super) codewords: Vec<(u32, u32)>,
}

impl Code {
    pub(super) fn of(lengths: &[u32]) -> Self {
        let mut codewords = vec![(0, 0); lengths.len()];
        let mut next = 0_u32;
        for length in 1..=15 {
            next <<= 1;
            for (codeword, _) in codewords.iter_mut().zip(lengths).filter(|(_, own)| **own == length) {
                *codeword = (next.reverse_bits() >> (32 - length), length);
                next += 1;
            }
        }
        Self { codewords }
    }

    /// Of random shape, complete, with that many codewords, the `must` symbol's among them.
    fn random(random: &mut Random, symbols: usize, codewords: usize, must: usize) -> Vec<u32> {
        let mut leaves = vec![0];
        while leaves.len() < codewords {
            // Mostly the newest leaf: so some grow long.
            let newest = leaves.len() - 1;
            let at = if random.below(3) > 0 { newest } else { random.below(leaves.len()) };
            let at = if leaves[at] < 15 { at } else { leaves.iter().position(|depth| *depth < 15).unwrap() };
            leaves[at] += 1;
            let depth = leaves[at];
            leaves.push(depth);
        }
        let mut lengths = vec![0; symbols];
        lengths[must] = leaves.pop().unwrap();
        while let Some(length) = leaves.pop() {
            let mut at = random.below(symbols);
            while lengths[at] > 0 {
                at = (at + 1) % symbols;
            }
            lengths[at] = length;
        }
        lengths
    }

    fn symbols(&self) -> Vec<usize> {
        (0..self.codewords.len()).filter(|symbol| self.codewords[*symbol].1 > 0).collect()
    }
}

/// A stream of blocks of all kinds with random codes and symbols. Mostly valid, but for some distances.
pub(super) fn generated(random: &mut Random) -> Vec<u8> {
    let mut writer = Writer::default();
    if random.below(4) > 0 {
        // Enough that every distance is good.
        writer.stored(&text(random, 33_000), false);
    }
    let blocks = random.below(4) + 1;
    for block in 1..=blocks {
        let last = block == blocks;
        match random.below(6) {
            0 => writer.stored(&random.bytes(2000), last),
            1 => {
                writer.bits(u64::from(last) | 1 << 1, 3);
                let litlen: Vec<u32> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .iter()
                    .flat_map(|(count, length)| std::iter::repeat_n(*length, *count))
                    .collect();
                symbols(random, &mut writer, &Code::of(&litlen), &Code::of(&[5; 32]));
            }
            _ => dynamic(random, &mut writer, last),
        }
    }
    writer.bits(0, 8);
    writer.finish()
}

fn dynamic(random: &mut Random, writer: &mut Writer, last: bool) {
    let (litlen_symbols, distance_symbols) = (257 + random.below(30), 1 + random.below(30));
    let codewords = 2 + random.below(litlen_symbols - 1);
    let litlen = Code::random(random, litlen_symbols, codewords, 256);
    let distance = match random.below(8) {
        0 => vec![0; distance_symbols],
        1 => {
            let mut lengths = vec![0; distance_symbols];
            lengths[random.below(distance_symbols)] = 1;
            lengths
        }
        _ => {
            let symbols = distance_symbols.max(2);
            let codewords = 2 + random.below(symbols - 1);
            Code::random(random, symbols, codewords, 1)
        }
    };
    dynamic_header(random, writer, last, &litlen, &distance);
    symbols(random, writer, &Code::of(&litlen), &Code::of(&distance));
}

/// With a code for code lengths that has all nineteen symbols; repeats are used now and then.
pub(super) fn dynamic_header(
    random: &mut Random,
    writer: &mut Writer,
    last: bool,
    litlen: &[u32],
    distance: &[u32],
) {
    writer.bits(u64::from(last) | 2 << 1, 3);
    writer.bits(litlen.len() as u64 - 257, 5);
    writer.bits(distance.len() as u64 - 1, 5);
    writer.bits(15, 4);
    let precode: Vec<u32> = (0..19).map(|symbol| if symbol < 13 { 4 } else { 5 }).collect();
    for symbol in super::PRECODE_ORDER {
        writer.bits(u64::from(precode[symbol]), 3);
    }
    let code = Code::of(&precode);
    let lengths = [litlen, distance].concat();
    let mut at = 0;
    while at < lengths.len() {
        let length = lengths[at];
        let run = lengths[at..].iter().take_while(|other| **other == length).count();
        let as_before = at > 0 && lengths[at - 1] == length;
        at += match (random.below(4), run) {
            (1, 3..) if as_before => {
                writer.code(&code, 16);
                writer.bits(run.min(6) as u64 - 3, 2);
                run.min(6)
            }
            (2, 3..) if length == 0 => {
                writer.code(&code, 17);
                writer.bits(run.min(10) as u64 - 3, 3);
                run.min(10)
            }
            (3, 11..) if length == 0 => {
                writer.code(&code, 18);
                writer.bits(run.min(138) as u64 - 11, 7);
                run.min(138)
            }
            _ => {
                writer.code(&code, length as usize);
                1
            }
        };
    }
}

fn symbols(random: &mut Random, writer: &mut Writer, litlen: &Code, distance: &Code) {
    let (literals, distances) = (litlen.symbols(), distance.symbols());
    for _ in 0..random.below(2000) {
        let symbol = *random.one_of(&literals);
        // Only the fixed code has codewords that mean nothing; one of those ends all.
        if symbol == 256 || symbol > 285 && random.below(50) > 0 || symbol > 256 && distances.is_empty() {
            continue;
        }
        writer.code(litlen, symbol);
        if symbol > 256 {
            let extra = match symbol {
                265..285 => (symbol as u32 - 261) / 4,
                _ => 0,
            };
            writer.bits(random.next() & ((1 << extra) - 1), extra);
            let mut symbol = *random.one_of(&distances);
            if symbol > 29 && random.below(50) > 0 {
                symbol = distances[0];
            }
            writer.code(distance, symbol);
            let extra = if symbol < 4 { 0 } else { (symbol as u32 - 2) / 2 };
            writer.bits(random.next() & ((1 << extra) - 1), extra);
        }
    }
    writer.code(litlen, 256);
}
