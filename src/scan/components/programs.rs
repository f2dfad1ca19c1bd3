//! ELF programs (System V ABI, chapters 4 and 5): what Go's linker and cargo-auditable put into them.
//!
//! Go's ([`super::go`]) is found as Go's `debug/buildinfo` finds it: in the section `.go.buildinfo`, else in the first
//! segment that can be written and not executed. That of cargo-auditable is a section only. Offsets and counts are the
//! file's, so each is held to what is kept of it.

use std::borrow::Cow;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use super::found::Found;
use super::{Ecosystem, Evidence, Gap, go};
use crate::limits;
use crate::scan::archives::{Look, Tail};

/// `SHT_NOBITS`: the section has no bytes in the file.
const NO_BITS: u32 = 8;
/// `PT_LOAD`, and `PF_X` and `PF_W` of its flags.
const LOAD: u32 = 1;
const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;

/// Finds what is in a program.
pub(super) fn read(tail: &Tail<'_>, found: &mut Found<'_>) {
    let Some(elf) = Elf::of(tail) else { return };
    let read = elf.sections().and_then(|sections| {
        if let Some(section) = sections.cargo {
            cargo(elf.bytes(section)?, found)?;
        }
        let begins = match sections.go {
            Some(section) => Some(section),
            None => elf.data_segment()?,
        };
        match begins {
            Some(extent) => go::read(&elf, extent, found),
            None => Ok(()),
        }
    });
    if let Err(gap) = read {
        found.gap(gap);
    }
}

/// Bytes of the file, and the address that they are loaded to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// The sections that are looked for.
#[derive(Debug, Clone, Copy, Default)]
struct Sections {
    go: Option<Extent>,
    cargo: Option<Extent>,
}

/// A table: where it begins, the bytes of an entry, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Table {
    offset: u64,
    entry_bytes: u64,
    count: u64,
}

/// An ELF file by its first header.
pub(super) struct Elf<'t, 'p> {
    pub(super) tail: &'p Tail<'t>,
    is_wide: bool,
    is_big: bool,
    segments: Table,
    sections: Table,
    /// The section that has the names of all.
    names: u64,
}

/// A number of at most eight bytes.
pub(super) fn number(bytes: &[u8], is_big: bool) -> u64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

/// What was asked for; `None` where it is not in the file, and a gap where it is not kept.
pub(super) fn kept<T>(look: Look<T>) -> Result<Option<T>, Gap> {
    match look {
        Look::At(bytes) => Ok(Some(bytes)),
        Look::NotInFile => Ok(None),
        Look::NotKept => Err(Gap::LargeFile),
    }
}

impl<'t, 'p> Elf<'t, 'p> {
    fn of(tail: &'p Tail<'t>) -> Option<Self> {
        let Look::At(&[_, _, _, _, class @ (1 | 2), data @ (1 | 2)]) = tail.slice(0, 6) else { return None };
        let (is_wide, is_big) = (class == 2, data == 2);
        let none = Table { offset: 0, entry_bytes: 0, count: 0 };
        let elf = Self { tail, is_wide, is_big, segments: none, sections: none, names: 0 };
        let Look::At(header) = tail.slice(0, if is_wide { 64 } else { 52 }) else { return None };
        // e_phoff and e_shoff, and from e_phentsize on.
        let (segments, sections, counts) = if is_wide { (32, 40, 54) } else { (28, 32, 42) };
        let count = |number: usize| elf.number(header, counts + 2 * number, 2);
        let segments =
            Table { offset: elf.word(header, segments)?, entry_bytes: count(0)?, count: count(1)? };
        let sections =
            Table { offset: elf.word(header, sections)?, entry_bytes: count(2)?, count: count(3)? };
        let names = count(4)?;
        Some(Self { segments, sections, names, ..elf })
    }

    /// A number of so many bytes.
    fn number(&self, bytes: &[u8], at: usize, length: usize) -> Option<u64> {
        Some(number(bytes.get(at..at.checked_add(length)?)?, self.is_big))
    }

    /// A number as wide as addresses are.
    fn word(&self, bytes: &[u8], at: usize) -> Option<u64> {
        self.number(bytes, at, if self.is_wide { 8 } else { 4 })
    }

    /// The entries of a table, each of at least so many bytes; none where there is no such table.
    fn entries(&self, table: Table, least: u64) -> Result<impl Iterator<Item = &'t [u8]> + use<'t>, Gap> {
        let is_sound = table.offset > 0 && table.entry_bytes >= least;
        let bytes = match table.entry_bytes.checked_mul(table.count).filter(|_| is_sound) {
            Some(bytes) => kept(self.tail.slice(table.offset, bytes))?.unwrap_or_default(),
            None => &[],
        };
        Ok(bytes.chunks_exact((table.entry_bytes as usize).max(1)))
    }

    /// Type, name, link and extent of a section's header.
    fn section(&self, header: &[u8]) -> Option<(u32, u64, u64, Extent)> {
        let (address, link) = if self.is_wide { (16, 40) } else { (12, 24) };
        let width = if self.is_wide { 8 } else { 4 };
        let kind = self.number(header, 4, 4)? as u32;
        let extent = Extent {
            address: self.word(header, address)?,
            offset: self.word(header, address + width)?,
            bytes: self.word(header, address + 2 * width)?,
        };
        Some((kind, self.number(header, 0, 4)?, self.number(header, link, 4)?, extent))
    }

