//! rpm databases, read in memory: SQLite, ndb and Berkeley DB, and the list that distroless images have instead.
//!
//! A database in an image is hostile until proven otherwise: every offset is checked, every page is
//! visited at most once, and all that is taken from it is bounded by its own size and by
//! [`crate::limits`]. What is broken is noted, so that nothing missing reads as nothing there.

mod bdb;
mod bytes;
mod files;
mod header;
mod index;
mod manifest;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;
pub mod version;
mod wal;

pub use files::{File, State};
pub use header::Header;

use super::allowance::Allowance;
use bytes::{Blobs, Notes};

use super::{Manager, Package, PackageFile, Packed};
use crate::error::{Error, Result};

/// What was read of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database {
    /// The packages, in the order of the database.
    pub headers: Vec<Header>,
    /// What could not be read, in clauses; where there is one, packages or files may be missing.
    pub notes: Vec<String>,
}

/// Reads a database of any of the three forms, or a list of packages, known by its content.
///
/// # Errors
///
/// A file of no such form, one whose packages cannot be found at all, or one beyond a limit. What is
/// broken in single packages is noted instead.
pub fn parse(database: &[u8]) -> Result<Database> {
    let mut blobs = Blobs::new(database);
    if is_sqlite(database) {
        sqlite::read(database, &mut blobs)?;
    } else if database.starts_with(ndb::MAGIC) {
        ndb::read(database, &mut blobs)?;
    } else if let Some(order) = bdb::order(database) {
        bdb::read(database, order, &mut blobs)?;
    } else if manifest::is_one(database) {
        let mut notes = Notes::default();
        let headers = manifest::read(database, &mut notes)?;
        return Ok(Database { headers, notes: notes.into_vec() });
    } else {
        return Err(Error::unsupported("no rpm database: neither SQLite nor ndb nor a Berkeley DB hash"));
    }
    let (blobs, mut notes) = blobs.into_parts();
    let mut allowance = Allowance::default();
    let mut headers = Vec::new();
    for blob in blobs {
        headers.extend(Header::read(&blob, &mut notes, &mut allowance)?);
    }
    Ok(Database { headers, notes: notes.into_vec() })
}

/// Whether a database is SQLite's, by its content.
pub fn is_sqlite(database: &[u8]) -> bool {
    database.starts_with(sqlite::MAGIC)
}

/// A database with what SQLite keeps beside it under the same name; empty where there is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored<'a> {
    /// The file itself.
    pub database: &'a [u8],
    /// `-wal`: what was committed and is not in the file yet.
    pub log: &'a [u8],
    /// `-journal`: what the file held before a transaction that did not end.
    pub journal: &'a [u8],
}

/// The first bytes of a journal that is not over.
const JOURNAL_MAGIC: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The packages of a database that could be read whole, by name, version and architecture.
///
/// # Errors
///
/// Those of [`parse_stored`], and anything that it notes: a package that is not seen would pass every rule.
/// Who can use a part of the packages reads it with that.
pub fn packages(stored: Stored<'_>) -> Result<Vec<Package>> {
    let database = parse_stored(stored)?;
    match database.notes.as_slice() {
        [] => {}
        [note] => return Err(Error::invalid(note.clone())),
        [note, others @ ..] => {
            return Err(Error::invalid(format!("{note}; and {} more such faults", others.len())));
        }
    }
    let mut packages: Vec<Package> = database.headers.into_iter().map(Package::from).collect();
    packages
        .sort_by(|a, b| (&a.name, &a.version, &a.architecture).cmp(&(&b.name, &b.version, &b.architecture)));
    Ok(packages)
}

/// As [`parse`], with what SQLite keeps beside the file. A file of no bytes is a database that nothing was
/// put in yet, to each form.
///
/// # Errors
///
/// Those of [`parse`], and a transaction that did not end: the file alone is half of what it was and half of
/// what it was to become.
pub fn parse_stored(stored: Stored<'_>) -> Result<Database> {
    if stored.database.is_empty() {
        return Ok(Database::default());
    }
    let is_sqlite = is_sqlite(stored.database);
    if is_sqlite && stored.journal.starts_with(JOURNAL_MAGIC) {
        return Err(Error::unsupported(
            "a SQLite database with a transaction that broke off in its -journal",
        ));
    }
    let database =
        if is_sqlite { wal::applied(stored.database, stored.log)? } else { stored.database.into() };
    parse(&database)
}

impl From<Header> for Package {
    fn from(mut header: Header) -> Self {
        // To rpm an epoch of 0 and none are the same.
        header.epoch = header.epoch.filter(|epoch| *epoch > 0);
        Self {
            version: header.evr(),
            source: header.source(),
            module: header.modularity_label.filter(|label| !label.is_empty() && label != "(none)"),
            name: header.name,
            architecture: header.arch.unwrap_or_default(),
            manager: Manager::Rpm,
            files: header.files.into_iter().filter_map(package_file).collect(),
        }
    }
}

/// What a file of the package is in the image; `None` where it was not installed.
fn package_file(file: File) -> Option<PackageFile> {
    let holds = match file.state {
        State::NotInstalled | State::NetShared => return None,
        // The path is another package's, too, and what that one says holds.
        State::Replaced | State::WrongColor => false,
        State::Normal | State::Unknown => !file.is_ghost(),
    };
    let packed = if holds { packed(&file) } else { Packed::Untold };
    Some(PackageFile {
        // As `rpm -V` does.
        is_verified: match packed {
            Packed::Link(_) => file.verify_link,
            Packed::Directory(_) => file.verify_mode,
            Packed::Digest(_) | Packed::File | Packed::Untold => file.verify_digest,
        },
        // What is not to be verified is expected to change.
        is_config: file.is_config() || !file.verify_digest,
        packed,
        path: file.path,
    })
}

/// `S_IFMT` and what it may say, of stat(2).
const TYPE_MASK: u16 = 0o170_000;
const TYPE_DIRECTORY: u16 = 0o040_000;
const TYPE_FILE: u16 = 0o100_000;
const TYPE_LINK: u16 = 0o120_000;

fn packed(file: &File) -> Packed {
    let told = match (file.mode.map(|mode| (mode & TYPE_MASK, mode & !TYPE_MASK)), &file.link_target) {
        (Some((TYPE_DIRECTORY, mode)), _) => Some(Packed::Directory(mode.into())),
        (Some((TYPE_LINK, _)), Some(target)) => Some(Packed::Link(target.as_slice().into())),
        (Some((TYPE_FILE, _)), _) => Some(file.digest.map_or(Packed::File, Packed::Digest)),
        (None, _) => file.digest.map(Packed::Digest),
        _ => None,
    };
    told.unwrap_or(Packed::Untold)
}
