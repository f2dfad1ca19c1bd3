//! The central directory at the end of a zip archive (PKWARE's APPNOTE.TXT 4.3.12 to 4.3.16), found and
//! read as the JDK does in `java.util.zip.ZipFile.Source` (`findEND`, `initCEN`), since what it finds is
//! what a JVM can load.
//!
//! So the end is looked for backwards and the first record that holds wins; the directory is what lies
//! right before it, wherever the record says it lies, so that anything may stand before the archive; the
//! number of members is not believed; and one header that is wrong makes it no archive, which the JDK does
//! not open either. Where the part of the file that would decide is not kept, both ways count.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Gap, push_name};
use crate::limits;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

const CENTRAL_BYTES: usize = 46;
const END_BYTES: u64 = 22;
const END_64_BYTES: usize = 56;
const LOCATOR_64_BYTES: u64 = 20;

/// The bytes from the end in which the record may begin: its own, those of a comment, and those that the
/// JDK looks at beyond them because it reads blocks of 128 bytes.
pub(super) const REACH: u64 = END_BYTES + u16::MAX as u64 + 106;

const _: () =
    assert!(REACH + LOCATOR_64_BYTES <= limits::PLAIN_TAIL_BYTES, "no end may lie before what is kept");

/// The last bytes of a file, and the first four.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) head: &'a [u8],
    /// Of the whole file.
    pub(super) size: u64,
}

/// Bytes that were asked for.
enum Look<T> {
    At(T),
    NotKept,
    NotInFile,
}

/// Whether the JDK takes an end record for the archive's.
enum Trust {
    Yes,
    No,
    /// What decides is not kept.
    Open,
}

/// An end record, with what a ZIP64 one says instead.
#[derive(Debug, Clone, Copy)]
struct End {
    /// Where it begins.
    position: u64,
    directory_bytes: u64,
    directory_offset: u64,
    members: u64,
    comment_bytes: u64,
}

impl End {
    /// Where the directory and the first member begin; `None` where one would lie before the file. Java's
    /// numbers have a sign and wrap around, so that an offset beyond all files may lie behind this one.
    fn begins(&self) -> Option<(u64, u64)> {
        let directory = self.position.checked_sub(self.directory_bytes)?;
        let member = directory.cast_signed().wrapping_sub(self.directory_offset.cast_signed());
        Some((directory, u64::try_from(member).ok()?))
    }
}

/// The names of an archive's members, each after its length; none where the file is no archive.
///
/// # Errors
/// What is not known. `room` bounds the bytes of the names.
pub(super) fn names(tail: &Tail<'_>, room: usize) -> Result<Vec<u8>, Gap> {
    let mut names = Vec::new();
    let mut ends = 0;
    for position in tail.ends() {
        let Some(end) = tail.end(position) else { continue };
        let trust = tail.trust(&end);
        if matches!(trust, Trust::No) {
            continue;
        }
        if ends == limits::ARCHIVE_ENDS {
            return Err(Gap::ManyEnds);
        }
        ends += 1;
        tail.add_names(end, room, &mut names)?;
        if matches!(trust, Trust::Yes) {
            break;
        }
    }
    Ok(names)
}

