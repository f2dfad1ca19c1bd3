//! The entries of one layer applied to a tree (image-spec layer.md, "Applying Changesets"), in the way
//! of one runtime.
//!
//! What the readers do, as their sources say (Docker `moby/go-archive` `diff.go`, containerd
//! `pkg/archive/tar.go`, podman and buildah `containers/storage` `pkg/archive/diff.go`, umoci
//! `oci/layer/tar_extract.go`), and what was seen of them when run stands at each place where they differ.
//! Seen with: Docker 20.10.24 (`vfs`, `overlay2`), podman 4.3.1 (`vfs`, `overlay`), umoci 0.4.7.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Runtime;
use super::inode::{Inode, Origin};
use super::marks::{self, Mark};
use super::parents::Parent;
use super::tree::{NodeId, Tree};
use crate::error::{Error, Result};
use crate::limits::{self, Deadline};
use crate::model::anomaly::Anomalies;
use crate::model::escape::escape_bytes;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::{Entry, EntryKind};

/// One layer on its way into a tree.
pub(super) struct Extraction<'facts> {
    pub(super) runtime: Runtime,
    pub(super) tree: Tree,
    pub(super) layer: u32,
    pub(super) entries: &'facts [Entry],
    pub(super) anomalies: Anomalies,
    pub(super) refusal: Option<String>,
    pub(super) visits: u64,
    pub(super) deadline: Deadline,
    /// The layers below show nothing.
    pub(super) over_nothing: bool,
    /// What this layer has hidden, directory and name; and whether a lower layer's directory was there.
    pub(super) whiteouts: BTreeMap<(NodeId, Box<[u8]>), bool>,
    /// What it has hidden in directories that are not there (yet).
    pub(super) absent_whiteouts: BTreeSet<ImagePath>,
    /// Directories that this layer makes opaque, for [`super::stack::mount`].
    pub(super) opaque: BTreeSet<NodeId>,
    /// Files of AUFS's `.wh..wh.plnk` by their last name, which alone is what counts.
    pub(super) pseudo_links: BTreeMap<Box<[u8]>, usize>,
    /// Hard links whose target was not there (yet).
    pub(super) deferred: Vec<(NodeId, usize)>,
    /// Directories of lower layers in which this layer has entries.
    pub(super) parents: Vec<NodeId>,
}

