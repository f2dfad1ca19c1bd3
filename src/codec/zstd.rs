//! Zstandard (RFC 8878): frames one after another, skippable frames between them.

use std::io::{self, Read};
use std::sync::Arc;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::get_frame_content_size;

use super::input::Input;
use super::{Codec, Step, Undecoded, broken};
use crate::error::{Error, Result};
use crate::limits::{self, Party, Turn};

const MEMBER: &str = "zstd frame";

/// Bytes of the longest header of a frame, with its magic.
const HEADER_BYTES: usize = 18;

/// How the last frame of zstd:chunked ends, and how many bytes are in it (containers/storage, and before it and in
/// the stargz snapshotter).
const CHUNKED: [&[u8]; 2] = [b"GNUlInUx", b"GnUlInUx"];
const CHUNKED_FOOTER_BYTES: [u32; 4] = [40, 48, 56, 64];

/// A frame, or a skippable frame: zstd:chunked and seekable files begin or end with those.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, _, _, _, _, ..])
}

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// How many bytes the frame declares, where it does.
    declared: Option<u64>,
    produced: u64,
    undecoded: Undecoded,
    party: Arc<Party>,
    /// From the first large window on: the decoder keeps it for the frames behind it.
    turn: Option<Turn>,
}

impl Zstd {
    pub(super) fn new(party: Arc<Party>) -> Result<Self> {
        let mut decoder = Decoder::new().map_err(refused)?;
        decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG)).map_err(refused)?;
        Ok(Self { decoder, declared: None, produced: 0, undecoded: Undecoded::default(), party, turn: None })
    }
}

fn refused(error: io::Error) -> Error {
    Error::new(crate::error::ErrorKind::Internal, format!("the zstd decoder cannot start: {error}"))
}

impl Zstd {
    /// Notes a skippable frame (RFC 8878, section 3.1.2), of so many bytes behind its header.
    fn skip<R: Read>(&mut self, size: u32, input: &mut Input<R>) -> io::Result<()> {
        self.undecoded.bytes = self.undecoded.bytes.saturating_add(u64::from(size));
        if CHUNKED_FOOTER_BYTES.contains(&size) {
            let frame = input.peek(8 + size as usize)?;
            if CHUNKED.iter().any(|magic| frame.ends_with(magic)) {
                self.undecoded.table_of_contents = Some("zstd:chunked");
            }
        }
        Ok(())
    }
}

/// Bytes of the window that a frame's header asks for (RFC 8878, section 3.1.1.1): that of a single segment is all of
/// it.
fn window(head: &[u8]) -> u64 {
    const SINGLE_SEGMENT: u8 = 0x20;
    match head {
        [0x28, 0xb5, 0x2f, 0xfd, flags, _, ..] if flags & SINGLE_SEGMENT != 0 => {
            get_frame_content_size(head).ok().flatten().unwrap_or(u64::MAX)
        }
        [0x28, 0xb5, 0x2f, 0xfd, _, window, ..] => {
            let base = 1_u64 << (10 + (window >> 3));
            base + base / 8 * u64::from(window & 7)
        }
        _ => 0,
    }
}

impl Codec for Zstd {
    const MEMBER: &'static str = MEMBER;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()> {
        self.decoder.reinit().map_err(refused)?;
        if self.turn.is_none() && window(input.peek(HEADER_BYTES)?) > limits::DECODER_AT_ONCE_BYTES {
            self.turn = Some(self.party.turn());
        }
        // What is wrong with a header the decoder tells.
        self.declared = get_frame_content_size(input.peek(HEADER_BYTES)?).ok().flatten();
        self.produced = 0;
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *input.peek(HEADER_BYTES)? {
            self.skip(u32::from_le_bytes([a, b, c, d]), input)?;
        }
        Ok(())
    }

    fn undecoded(&self) -> Undecoded {
        self.undecoded
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let output = output.get_mut(at..).unwrap_or_default();
        let mut input = InBuffer::around(input);
        let mut output = OutBuffer::around(output);
        let hint = self.decoder.run(&mut input, &mut output).map_err(|error| {
            // The library tells its errors by text only.
            if error.to_string().contains("too much memory") {
                return Error::limit(
                    "the window of a zstd frame",
                    "ZSTD_WINDOW_LOG",
                    u64::from(limits::ZSTD_WINDOW_LOG),
                );
            }
            broken(MEMBER, error)
        })?;
        self.produced = self.produced.saturating_add(output.pos() as u64);
        Ok(Step { consumed: input.pos(), produced: output.pos(), ended: hint == 0 })
    }

    /// libzstd holds a frame to its declared size, but for one that ends with an empty block and is not at hand as a
    /// whole: whether such a frame is broken must not depend on how reads fall.
    fn close<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        match self.declared {
            Some(declared) if declared != self.produced => {
                let what = format!("it declares {declared} bytes and has {}", self.produced);
                Err(broken(MEMBER, what).into())
            }
            _ => Ok(()),
        }
    }
}
