//! Making the file.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::super::ecosystem::Ecosystem;
use super::super::feed::Taken;
use super::super::record::Fix;
use super::build::{Gathered, Kept, KeptEntry, sources};
use super::format::{
    Advisory, EcosystemInfo, EndKind, Entry, FIXED, Header, Interval, Key, MAGIC, Out, PAGE, REFERENCE, Run,
    SCHEMA, Section, Sections,
};
use super::merge;
use super::strings::{Pool, Strings, Sym};
use crate::digest::{Digest, Sha256};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The arrays, as they grow.
struct Arrays<'a> {
    pool: Pool<'a>,
    keys: Vec<u8>,
    entries: Vec<u8>,
    ranges: Vec<u8>,
    advisories: Vec<u8>,
    lists: Vec<u8>,
    covered: BTreeSet<&'a str>,
    ecosystems: Vec<EcosystemInfo>,
}

/// Makes a file of all that was gathered.
pub(super) fn write(
    mut gathered: Gathered,
    taken: &[Taken],
    stated: &[Ecosystem],
    built: Option<jiff::civil::Date>,
) -> Result<Vec<u8>> {
    let stated: BTreeSet<String> = stated.iter().map(ToString::to_string).collect();
    let (sources, places) = sources(taken);
    let advisories = merge::merged(&mut gathered, &places);
    // What names no package that can be asked for is asked for by nobody.
    let advisories: Vec<Kept> = advisories.into_iter().filter(|kept| !kept.affected.is_empty()).collect();
    let strings = &gathered.strings;
    let mut arrays = Arrays {
        pool: Pool::new(strings),
        keys: Vec::new(),
        entries: Vec::new(),
        ranges: Vec::new(),
        advisories: Vec::new(),
        lists: Vec::new(),
        covered: taken.iter().flat_map(|taken| &taken.covers).chain(&stated).map(String::as_str).collect(),
        ecosystems: Vec::new(),
    };
    arrays.add_keys(strings, &advisories)?;
    for kept in &advisories {
        arrays.add_advisory(kept, places.get(kept.source).copied().unwrap_or_default())?;
    }
    arrays.finish(sources, stated.iter().cloned().collect(), built)
}

/// An entry with the place of its advisory.
struct Placed<'a> {
    entry: &'a KeptEntry,
    advisory: u32,
}

impl Arrays<'_> {
    fn add_keys(&mut self, strings: &Strings, advisories: &[Kept]) -> Result<()> {
        let mut all = Vec::new();
        for (place, kept) in advisories.iter().enumerate() {
            let advisory = narrow(place)?;
            all.extend(kept.affected.iter().map(|entry| Placed { entry, advisory }));
        }
        all.sort_by(|a, b| by_key(strings, a.entry, b.entry).then_with(|| a.advisory.cmp(&b.advisory)));
        // The names first, in order, so that a search touches few pages.
        for placed in &all {
            self.pool.place(placed.entry.package)?;
        }
        let same = |a: &Placed<'_>, b: &Placed<'_>| by_key(strings, a.entry, b.entry).is_eq();
        for of_package in all.chunk_by(same) {
            let Some(first) = of_package.first() else { continue };
            self.begin_ecosystem(strings.text(first.entry.ecosystem))?;
            let key = Key {
                name: self.pool.place(first.entry.package)?,
                first: narrow(self.entries.len() / super::format::ENTRY)?,
                count: narrow(of_package.len())?,
            };
            key.write(&mut Out(&mut self.keys));
            for placed in of_package {
                self.add_entry(placed)?;
            }
            if let Some(ecosystem) = self.ecosystems.last_mut() {
                ecosystem.packages += 1;
                ecosystem.entries = ecosystem.entries.saturating_add(key.count);
                let unfixed = of_package.iter().filter(|placed| is_unfixed(placed.entry)).count();
                ecosystem.unfixed = ecosystem.unfixed.saturating_add(narrow(unfixed)?);
            }
        }
        Ok(())
    }

    fn begin_ecosystem(&mut self, name: &str) -> Result<()> {
        if self.ecosystems.last().is_none_or(|last| last.name != name) {
            let first_key = narrow(self.keys.len() / super::format::KEY)?;
            let (covered, name) = (self.covered.contains(name), name.to_owned());
            let info = EcosystemInfo { name, covered, packages: 0, entries: 0, unfixed: 0, first_key };
            self.ecosystems.push(info);
        }
        Ok(())
    }

    fn add_entry(&mut self, placed: &Placed<'_>) -> Result<()> {
        let entry = placed.entry;
        let first = narrow(self.ranges.len() / super::format::RANGE)?;
        for (introduced, kind, end) in &entry.ranges {
            let interval = Interval {
                introduced: self.pool.place(*introduced)?,
                end: self.pool.place(*end)?,
                kind: *kind,
            };
            interval.write(&mut Out(&mut self.ranges));
        }
        let ranges = Run { first, count: short(entry.ranges.len())? };
        let written = Entry {
            advisory: placed.advisory,
            ranges,
            versions: self.list(&entry.versions)?,
            arch: self.pool.place(entry.arch)?,
            module: self.pool.place(entry.module)?,
            severity_by: self.pool.place(entry.severity_by)?,
            fix: entry.fix,
            level: entry.level,
        };
        written.write(&mut Out(&mut self.entries));
        Ok(())
    }

    fn list(&mut self, list: &[Sym]) -> Result<Run> {
        let first = narrow(self.lists.len() / REFERENCE)?;
        for sym in list {
            let reference = self.pool.place(*sym)?;
            self.lists.extend(reference.to_le_bytes());
        }
        Ok(Run { first, count: short(list.len())? })
    }

    fn add_advisory(&mut self, kept: &Kept, source: u16) -> Result<()> {
        let mut counts = [0; 5];
        let lists = narrow(self.lists.len() / REFERENCE)?;
        for (list, count) in kept.lists.iter().zip(&mut counts) {
            *count = self.list(list)?.count;
        }
        let advisory = Advisory {
            id: self.pool.place(kept.id)?,
            summary: self.pool.place(kept.summary)?,
            informational: self.pool.place(kept.informational)?,
            severity_by: self.pool.place(kept.severity_by)?,
            published: kept.published,
            modified: kept.modified,
            source,
            kind: kept.kind,
            level: kept.level,
            lists,
            counts,
        };
        advisory.write(&mut Out(&mut self.advisories));
        Ok(())
    }

    /// Puts head and pages together.
    fn finish(
        self,
        sources: Vec<super::format::Source>,
        stated: Vec<String>,
        built: Option<jiff::civil::Date>,
    ) -> Result<Vec<u8>> {
        let mut pages = Vec::new();
        let mut section = |bytes: Vec<u8>, size: usize| {
            pages.resize(pages.len().next_multiple_of(PAGE), 0);
            let section = Section { offset: pages.len() as u64, count: (bytes.len() / size) as u64 };
            pages.extend(bytes);
            section
        };
        let sections = Sections {
            keys: section(self.keys, super::format::KEY),
            entries: section(self.entries, super::format::ENTRY),
            ranges: section(self.ranges, super::format::RANGE),
            advisories: section(self.advisories, super::format::ADVISORY),
            lists: section(self.lists, REFERENCE),
            strings: section(self.pool.bytes, 1),
        };
        let header = Header {
            tool: format!("ocicheck {}", env!("CARGO_PKG_VERSION")),
            built: built.map(|day| day.to_string()),
            sources,
            stated,
            ecosystems: self.ecosystems,
            sections,
            sha256: Digest::sha256(&pages).hex(),
        };
        let internal = |error: serde_json::Error| Error::new(ErrorKind::Internal, error.to_string());
        assemble(&serde_json::to_vec(&header).map_err(internal)?, &pages)
    }
}

