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

const LOCAL_BYTES: u64 = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: u64 = 22;
const END_64_BYTES: usize = 56;
const LOCATOR_64_BYTES: u64 = 20;

/// The bytes from the end in which the record may begin: its own, those of a comment, and those that the
/// JDK looks at beyond them because it reads blocks of 128 bytes.
pub(super) const REACH: u64 = END_BYTES + u16::MAX as u64 + 106;

const _: () =
    assert!(REACH + LOCATOR_64_BYTES <= limits::PLAIN_TAIL_BYTES, "no end may lie before what is kept");

/// The last bytes of a file, and the first ones: what is kept of it.
#[derive(Debug)]
pub(in crate::scan) struct Tail<'a> {
    pub(in crate::scan) bytes: &'a [u8],
    pub(in crate::scan) head: &'a [u8],
    /// Of the whole file.
    pub(in crate::scan) size: u64,
}

/// Bytes that were asked for.
pub(in crate::scan) enum Look<T> {
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
    for directory in directories(tail)? {
        let before = names.len();
        for member in directory.members() {
            let Some(member) = member else {
                names.truncate(before);
                break;
            };
            if let Some(name) = member.name() {
                push_name(&mut names, name);
            }
            if names.len() > room {
                return Err(Gap::ManyNames);
            }
        }
    }
    Ok(names)
}

/// The central directories that a file has: one, or several where what decides is not kept; none where it
/// is no archive.
///
/// # Errors
/// What is not known.
pub(in crate::scan) fn directories<'a>(tail: &Tail<'a>) -> Result<Vec<Directory<'a>>, Gap> {
    let mut directories = Vec::new();
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
        directories.extend(tail.directory(end)?);
        if matches!(trust, Trust::Yes) {
            break;
        }
    }
    Ok(directories)
}

/// A central directory.
#[derive(Debug, Clone, Copy)]
pub(in crate::scan) struct Directory<'a> {
    bytes: &'a [u8],
    /// What offsets of members are counted from.
    base: i64,
}

impl<'a> Directory<'a> {
    /// The headers in their order; `None` for one that is broken, which makes it no directory. It is the last.
    pub(in crate::scan) fn members(self) -> impl Iterator<Item = Option<Member<'a>>> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let split = Member::split(rest);
            rest = split.as_ref().map_or(&[], |(_, after)| after);
            Some(split.map(|(member, _)| member))
        })
    }

    /// The bytes of a member as they are stored.
    pub(in crate::scan) fn stored(self, tail: &Tail<'a>, member: &Member<'_>) -> Look<&'a [u8]> {
        let Some((compressed_bytes, offset)) = member.extent() else { return Look::NotInFile };
        let Ok(position) = u64::try_from(self.base.wrapping_add(offset.cast_signed())) else {
            return Look::NotInFile;
        };
        let header = match tail.slice(position, LOCAL_BYTES) {
            Look::At(header) if u32_at(header, 0) == Some(LOCAL) => header,
            Look::NotKept => return Look::NotKept,
            _ => return Look::NotInFile,
        };
        let (Some(name), Some(extra)) = (u16_at(header, 26), u16_at(header, 28)) else {
            return Look::NotInFile;
        };
        let begins = position + LOCAL_BYTES + u64::from(name) + u64::from(extra);
        tail.slice(begins, compressed_bytes)
    }
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

    /// So many bytes from there on.
    pub(in crate::scan) fn slice(&self, position: u64, length: u64) -> Look<&'a [u8]> {
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

    /// The directory that ends in this record, if there is one.
    fn directory(&self, end: End) -> Result<Option<Directory<'a>>, Gap> {
        let end = self.zip64(end)?;
        let Some((directory, member)) = end.begins() else { return Ok(None) };
        match self.slice(directory, end.directory_bytes) {
            Look::At(bytes) => Ok(Some(Directory { bytes, base: member.cast_signed() })),
            Look::NotKept => Err(Gap::FarDirectory),
            Look::NotInFile => Ok(None),
        }
    }
}

/// A header in the central directory.
#[derive(Debug, Clone, Copy)]
pub(in crate::scan) struct Member<'a> {
    name: &'a [u8],
    extra: &'a [u8],
    /// How it is compressed: 0 for not at all, 8 for deflate.
    pub(in crate::scan) method: u16,
    compressed_bytes: u32,
    uncompressed_bytes: u32,
    offset: u32,
}

impl<'a> Member<'a> {
    /// The first header, and what follows it.
    fn split(directory: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = directory.split_at_checked(CENTRAL_BYTES)?;
        if u32_at(header, 0)? != CENTRAL {
            return None;
        }
        let (name, rest) = rest.split_at_checked(u16_at(header, 28)?.into())?;
        let (extra, comment) = (u16_at(header, 30)?.into(), u16_at(header, 32)?.into());
        let (extra, rest) = rest.split_at_checked(extra)?;
        let (_, rest) = rest.split_at_checked(comment)?;
        let member = Self {
            name,
            extra,
            method: u16_at(header, 10)?,
            compressed_bytes: u32_at(header, 20)?,
            uncompressed_bytes: u32_at(header, 24)?,
            offset: u32_at(header, 42)?,
        };
        Some((member, rest))
    }

    /// The number of its stored bytes and where its local header begins. What does not fit 32 bits stands in a
    /// ZIP64 field (4.5.3), which has only what is needed, in this order.
    fn extent(&self) -> Option<(u64, u64)> {
        let wide = self.compressed_bytes == u32::MAX || self.offset == u32::MAX;
        let mut field = if wide { extra_field(self.extra, 1)? } else { &[] };
        let mut value = |short: u32| -> Option<u64> {
            if short < u32::MAX {
                return Some(short.into());
            }
            let value = u64_at(field, 0)?;
            field = field.get(8..)?;
            Some(value)
        };
        if wide {
            value(self.uncompressed_bytes)?;
        }
        Some((value(self.compressed_bytes)?, value(self.offset)?))
    }

    /// The name that the member is asked for by; `None` for directories. The JDK gives `x/` also to who
    /// asks for `x`, so that a class may lie in a member that ends like a directory. Two bytes are what
    /// nothing is deflated to, as some tools write directories, and no class.
    pub(in crate::scan) fn name(&self) -> Option<&'a [u8]> {
        let name = match self.name.strip_suffix(b"/") {
            Some(name) if self.compressed_bytes > 2 => name,
            Some(_) => return None,
            None => self.name,
        };
        (!name.is_empty()).then_some(name)
    }
}

/// The extra field of that kind.
fn extra_field(mut extra: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let length = u16_at(extra, 2)?;
        let (field, rest) = extra.get(4..)?.split_at_checked(length.into())?;
        if u16_at(extra, 0)? == kind {
            return Some(field);
        }
        extra = rest;
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
