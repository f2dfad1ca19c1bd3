//! OSV records (ossf.github.io/osv-schema, 1.7), as exported for each ecosystem or written by distributions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::{Many, Object, Text};
use super::{Skip, Skips, events, held};
use crate::advisories::ecosystem::{Ecosystem, NoEcosystem};
use crate::advisories::record::{Affected, End, Fix, Range, Record, is_cve, seconds, short};
use crate::advisories::severity::{Level, Score, Severity};
use crate::error::{Error, Result};
use crate::limits;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Osv {
    id: Text,
    published: Text,
    modified: Text,
    withdrawn: Text,
    aliases: Many<Text>,
    upstream: Many<Text>,
    related: Many<Text>,
    summary: Text,
    details: Text,
    severity: Many<Object<Scored>>,
    affected: Many<Object<Package>>,
    references: Many<Object<Reference>>,
    database_specific: Object<Specific>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scored {
    #[serde(rename = "type")]
    kind: Text,
    score: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    url: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    package: Object<Named>,
    severity: Many<Object<Scored>>,
    ranges: Many<Object<Ranged>>,
    versions: Many<Text>,
    ecosystem_specific: Object<Specific>,
    database_specific: Object<Specific>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    ecosystem: Text,
    name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ranged {
    #[serde(rename = "type")]
    kind: Text,
    events: Many<Object<events::Event>>,
}

/// What databases add, each to its own liking.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Specific {
    severity: Text,
    urgency: Text,
    ubuntu_priority: Text,
    informational: Text,
    categories: Many<Text>,
    license: Text,
    /// SUSE: the binary packages, each with the version that has the fix. Others mean other things by it: Ubuntu, what is
    /// built of the source package.
    binaries: Many<Object<BTreeMap<String, Text>>>,
}

/// A record, and the licence it names.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) record: Record,
    pub(super) license: String,
}

/// Whether an object with these keys is a record.
pub(super) fn is_record(keys: &[String]) -> bool {
    let has = |name: &str| keys.iter().any(|key| key == name);
    has("id") && (has("modified") || has("affected") || has("schema_version"))
}

/// Reads a record.
///
/// # Errors
/// Why it is no record, or a limit. One that is skipped whole is `None`, and counted.
pub(super) fn read(document: &[u8], skips: &mut Skips) -> Result<Option<Read>> {
    let osv: Osv = serde_json::from_slice(document).map_err(|error| Error::invalid(error.to_string()))?;
    let id = osv.id.0.trim().to_owned();
    if id.is_empty() {
        return Err(Error::invalid("a record without an id"));
    }
    if !osv.withdrawn.0.is_empty() {
        skips.count(Skip::Withdrawn);
        return Ok(None);
    }
    let named = [&osv.aliases, &osv.upstream, &osv.related];
    let names_cve = named.into_iter().flat_map(|names| &names.0).any(|name| is_cve(name.0.trim()));
    if is_of_no_security(&id) && !names_cve {
        skips.count(Skip::NotSecurity);
        return Ok(None);
    }
    let summary = if osv.summary.0.trim().is_empty() { &osv.details.0 } else { &osv.summary.0 };
    let mut record = Record {
        summary: short(summary),
        published: seconds(&osv.published.0),
        modified: seconds(&osv.modified.0),
        aliases: osv.aliases.texts(),
        upstream: osv.upstream.texts(),
        // All but CVEs are other advisories, which no one asks for.
        related: osv.related.texts().into_iter().filter(|id| is_cve(id)).collect(),
        references: references(osv.references.0),
        scores: scores(&osv.severity.0),
        severity: Severity::default(),
        informational: String::new(),
        affected: Vec::new(),
        id,
    };
    record.severity = record_severity(&record, &osv.severity.0, &osv.database_specific.0);
    let modules = modules(&record.summary);
    for Object(package) in osv.affected.0 {
        if record.informational.is_empty() {
            record.informational = informational(&package);
        }
        let malicious = package.database_specific.0.categories.0.iter().any(|text| text.0 == "malicious");
        if malicious && record.severity.level == Level::Unknown {
            record.severity = Severity { level: Level::Critical, by: "malicious package".to_owned() };
        }
        take(package, &record.id, &modules, &mut record.affected, skips)
            .map_err(|error| error.at(&record.id))?;
    }
    Ok(Some(Read { record, license: osv.database_specific.0.license.0 }))
}

