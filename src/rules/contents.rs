//! What several files hold, as one digest: who accepts a finding about them accepts these and no others.

use crate::digest::{ContentId, Digest, Sha256};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, ResolveError, Tree};
use crate::scan::EntryKind;

/// A digest of named values and of what paths hold: all that a container sees of them, so no times and no layers. It is the same in
/// each build in which they are.
#[derive(Debug)]
pub struct Contents<'a> {
    facts: &'a Facts,
    tree: &'a Tree,
    hash: Sha256,
    /// Parts of paths that symlinks may still lead through.
    steps: u64,
}

impl<'a> Contents<'a> {
    /// Of nothing yet. `tree` is what paths are looked up in.
    pub fn new(facts: &'a Facts, tree: &'a Tree) -> Self {
        Self { facts, tree, hash: Sha256::default(), steps: limits::LINKED_VISITS }
    }

    /// Adds a value. Lengths keep ("ab", "c") and ("a", "bc") apart.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        self.hash.update(format!("{name} {}\n", value.len()).as_bytes());
        self.hash.update(value);
    }

    /// Adds what is at a path, and what a symlink there leads to.
    pub fn add_path(&mut self, path: &ImagePath) {
        self.add("path", path.as_bytes());
        let tree = self.tree;
        let found = match tree.get(path) {
            Some(node) => Ok(node),
            // Behind a symlink of a directory, or gone.
            None => self.resolved(path),
        };
        match found {
            Ok(node) => {
                self.add_inode(node.inode());
                if node.inode().kind == EntryKind::Symlink {
                    match self.resolved(path) {
                        Ok(node) => self.add_inode(node.inode()),
                        Err(error) => self.add("leads", error.to_string().as_bytes()),
                    }
                }
            }
            Err(error) => self.add("holds", error.to_string().as_bytes()),
        }
    }

    fn resolved(&mut self, path: &ImagePath) -> Result<NodeRef<'a>, ResolveError> {
        if self.steps == 0 {
            self.add_all_layers();
            return Err(ResolveError::TooManyHops);
        }
        self.tree.resolve_within(path, &mut self.steps).map(|found| found.node)
    }

    /// Adds all that the image holds: where not every path is known.
    pub fn add_all_layers(&mut self) {
        for layer in &self.facts.layers {
            let diff_id = layer.as_ref().and_then(|layer| layer.tar.as_ref().ok()).map(|tar| tar.diff_id);
            let diff_id = diff_id.map(|digest| digest.to_string()).unwrap_or_default();
            self.add("layer", diff_id.as_bytes());
        }
    }

    fn add_inode(&mut self, inode: &Inode) {
        let Inode { kind, mode, uid, gid, content, .. } = inode;
        let (major, minor) = inode.device();
        self.add("inode", format!("{kind:?} {mode:o} {uid} {gid} {major} {minor}").as_bytes());
        match kind {
            EntryKind::File => self.add("content", content),
            EntryKind::Symlink => self.add("target", inode.link()),
            _ => {}
        }
        for (name, value) in inode.xattrs() {
            self.add("xattr", name);
            self.add("value", value);
        }
    }

    /// The digest.
    pub fn digest(self) -> ContentId {
        self.hash.finish()
    }
}

/// What a symlink holds that leads to no file.
pub fn of_symlink(inode: &Inode) -> Option<ContentId> {
    let Digest::Sha256(target) = Digest::sha256(inode.link()) else { return None };
    (inode.kind == EntryKind::Symlink).then_some(target)
}
