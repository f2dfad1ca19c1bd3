//! Keeps the end of each file of a layer while it streams by.

use super::zip::{self, Tail};
use super::{Archives, Members};
use crate::limits;
use crate::model::ImagePath;
use crate::scan::tar::Piece;

/// Bytes from the start that show what a file is.
const HEAD_BYTES: usize = 4;

/// How the names of zip archives end, in lower case.
const NAMES: [&[u8]; 10] =
    [b".jar", b".war", b".ear", b".rar", b".sar", b".zip", b".aar", b".apk", b".jmod", b".whl"];

/// How archives begin: a member, or nothing but an end; and programs that have an archive behind them, as
/// the executable jars of Spring Boot.
pub(in crate::scan) const HEADS: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"#!"];

/// Sees the files of a layer one after another.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    archives: Archives,
    pub(super) name_bytes: usize,
    size: u64,
    /// How many bytes went by.
    position: u64,
    head: Vec<u8>,
    /// The bytes right before `position`, at most so many as are kept of the file.
    tail: Vec<u8>,
    /// How many bytes of the file's end are kept.
    pub(super) kept: u64,
}

impl Probe {
    /// All that was found.
    pub(crate) fn into_archives(self) -> Archives {
        self.archives
    }

    /// What was found takes so much of memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.archives.memory()
    }

    /// Begins a file of that size.
    pub(crate) fn start(&mut self, path: &ImagePath, size: u64) {
        self.size = size;
        self.position = 0;
        self.head.clear();
        self.tail.clear();
        let (_, name) = path.split();
        let name = name.to_ascii_lowercase();
        let is_named = NAMES.iter().any(|end| name.ends_with(end));
        self.kept = if is_named { limits::ARCHIVE_TAIL_BYTES } else { limits::PLAIN_TAIL_BYTES };
    }

    /// Takes the file's next piece. In which pieces a file comes changes nothing.
    pub(crate) fn feed(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Data(data) => {
                let data = self.feed_head(data);
                self.feed_tail(data.len() as u64, |tail, skipped| {
                    tail.extend_from_slice(data.get(skipped as usize..).unwrap_or_default());
                });
            }
            // Read as zeros.
            Piece::Hole(length) => {
                let shown = (*length).min(HEAD_BYTES as u64);
                let rest = self.feed_head([0; HEAD_BYTES].get(..shown as usize).unwrap_or_default());
                let length = length - shown + rest.len() as u64;
                self.feed_tail(length, |tail, skipped| {
                    // At most what is kept of a file.
                    tail.resize(tail.len().saturating_add((length - skipped) as usize), 0);
                });
            }
        }
    }

    /// Takes the first bytes of a file, and gives the rest back. They are always kept: only with them it is
    /// known how many of the last ones are.
    fn feed_head<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(data.len());
        if missing == 0 {
            return data;
        }
        let (head, rest) = data.split_at_checked(missing).unwrap_or((data, &[]));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(head);
        self.position += head.len() as u64;
        if HEADS.iter().any(|start| self.head.starts_with(start)) {
            self.kept = limits::ARCHIVE_TAIL_BYTES;
        }
        rest
    }

    /// Takes so many bytes; `add` adds those behind the first few, which are not kept.
    fn feed_tail(&mut self, length: u64, add: impl FnOnce(&mut Vec<u8>, u64)) {
        let skipped = self.size.saturating_sub(self.kept).saturating_sub(self.position).min(length);
        if skipped > 0 {
            // What is in it does not stand right before what follows.
            self.tail.clear();
        }
        if skipped < length {
            add(&mut self.tail, skipped);
        }
        self.position = self.position.saturating_add(length);
    }

    /// Ends the file, which is these entries.
    pub(crate) fn finish(&mut self, entries: std::ops::RangeInclusive<usize>) {
        let tail = Tail { bytes: &self.tail, head: &self.head, size: self.size };
        let room = limits::LAYER_MEMBER_NAME_BYTES.saturating_sub(self.name_bytes);
        match zip::names(&tail, room) {
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                self.name_bytes += names.len();
                let members = Members(names.into());
                self.archives.members.extend(entries.map(|entry| (entry, members.clone())));
            }
            Err(gap) => self.archives.gaps.extend(entries.map(|entry| (entry, gap))),
        }
    }
}
