//! The tree of names that a runtime would see, each with its origin.
//!
//! Names and inodes are two things, as in a file system: hard links are several names of one inode,
//! and mode, owner and extended attributes belong to the inode. Both lie in tables and refer to
//! each other by number, so that a path 2,000 directories deep costs no stack when it is walked,
//! copied or dropped. Numbers are not given twice: a removed name leaves an empty place behind, and
//! the names ever made are held to [`limits::ENTRIES`].

use super::children::{self, Children, Place};
use super::inode::{Inode, Origin};
use super::names::{Name, Names};
use super::table::Table;
use super::walk::HardLinks;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::scan::Extras;

/// The number of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(u32);

#[cfg(test)]
impl NodeId {
    pub(super) fn numbered(number: u32) -> Self {
        Self(number)
    }

    pub(super) fn number(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InodeId(u32);

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    name: Name,
    pub(super) inode: InodeId,
    pub(super) origin: Origin,
    /// One more than the last layer that had an entry here or below.
    seen: u32,
    children: Children,
}

#[derive(Debug, Clone)]
struct Slot {
    inode: Inode,
    names: u32,
}

/// The names of an image, or of its lowest layers.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: Table<Node>,
    slots: Table<Slot>,
    names: Names,
    live: usize,
    /// How many names may ever be made: [`limits::ENTRIES`].
    pub(super) most: usize,
    /// Stands in for a number that is not there, which no code path makes.
    void: (Node, Slot),
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    pub(super) const ROOT: NodeId = NodeId(0);

    /// A root directory, 0755 and owned by root, and nothing in it.
    pub fn new() -> Self {
        let origin = Origin::implied_by(0);
        let root = Node {
            parent: Self::ROOT,
            name: Name::default(),
            inode: InodeId(0),
            origin,
            seen: 0,
            children: Children::default(),
        };
        let slot = Slot { inode: Inode::implied_directory(origin), names: 1 };
        let (mut nodes, mut slots) = (Table::default(), Table::default());
        nodes.push(root.clone());
        slots.push(slot.clone());
        let most = limits::ENTRIES;
        Self { nodes, slots, names: Names::default(), live: 1, most, void: (root, slot) }
    }

    /// An empty one that may have as many names.
    pub(super) fn fresh(&self) -> Self {
        Self { most: self.most, ..Self::new() }
    }

