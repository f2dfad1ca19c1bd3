//! ELF programs (System V ABI, chapters 4 and 5): what Go's linker and cargo-auditable put into them.
//!
//! Go's is found as Go's `debug/buildinfo` finds it: in the section `.go.buildinfo`, else in the first segment that
//! can be written and not executed. That of cargo-auditable is a section only. Offsets and counts are the file's, so
//! each is held to what is kept of it.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use super::found::Found;
use super::{Ecosystem, Evidence, Gap};
use crate::limits;
use crate::scan::archives::{Look, Tail};

/// What Go's information begins with, at an address that can be divided by [`GO_ALIGN`].
const GO_MAGIC: &[u8] = b"\xff Go buildinf:";
const GO_ALIGN: u64 = 16;
const GO_HEADER_BYTES: u64 = 32;

/// Bytes of a number in LEB128 of 64 bits.
const VARINT_BYTES: u64 = 10;

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
            Some(extent) => go(tail, extent, found),
            None => Ok(()),
        }
    });
    if let Err(gap) = read {
        found.gap(gap);
    }
}

/// Bytes of the file, and the address that they are loaded to.
#[derive(Debug, Clone, Copy)]
struct Extent {
    address: u64,
    offset: u64,
    bytes: u64,
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
struct Elf<'t, 'p> {
    tail: &'p Tail<'t>,
    is_wide: bool,
    is_big: bool,
    segments: Table,
    sections: Table,
    /// The section that has the names of all.
    names: u64,
}

/// What was asked for; `None` where it is not in the file, and a gap where it is not kept.
fn kept<T>(look: Look<T>) -> Result<Option<T>, Gap> {
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
        let bytes = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
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

    /// The first segment that can be written and not executed.
    fn data_segment(&self) -> Result<Option<Extent>, Gap> {
        let width = if self.is_wide { 8 } else { 4 };
        let flags = if self.is_wide { 4 } else { 24 };
        for header in self.entries(self.segments, if self.is_wide { 56 } else { 32 })? {
            let first = |at: usize, length| self.number(header, at, length).unwrap_or_default();
            let flags = first(flags, 4) as u32;
            if first(0, 4) as u32 == LOAD && flags & (WRITABLE | EXECUTABLE) == WRITABLE {
                // p_offset, p_vaddr, p_paddr, p_filesz.
                let word = |number: usize| first(width * (1 + number), width);
                return Ok(Some(Extent { offset: word(0), address: word(1), bytes: word(3) }));
            }
        }
        Ok(None)
    }

    fn bytes(&self, extent: Extent) -> Result<&'t [u8], Gap> {
        Ok(kept(self.tail.slice(extent.offset, extent.bytes))?.unwrap_or_default())
    }
}

/// What Go's linker wrote, if it is in there.
fn go(tail: &Tail<'_>, extent: Extent, found: &mut Found<'_>) -> Result<(), Gap> {
    // A section that is cut short by the file's end is searched as far as it goes.
    let bytes = extent.bytes.min(tail.size.saturating_sub(extent.offset));
    let Some(data) = kept(tail.slice(extent.offset, bytes))? else { return Ok(()) };
    let skipped = extent.address.wrapping_neg() % GO_ALIGN;
    let steps = data.get(skipped as usize..).unwrap_or_default().chunks(GO_ALIGN as usize);
    let Some(step) = steps.into_iter().position(|step| step.starts_with(GO_MAGIC)) else { return Ok(()) };
    let begins = extent.offset.saturating_add(skipped).saturating_add(GO_ALIGN.saturating_mul(step as u64));
    let Some(header) = kept(tail.slice(begins, GO_HEADER_BYTES))? else { return Ok(()) };
    if header.get(15).is_none_or(|flags| flags & 2 == 0) {
        return Err(Gap::OldGo);
    }
    let Some((version, next)) = go_text(tail, begins.saturating_add(GO_HEADER_BYTES))? else { return Ok(()) };
    let modules = go_text(tail, next)?.map(|(modules, _)| modules).unwrap_or_default();
    if version.is_empty() {
        return Ok(());
    }
    let kind = (Ecosystem::Go, Evidence::GoBuildInfo);
    let version = String::from_utf8_lossy(version);
    // `go1.26.8 X:experiment`; what is no release has no such name.
    let release = version.strip_prefix("go").and_then(|release| release.split(' ').next());
    found.add(kind, "stdlib", release.unwrap_or_default(), &[]);
    for (name, version) in go_modules(modules) {
        found.add(kind, name, version, &[]);
    }
    Ok(())
}

/// A text with its length before it, and where it ends; `None` where there is none.
fn go_text<'t>(tail: &Tail<'t>, at: u64) -> Result<Option<(&'t [u8], u64)>, Gap> {
    let most = VARINT_BYTES.min(tail.size.saturating_sub(at));
    let Some(bytes) = kept(tail.slice(at, most))? else { return Ok(None) };
    let mut length = 0_u64;
    for (number, byte) in bytes.iter().enumerate() {
        length |= u64::from(byte & 0x7f).checked_shl(7 * number as u32).unwrap_or_default();
        if byte & 0x80 == 0 {
            let begins = at.saturating_add(number as u64 + 1);
            let Some(text) = kept(tail.slice(begins, length))? else { return Ok(None) };
            if length > limits::COMPONENT_TEXT_BYTES {
                return Err(Gap::LargeText);
            }
            return Ok(Some((text, begins.saturating_add(length))));
        }
    }
    Ok(None)
}

/// Names and versions in the list of modules, which 16 bytes before and behind it frame: the program's own and what
/// it needs, each as it was replaced.
fn go_modules(framed: &[u8]) -> Vec<(String, String)> {
    let mut modules: Vec<(String, String)> = Vec::new();
    let inner = framed.len().checked_sub(17).filter(|end| *end >= 16 && framed.get(*end) == Some(&b'\n'));
    let text = inner.and_then(|end| framed.get(16..=end)).unwrap_or_default();
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields =
            line.split(|byte| *byte == b'\t').map(|field| String::from_utf8_lossy(field).into_owned());
        let kind = fields.next().unwrap_or_default();
        let (name, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // `(devel)` is none.
        let version = if version.starts_with('(') { String::new() } else { version };
        match kind.as_str() {
            "mod" | "dep" if !name.is_empty() => modules.push((name, version)),
            // By a directory, which is no module with a version: what it replaces is known by its name only.
            "=>" if version.is_empty() => {
                modules.iter_mut().last().into_iter().for_each(|last| last.1.clear())
            }
            "=>" => {
                modules.iter_mut().last().into_iter().for_each(|last| *last = (name.clone(), version.clone()))
            }
            _ => {}
        }
    }
    modules
}

/// What cargo-auditable writes, as far as it is asked for.
#[derive(Deserialize)]
struct Audit {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
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
    let mut text = Vec::new();
    let most = limits::COMPONENT_TEXT_BYTES + 1;
    ZlibDecoder::new(compressed).take(most).read_to_end(&mut text).map_err(|_| Gap::Unreadable)?;
    if text.len() as u64 == most {
        return Err(Gap::LargeText);
    }
    let audit: Audit = serde_json::from_slice(&text).map_err(|_| Gap::Unreadable)?;
    for package in audit.packages {
        if package.kind != Kind::Build {
            found.add((Ecosystem::Cargo, Evidence::CargoAuditable), package.name, package.version, &[]);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "programs_tests.rs"]
mod tests;
