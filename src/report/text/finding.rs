//! Findings: by severity and rule, with the paths of one cause together.

use super::page::{Look, Page, Safe, counted};
use super::{Style, Verbosity};
use crate::report::{FindingReport, FindingStatus, LayerPlace};
use crate::rules::{Severity, is_hygiene};

/// Findings of one rule and layer that are shown before the rest is only counted.
const SHOWN: usize = 5;

/// Writes all findings of an image: first those that fail it, then those that are only told.
pub(super) fn write(page: &mut Page, findings: &[FindingReport], fail_on: Severity, style: &Style) {
    let with = |status| findings.iter().filter(|finding| finding.status == status).collect::<Vec<_>>();
    let (failing, told) = (with(FindingStatus::Fail), with(FindingStatus::Warn));
    write_rules(page, &failing, style);
    write_accepted(page, "Accepted:", &with(FindingStatus::Waived), style);
    write_accepted(page, "Known from the baseline:", &with(FindingStatus::Known), style);
    // What is only told of how the image is made is named, and not read out each time.
    let folds = |finding: &&FindingReport| style.verbosity != Verbosity::Verbose && is_hygiene(finding.rule);
    let (folded, told): (Vec<_>, Vec<_>) = told.into_iter().partition(folds);
    if !told.is_empty() {
        page.gap();
        page.wrapped(2, &format!("Told only (below {fail_on}):"), Look::Dim);
        write_rules(page, &told, style);
    }
    if !folded.is_empty() {
        page.gap();
        let counts =
            by_severity(|severity| folded.iter().filter(|finding| finding.severity == severity).count());
        let rules: Vec<&str> = distinct(folded.iter().map(|finding| finding.rule));
        let text = format!("Hygiene, told only (-v shows all): {counts} · {}", rules.join(", "));
        page.wrapped(2, &text, Look::Dim);
    }
}

/// What would fail and is accepted, by the line of the policy or the VEX statements that accept it, or known: it is not
/// hidden.
fn write_accepted(page: &mut Page, heading: &str, findings: &[&FindingReport], style: &Style) {
    if findings.is_empty() {
        return;
    }
    page.gap();
    page.wrapped(2, heading, Look::Dim);
    let line = |finding: &FindingReport| finding.policy.as_ref().map_or(0, |policy| policy.line);
    let mut findings = findings.to_vec();
    findings.sort_by_key(|finding| (line(finding), finding.rule));
    let is_same = |a: &FindingReport, b: &FindingReport| {
        (line(a), a.rule) == (line(b), b.rule) && (line(a) > 0 || a.vex == b.vex)
    };
    for same in findings.chunk_by(|a, b| is_same(a, b)) {
        let Some(first) = same.first() else { continue };
        let many = if same.len() > 1 { format!(" ({})", same.len()) } else { String::new() };
        let mark = format!("{:8}  ", first.severity.name());
        page.marked(2, &mark, Look::Dim, &format!("{}{many}", first.rule), Look::Plain);
        let all = style.verbosity == Verbosity::Verbose;
        let shown = same.get(..if all { same.len() } else { same.len().min(SHOWN) }).unwrap_or_default();
        for path in shown.iter().filter_map(|finding| finding.path.as_deref()) {
            page.whole(4, &shown_path(path), Look::Plain);
        }
        if shown.len() < same.len() {
            page.wrapped(
                4,
                &format!("… and {} more (-v and JSON list all)", same.len() - shown.len()),
                Look::Dim,
            );
        }
        if let Some(by) = first.accepted_by() {
            page.wrapped(6, Safe::of(&by).as_str(), Look::Dim);
        }
    }
}

/// Findings come worst first and then by rule, so that those of one block stand together.
fn write_rules(page: &mut Page, findings: &[&FindingReport], style: &Style) {
    for block in findings.chunk_by(|a, b| (a.severity, a.rule) == (b.severity, b.rule)) {
        let Some(first) = block.first() else { continue };
        page.gap();
        let mark = format!("{:8}  ", first.severity.name().to_uppercase());
        let many = if block.len() > 1 { format!(" ({})", block.len()) } else { String::new() };
        page.marked(2, &mark, Look::Severity(first.severity), &format!("{}{many}", first.rule), Look::Bold);
        write_layers(page, block, style);
        for remedy in distinct(block.iter().map(|finding| &*finding.remediation)) {
            page.marked(4, "→ ", Look::Bold, Safe::of(remedy).as_str(), Look::Plain);
        }
    }
}

