//! Pages of an open file: each is read once, when it is touched first, and held to its checksum.

use std::io::Read as _;
use std::sync::OnceLock;

use super::format::PAGE;
use crate::error::{Error, Result};
use crate::read::Section;

/// The pages.
#[derive(Debug)]
pub(super) struct Pages {
    section: Section,
    checksums: Vec<u32>,
    read: Vec<OnceLock<Box<[u8]>>>,
}

impl Pages {
    pub(super) fn new(section: Section, checksums: Vec<u32>) -> Self {
        let read = checksums.iter().map(|_| OnceLock::new()).collect();
        Self { section, checksums, read }
    }

    /// Bytes of all pages.
    pub(super) fn size(&self) -> u64 {
        self.section.size()
    }

    /// The SHA-256 of all pages.
    pub(super) fn sha256(&self) -> std::io::Result<[u8; 32]> {
        self.section.sha256()
    }

    /// A page; the last one is shorter.
    ///
    /// # Errors
    /// One that cannot be read, or is not as it was written.
    fn page(&self, number: usize) -> Result<&[u8]> {
        let place = self.read.get(number).ok_or_else(broken)?;
        if let Some(page) = place.get() {
            return Ok(page);
        }
        let offset = number as u64 * PAGE as u64;
        let size = self.section.size().saturating_sub(offset).min(PAGE as u64);
        let section = self.section.slice(offset, size).ok_or_else(broken)?;
        let mut page = vec![0; usize::try_from(size).map_err(|_| broken())?].into_boxed_slice();
        section.reader().read_exact(&mut page).map_err(|error| Error::io("cannot be read", error))?;
        if self.checksums.get(number) != Some(&crc32fast::hash(&page)) {
            return Err(Error::invalid(format!("page {number} of the database is not as it was written"))
                .hint(
                    "the file was damaged on its way; copy it again, and check it by `ocicheck db verify`",
                ));
        }
        Ok(place.get_or_init(|| page))
    }

    /// A record of a fixed size, wherever it lies.
    pub(super) fn record<const N: usize>(&self, offset: u64) -> Result<[u8; N]> {
        let (number, start) = split(offset)?;
        let page = self.page(number)?;
        if let Some(bytes) = page.get(start..).and_then(<[u8]>::first_chunk::<N>) {
            return Ok(*bytes);
        }
        // Over the end of a page.
        let mut bytes = [0; N];
        let first = page.get(start..).ok_or_else(broken)?;
        let (head, tail) = bytes.split_at_mut_checked(first.len()).ok_or_else(broken)?;
        head.copy_from_slice(first);
        let rest = self.page(number + 1)?.get(..tail.len()).ok_or_else(broken)?;
        tail.copy_from_slice(rest);
        Ok(bytes)
    }

    /// A string, which lies in one page, after its length.
    pub(super) fn string(&self, offset: u64) -> Result<&str> {
        let (number, start) = split(offset)?;
        let rest = self.page(number)?.get(start..).ok_or_else(broken)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
        let text = rest.get(..u16::from_le_bytes(*length).into()).ok_or_else(broken)?;
        std::str::from_utf8(text).map_err(|_| broken())
    }
}

fn split(offset: u64) -> Result<(usize, usize)> {
    let number = usize::try_from(offset / PAGE as u64).map_err(|_| broken())?;
    let start = usize::try_from(offset % PAGE as u64).map_err(|_| broken())?;
    Ok((number, start))
}

/// What no program of ours wrote, although the checksums hold.
pub(super) fn broken() -> Error {
    Error::invalid("the database of advisories contradicts itself")
        .hint("build it anew with `ocicheck db build`")
}
