//! Reading all of the file: every page held to its checksum and all of them to their SHA-256, and every reference
//! followed.

use super::format::Run;
use super::pages::broken;
use super::read::Database;
use crate::digest::hex;
use crate::error::{Error, Result};

/// What was found to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// SHA-256 of the file, as `sha256sum` tells it.
    pub sha256: String,
    /// Packages that advisories name.
    pub packages: u64,
    /// What advisories say of packages.
    pub entries: u64,
    /// Intervals of versions.
    pub ranges: u64,
    /// Advisories.
    pub advisories: u64,
}

impl Database {
    /// Checks all that the file holds.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn verify(&self) -> Result<Verified> {
        self.verify_hash()?;
        let sections = &self.header.sections;
        for ecosystem in &self.header.ecosystems {
            let mut before = String::new();
            for place in 0..ecosystem.packages {
                let key = self.key_at(u64::from(ecosystem.first_key) + u64::from(place))?;
                let name = self.text(key.name)?;
                if place > 0 && name <= before.as_str() {
                    return Err(broken());
                }
                name.clone_into(&mut before);
                for entry in self.entries(ecosystem, name)? {
                    self.verify_entry(entry?)?;
                }
            }
        }
        for place in 0..sections.advisories.count {
            self.verify_advisory(place)?;
        }
        let sha256 = self.file.sha256().map_err(|error| Error::io("cannot be read", error))?;
        Ok(Verified {
            sha256: hex(&sha256),
            packages: sections.keys.count,
            entries: sections.entries.count,
            ranges: sections.ranges.count,
            advisories: sections.advisories.count,
        })
    }

    fn verify_entry(&self, entry: super::format::Entry) -> Result<()> {
        self.advisory_at(entry.advisory.into())?;
        for reference in [entry.arch, entry.module, entry.severity_by] {
            self.text(reference)?;
        }
        for interval in self.intervals(entry.ranges) {
            let interval = interval?;
            self.text(interval.introduced)?;
            self.text(interval.end)?;
        }
        self.list(entry.versions).try_for_each(|text| text.map(|_| ()))
    }

    fn verify_advisory(&self, place: u64) -> Result<()> {
        let advisory = self.advisory_at(place)?;
        for reference in [advisory.id, advisory.summary, advisory.informational, advisory.severity_by] {
            self.text(reference)?;
        }
        let mut first = advisory.lists;
        for count in advisory.counts {
            self.list(Run { first, count }).try_for_each(|text| text.map(|_| ()))?;
            first = first.checked_add(count.into()).ok_or_else(broken)?;
        }
        if usize::from(advisory.source) < self.header.sources.len() { Ok(()) } else { Err(broken()) }
    }

    fn verify_hash(&self) -> Result<()> {
        let digest = self.pages.sha256().map_err(|error| Error::io("cannot be read", error))?;
        if hex(&digest) == self.header.sha256 {
            return Ok(());
        }
        Err(Error::invalid("the database of advisories is not as it was written: its SHA-256 differs")
            .hint("the file was damaged on its way; copy it again"))
    }
}
