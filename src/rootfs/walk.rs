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

/// See [`Tree::walk_where`].
pub struct Walk<'tree, F> {
    tree: &'tree Tree,
    wanted: F,
    root_told: bool,
    levels: Vec<Level<'tree>>,
}

impl Tree {
    /// All names with their paths, the root first, sorted as [`ImagePath`] sorts: two walks can be
    /// merged by comparing paths.
    pub fn walk(&self) -> impl Iterator<Item = (ImagePath, NodeRef<'_>)> {
        self.walk_where(|_| true)
    }

    /// As [`Tree::walk`], but only the names that are wanted. Paths are made of those alone: of a
    /// million names few rules want more than a handful.
    pub fn walk_where<'tree, F: FnMut(NodeRef<'tree>) -> bool>(&'tree self, wanted: F) -> Walk<'tree, F> {
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
