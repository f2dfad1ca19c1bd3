//! What Go's linker puts into programs: its own version, and the modules that a program is made of.
//!
//! Read as Go's `debug/buildinfo` reads it: since Go 1.18 both follow a header of [`HEADER_BYTES`], before that the header
//! has the addresses of two strings.

use super::found::Found;
use super::programs::{Elf, Extent, kept, number};
use super::{Ecosystem, Evidence, Gap};
use crate::limits;
use crate::scan::archives::Tail;

/// What the header begins with, at an address that can be divided by [`ALIGN`].
const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: u64 = 16;
const HEADER_BYTES: u64 = 32;

/// Where the header has its flags, behind the bytes of a pointer.
const FLAGS: usize = 15;
const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;

/// Bytes of a number in LEB128 of 64 bits.
const VARINT_BYTES: u64 = 10;

/// The version and the list of modules, as written.
type Texts<'t> = (&'t [u8], &'t [u8]);

/// What Go's linker wrote, if it is in there.
pub(super) fn read(elf: &Elf<'_, '_>, extent: Extent, found: &mut Found<'_>) -> Result<(), Gap> {
    let tail = elf.tail;
    // A section that is cut short by the file's end is searched as far as it goes.
    let bytes = extent.bytes.min(tail.size.saturating_sub(extent.offset));
    let Some(data) = kept(tail.slice(extent.offset, bytes))? else { return Ok(()) };
    let skipped = extent.address.wrapping_neg() % ALIGN;
    let steps = data.get(skipped as usize..).unwrap_or_default().chunks(ALIGN as usize);
    let Some(step) = steps.into_iter().position(|step| step.starts_with(MAGIC)) else { return Ok(()) };
    let begins = extent.offset.saturating_add(skipped).saturating_add(ALIGN.saturating_mul(step as u64));
    let Some(header) = kept(tail.slice(begins, HEADER_BYTES))? else { return Ok(()) };
    let is_old = header.get(FLAGS).is_none_or(|flags| flags & INLINE == 0);
    let texts = match is_old {
        true => behind_pointers(elf, header)?,
        false => inline(tail, begins.saturating_add(HEADER_BYTES))?,
    };
    let Some((version, modules)) = texts.filter(|(version, _)| !version.is_empty()) else {
        return if is_old { Err(Gap::OldGo) } else { Ok(()) };
    };
    let version = String::from_utf8_lossy(version);
    // `go1.26.8 X:experiment`; what is no release has no such name.
    let release = version.strip_prefix("go").and_then(|release| release.split(' ').next());
    found.add((Ecosystem::Go, Evidence::GoBuildInfo), "stdlib", release.unwrap_or_default(), &[]);
    for Module { evidence, name, version } in modules_of(modules) {
        if !found.add((Ecosystem::Go, evidence), name, version, &[]) {
            break;
        }
    }
    Ok(())
}

/// Since Go 1.18: the version and the list of modules one behind the other.
fn inline<'t>(tail: &Tail<'t>, at: u64) -> Result<Option<Texts<'t>>, Gap> {
    let Some((version, next)) = text(tail, at)? else { return Ok(None) };
    let modules = text(tail, next)?.map(|(modules, _)| modules).unwrap_or_default();
    Ok(Some((version, modules)))
}

/// Before Go 1.18: two pointers to strings in the program's memory.
fn behind_pointers<'t>(elf: &Elf<'t, '_>, header: &[u8]) -> Result<Option<Texts<'t>>, Gap> {
    let &[.., width, flags] = header.get(..=FLAGS).unwrap_or_default() else { return Ok(None) };
    if !matches!(width, 4 | 8) {
        return Ok(None);
    }
    let (width, is_big) = (usize::from(width), flags & BIG_ENDIAN != 0);
    let mut pointers = header.get(FLAGS + 1..).unwrap_or_default().chunks_exact(width);
    let mut next = || match pointers.next() {
        Some(pointer) => string(elf, number(pointer, is_big), width, is_big),
        None => Ok(None),
    };
    let Some(version) = next()? else { return Ok(None) };
    Ok(Some((version, next()?.unwrap_or_default())))
}

/// The string whose address and length stand at an address.
fn string<'t>(elf: &Elf<'t, '_>, at: u64, width: usize, is_big: bool) -> Result<Option<&'t [u8]>, Gap> {
    let Some(header) = elf.loaded(at, 2 * width as u64)? else { return Ok(None) };
    let (address, length) = header.split_at_checked(width).unwrap_or_default();
    let length = number(length, is_big);
    let string = elf.loaded(number(address, is_big), length)?;
    if string.is_some() && length > limits::COMPONENT_TEXT_BYTES {
        return Err(Gap::LargeText);
    }
    Ok(string)
}

/// A text with its length before it, and where it ends; `None` where there is none.
fn text<'t>(tail: &Tail<'t>, at: u64) -> Result<Option<(&'t [u8], u64)>, Gap> {
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

/// A module in the list.
struct Module {
    /// Whether the program is of it, or needs it.
    evidence: Evidence,
    name: String,
    version: String,
}

/// The list of modules, which 16 bytes before and behind it frame: the program's own and what it needs, each as it was
/// replaced.
fn modules_of(framed: &[u8]) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    let inner = framed.len().checked_sub(17).filter(|end| *end >= 16 && framed.get(*end) == Some(&b'\n'));
    let text = inner.and_then(|end| framed.get(16..=end)).unwrap_or_default();
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields =
            line.split(|byte| *byte == b'\t').map(|field| String::from_utf8_lossy(field).into_owned());
        let kind = fields.next().unwrap_or_default();
        let (name, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // `(devel)` is none.
        let version = if version.starts_with('(') { String::new() } else { version };
        match (kind.as_str(), modules.last_mut()) {
            ("mod", _) if !name.is_empty() => {
                modules.push(Module { evidence: Evidence::GoProgram, name, version });
            }
            ("dep", _) if !name.is_empty() => {
                modules.push(Module { evidence: Evidence::GoBuildInfo, name, version });
            }
            // By a directory, which is no module with a version: what it replaces is known by its name only.
            ("=>", Some(last)) if version.is_empty() => last.version.clear(),
            ("=>", Some(last)) => (last.name, last.version) = (name, version),
            _ => {}
        }
    }
    modules
}

#[cfg(test)]
#[path = "go_tests.rs"]
mod tests;
