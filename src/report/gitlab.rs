//! The report as GitLab reads it: a container scanning report (schema 15) and a code quality report.
//!
//! The first shows in the security dashboard and names what each layer holds; the second shows in a merge
//! request on every tier. Both hold what the policy does not accept; what was not judged is a scanner message in the first
//! and has no place in the second, where the job's exit status tells it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::markdown::code;
use super::stream::{Each, write_json};
use super::text::title;
use super::{FindingReport, FindingStatus, ImageReport, Outcome, Report, Verdict};
use crate::digest::Digest;
use crate::model::escape::escape_text;
use crate::rules::{Severity, table};

/// The version of the container scanning schema that is written.
const SCHEMA_VERSION: &str = "15.0.7";

/// What a description may hold by the schema, and a name.
const DESCRIPTION_CHARS: usize = 1_048_576;
const NAME_CHARS: usize = 255;

/// GitLab passes over a finding with more.
const MOST_IDENTIFIERS: usize = 20;

#[derive(Serialize)]
struct ContainerScanning<V> {
    version: &'static str,
    scan: Value,
    vulnerabilities: V,
    remediations: [Value; 0],
}

/// A container scanning report, with a line break at the end.
///
/// # Errors
/// Those of `out`.
pub fn write_container_scanning(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let tool = json!({
        "id": report.tool.name,
        "name": report.tool.name,
        "version": report.tool.version,
        "vendor": { "name": report.tool.name },
    });
    let time = report.run.started_at.get(..19).unwrap_or_default();
    let scan = json!({
        "analyzer": tool,
        "scanner": tool,
        "type": "container_scanning",
        "start_time": time,
        "end_time": time,
        "status": if report.verdict == Verdict::Error { "failure" } else { "success" },
        "messages": messages(report),
    });
    let vulnerabilities =
        Each(|| open_findings(report).map(|(image, finding)| vulnerability(image, finding)));
    write_json(&ContainerScanning { version: SCHEMA_VERSION, scan, vulnerabilities, remediations: [] }, out)
}

/// A code quality report, with a line break at the end.
///
/// # Errors
/// Those of `out`.
pub fn write_code_quality(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let issue = |(image, finding): (&ImageReport, &FindingReport)| {
        json!({
            "type": "issue",
            "check_name": finding.rule,
            "description": described(image, finding),
            "categories": ["Security"],
            "severity": code_quality_severity(finding.severity),
            "fingerprint": short_hash(&identity(image, finding)),
            "location": { "path": escape_text(&image.identity.source), "lines": { "begin": 1 } },
        })
    };
    write_json(&Each(|| open_findings(report).map(issue)), out)
}

/// All findings that the policy does not accept, with their images.
fn open_findings(report: &Report) -> impl Iterator<Item = (&ImageReport, &FindingReport)> {
    let findings =
        report.images.iter().flat_map(|image| image.findings.iter().map(move |finding| (image, finding)));
    findings.filter(|(_, finding)| finding.status != FindingStatus::Waived)
}

/// What could not be checked or evaluated.
fn messages(report: &Report) -> Vec<Value> {
    let errors = report.errors.iter().map(|error| ("fatal", error.message.clone()));
    let rules = report.images.iter().flat_map(|image| {
        let rules = image.rules.iter().filter(|rule| rule.outcome == Outcome::NotEvaluated);
        rules.map(move |rule| {
            let reason = rule.reason.as_deref().unwrap_or("no reason is known");
            let level = if rule.required { "fatal" } else { "warn" };
            (level, format!("{}: {} was not evaluated: {reason}", title(&image.identity), rule.rule))
        })
    });
    errors.chain(rules).map(|(level, text)| json!({ "level": level, "value": escape_text(&text) })).collect()
}

fn vulnerability(image: &ImageReport, finding: &FindingReport) -> Value {
    let summary = table::find(finding.rule).map(|rule| rule.summary()).unwrap_or_default();
    let links = finding.references.iter().filter(|reference| reference.starts_with("https://"));
    json!({
        "id": uuid_of(&identity(image, finding)),
        "name": shortened(told(finding, "advisory").unwrap_or(finding.rule), NAME_CHARS),
        "description": shortened(&format!("{}. {summary}", code(&described(image, finding))), DESCRIPTION_CHARS),
        "severity": dashboard_severity(finding.severity),
        "solution": escape_text(&finding.remediation),
        "identifiers": identifiers(finding),
        "links": links.map(|url| json!({ "url": url })).collect::<Vec<_>>(),
        "location": {
            "dependency": dependency(finding),
            "operating_system": format!("{}/{}", image.identity.platform.os, image.identity.platform.architecture),
            "image": shortened(&name_of(image), NAME_CHARS),
        },
    })
}

/// By what others know it, first what GitLab knows it by again: it takes findings with the same first identifier
/// on the same dependency for one.
fn identifiers(finding: &FindingReport) -> Vec<Value> {
    let ids = ["advisory", "alias"].into_iter().filter_map(|name| finding.evidence.get(name));
    let ids = ids.flat_map(|told| told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice));
    let mut ids: Vec<(String, &str)> =
        ids.filter_map(|id| Some((kind_of(id.as_str()?), id.as_str()?))).collect();
    ids.sort_by_key(|(kind, _)| kind != "cve");
    ids.truncate(MOST_IDENTIFIERS - 1);
    ids.push(("ocicheck_rule".to_owned(), finding.rule));
    ids.into_iter().map(|(kind, id)| json!({ "type": kind, "name": id, "value": id })).collect()
}

/// `cve`, `ghsa`, `alsa`: whose id it is.
fn kind_of(id: &str) -> String {
    id.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

/// The package of an advisory, else the path: several findings of one rule may be about files of one package.
fn dependency(finding: &FindingReport) -> Value {
    let package = told(finding, "advisory").and_then(|_| told(finding, "package"));
    let (name, version) = match (package, told(finding, "version")) {
        (Some(package), Some(version)) => (package.to_owned(), version.to_owned()),
        _ => (escape_text(finding.path.as_deref().unwrap_or("/")), layer_of(finding)),
    };
    json!({ "package": { "name": name }, "version": version })
}

fn told<'a>(finding: &'a FindingReport, name: &str) -> Option<&'a str> {
    finding.evidence.get(name).and_then(Value::as_str)
}

fn layer_of(finding: &FindingReport) -> String {
    finding.layer.as_ref().map(|layer| format!("layer {}", layer.index)).unwrap_or_default()
}

/// What it is called by, else what it is.
fn name_of(image: &ImageReport) -> String {
    let name = image.identity.names.first().unwrap_or(&image.identity.config_digest);
    escape_text(name)
}

fn described(image: &ImageReport, finding: &FindingReport) -> String {
    let place = finding.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
    escape_text(&format!("{}: {place}{}", title(&image.identity), finding.message))
}

/// What a finding is known by again: archives of one project may have the same finding, and so may images
/// of one name.
fn identity(image: &ImageReport, finding: &FindingReport) -> String {
    format!("{}\n{}\n{}", image.identity.source, name_of(image), finding.fingerprint)
}

fn short_hash(text: &str) -> String {
    Digest::sha256(text.as_bytes()).hex().chars().take(32).collect()
}

/// A UUID of version 8 (RFC 9562, section 5.8) of some text: the same in each run.
fn uuid_of(text: &str) -> String {
    let hex = Digest::sha256(text.as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn dashboard_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

fn code_quality_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
