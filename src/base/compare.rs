//! What the upper layers changed of the base, path by path in the effective tree.
//!
//! Same bytes and metadata written again is no change, and times never count.

use std::collections::BTreeMap;

use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, Tree};
use crate::scan::{Entry, EntryKind};

/// Everything that differs between the base's tree and the effective one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Sorted by path.
    pub changes: Vec<Change>,
}

/// One path of the base that is not as the base left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: ImagePath,
    /// The layer that did it; `None` where no entry tells.
    pub layer: Option<usize>,
    /// How it differs.
    pub kind: ChangeKind,
}

/// How a path of the base differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A file has other content.
    Modified {
        /// SHA-256 and size in the base.
        was: ([u8; 32], u64),
        /// SHA-256 and size now.
        is: ([u8; 32], u64),
    },
    /// A symlink has another target.
    Retargeted {
        /// Target in the base.
        was: Box<[u8]>,
        /// Target now.
        is: Box<[u8]>,
    },
    /// It is of another type.
    Replaced {
        /// Type in the base.
        was: EntryKind,
        /// Type now.
        is: EntryKind,
    },
    /// It is gone.
    Deleted {
        /// How many paths below it went with it.
        below: usize,
        /// It is not deleted itself: what is below it is gone because it is no directory any more.
        by_replacement: bool,
    },
    /// Mode, owner, extended attributes or device number differ.
    Metadata {
        /// Name of the field, value in the base, value now.
        fields: Vec<(&'static str, String, String)>,
        /// The change lets someone do more than the base did.
        adds_privilege: bool,
    },
}

impl Comparison {
    /// Compares the tree after the base's layers with the tree after all; `upper` are the entries
    /// of the layers above the base, by layer index, lowest first.
    pub fn of<'a>(base: &Tree, effective: &Tree, upper: impl Iterator<Item = (usize, &'a [Entry])>) -> Self {
        let removals = Removals::of(upper);
        let mut changes: Vec<Change> = Vec::new();
        // Set while walking below a path that is gone or no directory any more.
        let mut gone: Option<Gone> = None;
        for (path, before) in base.walk() {
            if let Some(above) = &mut gone
                && path.is_below(&above.path)
            {
                above.below += 1;
                continue;
            }
            changes.extend(gone.take().and_then(Gone::into_change));
            match effective.get(&path) {
                None => {
                    let layer = removals.layer_of(&path);
                    gone = Some(Gone { path, layer, below: 0, by_replacement: false });
                }
                Some(after) => {
                    if is_directory(before) && !is_directory(after) {
                        let layer = Some(after.origin().layer());
                        gone = Some(Gone { path: path.clone(), layer, below: 0, by_replacement: true });
                    }
                    compare_node(&path, before, after, &mut changes);
                }
            }
        }
        changes.extend(gone.take().and_then(Gone::into_change));
        Self { changes }
    }
}

fn is_directory(node: NodeRef<'_>) -> bool {
    node.inode().kind == EntryKind::Directory
}

struct Gone {
    path: ImagePath,
    layer: Option<usize>,
    below: usize,
    by_replacement: bool,
}

impl Gone {
    fn into_change(self) -> Option<Change> {
        let Gone { path, layer, below, by_replacement } = self;
        let told = below > 0 || !by_replacement;
        told.then_some(Change { path, layer, kind: ChangeKind::Deleted { below, by_replacement } })
    }
}

fn compare_node(path: &ImagePath, before: NodeRef<'_>, after: NodeRef<'_>, changes: &mut Vec<Change>) {
    let (was, is) = (before.inode(), after.inode());
    let mut tell =
        |kind| changes.push(Change { path: path.clone(), layer: Some(after.origin().layer()), kind });
    if was.kind != is.kind {
        tell(ChangeKind::Replaced { was: was.kind, is: is.kind });
        return;
    }
    if was.kind == EntryKind::File && (was.content, was.size) != (is.content, is.size) {
        tell(ChangeKind::Modified { was: (was.content, was.size), is: (is.content, is.size) });
    }
    if was.kind == EntryKind::Symlink && was.link != is.link {
        tell(ChangeKind::Retargeted { was: was.link.as_ref().into(), is: is.link.as_ref().into() });
    }
    let fields = differing_metadata(was, is);
    if !fields.is_empty() {
        tell(ChangeKind::Metadata { adds_privilege: adds_privilege(was, is), fields });
    }
}

