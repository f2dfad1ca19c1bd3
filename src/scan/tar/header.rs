//! One 512-byte header block: v7, ustar, GNU and star, field by field.
//!
//! What is accepted is what Go's `archive/tar` accepts (`readHeader` in reader.go, `parseNumeric` in
//! strconv.go), for docker, podman, containerd, buildah and umoci all read layers with it.

/// Bytes of a block.
pub(crate) const BLOCK: usize = 512;

/// One block as read.
pub(crate) type Block = [u8; BLOCK];

/// The dialects that differ in their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Before POSIX: no magic.
    V7,
    /// POSIX, with or without PAX records.
    Ustar,
    /// GNU tar's own.
    Gnu,
    /// Schily's: another prefix, times at the end.
    Star,
}

/// A header's fields, before any extended header is applied.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(super) format: Format,
    pub(crate) flag: u8,
    pub(crate) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(crate) size: i64,
    pub(super) mtime: i64,
    pub(super) device: (i64, i64),
}

/// Why a block is no header: the field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadField(pub(super) &'static str);

/// The bytes of a field.
pub(super) fn field(block: &[u8], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// Whether a block is all zeros.
pub(crate) fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// A text that ends at its first NUL.
pub(crate) fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in octal, or in base 256 when its first bit is set (negative when the second is, too).
pub(super) fn number(bytes: &[u8]) -> Option<i64> {
    match bytes.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => base256(*first, rest),
        _ => octal(bytes),
    }
}

fn base256(first: u8, rest: &[u8]) -> Option<i64> {
    // -a - 1 == !a: a negative number is read inverted.
    let inverted = if first & 0x40 != 0 { 0xff } else { 0 };
    let mut value = u64::from((first ^ inverted) & 0x7f);
    for byte in rest {
        if value >> 56 != 0 {
            return None;
        }
        value = value << 8 | u64::from(byte ^ inverted);
    }
    let value = i64::try_from(value).ok()?;
    Some(if inverted != 0 { !value } else { value })
}

fn octal(bytes: &[u8]) -> Option<i64> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = bytes.iter().position(|byte| !padding(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !padding(byte)).map_or(start, |last| last + 1);
    let digits = text(bytes.get(start..end).unwrap_or_default());
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Whether the checksum is right, summed over unsigned bytes (POSIX) or signed ones (Sun).
fn checksum_fits(block: &Block) -> bool {
    let Some(declared) = octal(field(block, 148, 8)) else { return false };
    let own = field(block, 148, 8);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let unsigned = i64::from(sum(block) - sum(own)) + 8 * i64::from(b' ');
    if declared == unsigned {
        return true;
    }
    let high = |bytes: &[u8]| bytes.iter().filter(|byte| **byte >= 0x80).count() as i64;
    declared == unsigned - 256 * (high(block) - high(own))
}

impl Header {
    /// Reads a block that is not all zeros.
    pub(crate) fn parse(block: &Block) -> Result<Self, BadField> {
        if !checksum_fits(block) {
            return Err(BadField("checksum"));
        }
        let numeric = |name, start, length| number(field(block, start, length)).ok_or(BadField(name));
        let format = Self::format(block);
        let mut header = Self {
            format,
            flag: block.get(156).copied().unwrap_or_default(),
            name: text(field(block, 0, 100)).to_vec(),
            link: text(field(block, 157, 100)).to_vec(),
            size: numeric("size", 124, 12)?,
            mode: numeric("mode", 100, 8)?,
            uid: numeric("uid", 108, 8)?,
            gid: numeric("gid", 116, 8)?,
            mtime: numeric("mtime", 136, 12)?,
            device: (0, 0),
        };
        if format != Format::V7 {
            header.device = (numeric("devmajor", 329, 8)?, numeric("devminor", 337, 8)?);
        }
        let prefix = match format {
            Format::V7 => &[],
            Format::Ustar => text(field(block, 345, 155)),
            Format::Star => {
                numeric("atime", 476, 12)?;
                numeric("ctime", 488, 12)?;
                text(field(block, 345, 131))
            }
            Format::Gnu => old_go_prefix(block),
        };
        if !prefix.is_empty() {
            header.name = [prefix, &header.name].join(&b'/');
        }
        Ok(header)
    }

    fn format(block: &Block) -> Format {
        match (field(block, 257, 6), field(block, 263, 2), field(block, 508, 4)) {
            (b"ustar\0", _, b"tar\0") => Format::Star,
            (b"ustar\0", ..) => Format::Ustar,
            (b"ustar ", b" \0", _) => Format::Gnu,
            _ => Format::V7,
        }
    }
}

/// Go before 1.8 wrote a ustar prefix over the times of a GNU header; Go reads it back where those
/// do not parse as times (golang.org/issue/12594).
fn old_go_prefix(block: &Block) -> &[u8] {
    let time_fits = |start| {
        let bytes = field(block, start, 12);
        bytes.first() == Some(&0) || number(bytes).is_some()
    };
    let prefix = text(field(block, 345, 155));
    if time_fits(345) && time_fits(357) || !prefix.is_ascii() { &[] } else { prefix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (bytes, value) in [
            (&b""[..], Some(0)),
            (b"\0\0\0", Some(0)),
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\x00 644\0", Some(0o644)),
            (b"644\x009", Some(0o644)),
            (b"6 44", None),
            (b"648", None),
            (b"-1", None),
            (b"\x80\0\0\0\0\0\0\x01\0\0\0\0", Some(1 << 32)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\xbf\xff", Some(0x3fff)),
            (b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\x80\0\0\0\0\0\0\0", None),
            (b"\x81\0\0\0\0\0\0\0\0\0\0\0", None),
        ] {
            assert_eq!(number(bytes), value, "{bytes:x?}");
        }
    }
}
