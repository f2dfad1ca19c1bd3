//! The names of a tree and the entries of a layer, each made when it is written: there may be millions.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::digest::hex;
use crate::model::ImagePath;
use crate::model::escape::escape_bytes;
use crate::report::Origin;
use crate::rootfs::{HardLinks, Inode, NodeRef, Tree};
use crate::scan::facts::Xattr;
use crate::scan::{Entry, EntryKind};

/// What every listed thing has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attributes {
    /// `file`, `directory`, `symlink`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Four octal digits.
    pub mode: String,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of a file; 0 for all else.
    pub size: u64,
    /// Of a file's content.
    pub sha256: Option<String>,
    /// Of a link, escaped.
    pub target: Option<String>,
    /// Major and minor number.
    pub device: Option<String>,
    /// Values in hexadecimal, by escaped name.
    pub xattrs: BTreeMap<String, String>,
}

impl Attributes {
    fn of_inode(inode: &Inode) -> Self {
        Self {
            kind: kind_name(inode.kind),
            mode: format!("{:04o}", inode.mode),
            uid: inode.uid,
            gid: inode.gid,
            size: inode.size,
            sha256: (inode.kind == EntryKind::File).then(|| hex(&inode.content)),
            target: (inode.kind == EntryKind::Symlink).then(|| escape_bytes(inode.link())),
            device: device(inode.kind, inode.device()),
            xattrs: xattrs(inode.xattrs()),
        }
    }

    fn of_entry(entry: &Entry) -> Self {
        let target = match entry.kind {
            EntryKind::HardLink => Some(entry.hard_link_target().to_string()),
            EntryKind::Symlink => Some(escape_bytes(entry.link())),
            _ => None,
        };
        Self {
            kind: kind_name(entry.kind),
            mode: format!("{:04o}", entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            sha256: (entry.kind == EntryKind::File).then(|| hex(&entry.content)),
            target,
            device: device(entry.kind, entry.device()),
            xattrs: xattrs(entry.xattrs()),
        }
    }
}

fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::HardLink => "hard-link",
        EntryKind::Symlink => "symlink",
        EntryKind::CharDevice => "char-device",
        EntryKind::BlockDevice => "block-device",
        EntryKind::Directory => "directory",
        EntryKind::Fifo => "fifo",
    }
}

fn device(kind: EntryKind, (major, minor): (u32, u32)) -> Option<String> {
    matches!(kind, EntryKind::CharDevice | EntryKind::BlockDevice).then(|| format!("{major}:{minor}"))
}

fn xattrs(xattrs: &[Xattr]) -> BTreeMap<String, String> {
    xattrs.iter().map(|(name, value)| (escape_bytes(name), hex(value))).collect()
}

/// A path of the effective tree.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// Absolute in the image, escaped.
    pub path: String,
    /// What is there.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// The layer that put it there.
    pub layer: usize,
    /// Whether that layer is the base's.
    pub origin: Origin,
    /// The first name of the same file; null for that name itself, and for what has one name only.
    pub same_file_as: Option<String>,
}

/// A tree, as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct TreeListing<'facts> {
    tree: &'facts Tree,
    base_layers: usize,
}

impl<'facts> TreeListing<'facts> {
    /// Lists a tree; the first `base_layers` of the image's layers are the base's.
    pub fn of(tree: &'facts Tree, base_layers: usize) -> Self {
        Self { tree, base_layers }
    }

    /// Each name, sorted by path.
    pub fn nodes(self) -> impl Iterator<Item = (ImagePath, NodeReport)> + use<'facts> {
        let mut links = HardLinks::default();
        let report = move |(path, node): (ImagePath, NodeRef<'_>)| {
            let layer = node.origin().layer();
            let report = NodeReport {
                path: path.to_string(),
                attributes: Attributes::of_inode(node.inode()),
                layer,
                origin: Origin::of(layer, self.base_layers),
                same_file_as: links.first_name(&path, node).map(ToString::to_string),
            };
            (path, report)
        };
        self.tree.walk().map(report)
    }
}

impl Serialize for TreeListing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.nodes().map(|(_, node)| node))
    }
}

/// A member of a layer's tar.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryReport {
    /// Absolute in the image, cleaned and escaped.
    pub path: String,
    /// As written, where cleaning changed it.
    pub raw_path: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// Seconds since 1970.
    pub mtime: i64,
}

/// The entries of a layer, as they are listed.
#[derive(Debug, Clone, Copy)]
pub struct LayerListing<'facts> {
    entries: &'facts [Entry],
}

impl<'facts> LayerListing<'facts> {
    /// Lists entries in the order of the tar.
    pub fn of(entries: &'facts [Entry]) -> Self {
        Self { entries }
    }

    /// Each entry, in the order of the tar.
    pub fn entries(self) -> impl Iterator<Item = EntryReport> + use<'facts> {
        let report = |entry: &Entry| EntryReport {
            path: entry.path.to_string(),
            raw_path: entry.raw_path().map(escape_bytes),
            attributes: Attributes::of_entry(entry),
            mtime: entry.mtime,
        };
        self.entries.iter().map(report)
    }
}

impl Serialize for LayerListing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}
