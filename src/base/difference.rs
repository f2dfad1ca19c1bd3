//! How two things at one path differ.

use super::compare::ChangeKind;
use crate::digest::ContentId;
use crate::rootfs::Inode;
use crate::scan::facts::Xattr;
use crate::scan::{Entry, EntryKind};

/// What is compared: a node of a tree, or an entry of one layer.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    kind: EntryKind,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    content: ContentId,
    link: &'a [u8],
    xattrs: &'a [Xattr],
    device: (u32, u32),
}

impl<'a> Subject<'a> {
    pub(super) fn of_inode(inode: &'a Inode) -> Self {
        let Inode { kind, mode, uid, gid, size, content, device, .. } = *inode;
        Self { kind, mode, uid, gid, size, content, link: &inode.link, xattrs: &inode.xattrs, device }
    }

    pub(super) fn of_entry(entry: &'a Entry) -> Self {
        let Entry { kind, mode, uid, gid, size, content, device, .. } = *entry;
        Self { kind, mode, uid, gid, size, content, link: &entry.link, xattrs: &entry.xattrs, device }
    }

    fn capability(&self) -> Option<&'a [u8]> {
        let found = self.xattrs.iter().find(|(name, _)| **name == *b"security.capability");
        found.map(|(_, value)| &**value)
    }
}

/// Everything in which `is` differs from `was`; times never count.
pub(super) fn differences(was: Subject<'_>, is: Subject<'_>) -> Vec<ChangeKind> {
    if was.kind != is.kind {
        return vec![ChangeKind::Replaced { was: was.kind, is: is.kind }];
    }
    let mut kinds = Vec::new();
    if was.kind == EntryKind::File && (was.content, was.size) != (is.content, is.size) {
        kinds.push(ChangeKind::Modified { was: (was.content, was.size), is: (is.content, is.size) });
    }
    if was.kind == EntryKind::Symlink && was.link != is.link {
        kinds.push(ChangeKind::Retargeted { was: was.link.into(), is: is.link.into() });
    }
    let fields = differing_metadata(was, is);
    if !fields.is_empty() {
        kinds.push(ChangeKind::Metadata { adds_privilege: adds_privilege(was, is), fields });
    }
    kinds
}

fn differing_metadata(was: Subject<'_>, is: Subject<'_>) -> Vec<(&'static str, String, String)> {
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
    let xattrs = |subject: Subject<'_>| {
        let shown = |(name, value): &(Box<[u8]>, Box<[u8]>)| {
            format!("{}={}", crate::model::escape::escape_bytes(name), crate::digest::hex(value))
        };
        subject.xattrs.iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    tell("xattrs", xattrs(was), xattrs(is));
    fields
}

/// Whether a change of metadata lets someone do more than the base did.
fn adds_privilege(was: Subject<'_>, is: Subject<'_>) -> bool {
    const SPECIAL: u32 = 0o6000;
    const OTHERS_WRITE: u32 = 0o0002;
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
    let new_capability = is.capability().is_some() && was.capability() != is.capability();
    special || special_to_other_owner || others_write || given_away || new_capability
}
