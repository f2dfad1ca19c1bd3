//! The headers of the outer archive, read strictly.
//!
//! Tools that write image archives write plain headers. Where a header could be read in two ways (a
//! PAX key twice, two long names, a number with odd bytes), two readers would find two images in one
//! archive; nobody honest needs that, so the archive is refused. The tar crate splits PAX records on
//! newlines and takes the first of two keys where Go takes the last.

use std::io::Read;

use crate::error::{Error, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::read::Section;

/// Documents that decide what the archive is: two of one name and nobody knows which counts.
const DECIDING: [&str; 4] = ["manifest.json", "index.json", "oci-layout", "repositories"];

/// Bytes of a tar block.
const BLOCK: u64 = 512;

/// One member: what its headers say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: u8,
    /// Where its bytes are, and how many.
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Reads one member's headers after another, jumping over their bytes.
#[derive(Debug)]
pub(super) struct Headers {
    archive: Section,
    position: u64,
}

/// What extended headers said of the next member.
#[derive(Debug, Default)]
struct Extended {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    pax: bool,
}

impl Headers {
    pub(super) fn new(archive: Section) -> Self {
        Self { archive, position: 0 }
    }

    /// Where the last member ended; behind the last one stands the end mark.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next member; `None` at the end mark.
    ///
    /// # Errors
    /// A header that is broken, cut short, or can be read in two ways.
    pub(super) fn next(&mut self) -> Result<Option<Header>> {
        let mut extended = Extended::default();
        let mut is_extended = false;
        loop {
            let Some(block) = self.block()? else {
                return if is_extended {
                    Err(broken("an extended header without a member"))
                } else {
                    Ok(None)
                };
            };
            let kind = field(&block, 156, 1).first().copied().unwrap_or_default();
            let size = number(field(&block, 124, 12))?;
            let (offset, body) = (self.position + BLOCK, self.position + BLOCK);
            match kind {
                b'x' | b'g' | b'L' | b'K' => {
                    let bytes = self.body(body, size)?;
                    self.position = advance(body, size)?;
                    if kind == b'g' && is_extended {
                        // Go forgets what stood before.
                        return Err(broken("an extended header before a global one"));
                    }
                    if kind == b'g' && is_deciding(&ImagePath::new(name(&block))) {
                        // Docker 20.10 takes away what is there, to write nothing in its place.
                        return Err(broken("a global header with the name of a document"));
                    }
                    is_extended |= kind != b'g';
                    extended.take(kind, &bytes)?;
                }
                _ => {
                    return self.member(
                        &block,
                        extended,
                        Header { name: Vec::new(), link: Vec::new(), kind, offset, size },
                    );
                }
            }
        }
    }

    fn member(
        &mut self,
        block: &[u8; 512],
        extended: Extended,
        mut header: Header,
    ) -> Result<Option<Header>> {
        let has_body = matches!(header.kind, b'0' | b'\0' | b'7');
        // Podman and skopeo, as Go's `FileInfo`, know a symlink by its mode and follow it; others by its type.
        let said = number(field(block, 100, 8))? & 0o170_000;
        let expected = match header.kind {
            b'5' => 0o040_000,
            b'2' => 0o120_000,
            _ => 0o100_000,
        };
        if said != 0 && said != expected {
            return Err(broken("a member whose mode says another type than its header"));
        }
        if let Some(size) = extended.size {
            if header.size != 0 && header.size != size {
                return Err(broken("a member with two sizes"));
            }
            header.size = size;
        }
        if !has_body {
            if header.size != 0 {
                return Err(broken("a member without bytes that says a size"));
            }
            header.size = 0;
        }
        header.name = extended.name.unwrap_or_else(|| name(block));
        // Go takes it for a directory, whose bytes are the next headers; others for a file.
        if has_body && header.size > 0 && header.name.last() == Some(&b'/') {
            return Err(broken("a file that is named as a directory"));
        }
        header.link = extended.link.unwrap_or_else(|| until_nul(field(block, 157, 100)).to_vec());
        if self.archive.slice(header.offset, header.size).is_none() {
            let what = format!(
                "the archive is cut short: {} should have {} bytes from offset {} on, and the archive ends at {}",
                ImagePath::new(&header.name),
                header.size,
                header.offset,
                self.archive.size()
            );
            return Err(Error::invalid(what).hint("save or download the image again"));
        }
        self.position = advance(header.offset, header.size)?;
        Ok(Some(header))
    }

    /// The block at the current position; `None` for the end mark.
    fn block(&self) -> Result<Option<[u8; 512]>> {
        let cut = || {
            let what =
                format!("the archive is cut short: it ends at {} without an end mark", self.archive.size());
            Error::invalid(what).hint("save or download the image again")
        };
        let section = self.archive.slice(self.position, BLOCK).ok_or_else(cut)?;
        let mut block = [0; 512];
        section.reader().read_exact(&mut block).map_err(|error| Error::io("cannot be read", error))?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if field(&block, 257, 6) == b"ustar\0" && field(&block, 508, 4) == b"tar\0" {
            // star's own header: its prefix ends earlier.
            return Err(broken("a header of star"));
        }
        let time = |start| number(field(&block, start, 12));
        if field(&block, 257, 8) == b"ustar  \0" && (time(345).is_err() || time(357).is_err()) {
            // Go takes them for the prefix of a name then (golang.org/issue/12594), and nobody else does.
            return Err(broken("a GNU header with times that are none"));
        }
        let declared = number(field(&block, 148, 8))?;
        if declared != checksum(&block) {
            let what = format!("no tar header at offset {}: its checksum is wrong", self.position);
            return Err(Error::invalid(what).hint("save or download the image again"));
        }
        Ok(Some(block))
    }

    /// The bytes of an extended header.
    fn body(&self, offset: u64, size: u64) -> Result<Vec<u8>> {
        if size > limits::PAX_BYTES {
            return Err(Error::limit("an extended header of the archive", "PAX_BYTES", limits::PAX_BYTES));
        }
        let section = self.archive.slice(offset, size);
        let section = section.ok_or_else(|| broken("an extended header that is cut short"))?;
        section.read_all(limits::PAX_BYTES, "PAX_BYTES")
    }
}

impl Extended {
    fn take(&mut self, kind: u8, bytes: &[u8]) -> Result<()> {
        match kind {
            b'L' => once(&mut self.name, named(until_nul(bytes))?, "name"),
            b'K' => once(&mut self.link, named(until_nul(bytes))?, "link target"),
            b'x' if std::mem::replace(&mut self.pax, true) => {
                Err(broken("two extended headers for one member"))
            }
            _ => self.take_pax(bytes, kind == b'g'),
        }
    }

    fn take_pax(&mut self, mut bytes: &[u8], is_global: bool) -> Result<()> {
        while !bytes.is_empty() {
            let (key, value, rest) = record(bytes).ok_or_else(|| broken("a broken PAX record"))?;
            bytes = rest;
            let tells_content =
                matches!(key, b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse");
            if is_global && tells_content {
                return Err(broken("a global header that names members"));
            }
            if value.contains(&0) && tells_content {
                return Err(broken("a name with a NUL byte in it"));
            }
            match key {
                b"path" => once(&mut self.name, named(value)?, "name")?,
                b"linkpath" => once(&mut self.link, named(value)?, "link target")?,
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    once(&mut self.size, size.ok_or_else(|| broken("a size that is no number"))?, "size")?;
                }
                _ if key.starts_with(b"GNU.sparse") => return Err(broken("a sparse member")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Go passes an empty name over and takes the header's own; others take it as it is.
fn named(name: &[u8]) -> Result<Vec<u8>> {
    if name.is_empty() { Err(broken("an extended header with an empty name")) } else { Ok(name.to_vec()) }
}

fn once<T>(slot: &mut Option<T>, value: T, what: &str) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(broken(&format!("a member with two values for its {what}"))),
    }
}

fn broken(what: &str) -> Error {
    let what = format!("the archive holds {what}: readers would find different images in it");
    Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is")
}

/// `<length> <key>=<value>\n`, the length counting all of it: the key, the value and what follows.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let content = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = content.iter().position(|byte| *byte == b'=')?;
    Some((content.get(..equals)?, content.get(equals + 1..)?, rest))
}

/// The name of a plain header: only POSIX headers have a prefix.
fn name(block: &[u8; 512]) -> Vec<u8> {
    let name = until_nul(field(block, 0, 100));
    let prefix = until_nul(field(block, 345, 155));
    if field(block, 257, 6) == b"ustar\0" && !prefix.is_empty() {
        return [prefix, name].join(&b'/');
    }
    name.to_vec()
}

/// Whether a member of this name decides what the archive is.
pub(super) fn is_deciding(name: &ImagePath) -> bool {
    DECIDING.iter().any(|deciding| deciding.as_bytes() == name.as_bytes())
}

fn field(block: &[u8; 512], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits with spaces before and spaces or NULs behind, or base-256; nothing else, for readers
/// differ on what else could mean.
fn number(bytes: &[u8]) -> Result<u64> {
    let odd = || broken("a number with odd bytes in it");
    if let Some((first, rest)) = bytes.split_first()
        && first & 0x80 != 0
    {
        let head = if *first == 0x80 { 0 } else { return Err(odd()) };
        return rest.iter().try_fold(head, |value: u64, byte| {
            value.checked_mul(256).map(|value| value | u64::from(*byte)).ok_or_else(odd)
        });
    }
    let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
    let digits = bytes.get(start..).unwrap_or_default();
    let end = digits.iter().position(|byte| matches!(byte, b' ' | 0)).unwrap_or(digits.len());
    let (digits, tail) = digits.split_at_checked(end).unwrap_or_default();
    if tail.iter().any(|byte| !matches!(byte, b' ' | 0)) {
        return Err(odd());
    }
    digits.iter().try_fold(0, |value: u64, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value | u64::from(digit - b'0')).ok_or_else(odd),
        _ => Err(odd()),
    })
}

/// The sum of a header's bytes, its own field counted as spaces.
fn checksum(block: &[u8; 512]) -> u64 {
    let byte =
        |(offset, byte): (usize, &u8)| if (148..156).contains(&offset) { 32 } else { u64::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

/// Behind a member's bytes, at the next block.
fn advance(offset: u64, size: u64) -> Result<u64> {
    let end = offset.checked_add(size).and_then(|end| end.checked_next_multiple_of(BLOCK));
    end.ok_or_else(|| broken("a size beyond all bounds"))
}

/// Whether some reader may take these bytes for the beginning of a tar: its checksum holds as Go reads it, with blanks or NULs
/// on either side, and of signed bytes as well.
pub(super) fn may_be_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    let sum = field(block, 148, 8);
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = sum.iter().skip_while(|byte| is_blank(byte)).take_while(|byte| matches!(byte, b'0'..=b'7'));
    let declared = digits.fold(0_u64, |sum, digit| sum * 8 + u64::from(digit - b'0'));
    let negative =
        block.iter().enumerate().filter(|(at, byte)| !(148..156).contains(at) && **byte >= 128).count();
    let unsigned = checksum(block);
    declared == unsigned || Some(declared) == unsigned.checked_sub(256 * negative as u64)
}

/// Whether these bytes begin with a tar header: its checksum holds.
pub(super) fn looks_like_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    block.iter().any(|byte| *byte != 0)
        && number(field(block, 148, 8)).is_ok_and(|declared| declared == checksum(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        for (bytes, value) in [
            (b"0000644\0".as_slice(), Some(0o644)),
            (b"    644 ", Some(0o644)),
            (b"0000644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"\x80\0\0\x01\0", Some(256)),
            (b"64\0 4", None),
            (b"\x00\x00644", None),
            (b"0x644\0", None),
            (b"\xff\xff\xff\xff", None),
        ] {
            assert_eq!(number(bytes).ok(), value, "{bytes:?}");
        }
    }

    #[test]
    fn a_tar_is_known_by_any_spelling_of_its_checksum() {
        let mut block = [0; 512];
        block[..3].copy_from_slice(b"a\xff\xfe");
        let (unsigned, signed) = (checksum(&block), checksum(&block) - 512);
        for (spelling, strictly) in [
            (format!("{unsigned:06o}\0 "), true),
            (format!("\0{unsigned:06o}\0"), false),
            (format!("{signed:06o}\0 "), false),
            (format!("{:06o}\0 ", unsigned + 1), false),
        ] {
            block[148..156].copy_from_slice(spelling.as_bytes());
            let is_wrong = spelling.starts_with(&format!("{:06o}", unsigned + 1));
            assert_eq!((looks_like_tar(&block), may_be_tar(&block)), (strictly, !is_wrong), "{spelling:?}");
        }
    }

    #[test]
    fn records_are_read_by_their_length() {
        let bytes = b"23 comment=a\n9 path=b\n\n9 path=ab";
        let (key, value, rest) = record(bytes).unwrap();
        assert_eq!((key, value), (b"comment".as_slice(), b"a\n9 path=b\n".as_slice()));
        assert_eq!(rest, b"9 path=ab");
        for bad in ["", "9", "8 path=a\n", "99 path=a\n", "7 patha\n", "-9 path=a\n"] {
            assert!(record(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
