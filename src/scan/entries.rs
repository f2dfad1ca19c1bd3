//! The members of a layer's tar as entries: paths cleaned, contents hashed, wanted files kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::archives;
use super::components;
use super::elf::{self, Elf};
use super::facts::wanted_memory;
use super::room::{Budget, Room};
use super::secrets::Probe;
use super::tar::{Member, Piece, TarReader};
use super::{Entry, EntryKind, ExtraFields, Plan};
use crate::digest::ContentId;
use crate::error::{Error, Result};
use crate::limits::{self, Party};
use crate::model::{Anomaly, Fault, ImagePath};

/// Bytes that are counted at once, for the count is shared by all threads.
const AT_ONCE: u64 = 64 << 10;

/// What was read of a layer so far.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    pub(crate) entries: Vec<Entry>,
    pub(crate) captured: BTreeMap<usize, Arc<[u8]>>,
    pub(crate) not_captured: BTreeMap<usize, Error>,
    plan: &'a Plan,
    budget: &'a Budget,
    /// Bytes that are not counted in `budget` yet, which all layers share.
    uncounted: u64,
    /// How many there may be: [`limits::ENTRIES`].
    pub(super) most: usize,
    room: Room<'a>,
    pub(crate) probe: Probe,
    pub(crate) archives: Option<archives::Probe>,
    pub(crate) components: Option<components::Probe<'a>>,
    xattr_bytes: u64,
    seen: Seen,
}

impl<'a> Entries<'a> {
    /// None yet. Of the files that `plan` wants those are kept that find room, also in `budget`.
    pub(crate) fn new(plan: &'a Plan, budget: &'a Budget) -> Self {
        Self {
            entries: Vec::new(),
            captured: BTreeMap::new(),
            not_captured: BTreeMap::new(),
            plan,
            budget,
            uncounted: 0,
            most: limits::ENTRIES,
            room: Room::new(budget),
            probe: Probe::default(),
            archives: plan.looks_into_archives().then(archives::Probe::default),
            components: plan
                .looks_for_components()
                .then(|| components::Probe::new(budget, plan.limits().deadline)),
            xattr_bytes: 0,
            seen: Seen::default(),
        }
    }

    /// The layer, as one of those that hold much in turns.
    pub(crate) fn party(&self) -> Arc<Party> {
        self.components.as_ref().map_or_else(|| self.budget.party(), components::Probe::party)
    }

    /// Reads all members to the archive's end, and what follows it.
    pub(crate) fn read(&mut self, reader: &mut TarReader<'_>) -> Result<()> {
        while let Some(member) = reader.next()? {
            self.add(reader, member)?;
        }
        reader.finish()
    }

    /// Counts what was found and all that is not counted yet, `more` besides.
    pub(crate) fn settle(&mut self, more: u64) -> Result<()> {
        let archives = self.archives.as_ref().map_or(0, archives::Probe::memory);
        let components = self.components.as_ref().map_or(0, components::Probe::memory);
        self.uncounted = self.uncounted.saturating_add(archives + components + self.probe.memory() + more);
        self.count(0, 0)
    }

    /// Counts bytes, by the way where there are few.
    fn count(&mut self, bytes: u64, at_once: u64) -> Result<()> {
        self.uncounted = self.uncounted.saturating_add(bytes);
        if self.uncounted < at_once {
            return Ok(());
        }
        self.budget.hold(std::mem::take(&mut self.uncounted))
    }

    fn add(&mut self, reader: &mut TarReader<'_>, mut member: Member) -> Result<()> {
        let names = std::mem::take(&mut member.other_names);
        let mut entry = entry_of(reader, member)?;
        let index = self.entries.len();
        if entry.kind == EntryKind::File {
            let paths = || names.iter().map(ImagePath::new).chain([entry.path.clone()]);
            let wanted = paths().filter_map(|name| self.plan.wants(&name)).max();
            if wanted.is_some() {
                let names = 1 + names.len() as u64;
                self.count(wanted_memory(&entry).saturating_mul(names), AT_ONCE)?;
            }
            let mut kept = None;
            match wanted.map(|ceiling| self.room.take(&entry, ceiling)) {
                Some(Ok(())) => kept = Some(Vec::new()),
                Some(Err(error)) => drop(self.not_captured.insert(index, error)),
                None => {}
            }
            // The member's own entry comes behind those of its other names.
            let last = index + names.len();
            self.probe.start(last, &entry.path, entry.size);
            if let Some(archives) = &mut self.archives {
                archives.start(&entry.path, entry.size);
            }
            if let Some(components) = &mut self.components {
                components.start(&paths().collect::<Vec<_>>(), entry.size);
            }
            (entry.content, entry.elf) = self.hash_body(reader, kept.as_mut())?;
            self.probe.finish();
            if let Some(archives) = &mut self.archives {
                archives.finish(index..=last);
            }
            if let Some(components) = &mut self.components {
                components.finish(index..=last)?;
            }
            if let Some(bytes) = kept {
                self.captured.insert(index, bytes.into());
            }
        }
        for name in names {
            // Another reader's name of the same file: judged as an entry of its own. It comes first, so
            // that the name which runtimes give wins where both are the same as another entry's.
            let mut other = entry.clone();
            let (path, raw_path) = cleaned(reader, &name, "path")?;
            (other.path, other.extras) = (path, entry.extras.with(|extras| extras.raw_path = raw_path));
            if let Some(bytes) = self.captured.get(&index).cloned() {
                self.captured.insert(self.entries.len() + 1, bytes);
            }
            if let Some(error) = self.not_captured.get(&index).cloned() {
                self.not_captured.insert(self.entries.len() + 1, error);
            }
            self.push(reader, other)?;
        }
        self.push(reader, entry)
    }

