//! Feeds of advisories, each in its own form, as [`Record`]s. Which form it is, is told by the content.
//!
//! Nothing is unpacked to disk. Of a feed, no more is in memory than one document and what it became; what is
//! passed over is counted by its reason, since a database that lacks something must say so.

mod csaf;
mod debian;
pub(super) mod events;
mod files;
mod held;
mod json;
mod osv;
mod secdb;
mod skips;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

pub use self::files::is_feed;
use self::files::{Found, fill, is_archive, is_json, name_of};
pub use self::skips::{Skip, Skips};
use super::record::Record;
use crate::codec;
use crate::digest::{Digest, Sha256, hex};
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::limits;
use crate::model::descriptor::Compression;
use crate::read::{OpenFile, Section};
use crate::scan::tar::header::BLOCK;

/// The form of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// OSV records.
    Osv,
    /// The Debian security tracker.
    Debian,
    /// A secdb of Alpine or its like.
    Secdb,
    /// CSAF documents.
    Csaf,
}

impl Kind {
    /// All, by their numbers in the file.
    pub(super) const ALL: [Self; 4] = [Self::Osv, Self::Debian, Self::Secdb, Self::Csaf];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Osv => "osv",
            Self::Debian => "debian-tracker",
            Self::Secdb => "secdb",
            Self::Csaf => "csaf",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a source was taken for, and what came of it.
#[derive(Debug, Default)]
pub struct Taken {
    /// The name of the file or directory, without where it lies.
    pub name: String,
    /// The forms of what is in it; one, but for collections.
    pub kinds: BTreeSet<Kind>,
    /// Of the file; of a directory, of the list of its files with their digests.
    pub sha256: String,
    /// Stored bytes.
    pub bytes: u64,
    /// The newest change of a record, in seconds since 1970, where records say so.
    pub newest: Option<i64>,
    /// The licences that records name.
    pub licenses: BTreeSet<String>,
    /// Documents that were read.
    pub documents: u64,
    /// Records that came of them.
    pub records: u64,
    /// What was passed over.
    pub skips: Skips,
    /// The same as a source before it, which counts for both.
    pub repeated: bool,
    /// A file that is one document.
    pub is_document: bool,
    /// Of a secdb: the release, and the repository whose packages it speaks of; empty where it does not say which.
    pub repositories: BTreeSet<(String, String)>,
    /// The ecosystems and releases that it is a feed of, sorted.
    pub covers: Vec<String>,
    /// Those that come along in its records, each with how many name it: that they name no package of it says nothing.
    pub mentions: BTreeMap<String, u64>,
}

/// The ceilings of reading; tests set lower ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// See [`limits::FEED_FILE_BYTES`].
    pub(super) file: u64,
    /// See [`limits::FEED_DOCUMENT_BYTES`].
    pub(super) document: u64,
    /// See [`limits::FEED_UNPACKED_BYTES`].
    pub(super) unpacked: u64,
    /// See [`limits::FEED_DOCUMENTS`].
    pub(super) documents: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            file: limits::FEED_FILE_BYTES,
            document: limits::FEED_DOCUMENT_BYTES,
            unpacked: limits::FEED_UNPACKED_BYTES,
            documents: limits::FEED_DOCUMENTS,
        }
    }
}

/// Takes a record of the source with that number.
pub(super) type Sink<'a> = dyn FnMut(usize, Kind, Record) -> Result<()> + 'a;

