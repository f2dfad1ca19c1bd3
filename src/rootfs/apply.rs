//! One layer after the other applied to a tree (image-spec layer.md, "Applying Changesets"), in the
//! way of one runtime.
//!
//! What the readers do, as their sources say (Docker `moby/go-archive` `diff.go`, containerd
//! `pkg/archive/tar.go`, podman and buildah `containers/storage` `pkg/archive/diff.go`, umoci
//! `oci/layer/tar_extract.go`), and what was seen of them when run stands at each place where they differ.
//! Seen with: Docker 20.10.24 (`vfs`, `overlay2`), podman 4.3.1 (`vfs`, `overlay`), umoci 0.4.7.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::{self, Mark};
use super::resolve::{Absent, ResolveError};
use super::stack;
use super::tree::{Inode, NodeId, Origin, Tree, Xattrs};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::escape::escape_bytes;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::facts::{TarFacts, Xattr};
use crate::scan::{Entry, EntryKind};

/// The ways in which layers become a root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// Each entry is applied in order onto one real directory, symlinked parents followed: Docker,
    /// podman and buildah with the `vfs` driver, containerd's `native` snapshotter.
    Vfs,
    /// Each layer is extracted into a directory of its own, and overlayfs stacks these: the usual
    /// drivers of Docker, containerd, podman and CRI-O.
    Overlay,
    /// As [`Runtime::Vfs`], but the order of a layer's entries is nothing to whiteouts, and a hard
    /// link's own metadata are nothing: umoci.
    Umoci,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vfs => "vfs",
            Self::Overlay => "overlay",
            Self::Umoci => "umoci",
        })
    }
}

/// Applies layers, lowest first.
#[derive(Debug)]
pub struct Builder {
    runtime: Runtime,
    tree: Tree,
    anomalies: Vec<Anomaly>,
    refusal: Option<String>,
    implied_resets: Vec<(usize, ImagePath)>,
    visits: u64,
}

impl Builder {
    /// Starts with an empty root.
    pub fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            tree: Tree::new(),
            anomalies: Vec::new(),
            refusal: None,
            implied_resets: Vec::new(),
            visits: 0,
        }
    }

    /// Applies the next layer; `layer` is its index in the image.
    ///
    /// # Errors
    ///
    /// Only limits: more names than [`limits::ENTRIES`], more anomalies than
    /// [`limits::LAYER_ANOMALIES`], or a layer that takes too many steps to apply.
    pub fn apply(&mut self, layer: usize, facts: &TarFacts) -> Result<()> {
        let number = u32::try_from(layer).unwrap_or(u32::MAX - 1);
        let in_place = self.runtime != Runtime::Overlay;
        let over_nothing = self.tree.is_empty();
        let mut extraction = Extraction {
            runtime: self.runtime,
            tree: if in_place { std::mem::take(&mut self.tree) } else { Tree::new() },
            layer: number,
            entries: &facts.entries,
            anomalies: Vec::new(),
            refusal: None,
            visits: self.visits,
            over_nothing,
            whiteouts: BTreeMap::new(),
            absent_whiteouts: BTreeSet::new(),
            opaque: BTreeSet::new(),
            pseudo_links: BTreeMap::new(),
            deferred: Vec::new(),
            parents: Vec::new(),
        };
        extraction.run().map_err(|error| error.at(format!("layer {layer}")))?;
        self.visits = extraction.visits;
        self.implied_resets.extend(extraction.implied_resets().map(|path| (layer, path)));
        if self.refusal.is_none() {
            self.refusal = extraction.refusal.map(|reason| format!("layer {layer}: {reason}"));
        }
        self.anomalies.append(&mut extraction.anomalies);
        if in_place {
            self.tree = extraction.tree;
            return Ok(());
        }
        stack::mount(&mut self.tree, &extraction.tree, number, &extraction.opaque)
    }

    /// The tree so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What was ambiguous or broken. Collected in the reading of [`Runtime::Vfs`], which meets every
    /// ambiguity; the others are built to see what becomes of it.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// Why this runtime would not unpack the image, if that is known. The tree then shows what a
    /// more lenient version would make of it.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Directories of a lower layer with a mode, owner or attributes of their own, in which a layer
    /// has entries without naming the directory; with the layer. Here, as in vfs drivers, umoci and
    /// containerd, they keep what the lower layer said. Docker's `overlay2` and podman's `overlay` were
    /// seen to reset them to 0755, owned by root (`/tmp` is no longer 1777).
    pub fn implied_resets(&self) -> &[(usize, ImagePath)] {
        &self.implied_resets
    }

    /// Takes the tree out; an empty one is left.
    pub fn take_tree(&mut self) -> Tree {
        std::mem::take(&mut self.tree)
    }
}

