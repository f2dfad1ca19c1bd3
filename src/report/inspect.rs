//! What is in an image, unjudged: its manifest and layers, the effective tree, one layer as it is.
//! It is what a person uses to believe a finding.

use std::collections::BTreeMap;

use serde::Serialize;

use super::build::{contents, identity};
use super::{ErrorReport, ImageContents, ImageIdentity, Note, SCHEMA_VERSION};
use crate::digest::hex;
use crate::facts::Facts;
use crate::model::Anomaly;
use crate::model::escape::escape_bytes;
use crate::rootfs::{HardLinks, NodeRef, Runtime, Tree};
use crate::scan::facts::Xattr;
use crate::scan::{Entry, EntryKind};

/// What to show beside the image itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing more.
    Image,
    /// The effective tree, in every reading.
    Tree,
    /// The entries of one layer, in the order of its tar.
    Layer(usize),
}

/// All that was inspected.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The version of this format.
    pub schema_version: u32,
    /// In the order of the archive.
    pub images: Vec<InspectedImage>,
    /// Inputs and images that could not be read.
    pub errors: Vec<ErrorReport>,
    /// Things to know that are no fault.
    pub notes: Vec<Note>,
}

impl Inspection {
    /// An inspection of nothing yet.
    pub fn new() -> Self {
        Self { schema_version: SCHEMA_VERSION, images: Vec::new(), errors: Vec::new(), notes: Vec::new() }
    }
}

impl Default for Inspection {
    fn default() -> Self {
        Self::new()
    }
}

/// One image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedImage {
    /// Which image it is.
    #[serde(flatten)]
    pub identity: ImageIdentity,
    /// What it is made of.
    #[serde(flatten)]
    pub contents: ImageContents,
    /// What is broken or ambiguous.
    pub anomalies: Vec<AnomalyReport>,
    /// Each way to read the layers; only where the tree is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings: Option<Vec<ReadingReport>>,
    /// Runtimes that would not unpack the image; only where the tree is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals: Option<Vec<Refusal>>,
    /// Why there is no tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// The entries of the layer that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<EntryReport>>,
}

/// Something broken or ambiguous.
#[derive(Debug, Clone, Serialize)]
pub struct AnomalyReport {
    /// The rule that tells of it.
    pub rule: &'static str,
    /// Index of the layer.
    pub layer: Option<usize>,
    /// Absolute in the image.
    pub path: Option<String>,
    /// One clause.
    pub message: String,
}

/// One way to read the layers.
#[derive(Debug, Clone, Serialize)]
pub struct ReadingReport {
    /// Who reads them so.
    pub runtimes: Vec<&'static str>,
    /// Sorted by path.
    pub tree: Vec<NodeReport>,
}

/// A runtime that would not unpack the image.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// Which.
    pub runtime: &'static str,
    /// Why.
    pub reason: String,
}

/// What every listed thing has.
#[derive(Debug, Clone, Serialize)]
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
    /// Bytes of a file.
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
    /// The first name of the same file; null for that name itself, and for what has one name only.
    pub hard_link_to: Option<String>,
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

/// Shows one image.
pub fn inspect(source: &str, facts: &Facts, wanted: Wanted) -> InspectedImage {
    let mut inspected = InspectedImage {
        identity: identity(source, facts),
        contents: contents(facts),
        anomalies: facts.anomalies.iter().map(anomaly_report).collect(),
        readings: None,
        refusals: None,
        unread: None,
        entries: None,
    };
    match wanted {
        Wanted::Image => {}
        Wanted::Layer(index) => {
            inspected.entries = Some(facts.entries(index).iter().map(entry_report).collect())
        }
        Wanted::Tree => match &facts.rootfs {
            Err(reason) => inspected.unread = Some(reason.clone()),
            Ok(rootfs) => {
                let reading = |reading: &crate::rootfs::Reading| ReadingReport {
                    runtimes: reading.runtimes.iter().map(|runtime| runtime_name(*runtime)).collect(),
                    tree: tree_report(&reading.effective),
                };
                let refusal = |(runtime, reason): &(Runtime, String)| Refusal {
                    runtime: runtime_name(*runtime),
                    reason: reason.clone(),
                };
                inspected.readings = Some(rootfs.readings.iter().map(reading).collect());
                inspected.refusals = Some(rootfs.refusals.iter().map(refusal).collect());
            }
        },
    }
    inspected
}

fn runtime_name(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Vfs => "vfs",
        Runtime::Overlay => "overlay",
        Runtime::Umoci => "umoci",
    }
}

fn anomaly_report(anomaly: &Anomaly) -> AnomalyReport {
    AnomalyReport {
        rule: anomaly.fault.name(),
        layer: anomaly.layer,
        path: anomaly.path.as_ref().map(ToString::to_string),
        message: anomaly.message.clone(),
    }
}

fn tree_report(tree: &Tree) -> Vec<NodeReport> {
    let mut links = HardLinks::default();
    let node = |(path, node): (crate::model::ImagePath, NodeRef<'_>)| {
        let inode = node.inode();
        let is_file = inode.kind == EntryKind::File;
        NodeReport {
            path: path.to_string(),
            attributes: Attributes {
                kind: kind_name(inode.kind),
                mode: format!("{:04o}", inode.mode),
                uid: inode.uid,
                gid: inode.gid,
                size: inode.size,
                sha256: is_file.then(|| hex(&inode.content)),
                target: (inode.kind == EntryKind::Symlink).then(|| escape_bytes(&inode.link)),
                device: device(inode.kind, inode.device),
                xattrs: xattrs(&inode.xattrs),
            },
            layer: node.origin().layer(),
            hard_link_to: links.first_name(&path, node).map(ToString::to_string),
        }
    };
    tree.walk().map(node).collect()
}

fn entry_report(entry: &Entry) -> EntryReport {
    let target = match entry.kind {
        EntryKind::HardLink => Some(entry.hard_link_target().to_string()),
        EntryKind::Symlink => Some(escape_bytes(&entry.link)),
        _ => None,
    };
    EntryReport {
        path: entry.path.to_string(),
        raw_path: entry.raw_path.as_deref().map(escape_bytes),
        attributes: Attributes {
            kind: kind_name(entry.kind),
            mode: format!("{:04o}", entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            sha256: (entry.kind == EntryKind::File).then(|| hex(&entry.content)),
            target,
            device: device(entry.kind, entry.device),
            xattrs: xattrs(&entry.xattrs),
        },
        mtime: entry.mtime,
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
