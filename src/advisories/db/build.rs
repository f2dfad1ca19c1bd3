//! Gathering records: each is kept in as few bytes as it will take in the file.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::ecosystem::Ecosystem;
use super::super::feed::{Kind, Reader, Room, Skips, Taken};
use super::super::record::{Affected, Fix, Record, day};
use super::super::severity::Level;
use super::coverage;
use super::format::{EndKind, Source};
use super::strings::{Strings, Sym};
use super::write;
use crate::error::{Error, Result};
use crate::limits;
use crate::read::Section;

/// All that was gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) strings: Strings,
    pub(super) advisories: Vec<Kept>,
}

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The number of its source, in the order in which they were named.
    pub(super) source: usize,
    pub(super) kind: Kind,
    pub(super) id: Sym,
    pub(super) summary: Sym,
    pub(super) informational: Sym,
    pub(super) severity_by: Sym,
    pub(super) level: Level,
    pub(super) published: i64,
    pub(super) modified: i64,
    /// Aliases, upstream, related, references, vectors.
    pub(super) lists: [Vec<Sym>; 5],
    pub(super) affected: Vec<KeptEntry>,
}

/// What it says of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptEntry {
    pub(super) ecosystem: Sym,
    pub(super) package: Sym,
    pub(super) arch: Sym,
    pub(super) module: Sym,
    pub(super) severity_by: Sym,
    pub(super) level: Level,
    pub(super) fix: Fix,
    pub(super) ranges: Box<[(Sym, EndKind, Sym)]>,
    pub(super) versions: Box<[Sym]>,
}

impl Gathered {
    /// Keeps a record.
    ///
    /// # Errors
    /// One that no honest feed has: too long a text, or too many of something.
    pub(super) fn add(&mut self, source: usize, kind: Kind, record: Record) -> Result<()> {
        let id = record.id.clone();
        self.keep(source, kind, record).map_err(|error| error.at(id))
    }

    fn keep(&mut self, source: usize, kind: Kind, record: Record) -> Result<()> {
        let mut vectors = record.scores;
        // The newest version first.
        vectors.sort_by(|a, b| b.kind.cmp(&a.kind).then_with(|| a.vector.cmp(&b.vector)));
        vectors.dedup();
        let vectors: Vec<String> = vectors.into_iter().map(|score| score.vector).collect();
        let lists = [record.aliases, record.upstream, record.related, record.references, vectors];
        let lists = lists.map(|list| self.list(list));
        let [aliases, upstream, related, references, vectors] = lists;
        let mut affected = Vec::with_capacity(record.affected.len());
        for entry in record.affected {
            affected.push(self.entry(entry)?);
        }
        let kept = Kept {
            source,
            kind,
            id: self.text(&record.id)?,
            summary: self.text(&record.summary)?,
            informational: self.text(&record.informational)?,
            severity_by: self.text(&record.severity.by)?,
            level: record.severity.level,
            published: record.published.unwrap_or_default(),
            modified: record.modified.unwrap_or_default(),
            lists: [aliases?, upstream?, related?, references?, vectors?],
            affected,
        };
        self.advisories.push(kept);
        Ok(())
    }

    fn entry(&mut self, entry: Affected) -> Result<KeptEntry> {
        let mut ranges = Vec::with_capacity(entry.ranges.len());
        for range in &entry.ranges {
            let (kind, end) = EndKind::of(&range.end);
            ranges.push((self.text(&range.introduced)?, kind, self.text(end)?));
        }
        bounded(ranges.len())?;
        let severity = entry.severity.unwrap_or_default();
        Ok(KeptEntry {
            ecosystem: self.text(&entry.ecosystem.to_string())?,
            package: self.text(&entry.package)?,
            arch: self.text(&entry.arch)?,
            module: self.text(&entry.module)?,
            severity_by: self.text(&severity.by)?,
            level: severity.level,
            fix: entry.fix,
            ranges: ranges.into(),
            versions: self.list(entry.versions)?.into(),
        })
    }

    fn list(&mut self, list: Vec<String>) -> Result<Vec<Sym>> {
        bounded(list.len())?;
        list.iter().map(|text| self.text(text)).collect()
    }

    fn text(&mut self, text: &str) -> Result<Sym> {
        if text.len() > limits::ADVISORY_TEXT_BYTES {
            let limit = limits::ADVISORY_TEXT_BYTES as u64;
            return Err(Error::limit("a text of the advisory", "ADVISORY_TEXT_BYTES", limit));
        }
        Ok(self.strings.number(text))
    }
}

/// Lists have lengths of 16 bits.
fn bounded(count: usize) -> Result<()> {
    if count > limits::ADVISORY_LIST_ITEMS {
        let limit = limits::ADVISORY_LIST_ITEMS as u64;
        return Err(Error::limit("a list of the advisory", "ADVISORY_LIST_ITEMS", limit));
    }
    Ok(())
}