/// One layer on its way into a tree.
pub(super) struct Extraction<'facts> {
    pub(super) runtime: Runtime,
    pub(super) tree: Tree,
    pub(super) layer: u32,
    pub(super) entries: &'facts [Entry],
    pub(super) anomalies: Vec<Anomaly>,
    pub(super) refusal: Option<String>,
    pub(super) visits: u64,
    /// The layers below show nothing.
    pub(super) over_nothing: bool,
    /// What this layer has hidden, directory and name; and whether a lower layer's directory was there.
    pub(super) whiteouts: BTreeMap<(NodeId, Box<[u8]>), bool>,
    /// What it has hidden in directories that are not there (yet).
    pub(super) absent_whiteouts: BTreeSet<ImagePath>,
    /// Directories that this layer makes opaque, for [`stack::mount`].
    pub(super) opaque: BTreeSet<NodeId>,
    /// Files of AUFS's `.wh..wh.plnk` by their last name, which alone is what counts.
    pub(super) pseudo_links: BTreeMap<Box<[u8]>, usize>,
    /// Hard links whose target was not there (yet).
    pub(super) deferred: Vec<(NodeId, usize)>,
    /// Directories of lower layers in which this layer has entries.
    parents: Vec<NodeId>,
}

/// Where the parent of an entry is.
pub(super) enum Parent<'path> {
    Found { directory: NodeId, missing: Vec<&'path [u8]> },
    Nowhere,
}

impl<'facts> Extraction<'facts> {
    fn run(&mut self) -> Result<()> {
        for (index, entry) in self.entries.iter().enumerate() {
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
        if entry.mode & !0o755 != 0 || (entry.uid, entry.gid) != (0, 0) || !entry.xattrs.is_empty() {
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

    /// Notes an entry in a directory, and which directories of lower layers that concerns.
    fn see_parent(&mut self, directory: NodeId) {
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

    /// See [`Builder::implied_resets`].
    fn implied_resets(&self) -> impl Iterator<Item = ImagePath> {
        let ordinary =
            |inode: &Inode| (inode.mode, inode.uid, inode.gid) == (0o755, 0, 0) && inode.xattrs.is_empty();
        let is_reset = move |id: &&NodeId| {
            self.tree.is_attached(**id)
                && !self.tree.node(**id).origin.is_of(self.layer)
                && !ordinary(self.tree.inode(**id))
        };
        self.parents.iter().filter(is_reset).map(|id| self.tree.path(*id))
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
        if marks::is_overlay_whiteout(entry.kind, entry.device) {
            self.ambiguous(
                entry,
                "is a 0/0 character device: overlayfs takes it for a whiteout, others for a device",
            )?;
        }
        if let Some(name) = marks::overlay_xattr(entry) {
            let message =
                format!("bears {}, by which overlayfs is steered and others are not", escape_bytes(name));
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

    /// The directory an entry lies in, symlinks followed inside the root. In [`Runtime::Overlay`]
    /// the tree is the layer's own directory, where a lower layer's symlink is not to be seen.
    pub(super) fn parent(&mut self, entry: &'facts Entry, for_whiteout: bool) -> Result<Parent<'facts>> {
        let (directory, name) = entry.path.split();
        loop {
            let way = self.tree.follow(directory, true, Absent::Tell);
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
                    let node = self.tree.node(at);
                    let (above, name) = (node.parent, std::sync::Arc::clone(&node.name));
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
            && marks::is_overlay_whiteout(inode.kind, inode.device)
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

    /// Notes that readers differ; see [`Builder::anomalies`].
    pub(super) fn ambiguous(&mut self, entry: &Entry, message: &str) -> Result<()> {
        self.note(Fault::AmbiguousEntry, &entry.path, message)
    }

    pub(super) fn note(&mut self, fault: Fault, path: &ImagePath, message: &str) -> Result<()> {
        if self.runtime != Runtime::Vfs {
            return Ok(());
        }
        if self.anomalies.len() >= limits::LAYER_ANOMALIES {
            let limit = limits::LAYER_ANOMALIES as u64;
            return Err(Error::limit("the number of ambiguous entries of a layer", "LAYER_ANOMALIES", limit));
        }
        self.anomalies.push(Anomaly::new(fault, message).path(path).layer(self.layer as usize));
        Ok(())
    }
}

/// The last `count` parts of a directory's path.
fn in_entry(directory: &[u8], count: usize) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = directory.rsplit(|byte| *byte == b'/').take(count).collect();
    parts.reverse();
    parts
}

/// Attributes with others set over them.
pub(super) fn with_added(old: &Xattrs, new: &[Xattr]) -> Xattrs {
    if old.is_empty() {
        return if new.is_empty() { Xattrs::default() } else { new.into() };
    }
    let mut merged: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for (name, value) in old.iter().chain(new) {
        merged.insert(name, value);
    }
    merged.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}
