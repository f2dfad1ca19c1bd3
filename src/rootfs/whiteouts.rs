//! What hides the files of lower layers (image-spec layer.md, "Whiteouts").

use super::apply::Extraction;
use super::builder::Runtime;
use super::inode::{Inode, Origin};
use super::parents::Parent;
use super::resolve::{Absent, Proc};
use super::tree::{NodeId, Tree};
use crate::error::Result;
use crate::scan::{Entry, EntryKind};

impl<'facts> Extraction<'facts> {
    /// `.wh.x`. In order onto one directory, it removes what is there; umoci spares what its own
    /// layer added, before or after; overlay drivers make a 0/0 character device, which fails where
    /// the name is taken, and which a later entry of the name replaces. So where a layer hides a
    /// directory and then makes it, Docker 20.10 (`overlay2`) and podman 4.3 (`overlay`) show the lower
    /// layer's files in it again; with `vfs`, and in umoci 0.4.7, they are gone.
    pub(super) fn whiteout(&mut self, entry: &'facts Entry, name: &[u8]) -> Result<()> {
        let Parent::Found { directory, missing } = self.parent(entry, true)? else { return Ok(()) };
        if self.runtime == Runtime::Overlay {
            let directory = self.make_directories(directory, &missing)?;
            if let Some(taken) = self.tree.child(directory, name) {
                if self.tree.is_seen(taken, self.layer) {
                    self.refuse(entry, "the name it hides is taken in its own layer");
                    return Ok(());
                }
                // There for whiteouts only, which this one makes needless.
                self.tree.remove(taken);
            }
            let origin = Origin::implied_by(self.layer);
            let mut mark = Inode::implied_directory(origin);
            mark.kind = EntryKind::CharDevice;
            self.tree.add(directory, name, mark, origin)?;
            return Ok(());
        }
        if !missing.is_empty() {
            self.absent_whiteouts.insert(entry.path.parent().join(name));
            return Ok(());
        }
        let hidden = self.tree.child(directory, name);
        *self.whiteouts.entry((directory, name.into())).or_default() |=
            hidden.is_some_and(|hidden| self.tree.inode(hidden).is_directory());
        let Some(hidden) = hidden else { return Ok(()) };
        if self.tree.is_seen(hidden, self.layer) {
            self.beside_whiteout(entry)?;
        }
        match self.runtime {
            Runtime::Umoci => self.remove_lower(hidden, true),
            _ => {
                self.tree.remove(hidden);
                Ok(())
            }
        }
    }

    pub(super) fn beside_whiteout(&mut self, entry: &Entry) -> Result<()> {
        self.ambiguous(
            entry,
            "one layer both hides this name and adds to it: umoci lets the addition win in either \
             order, vfs drivers take the last, overlay drivers refuse or show lower files again",
        )
    }

    /// `.wh..wh..opq`. All spare what the marker's own layer added, wherever the marker stands; only
    /// Docker, containerd and podman remember no directories that were merely implied.
    ///
    /// In the root it hides everything from Docker 20.10 and podman 4.3 with `vfs` and from umoci 0.4.7,
    /// and nothing where an overlay is mounted, whose root is always merged; containerd 1.6 takes it for
    /// a leftover of AUFS. Where the directory's own name is a symlink, Docker's and podman's `vfs` do
    /// not follow it, and hide nothing either. All this was seen.
    pub(super) fn opaque_marker(&mut self, entry: &'facts Entry) -> Result<()> {
        let Parent::Found { directory, missing } = self.parent(entry, true)? else { return Ok(()) };
        let is_root = missing.is_empty() && directory == Tree::ROOT;
        if is_root && !self.over_nothing {
            self.ambiguous(
                entry,
                "hides all that lower layers hold: vfs drivers and umoci obey it, overlay drivers and \
                 containerd pass it over in the root",
            )?;
        }
        match self.runtime {
            Runtime::Overlay if is_root => Ok(()),
            Runtime::Overlay => {
                let directory = self.make_directories(directory, &missing)?;
                self.opaque.insert(directory);
                Ok(())
            }
            _ if !missing.is_empty() => Ok(()),
            Runtime::Umoci => self.remove_lower(directory, false),
            Runtime::Vfs if self.is_symlink(entry.path.split().0) => Ok(()),
            Runtime::Vfs => self.remove_without_entry(entry, directory),
        }
    }

