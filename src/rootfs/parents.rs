//! The directories that entries lie in: found through symlinks, made where no entry names them, and
//! what runtimes do to those of lower layers on the way.

use super::apply::Extraction;
use super::builder::Runtime;
use super::inode::{Inode, Origin};
use super::marks;
use super::resolve::{Absent, Proc, ResolveError};
use super::tree::{NodeId, Tree};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::scan::Entry;

/// Where the parent of an entry is.
pub(super) enum Parent<'path> {
    Found { directory: NodeId, missing: Vec<&'path [u8]> },
    Nowhere,
}

impl<'facts> Extraction<'facts> {
    /// The directory an entry lies in, symlinks followed inside the root. In [`Runtime::Overlay`]
    /// the tree is the layer's own directory, where a lower layer's symlink is not to be seen.
    pub(super) fn parent(&mut self, entry: &'facts Entry, for_whiteout: bool) -> Result<Parent<'facts>> {
        let (directory, name) = entry.path.split();
        loop {
            let way = self.tree.follow(directory, true, Absent::Tell, Proc::Unmounted);
            let (steps, found, symlink, missing, within) = match way {
                Ok(found) => {
                    // A name that is absent can come from a symlink, too: then it is the tree's.
                    let missing = if found.symlink.is_none() {
                        Ok(in_entry(directory, found.missing.len()))
                    } else {
                        Err(found.missing.iter().map(|name| Box::<[u8]>::from(*name)).collect::<Vec<_>>())
                    };
                    let stands_in_the_way = !self.tree.inode(found.node).is_directory();
                    let node = if stands_in_the_way {
                        Err((ResolveError::NotADirectory, found.node))
                    } else {
                        Ok(found.node)
                    };
                    // What replaces a symlink on its own way is lost with it but for umoci.
                    let replaced = self.tree.child(found.node, name);
                    let within = found.missing.is_empty()
                        && found.beyond.iter().all(|id| self.tree.is_seen(*id, self.layer))
                        && replaced.is_none_or(|replaced| !found.beyond.contains(&replaced));
                    (found.steps, node, found.symlink, missing, within)
                }
                Err(stopped) => {
                    let error = Err((stopped.error, stopped.at));
                    (stopped.steps, error, stopped.symlink, Ok(Vec::new()), false)
                }
            };
            self.visit(steps)?;
            if symlink.is_some()
                && let (Ok(directory), Err(missing)) = (&found, &missing)
            {
                let missing: usize = missing.iter().map(|name| name.len() + 1).sum();
                self.hold_path(*directory, missing + name.len())?;
            }
            // A way within the layer's own directory is the same to all, but for an opaque marker.
            if let Some(symlink) = symlink.filter(|_| !within || for_whiteout) {
                self.through_symlink(entry, symlink)?;
            }
            match found {
                Ok(directory) => {
                    let (directory, missing) = match missing {
                        Ok(missing) => (directory, missing),
                        Err(owned) if for_whiteout && !owned.is_empty() => return Ok(Parent::Nowhere),
                        Err(owned) => {
                            let names: Vec<&[u8]> = owned.iter().map(|name| &**name).collect();
                            (self.make_directories(directory, &names)?, Vec::new())
                        }
                    };
                    return Ok(Parent::Found { directory, missing });
                }
                // `.wh.a` and `a/.wh.b` in one layer: some tools write both, podman passes over it.
                Err((ResolveError::NotADirectory, at)) if for_whiteout && self.is_hidden(at) => {
                    return Ok(Parent::Nowhere);
                }
                Err((ResolveError::NotADirectory, at)) => {
                    self.ambiguous(
                        entry,
                        "lies below a name that is not a directory: vfs drivers and containerd refuse \
                         it, overlay drivers and newer umoci put a directory in its place",
                    )?;
                    // Seen: podman's overlay passes over a whiteout here, which Docker refuses.
                    if for_whiteout {
                        return Ok(Parent::Nowhere);
                    }
                    if self.runtime == Runtime::Overlay {
                        self.refuse(entry, "its parent is not a directory in its own layer");
                    }
                    let (above, name) = (self.tree.node(at).parent, self.tree.name(at).to_vec());
                    self.tree.remove(at);
                    self.make_directories(above, &[&name])?;
                }
                Err((error, _)) => {
                    self.ambiguous(entry, &format!("has a parent that cannot be followed: {error}"))?;
                    self.refuse(entry, "its parent cannot be followed");
                    return Ok(Parent::Nowhere);
                }
            }
        }
    }

    /// Symlinks into ever deeper directories make paths longer than any entry's.
    fn hold_path(&self, directory: NodeId, more: usize) -> Result<()> {
        if self.tree.path_bytes(directory).saturating_add(more) > limits::PATH_BYTES {
            let limit = limits::PATH_BYTES as u64;
            return Err(Error::limit("a path behind symlinks", "PATH_BYTES", limit));
        }
        Ok(())
    }

    /// Seen with Docker 20.10 and podman 4.3 (`vfs`) and umoci 0.4.7: `bin/ls` over a lower
    /// `bin -> usr/bin` is written to `usr/bin/ls`, while an overlay driver (Docker's `overlay2`,
    /// podman's `overlay`), which knows the layer alone, makes a directory `bin` that replaces the symlink.
    fn through_symlink(&mut self, entry: &Entry, symlink: NodeId) -> Result<()> {
        let lower = !self.tree.node(symlink).origin.is_of(self.layer);
        let message = format!(
            "lies behind the symlink {} of {}",
            self.tree.path(symlink),
            if lower {
                "a lower layer: vfs drivers and umoci follow it, overlay drivers put a directory in its place"
            } else {
                "its own layer: some unpackers follow it, others refuse where its target is of a lower layer"
            }
        );
        self.ambiguous(entry, &message)
    }

    /// Whether this is a whiteout in a layer's own directory.
    fn is_hidden(&self, node: NodeId) -> bool {
        let inode = self.tree.inode(node);
        self.runtime == Runtime::Overlay
            && !self.tree.is_seen(node, self.layer)
            && marks::is_overlay_whiteout(inode.kind, inode.device())
    }

    /// Makes the directories that no entry names: 0755, owned by root.
    pub(super) fn make_directories(&mut self, mut directory: NodeId, names: &[&[u8]]) -> Result<NodeId> {
        let origin = Origin::implied_by(self.layer);
        for name in names {
            directory = match self.tree.child(directory, name) {
                Some(there) => there,
                None => self.tree.add(directory, name, Inode::implied_directory(origin), origin)?,
            };
        }
        Ok(directory)
    }

    /// Notes an entry in a directory, and which directories of lower layers that concerns.
    pub(super) fn see_parent(&mut self, directory: NodeId) {
        let mut at = directory;
        while !self.tree.is_seen(at, self.layer) && at != Tree::ROOT {
            let node = self.tree.node(at);
            if !node.origin.is_of(self.layer) {
                self.parents.push(at);
            }
            at = node.parent;
        }
        self.tree.see(directory, self.layer);
    }

    /// See [`super::Builder::implied_resets`].
    pub(super) fn implied_resets(&self) -> impl Iterator<Item = ImagePath> {
        let ordinary =
            |inode: &Inode| (inode.mode, inode.uid, inode.gid) == (0o755, 0, 0) && inode.xattrs().is_empty();
        let is_reset = move |id: &&NodeId| {
            self.tree.is_attached(**id)
                && !self.tree.node(**id).origin.is_of(self.layer)
                && !ordinary(self.tree.inode(**id))
        };
        self.parents.iter().filter(is_reset).map(|id| self.tree.path(*id))
    }
}

/// The last `count` parts of a directory's path.
fn in_entry(directory: &[u8], count: usize) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = directory.rsplit(|byte| *byte == b'/').take(count).collect();
    parts.reverse();
    parts
}
