//! Fields → facts. Whoever reads them knows by a digest or a MAC whose they are; all the same, no length
//! or count in them is believed, and nothing takes more memory than the limits of reading a layer allow.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Take};

use super::Contents;
use super::encode::{CONTENT, DEVICE, ELF_FILE, KIND_MASK, KINDS, LINK, RAW_PATH, XATTRS};
use crate::codec::{self, Decoder};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::model::descriptor::Compression;
use crate::scan::archives::{self, Archives, Members};
use crate::scan::components::{self, Component, Components, Ecosystem, Evidence};
use crate::scan::known::{Kept, kept_again};
use crate::scan::secrets::{Gap, Secret, Secrets, kind};
use crate::scan::{Budget, Elf, Entry, EntryKind, ExtraFields, Plan, TarFacts};

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// As in [`TarFacts`].
    pub diff_id: Digest,
    /// As in [`TarFacts`].
    pub size: u64,
    /// As in [`TarFacts`].
    pub entries: Vec<Entry>,
    /// All contents that were packed, whoever wanted them, by index of their entry.
    pub contents: Contents,
    /// As in [`TarFacts`].
    pub secrets: Secrets,
    /// As in [`TarFacts`]; empty where nobody had looked.
    pub archives: Archives,
    /// As in [`TarFacts`]; empty where nobody had looked.
    pub components: Components,
}

impl Unpacked {
    /// Reads what [`super::pack`] wrote.
    ///
    /// # Errors
    /// Bytes that it did not write.
    pub fn read(frame: &[u8]) -> Result<Self> {
        Self::read_within(frame, limits::FACTS_BYTES)
    }

    pub(super) fn read_within(frame: &[u8], limit: u64) -> Result<Self> {
        let decoder = codec::decoder(Compression::Zstd, frame)?;
        // One byte more shows that it goes on.
        let mut fields =
            Fields(BufReader::with_capacity(BUFFER_BYTES, decoder.take(limit.saturating_add(1))));
        let read = Self::of(&mut fields);
        if fields.0.get_ref().limit() == 0 {
            return Err(Error::limit("what it unpacks to", "FACTS_BYTES", limit));
        }
        read
    }

    /// The facts as reading by this plan would yield them; `None` where the plan wants a file that is
    /// not among the contents.
    pub fn into_facts(mut self, plan: &Plan, budget: &Budget) -> Option<TarFacts> {
        let contents = std::mem::take(&mut self.contents);
        let kept = kept_again(&self.entries, contents, plan, budget)?;
        let Kept { captured, not_captured, beside } = kept;
        Some(TarFacts { captured, not_captured, beside, ..self.without_contents() })
    }

    /// The facts without any content.
    pub fn without_contents(self) -> TarFacts {
        TarFacts {
            diff_id: self.diff_id,
            diff_id_sha512: None,
            size: self.size,
            entries: self.entries,
            captured: BTreeMap::new(),
            not_captured: BTreeMap::new(),
            beside: BTreeMap::new(),
            secrets: self.secrets,
            archives: Some(self.archives),
            components: Some(self.components),
        }
    }

    fn of(fields: &mut Fields<'_>) -> Result<Self> {
        let diff_id = Digest::Sha256(fields.array()?);
        let size = fields.number()?;
        let count = fields.count(limits::ENTRIES)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(fields.entry()?);
        }
        let mut contents = BTreeMap::new();
        let (mut next, mut taken) = (0_usize, 0_u64);
        for position in 0..fields.count(count)? {
            let distance = fields.count(count)?;
            if position > 0 && distance == 0 {
                return Err(broken("has two contents for one entry"));
            }
            next = next.saturating_add(distance);
            let bytes = fields.bytes(limits::FACTS_CONTENT_BYTES.saturating_sub(taken))?;
            taken = taken.saturating_add(bytes.len() as u64);
            if entries.get(next).is_none_or(|entry: &Entry| entry.size != bytes.len() as u64) {
                return Err(broken("keeps content that is no entry's"));
            }
            contents.insert(next, bytes.into());
        }
        let secrets = fields.secrets(&entries)?;
        let archives = fields.archives(&entries)?;
        let components = fields.components(&entries)?;
        fields.end()?;
        Ok(Self { diff_id, size, entries, contents, secrets, archives, components })
    }
}

/// Bytes of the names of kinds of secrets, which are ours.
const KIND_BYTES: u64 = 64;