    fn is_symlink(&self, path: &[u8]) -> bool {
        let found = self.tree.follow(path, false, Absent::Refuse, Proc::Unmounted);
        found.is_ok_and(|found| self.tree.inode(found.node).kind == EntryKind::Symlink)
    }

    /// Removes what lower layers hold, as umoci: all that this layer has no entry at or below.
    fn remove_lower(&mut self, top: NodeId, with_top: bool) -> Result<()> {
        if with_top && !self.tree.is_seen(top, self.layer) {
            self.tree.remove(top);
            return Ok(());
        }
        let mut directories = vec![top];
        while let Some(directory) = directories.pop() {
            let children: Vec<NodeId> = self.tree.children(directory).collect();
            self.visit(children.len() as u64)?;
            for child in children {
                if self.tree.is_seen(child, self.layer) {
                    directories.push(child)
                } else {
                    self.tree.remove(child)
                }
            }
        }
        Ok(())
    }

    /// Removes all that this layer has no entry *at*, as Docker, containerd and podman.
    fn remove_without_entry(&mut self, entry: &Entry, top: NodeId) -> Result<()> {
        let mut directories = vec![top];
        while let Some(directory) = directories.pop() {
            let children: Vec<NodeId> = self.tree.children(directory).collect();
            self.visit(children.len() as u64)?;
            for child in children {
                let origin = self.tree.node(child).origin;
                if origin.is_of(self.layer) && origin.entry().is_some() {
                    directories.push(child);
                    continue;
                }
                if self.tree.is_seen(child, self.layer) {
                    self.ambiguous(
                        entry,
                        "comes after entries of its layer whose directory has no entry: vfs drivers \
                         and containerd hide them too, umoci and overlay drivers do not",
                    )?;
                }
                self.tree.remove(child);
            }
        }
        Ok(())
    }

    /// `.wh.`, `.wh..`, `.wh...`: joined to their directory, they name it or its parent. Seen: Docker
    /// 20.10 and podman 4.3 with `vfs` remove the directory, with an overlay driver they fail, and
    /// umoci 0.4.7 fails too.
    pub(super) fn odd_whiteout(&mut self, entry: &'facts Entry) -> Result<()> {
        self.ambiguous(
            entry,
            "is a whiteout without a name: older vfs drivers remove the directory it is in (or that \
             directory's parent), umoci and newer ones refuse it",
        )?;
        let Parent::Found { directory, missing } = self.parent(entry, true)? else { return Ok(()) };
        if self.runtime == Runtime::Overlay {
            self.refuse(entry, "a whiteout without a name");
            return Ok(());
        }
        if !missing.is_empty() {
            return Ok(());
        }
        let name = entry.path.file_name();
        let hidden = if name == b".wh..." { self.tree.node(directory).parent } else { directory };
        match self.runtime {
            // The directory is gone when umoci would restore its metadata.
            Runtime::Umoci if name == b".wh." || !self.tree.is_seen(directory, self.layer) => {
                self.refuse(entry, "a whiteout without a name");
            }
            Runtime::Umoci => self.remove_lower(hidden, false)?,
            // Nobody can remove the root; what is in it goes.
            _ if hidden == Tree::ROOT => {
                let all: Vec<NodeId> = self.tree.children(hidden).collect();
                all.into_iter().for_each(|child| self.tree.remove(child));
            }
            _ => self.tree.remove(hidden),
        }
        Ok(())
    }
}
