//! What of a feed does not come into a database, counted by its reason.

use std::collections::BTreeMap;

/// Reasons to pass something over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// A record that its authors took back.
    Withdrawn,
    /// Bug fixes and enhancements.
    NotSecurity,
    /// Packages of ecosystems that no package of an image comes from, or that are not known here.
    Ecosystem,
    /// Packages of a distribution without a release: which one is meant?
    NoRelease,
    /// An entry that names no package.
    NoPackage,
    /// An entry that says no version that could be asked for: commits only, or nothing at all.
    NoVersions,
    /// A package of which the feed says that it is not affected.
    NotAffected,
    /// A source package that has a fix: the packages that are built of it are named beside it, and its epoch is not told.
    SourcePackage,
    /// A file that is no JSON document, or a member of an archive that is no file.
    NotRead,
    /// A name in an archive that leads out of it. It is read: nothing is unpacked.
    Escapes,
    /// A document or record that is broken. What it says is missing.
    Unreadable,
}

impl Skip {
    /// As it is told and written into the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::NotSecurity => "not-security",
            Self::Ecosystem => "unknown-ecosystem",
            Self::NoRelease => "no-release",
            Self::NoPackage => "no-package",
            Self::NoVersions => "no-versions",
            Self::NotAffected => "not-affected",
            Self::SourcePackage => "source-package",
            Self::NotRead => "not-read",
            Self::Escapes => "escaping-name",
            Self::Unreadable => "unreadable",
        }
    }

    /// In words for people, behind a number.
    pub fn words(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn records",
            Self::NotSecurity => "records that are not about security",
            Self::Ecosystem => "packages of ecosystems that are not known",
            Self::NoRelease => "packages of a distribution without a release",
            Self::NoPackage => "entries without a package",
            Self::NoVersions => "entries without a version",
            Self::NotAffected => "packages that are not affected",
            Self::SourcePackage => "source packages with a fix, which is told of what is built of them",
            Self::NotRead => "files and links that are no JSON documents",
            Self::Escapes => "names that lead out of the archive",
            Self::Unreadable => "documents that could not be read",
        }
    }
}

/// Names that are told of one reason, and documents that are told one by one.
const TOLD: usize = 20;

/// What was passed over of one source.
#[derive(Debug, Default, Clone)]
pub struct Skips {
    counts: BTreeMap<Skip, u64>,
    /// The names of ecosystems.
    ecosystems: BTreeMap<String, u64>,
    unreadable: Vec<(String, String)>,
}

impl Skips {
    /// One more.
    pub(super) fn count(&mut self, skip: Skip) {
        self.add(skip, 1);
    }

    pub(super) fn add(&mut self, skip: Skip, count: u64) {
        if count > 0 {
            *self.counts.entry(skip).or_default() += count;
        }
    }

    /// One more, for an ecosystem of that name.
    pub(super) fn count_ecosystem(&mut self, skip: Skip, name: &str) {
        self.count(skip);
        let name: String = name.trim().chars().take(64).collect();
        let name = if name.is_empty() { "(none)".to_owned() } else { name };
        if self.ecosystems.len() < TOLD || self.ecosystems.contains_key(&name) {
            *self.ecosystems.entry(name).or_default() += 1;
        }
    }

    /// A document that is broken, and why.
    pub(super) fn unreadable(&mut self, name: &str, why: &str) {
        self.count(Skip::Unreadable);
        if self.unreadable.len() < TOLD {
            self.unreadable.push((name.to_owned(), why.to_owned()));
        }
    }

    /// How many of one reason.
    pub fn of(&self, skip: Skip) -> u64 {
        self.counts.get(&skip).copied().unwrap_or_default()
    }

    /// How many of all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many of what documents that could be read say.
    pub(super) fn of_content(&self) -> u64 {
        self.total()
            - [Skip::Unreadable, Skip::NotRead, Skip::Escapes].map(|skip| self.of(skip)).iter().sum::<u64>()
    }

    /// Each reason with its number.
    pub fn counts(&self) -> impl Iterator<Item = (Skip, u64)> + '_ {
        self.counts.iter().map(|(skip, count)| (*skip, *count))
    }

    /// The first names of ecosystems that were passed over, each with its number.
    pub fn ecosystems(&self) -> &BTreeMap<String, u64> {
        &self.ecosystems
    }

    /// The first documents that are broken, each with what is wrong.
    pub fn broken(&self) -> &[(String, String)] {
        &self.unreadable
    }
}