impl<'facts> Extraction<'facts> {
    /// Begins with layer number `layer`, whose entries go into `tree`, as if it were the first one.
    pub(super) fn new(runtime: Runtime, tree: Tree, layer: u32, entries: &'facts [Entry]) -> Self {
        Self {
            runtime,
            tree,
            layer,
            entries,
            anomalies: Anomalies::of_image(),
            refusal: None,
            visits: 0,
            deadline: Deadline::default(),
            over_nothing: true,
            whiteouts: BTreeMap::new(),
            absent_whiteouts: BTreeSet::new(),
            opaque: BTreeSet::new(),
            pseudo_links: BTreeMap::new(),
            deferred: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Applies all entries.
    pub(super) fn run(&mut self) -> Result<()> {
        for (index, entry) in self.entries.iter().enumerate() {
            if index.is_multiple_of(limits::ENTRIES_AT_ONCE) {
                self.deadline.check()?;
            }
            self.entry(index, entry)?;
        }
        self.link_deferred()
    }

    fn entry(&mut self, index: usize, entry: &'facts Entry) -> Result<()> {
        match marks::mark(&entry.path) {
            Mark::Root => self.root_entry(index, entry),
            Mark::Leftover => Ok(()),
            Mark::Whiteout(name) => self.whiteout(entry, name),
            Mark::Opaque => self.opaque_marker(entry),
            Mark::OddWhiteout => self.odd_whiteout(entry),
            Mark::BelowLeftover => self.below_leftover(index, entry),
            Mark::BelowWhiteout => {
                self.ambiguous(
                    entry,
                    "lies below a directory whose name is a whiteout's: unpackers make that \
                     directory, the image specification knows no such name",
                )?;
                self.content(index, entry)
            }
            Mark::None => self.content(index, entry),
        }
    }

    /// `./`: seen, Docker 20.10 and podman 4.3 with `vfs`, and umoci 0.4.7 set the root's metadata, and
    /// overlay drivers do not; by their sources, containerd and newer Docker pass it over too. An
    /// ordinary root (0755 or less, owned by root) is no matter, and Fedora's is 0555.
    fn root_entry(&mut self, index: usize, entry: &Entry) -> Result<()> {
        if entry.kind != EntryKind::Directory {
            return self
                .ambiguous(entry, "would replace the root directory: umoci refuses it, others pass it over");
        }
        if entry.mode & !0o755 != 0 || (entry.uid, entry.gid) != (0, 0) || !entry.xattrs().is_empty() {
            self.ambiguous(
                entry,
                "gives the root directory a mode, owner or attributes of its own: vfs drivers and \
                 umoci set them, overlay drivers and containerd do not",
            )?;
        }
        if self.runtime != Runtime::Overlay {
            self.update_directory(Tree::ROOT, index, entry);
        }
        Ok(())
    }

    /// Docker and podman keep regular files below `.wh..wh.plnk` aside as targets of hard links and
    /// pass over all else there; containerd, umoci and overlay drivers unpack it as any file.
    fn below_leftover(&mut self, index: usize, entry: &'facts Entry) -> Result<()> {
        self.ambiguous(
            entry,
            "lies below a leftover of AUFS: Docker and podman keep it only as a target of hard links, \
             containerd and umoci unpack it",
        )?;
        if self.runtime != Runtime::Vfs {
            return self.content(index, entry);
        }
        if entry.kind == EntryKind::File && entry.path.as_bytes().starts_with(marks::PSEUDO_LINKS) {
            self.pseudo_links.insert(entry.path.file_name().into(), index);
        }
        Ok(())
    }

    /// Whether readers differ on this content, for its layer hid a name on its path before.
    ///
    /// What takes the very name that was hidden replaces the whiteout, and so what lower layers hold
    /// there; only a directory would be merged with a lower one. A directory that no entry names cannot
    /// be made where an overlay driver has put the whiteout.
    fn is_beside_whiteout(&self, entry: &Entry, directory: NodeId, missing: &[&[u8]]) -> bool {
        let hidden = |name: &[u8]| self.whiteouts.get(&(directory, name.into())).copied();
        let Some(first) = missing.first() else {
            let was_directory = !self.whiteouts.is_empty() && hidden(entry.path.file_name()) == Some(true);
            return was_directory && entry.kind == EntryKind::Directory;
        };
        if !self.whiteouts.is_empty() && hidden(first).is_some() {
            return true;
        }
        if self.absent_whiteouts.is_empty() {
            return false;
        }
        let mut at = entry.path.parent();
        missing.iter().any(|_| {
            let above = at.parent();
            self.absent_whiteouts.contains(&std::mem::replace(&mut at, above))
        })
    }

    fn content(&mut self, index: usize, entry: &'facts Entry) -> Result<()> {
        if marks::is_overlay_whiteout(entry.kind, entry.device()) {
            self.ambiguous(
                entry,
                "is a 0/0 character device: overlayfs takes it for a whiteout, others for a device",
            )?;
        }
        if let Some(name) = marks::steering_xattr(entry) {
            let message = format!(
                "bears {}, by which some storage drivers are steered and others are not",
                escape_bytes(name)
            );
            self.ambiguous(entry, &message)?;
        }
        let Parent::Found { directory, missing } = self.parent(entry, false)? else { return Ok(()) };
        let name = entry.path.file_name();
        if self.is_beside_whiteout(entry, directory, &missing) {
            self.beside_whiteout(entry)?;
        }
        let directory = self.make_directories(directory, &missing)?;
        self.see_parent(directory);
        let there = self.tree.child(directory, name);
        if let Some(there) = there {
            if entry.kind == EntryKind::Directory && self.tree.inode(there).is_directory() {
                self.update_directory(there, index, entry);
                self.tree.see(there, self.layer);
                return Ok(());
            }
            if entry.kind == EntryKind::Directory && self.tree.node(there).origin.is_of(self.layer) {
                self.ambiguous(
                    entry,
                    "comes after an entry of its layer that puts something else there: vfs drivers and \
                     umoci then lose what lower layers hold in the directory, overlay drivers show it",
                )?;
            }
            self.tree.remove(there);
        }
        if entry.kind == EntryKind::HardLink {
            return self.hard_link(directory, index, entry);
        }
        let origin = Origin::entry_of(self.layer, index);
        let node = self.tree.add(directory, name, Inode::of(entry, origin), origin)?;
        self.tree.see(node, self.layer);
        Ok(())
    }

    /// A directory over a directory takes its metadata, attributes included: seen with podman 4.3
    /// (`vfs`, `overlay`), Docker 20.10 (`overlay2`) and umoci 0.4.7. (containerd's `native` snapshotter
    /// would keep the lower ones beside them, by its source.)
    fn update_directory(&mut self, node: NodeId, index: usize, entry: &Entry) {
        let origin = Origin::entry_of(self.layer, index);
        *self.tree.inode_mut(node) = Inode::of(entry, origin);
        self.tree.set_origin(node, origin);
    }

    pub(super) fn visit(&mut self, names: u64) -> Result<()> {
        self.visits = self.visits.saturating_add(names);
        if self.visits > limits::LAYER_VISITS {
            return Err(Error::limit(
                "the number of names visited to apply the layers",
                "LAYER_VISITS",
                limits::LAYER_VISITS,
            ));
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, entry: &Entry, why: &str) {
        if self.refusal.is_none() {
            self.refusal = Some(format!("{}: {why}", entry.path));
        }
    }

    /// Notes that readers differ; see [`super::Builder::anomalies`].
    pub(super) fn ambiguous(&mut self, entry: &Entry, message: &str) -> Result<()> {
        self.note(Fault::AmbiguousEntry, &entry.path, message)
    }

    pub(super) fn note(&mut self, fault: Fault, path: &ImagePath, message: &str) -> Result<()> {
        if self.runtime != Runtime::Vfs {
            return Ok(());
        }
        self.anomalies.push(Anomaly::new(fault, message).path(path).layer(self.layer as usize))
    }
}
