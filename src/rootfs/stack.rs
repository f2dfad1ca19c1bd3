//! A layer's own directory mounted over the layers below, as overlayfs does (Linux
//! `Documentation/filesystems/overlayfs.rst`): 0/0 character devices hide a name, an opaque
//! directory hides all below it, a directory over a directory is merged and shows the upper one's
//! metadata, anything else replaces.
//!
//! Redirects, data-only layers and `metacopy` are not followed: the drivers do not mount with them,
//! and entries that bear their marks are ambiguous in any case.

use std::collections::{BTreeMap, BTreeSet};

use super::marks;
use super::tree::{NodeId, Tree};
use crate::error::Result;

/// Puts `upper` over `tree`; `opaque` are the directories of `upper` that hide what is below.
pub(super) fn mount(tree: &mut Tree, upper: &Tree, layer: u32, opaque: &BTreeSet<NodeId>) -> Result<()> {
    // The first name under which each hard-linked inode of the layer came into the tree.
    let mut linked = BTreeMap::new();
    let mut directories = vec![(Tree::ROOT, Tree::ROOT)];
    while let Some((from, to)) = directories.pop() {
        let inode = upper.inode(from);
        if opaque.contains(&from) || marks::is_overlay_opaque(inode.xattrs()) {
            let hidden: Vec<NodeId> = tree.children(to).collect();
            hidden.into_iter().for_each(|child| tree.remove(child));
        }
        for node in upper.reference(from).children() {
            let (name, inode, origin) = (node.name(), node.inode(), node.origin());
            let below = tree.child(to, name);
            if let Some(below) =
                below.filter(|below| inode.is_directory() && tree.inode(*below).is_directory())
            {
                // A directory that no entry names says nothing of its metadata: containerd copies
                // the lower one's.
                if origin.entry().is_some() {
                    *tree.inode_mut(below) = inode.clone();
                    tree.set_origin(below, origin);
                }
                directories.push((node.id, below));
                continue;
            }
            match below {
                Some(below) => tree.remove(below),
                // A directory that is there for whiteouts only; see the module `rootfs`.
                None if inode.is_directory() && !upper.is_seen(node.id, layer) => continue,
                None => {}
            }
            if marks::is_overlay_whiteout(inode.kind, inode.device()) {
                continue;
            }
            let inode_number = node.inode_id();
            let added = match linked.get(&inode_number) {
                Some(first) => tree.add_link(to, name, *first, origin)?,
                None => tree.add(to, name, inode.clone(), origin)?,
            };
            if node.names() > 1 {
                linked.entry(inode_number).or_insert(added);
            }
            if inode.is_directory() {
                directories.push((node.id, added));
            }
        }
    }
    Ok(())
}