/// Reads feeds.
pub(super) struct Reader<'a> {
    room: Room,
    sink: &'a mut Sink<'a>,
    /// All sources so far.
    taken: Vec<Taken>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(room: Room, sink: &'a mut Sink<'a>) -> Self {
        Self { room, sink, taken: Vec::new() }
    }

    /// What was read of what.
    pub(super) fn done(self) -> Vec<Taken> {
        self.taken
    }

    /// Reads a file, or all feeds in a directory.
    ///
    /// # Errors
    /// What cannot be read, or is no feed. A single record that is broken is counted, not an error, but for one
    /// that is a source by itself.
    pub(super) fn take(&mut self, path: &Path) -> Result<()> {
        let place = path.display().to_string();
        let read = |error| Error::io(format!("{place} cannot be read"), error);
        let taken = if host::metadata(path).map_err(read)?.is_dir() {
            self.directory(path)
        } else {
            self.file(path, &name_of(path))
        };
        taken.map_err(|error| error.at(place))
    }

    /// Begins a source, unless it is the same as one before.
    fn begin(&mut self, name: &str, sha256: String, bytes: u64) -> Option<usize> {
        let repeated = self.taken.iter().any(|taken| taken.sha256 == sha256);
        self.taken.push(Taken { name: name.to_owned(), sha256, bytes, repeated, ..Taken::default() });
        (!repeated).then(|| self.taken.len() - 1)
    }

    fn source(&mut self, number: usize) -> Result<&mut Taken> {
        let lost = || Error::new(crate::error::ErrorKind::Internal, "a source without a number");
        self.taken.get_mut(number).ok_or_else(lost)
    }

    fn file(&mut self, path: &Path, name: &str) -> Result<()> {
        let cannot = |error| Error::io("cannot be read", error);
        let file = OpenFile::new(host::open(path).map_err(cannot)?).map_err(cannot)?;
        self.section(&Section::whole(Arc::new(file)), name)
    }

    /// Reads the bytes of a feed that is one file.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub(super) fn section(&mut self, section: &Section, name: &str) -> Result<()> {
        let cannot = |error| Error::io("cannot be read", error);
        let digest = hex(&section.sha256().map_err(cannot)?);
        let Some(number) = self.begin(name, digest, section.size()) else { return Ok(()) };
        let head = section.head(codec::HEAD_BYTES.max(4)).map_err(cannot)?;
        if zip::begins(&head) {
            self.zip(number, section)?;
        } else {
            let compression = codec::detect(&head);
            let mut reader = codec::decoder(compression, section.reader())?;
            let mut start = vec![0; BLOCK];
            let filled = fill(&mut reader, &mut start)?;
            start.truncate(filled);
            if tar::begins(&start) {
                self.tar(number, start.as_slice().chain(reader))?;
            } else {
                let limit = if compression == Compression::None { section.size() } else { self.room.file };
                self.one(number, start.as_slice().chain(reader), limit.min(self.room.file))?;
            }
        }
        self.demand_records(number)
    }

    /// A file that is one document.
    fn one(&mut self, number: usize, reader: impl std::io::Read, limit: u64) -> Result<()> {
        let mut document = Vec::new();
        let cannot = |error| Error::io("cannot be read", error);
        reader.take(limit.saturating_add(1)).read_to_end(&mut document).map_err(cannot)?;
        if document.len() as u64 > self.room.file {
            return Err(Error::limit("the feed", "FEED_FILE_BYTES", self.room.file));
        }
        self.source(number)?.is_document = true;
        self.document(number, &document)?.map_err(|why| {
            Error::invalid(why).hint(
                "a feed is an OSV record or archive, the Debian security tracker's JSON, a secdb or a CSAF document",
            )
        })
    }

    fn zip(&mut self, number: usize, section: &Section) -> Result<()> {
        let archive = zip::Archive::open(section, self.room)?;
        for member in archive.members() {
            if member.escapes() {
                self.source(number)?.skips.count(Skip::Escapes);
            }
            if is_json(member.name()) {
                let document = archive.read(member)?;
                self.counted(number, member.name(), &document)?;
            } else if !member.is_directory() {
                self.source(number)?.skips.count(Skip::NotRead);
            }
        }
        Ok(())
    }

    fn tar(&mut self, number: usize, reader: impl std::io::Read) -> Result<()> {
        let mut archive = tar::Archive::new(reader, self.room);
        while let Some(member) = archive.next()? {
            if member.escapes {
                self.source(number)?.skips.count(Skip::Escapes);
            }
            match member.document {
                Some(document) => self.counted(number, &member.name, &document)?,
                None => self.source(number)?.skips.count(Skip::NotRead),
            }
        }
        Ok(())
    }

    /// The documents of a directory are one source; archives in it are sources of their own.
    fn directory(&mut self, path: &Path) -> Result<()> {
        let found = files::list(path, self.room)?;
        let documents: Vec<&Found> = found.iter().filter(|file| is_json(&file.name)).collect();
        let mut list = Sha256::default();
        let name = name_of(path);
        let first = self.taken.len();
        if !documents.is_empty() {
            // The digest is known when all is read, so the place is kept.
            let number = self.taken.len();
            self.taken.push(Taken { name: name.clone(), ..Taken::default() });
            let mut bytes = 0;
            for file in documents {
                let document = files::read(&file.path, self.room).map_err(|error| error.at(&file.name))?;
                bytes += document.len() as u64;
                list.update(format!("{}  {}\n", Digest::sha256(&document).hex(), file.name).as_bytes());
                self.counted(number, &file.name, &document)?;
            }
            let sha256 = hex(&list.finish());
            let repeated = self.taken.iter().any(|taken| taken.sha256 == sha256);
            let source = self.source(number)?;
            source.repeated = repeated;
            let read = |file: &&Found| is_json(&file.name) || is_archive(&file.name);
            source.skips.add(Skip::NotRead, (found.len() - found.iter().filter(read).count()) as u64);
            source.sha256 = sha256;
            source.bytes = bytes;
        }
        let archives = found.iter().filter(|file| is_archive(&file.name));
        for file in archives {
            // OSV's exports are known by the directory that they are in.
            let name = if file.name == "all.zip" { name_of(&file.path) } else { file.name.clone() };
            self.file(&file.path, &name).map_err(|error| error.at(&file.name))?;
        }
        let mut taken = self.taken.iter().skip(first);
        let is_nothing = |taken: &Taken| taken.records == 0 && taken.skips.of_content() == 0;
        if taken.all(|taken| !taken.repeated && is_nothing(taken)) {
            return Err(no_records());
        }
        Ok(())
    }

    /// A document of many: what is wrong with it is counted.
    fn counted(&mut self, number: usize, name: &str, document: &[u8]) -> Result<()> {
        if let Err(why) = self.document(number, document)? {
            self.source(number)?.skips.unreadable(name, &why);
        }
        Ok(())
    }

    /// Reads a document by its form.
    ///
    /// # Errors
    /// What ends all reading; within, what is wrong with this document.
    fn document(&mut self, number: usize, document: &[u8]) -> Result<std::result::Result<(), String>> {
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let Some(keys) = json::first_keys(document, KEYS) else {
            return Ok(Err("no JSON object, and so no advisory".to_owned()));
        };
        let mut skips = std::mem::take(&mut self.source(number)?.skips);
        let mut tally = Tally::default();
        let read = match form(&keys) {
            Kind::Osv => {
                osv::read(document, &mut skips).map_err(|error| tally.refuse(error)).and_then(|read| {
                    match read {
                        Some(read) => {
                            tally.license(read.license);
                            tally.take(number, Kind::Osv, read.record, self.sink)
                        }
                        None => Ok(()),
                    }
                })
            }
            Kind::Secdb => {
                let read = secdb::read(document, &mut skips, |record| {
                    tally.take(number, Kind::Secdb, record, self.sink)
                });
                read.map(|repository| tally.repositories.extend([repository]))
            }
            Kind::Csaf => {
                let read = csaf::read(document, &mut skips, |record| {
                    tally.take(number, Kind::Csaf, record, self.sink)
                });
                read.map(|license| tally.license(license.to_owned()))
            }
            Kind::Debian => debian::read(document, &mut skips, |record| {
                tally.take(number, Kind::Debian, record, self.sink)
            }),
        };
        let source = self.source(number)?;
        source.skips = skips;
        source.documents += 1;
        source.records += tally.records;
        source.newest = source.newest.max(tally.newest);
        source.licenses.extend(tally.licenses);
        source.repositories.extend(tally.repositories);
        if let Some(error) = tally.error {
            return Err(error);
        }
        if read.is_ok() {
            source.kinds.insert(form(&keys));
        }
        Ok(read)
    }

    fn demand_records(&mut self, number: usize) -> Result<()> {
        let source = self.source(number)?;
        if source.documents == 0 || source.records == 0 && source.skips.of_content() == 0 {
            return Err(no_records());
        }
        Ok(())
    }
}

