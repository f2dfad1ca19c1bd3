//! The package databases of the base beside those after all layers: which packages differ.
//!
//! A database is compared with itself, where it lies. One that is the same bytes as in the base says
//! nothing new, and need not be read. So a database that nobody writes to any more, left beside the one
//! in use, can neither hide a change nor make up one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::ImagePath;
use crate::packages::{Database, Databases, Manager, Package, version};

/// A package of the base that is there in another version, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// Whose package it is.
    pub manager: Manager,
    /// Where the database is that says so.
    pub database: ImagePath,
    /// Its name.
    pub name: String,
    /// Its architecture in the base.
    pub architecture: String,
    /// Its version in the base.
    pub was: String,
    /// Its version now; `None` where it is removed.
    pub is: Option<String>,
    /// How the version now compares with that in the base, where both are there and their order known.
    pub order: Option<Ordering>,
    /// The layer that did it.
    pub layer: Option<usize>,
    /// The paths of the base that are changed or gone for it, sorted.
    pub explained: Vec<ImagePath>,
}

/// The packages that differ.
#[derive(Debug, Default)]
pub(super) struct Differing {
    /// By manager, then database, then name.
    pub(super) changes: Vec<PackageChange>,
    /// Those of the base, numbered as `changes`.
    pub(super) old: Vec<Package>,
    /// Those after all layers that the base does not have, or not in this version.
    pub(super) new: Vec<Package>,
    /// Those after all layers that the base has just so, of databases that differ.
    pub(super) kept: Vec<Package>,
    /// Why not all of it is known.
    pub(super) incomplete: Vec<String>,
}

/// Some databases of one tree.
#[derive(Clone, Copy)]
struct Side<'a> {
    of: &'a Databases<'a>,
    databases: &'a [Database<'a>],
}

impl Differing {
    pub(super) fn of(before: &Databases<'_>, after: &Databases<'_>) -> Self {
        let (was, is) = (before.list(), after.list());
        let mut differing = Self::default();
        for manager in was.iter().map(|database| database.manager).collect::<BTreeSet<_>>() {
            let (was, is) = (of_manager(&was, manager), of_manager(&is, manager));
            differing.compare_all(before, &was, after, &is);
        }
        differing
    }

    /// Compares the databases of one manager, each with what has become of it.
    fn compare_all(
        &mut self,
        before: &Databases<'_>,
        was: &[Database<'_>],
        after: &Databases<'_>,
        is: &[Database<'_>],
    ) {
        let at = |list: &[Database<'_>], place: &ImagePath| {
            list.iter().position(|database| database.place == *place)
        };
        let mut gone = Vec::new();
        for old in was {
            match at(is, &old.place).and_then(|number| is.get(number)) {
                Some(new) if new.same_as(old) => {}
                Some(new) => self.compare(side(before, old), side(after, new)),
                None => gone.push(old.clone()),
            }
        }
        let added = is.iter().filter(|new| at(was, &new.place).is_none());
        // Where a database is gone as a whole and none came, no manager removed a package.
        for new in added {
            if gone.is_empty() {
                self.hold(Side { of: before, databases: was }, side(after, new));
            } else {
                // Moved, or rebuilt in another form.
                self.compare(Side { of: before, databases: &gone }, side(after, new));
            }
        }
    }

    /// Reads all packages of one side; nothing where not all can be read.
    fn read(&mut self, side: Side<'_>) -> Option<Vec<Package>> {
        let read: Vec<_> = side.databases.iter().map(|database| side.of.packages(database)).collect();
        let complete = read.iter().all(Result::is_ok);
        self.incomplete.extend(read.iter().filter_map(|read| read.as_ref().err().cloned()));
        complete.then(|| read.into_iter().flatten().flatten().collect())
    }

    /// Finds the packages of one side that differ on the other.
    fn compare(&mut self, was: Side<'_>, is: Side<'_>) {
        // Both are read, so that all reasons are told.
        let (Some(old), Some(new)) = (self.read(was), self.read(is)) else { return };
        let Some(database) = is.databases.first() else { return };
        let layer = is.databases.iter().filter_map(Database::layer).max();
        let mut by_name: BTreeMap<String, (Vec<Package>, Vec<Package>)> = BTreeMap::new();
        let keys = |packages: &[Package]| packages.iter().map(key).collect::<BTreeSet<_>>();
        let (in_base, in_all) = (keys(&old), keys(&new));
        for package in old.into_iter().filter(|package| !in_all.contains(&key(package))) {
            by_name.entry(package.name.clone()).or_default().0.push(package);
        }
        for package in new {
            if in_base.contains(&key(&package)) {
                self.kept.push(package);
            } else {
                by_name.entry(package.name.clone()).or_default().1.push(package);
            }
        }
        for (olds, news) in by_name.into_values() {
            let successors = successors(&olds, &news);
            for (number, old) in olds.into_iter().enumerate() {
                let new = successors.get(&number).and_then(|number| news.get(*number));
                self.changes.push(PackageChange {
                    manager: old.manager,
                    database: database.place.clone(),
                    name: old.name.clone(),
                    architecture: old.architecture.clone(),
                    was: old.version.clone(),
                    is: new.map(|new| new.version.clone()),
                    order: new.and_then(|new| version::compare(old.manager, &new.version, &old.version)),
                    layer,
                    explained: Vec::new(),
                });
                self.old.push(old);
            }
            self.new.extend(news);
        }
    }

    /// A database that was put beside those of the base must say of its packages what those do: which
    /// of them the manager uses hangs on its configuration.
    fn hold(&mut self, base: Side<'_>, added: Side<'_>) {
        let (Some(base), Some(packages)) = (self.read(base), self.read(added)) else { return };
        let said: BTreeSet<_> = packages.iter().map(key).collect();
        let other = base.iter().find(|package| !said.contains(&key(package)));
        if let (Some(other), Some(database)) = (other, added.databases.first()) {
            let Database { manager, place, .. } = database;
            self.incomplete.push(format!(
                "{place} is a second database of {manager}, which may use either, and says of {} what the base's does not",
                other.name
            ));
        }
    }
}

fn of_manager<'a>(databases: &[Database<'a>], manager: Manager) -> Vec<Database<'a>> {
    databases.iter().filter(|database| database.manager == manager).cloned().collect()
}