/// The findings of one rule, layer by layer.
fn write_layers(page: &mut Page, block: &[&FindingReport], style: &Style) {
    let index = |finding: &FindingReport| finding.layer.as_ref().map(|layer| layer.index);
    let mut block = block.to_vec();
    block.sort_by_key(|finding| (index(finding), !finding.effective, &*finding.message));
    for group in block.chunk_by(|a, b| (index(a), a.effective) == (index(b), b.effective)) {
        let all = style.verbosity == Verbosity::Verbose || group.len() == SHOWN + 1;
        let (shown, rest) = group.split_at(if all { group.len() } else { group.len().min(SHOWN) });
        for same in shown.chunk_by(|a, b| says_the_same(a, b, style)) {
            write_same(page, same, style);
        }
        if !rest.is_empty() {
            page.wrapped(4, &format!("… and {} more (-v and JSON list all)", rest.len()), Look::Dim);
        }
        if let Some(first) = group.first() {
            write_place(page, first);
        }
    }
}

/// Whether two findings differ in nothing that is written below their paths.
fn says_the_same(a: &FindingReport, b: &FindingReport, style: &Style) -> bool {
    let evidence = style.verbosity != Verbosity::Verbose || (&a.evidence, &a.vex) == (&b.evidence, &b.vex);
    evidence && a.message == b.message && a.path.is_some() == b.path.is_some()
}

fn write_same(page: &mut Page, same: &[&FindingReport], style: &Style) {
    for path in same.iter().filter_map(|finding| finding.path.as_deref()) {
        page.whole(4, &shown_path(path), Look::Plain);
    }
    let Some(first) = same.first() else { return };
    let indent = if first.path.is_some() { 6 } else { 4 };
    page.wrapped(indent, Safe::of(&first.message).as_str(), Look::Plain);
    if style.verbosity == Verbosity::Verbose {
        for (name, value) in first.evidence.iter() {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            page.marked(indent + 2, &format!("{name}: "), Look::Dim, Safe::of(&value).as_str(), Look::Dim);
        }
        for statement in &first.vex {
            page.marked(indent + 2, "VEX: ", Look::Dim, Safe::of(&statement.in_words()).as_str(), Look::Dim);
        }
    }
}

/// In quotes where it holds a space, which could not be seen at its end.
fn shown_path(path: &str) -> String {
    let safe = Safe::of(path);
    let quote = if safe.as_str().contains(char::is_whitespace) { "\"" } else { "" };
    format!("{quote}{}{quote}", safe.as_str())
}

fn write_place(page: &mut Page, finding: &FindingReport) {
    if let Some(LayerPlace { index, created_by, .. }) = finding.layer.as_deref() {
        let step = created_by.as_deref().map(|step| format!(" · {}", Safe::of(step).as_str()));
        page.shortened(6, &format!("layer {index}{}", step.unwrap_or_default()), Look::Dim);
    }
    if !finding.effective {
        page.wrapped(6, "not in the final image: a later layer took it away", Look::Dim);
    }
}

/// `2 high, 1 medium`, worst first; empty where there are none.
pub(super) fn by_severity(number: impl Fn(Severity) -> usize) -> String {
    let numbers = Severity::WORST_FIRST.into_iter().map(|severity| (severity, number(severity)));
    let told =
        numbers.filter(|(_, number)| *number > 0).map(|(severity, number)| format!("{number} {severity}"));
    told.collect::<Vec<_>>().join(", ")
}

/// `3 findings: 2 high, 1 medium`, or that there are none.
pub(super) fn summed(total: usize, number: impl Fn(Severity) -> usize) -> String {
    match total {
        0 => "no findings".to_owned(),
        _ => format!("{}: {}", counted(total, "finding"), by_severity(number)),
    }
}

/// Each text once, in the order of first coming.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
