//! Which packages own a path: lists of packages name paths as they were packed, a tree has them
//! where symlinks lead (`/bin/ls` is `/usr/bin/ls` since `/usr` was merged).

use std::collections::{BTreeMap, BTreeSet};

use super::{Databases, Package, PackageFile, Packed};
use crate::model::ImagePath;
use crate::rootfs::{Located, Tree};

/// A path as one package has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned<'a> {
    /// Index of the package.
    pub package: usize,
    /// What it says is there.
    pub packed: &'a Packed,
}

/// The owners of some paths.
#[derive(Debug, Default)]
pub struct Owners<'a> {
    by_path: BTreeMap<ImagePath, Vec<Owned<'a>>>,
}

impl<'a> Owners<'a> {
    /// Who of `packages` owns any of `paths`, which are paths in the databases' own tree.
    pub fn of(databases: &Databases<'_>, packages: &'a [Package], paths: &BTreeSet<ImagePath>) -> Self {
        let mut owners = Self::default();
        if packages.is_empty() || paths.is_empty() {
            return owners;
        }
        each_located(databases, packages, |package, file, Located { path, .. }| {
            if paths.contains(&path) {
                let owned = Owned { package, packed: &file.packed };
                owners.by_path.entry(path).or_default().push(owned);
            }
        });
        owners
    }

    /// Whether there is any.
    pub fn has(&self, path: &ImagePath) -> bool {
        self.by_path.contains_key(path)
    }

    /// Who owns a path, and as what.
    pub fn of_path(&self, path: &ImagePath) -> impl Iterator<Item = Owned<'a>> + '_ {
        self.by_path.get(path).into_iter().flatten().copied()
    }
}

/// Calls `each` for every file of `packages`, with the index of its package and where it lies in the databases' tree:
/// where it was put aside to, and symlinks of its parents followed.
pub(super) fn each_located<'a>(
    databases: &Databases<'_>,
    packages: &'a [Package],
    mut each: impl FnMut(usize, &'a PackageFile, Located),
) {
    let diversions = databases.diversions();
    let diversions: BTreeMap<&ImagePath, _> = diversions.iter().map(|told| (&told.from, told)).collect();
    // Most files share their directory with others.
    let mut directories: BTreeMap<&[u8], Located> = BTreeMap::new();
    for (number, package) in packages.iter().enumerate() {
        for file in &package.files {
            let diverted = diversions.get(&file.path).filter(|told| told.by.as_ref() != Some(&package.name));
            let path = match diverted {
                Some(diverted) => &diverted.to,
                None => &file.path,
            };
            let (directory, name) = path.split();
            if name.is_empty() {
                continue;
            }
            let located = directories.entry(directory).or_insert_with(|| {
                // As a file in it, so that a symlink as its last part is followed too.
                databases.tree.locate_by_layer(&ImagePath::new(directory).join(b"-"))
            });
            let path = located.path.parent().join(name);
            each(number, file, Located { path, by_layer: located.by_layer });
        }
    }
}

/// All paths below one.
pub fn below(tree: &Tree, path: &ImagePath) -> Vec<ImagePath> {
    let mut paths = Vec::new();
    let mut waiting: Vec<_> = tree.get(path).map(|node| (path.clone(), node)).into_iter().collect();
    while let Some((path, node)) = waiting.pop() {
        for child in node.children() {
            let path = path.join(child.name());
            paths.push(path.clone());
            waiting.push((path, child));
        }
    }
    paths
}
