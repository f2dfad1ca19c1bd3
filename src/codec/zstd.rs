//! Zstandard (RFC 8878): frames one after another, skippable frames between them.

use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::input::Input;
use super::{Codec, Step, broken};
use crate::error::{Error, Result};
use crate::limits;

const MEMBER: &str = "zstd frame";

/// A frame, or a skippable frame: zstd:chunked and seekable files begin or end with those.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, _, _, _, _, ..])
}

pub(super) struct Zstd(Decoder<'static>);

impl Zstd {
    pub(super) fn new() -> Result<Self> {
        let mut decoder = Decoder::new().map_err(refused)?;
        decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG)).map_err(refused)?;
        Ok(Self(decoder))
    }
}

fn refused(error: io::Error) -> Error {
    Error::new(crate::error::ErrorKind::Internal, format!("the zstd decoder cannot start: {error}"))
}

impl Codec for Zstd {
    const MEMBER: &'static str = MEMBER;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        Ok(self.0.reinit().map_err(refused)?)
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let output = output.get_mut(at..).unwrap_or_default();
        let mut input = InBuffer::around(input);
        let mut output = OutBuffer::around(output);
        let hint = self.0.run(&mut input, &mut output).map_err(|error| {
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
        Ok(Step { consumed: input.pos(), produced: output.pos(), ended: hint == 0 })
    }

    fn close<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        Ok(())
    }
}
