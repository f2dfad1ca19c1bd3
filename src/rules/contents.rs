//! What several files hold, as one digest: who accepts a finding about them accepts these and no others.

use std::cell::OnceCell;

use crate::digest::{ContentId, Digest, Sha256};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, ResolveError, Steps, Tree};
use crate::scan::EntryKind;

/// What the digests of one image's findings share: how far symlinks are followed for all of them, and what stands for the image.
#[derive(Debug)]
pub struct Whole<'a> {
    facts: &'a Facts,
    steps: Steps,
    layers: OnceCell<ContentId>,
}

impl<'a> Whole<'a> {
    /// Of an image of which no path was followed yet.
    pub fn new(facts: &'a Facts) -> Self {
        Self { facts, steps: Steps::default(), layers: OnceCell::new() }
    }

    /// Follows a path, as long as [`Steps`] let it.
    ///
    /// # Errors
    /// As there.
    pub fn resolve<'tree>(
        &self,
        tree: &'tree Tree,
        path: &ImagePath,
    ) -> Result<NodeRef<'tree>, ResolveError> {
        self.steps.resolve(tree, path).map(|found| found.node)
    }

    /// All that the image holds: where not every path is known.
    pub fn layers(&self) -> ContentId {
        *self.layers.get_or_init(|| {
            let mut hash = Sha256::default();
            for layer in &self.facts.layers {
                let tar = layer.as_ref().and_then(|layer| layer.tar.as_ref().ok());
                let diff_id = tar.map_or_else(|| "unread".to_owned(), |tar| tar.diff_id.to_string());
                hash.update(format!("{diff_id}\n").as_bytes());
            }
            hash.finish()
        })
    }
}

/// A digest of named values and of what paths hold: all that a container sees of them, so no times and no layers. It is the same in
/// each build in which they are.
#[derive(Debug)]
pub struct Contents<'a> {
    whole: &'a Whole<'a>,
    tree: &'a Tree,
    hash: Sha256,
}

impl<'a> Contents<'a> {
    /// Of nothing yet. `tree` is what paths are looked up in.
    pub fn new(whole: &'a Whole<'a>, tree: &'a Tree) -> Self {
        Self { whole, tree, hash: Sha256::default() }
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
        let found = self.whole.resolve(self.tree, path);
        if found.as_ref().err() == Some(&ResolveError::TooFar) {
            self.add_all_layers();
        }
        found
    }

    /// Adds all that the image holds: where not every path is known.
    pub fn add_all_layers(&mut self) {
        let layers = self.whole.layers();
        self.add("layers", &layers);
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
