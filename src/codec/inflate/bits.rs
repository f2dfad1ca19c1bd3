//! The bits of the compressed data, lowest first, and where its bytes come from.

use super::Stop;

/// Bits that were taken from the input but not used yet: what is kept between two pieces of input.
#[derive(Clone, Copy, Default)]
pub(super) struct Bits {
    /// The next bit is the lowest; those from `count` on are zero.
    pub(super) buffer: u64,
    pub(super) count: u32,
}

/// Reads bits from a piece of input.
pub(super) struct Reader<'a> {
    pub(super) bits: Bits,
    pub(super) input: &'a [u8],
    /// The bytes before are in `bits` or used.
    pub(super) position: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bits: Bits, input: &'a [u8]) -> Self {
        Self { bits, input, position: 0 }
    }

    /// Takes bytes until there are 56 to 63 bits or the input ends.
    #[inline]
    pub(super) fn refill(&mut self) {
        while self.bits.count < 56
            && let Some(byte) = self.input.get(self.position)
        {
            self.bits.buffer |= u64::from(*byte) << self.bits.count;
            self.bits.count += 8;
            self.position += 1;
        }
    }

    /// Whether there are `count` bits, 56 at most; all of the input is taken when not.
    #[inline]
    pub(super) fn has(&mut self, count: u32) -> bool {
        if self.bits.count < count {
            self.refill();
        }
        self.bits.count >= count
    }

    /// Stops for more input where there are not `count` bits.
    #[inline]
    pub(super) fn want(&mut self, count: u32) -> Result<(), Stop> {
        if self.has(count) { Ok(()) } else { Err(Stop::Input) }
    }

    /// Uses `count` bits that are there.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let taken = self.bits.buffer & ((1 << count) - 1);
        self.skip(count);
        taken as u32
    }

    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.bits.buffer >>= count;
        self.bits.count -= count;
    }

    /// Gives back the whole bytes that were taken but not used.
    ///
    /// They are all of this piece of input: bits are kept from the piece before only if they are too
    /// few for what comes next, or fewer than eight, and so they are used first.
    pub(super) fn give_back(&mut self) {
        let bytes = self.bits.count / 8;
        debug_assert!(bytes as usize <= self.position, "bytes of an earlier piece of input were not used");
        self.position = self.position.saturating_sub(bytes as usize);
        self.bits.count %= 8;
        self.bits.buffer &= (1 << self.bits.count) - 1;
    }
}