fn broken(what: &str) -> Error {
    Error::invalid(format!("it {what}"))
}

/// That of some values which has the number.
fn one_of<T: Copy>(all: &[T], number: u8, unknown: &str) -> Result<T> {
    all.get(usize::from(number)).copied().ok_or_else(|| broken(unknown))
}

/// Bytes that are decoded at once.
const BUFFER_BYTES: usize = 64 << 10;

struct Fields<'a>(BufReader<Take<Box<dyn Decoder + 'a>>>);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(cut)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.0.fill_buf().map_err(cut)?.first().copied();
        self.0.consume(1);
        byte.ok_or_else(|| broken("is cut short"))
    }

    fn number(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(broken("has a number that is too large"))
    }

    fn at_most(&mut self, limit: u64) -> Result<u64> {
        let value = self.number()?;
        if value <= limit { Ok(value) } else { Err(broken("has a length or number beyond its limit")) }
    }

    fn count(&mut self, limit: usize) -> Result<usize> {
        Ok(self.at_most(limit as u64)? as usize)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(self.at_most(u64::from(u32::MAX))? as u32)
    }

    fn bytes(&mut self, limit: u64) -> Result<Vec<u8>> {
        let length = self.at_most(limit)?;
        // Room for what is there, not for what a length says.
        if length <= limits::PATH_BYTES as u64 {
            let mut bytes = vec![0; length as usize];
            self.0.read_exact(&mut bytes).map_err(cut)?;
            return Ok(bytes);
        }
        let mut bytes = Vec::new();
        self.0.by_ref().take(length).read_to_end(&mut bytes).map_err(cut)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(broken("is cut short")) }
    }

    fn secrets(&mut self, entries: &[Entry]) -> Result<Secrets> {
        let mut secrets = Secrets::default();
        for _ in 0..self.count(limits::LAYER_SECRETS)? {
            let (entry, size) = self.file(entries)?;
            let offset = self.at_most(size)?;
            let line = Some(self.at_most(size.saturating_add(1))?).filter(|line| *line > 0);
            let length = self.at_most(size - offset)?;
            let (id, prefix) = (self.bytes(KIND_BYTES)?, self.bytes(KIND_BYTES)?);
            let kind = kind(&id, &prefix).ok_or_else(|| broken("has an unknown kind of secrets"))?;
            secrets.found.push(Secret { entry, offset, line, length, kind });
        }
        for _ in 0..self.count(limits::LAYER_SECRET_GAPS)? {
            let (entry, _) = self.file(entries)?;
            secrets.gaps.push((entry, one_of(&Gap::ALL, self.byte()?, "has an unknown gap")?));
        }
        Ok(secrets)
    }

    fn archives(&mut self, entries: &[Entry]) -> Result<Archives> {
        let mut archives = Archives::default();
        let mut room = limits::LAYER_MEMBER_NAME_BYTES;
        for _ in 0..self.count(entries.len())? {
            let (entry, _) = self.file(entries)?;
            let bytes = self.bytes(room as u64)?;
            room = room.saturating_sub(bytes.len());
            let members = Members::from_bytes(bytes).ok_or_else(|| broken("has names that are none"))?;
            if archives.members.insert(entry, members).is_some() {
                return Err(broken("has an archive twice"));
            }
        }
        for _ in 0..self.count(entries.len())? {
            let (entry, _) = self.file(entries)?;
            let gap = one_of(&archives::Gap::ALL, self.byte()?, "has an unknown gap")?;
            if archives.gaps.insert(entry, gap).is_some() {
                return Err(broken("has an archive twice"));
            }
        }
        Ok(archives)
    }

    fn components(&mut self, entries: &[Entry]) -> Result<Components> {
        let mut components = Components { unpacked: self.number()?, ..Components::default() };
        let mut room = limits::LAYER_COMPONENT_BYTES;
        for _ in 0..self.count(entries.len())? {
            let (entry, _) = self.file(entries)?;
            let mut found = Vec::new();
            for _ in 0..self.count(room / size_of::<Component>())? {
                let component = self.component(room)?;
                let left = room.checked_sub(component.memory());
                room = left.ok_or_else(|| broken("has more components than their limit"))?;
                found.push(component);
            }
            if components.found.insert(entry, found).is_some() {
                return Err(broken("has a file with components twice"));
            }
        }
        for _ in 0..self.count(entries.len())? {
            let entry = self.count(entries.len())?;
            let kind = entries.get(entry).map(|entry| entry.kind);
            if !matches!(kind, Some(EntryKind::File | EntryKind::HardLink)) {
                return Err(broken("says of an entry what only a file can have"));
            }
            let gap = one_of(&components::Gap::ALL, self.byte()?, "has an unknown gap")?;
            if components.gaps.insert(entry, gap).is_some() {
                return Err(broken("has a file with components twice"));
            }
        }
        Ok(components)
    }

    fn component(&mut self, room: usize) -> Result<Component> {
        let ecosystem = one_of(&Ecosystem::ALL, self.byte()?, "has an unknown ecosystem")?;
        let evidence = one_of(&Evidence::ALL, self.byte()?, "has unknown evidence")?;
        let (name, version) = (self.text(room)?, self.text(room)?);
        let inside = self.bytes(room as u64)?;
        Ok(Component {
            ecosystem,
            evidence,
            name,
            version,
            inside: (!inside.is_empty()).then(|| inside.into()),
        })
    }

    fn text(&mut self, room: usize) -> Result<Box<str>> {
        let text = String::from_utf8(self.bytes(room as u64)?);
        Ok(text.map_err(|_| broken("has a text that is none"))?.into())
    }

    /// The index of a regular file, and its size.
    fn file(&mut self, entries: &[Entry]) -> Result<(usize, u64)> {
        let index = self.count(entries.len())?;
        let file = entries.get(index).filter(|entry| entry.kind == EntryKind::File);
        file.map(|entry| (index, entry.size))
            .ok_or_else(|| broken("says of an entry what only a file can have"))
    }

    fn entry(&mut self) -> Result<Entry> {
        let head = self.byte()?;
        let has = |flag: u8| head & flag != 0;
        let is_elf = head & KIND_MASK == ELF_FILE;
        let kind = match KINDS.get(usize::from(head & KIND_MASK)) {
            Some(kind) => *kind,
            None if is_elf => EntryKind::File,
            None => return Err(broken("has an unknown kind")),
        };
        let path = self.bytes(limits::PATH_BYTES as u64)?;
        let cleaned = ImagePath::new(&path);
        if cleaned.as_bytes() != path {
            return Err(broken("has a path that is not clean"));
        }
        let mode = self.at_most(0o7777)? as u32;
        let (uid, gid, size, mtime) = (self.number()?, self.number()?, self.number()?, self.number()?);
        let content = if has(CONTENT) { self.array()? } else { Default::default() };
        let elf = if is_elf { Some(self.elf()?) } else { None };
        let raw_path = if has(RAW_PATH) { Some(self.bytes(limits::PAX_BYTES)?.into()) } else { None };
        let link = if has(LINK) { self.bytes(limits::PAX_BYTES)? } else { Vec::new() };
        let mut xattrs = Vec::new();
        if has(XATTRS) {
            for _ in 0..self.at_most(limits::PAX_BYTES)? {
                xattrs.push((self.bytes(limits::PAX_BYTES)?.into(), self.bytes(limits::PAX_BYTES)?.into()));
            }
        }
        let device = if has(DEVICE) { (self.u32()?, self.u32()?) } else { (0, 0) };
        Ok(Entry {
            path: cleaned,
            kind,
            mode,
            uid,
            gid,
            size,
            mtime: (mtime >> 1).cast_signed() ^ -(mtime & 1).cast_signed(),
            content,
            elf,
            extras: ExtraFields { raw_path, link: link.into(), xattrs, device }.into(),
        })
    }

    fn elf(&mut self) -> Result<Elf> {
        let (machine, kind) = (u16::from_le_bytes(self.array()?), u16::from_le_bytes(self.array()?));
        Ok(Elf { machine, kind, class: self.byte()?, data: self.byte()? })
    }

    /// Nothing may follow.
    fn end(&mut self) -> Result<()> {
        let more = !self.0.fill_buf().map_err(cut)?.is_empty() || self.0.get_ref().limit() == 0;
        if more || self.0.get_mut().get_mut().drain().map_err(cut)? > 0 {
            return Err(broken("has more in it than its facts"));
        }
        Ok(())
    }
}

fn cut(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => broken("is cut short"),
        _ => Error::io("it cannot be decoded", error),
    }
}
