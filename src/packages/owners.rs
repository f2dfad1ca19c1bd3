//! Which packages own a path: lists of packages name paths as they were packed, a tree has them
//! where symlinks lead (`/bin/ls` is `/usr/bin/ls` since `/usr` was merged).

use std::collections::{BTreeMap, BTreeSet};

use super::{Databases, Package, PackageFile, Packed};
use crate::error::{Error, Result};
use crate::limits;
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
    ///
    /// # Errors
    /// It takes more steps than [`limits::LOCATED_STEPS`].
    pub fn of(
        databases: &Databases<'_>,
        packages: &'a [Package],
        paths: &BTreeSet<ImagePath>,
    ) -> Result<Self> {
        let mut owners = Self::default();
        if packages.is_empty() || paths.is_empty() {
            return Ok(owners);
        }
        each_located(databases, packages, |package, file, Located { path, .. }| {
            if paths.contains(&path) {
                let owned = Owned { package, packed: &file.packed };
                owners.by_path.entry(path).or_default().push(owned);
            }
            Ok(())
        })?;
        Ok(owners)
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
///
/// # Errors
/// The first of `each`, and that it takes more steps than [`limits::LOCATED_STEPS`].
pub(super) fn each_located<'a>(
    databases: &Databases<'_>,
    packages: &'a [Package],
    mut each: impl FnMut(usize, &'a PackageFile, Located) -> Result<()>,
) -> Result<()> {
    let diversions = databases.diversions();
    let diversions: BTreeMap<&ImagePath, _> = diversions.iter().map(|told| (&told.from, told)).collect();
    let mut directories = Directories::of(databases.tree, limits::LOCATED_BYTES, limits::LOCATED_STEPS);
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
            let Located { path, by_layer } = directories.locate(directory)?;
            each(number, file, Located { path: path.join(name), by_layer: *by_layer })?;
        }
    }
    Ok(())
}

/// Where directories lie, for most files share theirs with others.
struct Directories<'a> {
    tree: &'a Tree,
    known: BTreeMap<&'a [u8], Located>,
    /// How long those that are known are together, and may be.
    bytes: usize,
    limit: usize,
    /// How many parts of paths may still be followed.
    steps: u64,
}

impl<'a> Directories<'a> {
    fn of(tree: &'a Tree, limit: usize, steps: u64) -> Self {
        Self { tree, known: BTreeMap::new(), bytes: 0, limit, steps }
    }

    fn locate(&mut self, directory: &'a [u8]) -> Result<&Located> {
        if self.bytes > self.limit {
            self.known.clear();
            self.bytes = 0;
        }
        if self.steps == 0 {
            let what = "how far symlinks lead from directories of packaged files";
            return Err(Error::limit(what, "LOCATED_STEPS", limits::LOCATED_STEPS));
        }
        Ok(self.known.entry(directory).or_insert_with(|| {
            // By a file in it, so that a symlink as its last part is followed too.
            let file = ImagePath::new(directory).join(b"-");
            let Located { path, by_layer } = self.tree.locate_within(&file, &mut self.steps);
            let located = Located { path: path.parent(), by_layer };
            self.bytes += located.path.as_bytes().len() + size_of::<(&[u8], Located)>();
            located
        }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{file, symlink, tree};

    #[test]
    fn directories_that_are_remembered_are_held_to_located_bytes() {
        let tree = tree(&[symlink("bin", "usr/bin"), file("usr/bin/a", 0o755)]);
        let one = "usr/bin/0".len() + size_of::<(&[u8], Located)>();
        let names: Vec<_> = (0..100).map(|number| format!("bin/{}", number % 10)).collect();
        let mut directories = Directories::of(&tree, 3 * one, u64::MAX);
        for name in &names {
            let path = directories.locate(name.as_bytes()).unwrap().path.clone();
            assert_eq!(path, ImagePath::new(format!("usr/{name}")));
            assert!(directories.known.len() <= 4 && directories.bytes <= 4 * one);
        }
        let mut roomy = Directories::of(&tree, 10 * one, u64::MAX);
        names.iter().for_each(|name| drop(roomy.locate(name.as_bytes()).unwrap().clone()));
        assert_eq!(roomy.known.len(), 10);
    }

    #[test]
    fn steps_from_directories_are_held_to_located_steps() {
        let tree = tree(&[symlink("bin", "usr/bin"), file("usr/bin/a", 0o755)]);
        // `bin`, the directory and a file in it; `usr` and `bin` of the symlink.
        let names: Vec<_> = (0..10).map(|number| format!("bin/{number}")).collect();
        let found = |steps: u64| {
            let mut directories = Directories::of(&tree, usize::MAX, steps);
            names.iter().try_for_each(|name| directories.locate(name.as_bytes()).map(|_| ()))
        };
        assert!(found(5 * 9 + 1).is_ok());
        let error = found(5 * 9).unwrap_err().to_string();
        assert!(error.contains("LOCATED_STEPS"), "{error}");
    }
}
