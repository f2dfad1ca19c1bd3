//! `rpmdb.sqlite`: table `Packages (hnum INTEGER PRIMARY KEY, blob BLOB)` of a SQLite 3 file, one
//! header a row (rpm 4.16 on: `lib/backend/sqlite.cc`).
//!
//! The file format is that of <https://www.sqlite.org/fileformat2.html>; the sections named below
//! are its. Only what leads to this one table is read: table b-trees and overflow pages.

use std::borrow::Cow;

use super::bytes::{Blobs, Order, Pages, size_at, slice, u16_at};
use crate::error::{Error, Result};

/// Section 1.3.1.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Section 1.3: the database header stands before the b-tree of page 1.
const HEADER_BYTES: usize = 100;

/// The text encoding of section 1.3.13 that rpm uses.
const UTF_8: usize = 1;

/// Where a row of `sqlite_schema` has these columns (section 2.6).
const SCHEMA_TYPE: usize = 0;
const SCHEMA_NAME: usize = 1;
const SCHEMA_ROOT: usize = 3;

/// Where a row of `Packages` has the header.
const PACKAGES_BLOB: usize = 1;

/// The size of a database's pages (section 1.3.2); `None` where it is none.
pub(super) fn page_size(database: &[u8]) -> Option<usize> {
    match u16_at(database, 16, Order::Big) {
        // 65,536 does not fit.
        Some(1) => Some(65_536),
        Some(size) if size >= 512 && size.is_power_of_two() => Some(usize::from(size)),
        _ => None,
    }
}

/// Collects the header of every row.
///
/// # Errors
///
/// Where the table cannot be found. What is broken inside it is noted.
pub(super) fn read<'a>(database: &'a [u8], blobs: &mut Blobs<'a>) -> Result<()> {
    let mut file = File::open(database)?;
    let root = file.packages_root(blobs)?;
    let mut rows = Vec::new();
    file.rows(root, blobs, &mut rows)?;
    for mut row in rows {
        let Some((Kind::Blob, start, end)) = column(&row, PACKAGES_BLOB) else {
            blobs.notes.add(|| "a row of the table Packages has no header".into());
            continue;
        };
        let blob = match &mut row {
            Cow::Borrowed(bytes) => bytes.get(start..end).map(Cow::Borrowed),
            Cow::Owned(bytes) => {
                bytes.truncate(end);
                bytes.drain(..start.min(end));
                Some(Cow::Owned(std::mem::take(bytes)))
            }
        };
        blob.into_iter().for_each(|blob| blobs.push(blob));
    }
    Ok(())
}

struct File<'a> {
    pages: Pages<'a>,
    /// Bytes of a page that are not reserved for extensions (section 1.3.4).
    usable: usize,
}

impl<'a> File<'a> {
    fn open(database: &'a [u8]) -> Result<Self> {
        let broken = |what: &str| Error::invalid(format!("a SQLite database {what}"));
        let page_size = page_size(database).ok_or_else(|| broken("without a page size"))?;
        let reserved = database.get(20).copied().map_or(0, usize::from);
        let usable = page_size - reserved;
        if usable < 480 {
            return Err(broken("with pages too small for its records"));
        }
        // 0 as long as nothing was written.
        match size_at(database, 56, Order::Big) {
            Some(0 | UTF_8) => {}
            Some(_) => return Err(Error::unsupported("a SQLite database in UTF-16")),
            None => return Err(broken("cut short in its header")),
        }
        Ok(Self { pages: Pages::new(database, page_size), usable })
    }

    /// The root page of the table, as the schema says.
    fn packages_root(&mut self, blobs: &mut Blobs<'a>) -> Result<usize> {
        let mut rows = Vec::new();
        self.rows(1, blobs, &mut rows)?;
        let mut roots = rows.iter().filter_map(|row| {
            let text = |index| match column(row, index)? {
                (Kind::Text, start, end) => row.get(start..end),
                _ => None,
            };
            let is_table =
                text(SCHEMA_TYPE)? == b"table" && text(SCHEMA_NAME)?.eq_ignore_ascii_case(b"Packages");
            match column(row, SCHEMA_ROOT)? {
                (Kind::Integer, start, end) if is_table => Some(unsigned(row.get(start..end)?)),
                _ => None,
            }
        });
        let root = roots.next().flatten();
        if roots.next().is_some() {
            return Err(Error::invalid("a SQLite database with two tables Packages"));
        }
        root.ok_or_else(|| Error::invalid("a SQLite database without a table Packages"))
    }

