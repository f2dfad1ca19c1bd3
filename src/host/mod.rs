//! What is asked of the operating system. Each call may fail, and here is where tests let it.
//!
//! Whatever reads an input, a facts file, a cache, a policy or a catalog asks through this module, and
//! `tests/architecture.rs` holds it so: "every read can fail" means every one.

#[cfg(test)]
pub(crate) mod document;
#[cfg(test)]
pub(crate) mod fault;
pub(crate) mod whole;

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Makes a call.
///
/// # Errors
/// The call's.
pub(crate) fn ask<T>(call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(test)]
    fault::before_call()?;
    call()
}

/// As [`File::open`].
pub(crate) fn open(path: &Path) -> io::Result<File> {
    ask(|| File::open(path))
}

/// As [`fs::metadata`].
pub(crate) fn metadata(path: &Path) -> io::Result<Metadata> {
    ask(|| fs::metadata(path))
}

/// Reads some bytes into `buffer` by a call that may yield fewer than that.
pub(crate) fn read(
    buffer: &mut [u8],
    call: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    #[cfg(test)]
    return fault::read(buffer, call);
    #[cfg(not(test))]
    call(buffer)
}

/// A step in which a fault of this program could show; tests let it.
pub(crate) fn step() {
    #[cfg(test)]
    fault::before_step();
}

/// Reads a stream of the operating system's: a file from its start, a pipe, standard input.
#[derive(Debug)]
pub(crate) struct Stream<R>(R);

impl<R> Stream<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self(reader)
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(buffer, |buffer| self.0.read(buffer))
    }
}