    fn sections(&self) -> Result<Sections, Gap> {
        let least = if self.is_wide { 64 } else { 40 };
        let mut table = self.sections;
        let mut names = self.names;
        if table.count == 0 || names == 0xffff {
            // What does not fit 16 bits stands in the first header.
            let first = self.entries(Table { count: 1, ..table }, least)?.next();
            let Some((_, _, link, extent)) = first.and_then(|header| self.section(header)) else {
                return Ok(Sections::default());
            };
            table.count = if table.count == 0 { extent.bytes } else { table.count };
            names = if names == 0xffff { link } else { names };
        }
        let names = usize::try_from(names).unwrap_or(usize::MAX);
        let Some((_, _, _, names)) = self.entries(table, least)?.nth(names).and_then(|h| self.section(h))
        else {
            return Ok(Sections::default());
        };
        let mut sections = Sections::default();
        for header in self.entries(table, least)? {
            let Some((kind, name, _, extent)) = self.section(header) else { continue };
            if kind == NO_BITS {
                continue;
            }
            if sections.go.is_none() && self.is_called(names, name, b".go.buildinfo\0")? {
                sections.go = Some(extent);
            } else if sections.cargo.is_none() && self.is_called(names, name, b".dep-v0\0")? {
                sections.cargo = Some(extent);
            }
        }
        Ok(sections)
    }

    /// Whether that stands at a place of the table of names.
    fn is_called(&self, names: Extent, at: u64, name: &[u8]) -> Result<bool, Gap> {
        let length = name.len() as u64;
        if at.checked_add(length).is_none_or(|end| end > names.bytes) {
            return Ok(false);
        }
        let Some(position) = names.offset.checked_add(at) else { return Ok(false) };
        Ok(kept(self.tail.slice(position, length))? == Some(name))
    }

    /// Type, flags and extent of each segment, as far as it is in the file.
    fn segments(&self) -> Result<impl Iterator<Item = (u32, u32, Extent)> + use<'_, 't, 'p>, Gap> {
        let width = if self.is_wide { 8 } else { 4 };
        let flags = if self.is_wide { 4 } else { 24 };
        let headers = self.entries(self.segments, if self.is_wide { 56 } else { 32 })?;
        Ok(headers.map(move |header| {
            let at = |at: usize, length| self.number(header, at, length).unwrap_or_default();
            // p_offset, p_vaddr, p_paddr, p_filesz.
            let word = |number: usize| at(width * (1 + number), width);
            let extent = Extent { offset: word(0), address: word(1), bytes: word(3) };
            (at(0, 4) as u32, at(flags, 4) as u32, extent)
        }))
    }

    /// The first segment that can be written and not executed.
    fn data_segment(&self) -> Result<Option<Extent>, Gap> {
        let is_data = |kind: u32, flags: u32| kind == LOAD && flags & (WRITABLE | EXECUTABLE) == WRITABLE;
        Ok(self.segments()?.find(|(kind, flags, _)| is_data(*kind, *flags)).map(|(_, _, extent)| extent))
    }

    /// What the first segment that reaches to an address has there; `None` where it ends before so many bytes.
    pub(super) fn loaded(&self, address: u64, length: u64) -> Result<Option<&'t [u8]>, Gap> {
        for (_, _, segment) in self.segments()? {
            let within = address.checked_sub(segment.address).filter(|within| *within < segment.bytes);
            let Some(within) = within else { continue };
            if length > segment.bytes - within {
                break;
            }
            let Some(offset) = segment.offset.checked_add(within) else { break };
            return kept(self.tail.slice(offset, length));
        }
        Ok(None)
    }

    fn bytes(&self, extent: Extent) -> Result<&'t [u8], Gap> {
        Ok(kept(self.tail.slice(extent.offset, extent.bytes))?.unwrap_or_default())
    }
}

/// What cargo-auditable writes, as far as it is asked for.
#[derive(Deserialize)]
struct Audit<'t> {
    #[serde(borrow)]
    packages: Vec<Package<'t>>,
}

#[derive(Deserialize)]
struct Package<'t> {
    #[serde(borrow)]
    name: Cow<'t, str>,
    #[serde(borrow)]
    version: Cow<'t, str>,
    #[serde(default)]
    kind: Kind,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Build,
    #[default]
    Runtime,
    /// What a later version may say.
    #[serde(other)]
    Other,
}

/// The crates that a program is made of, without those that only built it.
fn cargo(compressed: &[u8], found: &mut Found<'_>) -> Result<(), Gap> {
    let unpacked = found.unpack(ZlibDecoder::new(compressed), limits::COMPONENT_TEXT_BYTES);
    let Some((text, read)) = unpacked else { return Ok(()) };
    read.map_err(|_| Gap::Unreadable)?;
    if text.len() as u64 > limits::COMPONENT_TEXT_BYTES {
        return Err(Gap::LargeText);
    }
    let audit: Audit<'_> = serde_json::from_slice(&text).map_err(|_| Gap::Unreadable)?;
    for package in audit.packages {
        let is_told = package.kind != Kind::Build;
        if is_told
            && !found.add((Ecosystem::Cargo, Evidence::CargoAuditable), package.name, package.version, &[])
        {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "programs_tests.rs"]
mod tests;
