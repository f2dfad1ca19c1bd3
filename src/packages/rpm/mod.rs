//! rpm databases, read in memory: SQLite, ndb and Berkeley DB.
//!
//! A database in an image is hostile until proven otherwise: every offset is checked, every page is
//! visited at most once, and all that is taken from it is bounded by its own size and by
//! [`crate::limits`]. What is broken is noted, so that nothing missing reads as nothing there.

mod bdb;
mod bytes;
mod files;
mod header;
mod index;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;
pub mod version;

pub use files::{File, State};
pub use header::Header;

use bytes::Blobs;
use files::Allowance;

use super::{Manager, Package, PackageFile, Source};
use crate::error::{Error, Result};

/// What was read of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database {
    /// The packages, in the order of the database.
    pub headers: Vec<Header>,
    /// What could not be read, in clauses; where there is one, packages or files may be missing.
    pub notes: Vec<String>,
}

/// Reads a database of any of the three forms, known by its content.
///
/// # Errors
///
/// A file of no such form, one whose packages cannot be found at all, or one beyond a limit. What is
/// broken in single packages is noted instead.
pub fn parse(database: &[u8]) -> Result<Database> {
    let mut blobs = Blobs::new(database);
    if database.starts_with(sqlite::MAGIC) {
        sqlite::read(database, &mut blobs)?;
    } else if database.starts_with(ndb::MAGIC) {
        ndb::read(database, &mut blobs)?;
    } else if let Some(order) = bdb::order(database) {
        bdb::read(database, order, &mut blobs)?;
    } else {
        return Err(Error::unsupported("no rpm database: neither SQLite nor ndb nor a Berkeley DB hash"));
    }
    let (blobs, mut notes) = blobs.into_parts();
    let mut allowance = Allowance::new();
    let mut headers = Vec::new();
    for blob in blobs {
        headers.extend(Header::read(&blob, &mut notes, &mut allowance)?);
    }
    Ok(Database { headers, notes: notes.into_vec() })
}

/// The packages of a database that could be read whole, by name, version and architecture.
///
/// # Errors
///
/// Those of [`parse`], and anything that it notes: a package that is not seen would pass every rule.
/// Who can use a part of the packages reads it with [`parse`].
pub fn packages(database: &[u8]) -> Result<Vec<Package>> {
    let database = parse(database)?;
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

impl From<Header> for Package {
    fn from(header: Header) -> Self {
        Self {
            version: header.evr(),
            source: header.source_name().map(|name| Source { name: name.to_owned(), version: None }),
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
        // The path is another package's, too, and that one's digest holds.
        State::Replaced | State::WrongColor => false,
        State::Normal | State::Unknown => !file.is_ghost(),
    };
    Some(PackageFile {
        digest: file.digest.filter(|_| holds),
        // What is not to be verified is expected to change.
        is_config: file.is_config() || !file.verify_digest,
        path: file.path,
    })
}
