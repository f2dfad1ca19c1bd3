//! What the base has of packages and paths.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::model::ImagePath;
use crate::packages::{Database, Databases, Manager, Package};
use crate::rootfs::Inode;

type Key = (Manager, String, String, String);

/// What the base has.
pub(super) struct Base<'a> {
    databases: &'a Databases<'a>,
    list: Vec<Database<'a>>,
    /// Read where one of them differs.
    packages: OnceCell<BTreeSet<Key>>,
}

impl<'a> Base<'a> {
    pub(super) fn of(databases: &'a Databases<'a>) -> Self {
        Self { databases, list: databases.list(), packages: OnceCell::new() }
    }

    /// Whether a database is the same bytes there.
    pub(super) fn has_just_so(&self, database: &Database<'_>) -> bool {
        let same = |other: &Database<'_>| other.place == database.place && other.same_as(database);
        self.list.iter().any(same)
    }

    /// Whether the package is there in this version. One that could not be read is not.
    pub(super) fn has(&self, package: &Package) -> bool {
        let packages = self.packages.get_or_init(|| {
            let read = self.list.iter().filter_map(|database| self.databases.readable(database).ok());
            read.flat_map(|(packages, _)| packages).map(|package| key(&package)).collect()
        });
        packages.contains(&key(package))
    }

    pub(super) fn has_path(&self, path: &ImagePath) -> bool {
        self.databases.tree.get(path).is_some()
    }

    /// Whether the path has the same type and content there.
    pub(super) fn has_as(&self, path: &ImagePath, inode: &Inode) -> bool {
        let same = |other: &Inode| {
            (other.kind, other.content, other.link()) == (inode.kind, inode.content, inode.link())
        };
        self.databases.tree.get(path).is_some_and(|node| same(node.inode()))
    }
}

fn key(package: &Package) -> Key {
    let Package { manager, name, architecture, version, .. } = package;
    (*manager, name.clone(), architecture.clone(), version.clone())
}
