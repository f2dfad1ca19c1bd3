//! One advisory as all feeds tell it, each in its own words: normalized, and bounded.

use super::ecosystem::Ecosystem;
use super::severity::{Score, Severity};
use crate::limits;

/// One advisory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// As its feed writes it: `CVE-2024-1234`, `GHSA-…`, `ALSA-2024:1234`.
    pub id: String,
    /// Other names of the very same vulnerability.
    pub aliases: Vec<String>,
    /// Vulnerabilities that it is made of: a distribution's advisory has one or more CVEs.
    pub upstream: Vec<String>,
    /// What has to do with it. AlmaLinux puts the CVEs of an advisory here.
    pub related: Vec<String>,
    /// Seconds since 1970, where the feed says so.
    pub published: Option<i64>,
    /// When it was changed last.
    pub modified: Option<i64>,
    /// One line.
    pub summary: String,
    /// What holds for all packages, unless one of them has its own.
    pub severity: Severity,
    /// CVSS vectors, of the record as a whole.
    pub scores: Vec<Score>,
    /// Where to read more.
    pub references: Vec<String>,
    /// What it is instead of a vulnerability: `unmaintained`, `notice`; empty for vulnerabilities.
    pub informational: String,
    /// The packages.
    pub affected: Vec<Affected>,
}

/// One package that a record speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Where the package comes from.
    pub ecosystem: Ecosystem,
    /// As the ecosystem compares names ([`Ecosystem::package_name`]).
    pub package: String,
    /// The one architecture that it is about; empty for all; `src` where the name is a source package's, though the
    /// ecosystem's feeds name what is installed ([`By::Binary`](super::ecosystem::By::Binary)).
    pub arch: String,
    /// Module streams (`nodejs:18`), with commas between them; empty outside modules.
    pub module: String,
    /// Versions from … to …; together with `versions` all that are affected.
    pub ranges: Vec<Range>,
    /// Versions that are listed one by one.
    pub versions: Vec<String>,
    /// What is known of a fix.
    pub fix: Fix,
    /// The package's own severity.
    pub severity: Option<Severity>,
}

/// The architecture of source packages, as rpm writes it.
pub(super) const SOURCE: &str = "src";

/// An interval of versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The first one; empty for "from the beginning".
    pub introduced: String,
    /// Where it ends.
    pub end: End,
}

/// Where an interval ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Nowhere yet.
    Open,
    /// Before this version, which has the fix.
    Fixed(String),
    /// With this version.
    LastAffected(String),
    /// Before this version, of which nothing is said.
    Limit(String),
}

/// What a feed says of a fix for one package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// Nothing but the ranges: where one has an end, there is a fix.
    #[default]
    AsRanges,
    /// None yet, and none is ruled out.
    Open,
    /// None for now: too minor for an update of its own (Debian's *nodsa*), or deferred.
    Postponed,
    /// None will come: ignored, out of support, will not be fixed.
    WontFix,
    /// Whether the package is affected at all is not determined yet.
    Undetermined,
    /// The feed says that the package is not affected.
    NotAffected,
}

impl Fix {
    /// All, by their numbers in the file.
    pub(crate) const ALL: [Self; 6] =
        [Self::AsRanges, Self::Open, Self::Postponed, Self::WontFix, Self::Undetermined, Self::NotAffected];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsRanges => "as-ranges",
            Self::Open => "open",
            Self::Postponed => "postponed",
            Self::WontFix => "wont-fix",
            Self::Undetermined => "undetermined",
            Self::NotAffected => "not-affected",
        }
    }
}

/// The first line of a text, short enough for a list.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= limits::ADVISORY_SUMMARY_CHARACTERS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(limits::ADVISORY_SUMMARY_CHARACTERS - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Seconds since 1970 of a date as feeds write them (RFC 3339, or a day); `None` for what is none, and for the
/// year 1, which Go's feed writes where it knows no date.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let seconds = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_second(),
        Err(_) => {
            let day = text.get(..10)?.parse::<jiff::civil::Date>().ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?.as_second()
        }
    };
    (seconds > 0).then_some(seconds)
}

/// The day of a time in seconds since 1970: `2024-01-31`.
pub fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| jiff::tz::TimeZone::UTC.to_datetime(time).date().to_string())
        .unwrap_or_default()
}

/// Whether a word is the id of a CVE.
pub(super) fn is_cve(id: &str) -> bool {
    let number = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number.is_some_and(|(year, number)| digits(year) && digits(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_feeds_are_read_and_the_year_one_is_none() {
        for (text, expected) in [
            ("2024-10-23T00:00:00Z", Some("2024-10-23")),
            ("2025-08-13T15:14:45+00:00", Some("2025-08-13")),
            ("2021-08-27T03:22:07.777797Z", Some("2021-08-27")),
            ("2024-01-31", Some("2024-01-31")),
            ("2024-09-30T12:33:05", Some("2024-09-30")),
            ("0001-01-01T00:00:00Z", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seconds(text).map(day).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_summary_is_held_to_advisory_summary_characters() {
        let within = "é".repeat(limits::ADVISORY_SUMMARY_CHARACTERS);
        assert_eq!(short(&within), within);
        let beyond = short(&format!("{within}x\nsecond line"));
        assert_eq!(beyond.chars().count(), limits::ADVISORY_SUMMARY_CHARACTERS);
        assert!(beyond.ends_with('…'));
        assert_eq!(short("\n  first  \nsecond"), "first");
    }

    #[test]
    fn an_id_of_a_cve_is_one() {
        assert!(
            is_cve("CVE-2024-9050") && !is_cve("CVE-2024-") && !is_cve("GHSA-1-2") && !is_cve("CVE-2024-9x")
        );
    }
}