impl<'a> Tail<'a> {
    /// Where end records may begin, the last first.
    fn ends(&self) -> impl Iterator<Item = u64> + use<> {
        static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new([END]).ok());
        let first = self.bytes.len().saturating_sub(REACH as usize);
        let bytes = self.bytes.get(first..).unwrap_or_default();
        let base = self.size.saturating_sub(bytes.len() as u64);
        let found = SEARCH.iter().flat_map(|search| search.find_iter(bytes));
        let found: Vec<_> = found.map(|found| base + found.start() as u64).collect();
        found.into_iter().rev()
    }

    fn slice(&self, position: u64, length: u64) -> Look<&'a [u8]> {
        let Some(end) = position.checked_add(length).filter(|end| *end <= self.size) else {
            return Look::NotInFile;
        };
        let from_start = |bytes: &'a [u8]| bytes.get(position as usize..end as usize);
        let base = self.size.saturating_sub(self.bytes.len() as u64);
        let in_tail = || {
            let (from, to) = (position.checked_sub(base)?, end.checked_sub(base)?);
            self.bytes.get(from as usize..to as usize)
        };
        match in_tail().or_else(|| from_start(self.head)) {
            Some(bytes) => Look::At(bytes),
            None => Look::NotKept,
        }
    }

    fn number(&self, position: u64) -> Look<u32> {
        match self.slice(position, 4) {
            Look::At(bytes) => u32_at(bytes, 0).map_or(Look::NotInFile, Look::At),
            Look::NotKept => Look::NotKept,
            Look::NotInFile => Look::NotInFile,
        }
    }

    fn end(&self, position: u64) -> Option<End> {
        let Look::At(record) = self.slice(position, END_BYTES) else { return None };
        Some(End {
            position,
            members: u16_at(record, 10)?.into(),
            directory_bytes: u32_at(record, 12)?.into(),
            directory_offset: u32_at(record, 16)?.into(),
            comment_bytes: u16_at(record, 20)?.into(),
        })
    }

    /// A record whose comment reaches to the file's end holds. Any other does where a directory and a
    /// member begin where it says; it is then followed by something else.
    fn trust(&self, end: &End) -> Trust {
        if end.position + END_BYTES + end.comment_bytes == self.size {
            return Trust::Yes;
        }
        let Some((directory, member)) = end.begins() else { return Trust::No };
        match (self.number(directory), self.number(member)) {
            (Look::At(CENTRAL), Look::At(LOCAL)) => Trust::Yes,
            (Look::At(CENTRAL) | Look::NotKept, Look::NotKept) | (Look::NotKept, Look::At(LOCAL)) => {
                Trust::Open
            }
            _ => Trust::No,
        }
    }

    /// What a ZIP64 record says, where there is one that agrees with the end record.
    fn zip64(&self, end: End) -> Result<End, Gap> {
        let Some(locator) = end.position.checked_sub(LOCATOR_64_BYTES) else { return Ok(end) };
        let locator = match self.slice(locator, LOCATOR_64_BYTES) {
            Look::At(bytes) if u32_at(bytes, 0) == Some(LOCATOR_64) => bytes,
            Look::NotKept => return Err(Gap::FarDirectory),
            _ => return Ok(end),
        };
        let Some(position) = u64_at(locator, 8) else { return Ok(end) };
        let record = match self.slice(position, END_64_BYTES as u64) {
            Look::At(bytes) if u32_at(bytes, 0) == Some(END_64) => bytes,
            Look::NotKept => return Err(Gap::FarDirectory),
            _ => return Ok(end),
        };
        let fields = (u64_at(record, 32), u64_at(record, 40), u64_at(record, 48));
        let (Some(members), Some(directory_bytes), Some(directory_offset)) = fields else { return Ok(end) };
        let agrees = |mine: u64, other: u64, unsaid: u64| mine == other || mine == unsaid;
        let agree = agrees(end.directory_bytes, directory_bytes, u32::MAX.into())
            && agrees(end.directory_offset, directory_offset, u32::MAX.into())
            && agrees(end.members, members, u16::MAX.into());
        let wide = End { position, directory_bytes, directory_offset, members, ..end };
        Ok(if agree { wide } else { end })
    }

    /// Adds the names in the directory that ends in this record; none where it is broken.
    fn add_names(&self, end: End, room: usize, names: &mut Vec<u8>) -> Result<(), Gap> {
        let end = self.zip64(end)?;
        let Some((directory, _)) = end.begins() else { return Ok(()) };
        let directory = match self.slice(directory, end.directory_bytes) {
            Look::At(bytes) => bytes,
            Look::NotKept => return Err(Gap::FarDirectory),
            Look::NotInFile => return Ok(()),
        };
        let before = names.len();
        let mut rest = directory;
        while !rest.is_empty() {
            let Some((member, after)) = Member::split(rest) else {
                names.truncate(before);
                return Ok(());
            };
            rest = after;
            if let Some(name) = member.name() {
                push_name(names, name);
            }
            if names.len() > room {
                return Err(Gap::ManyNames);
            }
        }
        Ok(())
    }
}

/// A header in the central directory.
struct Member<'a> {
    name: &'a [u8],
    compressed_bytes: u32,
}

impl<'a> Member<'a> {
    /// The first header, and what follows it.
    fn split(directory: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = directory.split_at_checked(CENTRAL_BYTES)?;
        if u32_at(header, 0)? != CENTRAL {
            return None;
        }
        let (name, rest) = rest.split_at_checked(u16_at(header, 28)?.into())?;
        let (extra, comment) = (usize::from(u16_at(header, 30)?), usize::from(u16_at(header, 32)?));
        Some((Self { name, compressed_bytes: u32_at(header, 20)? }, rest.get(extra + comment..)?))
    }

    /// The name that the member is asked for by; `None` for directories. The JDK gives `x/` also to who
    /// asks for `x`, so that a class may lie in a member that ends like a directory. Two bytes are what
    /// nothing is deflated to, as some tools write directories, and no class.
    fn name(&self) -> Option<&'a [u8]> {
        let name = match self.name.strip_suffix(b"/") {
            Some(name) if self.compressed_bytes > 2 => name,
            Some(_) => return None,
            None => self.name,
        };
        (!name.is_empty()).then_some(name)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
