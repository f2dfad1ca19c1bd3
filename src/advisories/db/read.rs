//! Opening the file, and reading of it what is asked for.

use std::path::Path;
use std::sync::Arc;

use super::super::ecosystem::Ecosystem;
use super::format::{
    ADVISORY, Advisory, ENTRY, EcosystemInfo, Entry, FIXED, Header, Interval, KEY, Key, MAGIC, PAGE, RANGE,
    REFERENCE, Ref, Run, SCHEMA, Section as Place,
};
use super::pages::{Pages, broken};
use crate::digest::{Sha256, hex};
use crate::error::{Error, Result};
use crate::host;
use crate::limits;
use crate::read::{OpenFile, Section};

/// An open database. Threads may share it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) header: Header,
    pub(super) pages: Pages,
    identity: String,
    /// The whole file.
    pub(super) file: Section,
}

impl Database {
    /// Opens a file: reads and checks its head, whatever its size.
    ///
    /// # Errors
    /// What cannot be read, is no database, one of another version, cut short, or changed in its head.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let cannot = |error| Error::io("the database of advisories cannot be read", error);
        let opened = || -> Result<Self> {
            let file = OpenFile::new(host::open(path).map_err(cannot)?).map_err(cannot)?;
            Self::of(Section::whole(Arc::new(file)))
        };
        opened().map_err(|error| error.at(path.display().to_string()))
    }

    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub(crate) fn of(file: Section) -> Result<Self> {
        let size = file.size();
        let mut reader = file.reader();
        let mut fixed = [0; FIXED];
        if size < FIXED as u64 {
            let head = file.head(MAGIC.len()).map_err(|error| Error::io("cannot be read", error))?;
            return Err(if head == MAGIC { cut_short() } else { no_database() });
        }
        exact(&mut reader, &mut fixed)?;
        let start = Start::of(&fixed)?;
        if size != start.size {
            return Err(if size < start.size { cut_short() } else { too_long() });
        }
        let mut rest = vec![0; start.head - FIXED];
        exact(&mut reader, &mut rest)?;
        let (covered, identity) = fixed.split_at_checked(32).ok_or_else(broken)?;
        let mut hash = Sha256::default();
        hash.update(covered);
        hash.update(&rest);
        if hash.finish() != identity {
            return Err(Error::invalid("the head of the database is not as it was written").hint(COPY));
        }
        let (header, rest) = rest.split_at_checked(start.header).ok_or_else(broken)?;
        let header: Header = serde_json::from_slice(header).map_err(|_| broken())?;
        let checksums = rest.chunks_exact(4).take(start.pages);
        let checksums =
            checksums.filter_map(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?))).collect();
        let pages = file.slice(start.head as u64, size - start.head as u64).ok_or_else(broken)?;
        let database = Self { header, pages: Pages::new(pages, checksums), identity: hex(identity), file };
        database.check_sections()?;
        Ok(database)
    }

    fn check_sections(&self) -> Result<()> {
        let sections = &self.header.sections;
        let sizes = [
            (sections.keys, KEY),
            (sections.entries, ENTRY),
            (sections.ranges, RANGE),
            (sections.advisories, ADVISORY),
            (sections.lists, REFERENCE),
            (sections.strings, 1),
        ];
        for (section, size) in sizes {
            let end =
                section.count.checked_mul(size as u64).and_then(|bytes| bytes.checked_add(section.offset));
            if end.is_none_or(|end| end > self.pages.size()) {
                return Err(broken());
            }
        }
        let mut keys = 0;
        for ecosystem in &self.header.ecosystems {
            if u64::from(ecosystem.first_key) != keys {
                return Err(broken());
            }
            keys += u64::from(ecosystem.packages);
        }
        if keys == sections.keys.count { Ok(()) } else { Err(broken()) }
    }

    /// What the file says of itself.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Hexadecimal digits that no other database has.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.file.size()
    }

    /// What is known of an ecosystem; `None` where no feed spoke of it.
    pub(crate) fn ecosystem(&self, ecosystem: &Ecosystem) -> Option<&EcosystemInfo> {
        let name = ecosystem.to_string();
        let all = &self.header.ecosystems;
        let place = all.binary_search_by(|known| known.name.as_str().cmp(&name)).ok()?;
        all.get(place)
    }

    /// The key of a package.
    pub(crate) fn key(&self, ecosystem: &EcosystemInfo, package: &str) -> Result<Option<Key>> {
        let (mut low, mut high) = (0, ecosystem.packages);
        while low < high {
            let middle = low + (high - low) / 2;
            let key = self.key_at(u64::from(ecosystem.first_key) + u64::from(middle))?;
            match self.text(key.name)?.cmp(package) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Some(key)),
            }
        }
        Ok(None)
    }

    /// The names of an ecosystem's packages, sorted.
    pub(crate) fn names(&self, ecosystem: &EcosystemInfo) -> impl Iterator<Item = Result<&str>> + '_ {
        let first = u64::from(ecosystem.first_key);
        let keys = first..first + u64::from(ecosystem.packages);
        keys.map(|place| self.text(self.key_at(place)?.name))
    }

    /// What advisories say of a package of an ecosystem.
    pub(crate) fn entries<'a>(
        &'a self,
        ecosystem: &EcosystemInfo,
        package: &str,
    ) -> Result<impl Iterator<Item = Result<Entry>> + use<'a>> {
        let (first, count) = self.key(ecosystem, package)?.map_or((0, 0), |key| (key.first, key.count));
        Ok((0..count).map(move |place| self.entry_at(u64::from(first) + u64::from(place))))
    }

    pub(crate) fn key_at(&self, place: u64) -> Result<Key> {
        Key::read(&self.record::<KEY>(self.header.sections.keys, place)?).ok_or_else(broken)
    }

    pub(crate) fn entry_at(&self, place: u64) -> Result<Entry> {
        Entry::read(&self.record::<ENTRY>(self.header.sections.entries, place)?).ok_or_else(broken)
    }

    pub(crate) fn advisory_at(&self, place: u64) -> Result<Advisory> {
        Advisory::read(&self.record::<ADVISORY>(self.header.sections.advisories, place)?).ok_or_else(broken)
    }

    pub(crate) fn intervals(&self, run: Run) -> impl Iterator<Item = Result<Interval>> + '_ {
        (0..u64::from(run.count)).map(move |at| {
            let record = self.record::<RANGE>(self.header.sections.ranges, u64::from(run.first) + at)?;
            Interval::read(&record).ok_or_else(broken)
        })
    }

    pub(crate) fn list(&self, run: Run) -> impl Iterator<Item = Result<&str>> + '_ {
        (0..u64::from(run.count)).map(move |at| {
            let record = self.record::<REFERENCE>(self.header.sections.lists, u64::from(run.first) + at)?;
            self.text(Ref::from_le_bytes(record))
        })
    }

    /// A string.
    pub(crate) fn text(&self, reference: Ref) -> Result<&str> {
        if reference == 0 {
            return Ok("");
        }
        let strings = self.header.sections.strings;
        if u64::from(reference) >= strings.count {
            return Err(broken());
        }
        self.pages.string(strings.offset + u64::from(reference))
    }

    fn record<const N: usize>(&self, section: Place, place: u64) -> Result<[u8; N]> {
        if place >= section.count {
            return Err(broken());
        }
        self.pages.record(section.offset + place * N as u64)
    }
}

