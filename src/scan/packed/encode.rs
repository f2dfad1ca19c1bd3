//! Facts → fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Contents;
use crate::digest::{ContentId, Digest};
use crate::limits;
use crate::scan::archives::{self, Archives};
use crate::scan::components::{self, Component, Components, Ecosystem, Evidence};
use crate::scan::secrets::{Gap, Secret, Secrets};
use crate::scan::{Elf, Entry, EntryKind, ExtraFields, TarFacts};

pub(super) const KINDS: [EntryKind; 7] = [
    EntryKind::File,
    EntryKind::HardLink,
    EntryKind::Symlink,
    EntryKind::CharDevice,
    EntryKind::BlockDevice,
    EntryKind::Directory,
    EntryKind::Fifo,
];
/// Stands for a regular file that is an ELF file, in the place of its kind.
pub(super) const ELF_FILE: u8 = 7;
pub(super) const KIND_MASK: u8 = 0b111;
pub(super) const CONTENT: u8 = 1 << 3;
pub(super) const RAW_PATH: u8 = 1 << 4;
pub(super) const LINK: u8 = 1 << 5;
pub(super) const XATTRS: u8 = 1 << 6;
pub(super) const DEVICE: u8 = 1 << 7;

/// The fields before they are compressed; `None` for facts that are to be read each time: they do not fit
/// ([`limits::FACTS_BYTES`]), or have something of which the form knows nothing.
///
/// Archives into which nobody looked are written as none, and so are components that nobody looked for.
pub(super) fn fields(tar: &TarFacts, more: &Contents) -> Option<Vec<u8>> {
    // All fields are named, so that a new one cannot be forgotten here.
    let TarFacts {
        diff_id,
        diff_id_sha512: _,
        size,
        entries,
        captured: _,
        not_captured: _,
        beside: _,
        secrets,
        archives,
        components,
    } = tar;
    let Digest::Sha256(diff_id) = diff_id else { return None };
    let mut fields = Fields(diff_id.to_vec());
    fields.number(*size);
    fields.count(entries.len());
    for entry in entries {
        fields.entry(entry)?;
    }
    let contents = contents_of(tar, more)?;
    fields.count(contents.len());
    let mut last = 0;
    for (entry, bytes) in contents {
        fields.count(entry.checked_sub(last)?);
        fields.bytes(bytes);
        last = entry;
    }
    fields.secrets(secrets)?;
    match archives {
        Some(archives) => fields.archives(archives)?,
        None => fields.archives(&Archives::default())?,
    }
    match components {
        Some(components) => fields.components(components)?,
        None => fields.components(&Components::default())?,
    }
    (fields.0.len() as u64 <= limits::FACTS_BYTES).then_some(fields.0)
}

/// The contents that are kept: all captured ones, and of the others those that find room. `None` where the
/// captured ones alone do not, as under a policy that lets files be larger; nobody could read them back.
pub(super) fn contents_of<'a>(
    tar: &'a TarFacts,
    more: &'a Contents,
) -> Option<BTreeMap<usize, &'a Arc<[u8]>>> {
    let captured = tar.captured.iter().map(|(entry, bytes)| (*entry, bytes));
    let mut contents: BTreeMap<usize, &Arc<[u8]>> = captured.collect();
    let mut taken: u64 = contents.values().map(|bytes| bytes.len() as u64).sum();
    if taken > limits::FACTS_CONTENT_BYTES {
        return None;
    }
    for (entry, bytes) in tar.beside.iter().chain(more) {
        let after = taken.saturating_add(bytes.len() as u64);
        if after <= limits::FACTS_CONTENT_BYTES && !contents.contains_key(entry) {
            taken = after;
            contents.insert(*entry, bytes);
        }
    }
    Some(contents)
}

struct Fields(Vec<u8>);

impl Fields {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn count(&mut self, value: usize) {
        self.number(value as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn secrets(&mut self, secrets: &Secrets) -> Option<()> {
        self.count(secrets.found.len());
        for Secret { entry, offset, line, length, kind } in &secrets.found {
            self.count(*entry);
            self.number(*offset);
            self.number(line.unwrap_or_default());
            self.number(*length);
            self.bytes(kind.id.as_bytes());
            self.bytes(kind.prefix.as_bytes());
        }
        self.count(secrets.gaps.len());
        for (entry, gap) in &secrets.gaps {
            self.count(*entry);
            self.count(Gap::ALL.iter().position(|known| known == gap)?);
        }
        Some(())
    }

    fn archives(&mut self, archives: &Archives) -> Option<()> {
        let Archives { members, gaps } = archives;
        self.count(members.len());
        for (entry, members) in members {
            self.count(*entry);
            self.bytes(members.as_bytes());
        }
        self.count(gaps.len());
        for (entry, gap) in gaps {
            self.count(*entry);
            self.count(archives::Gap::ALL.iter().position(|known| known == gap)?);
        }
        Some(())
    }

    fn components(&mut self, components: &Components) -> Option<()> {
        let Components { found, gaps, unpacked } = components;
        self.number(*unpacked);
        self.count(found.len());
        for (entry, components) in found {
            self.count(*entry);
            self.count(components.len());
            for Component { ecosystem, name, version, evidence, inside } in components {
                self.count(Ecosystem::ALL.iter().position(|known| known == ecosystem)?);
                self.count(Evidence::ALL.iter().position(|known| known == evidence)?);
                self.bytes(name.as_bytes());
                self.bytes(version.as_bytes());
                self.bytes(inside.as_deref().unwrap_or_default());
            }
        }
        self.count(gaps.len());
        for (entry, gap) in gaps {
            self.count(*entry);
            self.count(components::Gap::ALL.iter().position(|known| known == gap)?);
        }
        Some(())
    }

    fn entry(&mut self, entry: &Entry) -> Option<()> {
        let Entry { path, kind, mode, uid, gid, size, mtime, content, elf, extras } = entry;
        let none = ExtraFields::default();
        let ExtraFields { raw_path, link, xattrs, device } = extras.fields().unwrap_or(&none);
        let mut head = match elf {
            Some(_) if *kind == EntryKind::File => ELF_FILE,
            _ => KINDS.iter().position(|known| known == kind)? as u8,
        };
        for (flag, set) in [
            (CONTENT, *content != ContentId::default()),
            (RAW_PATH, raw_path.is_some()),
            (LINK, !link.is_empty()),
            (XATTRS, !xattrs.is_empty()),
            (DEVICE, *device != (0, 0)),
        ] {
            head |= if set { flag } else { 0 };
        }
        self.0.push(head);
        self.bytes(path.as_bytes());
        self.number(u64::from(*mode));
        self.number(*uid);
        self.number(*gid);
        self.number(*size);
        self.number((*mtime << 1 ^ *mtime >> 63).cast_unsigned());
        if head & CONTENT != 0 {
            self.0.extend_from_slice(content);
        }
        if let (ELF_FILE, Some(Elf { machine, kind, class, data })) = (head & KIND_MASK, elf) {
            self.0.extend_from_slice(&machine.to_le_bytes());
            self.0.extend_from_slice(&kind.to_le_bytes());
            self.0.extend_from_slice(&[*class, *data]);
        }
        if let Some(raw_path) = raw_path {
            self.bytes(raw_path);
        }
        if head & LINK != 0 {
            self.bytes(link);
        }
        if head & XATTRS != 0 {
            self.count(xattrs.len());
            for (name, value) in xattrs {
                self.bytes(name);
                self.bytes(value);
            }
        }
        if head & DEVICE != 0 {
            self.number(u64::from(device.0));
            self.number(u64::from(device.1));
        }
        Some(())
    }
}
