//! What lets a process do more than its user may: new over the base, in the effective tree.

pub(super) mod device_node;
pub(super) mod file_capability;
pub(super) mod setgid_file;
pub(super) mod setuid_file;
pub(super) mod world_writable_directory;
pub(super) mod world_writable_file;

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Finding, Judgement};
use crate::digest::ContentId;
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, Origin, Tree};
use crate::scan::facts::Xattr;
use crate::scan::{Entry, EntryKind};

/// A file as far as privilege goes: in the effective tree, or as an entry of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subject<'a> {
    kind: EntryKind,
    mode: u32,
    uid: u64,
    gid: u64,
    content: &'a ContentId,
    xattrs: &'a [Xattr],
    device: (u32, u32),
}

impl<'a> Subject<'a> {
    fn of_inode(inode: &'a Inode) -> Self {
        let Inode { kind, mode, uid, gid, ref content, ref extras, .. } = *inode;
        let (xattrs, device) = (extras.xattrs(), extras.device());
        Self { kind, mode, uid, gid, content, xattrs, device }
    }

    fn of_entry(entry: &'a Entry) -> Self {
        let Entry { kind, mode, uid, gid, ref content, ref extras, .. } = *entry;
        let (xattrs, device) = (extras.xattrs(), extras.device());
        Self { kind, mode, uid, gid, content, xattrs, device }
    }

    fn has_mode(&self, bit: u32) -> bool {
        self.kind == EntryKind::File && self.mode & bit != 0
    }

    fn capability(&self) -> Option<&'a [u8]> {
        let found = self.xattrs.iter().find(|(name, _)| **name == *b"security.capability");
        found.map(|(_, value)| &**value)
    }
}

/// One kind of privilege that a file can carry.
struct Privilege {
    /// Whether a file carries it.
    is_carried: fn(&Subject<'_>) -> bool,
    /// What to say of a file that does.
    tell: fn(&Subject<'_>) -> Finding,
    /// Whether hard links are one finding: where what counts is the content, and not who starts it by
    /// which name.
    once: bool,
}

/// Finds every file that carries the privilege and does not do so, just the same, in the base.
fn judge(facts: &Facts, privilege: &Privilege) -> Judgement {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Judgement::not_evaluated(reason.clone()),
    };
    let mut findings: Vec<Finding> = Vec::new();
    // Paths that carry it in some reading, or carry what the base carries there.
    let mut carrying = BTreeSet::new();
    for (number, reading) in rootfs.readings.iter().enumerate() {
        let upgrades = facts.upgrades.get(number);
        // A program of the base that its package brought anew, with just the privilege it had.
        let is_upgraded = |path: &ImagePath, subject: &Subject<'_>| {
            let carried = |node: NodeRef<'_>| {
                let before = Subject::of_inode(node.inode());
                Subject { content: subject.content, ..before } == *subject
            };
            upgrades.is_some_and(|upgrades| upgrades.is_upgraded(path))
                && reading.base.get(path).is_some_and(carried)
        };
        // Files of several names, each with its finding where there is one.
        let mut told: BTreeMap<Origin, Option<usize>> = BTreeMap::new();
        let carries = |node: NodeRef<'_>| (privilege.is_carried)(&Subject::of_inode(node.inode()));
        for (path, node) in reading.effective.walk_where(carries) {
            let subject = Subject::of_inode(node.inode());
            let is_new = !is_in_base(&reading.base, &path, &subject) && !is_upgraded(&path, &subject);
            let origin = node.inode().origin;
            let one_of_many = privilege.once && node.names() > 1;
            match told.get(&origin).filter(|_| one_of_many) {
                Some(first) => {
                    if let Some(finding) = first.filter(|_| is_new).and_then(|at| findings.get_mut(at)) {
                        finding.add_path(&path);
                    }
                }
                None => {
                    if one_of_many {
                        told.insert(origin, is_new.then_some(findings.len()));
                    }
                    if is_new {
                        let finding = (privilege.tell)(&subject).path(&path).layer(node.origin().layer());
                        findings.push(finding);
                    }
                }
            }
            carrying.insert(path);
        }
    }
    findings.extend(taken_away_again(facts, privilege, &carrying));
    Judgement::of_unique(findings)
}

fn is_in_base(base: &Tree, path: &ImagePath, subject: &Subject<'_>) -> bool {
    base.get(path).is_some_and(|node| Subject::of_inode(node.inode()) == *subject)
}

/// Files that carry it in an upper layer only: a later layer deleted them or took it away.
fn taken_away_again<'a>(
    facts: &'a Facts,
    privilege: &'a Privilege,
    carrying: &'a BTreeSet<ImagePath>,
) -> impl Iterator<Item = Finding> + 'a {
    facts.upper_layers().flat_map(move |layer| {
        let carriers = facts.entries(layer).iter().filter(move |entry| {
            (privilege.is_carried)(&Subject::of_entry(entry)) && !carrying.contains(&entry.path)
        });
        carriers.map(move |entry| {
            let finding = (privilege.tell)(&Subject::of_entry(entry)).path(&entry.path).layer(layer);
            finding.not_effective()
        })
    })
}

/// `4755 0:0`, as evidence.
fn mode_and_owner(finding: Finding, subject: &Subject<'_>) -> Finding {
    finding
        .evidence("mode", format!("{:04o}", subject.mode))
        .evidence("owner", format!("{}:{}", subject.uid, subject.gid))
}
