//! What lies where in the file.
//!
//! All numbers are little-endian. The *head* is read and checked when the file is opened:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | [`MAGIC`] |
//! | 8..12 | [`SCHEMA`], the version of this form |
//! | 12..16 | bytes of a page |
//! | 16..20 | bytes of the header |
//! | 20..24 | pages |
//! | 24..32 | bytes of the file |
//! | 32..64 | SHA-256 of the head without these 32 bytes: the file's identity, since the header has the SHA-256 of all pages |
//! | 64.. | the header: JSON, [`Header`] |
//! | then | a CRC-32 for each page |
//! | then | zeros up to the next multiple of a page |
//!
//! Behind it come the pages. [`Sections`] says what lies in them; a section begins at a page, and all but the
//! strings are arrays of records of a fixed size:
//!
//! - **keys**: one for each package of an ecosystem, by ecosystem, then by name: name, first entry, entries.
//! - **entries**: what one advisory says of one package.
//! - **ranges**: intervals of versions.
//! - **advisories**: by id.
//! - **lists**: references to strings, for all that there is more than one of.
//! - **strings**: each after its length (two bytes), none over the end of a page. A reference to one is its offset;
//!   0 is the empty string.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::feed::Kind;
use super::super::record::{End, Fix};
use super::super::severity::Level;

/// How the file begins. A line feed in it shows what text modes do to files.
pub(crate) const MAGIC: [u8; 8] = *b"OCIADV\x1a\n";

/// The version of this form. Another one is refused: build the database anew.
pub(crate) const SCHEMA: u32 = 2;

/// Bytes of a page: what one question reads at least.
pub(crate) const PAGE: usize = 4 << 10;

/// Bytes before the header.
pub(crate) const FIXED: usize = 64;

pub(crate) const KEY: usize = 12;
pub(crate) const ENTRY: usize = 36;
pub(crate) const RANGE: usize = 12;
pub(crate) const ADVISORY: usize = 64;
pub(crate) const REFERENCE: usize = 4;

/// The header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The program that made the file.
    pub tool: String,
    /// The day it was made, where the maker said so; it is not taken from a clock, so that the same feeds make
    /// the same file.
    pub built: Option<String>,
    /// What it was made of, by name.
    pub sources: Vec<Source>,
    /// Ecosystems and releases that who made the file states to be covered, sorted; whatever the sources seem to be feeds of.
    pub stated: Vec<String>,
    /// What can be asked for, by name.
    pub ecosystems: Vec<EcosystemInfo>,
    /// What lies where.
    pub sections: Sections,
    /// SHA-256 of all pages.
    pub sha256: String,
}

/// A feed that a database was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The name of its file or directory.
    pub name: String,
    /// `osv`, `debian-tracker`, `secdb`, `csaf`; several with `+` between them.
    pub kind: String,
    /// SHA-256 of the file; of a directory, that of the list of its documents with theirs.
    pub sha256: String,
    /// Stored bytes.
    pub bytes: u64,
    /// The day of the newest change in it; `null` where its records say none.
    pub date: Option<String>,
    /// The licences that its records name, with commas between them.
    pub license: Option<String>,
    /// Documents that were read.
    pub documents: u64,
    /// Records that came of them.
    pub records: u64,
    /// What was passed over, by the reason.
    pub skipped: BTreeMap<String, u64>,
    /// Of secdb files: the repositories that they speak of (`Alpine:3.18/main`).
    pub repositories: Vec<String>,
    /// The ecosystems and releases that it is a feed of.
    pub covers: Vec<String>,
    /// Those that come along in its records, each with how many name it.
    pub mentions: BTreeMap<String, u64>,
}

/// What the database knows of one ecosystem or release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EcosystemInfo {
    /// `Debian:12`, `PyPI`.
    pub name: String,
    /// Whether a source is a feed of it, or it is stated to be covered. Where not, that no advisory names a package says
    /// nothing.
    pub covered: bool,
    /// Packages that advisories name.
    pub packages: u32,
    /// What advisories say of packages, each counted.
    pub entries: u32,
    /// Entries of what has no fix: where there are none, the feed tells of fixes only.
    pub unfixed: u32,
    /// Which key is its first.
    pub(crate) first_key: u32,
}

/// Offsets in the pages, and how many records there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sections {
    /// One for each package of an ecosystem.
    pub keys: Section,
    /// What one advisory says of one package.
    pub entries: Section,
    /// Intervals of versions.
    pub ranges: Section,
    /// Advisories.
    pub advisories: Section,
    /// References to strings.
    pub lists: Section,
    /// Bytes of texts.
    pub strings: Section,
}

/// Where a section lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// From the first page on.
    pub offset: u64,
    /// Records; of the strings, bytes.
    pub count: u64,
}

/// A reference to a string.
pub(crate) type Ref = u32;

/// A run of lists or records: the first, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u32,
    pub(crate) count: u16,
}

