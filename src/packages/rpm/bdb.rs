//! `Packages`: a Berkeley DB hash, as rpm kept it until 4.15 (CentOS 7, RHEL 8, Amazon Linux 2).
//!
//! The format is that of Berkeley DB's `src/dbinc/db_page.h`; rpm's own reader of it is
//! `lib/backend/bdb_ro.cc`. Numbers are in the order of the machine that wrote them, which the magic
//! number tells. The key is a package's number, the value its header; number 0 holds the highest
//! number given and is no package.

use std::borrow::Cow;

use super::bytes::{Blobs, Order, Pages, size_at, slice, u16_at, u32_at};
use crate::error::{Error, Result};

/// `DB_HASHMAGIC`.
const MAGIC: u32 = 0x0006_1561;

/// `P_INVALID`: a page of a bucket that nothing was put in yet.
const PAGE_UNUSED: u8 = 0;
/// `P_HASH_UNSORTED`.
const PAGE_HASH_UNSORTED: u8 = 2;
/// `P_OVERFLOW`.
const PAGE_OVERFLOW: u8 = 7;
/// `P_HASHMETA`.
const PAGE_META: u8 = 8;
/// `P_HASH`.
const PAGE_HASH: u8 = 13;

/// `H_KEYDATA`: the item follows.
const ITEM_HERE: u8 = 1;
/// `H_OFFPAGE`: the item is on overflow pages.
const ITEM_OVERFLOW: u8 = 3;

/// Bytes before a page's items, or before its part of a long one.
const PAGE_HEADER: usize = 26;

/// Where the meta page has `spares`, and how many.
const SPARES: (usize, usize) = (96, 32);

/// The byte order of a database of this form; `None` where it is of another.
pub(super) fn order(database: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| u32_at(database, 12, *order) == Some(MAGIC))
}

/// Collects the header of every package.
///
/// # Errors
///
/// Where the meta page is broken. What is broken in a bucket is noted.
pub(super) fn read<'a>(database: &'a [u8], order: Order, blobs: &mut Blobs<'a>) -> Result<()> {
    let broken = || Error::invalid("a Berkeley DB database with a broken meta page");
    let page_size = size_at(database, 20, order).ok_or_else(broken)?;
    let (encryption, kind, flags) = match slice(database, 24, 3) {
        Some([encryption, kind, flags]) => (*encryption, *kind, *flags),
        _ => return Err(broken()),
    };
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() || kind != PAGE_META {
        return Err(broken());
    }
    // DBMETA_CHKSUM and DBMETA_PART_RANGE: the first moves the items, the second the buckets.
    if encryption != 0 || flags != 0 {
        return Err(Error::unsupported("a Berkeley DB database with encryption, checksums or partitions"));
    }
    let last_bucket = size_at(database, 72, order).ok_or_else(broken)?;
    let spares: Vec<usize> = (0..SPARES.1)
        .map(|index| size_at(database, SPARES.0 + 4 * index, order))
        .collect::<Option<_>>()
        .ok_or_else(broken)?;
    let mut file = File { pages: Pages::new(database, page_size), page_size, order };
    if last_bucket >= database.len() / page_size {
        return Err(Error::invalid("a Berkeley DB database cut short: buckets beyond its end"));
    }
    for bucket in 0..=last_bucket {
        // BUCKET_TO_PAGE: spares[ceil(log2(bucket + 1))] is where the bucket's generation begins.
        let generation = usize::BITS - bucket.leading_zeros();
        let spare = usize::try_from(generation).ok().and_then(|generation| spares.get(generation));
        match spare.and_then(|spare| bucket.checked_add(*spare)) {
            Some(page) => file.bucket(page, blobs)?,
            None => blobs.notes.add(|| format!("bucket {bucket} has no page")),
        }
    }
    Ok(())
}

struct File<'a> {
    pages: Pages<'a>,
    page_size: usize,
    order: Order,
}

impl<'a> File<'a> {
    /// The packages of one bucket: a chain of pages.
    fn bucket(&mut self, first: usize, blobs: &mut Blobs<'a>) -> Result<()> {
        let mut next = first;
        loop {
            let page = match self.pages.visit(next) {
                Ok(page) => page,
                Err(why) => {
                    blobs.notes.add(|| why);
                    return Ok(());
                }
            };
            match page.get(25) {
                Some(&PAGE_UNUSED) if next == first => return Ok(()),
                Some(&(PAGE_HASH | PAGE_HASH_UNSORTED)) => {}
                _ => {
                    blobs.notes.add(|| format!("page {next} (from 0) is no page of a bucket"));
                    return Ok(());
                }
            }
            self.items(page, next, blobs)?;
            match size_at(page, 16, self.order) {
                Some(0) | None => return Ok(()),
                Some(number) => next = number,
            }
        }
    }

    /// The packages of one page: keys and values by turns, laid down from the page's end.
    fn items(&mut self, page: &'a [u8], number: usize, blobs: &mut Blobs<'a>) -> Result<()> {
        let count = u16_at(page, 20, self.order).unwrap_or(0);
        let mut end = self.page_size;
        let mut key: Option<&[u8]> = None;
        for index in 0..usize::from(count) {
            let start = u16_at(page, PAGE_HEADER + 2 * index, self.order).map(usize::from);
            let item = start.and_then(|start| page.get(start..end)).filter(|item| !item.is_empty());
            let (Some(start), Some(item)) = (start, item) else {
                blobs.notes.add(|| format!("page {number} (from 0) has items that overlap"));
                return Ok(());
            };
            end = start;
            match key.take() {
                None => key = Some(item),
                Some(key) if is_package(key) => match self.value(item, blobs)? {
                    Some(blob) => blobs.push(blob),
                    None => blobs.notes.add(|| format!("page {number} (from 0) has a broken item")),
                },
                Some(_) => {}
            }
        }
        if key.is_some() {
            blobs.notes.add(|| format!("page {number} (from 0) has a key without a value"));
        }
        Ok(())
    }

    /// A value, put together from its overflow pages; `None` where it is broken.
    fn value(&mut self, item: &'a [u8], blobs: &mut Blobs<'a>) -> Result<Option<Cow<'a, [u8]>>> {
        match item.split_first() {
            Some((&ITEM_HERE, value)) => {
                blobs.charge(value.len())?;
                return Ok(Some(Cow::Borrowed(value)));
            }
            Some((&ITEM_OVERFLOW, _)) => {}
            _ => return Ok(None),
        }
        let (Some(mut next), Some(total)) = (size_at(item, 4, self.order), size_at(item, 8, self.order))
        else {
            return Ok(None);
        };
        blobs.charge(total)?;
        let mut value = Vec::new();
        while next != 0 && value.len() < total {
            let page = match self.pages.visit(next) {
                Ok(page) => page,
                Err(why) => {
                    blobs.notes.add(|| why);
                    return Ok(None);
                }
            };
            let length = u16_at(page, 22, self.order).map(usize::from);
            let part = length.and_then(|length| slice(page, PAGE_HEADER, length));
            let (Some(&PAGE_OVERFLOW), Some(part)) = (page.get(25), part) else { return Ok(None) };
            value.extend_from_slice(part);
            next = size_at(page, 16, self.order).unwrap_or(0);
        }
        Ok((value.len() == total).then_some(Cow::Owned(value)))
    }
}

/// Whether a key is a package's number, and not the 0 that holds the highest of them.
fn is_package(key: &[u8]) -> bool {
    key != [ITEM_HERE, 0, 0, 0, 0]
}
