//! gzip (RFC 1952): members one after another.
//!
//! The framing is read here, over raw inflate, so that header flags, the header's CRC-16, the CRC-32
//! and the length of every member are all checked, and so that the end of one is known to the byte.

use std::io::{self, Read};

use crc32fast::Hasher as Crc;

use super::inflate::{HISTORY, Inflate, Progress};
use super::input::Input;
use super::{Codec, Step, Undecoded, broken, truncated};
use crate::error::{Error, Result};
use crate::limits;

const MEMBER: &str = "gzip member";

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
/// "Reserved FLG bits must be zero … must give an error indication" (RFC 1952, 2.3.1.2).
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// Method 8 is the only one there ever was.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b, 8])
}

/// Bytes of the longest name that a file system takes; what a header's name has beyond it names nothing.
const NAME_BYTES: u64 = 255;

/// Names eStargz in the extra field of its last member.
const STARGZ: &[u8] = b"STARGZ";

pub(super) struct Gzip {
    inflate: Inflate,
    crc: Crc,
    undecoded: Undecoded,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), crc: Crc::new(), undecoded: Undecoded::default() }
    }
}

impl Codec for Gzip {
    const MEMBER: &'static str = MEMBER;
    const HISTORY: usize = HISTORY;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()> {
        let mut header = Header { input, crc: Crc::new(), left: limits::GZIP_HEADER_BYTES };
        let [_, _, _, flags, ..] = header.bytes::<10>()?;
        if flags & FLAGS_RESERVED != 0 {
            return Err(broken(MEMBER, format!("reserved header flags {flags:#04x}")).into());
        }
        if flags & FLAG_EXTRA != 0 {
            let length = u16::from_le_bytes(header.bytes()?);
            let extra = (0..length).map(|_| header.byte()).collect::<io::Result<Vec<u8>>>()?;
            self.undecoded.bytes += u64::from(length);
            if extra.windows(STARGZ.len()).any(|window| window == STARGZ) {
                self.undecoded.table_of_contents = Some("eStargz");
            }
        }
        for (flag, ordinary) in [(FLAG_NAME, NAME_BYTES), (FLAG_COMMENT, 0)] {
            if flags & flag != 0 {
                let mut length = 0_u64;
                while header.byte()? != 0 {
                    length += 1;
                }
                self.undecoded.bytes += length.saturating_sub(ordinary);
            }
        }
        if flags & FLAG_HEADER_CRC != 0 {
            let computed = header.crc.clone().finalize() & 0xffff;
            if u32::from(u16::from_le_bytes(header.bytes()?)) != computed {
                return Err(broken(MEMBER, "its header's checksum is wrong").into());
            }
        }
        self.inflate.reset();
        self.crc.reset();
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let Progress { consumed, produced, ended } =
            self.inflate.step(input, output, at).map_err(|what| broken(MEMBER, what))?;
        self.crc.update(output.get(at..at + produced).unwrap_or_default());
        Ok(Step { consumed, produced, ended })
    }

    fn undecoded(&self) -> Undecoded {
        self.undecoded
    }

    fn close<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = input.byte()?.ok_or_else(|| io::Error::from(truncated(MEMBER, input)))?;
        }
        let [a, b, c, d, e, f, g, h] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.clone().finalize() {
            return Err(broken(MEMBER, "its checksum is wrong").into());
        }
        // The length modulo 2^32, as the format has it.
        if u32::from_le_bytes([e, f, g, h]) != self.inflate.total() as u32 {
            return Err(broken(MEMBER, "its length is wrong").into());
        }
        Ok(())
    }
}

/// A member's header while it is read.
struct Header<'a, R> {
    input: &'a mut Input<R>,
    crc: Crc,
    left: usize,
}

impl<R: Read> Header<'_, R> {
    fn byte(&mut self) -> io::Result<u8> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Error::limit("the header of a gzip member", "GZIP_HEADER_BYTES", limits::GZIP_HEADER_BYTES as u64)
        })?;
        let byte = self.input.byte()?.ok_or_else(|| io::Error::from(truncated(MEMBER, self.input)))?;
        self.crc.update(&[byte]);
        Ok(byte)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }
}