/// A package of an ecosystem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: Ref,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// What one advisory says of one package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) advisory: u32,
    pub(crate) ranges: Run,
    pub(crate) versions: Run,
    pub(crate) arch: Ref,
    pub(crate) module: Ref,
    /// Whose word the severity is; empty where the advisory's counts.
    pub(crate) severity_by: Ref,
    pub(crate) fix: Fix,
    pub(crate) level: Level,
}

/// An interval of versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval {
    pub(crate) introduced: Ref,
    pub(crate) end: Ref,
    pub(crate) kind: EndKind,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndKind {
    Open,
    Fixed,
    LastAffected,
    Limit,
}

impl EndKind {
    const ALL: [Self; 4] = [Self::Open, Self::Fixed, Self::LastAffected, Self::Limit];

    pub(crate) fn of(end: &End) -> (Self, &str) {
        match end {
            End::Open => (Self::Open, ""),
            End::Fixed(version) => (Self::Fixed, version),
            End::LastAffected(version) => (Self::LastAffected, version),
            End::Limit(version) => (Self::Limit, version),
        }
    }
}

/// An advisory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advisory {
    pub(crate) id: Ref,
    pub(crate) summary: Ref,
    pub(crate) informational: Ref,
    pub(crate) severity_by: Ref,
    /// Seconds since 1970; 0 where nobody says.
    pub(crate) published: i64,
    pub(crate) modified: i64,
    pub(crate) source: u16,
    pub(crate) kind: Kind,
    pub(crate) level: Level,
    /// One run of lists: aliases, upstream, related, references, vectors, in this order.
    pub(crate) lists: u32,
    pub(crate) counts: [u16; 5],
}

/// Appends numbers.
pub(crate) struct Out<'a>(pub(crate) &'a mut Vec<u8>);

impl Out<'_> {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }

    fn run(&mut self, run: Run) {
        self.u32(run.first);
        self.u16(run.count);
    }

    fn zeros(&mut self, count: usize) {
        self.0.extend(std::iter::repeat_n(0, count));
    }
}

/// Takes numbers off.
struct In<'a>(&'a [u8]);

impl In<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn run(&mut self) -> Option<Run> {
        Some(Run { first: self.u32()?, count: self.u16()? })
    }

    /// One of several, by its number.
    fn one<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::from(self.u8()?)).copied()
    }
}

/// The number of one of several.
fn number<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|known| known == one).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

impl Key {
    pub(crate) fn write(self, out: &mut Out<'_>) {
        out.u32(self.name);
        out.u32(self.first);
        out.u32(self.count);
    }

    pub(crate) fn read(bytes: &[u8; KEY]) -> Option<Self> {
        let mut input = In(bytes);
        Some(Self { name: input.u32()?, first: input.u32()?, count: input.u32()? })
    }
}

impl Entry {
    pub(crate) fn write(self, out: &mut Out<'_>) {
        out.u32(self.advisory);
        out.run(self.ranges);
        out.run(self.versions);
        out.u32(self.arch);
        out.u32(self.module);
        out.u32(self.severity_by);
        out.u8(number(&Fix::ALL, &self.fix));
        out.u8(number(&Level::ALL, &self.level));
        out.zeros(6);
    }

    /// `None` where a number stands for nothing.
    pub(crate) fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
        let mut input = In(bytes);
        Some(Self {
            advisory: input.u32()?,
            ranges: input.run()?,
            versions: input.run()?,
            arch: input.u32()?,
            module: input.u32()?,
            severity_by: input.u32()?,
            fix: input.one(&Fix::ALL)?,
            level: input.one(&Level::ALL)?,
        })
    }
}

impl Interval {
    pub(crate) fn write(self, out: &mut Out<'_>) {
        out.u32(self.introduced);
        out.u32(self.end);
        out.u8(number(&EndKind::ALL, &self.kind));
        out.zeros(3);
    }

    pub(crate) fn read(bytes: &[u8; RANGE]) -> Option<Self> {
        let mut input = In(bytes);
        Some(Self { introduced: input.u32()?, end: input.u32()?, kind: input.one(&EndKind::ALL)? })
    }
}

impl Advisory {
    pub(crate) fn write(self, out: &mut Out<'_>) {
        for reference in [self.id, self.summary, self.informational, self.severity_by] {
            out.u32(reference);
        }
        out.i64(self.published);
        out.i64(self.modified);
        out.u16(self.source);
        out.u8(number(&Kind::ALL, &self.kind));
        out.u8(number(&Level::ALL, &self.level));
        out.u32(self.lists);
        self.counts.into_iter().for_each(|count| out.u16(count));
        out.zeros(14);
    }

    pub(crate) fn read(bytes: &[u8; ADVISORY]) -> Option<Self> {
        let mut input = In(bytes);
        Some(Self {
            id: input.u32()?,
            summary: input.u32()?,
            informational: input.u32()?,
            severity_by: input.u32()?,
            published: input.i64()?,
            modified: input.i64()?,
            source: input.u16()?,
            kind: input.one(&Kind::ALL)?,
            level: input.one(&Level::ALL)?,
            lists: input.u32()?,
            counts: [input.u16()?, input.u16()?, input.u16()?, input.u16()?, input.u16()?],
        })
    }
}