fn differing_metadata(was: &Inode, is: &Inode) -> Vec<(&'static str, String, String)> {
    let mut fields = Vec::new();
    let mut tell = |name, was: String, is: String| {
        if was != is {
            fields.push((name, was, is));
        }
    };
    // The mode of a symlink means nothing: Linux has none, and archivers write what they like.
    if was.kind != EntryKind::Symlink {
        tell("mode", format!("{:04o}", was.mode), format!("{:04o}", is.mode));
    }
    tell("owner", format!("{}:{}", was.uid, was.gid), format!("{}:{}", is.uid, is.gid));
    tell("device", format!("{}:{}", was.device.0, was.device.1), format!("{}:{}", is.device.0, is.device.1));
    let xattrs = |inode: &Inode| {
        let shown = |(name, value): &(Box<[u8]>, Box<[u8]>)| {
            format!("{}={}", crate::model::escape::escape_bytes(name), crate::digest::hex(value))
        };
        inode.xattrs.iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    tell("xattrs", xattrs(was), xattrs(is));
    fields
}

/// Whether a change of metadata lets someone do more than the base did.
fn adds_privilege(was: &Inode, is: &Inode) -> bool {
    const SPECIAL: u32 = 0o6000;
    const OTHERS_WRITE: u32 = 0o0002;
    let capability = |inode: &Inode| inode.xattr(b"security.capability").map(<[u8]>::to_vec);
    if is.kind == EntryKind::Symlink {
        return false;
    }
    let new_bits = is.mode & !was.mode;
    let special = is.kind == EntryKind::File && new_bits & SPECIAL != 0;
    let special_to_other_owner =
        is.kind == EntryKind::File && is.mode & SPECIAL != 0 && (was.uid, was.gid) != (is.uid, is.gid);
    let others_write = is.mode & OTHERS_WRITE != 0
        && is.mode & 0o1000 == 0
        && (new_bits & OTHERS_WRITE != 0 || was.mode & 0o1000 != 0);
    // What root owned someone else can now write: a program of the base is no longer the base's.
    let given_away = was.uid == 0 && is.uid != 0;
    let new_capability = is.xattr(b"security.capability").is_some() && capability(was) != capability(is);
    special || special_to_other_owner || others_write || given_away || new_capability
}

/// Which layer took a path away: whiteouts and opaque markers of the upper layers.
struct Removals {
    whiteouts: BTreeMap<ImagePath, usize>,
    opaque: BTreeMap<ImagePath, usize>,
}

impl Removals {
    fn of<'a>(upper: impl Iterator<Item = (usize, &'a [Entry])>) -> Self {
        let mut removals = Self { whiteouts: BTreeMap::new(), opaque: BTreeMap::new() };
        for (layer, entries) in upper {
            for entry in entries {
                let Some(hidden) = entry.path.file_name().strip_prefix(b".wh.") else { continue };
                let directory = entry.path.parent();
                if hidden == b".wh..opq" {
                    removals.opaque.insert(directory, layer);
                } else if !hidden.is_empty() {
                    removals.whiteouts.insert(directory.join(hidden), layer);
                }
            }
        }
        removals
    }

    fn layer_of(&self, path: &ImagePath) -> Option<usize> {
        let mut layer = self.whiteouts.get(path).copied();
        let mut above = path.clone();
        while !above.is_root() {
            above = above.parent();
            layer = layer.max(self.whiteouts.get(&above).copied()).max(self.opaque.get(&above).copied());
        }
        layer
    }
}
