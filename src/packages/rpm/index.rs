//! A header's index: which tag holds what, and where.
//!
//! The format is that of rpm's `docs/manual/format_header.md` and `lib/header.c`, without the magic
//! number that headers have in package files: two counts, the index, the data. All numbers are
//! big-endian. The tags that the package was signed with come first (the *region*); those added when
//! it was installed follow and replace them.

use std::collections::BTreeMap;

use super::bytes::{Order, size_at, slice, u32_at};

/// `RPM_INT16_TYPE` and so on.
const TYPE_CHAR: u32 = 1;
const TYPE_INT8: u32 = 2;
const TYPE_INT16: u32 = 3;
const TYPE_INT32: u32 = 4;
const TYPE_INT64: u32 = 5;
const TYPE_STRING: u32 = 6;
const TYPE_BIN: u32 = 7;
const TYPE_STRING_ARRAY: u32 = 8;
const TYPE_I18NSTRING: u32 = 9;

/// Bytes of one entry of the index, and of the trailer that ends a region.
const ENTRY_BYTES: usize = 16;

/// `RPMTAG_HEADERIMAGE`, `RPMTAG_HEADERSIGNATURES`, `RPMTAG_HEADERIMMUTABLE`.
const REGIONS: std::ops::RangeInclusive<u32> = 61..=63;

#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    kind: u32,
    count: usize,
    /// From the entry's first byte to the end of all data.
    data: &'a [u8],
}

/// The entries of one header by tag.
#[derive(Debug)]
pub(super) struct Index<'a>(BTreeMap<u32, Entry<'a>>);

impl<'a> Index<'a> {
    /// Reads the index; the reason where it is broken.
    pub(super) fn read(blob: &'a [u8]) -> Result<Self, &'static str> {
        let (count, length) = match (size_at(blob, 0, Order::Big), size_at(blob, 4, Order::Big)) {
            (Some(count), Some(length)) => (count, length),
            _ => return Err("a header cut short"),
        };
        let index_length = count.checked_mul(ENTRY_BYTES).ok_or("a header with too many tags")?;
        let index = slice(blob, 8, index_length).ok_or("a header cut short in its index")?;
        let data = slice(blob, 8 + index_length, length).ok_or("a header cut short in its data")?;
        if 8 + index_length + length != blob.len() {
            return Err("a header with bytes after its end");
        }
        let region = region_entries(index, data)?;
        let (mut entries, mut added) = (BTreeMap::new(), BTreeMap::new());
        for (number, raw) in index.chunks_exact(ENTRY_BYTES).enumerate() {
            let field = |at| u32_at(raw, at, Order::Big).unwrap_or(0);
            let (tag, kind, offset) = (field(0), field(4), size_at(raw, 8, Order::Big).unwrap_or(usize::MAX));
            if REGIONS.contains(&tag) {
                continue;
            }
            let data = data.get(offset..).ok_or("a tag whose data is outside the header")?;
            let count = size_at(raw, 12, Order::Big).unwrap_or(0);
            let place = if number < region { &mut entries } else { &mut added };
            if place.insert(tag, Entry { kind, count, data }).is_some() {
                return Err("a header with a tag twice");
            }
        }
        entries.extend(added);
        Ok(Self(entries))
    }

    /// Whether the header has a tag.
    pub(super) fn has(&self, tag: u32) -> bool {
        self.0.contains_key(&tag)
    }

    /// How many values a tag has, as the index says: nothing was read of them yet.
    pub(super) fn count(&self, tag: u32) -> usize {
        self.0.get(&tag).map_or(0, |entry| entry.count)
    }

    /// The strings of a tag; `None` where it is missing, of another type, or broken.
    pub(super) fn strings(&self, tag: u32) -> Option<Vec<&'a [u8]>> {
        let entry = self.0.get(&tag)?;
        let count = match entry.kind {
            TYPE_STRING => 1,
            TYPE_STRING_ARRAY | TYPE_I18NSTRING => entry.count,
            _ => return None,
        };
        // Each string takes at least its NUL, so a count that lies reserves no more than the data has.
        if count > entry.data.len() {
            return None;
        }
        let mut strings = Vec::with_capacity(count);
        let mut rest = entry.data;
        for _ in 0..count {
            let length = rest.iter().position(|byte| *byte == 0)?;
            strings.push(rest.get(..length)?);
            rest = rest.get(length + 1..)?;
        }
        Some(strings)
    }

    /// The first string of a tag.
    pub(super) fn string(&self, tag: u32) -> Option<&'a [u8]> {
        let entry = self.0.get(&tag)?;
        if !matches!(entry.kind, TYPE_STRING | TYPE_STRING_ARRAY | TYPE_I18NSTRING) {
            return None;
        }
        entry.data.split(|byte| *byte == 0).next().filter(|text| text.len() < entry.data.len())
    }

    /// The one number of a tag; `None` where it is missing, none or several.
    pub(super) fn number(&self, tag: u32) -> Option<u64> {
        // Before it is read: what a count claims is not what memory is spent on.
        if self.count(tag) != 1 {
            return None;
        }
        self.numbers(tag)?.first().copied()
    }

    /// The numbers of a tag, whatever their width; `None` where it is missing, of another type, or cut
    /// short.
    pub(super) fn numbers(&self, tag: u32) -> Option<Vec<u64>> {
        let entry = self.0.get(&tag)?;
        let width = match entry.kind {
            TYPE_CHAR | TYPE_INT8 => 1,
            TYPE_INT16 => 2,
            TYPE_INT32 => 4,
            TYPE_INT64 => 8,
            _ => return None,
        };
        let raw = entry.data.get(..entry.count.checked_mul(width)?)?;
        let number = |raw: &[u8]| raw.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Some(raw.chunks_exact(width).map(number).collect())
    }
}

/// How many entries belong to the region, as its trailer says; all where there is none.
fn region_entries(index: &[u8], data: &[u8]) -> Result<usize, &'static str> {
    let all = index.len() / ENTRY_BYTES;
    let tag = u32_at(index, 0, Order::Big).unwrap_or(0);
    if !REGIONS.contains(&tag) {
        return Ok(all);
    }
    let broken = "a header whose signed region is broken";
    let is_binary = u32_at(index, 4, Order::Big) == Some(TYPE_BIN);
    let is_trailer = size_at(index, 12, Order::Big) == Some(ENTRY_BYTES);
    let at = size_at(index, 8, Order::Big).filter(|_| is_binary && is_trailer).ok_or(broken)?;
    let trailer = slice(data, at, ENTRY_BYTES).ok_or(broken)?;
    // It counts backwards: how far before the data the region's index begins.
    let offset = u32_at(trailer, 8, Order::Big).map(u32::wrapping_neg).ok_or(broken)?;
    let length = usize::try_from(offset).map_err(|_| broken)?;
    if length % ENTRY_BYTES != 0 || length == 0 || length > index.len() {
        return Err(broken);
    }
    Ok(length / ENTRY_BYTES)
}
