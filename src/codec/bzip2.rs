//! bzip2: no media type names it, but `docker load` takes such layers.

use std::io::{self, Read};

use bzip2::{Decompress, Status};

use super::input::Input;
use super::{Codec, Step, broken};
use crate::error::Result;

const MEMBER: &str = "bzip2 stream";

/// The block size and the first block's magic, or that of the end of an empty stream.
pub(super) fn begins(head: &[u8]) -> bool {
    match head {
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] => {
            block.starts_with(b"1AY&SY") || block.starts_with(b"\x17\x72\x45\x38\x50\x90")
        }
        _ => false,
    }
}

pub(super) struct Bzip2(Decompress);

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }
}

impl Codec for Bzip2 {
    const MEMBER: &'static str = MEMBER;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        *self = Self::new();
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let output = output.get_mut(at..).unwrap_or_default();
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output).map_err(|error| broken(MEMBER, error))?;
        Ok(Step {
            consumed: (self.0.total_in() - before_in) as usize,
            produced: (self.0.total_out() - before_out) as usize,
            ended: status == Status::StreamEnd,
        })
    }

    fn close<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        Ok(())
    }
}
