//! Zip archives (PKWARE's APPNOTE.TXT), as feeds are published: stored and deflated members, and ZIP64, which
//! exports of more than 65,535 records need. The central directory says what is in it.

use std::io::{BufReader, Read};

use flate2::read::DeflateDecoder;

use super::Room;
use crate::error::{Error, Result};
use crate::read::Section;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END_BYTES: usize = 22;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: u64 = 30;

/// Whether a file begins as a zip archive does.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(&END)
}

/// Whether a name in an archive leads out of it.
pub(super) fn escapes(name: &str) -> bool {
    name.starts_with(['/', '\\'])
        || name.contains(':') && name.find(':') == Some(1)
        || name.split(['/', '\\']).any(|part| part == "..")
}

/// A member, as the central directory has it.
#[derive(Debug)]
pub(super) struct Member {
    name: Box<str>,
    method: u16,
    encrypted: bool,
    crc: u32,
    stored: u64,
    size: u64,
    offset: u64,
}

impl Member {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }

    pub(super) fn escapes(&self) -> bool {
        escapes(&self.name)
    }
}

/// An archive with its list of members.
#[derive(Debug)]
pub(super) struct Archive {
    section: Section,
    members: Vec<Member>,
    room: Room,
}

impl Archive {
    /// Reads the list of members.
    pub(super) fn open(section: &Section, room: Room) -> Result<Self> {
        let (offset, size, count) = directory(section)?;
        if count > room.documents as u64 {
            return Err(Error::limit(format!("{count} members"), "FEED_DOCUMENTS", room.documents as u64));
        }
        let directory = section.slice(offset, size).ok_or_else(broken)?;
        let mut reader = BufReader::new(directory.reader());
        let mut members = Vec::new();
        let mut unpacked = 0_u64;
        for _ in 0..count {
            let member = Member::read(&mut reader)?;
            unpacked = unpacked.saturating_add(member.size);
            if unpacked > room.unpacked {
                return Err(Error::limit("the archive, unpacked,", "FEED_UNPACKED_BYTES", room.unpacked));
            }
            members.push(member);
        }
        // As they lie in the file.
        members.sort_by_key(|member| member.offset);
        Ok(Self { section: section.clone(), members, room })
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Reads a member's bytes, which are held to the size and the checksum that the directory says.
    pub(super) fn read(&self, member: &Member) -> Result<Vec<u8>> {
        self.content(member).map_err(|error| error.at(member.name()))
    }

    fn content(&self, member: &Member) -> Result<Vec<u8>> {
        if member.size > self.room.document {
            return Err(Error::limit("a document of a feed", "FEED_DOCUMENT_BYTES", self.room.document));
        }
        if member.encrypted {
            return Err(Error::unsupported("the member is encrypted"));
        }
        let header = self.section.slice(member.offset, LOCAL_BYTES).ok_or_else(broken)?;
        let header = header.read_all(LOCAL_BYTES, "LOCAL_BYTES")?;
        if u32_at(&header, 0) != Some(LOCAL) {
            return Err(broken());
        }
        let lengths = u16_at(&header, 26).zip(u16_at(&header, 28)).ok_or_else(broken)?;
        let start = member.offset + LOCAL_BYTES + u64::from(lengths.0) + u64::from(lengths.1);
        let stored = self.section.slice(start, member.stored).ok_or_else(broken)?.reader();
        let mut bytes = Vec::new();
        let limit = member.size.saturating_add(1);
        let read = match member.method {
            0 => stored.take(limit).read_to_end(&mut bytes),
            8 => DeflateDecoder::new(stored).take(limit).read_to_end(&mut bytes),
            method => {
                return Err(Error::unsupported(format!("compression method {method} of zip is not known")));
            }
        };
        read.map_err(|error| Error::io("the member cannot be unpacked", error))?;
        if bytes.len() as u64 != member.size || crc32fast::hash(&bytes) != member.crc {
            return Err(Error::invalid(
                "the member is not what the archive's directory says: size or checksum differ",
            )
            .hint("the file was damaged on its way; fetch it again"));
        }
        Ok(bytes)
    }
}

impl Member {
    fn read(reader: &mut impl Read) -> Result<Self> {
        let mut header = [0; CENTRAL_BYTES];
        exact(reader, &mut header)?;
        let field = |at| u32_at(&header, at).ok_or_else(broken);
        let short = |at| u16_at(&header, at).ok_or_else(broken);
        if field(0)? != CENTRAL {
            return Err(broken());
        }
        let mut name = vec![0; short(28)?.into()];
        exact(reader, &mut name)?;
        let mut extra = vec![0; short(30)?.into()];
        exact(reader, &mut extra)?;
        let mut comment = vec![0; short(32)?.into()];
        exact(reader, &mut comment)?;
        let mut member = Self {
            name: String::from_utf8_lossy(&name).into(),
            method: short(10)?,
            encrypted: short(8)? & 1 != 0,
            crc: field(16)?,
            stored: field(20)?.into(),
            size: field(24)?.into(),
            offset: field(42)?.into(),
        };
        member.widen(&extra).ok_or_else(broken)?;
        Ok(member)
    }