fn assemble(header: &[u8], pages: &[u8]) -> Result<Vec<u8>> {
    if header.len() as u64 > limits::ADVISORY_HEADER_BYTES {
        let limit = limits::ADVISORY_HEADER_BYTES;
        return Err(Error::limit("the header of the database", "ADVISORY_HEADER_BYTES", limit));
    }
    let count = pages.len().div_ceil(PAGE);
    let head = (FIXED + header.len() + 4 * count).next_multiple_of(PAGE);
    let size = (head + pages.len()) as u64;
    if size > limits::ADVISORY_DATABASE_BYTES {
        let limit = limits::ADVISORY_DATABASE_BYTES;
        return Err(Error::limit("the database", "ADVISORY_DATABASE_BYTES", limit));
    }
    let mut start = MAGIC.to_vec();
    for number in [SCHEMA, narrow(PAGE)?, narrow(header.len())?, narrow(count)?] {
        start.extend(number.to_le_bytes());
    }
    start.extend(size.to_le_bytes());
    let mut rest = header.to_vec();
    for page in pages.chunks(PAGE) {
        rest.extend(crc32fast::hash(page).to_le_bytes());
    }
    rest.resize(head - FIXED, 0);
    let mut hash = Sha256::default();
    hash.update(&start);
    hash.update(&rest);
    let mut file = start;
    file.extend(hash.finish());
    file.extend(rest);
    file.extend(pages);
    Ok(file)
}

/// The bytes of a database with all checksums as they should be, whatever else is in it: so tests come past them.
#[doc(hidden)]
pub fn sealed(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (header, pages) = (number(16)?, number(20)?);
    let end = FIXED.checked_add(header)?;
    let head = end.checked_add(pages.checked_mul(4)?)?.next_multiple_of(PAGE);
    let checksums: Vec<u8> =
        bytes.get(head..)?.chunks(PAGE).flat_map(|page| crc32fast::hash(page).to_le_bytes()).collect();
    bytes.get_mut(end..end.checked_add(checksums.len())?)?.copy_from_slice(&checksums);
    let mut hash = Sha256::default();
    hash.update(bytes.get(..32)?);
    hash.update(bytes.get(FIXED..head)?);
    bytes.get_mut(32..FIXED)?.copy_from_slice(&hash.finish());
    Some(bytes)
}

fn by_key(strings: &Strings, a: &KeptEntry, b: &KeptEntry) -> Ordering {
    let key = |entry: &KeptEntry| (entry.ecosystem, entry.package);
    if key(a) == key(b) {
        return Ordering::Equal;
    }
    let text = |sym: Sym| strings.text(sym);
    text(a.ecosystem).cmp(text(b.ecosystem)).then_with(|| text(a.package).cmp(text(b.package)))
}

/// Whether an entry is of what has no fix.
fn is_unfixed(entry: &KeptEntry) -> bool {
    match entry.fix {
        Fix::NotAffected => false,
        Fix::Open | Fix::Postponed | Fix::WontFix | Fix::Undetermined => true,
        Fix::AsRanges => {
            !entry.ranges.is_empty() && entry.ranges.iter().all(|(_, kind, _)| *kind == EndKind::Open)
        }
    }
}

fn narrow(number: usize) -> Result<u32> {
    u32::try_from(number)
        .map_err(|_| Error::limit("the database", "ADVISORY_DATABASE_BYTES", limits::ADVISORY_DATABASE_BYTES))
}

fn short(number: usize) -> Result<u16> {
    let limit = limits::ADVISORY_LIST_ITEMS as u64;
    u16::try_from(number).map_err(|_| Error::limit("a list of the advisory", "ADVISORY_LIST_ITEMS", limit))
}
