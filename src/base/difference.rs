//! How two things at one path differ.

use super::compare::ChangeKind;
use crate::digest::ContentId;
use crate::rootfs::Inode;
use crate::scan::{Entry, EntryKind, Extras};

/// What is compared: a node of a tree, or an entry of one layer.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    kind: EntryKind,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    content: ContentId,
    extras: &'a Extras,
}

impl<'a> Subject<'a> {
    pub(super) fn of_inode(inode: &'a Inode) -> Self {
        let Inode { kind, mode, uid, gid, size, content, ref extras, .. } = *inode;
        Self { kind, mode, uid, gid, size, content, extras }
    }

    pub(super) fn of_entry(entry: &'a Entry) -> Self {
        let Entry { kind, mode, uid, gid, size, content, ref extras, .. } = *entry;
        Self { kind, mode, uid, gid, size, content, extras }
    }

    fn capability(&self) -> Option<&'a [u8]> {
        self.extras.xattr(b"security.capability")
    }

    /// What gives others more than the mode shows (acl(5)).
    fn access_lists(&self) -> [Option<&'a [u8]>; 2] {
        [b"system.posix_acl_access".as_slice(), b"system.posix_acl_default"]
            .map(|name| self.extras.xattr(name))
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
    if was.kind == EntryKind::Symlink && was.extras.link() != is.extras.link() {
        kinds.push(ChangeKind::Retargeted { was: was.extras.link().into(), is: is.extras.link().into() });
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
    let device = |subject: Subject<'_>| {
        let (major, minor) = subject.extras.device();
        format!("{major}:{minor}")
    };
    tell("device", device(was), device(is));
    let xattrs = |subject: Subject<'_>| {
        let shown = |(name, value): &(Box<[u8]>, Box<[u8]>)| {
            format!("{}={}", crate::model::escape::escape_bytes(name), crate::digest::hex(value))
        };
        subject.extras.xattrs().iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    tell("xattrs", xattrs(was), xattrs(is));
    fields
}

/// Whether a change of metadata lets someone do more than the base did.
fn adds_privilege(was: Subject<'_>, is: Subject<'_>) -> bool {
    const SPECIAL: u32 = 0o6000;
    const OTHERS_WRITE: u32 = 0o0002;
    const GROUP_WRITES: u32 = 0o0020;
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
    // Directories of logs and caches are handed to a group of the image's own every day; what root loads is a file.
    let group_writes = is.kind == EntryKind::File
        && is.gid != 0
        && is.mode & GROUP_WRITES != 0
        && (new_bits & GROUP_WRITES != 0 || was.gid != is.gid);
    // What root owned someone else can now write: a program of the base is no longer the base's.
    let given_away = was.uid == 0 && is.uid != 0;
    let new_capability = is.capability().is_some() && was.capability() != is.capability();
    let lists = was.access_lists().into_iter().zip(is.access_lists());
    let new_list = lists.into_iter().any(|(was, is)| is.is_some() && was != is);
    special
        || special_to_other_owner
        || others_write
        || group_writes
        || given_away
        || new_capability
        || new_list
}
