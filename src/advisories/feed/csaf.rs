//! CSAF documents of Red Hat (docs.oasis-open.org/csaf, 2.0): VEX, one for each CVE, and advisories.
//!
//! VEX is the one feed of Red Hat that tells what has no fix. A product is a package within a platform: the
//! package by its purl, the platform by its CPE, and in between there may be a module.

mod products;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use self::products::{Package, Products, Tree};
use super::json::{Many, Object, Text};
use super::{Skip, Skips};
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::record::{Affected, End, Fix, Range, Record, SOURCE, seconds, short};
use crate::advisories::severity::{Level, Score, Severity};
use crate::limits;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Csaf {
    document: Object<Document>,
    product_tree: Object<Tree>,
    vulnerabilities: Many<Object<Vulnerability>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    title: Text,
    aggregate_severity: Object<Worded>,
    notes: Many<Object<Worded>>,
    publisher: Object<Publisher>,
    tracking: Object<Tracking>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Worded {
    text: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Publisher {
    name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tracking {
    id: Text,
    status: Text,
    initial_release_date: Text,
    current_release_date: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Vulnerability {
    cve: Text,
    title: Text,
    release_date: Text,
    product_status: Object<Status>,
    scores: Many<Object<Scored>>,
    threats: Many<Object<Said>>,
    remediations: Many<Object<Said>>,
    references: Many<Object<Reference>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    fixed: Many<Text>,
    first_fixed: Many<Text>,
    known_affected: Many<Text>,
    known_not_affected: Many<Text>,
    under_investigation: Many<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scored {
    cvss_v2: Object<Vector>,
    cvss_v3: Object<Vector>,
    cvss_v4: Object<Vector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Vector {
    #[serde(rename = "vectorString")]
    vector: Text,
}

/// What is said of products: a threat, or what can be done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    category: Text,
    details: Text,
    product_ids: Many<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    url: Text,
}

/// Whether an object with these keys is a document of CSAF.
pub(super) fn is_document(keys: &[String]) -> bool {
    let known =
        |key: &String| ["$schema", "document", "product_tree", "vulnerabilities"].contains(&key.as_str());
    keys.iter().any(|key| key == "document") && keys.iter().all(known)
}

/// Reads a document: a record for each vulnerability in it. Yields the licence that it names.
///
/// # Errors
/// What is wrong with the document.
pub(super) fn read(
    document: &[u8],
    skips: &mut Skips,
    mut sink: impl FnMut(Record) -> Result<(), String>,
) -> Result<&'static str, String> {
    let csaf: Csaf = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let document = csaf.document.0;
    let tracking = &document.tracking.0;
    let by = publisher(&document.publisher.0.name.0)?;
    // What the document says for all of its vulnerabilities is read once, for they may be many.
    let title = short(&document.title.0);
    let released = seconds(&tracking.initial_release_date.0);
    let modified = seconds(&tracking.current_release_date.0);
    let whole = Severity::said(&document.aggregate_severity.0.text.0, by);
    let products = Products::of(csaf.product_tree.0);
    for Object(vulnerability) in csaf.vulnerabilities.0 {
        let id = if vulnerability.cve.0.is_empty() { &tracking.id.0 } else { &vulnerability.cve.0 };
        if id.is_empty() {
            return Err("a vulnerability without a CVE in a document without an id".to_owned());
        }
        let own = &vulnerability.title.0;
        let mut record = Record {
            id: id.clone(),
            summary: if own.is_empty() { title.clone() } else { short(own) },
            published: seconds(&vulnerability.release_date.0).or(released),
            modified,
            scores: scores(&vulnerability.scores.0),
            references: references(&vulnerability.references.0),
            ..Record::default()
        };
        record.severity = whole.clone().or_else(|| Severity::of_scores(&record.scores)).unwrap_or_default();
        record.affected = affected(&vulnerability, &products, by, skips);
        sink(record)?;
    }
    // A document that was taken back has no vulnerability.
    if tracking.status.0 == "withdrawn" {
        skips.count(Skip::Withdrawn);
    }
    Ok(license(&document.notes.0))
}

/// Whose word it is, which each product may have.
fn publisher(name: &str) -> Result<&str, String> {
    if name.len() > limits::ADVISORY_TEXT_BYTES {
        return Err("the publisher's name exceeds the limit ADVISORY_TEXT_BYTES".to_owned());
    }
    Ok(if name.starts_with("Red Hat") { "Red Hat" } else { name })
}

fn license(notes: &[Object<Worded>]) -> &'static str {
    let named = |Object(note): &Object<Worded>| note.text.0.contains("Creative Commons Attribution 4.0");
    if notes.iter().any(named) { "CC-BY-4.0" } else { "" }
}

fn scores(scored: &[Object<Scored>]) -> Vec<Score> {
    let vectors =
        scored.iter().flat_map(|Object(scored)| [&scored.cvss_v4, &scored.cvss_v3, &scored.cvss_v2]);
    let scores = vectors.filter_map(|vector| Score::parse(&vector.0.vector.0));
    // Each product may have the same again.
    scores.collect::<BTreeSet<_>>().into_iter().collect()
}

fn references(references: &[Object<Reference>]) -> Vec<String> {
    let urls = references.iter().map(|Object(reference)| reference.url.0.trim());
    let urls = urls.filter(|url| !url.is_empty() && url.len() <= limits::ADVISORY_TEXT_BYTES);
    urls.take(limits::ADVISORY_REFERENCES).map(str::to_owned).collect()
}

/// What entries have in common that differ in nothing but the architecture.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    ecosystem: String,
    package: String,
    /// Whether it stands for all that is built of the source package of that name.
    is_source: bool,
    module: String,
    fixed: Option<String>,
    fix: Fix,
    severity: Option<Level>,
}

/// The packages of one vulnerability, those of all architectures together.
fn affected(
    vulnerability: &Vulnerability,
    products: &Products,
    by: &str,
    skips: &mut Skips,
) -> Vec<Affected> {
    let status = &vulnerability.product_status.0;
    let impact = said(&vulnerability.threats.0, |said| {
        (said.category.0 == "impact").then(|| Severity::said(&said.details.0, by).map(|own| own.level))
    });
    let remedies = said(&vulnerability.remediations.0, unfixed);
    let mut grouped: BTreeMap<Key, (Ecosystem, BTreeSet<String>)> = BTreeMap::new();
    let groups = [
        (&status.fixed, Some(Fix::AsRanges)),
        (&status.first_fixed, Some(Fix::AsRanges)),
        (&status.known_affected, None),
        (&status.under_investigation, Some(Fix::Undetermined)),
    ];
    for (ids, fix) in groups {
        for Text(id) in &ids.0 {
            let Some(package) = products.package(id) else {
                skips.count(Skip::NoPackage);
                continue;
            };
            let Package { ecosystem, name, version, arch, module } = package;
            let ecosystem = match ecosystem {
                Ok(ecosystem) => ecosystem,
                Err(platform) => {
                    skips.count_ecosystem(Skip::Ecosystem, &platform);
                    continue;
                }
            };
            let fix = fix.or_else(|| remedies.get(id.as_str()).copied()).unwrap_or(Fix::Open);
            let fixed = (fix == Fix::AsRanges).then_some(version);
            if fixed.as_deref() == Some("") {
                skips.count(Skip::NoVersions);
                continue;
            }
            let whats = names(&arch, fixed.is_some());
            if whats.is_empty() {
                skips.count(Skip::SourcePackage);
            }
            for is_source in whats {
                let key = Key {
                    ecosystem: ecosystem.to_string(),
                    package: name.clone(),
                    is_source: *is_source,
                    module: module.clone(),
                    fixed: fixed.clone(),
                    fix,
                    severity: impact.get(id.as_str()).copied().flatten(),
                };
                let group = grouped.entry(key).or_insert_with(|| (ecosystem.clone(), BTreeSet::new()));
                group.1.insert(arch.clone());
            }
        }
    }
    skips.add(Skip::NotAffected, status.known_not_affected.0.len() as u64);
    grouped.into_iter().map(|(key, (ecosystem, arches))| entry(key, ecosystem, &arches, by)).collect()
}

/// What a package's name is the name of: for each thing, whether that is a source package.
///
/// What has a fix is told of all that is installed, and of the source package besides, whose epoch is not told. What has
/// none is told of the source package alone; old documents do not say that it is one.
fn names(arch: &str, is_fixed: bool) -> &'static [bool] {
    match (arch, is_fixed) {
        (SOURCE, true) => &[],
        (SOURCE, false) => &[true],
        ("", false) => &[false, true],
        _ => &[false],
    }
}

fn entry(key: Key, ecosystem: Ecosystem, arches: &BTreeSet<String>, by: &str) -> Affected {
    // More than one is as good as all: the same build is there for each.
    let arch = match (arches.len(), arches.first()) {
        _ if key.is_source => SOURCE.to_owned(),
        (1, Some(arch)) if arch != "noarch" => arch.clone(),
        _ => String::new(),
    };
    let end = key.fixed.map_or(End::Open, End::Fixed);
    Affected {
        ecosystem,
        package: key.package,
        arch,
        module: key.module,
        ranges: vec![Range { introduced: String::new(), end }],
        versions: Vec::new(),
        fix: key.fix,
        severity: key.severity.map(|level| Severity { level, by: by.to_owned() }),
    }
}

/// By product, what is said of it, as far as it counts. What a text means is looked at once for all products.
fn said<T: Copy>(all: &[Object<Said>], means: impl Fn(&Said) -> Option<T>) -> BTreeMap<&str, T> {
    let all = all.iter().filter_map(|Object(said)| Some((said, means(said)?)));
    all.flat_map(|(said, means)| said.product_ids.0.iter().map(move |Text(id)| (id.as_str(), means)))
        .collect()
}

/// What becomes of what has no fix, where that is said.
fn unfixed(said: &Said) -> Option<Fix> {
    match said.category.0.as_str() {
        "no_fix_planned" => Some(Fix::WontFix),
        "none_available" if said.details.0.to_ascii_lowercase().contains("deferred") => Some(Fix::Postponed),
        "none_available" => Some(Fix::Open),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
