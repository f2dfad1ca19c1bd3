//! `rpmdb.sqlite-wal`: the pages that were committed to a SQLite database and are not in its file yet.
//!
//! The format is that of <https://www.sqlite.org/fileformat2.html#walformat>. As in SQLite, what does not
//! have its checksum ends the log, and only what a commit follows counts; a log whose head is none
//! says nothing.

use std::borrow::Cow;

use super::bytes::{Order, slice, u32_at};
use super::sqlite::page_size;
use crate::error::{Error, Result};

/// The lowest bit says in which order the words of checksums are read.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

const HEAD_BYTES: usize = 32;
const FRAME_HEAD_BYTES: usize = 24;

/// The database as who opens it would read it; `log` may be empty.
///
/// # Errors
///
/// A log that SQLite would not take, or that does not fit the database.
pub(super) fn applied<'a>(database: &'a [u8], log: &[u8]) -> Result<Cow<'a, [u8]>> {
    let Some(log) = Log::open(log)? else { return Ok(Cow::Borrowed(database)) };
    let Some((frames, pages)) = log.committed() else { return Ok(Cow::Borrowed(database)) };
    if page_size(database) != Some(log.page_size) {
        return Err(Error::invalid("a write-ahead log whose pages are not those of its database"));
    }
    // Each page is in the file or in a frame.
    let length = pages.checked_mul(log.page_size);
    let Some(length) = length.filter(|length| *length <= database.len() + log.frames.len()) else {
        return Err(Error::invalid("a write-ahead log of a database larger than both"));
    };
    let mut whole = database.to_vec();
    whole.resize(length, 0);
    for Frame { page, content } in frames {
        let at = page.checked_sub(1).and_then(|before| before.checked_mul(log.page_size));
        let place = at.and_then(|at| whole.get_mut(at..)?.get_mut(..log.page_size));
        // What lies behind the end was cut off later.
        if let Some(place) = place {
            place.copy_from_slice(content);
        }
    }
    Ok(Cow::Owned(whole))
}

struct Log<'a> {
    page_size: usize,
    order: Order,
    /// The same in each frame, and other ones whenever the log begins anew.
    salts: &'a [u8],
    /// The checksum so far.
    sum: Sum,
    frames: &'a [u8],
}

/// One page as it was written.
struct Frame<'a> {
    /// Counted from 1.
    page: usize,
    content: &'a [u8],
}

impl<'a> Log<'a> {
    /// `None` for what SQLite takes for no log.
    fn open(log: &'a [u8]) -> Result<Option<Self>> {
        let Some((head, frames)) = log.split_at_checked(HEAD_BYTES) else { return Ok(None) };
        let word = |at| u32_at(head, at, Order::Big).unwrap_or(0);
        let page_size = usize::try_from(word(8)).unwrap_or(0);
        if word(0) & !1 != MAGIC || !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
            return Ok(None);
        }
        let order = if word(0) & 1 == 1 { Order::Big } else { Order::Little };
        let (summed, sum) = head.split_at_checked(24).unwrap_or_default();
        let own = Sum::default().over(summed, order);
        if Sum::told(sum) != Some(own) {
            return Ok(None);
        }
        if word(4) != VERSION {
            return Err(Error::unsupported(format!("a write-ahead log of version {}", word(4))));
        }
        let salts = slice(head, 16, 8).unwrap_or_default();
        Ok(Some(Self { page_size, order, salts, sum: own, frames }))
    }

    /// The frames up to the last commit, and of how many pages the database is then; `None` where
    /// nothing was committed.
    fn committed(&self) -> Option<(Vec<Frame<'a>>, usize)> {
        let (mut frames, mut sum, mut last) = (Vec::new(), self.sum, None);
        for raw in self.frames.chunks_exact(FRAME_HEAD_BYTES + self.page_size) {
            let (head, content) = raw.split_at_checked(FRAME_HEAD_BYTES)?;
            sum = sum.over(head.get(..8)?, self.order).over(content, self.order);
            let word = |at| u32_at(head, at, Order::Big).and_then(|word| usize::try_from(word).ok());
            let page = word(0)?;
            if page == 0 || head.get(8..16)? != self.salts || Sum::told(head.get(16..)?) != Some(sum) {
                break;
            }
            frames.push(Frame { page, content });
            match word(4)? {
                0 => {}
                pages => last = Some((frames.len(), pages)),
            }
        }
        let (count, pages) = last?;
        frames.truncate(count);
        Some((frames, pages))
    }
}

/// Section 4.2, "Checksum Algorithm".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    /// One that is written down, always with its most significant bytes first.
    fn told(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32_at(bytes, 0, Order::Big)?, u32_at(bytes, 4, Order::Big)?))
    }

    /// Goes on over whole pairs of words.
    fn over(mut self, bytes: &[u8], order: Order) -> Self {
        for pair in bytes.as_chunks::<8>().0 {
            let word = |at| u32_at(pair, at, order).unwrap_or(0);
            self.0 = self.0.wrapping_add(word(0)).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(word(4)).wrapping_add(self.0);
        }
        self
    }
}
