//! xz: no media type names it, but `docker load` takes such layers.

use std::io::{self, Read};

use liblzma::stream::{Action, Error as XzError, Status, Stream, TELL_UNSUPPORTED_CHECK};

use super::input::Input;
use super::{Codec, Step, broken};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

const MEMBER: &str = "xz stream";

pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

pub(super) struct Xz(Stream);

impl Xz {
    pub(super) fn new() -> Result<Self> {
        // An unknown kind of checksum is refused: what cannot be checked was not decoded.
        Stream::new_stream_decoder(limits::XZ_MEMORY_BYTES, TELL_UNSUPPORTED_CHECK)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the xz decoder cannot start: {error}")))
    }
}

impl Codec for Xz {
    const MEMBER: &'static str = MEMBER;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        *self = Self::new()?;
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let output = output.get_mut(at..).unwrap_or_default();
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let status = self.0.process(input, output, Action::Run).map_err(|error| match error {
            XzError::MemLimit => {
                Error::limit("the memory of an xz stream", "XZ_MEMORY_BYTES", limits::XZ_MEMORY_BYTES)
            }
            other => broken(MEMBER, other),
        })?;
        Ok(Step {
            consumed: (self.0.total_in() - before_in) as usize,
            produced: (self.0.total_out() - before_out) as usize,
            ended: status == Status::StreamEnd,
        })
    }

    /// Stream padding is zeros, four at a time; another stream may follow them.
    fn close<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<()> {
        while input.peek(4)? == [0; 4] {
            input.consume(4);
        }
        Ok(())
    }
}