/// AlmaLinux's ALBA and ALEA mend bugs and add features; SUSE and Red Hat have the like. Some mend CVEs besides.
fn is_of_no_security(id: &str) -> bool {
    let kinds = ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "SUSE-RU-", "SUSE-FU-", "SUSE-OU-", "RLBA-", "RLEA-"];
    kinds.iter().any(|kind| id.starts_with(kind))
}

fn references(references: Vec<Object<Reference>>) -> Vec<String> {
    let urls = references.into_iter().map(|Object(reference)| reference.url.0.trim().to_owned());
    urls.filter(|url| !url.is_empty() && url.len() <= limits::ADVISORY_TEXT_BYTES)
        .take(limits::ADVISORY_REFERENCES)
        .collect()
}

fn scores(scored: &[Object<Scored>]) -> Vec<Score> {
    scored.iter().filter_map(|Object(scored)| Score::parse(&scored.score.0)).collect()
}

/// Whose word counts: the vendor's, then that of CVSS.
fn record_severity(record: &Record, scored: &[Object<Scored>], specific: &Specific) -> Severity {
    let ubuntu = scored.iter().find(|Object(scored)| scored.kind.0 == "Ubuntu");
    let ubuntu = ubuntu.and_then(|Object(scored)| Severity::said(&scored.score.0, "Ubuntu"));
    let own = || Severity::said(&specific.severity.0, whose(&record.id));
    let alma = || {
        let (word, _) = record.summary.split_once(':')?;
        record.id.starts_with("AL").then(|| Severity::said(word, "AlmaLinux")).flatten()
    };
    let malware = || {
        let severity = Severity { level: Level::Critical, by: "malicious package".to_owned() };
        record.id.starts_with("MAL-").then_some(severity)
    };
    ubuntu
        .or_else(own)
        .or_else(alma)
        .or_else(malware)
        .or_else(|| Severity::of_scores(&record.scores))
        .unwrap_or_default()
}

/// Whose database it is that adds a severity.
fn whose(id: &str) -> &'static str {
    match id.split('-').next().unwrap_or_default() {
        "GHSA" => "GitHub",
        "DEBIAN" | "DSA" | "DLA" => "Debian",
        "UBUNTU" | "USN" => "Ubuntu",
        "RHSA" => "Red Hat",
        "ALSA" => "AlmaLinux",
        "RLSA" | "RXSA" => "Rocky Linux",
        _ => "database",
    }
}

/// RustSec's notices: `unmaintained`, `unsound`, `notice`.
fn informational(package: &Package) -> String {
    package.database_specific.0.informational.0.trim().to_owned()
}

/// The module streams that an advisory's summary names: `nodejs:18`, or two where a second comes with it.
fn modules(summary: &str) -> Vec<String> {
    let rest = summary.split_once(": ").map_or(summary, |(_, rest)| rest);
    let words = rest.split([' ', ',']).filter(|word| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        let parts = word.split_once(':');
        let holds = |part: &str| !part.is_empty() && part.bytes().all(known);
        parts.is_some_and(|(name, stream)| holds(name) && holds(stream))
    });
    words.map(str::to_owned).collect()
}

