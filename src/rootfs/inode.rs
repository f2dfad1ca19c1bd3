//! What a name in a tree stands for, and where it comes from.

use std::collections::BTreeMap;

use crate::digest::ContentId;
use crate::scan::facts::{Xattr, Xattrs};
use crate::scan::{Entry, EntryKind, ExtraFields, Extras};

/// Where something comes from: a layer, and the entry of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    layer: u32,
    entry: u32,
}

impl Origin {
    const NO_ENTRY: u32 = u32::MAX;

    /// An entry of a layer.
    pub(super) fn entry_of(layer: u32, entry: usize) -> Self {
        Self { layer, entry: u32::try_from(entry).unwrap_or(Self::NO_ENTRY) }
    }

    /// A directory that no entry names: the parent of one that is named.
    pub(super) fn implied_by(layer: u32) -> Self {
        Self { layer, entry: Self::NO_ENTRY }
    }

    /// Index of the layer in its image.
    pub fn layer(self) -> usize {
        self.layer as usize
    }

    /// Index of the entry in [`TarFacts::entries`](crate::scan::facts::TarFacts::entries); `None` for
    /// a directory that is there only because something below it is.
    pub fn entry(self) -> Option<usize> {
        (self.entry != Self::NO_ENTRY).then_some(self.entry as usize)
    }

    pub(super) fn is_of(self, layer: u32) -> bool {
        self.layer == layer
    }
}

/// What one or several names stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// What it is; never [`EntryKind::HardLink`].
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of a file; 0 for all else.
    pub size: u64,
    /// SHA-256 of a file; zeros for all else.
    pub content: ContentId,
    /// What few inodes have; a link only symlinks, and none an entry's path as written.
    pub extras: Extras,
    /// The entry that holds the content; of a directory, the one that holds its metadata.
    pub origin: Origin,
}

impl Inode {
    /// What an entry makes.
    pub(super) fn of(entry: &Entry, origin: Origin) -> Self {
        let is_symlink = entry.kind == EntryKind::Symlink;
        let differs = entry.raw_path().is_some() || !is_symlink && !entry.link().is_empty();
        let without = |extras: &mut ExtraFields| {
            extras.raw_path = None;
            if !is_symlink {
                extras.link = Box::default();
            }
        };
        Self {
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            content: entry.content,
            extras: if differs { entry.extras.with(without) } else { entry.extras.clone() },
            origin,
        }
    }

    /// A directory that no entry names: 0755, owned by root.
    pub(super) fn implied_directory(origin: Origin) -> Self {
        Self {
            kind: EntryKind::Directory,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 0,
            content: ContentId::default(),
            extras: Extras::default(),
            origin,
        }
    }

    /// Target of a symlink, as written; else empty.
    pub fn link(&self) -> &[u8] {
        self.extras.link()
    }

    /// Extended attributes, sorted by name.
    pub fn xattrs(&self) -> &[Xattr] {
        self.extras.xattrs()
    }

    /// The value of an extended attribute.
    pub fn xattr(&self, name: &[u8]) -> Option<&[u8]> {
        self.extras.xattr(name)
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> (u32, u32) {
        self.extras.device()
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    /// Whether type, metadata and content are the same, wherever they come from.
    pub fn same_as(&self, other: &Inode) -> bool {
        let other = Inode { origin: self.origin, ..other.clone() };
        *self == other
    }
}

/// Attributes with others set over them.
pub(super) fn with_added(old: &[Xattr], new: &[Xattr]) -> Xattrs {
    let mut merged: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for (name, value) in old.iter().chain(new) {
        merged.insert(name, value);
    }
    merged.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}
