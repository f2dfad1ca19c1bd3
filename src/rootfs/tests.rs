//! Layers built by hand, each corner in one test; and random ones against a naive model.

mod ambiguous;
mod limits;
mod model;
mod plain;

use std::collections::BTreeMap;

use super::*;
use crate::digest::Digest;
use crate::model::ImagePath;
use crate::scan::{Entry, EntryKind, ExtraFields, Extras};

pub(super) fn entry(path: &str, kind: EntryKind, mode: u32) -> Entry {
    Entry {
        path: ImagePath::new(path),
        kind,
        mode,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        content: [0; 32],
        elf: None,
        extras: Extras::default(),
    }
}

pub(super) fn extras(fill: impl FnOnce(&mut ExtraFields)) -> Extras {
    Extras::default().with(fill)
}

pub(crate) fn dir(path: &str) -> Entry {
    entry(path, EntryKind::Directory, 0o755)
}

/// A file; the mode stands for its content in these tests.
pub(crate) fn file(path: &str, mode: u32) -> Entry {
    entry(path, EntryKind::File, mode)
}

pub(crate) fn symlink(path: &str, target: &str) -> Entry {
    Entry {
        extras: extras(|extras| extras.link = target.as_bytes().into()),
        ..entry(path, EntryKind::Symlink, 0o777)
    }
}

pub(super) fn hard_link(path: &str, target: &str, mode: u32) -> Entry {
    Entry {
        extras: extras(|extras| extras.link = target.as_bytes().into()),
        ..entry(path, EntryKind::HardLink, mode)
    }
}

pub(super) fn with_xattr(mut entry: Entry, name: &str, value: &str) -> Entry {
    entry.extras = entry.extras.with(|extras| {
        extras.xattrs.push((name.as_bytes().into(), value.as_bytes().into()));
        extras.xattrs.sort();
    });
    entry
}

pub(super) fn layer(entries: &[Entry]) -> TarFacts {
    TarFacts {
        diff_id: Digest::sha256(b""),
        diff_id_sha512: None,
        size: 0,
        entries: entries.to_vec(),
        captured: Default::default(),
        not_captured: Default::default(),
        beside: Default::default(),
        secrets: Default::default(),
        archives: None,
        components: None,
    }
}

/// The tree of one layer.
pub(crate) fn tree(entries: &[Entry]) -> Tree {
    build(&[entries]).readings.remove(0).effective
}

pub(super) fn build(layers: &[&[Entry]]) -> Rootfs {
    let facts: Vec<TarFacts> = layers.iter().map(|entries| layer(entries)).collect();
    let numbered: Vec<(usize, &TarFacts)> = facts.iter().enumerate().collect();
    Readings::build(&numbered, 1).unwrap()
}

/// A tree on one line: `d` directories, modes of files, `path->target`, `path=first other name`.
pub(super) fn show(tree: &Tree) -> String {
    let names = names_by_inode(tree);
    let line = |(path, node): (ImagePath, NodeRef<'_>)| {
        let inode = node.inode();
        let mut text = path.to_string().trim_start_matches('/').to_owned();
        text += &match inode.kind {
            EntryKind::Directory if inode.mode == 0o755 => "/".to_owned(),
            EntryKind::Directory => format!("/{:o}", inode.mode),
            EntryKind::Symlink => format!("->{}", String::from_utf8_lossy(inode.link())),
            EntryKind::CharDevice => ":c".to_owned(),
            _ => format!(":{:o}", inode.mode),
        };
        for (name, value) in inode.xattrs() {
            text += &format!("[{}={}]", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        }
        let other = names[&node.inode_id()].iter().find(|name| **name != path);
        if let Some(other) = other {
            text += &format!("={}", other.to_string().trim_start_matches('/'));
        }
        text
    };
    tree.walk().skip(1).map(line).collect::<Vec<_>>().join(" ")
}

/// All names of each inode, sorted.
pub(super) fn names_by_inode(tree: &Tree) -> BTreeMap<tree::InodeId, Vec<ImagePath>> {
    let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
    tree.walk().for_each(|(path, node)| names.entry(node.inode_id()).or_default().push(path));
    names
}

/// The tree of layers that nothing is ambiguous in.
pub(super) fn clear(layers: &[&[Entry]]) -> String {
    let rootfs = build(layers);
    assert_eq!(rootfs.anomalies, [], "nothing is ambiguous");
    assert_eq!(rootfs.readings.len(), 1);
    show(&rootfs.readings[0].effective)
}

/// What each runtime makes of layers that are ambiguous; `refused` where it would not unpack them.
pub(super) fn readings(layers: &[&[Entry]]) -> [String; 3] {
    let rootfs = build(layers);
    assert!(rootfs.anomalies.iter().any(|anomaly| anomaly.fault == Fault::AmbiguousEntry), "ambiguous");
    assert!(rootfs.anomalies.iter().all(|anomaly| anomaly.layer.is_some() && anomaly.path.is_some()));
    [Runtime::Vfs, Runtime::Overlay, Runtime::Umoci].map(|runtime| {
        let reading = rootfs.readings.iter().find(|reading| reading.runtimes.contains(&runtime));
        reading.map_or_else(|| "refused".to_owned(), |reading| show(&reading.effective))
    })
}