/// Adds what is said of one package.
///
/// # Errors
/// It lists more than may be kept.
fn take(
    mut package: Package,
    id: &str,
    modules: &[String],
    into: &mut Vec<Affected>,
    skips: &mut Skips,
) -> Result<()> {
    let named = std::mem::take(&mut package.package.0);
    let name = named.name.0.trim();
    let ecosystem = match Ecosystem::parse(named.ecosystem.0.trim()) {
        Ok(ecosystem) => ecosystem,
        Err(error) => {
            let skip = match error {
                NoEcosystem::NoRelease => Skip::NoRelease,
                NoEcosystem::Unknown => Skip::Ecosystem,
            };
            skips.count_ecosystem(skip, &named.ecosystem.0);
            return Ok(());
        }
    };
    if name.is_empty() {
        skips.count(Skip::NoPackage);
        return Ok(());
    }
    let severity = package_severity(id, &package);
    let specific = &package.ecosystem_specific.0;
    let fix = if specific.urgency.0 == "end-of-life" { Fix::WontFix } else { Fix::AsRanges };
    let binaries = specific.binaries.0.iter().flat_map(|Object(binaries)| binaries);
    let binaries: Vec<_> = binaries.filter(|_| names_binaries(&ecosystem)).collect();
    if !binaries.is_empty() {
        for (binary, version) in binaries {
            let ranges = vec![Range { introduced: String::new(), end: End::Fixed(version.0.clone()) }];
            into.push(entry(&ecosystem, binary, String::new(), ranges, Vec::new(), fix, severity.clone()));
        }
        return Ok(());
    }
    bounded(&package)?;
    let order = ecosystem.order();
    let mut ranges = Vec::new();
    for Object(range) in package.ranges.0 {
        // Commits are no versions.
        if range.kind.0 != "GIT" {
            ranges.extend(events::intervals(order, range.events.0));
        }
    }
    ranges.sort();
    ranges.dedup();
    let versions = held::beside(order, &ranges, package.versions.texts());
    if ranges.is_empty() && versions.is_empty() {
        skips.count(Skip::NoVersions);
        return Ok(());
    }
    let module = if events::is_modular(&ranges) { modules.join(",") } else { String::new() };
    into.push(entry(&ecosystem, name, module, ranges, versions, fix, severity));
    Ok(())
}

/// Whether records of it name the packages that are installed in a list beside the ranges, which are the source's.
fn names_binaries(ecosystem: &Ecosystem) -> bool {
    ["SUSE", "openSUSE"].contains(&ecosystem.family().name)
}

/// Before lists are sorted and held to each other. An interval is two events.
fn bounded(package: &Package) -> Result<()> {
    let events: usize = package.ranges.0.iter().map(|Object(range)| range.events.0.len()).sum();
    if events.div_ceil(2).max(package.versions.0.len()) > limits::ADVISORY_LIST_ITEMS {
        let limit = limits::ADVISORY_LIST_ITEMS as u64;
        return Err(Error::limit("a list of the advisory", "ADVISORY_LIST_ITEMS", limit));
    }
    Ok(())
}

fn entry(
    ecosystem: &Ecosystem,
    name: &str,
    module: String,
    ranges: Vec<Range>,
    versions: Vec<String>,
    fix: Fix,
    severity: Option<Severity>,
) -> Affected {
    let package = ecosystem.package_name(name).into_owned();
    Affected {
        ecosystem: ecosystem.clone(),
        package,
        arch: String::new(),
        module,
        ranges,
        versions,
        fix,
        severity,
    }
}

/// What the record says of this package alone.
fn package_severity(id: &str, package: &Package) -> Option<Severity> {
    let ubuntu = package.severity.0.iter().find(|Object(scored)| scored.kind.0 == "Ubuntu");
    ubuntu
        .and_then(|Object(scored)| Severity::said(&scored.score.0, "Ubuntu"))
        .or_else(|| Severity::said(&package.ecosystem_specific.0.ubuntu_priority.0, "Ubuntu"))
        .or_else(|| Severity::said(&package.ecosystem_specific.0.urgency.0, "Debian"))
        .or_else(|| Severity::said(&package.ecosystem_specific.0.severity.0, whose(id)))
        .or_else(|| Severity::said(&package.database_specific.0.severity.0, whose(id)))
        .or_else(|| Severity::of_scores(&scores(&package.severity.0)))
}
