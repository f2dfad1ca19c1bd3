//! What is answered.

use super::super::feed::Kind;
use super::super::record::Fix;
use super::super::severity::Severity;

/// What one advisory means for the package that was asked of.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The advisory's id: `CVE-2024-1234`, `GHSA-…`, `ALSA-2024:1234`.
    pub id: String,
    /// Other names of the same vulnerability.
    pub aliases: Vec<String>,
    /// The CVEs that it is about, by whatever field its feed tells them; sorted.
    pub cves: Vec<String>,
    /// Ids of advisories that say the same and are not told beside it.
    pub also: Vec<String>,
    /// Whether the package is affected.
    pub verdict: Verdict,
    /// The name by which the feed speaks of the package: a source package's, for Debian.
    pub package: String,
    /// The version that was compared.
    pub version: String,
    /// The first version with the fix that is newer than the package's; where it is not affected because it has the
    /// fix, that fix.
    pub fixed_in: Option<String>,
    /// What the feed says of a fix: [`Fix::Open`], [`Fix::Postponed`] and [`Fix::WontFix`] where there is none.
    pub fix: Fix,
    /// How bad it is, and by whose word.
    pub severity: Severity,
    /// The CVSS vector with the newest version, and its score.
    pub cvss: Option<(String, Option<f64>)>,
    /// What it is instead of a vulnerability (`unmaintained`, `unsound`, `notice`); empty for vulnerabilities.
    pub informational: String,
    /// One line.
    pub summary: String,
    /// The day of its publication, where the feed says so.
    pub published: Option<String>,
    /// The day of its last change.
    pub modified: Option<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Which of [`super::Advisories::sources`] it is from.
    pub source: usize,
    /// The form of its feed.
    pub feed: Kind,
}

/// Whether a package is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its version is among those that are affected.
    Affected,
    /// It is not, or the feed says that the package never was.
    NotAffected,
    /// It cannot be said, for this reason: not to be taken for "not affected".
    Undecidable(String),
}

impl Verdict {
    /// `affected`, `not-affected`, `undecidable`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::NotAffected => "not-affected",
            Self::Undecidable(_) => "undecidable",
        }
    }

    /// Affected first, not affected last.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Affected => 0,
            Self::Undecidable(_) => 1,
            Self::NotAffected => 2,
        }
    }
}
