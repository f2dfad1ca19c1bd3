//! Holds the files of a tree to what their packages say of them, as `dpkg --verify` and `rpm -V` do: content, the target of
//! a symlink, and the type. What is not there is not told, for much is left out on purpose.
//!
//! A path may have several owners: packages of several architectures, and those of a database that nobody writes to any
//! more. It is as packaged where it is what one of them says; where several managers claim it, one of each.

mod base;
mod claim;
mod claims;
mod room;

use std::sync::Arc;

use super::{Databases, FileDigest, Manager, Package, Packed};
use crate::model::ImagePath;
use crate::scan::EntryKind;

pub use claims::Claims;
pub use room::Room;

/// Of which layers files are held to what their packages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldLayers {
    /// Those above the base; none where there is no base.
    Upper,
    /// All.
    All,
}

/// A path that is not what its package says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The path.
    pub path: ImagePath,
    /// The layer that brought what is there, or the symlink of a directory through which the package's path leads there.
    pub layer: usize,
    /// Whose it is.
    pub owner: Arc<Owner>,
    /// Whether it is configuration, which its owner may change.
    pub is_config: bool,
    /// What the package says is there.
    pub told: Packed,
    /// What is there.
    pub found: Found,
}

/// A package that a path belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who installed it.
    pub manager: Manager,
    /// Where the database is that says so.
    pub database: ImagePath,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The architecture, in the manager's own words.
    pub architecture: String,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file of this digest, by the algorithm of the package's.
    Content(FileDigest),
    /// A symlink to this, as written.
    Link(Box<[u8]>),
    /// Something else than the package says.
    Other(EntryKind),
}

/// What came of holding the files of a tree to their packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// By path.
    pub deviations: Vec<Deviation>,
    /// What could not be held to them.
    pub gaps: Gaps,
}

/// Why not all is known: one reason, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    first: Option<String>,
    more: usize,
}

impl Gaps {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        match self.first {
            None => self.first = Some(reason()),
            Some(_) => self.more += 1,
        }
    }

    /// In one clause; `None` where all is known.
    pub fn reason(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(match self.more {
            0 => first.clone(),
            more => format!("{first}; and {more} more such reasons"),
        })
    }
}

/// Which files are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Those that this layer or a later one brought.
    pub first_layer: usize,
    /// The databases of the base, if there is one: what became of its own paths is told by comparing with it, where their
    /// packages are as it has them.
    pub before: Option<&'a Databases<'a>>,
}

impl Owner {
    fn of(package: &Package, database: &ImagePath) -> Self {
        Self {
            manager: package.manager,
            database: database.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
        }
    }
}
