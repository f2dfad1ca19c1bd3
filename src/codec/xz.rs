//! xz: no media type names it, but `docker load` takes such layers.

use std::io::{self, Read};
use std::sync::Arc;

use liblzma::stream::{Action, Error as XzError, Status, Stream, TELL_UNSUPPORTED_CHECK};

use super::input::Input;
use super::{Codec, Step, broken};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{self, Party, Turn};

const MEMBER: &str = "xz stream";

pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

pub(super) struct Xz {
    stream: Stream,
    party: Arc<Party>,
    /// While it may take more than [`limits::DECODER_AT_ONCE_BYTES`].
    turn: Option<Turn>,
}

impl Xz {
    pub(super) fn new(party: Arc<Party>) -> Result<Self> {
        Ok(Self { stream: stream(limits::DECODER_AT_ONCE_BYTES)?, party, turn: None })
    }
}

fn stream(memory: u64) -> Result<Stream> {
    // An unknown kind of checksum is refused: what cannot be checked was not decoded.
    Stream::new_stream_decoder(memory, TELL_UNSUPPORTED_CHECK).map_err(cannot_start)
}

fn cannot_start(error: XzError) -> Error {
    Error::new(ErrorKind::Internal, format!("the xz decoder cannot start: {error}"))
}

impl Codec for Xz {
    const MEMBER: &'static str = MEMBER;

    fn begins(head: &[u8]) -> bool {
        begins(head)
    }

    fn open<R: Read>(&mut self, _: &mut Input<R>) -> io::Result<()> {
        let most = if self.turn.is_some() { limits::XZ_MEMORY_BYTES } else { limits::DECODER_AT_ONCE_BYTES };
        self.stream = stream(most)?;
        Ok(())
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Step> {
        let output = output.get_mut(at..).unwrap_or_default();
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let mut status = self.stream.process(input, output, Action::Run);
        if matches!(status, Err(XzError::MemLimit)) && self.turn.is_none() {
            // It goes on where it stopped, once it may take more.
            self.turn = Some(self.party.turn());
            self.stream.set_memlimit(limits::XZ_MEMORY_BYTES).or_else(|error| match error {
                // Even that is too little, which it says itself.
                XzError::MemLimit => Ok(()),
                other => Err(cannot_start(other)),
            })?;
            let (taken, made) = (self.stream.total_in() - before_in, self.stream.total_out() - before_out);
            let input = input.get(taken as usize..).unwrap_or_default();
            let output = output.get_mut(made as usize..).unwrap_or_default();
            status = self.stream.process(input, output, Action::Run);
        }
        let status = status.map_err(|error| match error {
            XzError::MemLimit => {
                Error::limit("the memory of an xz stream", "XZ_MEMORY_BYTES", limits::XZ_MEMORY_BYTES)
            }
            other => broken(MEMBER, other),
        })?;
        Ok(Step {
            consumed: (self.stream.total_in() - before_in) as usize,
            produced: (self.stream.total_out() - before_out) as usize,
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