/// What was made, and of what.
#[derive(Debug)]
pub struct Built {
    /// The file.
    pub bytes: Vec<u8>,
    /// What each source was taken for, in the order in which they were named.
    pub taken: Vec<Taken>,
}

/// Makes a database of feeds: files and directories. The same feeds, in whatever order, make the same bytes.
///
/// `built` is written into the file as the day on which it was made. What is `stated` is covered, besides what the sources
/// are told to be feeds of ([`Taken::covers`]).
///
/// # Errors
/// What cannot be read, what is no feed, something stated that no source speaks of, and limits. A broken record among many
/// is counted in [`Taken::skips`].
pub fn build(
    paths: &[impl AsRef<Path>],
    stated: &[Ecosystem],
    built: Option<jiff::civil::Date>,
) -> Result<Built> {
    let mut gathered = Gathered::default();
    let mut sink = |source, kind, record| gathered.add(source, kind, record);
    let mut reader = Reader::new(Room::default(), &mut sink);
    for path in paths {
        reader.take(path.as_ref())?;
    }
    let mut taken = reader.done();
    coverage::decide(&gathered, &mut taken, stated)?;
    let bytes = write::write(gathered, &taken, stated, built)?;
    Ok(Built { bytes, taken })
}

/// The sources as the file tells them, by name; and for each as it was named, which of these it is.
pub(super) fn sources(taken: &[Taken]) -> (Vec<Source>, Vec<u16>) {
    let mut order: Vec<usize> = (0..taken.len()).collect();
    order.retain(|at| taken.get(*at).is_some_and(|taken| !taken.repeated));
    order.sort_by_key(|at| taken.get(*at).map(|taken| (taken.name.clone(), taken.sha256.clone())));
    let mut places = vec![0; taken.len()];
    let mut sources = Vec::new();
    for at in order {
        let Some(taken) = taken.get(at) else { continue };
        if let Some(place) = places.get_mut(at) {
            *place = u16::try_from(sources.len()).unwrap_or(u16::MAX);
        }
        sources.push(source(taken));
    }
    // A directory is known to be the same as one before only when its records are there, twice.
    for (at, repeated) in taken.iter().enumerate().filter(|(_, taken)| taken.repeated) {
        let first = taken.iter().position(|taken| !taken.repeated && taken.sha256 == repeated.sha256);
        let place = first.and_then(|first| places.get(first).copied());
        if let (Some(place), Some(own)) = (place, places.get_mut(at)) {
            *own = place;
        }
    }
    (sources, places)
}

fn source(taken: &Taken) -> Source {
    let kinds: Vec<&str> = taken.kinds.iter().map(|kind| kind.name()).collect();
    let skipped = |skips: &Skips| -> BTreeMap<String, u64> {
        skips.counts().map(|(skip, count)| (skip.name().to_owned(), count)).collect()
    };
    let repository = |(release, name): &(String, String)| format!("{release}/{name}");
    let licenses: Vec<&str> = taken.licenses.iter().map(String::as_str).collect();
    Source {
        name: taken.name.clone(),
        kind: kinds.join("+"),
        sha256: taken.sha256.clone(),
        bytes: taken.bytes,
        date: taken.newest.map(day),
        license: (!licenses.is_empty()).then(|| licenses.join(", ")),
        documents: taken.documents,
        records: taken.records,
        skipped: skipped(&taken.skips),
        repositories: taken.repositories.iter().map(repository).collect(),
        covers: taken.covers.clone(),
        mentions: taken.mentions.clone(),
    }
}

/// Makes a database of one feed that is in memory, as tests need it.
///
/// # Errors
/// As [`build`].
#[doc(hidden)]
pub fn build_of_bytes(feed: Vec<u8>) -> Result<Built> {
    let mut gathered = Gathered::default();
    let mut sink = |source, kind, record| gathered.add(source, kind, record);
    let mut reader = Reader::new(Room::default(), &mut sink);
    reader.section(&Section::of_bytes(feed), "feed")?;
    let mut taken = reader.done();
    coverage::decide(&gathered, &mut taken, &[])?;
    let bytes = write::write(gathered, &taken, &[], None)?;
    Ok(Built { bytes, taken })
}

/// Makes a database of records alone, as tests and benches need it; all that they name is covered.
#[doc(hidden)]
pub fn build_of(records: Vec<(Kind, Record)>, built: Option<jiff::civil::Date>) -> Result<Vec<u8>> {
    let mut gathered = Gathered::default();
    let mut taken = Taken { name: "records".to_owned(), ..Taken::default() };
    for (kind, record) in records {
        taken.records += 1;
        taken.kinds.insert(kind);
        taken.newest = taken.newest.max(record.modified);
        taken.covers.extend(record.affected.iter().map(|affected| affected.ecosystem.to_string()));
        gathered.add(0, kind, record)?;
    }
    taken.covers.sort();
    taken.covers.dedup();
    write::write(gathered, &[taken], &[], built)
}
