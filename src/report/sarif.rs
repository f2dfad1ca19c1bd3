//! The report as SARIF 2.1.0 (OASIS), for code scanning.
//!
//! One run for all images. A finding's physical location is its path in the image, relative to a base
//! named for the image (`originalUriBaseIds`), or the image's archive where it has no path; the layer is
//! a logical location. A rule that was not evaluated is a notification and never a result, and an input
//! that could not be checked makes `executionSuccessful` false.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::stream::{Each, write_json};
use super::text::title;
use super::{FindingReport, FindingStatus, ImageReport, Outcome, PolicyInfo, Report, Verdict};
use crate::model::escape::escape_text;
use crate::rules::{RULES, Rule, Severity};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The name of our fingerprint; its number grows when what it is made of changes.
const FINGERPRINT: &str = "ocicheck/v1";

#[derive(Serialize)]
struct Log<R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [R; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a, N, R, I> {
    tool: Value,
    column_kind: &'static str,
    original_uri_base_ids: Value,
    invocations: [Invocation<'a, N>; 1],
    results: R,
    properties: Properties<'a, I>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a, N> {
    execution_successful: bool,
    exit_code: u8,
    start_time_utc: &'a str,
    tool_execution_notifications: N,
}

#[derive(Serialize)]
struct Properties<'a, I> {
    verdict: Verdict,
    policy: &'a PolicyInfo,
    images: I,
}

/// The whole report, with a line break at the end.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let run = Run {
        tool: json!({ "driver": driver(report) }),
        column_kind: "unicodeCodePoints",
        original_uri_base_ids: bases(report),
        invocations: [Invocation {
            execution_successful: report.verdict != Verdict::Error,
            exit_code: report.verdict.exit_status(),
            start_time_utc: &report.run.started_at,
            tool_execution_notifications: Each(|| notifications(report)),
        }],
        results: Each(|| each_finding(report).map(|(image, number, finding)| result(image, number, finding))),
        properties: Properties {
            verdict: report.verdict,
            policy: &report.policy,
            images: Each(|| report.images.iter().map(image)),
        },
    };
    write_json(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] }, out)
}

fn each_finding(report: &Report) -> impl Iterator<Item = (&ImageReport, usize, &FindingReport)> {
    let images = report.images.iter().enumerate();
    images.flat_map(|(number, image)| image.findings.iter().map(move |finding| (image, number, finding)))
}

fn driver(report: &Report) -> Value {
    json!({
        "name": report.tool.name,
        "version": report.tool.version,
        "semanticVersion": report.tool.version,
        "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
    })
}

/// A rule, whether it found something or not.
fn descriptor(rule: &Rule) -> Value {
    let mut tags = vec!["security".to_owned(), "container".to_owned()];
    tags.extend(rule.cis_items());
    json!({
        "id": rule.id,
        "name": camel_case(rule.id),
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": rule.summary() },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": tags,
            "precision": "high",
            "problem.severity": level_of_problem(rule.severity),
            "security-severity": security_severity(rule.severity),
        },
    })
}

/// `setuid-file` → `SetuidFile`: a name for people, as the specification asks (section 3.49.7).
fn camel_case(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    });
    words.collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn level_of_problem(severity: Severity) -> &'static str {
    match level(severity) {
        "note" => "recommendation",
        level => level,
    }
}

/// As GitHub's code scanning reads it: over 9.0 critical, from 7.0 high, from 4.0 medium, above 0 low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// What the paths of an image's findings are relative to.
fn base_id(number: usize) -> String {
    format!("IMAGE{number}")
}

fn bases(report: &Report) -> Value {
    let base = |(number, image): (usize, &ImageReport)| {
        let text =
            format!("The root of {} in {}", title(&image.identity), escape_text(&image.identity.source));
        (base_id(number), json!({ "description": { "text": text } }))
    };
    Value::Object(report.images.iter().enumerate().map(base).collect())
}

