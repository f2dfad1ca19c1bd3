//! `Packages.db`: rpm's own `ndb` format, used by SUSE (rpm: `lib/backend/ndb/rpmpkg.cc`).
//!
//! A page of slots (package number, first block, number of blocks) leads to blobs, each between a head
//! and a tail that holds its Adler-32. All numbers are little-endian; a block is 16 bytes.

use std::borrow::Cow;

use super::bytes::{Blobs, Order, size_at, slice, u32_at};
use crate::error::{Error, Result};

/// `PKGDB_MAGIC`.
pub(super) const MAGIC: &[u8] = b"RpmP";

const SLOT_MAGIC: &[u8] = b"Slot";
const HEAD_MAGIC: &[u8] = b"BlbS";
const TAIL_MAGIC: &[u8] = b"BlbE";

const PAGE_BYTES: usize = 4_096;
/// Bytes of a slot, and of a block.
const SLOT_BYTES: usize = 16;
/// Slots that the database header takes.
const FIRST_SLOT: usize = 2;
const HEAD_BYTES: usize = 16;
const TAIL_BYTES: usize = 12;

/// Collects the blob of every slot in use.
///
/// # Errors
///
/// Where the slots cannot be found. What is broken in one of them is noted.
pub(super) fn read<'a>(database: &'a [u8], blobs: &mut Blobs<'a>) -> Result<()> {
    let number = |at| size_at(database, at, Order::Little);
    let (Some(version), Some(slot_pages)) = (number(4), number(12)) else {
        return Err(Error::invalid("an ndb database cut short in its header"));
    };
    if version != 0 {
        return Err(Error::unsupported(format!("an ndb database of version {version}")));
    }
    let slots = slot_pages
        .checked_mul(PAGE_BYTES)
        .filter(|bytes| *bytes > 0)
        .and_then(|bytes| database.get(..bytes))
        .ok_or_else(|| Error::invalid("an ndb database without the pages of its slots"))?;
    for slot in slots.chunks_exact(SLOT_BYTES).skip(FIRST_SLOT) {
        if !slot.starts_with(SLOT_MAGIC) {
            blobs.notes.add(|| "a slot without its magic number".into());
            continue;
        }
        let package = u32_at(slot, 4, Order::Little).unwrap_or(0);
        if package == 0 {
            continue;
        }
        match blob(database, slot, package) {
            Some(blob) => {
                blobs.charge(blob.len())?;
                blobs.push(Cow::Borrowed(blob));
            }
            None => blobs.notes.add(|| format!("the blob of package {package} is broken")),
        }
    }
    Ok(())
}

/// The blob that a slot leads to, if it is whole.
fn blob<'a>(database: &'a [u8], slot: &[u8], package: u32) -> Option<&'a [u8]> {
    let at = size_at(slot, 8, Order::Little)?.checked_mul(SLOT_BYTES)?;
    let length = size_at(slot, 12, Order::Little)?.checked_mul(SLOT_BYTES)?;
    let stored = slice(database, at, length)?;
    let blob_length = size_at(stored, 12, Order::Little)?;
    let needed = blob_length.checked_add(HEAD_BYTES + TAIL_BYTES)?.checked_next_multiple_of(SLOT_BYTES)?;
    let (summed, tail) = stored.split_at_checked(length.checked_sub(TAIL_BYTES)?)?;
    let whole = stored.starts_with(HEAD_MAGIC)
        && u32_at(stored, 4, Order::Little)? == package
        && needed == length
        && u32_at(tail, 0, Order::Little)? == adler32(summed)
        && size_at(tail, 4, Order::Little)? == blob_length
        && tail.ends_with(TAIL_MAGIC);
    if whole { slice(stored, HEAD_BYTES, blob_length) } else { None }
}

/// RFC 1950, section 8.2.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    // 5,552 is the most bytes after which b still fits.
    for part in bytes.chunks(5_552) {
        for byte in part {
            a = a.wrapping_add(u32::from(*byte));
            b = b.wrapping_add(a);
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}