fn side<'a>(of: &'a Databases<'a>, database: &'a Database<'a>) -> Side<'a> {
    Side { of, databases: std::slice::from_ref(database) }
}

fn key(package: &Package) -> (String, String, String) {
    (package.name.clone(), package.architecture.clone(), package.version.clone())
}

/// Which of the packages of one name that are new took the place of which that are gone: old number →
/// new number. One of each architecture; and one of those left, for an upgrade may change the
/// architecture, from `amd64` to `all`. Where there are several, it is the newest that is gone and
/// the oldest that came: a downgrade is not to hide among upgrades.
fn successors(olds: &[Package], news: &[Package]) -> BTreeMap<usize, usize> {
    let mut by_architecture: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (number, old) in olds.iter().enumerate() {
        by_architecture.entry(&old.architecture).or_default().0.push(number);
    }
    for (number, new) in news.iter().enumerate() {
        by_architecture.entry(&new.architecture).or_default().1.push(number);
    }
    let order = |a: &Package, b: &Package| {
        version::compare(a.manager, &a.version, &b.version).unwrap_or_else(|| a.version.cmp(&b.version))
    };
    let pair = |(from, to): &(Vec<usize>, Vec<usize>)| {
        let from = from.iter().filter_map(|number| Some((*number, olds.get(*number)?)));
        let to = to.iter().filter_map(|number| Some((*number, news.get(*number)?)));
        let newest = from.max_by(|(_, a), (_, b)| order(a, b))?;
        let oldest = to.min_by(|(_, a), (_, b)| order(a, b))?;
        // The version of a key that rpm trusts is the key's number: another one is another key.
        (!is_key(newest.1)).then_some((newest.0, oldest.0))
    };
    let mut successors: BTreeMap<usize, usize> = by_architecture.values().filter_map(pair).collect();
    let taken: BTreeSet<usize> = successors.values().copied().collect();
    let left = (
        (0..olds.len()).filter(|old| !successors.contains_key(old)).collect(),
        (0..news.len()).filter(|new| !taken.contains(new)).collect(),
    );
    successors.extend(pair(&left));
    successors
}

fn is_key(package: &Package) -> bool {
    package.manager == Manager::Rpm && package.name == "gpg-pubkey"
}
