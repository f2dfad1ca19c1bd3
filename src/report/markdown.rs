//! The report as Markdown: a summary for a pull request or a job's page.
//!
//! Verdict first, what fails in a table, all else folded. Forges cut long comments off, so that what is
//! listed has an end; the JSON report lists all. Text of an image stands in code spans, where it can
//! neither be markup nor call people by `@name`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use super::build::without_middle;
use super::stream::Out;
use super::text::{platform, stands_on, title};
use super::{FindingReport, FindingStatus, ImageReport, Report, Verdict};
use crate::model::escape::escape_text;

/// Findings of an image that are listed. Forges hold comments to 65,536 characters.
const LISTED: usize = 50;

/// Characters of one text in a table.
const CELL_CHARS: usize = 200;

/// The whole report, with a line break at the end.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = Out::new(out);
    let _ = write!(text, "## ocicheck: {}\n\n{}\n", word(report.verdict), overall(report));
    for image in &report.images {
        write_image(&mut text, image);
    }
    if !report.errors.is_empty() {
        text.push_str("\n### Could not be checked\n\n");
        for error in &report.errors {
            let _ = writeln!(text, "- {}: {}", code(&error.source), code(&error.message));
        }
    }
    if !report.notes.is_empty() {
        text.push_str("\n");
        for note in &report.notes {
            let _ = writeln!(text, "> Note: {}: {}", code(&note.source), code(&note.message));
        }
    }
    let _ = writeln!(
        text,
        "\n<sub>{} {} · profile {} · fails at {} · policy {} `{}`</sub>",
        report.tool.name,
        report.tool.version,
        code(&report.policy.profile),
        report.policy.fail_on,
        code(&report.policy.source),
        report.policy.sha256.get(..12).unwrap_or_default(),
    );
    text.finish()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅ pass",
        Verdict::Fail => "❌ fail",
        Verdict::Error => "⚠️ could not be checked",
    }
}

fn overall(report: &Report) -> String {
    let summary = &report.summary;
    let counts = summary.findings.iter().filter(|(_, count)| **count > 0);
    let mut counts: Vec<_> =
        counts.map(|(severity, count)| (severity.parse().ok(), format!("{count} {severity}"))).collect();
    counts.sort_by_key(|(severity, _): &(Option<crate::rules::Severity>, _)| std::cmp::Reverse(*severity));
    let counts: Vec<String> = counts.into_iter().map(|(_, text)| text).collect();
    let findings =
        if counts.is_empty() { "no findings".to_owned() } else { format!("findings: {}", counts.join(", ")) };
    format!(
        "{} passed, {} failed, {} not checked; {findings}; {} rules not evaluated.",
        summary.passed,
        summary.failed,
        summary.errored + summary.errors,
        summary.rules_not_evaluated
    )
}

fn write_image(text: &mut Out<'_>, image: &ImageReport) {
    let _ = writeln!(text, "\n### {} {}\n", mark(image.verdict), code(&title(&image.identity)));
    let _ = writeln!(
        text,
        "- **Image** {} · {} · config `{}`",
        code(&image.identity.source),
        platform(&image.identity.platform),
        image.identity.config_digest
    );
    let _ = writeln!(text, "- **Base** {}", code(&stands_on(&image.contents)));
    let user = image.contents.config.user.as_deref().filter(|user| !user.is_empty()).unwrap_or("(unset)");
    let uid =
        image.contents.config.effective_uid.map_or_else(|| "not known".to_owned(), |uid| uid.to_string());
    let _ = writeln!(text, "- **User** {} (uid {uid})", code(user));
    let of_status = |status| image.findings.iter().filter(move |finding| finding.status == status);
    write_findings(text, "Fails", of_status(FindingStatus::Fail), false);
    write_findings(text, "Told only", of_status(FindingStatus::Warn), true);
    write_findings(text, "Known from the baseline", of_status(FindingStatus::Known), true);
    write_findings(text, "Accepted", of_status(FindingStatus::Waived), true);
    write_not_evaluated(text, image);
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Error => "⚠️",
    }
}

fn write_findings<'a>(
    text: &mut Out<'_>,
    heading: &str,
    findings: impl Iterator<Item = &'a FindingReport>,
    folded: bool,
) {
    let findings: Vec<_> = findings.collect();
    if findings.is_empty() {
        return;
    }
    if folded {
        let _ = writeln!(text, "\n<details><summary>{heading}: {}</summary>", findings.len());
    } else {
        let _ = writeln!(text, "\n**{heading}: {}**", findings.len());
    }
    text.push_str("\n| severity | rule | where | what | layer |\n|---|---|---|---|---|\n");
    for finding in findings.iter().take(LISTED) {
        let path = finding.path.as_deref().map(code).unwrap_or_default();
        let layer = finding.layer.as_ref().map(|layer| layer.index.to_string()).unwrap_or_default();
        let by = finding.accepted_by().map(|by| format!(", accepted: {}", code(&by))).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {path} | {}{by} | {layer} |",
            finding.severity,
            finding.rule,
            code(&finding.message)
        );
    }
    if findings.len() > LISTED {
        let _ = writeln!(text, "\n… and {} more: the JSON report lists all.", findings.len() - LISTED);
    }
    if !folded {
        write_remedies(text, &findings);
    }
    if folded {
        text.push_str("\n</details>\n");
    }
}

/// What to do, once for each rule.
fn write_remedies(text: &mut Out<'_>, findings: &[&FindingReport]) {
    let mut remedies: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in findings {
        remedies.entry(finding.rule).or_insert(&finding.remediation);
    }
    text.push_str("\n**What to do**\n\n");
    for (rule, remedy) in remedies {
        let _ = writeln!(text, "- {rule}: {}", code(remedy));
    }
}

fn write_not_evaluated(text: &mut Out<'_>, image: &ImageReport) {
    let by_reason = image.not_evaluated();
    if by_reason.is_empty() {
        return;
    }
    let count: usize = by_reason.values().map(Vec::len).sum();
    let _ = writeln!(text, "\n<details><summary>Not evaluated, so not passed: {count}</summary>\n");
    for (reason, rules) in by_reason {
        let _ = writeln!(text, "- {}: {}", rules.join(", "), code(reason));
    }
    text.push_str("\n</details>\n");
}

/// Text in a code span that it cannot leave, fit for a cell of a table.
pub(super) fn code(text: &str) -> String {
    let text = without_middle(&escape_text(text), CELL_CHARS).replace('|', "\\|");
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A span that begins or ends with a backtick needs a space, which is not shown.
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}
