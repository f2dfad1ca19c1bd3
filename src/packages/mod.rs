//! What the package managers of a tree say is installed: packages, their versions, their files and the digests of those.
//!
//! All of it is the image's own claim, and whoever writes a layer can write it. It proves nothing by
//! itself; it says which package a changed file would have to come from.
//!
//! Each database is a module. The readers of lines, [`dpkg`] and [`apk`], fail as a whole only beyond a limit: what
//! cannot be understood is counted, and the rest is read. That of [`rpm`] is binary, and where a part
//! of it is broken nobody knows what is missing: it is read whole or not at all.

pub mod allowance;
pub mod alternatives;
pub mod apk;
mod components;
pub mod distribution;
pub mod dpkg;
mod history;
pub mod installed;
pub mod inventory;
pub mod linked;
pub mod owners;
pub mod packed;
pub mod purl;
pub mod rpm;
mod unread;
pub mod verify;
pub mod version;

use std::fmt;

pub use distribution::Distribution;
pub use history::History;
pub use installed::{Database, Databases, plan};
pub use inventory::{Installed, Inventory, Kind};

use crate::digest::hex;
use crate::model::ImagePath;

/// A program that installs packages and keeps a database of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// Debian and its kin.
    Dpkg,
    /// Alpine and its kin.
    Apk,
    /// Red Hat, SUSE and their kin.
    Rpm,
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
        })
    }
}

/// What a package was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its version, where the database tells one.
    pub version: Option<String>,
}

/// One installed package, as its manager's database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version with the epoch, as the manager writes it.
    pub version: String,
    /// The architecture, in the manager's own words.
    pub architecture: String,
    /// What it was built from, where that is another name or version.
    pub source: Option<Source>,
    /// The module stream that it was built in (rpm): `nodejs:18:8080020230301093434:63b34585`.
    pub module: Option<String>,
    /// Whose database it is in.
    pub manager: Manager,
    /// What it brought, directories too where the manager lists them.
    pub files: Vec<PackageFile>,
}

/// One path of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Where it is, as the database says: symlinks of its parents are not followed.
    pub path: ImagePath,
    /// What the package says is there.
    pub packed: Packed,
    /// Whether it is configuration that its owner may change.
    pub is_config: bool,
    /// Whether its manager holds what is there to it: not where the package wants it so (rpm's `%verify(not filedigest)`),
    /// and not configuration that the package does not bring any more (dpkg's `obsolete`).
    pub is_verified: bool,
}

/// What a package says is at one of its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packed {
    /// Nothing but that the path is its own: dpkg of links and directories, apk of directories, rpm of
    /// what it does not bring (`%ghost`), of what another package's file took the place of, and of
    /// devices and pipes.
    Untold,
    /// A regular file, and no digest of its content that could be compared: none, or by an algorithm that is not
    /// kept (rpm).
    File,
    /// A file whose content has this digest; apk's may be that of a symlink's target.
    Digest(FileDigest),
    /// A symlink to this, as written (rpm).
    Link(Box<[u8]>),
    /// A directory with these permission bits, setuid, setgid and sticky among them (rpm).
    Directory(u32),
}

impl Packed {
    /// The digest, where one is told.
    pub fn digest(&self) -> Option<FileDigest> {
        match self {
            Self::Digest(digest) => Some(*digest),
            Self::Untold | Self::File | Self::Link(_) | Self::Directory(_) => None,
        }
    }
}

/// A digest of a file's content in a package database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDigest {
    /// dpkg, old rpm.
    Md5([u8; 16]),
    /// apk.
    Sha1([u8; 20]),
    /// rpm.
    Sha256([u8; 32]),
}

impl FileDigest {
    /// As people name the algorithm.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Md5(_) => "MD5",
            Self::Sha1(_) => "SHA-1",
            Self::Sha256(_) => "SHA-256",
        }
    }

    /// In hexadecimal digits.
    pub fn hex(&self) -> String {
        match self {
            Self::Md5(bytes) => hex(bytes),
            Self::Sha1(bytes) => hex(bytes),
            Self::Sha256(bytes) => hex(bytes),
        }
    }
}

/// What was read of a database, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The packages that are installed.
    pub packages: Vec<Package>,
    /// How many records or lines could not be understood, and were left out.
    pub broken: usize,
}

/// The bytes of a hexadecimal digest; `None` where it is none of this length.
fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |char: u8| char::from(char).to_digit(16);
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_taken_only_whole() {
        assert_eq!(from_hex::<2>(b"0aFf"), Some([0x0a, 0xff]));
        for text in ["", "0a", "0aff0", "0aff00", "0agg", "+1+1"] {
            assert_eq!(from_hex::<2>(text.as_bytes()), None, "{text}");
        }
    }
}