    fn hash_body(
        &mut self,
        reader: &mut TarReader<'_>,
        mut kept: Option<&mut Vec<u8>>,
    ) -> Result<(ContentId, Option<Elf>)> {
        let mut head = elf::Probe::default();
        let content = reader.hashed_body(|piece| {
            if let Some(kept) = &mut kept {
                keep(kept, &piece);
            }
            head.update(&piece);
            self.probe.feed(&piece);
            if let Some(archives) = &mut self.archives {
                archives.feed(&piece);
            }
            if let Some(components) = &mut self.components {
                components.feed(&piece);
            }
        })?;
        Ok((content, head.elf()))
    }

    fn push(&mut self, reader: &mut TarReader<'_>, entry: Entry) -> Result<()> {
        let bytes: usize = entry.xattrs().iter().map(|(name, value)| name.len() + value.len()).sum();
        self.xattr_bytes += bytes as u64;
        if self.xattr_bytes > limits::LAYER_XATTR_BYTES {
            let limit = limits::LAYER_XATTR_BYTES;
            return Err(Error::limit("what the extended attributes take", "LAYER_XATTR_BYTES", limit));
        }
        if self.entries.len() >= self.most {
            return Err(Error::limit("the number of entries", "ENTRIES", self.most as u64));
        }
        self.count(entry.memory(), AT_ONCE)?;
        if let Some(earlier) = self.seen.insert(&entry.path, &self.entries) {
            let kinds = match self.entries.get(earlier) {
                Some(earlier) if earlier.kind != entry.kind => "with two types",
                Some(earlier) if earlier.content != entry.content => "with two contents",
                _ => "with the same type and content",
            };
            reader.faults.push(
                Anomaly::new(
                    Fault::DuplicateEntry,
                    format!("the layer has this path twice, {kinds}; the last one counts"),
                )
                .path(&entry.path)
                .evidence("firstEntry", earlier)
                .evidence("entry", self.entries.len()),
            )?;
        }
        self.entries.push(entry);
        Ok(())
    }
}

/// How many entries a member becomes in [`Entries`].
pub(crate) fn entries_of(member: &Member) -> usize {
    1 + member.other_names.len()
}

/// Adds a piece of content to what is kept.
pub(crate) fn keep(bytes: &mut Vec<u8>, piece: &Piece<'_>) {
    match piece {
        Piece::Data(data) => bytes.extend_from_slice(data),
        // The file's size was checked before.
        Piece::Hole(length) => bytes.resize(bytes.len().saturating_add(*length as usize), 0),
    }
}

/// A member as an entry, without its content.
pub(crate) fn entry_of(reader: &mut TarReader<'_>, member: Member) -> Result<Entry> {
    let (path, raw_path) = cleaned(reader, &member.name, "path")?;
    if path.is_root() && member.kind != EntryKind::Directory {
        let what = "an entry that is no directory has the root's path";
        reader.faults.push(Anomaly::new(Fault::AmbiguousEntry, what).path(&path))?;
    }
    let link = if member.kind == EntryKind::HardLink {
        let target = ImagePath::clean(&member.link);
        if target.escapes {
            reader.faults.push(escapes(&path, "hard-link target", &member.link))?;
        }
        target.path.as_bytes().into()
    } else {
        member.link.into_boxed_slice()
    };
    Ok(Entry {
        path,
        kind: member.kind,
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        size: member.size,
        mtime: member.mtime,
        content: ContentId::default(),
        elf: None,
        extras: ExtraFields { raw_path, link, xattrs: member.xattrs, device: member.device }.into(),
    })
}

fn cleaned(reader: &mut TarReader<'_>, name: &[u8], what: &str) -> Result<(ImagePath, Option<Box<[u8]>>)> {
    let cleaned = ImagePath::clean(name);
    if cleaned.escapes {
        reader.faults.push(escapes(&cleaned.path, what, name))?;
    }
    let plain = name.strip_prefix(b"./").or_else(|| name.strip_prefix(b"/")).unwrap_or(name);
    let plain = plain.strip_suffix(b"/").unwrap_or(plain);
    let changed = plain != cleaned.path.as_bytes() && !matches!(plain, b"." | b"");
    Ok((cleaned.path, changed.then(|| name.into())))
}

fn escapes(path: &ImagePath, what: &str, written: &[u8]) -> Anomaly {
    Anomaly::new(Fault::PathEscapesRoot, format!("a {what} leaves the image's root"))
        .path(path)
        .evidence("written", crate::model::escape::escape_bytes(written))
}

/// The paths seen so far, by a keyed hash: a second copy of millions of paths would double what a
/// layer takes.
#[derive(Debug, Default)]
struct Seen {
    state: RandomState,
    last: HashMap<u64, usize>,
}

impl Seen {
    /// Enters the path of the entry that comes next; the index of the entry that had it before.
    fn insert(&mut self, path: &ImagePath, entries: &[Entry]) -> Option<usize> {
        let mut attempt = 0_u64;
        loop {
            let slot = self.last.entry(self.state.hash_one((attempt, path))).or_insert(entries.len());
            if *slot == entries.len() {
                return None;
            }
            if entries.get(*slot).is_some_and(|earlier| earlier.path == *path) {
                return Some(std::mem::replace(slot, entries.len()));
            }
            attempt += 1;
        }
    }
}