    /// How many names there are, the root counted.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.live <= 1
    }

    /// The root directory.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef { tree: self, id: Self::ROOT }
    }

    /// The name at a path, no symlink followed.
    pub fn get(&self, path: &ImagePath) -> Option<NodeRef<'_>> {
        let mut id = Self::ROOT;
        for part in path.parts() {
            id = self.child(id, part)?;
        }
        Some(NodeRef { tree: self, id })
    }

    pub(super) fn reference(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef { tree: self, id }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&self.void.0)
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        match self.nodes.get_mut(id.0 as usize) {
            Some(node) => node,
            None => &mut self.void.0,
        }
    }

    fn slot(&self, id: InodeId) -> &Slot {
        self.slots.get(id.0 as usize).unwrap_or(&self.void.1)
    }

    fn slot_mut(&mut self, id: InodeId) -> &mut Slot {
        match self.slots.get_mut(id.0 as usize) {
            Some(slot) => slot,
            None => &mut self.void.1,
        }
    }

    pub(super) fn inode(&self, id: NodeId) -> &Inode {
        &self.slot(self.node(id).inode).inode
    }

    pub(super) fn inode_mut(&mut self, id: NodeId) -> &mut Inode {
        let inode = self.node(id).inode;
        &mut self.slot_mut(inode).inode
    }

    pub(super) fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        self.place(directory, name).child
    }

    fn place(&self, directory: NodeId, name: &[u8]) -> Place {
        self.node(directory).children.place(name, |child| self.name(child))
    }

    /// The names in a directory, sorted.
    pub(super) fn children(&self, directory: NodeId) -> children::Iter<'_> {
        self.node(directory).children.iter()
    }

    pub(super) fn has_children(&self, id: NodeId) -> bool {
        !self.node(id).children.is_empty()
    }

    /// The last part of a name's path; empty for the root.
    pub(super) fn name(&self, id: NodeId) -> &[u8] {
        self.names.get(self.node(id).name)
    }

    pub(super) fn set_origin(&mut self, id: NodeId, origin: Origin) {
        self.node_mut(id).origin = origin;
    }

    /// Whether a layer has an entry at this name or below it.
    pub(super) fn is_seen(&self, id: NodeId, layer: u32) -> bool {
        self.node(id).seen == layer.saturating_add(1)
    }

    /// Notes that a layer has an entry at this name. Stops at the first ancestor that knows it, so
    /// that all entries of a layer together cost no more than one visit of each name.
    pub(super) fn see(&mut self, mut id: NodeId, layer: u32) {
        while !self.is_seen(id, layer) {
            let node = self.node_mut(id);
            node.seen = layer.saturating_add(1);
            id = node.parent;
        }
    }

    /// Adds a name with an inode of its own; there must be none of that name.
    pub(super) fn add(
        &mut self,
        parent: NodeId,
        name: &[u8],
        inode: Inode,
        origin: Origin,
    ) -> Result<NodeId> {
        let id = InodeId(self.slots.len() as u32);
        self.slots.push(Slot { inode, names: 0 });
        self.add_name(parent, name, id, origin)
    }

    /// Adds one more name of the inode that `of` names.
    pub(super) fn add_link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        of: NodeId,
        origin: Origin,
    ) -> Result<NodeId> {
        let inode = self.node(of).inode;
        self.add_name(parent, name, inode, origin)
    }

    fn add_name(&mut self, parent: NodeId, name: &[u8], inode: InodeId, origin: Origin) -> Result<NodeId> {
        if self.nodes.len() >= self.most {
            return Err(Error::limit("the number of names of an image", "ENTRIES", self.most as u64));
        }
        let id = NodeId(self.nodes.len() as u32);
        let place = self.place(parent, name);
        debug_assert!(place.child.is_none(), "a name is added where there is none of that name");
        let node = Node {
            parent,
            name: self.names.add(name),
            inode,
            origin,
            seen: 0,
            children: Children::default(),
        };
        self.nodes.push(node);
        self.slot_mut(inode).names += 1;
        self.node_mut(parent).children.insert(place, name, id);
        self.live += 1;
        Ok(id)
    }

    /// Removes a name and all below it. Each name is made once and removed at most once, so that no
    /// number of whiteouts costs more than the entries did. The root stays.
    pub(super) fn remove(&mut self, id: NodeId) {
        if id == Self::ROOT {
            return;
        }
        let parent = self.node(id).parent;
        let place = self.place(parent, self.name(id));
        self.node_mut(parent).children.remove(place);
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            let node = self.node_mut(id);
            doomed.extend(std::mem::take(&mut node.children).iter());
            node.name = Name::default();
            node.parent = id;
            let inode = node.inode;
            self.live = self.live.saturating_sub(1);
            let slot = self.slot_mut(inode);
            slot.names = slot.names.saturating_sub(1);
            if slot.names == 0 {
                slot.inode.extras = Extras::default();
            }
        }
    }

    /// Whether a name is still in the tree: one that was removed is its own parent.
    pub(super) fn is_attached(&self, id: NodeId) -> bool {
        id == Self::ROOT || self.node(id).parent != id
    }

    /// All names in the tree, in the order in which they were made.
    pub(super) fn attached(&self) -> impl Iterator<Item = NodeId> {
        let numbered = self.nodes.iter().zip(0..).map(|(node, number)| (NodeId(number), node));
        numbered.filter(|(id, node)| *id == Self::ROOT || node.parent != *id).map(|(id, _)| id)
    }

    /// Bytes of a directory's path, and of the slash behind it.
    pub(super) fn path_bytes(&self, id: NodeId) -> usize {
        let (mut bytes, mut at) = (0, id);
        while at != Self::ROOT && at != self.node(at).parent {
            bytes += self.name(at).len() + 1;
            at = self.node(at).parent;
        }
        bytes
    }

    pub(super) fn path(&self, id: NodeId) -> ImagePath {
        let mut names = Vec::new();
        let mut at = id;
        while at != Self::ROOT && at != self.node(at).parent {
            names.push(self.name(at));
            at = self.node(at).parent;
        }
        names.reverse();
        ImagePath::new(names.join(&b'/'))
    }

    /// Whether both show the same names, each with the same inode and the same other names; where
    /// they come from does not count.
    pub fn same_as(&self, other: &Tree) -> bool {
        let (mut my_links, mut their_links) = (HardLinks::default(), HardLinks::default());
        self.live == other.live
            && self.walk().zip(other.walk()).all(|((path, mine), (other_path, theirs))| {
                path == other_path
                    && mine.inode().same_as(theirs.inode())
                    && my_links.first_name(&path, mine) == their_links.first_name(&path, theirs)
            })
    }
}

/// A name in a tree, with what it stands for.
#[derive(Clone, Copy)]
pub struct NodeRef<'tree> {
    pub(super) tree: &'tree Tree,
    pub(super) id: NodeId,
}

impl<'tree> NodeRef<'tree> {
    /// What the name stands for.
    pub fn inode(self) -> &'tree Inode {
        self.tree.inode(self.id)
    }

    /// Where the *name* comes from. Of a hard link this is the link's entry, while
    /// [`Inode::origin`] is the entry that holds the content.
    pub fn origin(self) -> Origin {
        self.tree.node(self.id).origin
    }

    /// The path.
    pub fn path(self) -> ImagePath {
        self.tree.path(self.id)
    }

    /// The last part of the path; empty for the root.
    pub fn name(self) -> &'tree [u8] {
        self.tree.name(self.id)
    }

    /// How many names its inode has.
    pub fn names(self) -> usize {
        self.tree.slot(self.inode_id()).names as usize
    }

    pub(super) fn inode_id(self) -> InodeId {
        self.tree.node(self.id).inode
    }

    /// The names in a directory, sorted; none for all else.
    pub fn children(self) -> impl DoubleEndedIterator<Item = NodeRef<'tree>> {
        self.tree.children(self.id).map(move |id| NodeRef { tree: self.tree, id })
    }
}

impl std::fmt::Debug for NodeRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeRef")
            .field("path", &self.path())
            .field("origin", &self.origin())
            .field("inode", self.inode())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There may be ten million of each; see `tests/memory.rs` for all that an entry takes.
    #[test]
    fn names_and_inodes_are_small() {
        assert!(size_of::<Node>() <= 40, "{}", size_of::<Node>());
        assert!(size_of::<Inode>() <= 80, "{}", size_of::<Inode>());
        assert!(size_of::<Slot>() <= 88, "{}", size_of::<Slot>());
    }
}
