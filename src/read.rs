//! Reading bytes in place: files are read with `pread`, not mapped (a file cut short while it is
//! mapped kills the process), and a blob is a section of a file.

#[cfg(test)]
pub(crate) mod build;
#[cfg(test)]
pub(crate) mod corpus_tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::Deadline;

/// Bytes that can be read at any offset by several threads at once.
pub trait ReadAt: Send + Sync + fmt::Debug {
    /// Reads some bytes from `offset` on; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// How many bytes there are, as of when it was opened.
    fn size(&self) -> u64;
}

/// A regular file, opened once.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    size: u64,
}

impl OpenFile {
    /// Takes an open regular file.
    pub fn new(file: File) -> io::Result<Self> {
        let size = host::ask(|| file.metadata())?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let call = |buffer: &mut [u8]| {
            #[cfg(unix)]
            return std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset);
            #[cfg(windows)]
            return std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset);
        };
        loop {
            match host::read(buffer, call) {
                // Not every reader above knows that a signal came between.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn size(&self) -> u64 {
        self.size
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default();
        (&mut &*rest).read(buffer)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

/// A run of bytes of an open file: one blob. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Section {
    file: Arc<dyn ReadAt>,
    offset: u64,
    size: u64,
    deadline: Deadline,
}

impl Section {
    /// All bytes of `file`.
    pub fn whole(file: Arc<dyn ReadAt>) -> Self {
        let size = file.size();
        Self { file, offset: 0, size, deadline: Deadline::default() }
    }

    /// The same, of which nothing can be read once the time is up.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Bytes in memory, as a section.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self::whole(Arc::new(bytes))
    }

    /// `size` bytes from `offset` on; `None` where that leaves this section.
    pub fn slice(&self, offset: u64, size: u64) -> Option<Self> {
        let end = offset.checked_add(size)?;
        (end <= self.size).then(|| Self { offset: self.offset + offset, size, ..self.clone() })
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Two sections with the same key are the same stored bytes.
    pub fn key(&self) -> SectionKey {
        SectionKey {
            file: Arc::as_ptr(&self.file).cast::<()>() as usize,
            offset: self.offset,
            size: self.size,
        }
    }

    /// Reads from the section's start to its end.
    pub fn reader(&self) -> SectionReader {
        SectionReader { section: self.clone(), position: 0 }
    }

    /// The first bytes, at most `count`.
    pub fn head(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(count);
        self.reader().take(count as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// The SHA-256 of all bytes.
    pub fn sha256(&self) -> io::Result<[u8; 32]> {
        let (mut reader, mut hash, mut buffer) = (self.reader(), Sha256::default(), vec![0; 256 << 10]);
        loop {
            let read = reader.read(&mut buffer)?;
            match buffer.get(..read) {
                Some(bytes) if read > 0 => hash.update(bytes),
                _ => return Ok(hash.finish()),
            }
        }
    }

    /// All bytes, where there are at most `limit`; `name` is the limit's name.
    pub fn read_all(&self, limit: u64, name: &str) -> Result<Vec<u8>> {
        if self.size > limit {
            return Err(Error::limit(format!("a document of {} bytes", self.size), name, limit));
        }
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes).map_err(|error| Error::io("cannot be read", error))?;
        Ok(bytes)
    }
}

/// What is said where bytes are read again and are not those of the first time.
pub(crate) fn changed() -> Error {
    let what = io::Error::other("its bytes changed while it was read");
    Error::io("the layer cannot be read again", what).hint("check it when nobody writes to it any more")
}

/// The identity of a section while its file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionKey {
    file: usize,
    offset: u64,
    size: u64,
}

/// A sequential reader of a [`Section`]. A file that has become shorter is an error, never an end, and so is
/// time that is up.
#[derive(Debug)]
pub struct SectionReader {
    section: Section,
    position: u64,
}

impl Read for SectionReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.section.size.saturating_sub(self.position);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..want) else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        self.section.deadline.check()?;
        let read = self.section.file.read_at(buffer, self.section.offset + self.position)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_holds_just_its_bytes() {
        let whole = Section::of_bytes(b"0123456789".to_vec());
        let slice = whole.slice(2, 5).and_then(|slice| slice.slice(1, 3)).unwrap();
        assert_eq!(slice.read_all(10, "LIMIT").unwrap(), b"345");
        assert!(whole.slice(8, 3).is_none());
        assert!(whole.slice(u64::MAX, 2).is_none());
        assert!(whole.read_all(9, "LIMIT").is_err());
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        #[derive(Debug)]
        struct Cut;
        impl ReadAt for Cut {
            fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
                Ok(0)
            }
            fn size(&self) -> u64 {
                3
            }
        }
        let error = Section::whole(Arc::new(Cut)).reader().read(&mut [0; 3]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
