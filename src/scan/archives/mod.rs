//! The names of the members of zip archives (jar, war, ear and others) in a layer.
//!
//! The probe keeps the end of each file while it streams by; `zip` reads the central directory there,
//! as the JDK does. Members are not unpacked, and archives within archives are names like others.

#[cfg(test)]
#[path = "../../../tests/support/zip.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "the one writer of test archives")]
pub(crate) mod build;
mod probe;
#[cfg(test)]
mod tests;
mod zip;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(in crate::scan) use probe::HEADS;
pub(crate) use probe::Probe;
pub(in crate::scan) use zip::{Directory, Look, Member, Tail, directories};

/// What the archives of a layer hold, by index of the file's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archives {
    /// The members of each archive that has some.
    pub members: BTreeMap<usize, Members>,
    /// Archives whose members are not known, with the reason.
    pub gaps: BTreeMap<usize, Gap>,
}

impl Archives {
    /// What they take of memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        let names: usize = self.members.values().map(|members| size_of::<Members>() + members.0.len()).sum();
        (names + self.gaps.len() * size_of::<(usize, Gap)>()) as u64
    }
}

/// Why the members of an archive are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Its central directory, or a part that says where it is, begins before what is kept of the file:
    /// [`crate::limits::ARCHIVE_TAIL_BYTES`], or [`crate::limits::PLAIN_TAIL_BYTES`] of a file that looks like
    /// no archive.
    FarDirectory,
    /// It seems to end more often than [`crate::limits::ARCHIVE_ENDS`].
    ManyEnds,
    /// The archives of the layer have longer names than [`crate::limits::LAYER_MEMBER_NAME_BYTES`].
    ManyNames,
}

impl Gap {
    /// All, in the order of their numbers in facts files.
    pub const ALL: [Gap; 3] = [Self::FarDirectory, Self::ManyEnds, Self::ManyNames];
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FarDirectory => {
                "has a central directory larger than the limit ARCHIVE_TAIL_BYTES (PLAIN_TAIL_BYTES where the file neither begins as an archive nor is named so)"
            }
            Self::ManyEnds => "seems to end more often than the limit ARCHIVE_ENDS",
            Self::ManyNames => "is in a layer with more names of members than the limit LAYER_MEMBER_NAME_BYTES",
        })
    }
}

/// Names of members, in one piece of memory: each after its length in LEB128.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members(Arc<[u8]>);

impl Members {
    /// Bytes as [`Members::as_bytes`] gives them; `None` where they are none such.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let mut rest = &*bytes;
        while !rest.is_empty() {
            (_, rest) = split_name(rest)?;
        }
        Some(Self(bytes.into()))
    }

    /// The names, each after its length.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The names, as written in the archive and in its order, without those of directories. A name may
    /// be there twice.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (name, after) = split_name(rest)?;
            rest = after;
            Some(name)
        })
    }
}

/// The first name, and what follows it.
fn split_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (number, byte) in bytes.iter().take(3).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * number);
        if byte & 0x80 == 0 {
            return bytes.get(number + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// Adds a name. Archives hold none of more than 65,535 bytes, so three bytes say how long it is.
fn push_name(to: &mut Vec<u8>, name: &[u8]) {
    let mut length = name.len();
    while length >= 0x80 {
        to.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
    to.extend_from_slice(name);
}