    /// The records of a table b-tree (section 1.6), in order.
    fn rows(&mut self, root: usize, blobs: &mut Blobs<'a>, rows: &mut Vec<Cow<'a, [u8]>>) -> Result<()> {
        let mut left = vec![root];
        while let Some(number) = left.pop() {
            let page = match self.visit(number) {
                Ok(page) => page,
                Err(why) => {
                    blobs.notes.add(|| why);
                    continue;
                }
            };
            let header = if number == 1 { HEADER_BYTES } else { 0 };
            let Some(tree) = TreePage::read(page, header) else {
                blobs.notes.add(|| format!("page {number} is no page of a table"));
                continue;
            };
            match tree.right_most {
                Some(right_most) => {
                    left.push(right_most);
                    // What is pushed last is visited first.
                    let children = tree.cells().rev().map(|at| size_at(page, at?, Order::Big));
                    for child in children {
                        match child {
                            Some(child) => left.push(child),
                            None => blobs.notes.add(|| format!("page {number} has a broken cell")),
                        }
                    }
                }
                None => {
                    for at in tree.cells() {
                        match at.map(|at| self.record(page, at, blobs)).transpose()?.flatten() {
                            Some(record) => rows.push(record),
                            None => blobs.notes.add(|| format!("page {number} has a broken record")),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The record of a leaf's cell, put together from its overflow pages (section 1.6, "the amount of
    /// payload that spills"); `None` where it is broken.
    fn record(
        &mut self,
        page: &'a [u8],
        cell: usize,
        blobs: &mut Blobs<'a>,
    ) -> Result<Option<Cow<'a, [u8]>>> {
        let Some(cell) = page.get(..self.usable).and_then(|page| page.get(cell..)) else { return Ok(None) };
        let Some((total, rest)) = varint(cell) else { return Ok(None) };
        let Some((_row_id, rest)) = varint(rest) else { return Ok(None) };
        let Ok(total) = usize::try_from(total) else { return Ok(None) };
        blobs.charge(total)?;
        let most = self.usable - 35;
        if total <= most {
            return Ok(rest.get(..total).map(Cow::Borrowed));
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (total - least) % (self.usable - 4);
        let local = if fitting <= most { fitting } else { least };
        let (Some(start), Some(mut next)) = (rest.get(..local), size_at(rest, local, Order::Big)) else {
            return Ok(None);
        };
        let mut record = start.to_vec();
        while record.len() < total {
            let page = match self.visit(next) {
                Ok(page) => page,
                Err(why) => {
                    blobs.notes.add(|| why);
                    return Ok(None);
                }
            };
            let count = (total - record.len()).min(self.usable - 4);
            let (Some(link), Some(part)) = (size_at(page, 0, Order::Big), slice(page, 4, count)) else {
                return Ok(None);
            };
            record.extend_from_slice(part);
            next = link;
        }
        Ok(Some(Cow::Owned(record)))
    }

    /// Page `number`, counted from 1 as SQLite does.
    fn visit(&mut self, number: usize) -> std::result::Result<&'a [u8], String> {
        match number.checked_sub(1) {
            Some(number) => self.pages.visit(number),
            None => Err("a chain of pages ends too early".into()),
        }
    }
}

/// A page of a table b-tree.
struct TreePage<'a> {
    page: &'a [u8],
    /// Where the cell pointers begin.
    pointers: usize,
    count: usize,
    /// The last child of an interior page; a leaf has none.
    right_most: Option<usize>,
}

impl<'a> TreePage<'a> {
    fn read(page: &'a [u8], header: usize) -> Option<Self> {
        let count = usize::from(u16_at(page, header + 3, Order::Big)?);
        match page.get(header)? {
            0x05 => {
                let right_most = Some(size_at(page, header + 8, Order::Big)?);
                Some(Self { page, pointers: header + 12, count, right_most })
            }
            0x0d => Some(Self { page, pointers: header + 8, count, right_most: None }),
            _ => None,
        }
    }

    /// Where each cell begins; `None` for a pointer outside the page.
    fn cells(&self) -> impl DoubleEndedIterator<Item = Option<usize>> + use<'a> {
        let (page, pointers) = (self.page, self.pointers);
        (0..self.count).map(move |index| u16_at(page, pointers + 2 * index, Order::Big).map(usize::from))
    }
}

/// What a column holds, as far as it is told apart here (section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Blob,
    Other,
}

/// Where in a record its column `index` lies, and what it is.
fn column(record: &[u8], index: usize) -> Option<(Kind, usize, usize)> {
    let (header, mut types) = varint(record)?;
    let header = usize::try_from(header).ok()?;
    let types_end = record.len().checked_sub(header)?;
    let mut start = header;
    for at in 0..=index {
        if types.len() <= types_end {
            return None;
        }
        let (serial, rest) = varint(types)?;
        types = rest;
        let (kind, length) = match serial {
            0 | 7 => (Kind::Other, if serial == 7 { 8 } else { 0 }),
            1..=4 => (Kind::Integer, serial),
            5 => (Kind::Integer, 6),
            6 => (Kind::Integer, 8),
            // The constants 0 and 1, which no root page is.
            8 | 9 => (Kind::Other, 0),
            10 | 11 => return None,
            _ if serial % 2 == 0 => (Kind::Blob, (serial - 12) / 2),
            _ => (Kind::Text, (serial - 13) / 2),
        };
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        if end > record.len() {
            return None;
        }
        if at == index {
            return Some((kind, start, end));
        }
        start = end;
    }
    None
}

/// A big-endian number that is not negative.
fn unsigned(bytes: &[u8]) -> Option<usize> {
    if bytes.first()? & 0x80 != 0 {
        return None;
    }
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(number).ok()
}

/// A variable-length integer (section 1.6), and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((number << 8 | u64::from(*byte), bytes.get(9..)?));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}