fn notifications(report: &Report) -> impl Iterator<Item = Value> {
    let not_evaluated = report.images.iter().flat_map(|image| {
        let rules = image.rules.iter().filter(|rule| rule.outcome == Outcome::NotEvaluated);
        rules.map(move |rule| {
            let reason = rule.reason.as_deref().unwrap_or("no reason is known");
            json!({
                "level": if rule.required { "error" } else { "warning" },
                "message": { "text": format!("{}: not evaluated: {}", title(&image.identity), escape_text(reason)) },
                "associatedRule": { "id": rule.rule, "index": index_of(rule.rule) },
            })
        })
    });
    let errors = report.errors.iter().map(|error| {
        let hint = error.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        json!({ "level": "error", "message": { "text": escape_text(&format!("{}{hint}", error.message)) } })
    });
    not_evaluated.chain(errors)
}

fn index_of(id: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.id == id)
}

fn image(image: &ImageReport) -> Value {
    json!({
        "source": image.identity.source,
        "names": image.identity.names,
        "manifestDigest": image.identity.manifest_digest,
        "indexDigests": image.identity.index_digests,
        "configDigest": image.identity.config_digest,
        "verdict": image.verdict,
        "base": image.contents.base,
    })
}

fn result(image: &ImageReport, number: usize, finding: &FindingReport) -> Value {
    let place = finding.path.as_deref().map_or_else(String::new, |path| format!("{path}: "));
    let text = format!("{place}{}. To mend it: {}", finding.message, finding.remediation);
    let mut result = Map::new();
    let mut set = |name: &str, value: Value| {
        result.insert(name.to_owned(), value);
    };
    set("ruleId", json!(finding.rule));
    set("ruleIndex", json!(index_of(finding.rule)));
    set("level", json!(level(finding.severity)));
    // A bracket would begin a link, in plain text too (section 3.11.6).
    let text = escape_text(&text).replace('[', "\\[").replace(']', "\\]");
    set("message", json!({ "text": text }));
    set("locations", json!([location(image, number, finding)]));
    set("partialFingerprints", json!({ FINGERPRINT: finding.fingerprint }));
    match finding.status {
        FindingStatus::Waived => {
            set("suppressions", suppression(&finding.accepted_because().unwrap_or_default()));
        }
        FindingStatus::Known => set("suppressions", suppression("it was there before: in the baseline")),
        FindingStatus::Fail | FindingStatus::Warn => {}
    }
    set("properties", properties(finding));
    Value::Object(result)
}

fn suppression(reason: &str) -> Value {
    json!([{ "kind": "external", "status": "accepted", "justification": escape_text(reason) }])
}

fn properties(finding: &FindingReport) -> Value {
    let mut properties: BTreeMap<&str, Value> = BTreeMap::new();
    properties.insert("severity", json!(finding.severity));
    properties.insert("status", json!(finding.status));
    properties.insert("effective", json!(finding.effective));
    properties.insert("evidence", json!(finding.evidence));
    if !finding.vex.is_empty() {
        properties.insert("vex", json!(finding.vex));
    }
    json!(properties)
}

fn location(image: &ImageReport, number: usize, finding: &FindingReport) -> Value {
    let artifact = match finding.path.as_deref().and_then(|path| path.strip_prefix('/')) {
        Some(path) if !path.is_empty() => json!({ "uri": uri(path), "uriBaseId": base_id(number) }),
        _ => json!({ "uri": uri(&image.identity.source) }),
    };
    let mut location = json!({
        "physicalLocation": { "artifactLocation": artifact, "region": { "startLine": line_of(finding) } },
    });
    if let (Some(layer), Some(location)) = (&finding.layer, location.as_object_mut()) {
        let id = layer.diff_id.clone().unwrap_or_else(|| format!("layer {}", layer.index));
        let logical =
            json!([{ "name": format!("layer {}", layer.index), "fullyQualifiedName": id, "kind": "module" }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    location
}

/// The line that proves it, where one does; code scanning wants one in any case.
fn line_of(finding: &FindingReport) -> u64 {
    let line = finding
        .evidence
        .get("line")
        .map(|line| line.as_array().and_then(|lines| lines.first()).unwrap_or(line));
    let number = line.and_then(|line| line.as_u64().or_else(|| line.as_str()?.parse().ok()));
    number.unwrap_or(1).max(1)
}

/// A path as a URI (RFC 8089) where it is absolute, else as a relative reference (RFC 3986, section 4.2): all
/// but unreserved characters and `/` is escaped, so that no first part is taken for a scheme.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