/// What the first bytes say.
struct Start {
    header: usize,
    pages: usize,
    head: usize,
    size: u64,
}

impl Start {
    fn of(fixed: &[u8; FIXED]) -> Result<Self> {
        if !fixed.starts_with(&MAGIC) {
            return Err(no_database());
        }
        let number = |at: usize| {
            let bytes = fixed.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
            Ok::<u32, Error>(u32::from_le_bytes(bytes))
        };
        let schema = number(8)?;
        if schema != SCHEMA {
            let what =
                format!("a database of advisories of version {schema}; this program reads version {SCHEMA}");
            return Err(
                Error::unsupported(what).hint("build it anew with `ocicheck db build` of this program")
            );
        }
        let (page, header, pages) = (number(12)?, number(16)?, number(20)?);
        let size = fixed.get(24..32).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let size = size.ok_or_else(broken)?;
        if page as usize != PAGE {
            return Err(broken());
        }
        if u64::from(header) > limits::ADVISORY_HEADER_BYTES {
            let limit = limits::ADVISORY_HEADER_BYTES;
            return Err(Error::limit("the header of the database", "ADVISORY_HEADER_BYTES", limit).hint(COPY));
        }
        if size > limits::ADVISORY_DATABASE_BYTES {
            let limit = limits::ADVISORY_DATABASE_BYTES;
            return Err(
                Error::limit("the database of advisories", "ADVISORY_DATABASE_BYTES", limit).hint(COPY)
            );
        }
        let (header, pages) = (header as usize, pages as usize);
        let head = (FIXED + header + 4 * pages).next_multiple_of(PAGE);
        // As many pages as the file has behind its head.
        if size.checked_sub(head as u64).map(|rest| rest.div_ceil(PAGE as u64)) != Some(pages as u64) {
            return Err(broken());
        }
        Ok(Self { header, pages, head, size })
    }
}

fn no_database() -> Error {
    Error::invalid("no database of advisories").hint("`ocicheck db build` makes one of feeds")
}

/// What to do about a file that was damaged.
const COPY: &str = "the file was damaged on its way; copy it again";

fn cut_short() -> Error {
    Error::invalid("the database of advisories is cut short").hint(COPY)
}

fn too_long() -> Error {
    Error::invalid("the database of advisories has bytes behind its end").hint(COPY)
}

fn exact(reader: &mut impl std::io::Read, buffer: &mut [u8]) -> Result<()> {
    reader.read_exact(buffer).map_err(|error| Error::io("cannot be read", error))
}
