//! SHA-256 (FIPS 180-4) of streams of which one is a part of another: the bytes that they share are
//! hashed into both states at once.
//!
//! A file's content begins at a multiple of 512 bytes of its tar, so that its blocks are blocks of
//! the tar too. Both digests of such a block cost little more than one where the processor has
//! instructions for SHA-256 (`sha_ni.rs`). The compression function is else that of `sha2`.

use sha2::block_api::compress256;

const BLOCK: usize = 64;

/// What takes the same blocks into two states.
type CompressPair = fn(&mut [u32; 8], &mut [u32; 8], &[[u8; BLOCK]]);

/// A SHA-256 under way.
#[derive(Debug, Clone)]
pub struct Sha256 {
    state: [u32; 8],
    /// The bytes behind the last whole block.
    partial: [u8; BLOCK],
    /// Bytes taken.
    length: u64,
}

impl Default for Sha256 {
    fn default() -> Self {
        // FIPS 180-4, section 5.3.3.
        let state = [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        Self { state, partial: [0; BLOCK], length: 0 }
    }
}

impl Sha256 {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let rest = self.fill_up(bytes);
        let (blocks, tail) = rest.as_chunks();
        if !blocks.is_empty() {
            compress256(&mut self.state, blocks);
            self.length += (blocks.len() * BLOCK) as u64;
        }
        self.fill_up(tail);
    }

    /// Takes the next bytes of both. They are hashed at once where both stand at the same place of a
    /// block.
    pub fn update_both(&mut self, other: &mut Self, bytes: &[u8]) {
        self.update_both_by(compress_pair, other, bytes);
    }

    fn update_both_by(&mut self, compress: CompressPair, other: &mut Self, bytes: &[u8]) {
        if self.filled() != other.filled() {
            self.update(bytes);
            other.update(bytes);
            return;
        }
        // What their blocks began with may differ.
        let rest = self.fill_up(bytes);
        other.fill_up(bytes);
        let (blocks, tail) = rest.as_chunks();
        if !blocks.is_empty() {
            compress(&mut self.state, &mut other.state, blocks);
            self.length += (blocks.len() * BLOCK) as u64;
            other.length += (blocks.len() * BLOCK) as u64;
        }
        self.fill_up(tail);
        other.fill_up(tail);
    }

    /// The digest of all bytes taken.
    pub fn finish(mut self) -> [u8; 32] {
        const PADDING: [u8; BLOCK] = {
            let mut padding = [0; BLOCK];
            padding[0] = 0x80;
            padding
        };
        let bits = self.length.wrapping_mul(8);
        // Up to where eight bytes are left of a block.
        let count = (2 * BLOCK - 9 - self.filled()) % BLOCK + 1;
        self.update(PADDING.get(..count).unwrap_or_default());
        self.update(&bits.to_be_bytes());
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    /// How much of a block is taken.
    fn filled(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Takes bytes up to the end of the block that is begun; what is left of them. Where none is
    /// begun, one is by less than a block, and a whole block is left.
    fn fill_up<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let filled = self.filled();
        if filled == 0 && bytes.len() >= BLOCK {
            return bytes;
        }
        let (taken, rest) = bytes.split_at(bytes.len().min(BLOCK - filled));
        if let Some(room) = self.partial.get_mut(filled..filled + taken.len()) {
            room.copy_from_slice(taken);
        }
        self.length += taken.len() as u64;
        if filled + taken.len() == BLOCK {
            compress256(&mut self.state, &[self.partial]);
        }
        rest
    }
}

fn compress_pair(a: &mut [u32; 8], b: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    #[cfg(target_arch = "x86_64")]
    if super::sha_ni::compress_pair(a, b, blocks) {
        return;
    }
    compress_each(a, b, blocks);
}

fn compress_each(a: &mut [u32; 8], b: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    compress256(a, blocks);
    compress256(b, blocks);
}

#[cfg(test)]
#[path = "sha256_tests.rs"]
mod tests;
