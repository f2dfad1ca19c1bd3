//! Asking the database of one package.
//!
//! Every feed is asked by the name that it speaks of: Debian, Ubuntu and Alpine name source packages, Red Hat and
//! most of its kin the packages that are installed. What cannot be decided is told as such, and never left out.

mod answer;
mod effort;
mod matching;
mod merge;
mod own;
mod question;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::answer::{Answer, Verdict};
pub(super) use self::effort::Effort;
pub(super) use self::own::Epoch;
pub use self::question::{Modularity, NoQuestion, Question};
use super::db::format::{EcosystemInfo, Header, Source};
use super::db::read::Database;
use super::db::verify::Verified;
use super::ecosystem::Ecosystem;
use crate::error::Result;
use crate::read::Section;

/// An open database of advisories. Threads may share it; each page of the file is read once.
#[derive(Debug)]
pub struct Advisories {
    database: Database,
}

impl Advisories {
    /// Opens a database. It takes some 50 µs, whatever the file's size.
    ///
    /// # Errors
    /// What cannot be read, is no database, is of another version, cut short, or changed in its head.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { database: Database::open(path)? })
    }

    /// Takes the bytes of a database that is in memory.
    ///
    /// # Errors
    /// As [`Advisories::open`].
    pub fn of_bytes(bytes: Vec<u8>) -> Result<Self> {
        Ok(Self { database: Database::of(Section::of_bytes(bytes))? })
    }

    /// The feeds that it was made of, by name.
    pub fn sources(&self) -> &[Source] {
        &self.database.header().sources
    }

    /// All that the file says of itself.
    pub fn header(&self) -> &Header {
        self.database.header()
    }

    /// Hexadecimal digits (a SHA-256) that are those of no other database: of what the file says of itself and of
    /// the SHA-256 of the rest.
    pub fn identity(&self) -> &str {
        self.database.identity()
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.database.size()
    }

    /// The ecosystems and releases that feeds spoke of, by name.
    pub fn ecosystems(&self) -> &[EcosystemInfo] {
        &self.database.header().ecosystems
    }

    /// What is known of an ecosystem that a feed is of. `None`: none is, so that no answer says nothing of its packages.
    /// That is *not evaluated*, and never a pass.
    pub fn covers(&self, ecosystem: &Ecosystem) -> Option<&EcosystemInfo> {
        self.speaks_of(ecosystem).filter(|known| known.covered)
    }

    /// What is known of an ecosystem that feeds name, if only by the way: what they say counts, but not what they do not.
    pub fn speaks_of(&self, ecosystem: &Ecosystem) -> Option<&EcosystemInfo> {
        self.database.ecosystem(ecosystem)
    }

    /// Whether any advisory names a package, by whatever name its ecosystem's feeds speak of it.
    ///
    /// # Errors
    /// A file that cannot be read, or is not as it was written.
    pub fn names(&self, question: &Question<'_>) -> Result<bool> {
        for asked in question.asked() {
            for ecosystem in question.ecosystem.asked(asked.version) {
                let Some(known) = self.database.ecosystem(&ecosystem) else { continue };
                if matching::entries(&self.database, known, &asked)?.next().transpose()?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The packages of an ecosystem that advisories name, sorted.
    ///
    /// # Errors
    /// A file that cannot be read, or is not as it was written.
    pub fn packages(&self, ecosystem: &Ecosystem) -> impl Iterator<Item = Result<&str>> {
        self.speaks_of(ecosystem).into_iter().flat_map(|known| self.database.names(known))
    }

    /// The advisories that a package is affected by, or of which that cannot be decided; worst first.
    ///
    /// # Errors
    /// A file that cannot be read, or is not as it was written.
    pub fn ask(&self, question: &Question<'_>) -> Result<Vec<Answer>> {
        self.ask_within(question, &Effort::any())
    }

    /// As [`Advisories::ask`], of one package of many: an error also where all of them take too long.
    pub(super) fn ask_within(&self, question: &Question<'_>, effort: &Effort) -> Result<Vec<Answer>> {
        let mut answers = matching::answers(&self.database, question, false, effort)?;
        merge::merge(&mut answers);
        let told = answers.into_iter().map(|found| found.answer);
        Ok(told.filter(|answer| answer.verdict != Verdict::NotAffected).collect())
    }

    /// As [`Advisories::ask`], and also those that name the package but not this version of it.
    ///
    /// # Errors
    /// As [`Advisories::ask`].
    pub fn ask_all(&self, question: &Question<'_>) -> Result<Vec<Answer>> {
        let mut answers = matching::answers(&self.database, question, true, &Effort::any())?;
        merge::merge(&mut answers);
        Ok(answers.into_iter().map(|found| found.answer).collect())
    }

    /// Reads and checks all of the file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self) -> Result<Verified> {
        self.database.verify()
    }
}
