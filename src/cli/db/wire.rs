//! What `db info` and `db query` write as JSON; a form of its own, with a version of its own.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::advisories::{Advisories, Answer, Question, Source, Verdict, day as day_of};

/// The version of these forms.
const SCHEMA_VERSION: u32 = 1;

/// `ocicheck db info`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info<'a> {
    schema_version: u32,
    pub(super) identity: &'a str,
    pub(super) bytes: u64,
    tool: &'a str,
    pub(super) built: Option<&'a str>,
    sources: Vec<SourceInfo<'a>>,
    stated: &'a [String],
    pub(super) ecosystems: Vec<Ecosystem<'a>>,
    pub(super) counts: Counts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceInfo<'a> {
    name: &'a str,
    kind: &'a str,
    sha256: &'a str,
    bytes: u64,
    date: Option<&'a str>,
    license: Option<&'a str>,
    documents: u64,
    records: u64,
    skipped: &'a BTreeMap<String, u64>,
    repositories: &'a [String],
    covers: &'a [String],
    mentions: &'a BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ecosystem<'a> {
    pub(super) name: &'a str,
    pub(super) covered: bool,
    pub(super) packages: u32,
    pub(super) entries: u32,
    pub(super) unfixed: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    pub(super) packages: u64,
    pub(super) entries: u64,
    pub(super) ranges: u64,
    pub(super) advisories: u64,
}

impl<'a> Info<'a> {
    pub(super) fn of(advisories: &'a Advisories) -> Self {
        let header = advisories.header();
        let source = |source: &'a Source| SourceInfo {
            name: &source.name,
            kind: &source.kind,
            sha256: &source.sha256,
            bytes: source.bytes,
            date: source.date.as_deref(),
            license: source.license.as_deref(),
            documents: source.documents,
            records: source.records,
            skipped: &source.skipped,
            repositories: &source.repositories,
            covers: &source.covers,
            mentions: &source.mentions,
        };
        let ecosystems = advisories.ecosystems().iter().map(|ecosystem| Ecosystem {
            name: &ecosystem.name,
            covered: ecosystem.covered,
            packages: ecosystem.packages,
            entries: ecosystem.entries,
            unfixed: ecosystem.unfixed,
        });
        let sections = &header.sections;
        Self {
            schema_version: SCHEMA_VERSION,
            identity: advisories.identity(),
            bytes: advisories.size(),
            tool: &header.tool,
            built: header.built.as_deref(),
            sources: advisories.sources().iter().map(source).collect(),
            stated: &header.stated,
            ecosystems: ecosystems.collect(),
            counts: Counts {
                packages: sections.keys.count,
                entries: sections.entries.count,
                ranges: sections.ranges.count,
                advisories: sections.advisories.count,
            },
        }
    }
}

/// `ocicheck db query`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queried<'a> {
    pub(super) schema_version: u32,
    pub(super) packages: Vec<Package<'a>>,
}

impl<'a> Queried<'a> {
    pub(super) fn new(packages: Vec<Package<'a>>) -> Self {
        Self { schema_version: SCHEMA_VERSION, packages }
    }
}

/// One package, and what is said of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package<'a> {
    pub(super) purl: &'a str,
    /// Why it could not be asked for.
    pub(super) error: Option<String>,
    /// Why it says nothing that no more is told of it.
    pub(super) uncovered: Option<String>,
    pub(super) ecosystem: Option<String>,
    pub(super) advisories: Vec<Told>,
}

impl<'a> Package<'a> {
    pub(super) fn unasked(purl: &'a str, error: String) -> Self {
        Self { purl, error: Some(error), uncovered: None, ecosystem: None, advisories: Vec::new() }
    }

    pub(super) fn asked(
        purl: &'a str,
        question: &Question<'_>,
        uncovered: Option<String>,
        answers: Vec<Answer>,
        sources: &[Source],
    ) -> Self {
        let told = answers.into_iter().map(|answer| Told::of(answer, sources));
        Self {
            purl,
            error: None,
            uncovered,
            ecosystem: Some(question.ecosystem.to_string()),
            advisories: told.collect(),
        }
    }
}

/// One advisory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) id: String,
    aliases: Vec<String>,
    pub(super) cves: Vec<String>,
    pub(super) also: Vec<String>,
    pub(super) verdict: &'static str,
    /// Why it cannot be decided.
    pub(super) reason: Option<String>,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) fixed_in: Option<String>,
    pub(super) fix: &'static str,
    pub(super) severity: &'static str,
    pub(super) severity_by: Option<String>,
    cvss: Option<String>,
    score: Option<f64>,
    pub(super) informational: Option<String>,
    pub(super) summary: String,
    published: Option<String>,
    modified: Option<String>,
    references: Vec<String>,
    source: Option<String>,
}

impl Told {
    fn of(answer: Answer, sources: &[Source]) -> Self {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        let (vector, score) = answer.cvss.map_or((None, None), |(vector, score)| (Some(vector), score));
        let verdict = answer.verdict.name();
        let reason = match answer.verdict {
            Verdict::Undecidable(why) => Some(why),
            Verdict::Affected | Verdict::NotAffected => None,
        };
        Self {
            id: answer.id,
            aliases: answer.aliases,
            cves: answer.cves,
            also: answer.also,
            verdict,
            reason,
            package: answer.package,
            version: answer.version,
            fixed_in: answer.fixed_in,
            fix: answer.fix.name(),
            severity: answer.severity.level.name(),
            severity_by: told(answer.severity.by),
            cvss: vector,
            score,
            informational: told(answer.informational),
            summary: answer.summary,
            published: answer.published,
            modified: answer.modified,
            references: answer.references,
            source: sources.get(answer.source).map(|source| source.name.clone()),
        }
    }
}

/// The day of a time.
pub(super) fn day(seconds: i64) -> String {
    day_of(seconds)
}
