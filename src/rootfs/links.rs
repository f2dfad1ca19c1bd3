//! Hard links: several names of one inode within a layer (image-spec layer.md, "Hardlinks").
//!
//! The specification says what a hard link is, not what it means across layers or with metadata of
//! its own. Docker, containerd and podman link against what is on disk when the entry comes, then
//! set the entry's owner, mode and attributes, and so those of all names; umoci links likewise and
//! sets nothing; an overlay driver has only the layer's own files to link to.

use super::apply::Extraction;
use super::builder::Runtime;
use super::capabilities::XATTR as CAPABILITY;
use super::inode::{Inode, Origin, with_added};
use super::marks;
use super::resolve::{Absent, Proc};
use super::tree::NodeId;
use crate::error::Result;
use crate::model::Fault;
use crate::scan::{Entry, EntryKind};

impl Extraction<'_> {
    /// A hard link in `directory`, where its name is free.
    pub(super) fn hard_link(&mut self, directory: NodeId, index: usize, entry: &Entry) -> Result<()> {
        if self.runtime == Runtime::Vfs
            && entry.hard_link_target().as_bytes().starts_with(marks::PSEUDO_LINKS)
        {
            return self.pseudo_link(directory, index, entry);
        }
        match self.link_target(entry)? {
            Some((target, _)) if self.tree.inode(target).is_directory() => {
                self.broken(entry, "it names a directory, and those cannot be linked")
            }
            Some((target, behind_symlink)) => self.link_to(directory, target, behind_symlink, index, entry),
            None => {
                self.deferred.push((directory, index));
                Ok(())
            }
        }
    }

    /// Hard links whose target was not there when they came. In order they cannot be made, and no
    /// known unpacker makes them; where the target came later in the layer, the link is made
    /// nevertheless, so that what it could show is judged.
    pub(super) fn link_deferred(&mut self) -> Result<()> {
        for (directory, index) in std::mem::take(&mut self.deferred) {
            let Some(entry) = self.entries.get(index) else { continue };
            let name = entry.path.file_name();
            match self.link_target(entry)? {
                Some((target, _)) if !self.tree.inode(target).is_directory() => {
                    self.broken(entry, "its target comes later in the layer, and unpackers go by order")?;
                    if self.tree.is_attached(directory) && self.tree.child(directory, name).is_none() {
                        let node = self.tree.add_link(
                            directory,
                            name,
                            target,
                            Origin::entry_of(self.layer, index),
                        )?;
                        self.tree.see(node, self.layer);
                    }
                }
                _ => self.broken(entry, "there is nothing at its target")?,
            }
            if self.runtime == Runtime::Overlay {
                self.refuse(entry, "its target is not in its own layer when it comes");
            }
        }
        Ok(())
    }

    /// What a hard link names, and whether that lies behind a symlink of a lower layer.
    fn link_target(&mut self, entry: &Entry) -> Result<Option<(NodeId, bool)>> {
        let path = entry.hard_link_target();
        let (steps, found) = match self.tree.follow(path.as_bytes(), false, Absent::Refuse, Proc::Unmounted) {
            Ok(found) => (found.steps, Some((found.node, found.symlink))),
            Err(stopped) => (stopped.steps, None),
        };
        self.visit(steps)?;
        Ok(found.map(|(node, symlink)| {
            (node, symlink.is_some_and(|symlink| !self.tree.node(symlink).origin.is_of(self.layer)))
        }))
    }

    fn link_to(
        &mut self,
        directory: NodeId,
        target: NodeId,
        behind_symlink: bool,
        index: usize,
        entry: &Entry,
    ) -> Result<()> {
        let across = behind_symlink || !self.tree.node(target).origin.is_of(self.layer);
        if across {
            self.ambiguous(
                entry,
                "is a hard link to a file that its own layer does not hold: vfs drivers and \
                 containerd set its mode and owner on that file, umoci does not, overlay drivers refuse",
            )?;
        }
        let old = self.tree.inode(target);
        let new = relinked(old, entry, self.runtime);
        if new != *old {
            if !across {
                self.ambiguous(
                    entry,
                    "is a hard link with a mode, owner or attributes that differ from its target's: \
                     vfs and overlay drivers set them on all names of the file, umoci on none",
                )?;
            }
            if self.runtime != Runtime::Umoci {
                *self.tree.inode_mut(target) = new;
            }
        }
        let origin = Origin::entry_of(self.layer, index);
        let node = self.tree.add_link(directory, entry.path.file_name(), target, origin)?;
        self.tree.see(node, self.layer);
        Ok(())
    }

    /// Docker and podman make a file of its own from what AUFS kept under the link's last name.
    fn pseudo_link(&mut self, directory: NodeId, index: usize, entry: &Entry) -> Result<()> {
        let target = entry.hard_link_target();
        let source = self.pseudo_links.get(target.file_name()).copied();
        let Some((source, kept)) = source.and_then(|source| Some((source, self.entries.get(source)?))) else {
            return self.broken(entry, "there is nothing at its target");
        };
        let inode = Inode::of(kept, Origin::entry_of(self.layer, source));
        let origin = Origin::entry_of(self.layer, index);
        let node = self.tree.add(directory, entry.path.file_name(), inode, origin)?;
        self.tree.see(node, self.layer);
        Ok(())
    }

    fn broken(&mut self, entry: &Entry, why: &str) -> Result<()> {
        let message = format!("a hard link to {} cannot be made: {why}", entry.hard_link_target());
        self.note(Fault::BrokenHardlink, &entry.path, &message)
    }
}

/// An inode after a hard link's metadata were set on it: all but the mode of a symlink, which Linux has
/// none for. Changing the owner, even to the same, takes
/// a file's capabilities away (Linux `chown(2)`), so they stay only where the link bears them too:
/// seen with Docker 20.10. podman 4.3 does not change an owner that is right already, and was seen to
/// keep them; that is the reading of [`Runtime::Overlay`] here, for one of them must show it.
fn relinked(old: &Inode, entry: &Entry, runtime: Runtime) -> Inode {
    let mut new = old.clone();
    (new.uid, new.gid) = (entry.uid, entry.gid);
    if old.kind != EntryKind::Symlink {
        new.mode = entry.mode;
    }
    let owner_changes = runtime != Runtime::Overlay || (old.uid, old.gid) != (new.uid, new.gid);
    let loses = |inode: &Inode| inode.xattr(CAPABILITY).is_some() && entry.xattr(CAPABILITY).is_none();
    let loses_capability = owner_changes && loses(old);
    if loses_capability || !entry.xattrs().is_empty() {
        let mut xattrs = with_added(old.xattrs(), entry.xattrs());
        xattrs.retain(|(name, _)| !loses_capability || **name != *CAPABILITY);
        new.extras = new.extras.with(|extras| extras.xattrs = xattrs);
    }
    new
}
