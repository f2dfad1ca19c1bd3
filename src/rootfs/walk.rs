//! All names of a tree, in the order of their paths' bytes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::children;
use super::tree::{InodeId, NodeId, NodeRef, Tree};
use crate::model::ImagePath;

/// One directory on the way: which name comes next, and which directories wait to be entered.
struct Level<'tree> {
    path: ImagePath,
    names: std::iter::Peekable<children::Iter<'tree>>,
    /// Told, but not yet entered: `a-b` comes between `a` and `a/b`, since `-` is before `/`.
    waiting: Vec<NodeId>,
}

/// Names that are looked up by a scan of the table, and sorted; more of them are found sooner by a walk.
const FEW: usize = 4_096;

/// A walk through the tree, directory by directory.
struct Walk<'tree, F> {
    tree: &'tree Tree,
    wanted: F,
    root_told: bool,
    levels: Vec<Level<'tree>>,
}

impl Tree {
    /// All names with their paths, the root first, sorted as [`ImagePath`] sorts: two walks can be
    /// merged by comparing paths.
    pub fn walk(&self) -> impl Iterator<Item = (ImagePath, NodeRef<'_>)> {
        self.walk_through(|_| true)
    }

    /// As [`Tree::walk`], but only the names that are wanted: of a million names few rules want more
    /// than a handful. Each name may be asked for twice.
    pub fn walk_where<'tree>(
        &'tree self,
        wanted: impl Fn(NodeRef<'tree>) -> bool,
    ) -> impl Iterator<Item = (ImagePath, NodeRef<'tree>)> {
        let few = self.few(&wanted);
        let walk = few.is_none().then(|| self.walk_through(wanted));
        few.into_iter().flatten().chain(walk.into_iter().flatten())
    }

    /// The wanted names, where they are few. The table is read as it lies in memory, which costs a small
    /// part of a walk.
    fn few<'tree>(
        &'tree self,
        wanted: impl Fn(NodeRef<'tree>) -> bool,
    ) -> Option<Vec<(ImagePath, NodeRef<'tree>)>> {
        let nodes = self.attached().map(|id| self.reference(id)).filter(|node| wanted(*node));
        let mut few: Vec<_> = nodes.take(FEW + 1).map(|node| (node.path(), node)).collect();
        few.sort_unstable_by(|(path, _), (other, _)| path.cmp(other));
        (few.len() <= FEW).then_some(few)
    }

    fn walk_through<'tree, F: FnMut(NodeRef<'tree>) -> bool>(&'tree self, wanted: F) -> Walk<'tree, F> {
        let levels = vec![self.level(Self::ROOT, ImagePath::root())];
        Walk { tree: self, wanted, root_told: false, levels }
    }

    fn level(&self, id: NodeId, path: ImagePath) -> Level<'_> {
        Level { path, names: self.children(id).peekable(), waiting: Vec::new() }
    }
}

impl<'tree, F: FnMut(NodeRef<'tree>) -> bool> Iterator for Walk<'tree, F> {
    type Item = (ImagePath, NodeRef<'tree>);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.root_told {
            self.root_told = true;
            if (self.wanted)(self.tree.root()) {
                return Some((ImagePath::root(), self.tree.root()));
            }
        }
        loop {
            let level = self.levels.last_mut()?;
            let enter = match (level.waiting.last(), level.names.peek()) {
                (Some(waiting), Some(next)) => {
                    let (directory, name) = (self.tree.name(*waiting), self.tree.name(*next));
                    slash_comes_before(directory, name).then_some(*waiting)
                }
                (Some(waiting), None) => Some(*waiting),
                (None, Some(_)) => None,
                (None, None) => {
                    self.levels.pop();
                    continue;
                }
            };
            if let Some(directory) = enter {
                level.waiting.pop();
                let path = level.path.join(self.tree.name(directory));
                self.levels.push(self.tree.level(directory, path));
                continue;
            }
            let id = level.names.next()?;
            if self.tree.has_children(id) {
                level.waiting.push(id);
            }
            let node = self.tree.reference(id);
            if (self.wanted)(node) {
                return Some((level.path.join(node.name()), node));
            }
        }
    }
}

/// Which names are names of one file, told while a tree is walked: at no cost that grows with the
/// number of names of one file, which hostile layers choose.
#[derive(Debug, Default)]
pub struct HardLinks {
    first_names: BTreeMap<InodeId, ImagePath>,
}

impl HardLinks {
    /// The first name of the file that `path` is a further name of; `None` for the first name itself,
    /// and for what has one name only. To be asked for each name once, as [`Tree::walk`] gives them.
    pub fn first_name(&mut self, path: &ImagePath, node: NodeRef<'_>) -> Option<&ImagePath> {
        if node.names() <= 1 {
            return None;
        }
        match self.first_names.entry(node.inode_id()) {
            Entry::Occupied(first) => Some(first.into_mut()),
            Entry::Vacant(place) => {
                place.insert(path.clone());
                None
            }
        }
    }
}

/// Whether `directory/…` sorts before `name`.
fn slash_comes_before(directory: &[u8], name: &[u8]) -> bool {
    match name.strip_prefix(directory) {
        Some(rest) => rest.first().is_some_and(|byte| *byte > b'/'),
        None => directory < name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::inode::{Inode, Origin};

    /// Directories of which one's name begins as another's, each with files.
    fn tree(files: usize) -> Tree {
        let (mut tree, origin) = (Tree::new(), Origin::implied_by(0));
        let inode = || Inode::implied_directory(origin);
        for directory in [&b"a"[..], b"a-b", b"gone", b"a.c"] {
            let directory = tree.add(Tree::ROOT, directory, inode(), origin).unwrap();
            for number in 0..files {
                tree.add(directory, format!("{}", number * 7919 % files).as_bytes(), inode(), origin)
                    .unwrap();
            }
        }
        let gone = tree.child(Tree::ROOT, b"gone").unwrap();
        tree.remove(gone);
        tree
    }

    #[test]
    fn wanted_names_come_as_in_a_walk_however_many_they_are() {
        for (files, many) in [(10, false), (FEW / 3 - 1, false), (FEW, true)] {
            let tree = tree(files);
            let wanted = |node: NodeRef<'_>| !node.name().ends_with(b"3");
            assert_eq!(tree.few(wanted).is_none(), many);
            let place = |(path, node): (ImagePath, NodeRef<'_>)| (path, node.id);
            let found: Vec<_> = tree.walk_where(wanted).map(place).collect();
            let all = tree.walk().filter(|(_, node)| wanted(*node)).map(place);
            assert!(found.iter().cloned().eq(all), "{files} files");
            assert!(found.is_sorted() && found.len() > 2 * files);
            assert!(!found.iter().any(|(path, _)| path.as_bytes().starts_with(b"gone")));
        }
    }
}
