//! What the upper layers changed of the base, path by path in the effective tree.
//!
//! Same bytes and metadata written again is no change, and times never count.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::{Subject, differences};
use crate::model::ImagePath;
use crate::rootfs::{NodeRef, Tree};
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
    /// It differs in the effective tree; `false` where a later layer put it back.
    pub effective: bool,
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
        let upper: Vec<_> = upper.collect();
        let removals = Removals::of(upper.iter().copied());
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
        let put_back = put_back(base, &changes, &upper);
        changes.extend(put_back);
        changes.sort_by(|a, b| (&a.path, a.layer).cmp(&(&b.path, b.layer)));
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
        let kind = ChangeKind::Deleted { below, by_replacement };
        told.then_some(Change { path, layer, kind, effective: true })
    }
}

fn compare_node(path: &ImagePath, before: NodeRef<'_>, after: NodeRef<'_>, changes: &mut Vec<Change>) {
    let layer = Some(after.origin().layer());
    let kinds = differences(Subject::of_inode(before.inode()), Subject::of_inode(after.inode()));
    changes.extend(kinds.into_iter().map(|kind| Change { path: path.clone(), layer, kind, effective: true }));
}

/// What an upper layer did to the base and a later one made good again.
fn put_back(base: &Tree, changes: &[Change], upper: &[(usize, &[Entry])]) -> Vec<Change> {
    let changed: BTreeSet<&ImagePath> = changes.iter().map(|change| &change.path).collect();
    let stays = |path: &ImagePath| {
        let mut above = path.clone();
        while !above.is_root() && !changed.contains(&above) {
            above = above.parent();
        }
        !changed.contains(&above)
    };
    let mut told = Vec::new();
    let mut hidden_once: BTreeSet<ImagePath> = BTreeSet::new();
    // What the image lists again and again does the same again.
    let mut seen = BTreeSet::new();
    let stored = upper.iter().filter(|(_, entries)| seen.insert(entries.as_ptr()));
    for (layer, entry) in stored.flat_map(|(layer, entries)| entries.iter().map(|entry| (*layer, entry))) {
        let (path, kinds) = match entry.path.file_name().strip_prefix(b".wh.") {
            Some(hidden) if hidden.is_empty() || hidden.starts_with(b".wh.") => continue,
            Some(hidden) => {
                let path = entry.path.parent().join(hidden);
                if !hidden_once.insert(path.clone()) {
                    continue;
                }
                (path, vec![ChangeKind::Deleted { below: 0, by_replacement: false }])
            }
            None if entry.kind == EntryKind::HardLink => continue,
            None => {
                let Some(before) = base.get(&entry.path) else { continue };
                (entry.path.clone(), differences(Subject::of_inode(before.inode()), Subject::of_entry(entry)))
            }
        };
        if !kinds.is_empty() && base.get(&path).is_some() && stays(&path) {
            told.extend(kinds.into_iter().map(|kind| Change {
                path: path.clone(),
                layer: Some(layer),
                kind,
                effective: false,
            }));
        }
    }
    told
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
