//! Keeps what may have components in it while the files of a layer stream by.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::found::Found;
use super::texts::Text;
use super::{Components, java, programs};
use crate::error::Result;
use crate::limits::{self, Deadline, Party};
use crate::model::ImagePath;
use crate::scan::archives::{HEADS, Tail};
use crate::scan::room::Budget;
use crate::scan::tar::Piece;

/// Bytes from the start that show what a file is.
const HEAD_BYTES: usize = 4;

/// How programs begin.
const ELF: &[u8] = b"\x7fELF";

/// Sees the files of a layer one after another.
#[derive(Debug)]
pub(crate) struct Probe<'a> {
    pub(super) found: Found<'a>,
    deadline: Deadline,
    /// The file's last part, where it is named as an archive; else empty.
    name: Vec<u8>,
    text: Option<Text>,
    size: u64,
    /// How many bytes went by.
    position: u64,
    /// The first bytes, those that show what it is at least, and the last ones.
    head: Vec<u8>,
    tail: Vec<u8>,
    /// How many of them are kept.
    first: u64,
    last: u64,
    /// How many of a file may be kept: [`limits::COMPONENT_FILE_BYTES`].
    pub(super) most: u64,
}

impl<'a> Probe<'a> {
    /// Nothing was seen yet. Large files are kept one at a time of all that share `budget`.
    pub(crate) fn new(budget: &'a Budget, deadline: Deadline) -> Self {
        Self {
            found: Found::new(budget),
            deadline,
            name: Vec::new(),
            text: None,
            size: 0,
            position: 0,
            head: Vec::new(),
            tail: Vec::new(),
            first: 0,
            last: 0,
            most: limits::COMPONENT_FILE_BYTES,
        }
    }

    /// The layer, as one of those that hold much in turns.
    pub(crate) fn party(&self) -> Arc<Party> {
        Arc::clone(&self.found.party)
    }

    /// All that was found.
    pub(crate) fn into_components(self) -> Components {
        Components { unpacked: self.found.unpacked, ..self.found.components }
    }

    /// What was found takes so much of memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.found.components.memory()
    }

    /// Begins a file of that size, which has these names.
    pub(crate) fn start(&mut self, paths: &[ImagePath], size: u64) {
        (self.size, self.position) = (size, 0);
        self.head.clear();
        self.tail.clear();
        self.text = paths.iter().find_map(Text::of);
        self.name.clear();
        if let Some(path) = paths.iter().find(|path| java::is_named_so(path.file_name())) {
            self.name.extend_from_slice(path.file_name());
        }
        let first = if self.text.is_some() { limits::COMPONENT_TEXT_BYTES } else { HEAD_BYTES as u64 };
        (self.first, self.last) = (first.min(size), 0);
        if self.text.is_none() && !self.name.is_empty() {
            self.keep_all();
        }
    }

    /// All of the file is wanted, as far as it may be kept.
    fn keep_all(&mut self) {
        self.last = if self.size > self.most { limits::ARCHIVE_TAIL_BYTES.min(self.most / 4) } else { 0 };
        self.first = (self.most - self.last).min(self.size);
    }

    /// Takes the file's next piece. In which pieces a file comes changes nothing.
    pub(crate) fn feed(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Data(data) => {
                let missing = HEAD_BYTES.saturating_sub(self.head.len());
                let (head, rest) = data.split_at_checked(missing).unwrap_or((data, &[]));
                for data in [head, rest] {
                    self.take(data.len() as u64, |to, part| {
                        to.extend_from_slice(
                            data.get(part.start as usize..part.end as usize).unwrap_or_default(),
                        );
                    });
                }
            }
            // Read as zeros, which no program or archive begins with.
            Piece::Hole(length) => {
                // At most what is kept of a file.
                self.take(*length, |to, part| {
                    to.resize(to.len().saturating_add((part.end - part.start) as usize), 0);
                });
            }
        }
    }

    /// Takes so many bytes; `add` adds a part of them to what is kept.
    fn take(&mut self, length: u64, add: impl Fn(&mut Vec<u8>, Range<u64>)) {
        let end = self.position.saturating_add(length);
        let part = |from: u64, to: u64| {
            let (from, to) = (from.max(self.position), to.min(end));
            (from < to).then(|| from - self.position..to - self.position)
        };
        let (first, last) = (part(0, self.first), part(self.size.saturating_sub(self.last), self.size));
        self.position = end;
        if let Some(part) = first {
            add(&mut self.head, part);
            self.decide();
        }
        if let Some(part) = last.filter(|_| self.last > 0) {
            add(&mut self.tail, part);
        }
        self.found.hold((self.head.len() + self.tail.len()) as u64);
    }

    /// Looks at how the file begins, once that much was seen.
    fn decide(&mut self) {
        let undecided = self.text.is_none() && self.first == HEAD_BYTES as u64;
        if undecided && (self.head == ELF || HEADS.iter().any(|head| self.head.starts_with(head))) {
            self.keep_all();
        }
    }

    /// Ends the file, which is these entries.
    ///
    /// # Errors
    /// The time is up, or all layers together unpack to too much.
    pub(crate) fn finish(&mut self, entries: RangeInclusive<usize>) -> Result<()> {
        let (head, tail) = (std::mem::take(&mut self.head), std::mem::take(&mut self.tail));
        if let Some(text) = self.text {
            text.read(&head, self.size > head.len() as u64, &mut self.found);
        } else if self.first > HEAD_BYTES as u64 {
            let kept = match tail.is_empty() {
                true => Tail { bytes: &head, head: &head, size: self.size },
                false => Tail { bytes: &tail, head: &head, size: self.size },
            };
            if head.starts_with(ELF) {
                programs::read(&kept, &mut self.found);
            }
            java::read(&kept, &self.name, &mut self.found, self.deadline)?;
        }
        self.found.finish(entries);
        (self.head, self.tail) = (emptied(head), emptied(tail));
        self.found.check()
    }
}

/// To be filled again, but for large ones: most files are small.
fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.capacity() as u64 > limits::COMPONENT_AT_ONCE_BYTES {
        return Vec::new();
    }
    bytes.clear();
    bytes
}
