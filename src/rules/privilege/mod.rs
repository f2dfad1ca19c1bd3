//! What lets a process do more than its user may: new over the base, in the effective tree.

pub(super) mod device_node;
pub(super) mod file_capability;
pub(super) mod setgid_file;
pub(super) mod setuid_file;
pub(super) mod world_writable_directory;
pub(super) mod world_writable_file;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Full};
use super::rule::{Finding, Judged, Judgement};
use crate::digest::ContentId;
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, Origin, Tree};
use crate::scan::facts::Xattr;
use crate::scan::{self, EntryKind};

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

    fn of_entry(entry: &'a scan::Entry) -> Self {
        let scan::Entry { kind, mode, uid, gid, ref content, ref extras, .. } = *entry;
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
fn judge(facts: &Facts, mut findings: Findings<'_>, privilege: &Privilege) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
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
        let mut linked = Linked::default();
        let carries = |node: NodeRef<'_>| (privilege.is_carried)(&Subject::of_inode(node.inode()));
        for (path, node) in reading.effective.walk_where(carries) {
            let subject = Subject::of_inode(node.inode());
            let is_new = !is_in_base(&reading.base, &path, &subject) && !is_upgraded(&path, &subject);
            let tell = || (privilege.tell)(&subject).path(&path).layer(node.origin().layer());
            if privilege.once && node.names() > 1 {
                linked.add(node.inode().origin, &path, is_new.then_some(tell));
                findings.hold(linked.told, linked.bytes)?;
            } else if is_new {
                findings.add(tell())?;
            }
            carrying.insert(path);
        }
        findings.extend(linked.into_findings())?;
    }
    taken_away_again(facts, &mut findings, privilege, &carrying)?;
    Ok(Judgement::of(findings))
}

/// Files of several names, each with its finding if its first name is new.
#[derive(Default)]
struct Linked {
    files: BTreeMap<Origin, Option<Finding>>,
    /// How many have a finding, and what these take.
    told: usize,
    bytes: u64,
}

impl Linked {
    /// Adds a name of a file; `tell` is there where the name is new.
    fn add(&mut self, origin: Origin, path: &ImagePath, tell: Option<impl FnOnce() -> Finding>) {
        match self.files.entry(origin) {
            Entry::Vacant(first) => {
                let finding = first.insert(tell.map(|tell| tell()));
                self.told += usize::from(finding.is_some());
                self.bytes += finding.as_ref().map_or(0, Finding::bytes);
            }
            Entry::Occupied(mut known) => {
                if let (Some(finding), Some(_)) = (known.get_mut(), tell) {
                    self.bytes += finding.add_path(path);
                }
            }
        }
    }

    fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.files.into_values().flatten()
    }
}

fn is_in_base(base: &Tree, path: &ImagePath, subject: &Subject<'_>) -> bool {
    base.get(path).is_some_and(|node| Subject::of_inode(node.inode()) == *subject)
}

/// Files that carry it in an upper layer only: a later layer deleted them or took it away.
fn taken_away_again(
    facts: &Facts,
    findings: &mut Findings<'_>,
    privilege: &Privilege,
    carrying: &BTreeSet<ImagePath>,
) -> Result<(), Full> {
    for layer in facts.upper_contents() {
        let carriers = facts.entries(layer).iter().filter(|entry| {
            (privilege.is_carried)(&Subject::of_entry(entry)) && !carrying.contains(&entry.path)
        });
        findings.extend(carriers.map(|entry| {
            let finding = (privilege.tell)(&Subject::of_entry(entry)).path(&entry.path).layer(layer);
            finding.not_effective()
        }))?;
    }
    Ok(())
}

/// `4755 0:0`, as evidence.
fn mode_and_owner(finding: Finding, subject: &Subject<'_>) -> Finding {
    finding
        .evidence("mode", format!("{:04o}", subject.mode))
        .evidence("owner", format!("{}:{}", subject.uid, subject.gid))
}