/// Keys of a document that are looked at to tell its form; OSV records and CSAF documents have fewer.
const KEYS: usize = 32;

/// What an object with these keys is: the tracker where it is nothing else, since its keys are packages.
fn form(keys: &[String]) -> Kind {
    if csaf::is_document(keys) {
        Kind::Csaf
    } else if osv::is_record(keys) {
        Kind::Osv
    } else if secdb::is_secdb(keys) {
        Kind::Secdb
    } else {
        Kind::Debian
    }
}

/// What came of one document.
#[derive(Debug, Default)]
struct Tally {
    records: u64,
    newest: Option<i64>,
    licenses: BTreeSet<String>,
    repositories: BTreeSet<(String, String)>,
    /// What ends all reading.
    error: Option<Error>,
}

impl Tally {
    fn take(
        &mut self,
        number: usize,
        kind: Kind,
        record: Record,
        sink: &mut Sink<'_>,
    ) -> std::result::Result<(), String> {
        self.records += 1;
        self.newest = self.newest.max(record.modified);
        sink(number, kind, record).map_err(|error| self.end(error))
    }

    /// What is wrong with a document; a limit ends all reading.
    fn refuse(&mut self, error: Error) -> String {
        if error.kind() == ErrorKind::Limit { self.end(error) } else { error.to_string() }
    }

    fn end(&mut self, error: Error) -> String {
        let told = error.to_string();
        self.error = Some(error);
        told
    }

    fn license(&mut self, license: String) {
        if !license.is_empty() && license.len() <= limits::ADVISORY_TEXT_BYTES {
            self.licenses.insert(license);
        }
    }
}

fn no_records() -> Error {
    Error::invalid("no advisories are in it").hint(
        "a feed is an OSV record or archive, the Debian security tracker's JSON, a secdb or CSAF documents",
    )
}