    /// Takes what is too large for 32 bits from the ZIP64 extra field.
    fn widen(&mut self, mut extra: &[u8]) -> Option<()> {
        let all = u64::from(u32::MAX);
        if self.size < all && self.stored < all && self.offset < all {
            return Some(());
        }
        while extra.len() >= 4 {
            let (kind, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
            let mut body = extra.get(4..4 + length)?;
            if kind == 1 {
                for value in [&mut self.size, &mut self.stored, &mut self.offset] {
                    if *value == all {
                        *value = u64_at(body, 0)?;
                        body = body.get(8..)?;
                    }
                }
                return Some(());
            }
            extra = extra.get(4 + length..)?;
        }
        None
    }
}

/// Where the central directory lies: offset, size, members.
fn directory(section: &Section) -> Result<(u64, u64, u64)> {
    let reach = section.size().min((END_BYTES + usize::from(u16::MAX) + 20) as u64);
    let base = section.size() - reach;
    let tail = section.slice(base, reach).ok_or_else(broken)?.read_all(reach, "REACH")?;
    let holds = |at: usize| {
        let comment = tail.get(at..).and_then(|end| u16_at(end, 20));
        comment.is_some_and(|comment| at + END_BYTES + usize::from(comment) == tail.len())
    };
    let ends = tail.windows(4).enumerate().rev().filter(|(_, window)| *window == END);
    let place = ends.map(|(at, _)| at).find(|at| holds(*at)).ok_or_else(broken)?;
    let end = tail.get(place..).ok_or_else(broken)?;
    let plain = || Some((u32_at(end, 16)?.into(), u32_at(end, 12)?.into(), u16_at(end, 10)?.into()));
    let locator = place.checked_sub(20).and_then(|at| tail.get(at..));
    let Some(locator) = locator.filter(|locator| u32_at(locator, 0) == Some(LOCATOR_64)) else {
        return plain().ok_or_else(broken);
    };
    let wide = u64_at(locator, 8).and_then(|offset| section.slice(offset, 56)).ok_or_else(broken)?;
    let wide = wide.read_all(56, "END_64")?;
    if u32_at(&wide, 0) != Some(END_64) {
        return Err(broken());
    }
    let fields = || Some((u64_at(&wide, 48)?, u64_at(&wide, 40)?, u64_at(&wide, 32)?));
    fields().ok_or_else(broken)
}

fn broken() -> Error {
    Error::invalid("the zip archive is broken or cut short")
        .hint("fetch it again, and compare its size and digest")
}

fn exact(reader: &mut impl Read, buffer: &mut [u8]) -> Result<()> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => broken(),
        _ => Error::io("cannot be read", error),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
