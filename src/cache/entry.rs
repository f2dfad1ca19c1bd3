//! One entry: `ocicache`, the version (u32, little-endian), a byte that says what was looked for (1 for what is in
//! archives, 2 for components), the MAC, and what [`crate::scan::packed`] makes of the facts.
//!
//! The MAC is of all of it, and of the blob's digest too: an entry under another name is none.

use super::key::{Key, MAC_BYTES};
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, Result};
use crate::limits;
use crate::scan::packed::{self, Contents, Unpacked, VERSION};
use crate::scan::{Plan, TarFacts};

const MAGIC: &[u8; 8] = b"ocicache";

/// It is written while somebody waits.
const ZSTD_LEVEL: i32 = 1;

/// The name of a blob's entry. The version in it lets two versions of this program share a directory.
pub(super) fn name(stored: &Digest) -> String {
    format!("{}.v{VERSION}", stored.hex())
}

/// Whether a file of that name is an entry, of whichever version.
pub(super) fn is_name(name: &str) -> bool {
    let is = |(hex, version): (&str, &str)| {
        format!("sha256:{hex}").parse::<Digest>().is_ok()
            && !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_digit())
    };
    name.split_once(".v").is_some_and(is)
}

/// An entry's bytes.
pub(super) struct Sealed {
    pub(super) bytes: Vec<u8>,
}

impl Sealed {
    /// Packs facts; `None` where they are too large for an entry.
    pub(super) fn seal(key: &Key, stored: &BlobDigests, tar: &TarFacts, more: &Contents) -> Option<Self> {
        let packed = packed::pack(tar, more, |_| ZSTD_LEVEL)?;
        let head = head(VERSION, Looked::of(tar));
        let mac = key.mac(&[&head, stored.sha256.hex().as_bytes(), &packed]);
        let bytes = [&head[..], &mac, &packed].concat();
        check_size(bytes.len() as u64, stored).is_ok().then_some(Self { bytes })
    }

    /// What was packed, and what had been looked for.
    ///
    /// # Errors
    /// Anything but an entry of this blob, version and key.
    pub(super) fn open(self, key: &Key, stored: &Digest) -> Result<(Unpacked, Looked)> {
        let cut_short = || Error::invalid("it is cut short");
        let (head, rest) = self.bytes.split_first_chunk::<HEAD_BYTES>().ok_or_else(cut_short)?;
        let (mac, packed) = rest.split_first_chunk::<MAC_BYTES>().ok_or_else(cut_short)?;
        let looked = Looked::ALL.into_iter().find(|looked| *head == self::head(VERSION, *looked));
        let none = || Error::invalid("it is none of this version by its first bytes");
        let looked = looked.ok_or_else(none)?;
        if !key.is_mac(mac, &[head, stored.hex().as_bytes(), packed]) {
            return Err(Error::invalid("its MAC is not that of this layer and key")
                .hint("it was changed by a fault or on purpose, or the key is another one"));
        }
        Ok((Unpacked::read(packed)?, looked))
    }
}

/// Holds an entry's bytes to what the entry of such a layer may have.
///
/// # Errors
/// [`limits::CACHE_ENTRY_BYTES`], [`limits::CACHE_ENTRY_RATIO`].
pub(super) fn check_size(bytes: u64, stored: &BlobDigests) -> Result<()> {
    let (what, by_layer) = ("its size", limits::CACHE_ENTRY_RATIO.saturating_mul(stored.size));
    if bytes > limits::CACHE_ENTRY_BYTES {
        return Err(Error::limit(what, "CACHE_ENTRY_BYTES", limits::CACHE_ENTRY_BYTES));
    }
    if bytes > by_layer.saturating_add(SMALL) {
        let what = "how many times as large as its layer it is";
        return Err(Error::limit(what, "CACHE_ENTRY_RATIO", limits::CACHE_ENTRY_RATIO));
    }
    Ok(())
}

/// Bytes that any entry may have: a layer of a few KiB may list some thousand files.
const SMALL: u64 = 1 << 20;

pub(super) const HEAD_BYTES: usize = 13;

/// What was looked for beyond entries and secrets. What was not is packed as if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) archives: bool,
    pub(super) components: bool,
}

impl Looked {
    const ALL: [Self; 4] = {
        let (no, yes) = (false, true);
        [
            Self { archives: no, components: no },
            Self { archives: yes, components: no },
            Self { archives: no, components: yes },
            Self { archives: yes, components: yes },
        ]
    };

    pub(super) fn of(tar: &TarFacts) -> Self {
        Self { archives: tar.archives.is_some(), components: tar.components.is_some() }
    }

    pub(super) fn by(plan: &Plan) -> Self {
        Self { archives: plan.looks_into_archives(), components: plan.looks_for_components() }
    }

    /// Whether all was looked for that `other` has.
    pub(super) fn has(self, other: Self) -> bool {
        (self.archives || !other.archives) && (self.components || !other.components)
    }
}

fn head(version: u32, looked: Looked) -> [u8; HEAD_BYTES] {
    let [m0, m1, m2, m3, m4, m5, m6, m7] = *MAGIC;
    let [v0, v1, v2, v3] = version.to_le_bytes();
    let looked = u8::from(looked.archives) | u8::from(looked.components) << 1;
    [m0, m1, m2, m3, m4, m5, m6, m7, v0, v1, v2, v3, looked]
}
