//! The report as text for people: the verdict first, then what it rests on, then what to do.

mod finding;
mod image;
mod page;

use std::io;

use super::{
    BaseState, FindingStatus, ImageReport, Outcome, Report, Verdict, VexReport, WaiverReport, WaiverStatus,
};
pub(super) use image::{base as stands_on, platform, title};
pub(crate) use page::human_size;
use page::{Look, Page, Safe, counted};

/// VEX statements of one document that are named where they are about nothing.
const UNUSED_SHOWN: usize = 5;

/// How text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to write ANSI colours.
    pub color: bool,
    /// Columns; paths may be longer.
    pub width: usize,
    /// How much is told.
    pub verbosity: Verbosity,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// One line for each image.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Every path, all evidence, every layer, every rule that was not evaluated.
    Verbose,
}

/// Without colour, 80 columns, for a person.
impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 80, verbosity: Verbosity::Normal }
    }
}

/// The whole report. Whatever comes from an image or the command line is escaped, so that nothing
/// in it can steer a terminal.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new(style.width, style.color, out);
    if style.verbosity == Verbosity::Quiet {
        write_quiet(&mut page, report);
        return page.finish();
    }
    if are_many(report) {
        marked_by(&mut page, report.verdict, &overall(report));
    }
    for image in &report.images {
        page.gap();
        image::write(&mut page, image, report.policy.fail_on, style);
    }
    write_errors(&mut page, report);
    write_notes(&mut page, report);
    write_waivers(&mut page, report);
    write_vex(&mut page, report);
    write_end(&mut page, report);
    page.finish()
}

/// A verdict and what it is of.
fn marked_by(page: &mut Page, verdict: Verdict, text: &str) {
    page.marked(0, &format!("{:7}", word(verdict)), Look::Verdict(verdict), text, Look::Bold);
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Error => "ERROR",
    }
}

fn write_quiet(page: &mut Page, report: &Report) {
    for image in &report.images {
        let failing = image.findings.iter().filter(|finding| finding.status == FindingStatus::Fail);
        let failing: Vec<_> = failing.map(|finding| finding.severity).collect();
        let count = |severity| failing.iter().filter(|found| **found == severity).count();
        let counts = match (finding::by_severity(count), image.verdict) {
            (counts, Verdict::Error) if counts.is_empty() => "required rules not evaluated".to_owned(),
            (counts, _) => counts,
        };
        let tail = if counts.is_empty() { String::new() } else { format!(": {counts}") };
        let title =
            format!("{} ({})", Safe::of(&image.identity.source).as_str(), image::title(&image.identity));
        write_verdict_line(page, image.verdict, &format!("{title}{tail}"));
    }
    for error in &report.errors {
        let (source, message) = error_text(error);
        write_verdict_line(page, Verdict::Error, &format!("{source}: {message}"));
    }
}

/// One line whatever its length: for `grep`.
fn write_verdict_line(page: &mut Page, verdict: Verdict, text: &str) {
    page.one_line(&format!("{:7}", word(verdict)), Look::Verdict(verdict), text);
}

fn overall(report: &Report) -> String {
    let summary = &report.summary;
    let parts = [
        (summary.passed, "passes", "pass"),
        (summary.failed, "fails", "fail"),
        (summary.errored + summary.errors, "could not be checked", "could not be checked"),
    ];
    let told = parts.into_iter().filter(|(number, ..)| *number > 0);
    let told: Vec<_> = told
        .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
        .collect();
    format!("{}: {}", counted(summary.images + summary.errors, "image"), told.join(", "))
}

/// The source, and the message without the source that it may begin with.
fn error_text(error: &super::ErrorReport) -> (String, String) {
    let message = error.message.strip_prefix(&error.source).and_then(|rest| rest.strip_prefix(": "));
    let message = Safe::of(message.unwrap_or(&error.message));
    (Safe::of(&error.source).as_str().to_owned(), message.as_str().to_owned())
}

fn write_errors(page: &mut Page, report: &Report) {
    for error in &report.errors {
        page.gap();
        let (source, message) = error_text(error);
        marked_by(page, Verdict::Error, &source);
        page.wrapped(7, &message, Look::Plain);
        if let Some(hint) = &error.hint {
            page.marked(7, "→ ", Look::Bold, Safe::of(hint).as_str(), Look::Plain);
        }
    }
}

fn write_notes(page: &mut Page, report: &Report) {
    if !report.notes.is_empty() {
        page.gap();
    }
    for note in &report.notes {
        let text = format!("{}: {}", Safe::of(&note.source).as_str(), Safe::of(&note.message).as_str());
        page.marked(0, "Note   ", Look::Dim, &text, Look::Plain);
    }
}

/// Waivers that are of no use any more, or were of none.
fn write_waivers(page: &mut Page, report: &Report) {
    let policy = &report.policy;
    let is_any = policy.waivers.iter().any(|waiver| useless(waiver).is_some())
        || policy.vex.iter().any(|document| !document.unused.is_empty());
    if is_any && report.notes.is_empty() {
        page.gap();
    }
    for (waiver, what) in policy.waivers.iter().filter_map(useless) {
        let WaiverReport { line, rule, owner, .. } = waiver;
        let text = format!("{}:{line}: the waiver of {rule} ({owner}) {what}", policy.source);
        page.marked(0, "Note   ", Look::Dim, Safe::of(&text).as_str(), Look::Plain);
    }
}

/// A waiver that accepts nothing though its images were judged, and why.
fn useless(waiver: &WaiverReport) -> Option<(&WaiverReport, String)> {
    let what = match (waiver.status, &waiver.expires) {
        (WaiverStatus::Used | WaiverStatus::OtherImage, _) => return None,
        (WaiverStatus::Expired, Some(date)) => format!("expired on {date}"),
        (WaiverStatus::Expired, None) => "expired".to_owned(),
        (WaiverStatus::Unused, _) => "accepts nothing: remove it, or mend it".to_owned(),
    };
    Some((waiver, what))
}

/// VEX statements that are about nothing that was found.
fn write_vex(page: &mut Page, report: &Report) {
    for document in report.policy.vex.iter().filter(|document| !document.unused.is_empty()) {
        let named = document.unused.iter().take(UNUSED_SHOWN);
        let named: Vec<_> =
            named.map(|it| format!("{} (statement {})", it.vulnerability, it.statement)).collect();
        let more = match document.unused.len().saturating_sub(UNUSED_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let VexReport { source, statements, unused, .. } = document;
        let text = format!(
            "{source}: {} of {} no finding: {}{more}",
            unused.len(),
            if *statements == 1 {
                "1 statement is about".to_owned()
            } else {
                format!("{statements} statements are about")
            },
            named.join(", ")
        );
        page.marked(0, "Note   ", Look::Dim, Safe::of(&text).as_str(), Look::Plain);
    }
}

/// Whether there is more than one image or input, so that they are counted.
fn are_many(report: &Report) -> bool {
    report.images.len() + report.errors.len() > 1
}

/// Counts, and the next thing to do; nothing where there is neither. Of many images the first line may be far
/// above by then, so it is said again.
fn write_end(page: &mut Page, report: &Report) {
    let counts = [are_many(report).then(|| overall(report)), found(report)];
    let next = next(report);
    if next.is_some() || counts.iter().any(Option::is_some) {
        page.gap();
    }
    for line in counts.iter().flatten() {
        page.wrapped(0, line, Look::Plain);
    }
    if let Some(next) = next {
        page.marked(0, "Next: ", Look::Bold, &next, Look::Plain);
    }
}

/// All findings by severity, and how many of them do not count.
fn found(report: &Report) -> Option<String> {
    let findings = &report.summary.findings;
    let total: usize = findings.values().sum();
    let of = |severity: crate::rules::Severity| findings.get(severity.name()).copied().unwrap_or(0);
    let accepted = [(FindingStatus::Waived, "accepted"), (FindingStatus::Known, "known from the baseline")];
    let accepted = accepted.map(|(status, how)| match of_status(report, status) {
        0 => String::new(),
        number => format!("; {number} of them {how}"),
    });
    let counts = finding::summed(total, of);
    (total > 0).then(|| format!("{counts} (fails at {}){}", report.policy.fail_on, accepted.concat()))
}

/// How many findings have come to this.
fn of_status(report: &Report, status: FindingStatus) -> usize {
    let findings = report.images.iter().flat_map(|image| &image.findings);
    findings.filter(|finding| finding.status == status).count()
}

fn next(report: &Report) -> Option<String> {
    let failing = report.images.iter().flat_map(|image| &image.findings);
    // Of equals the first, which is how the report is sorted.
    let worst = failing
        .filter(|finding| finding.status == FindingStatus::Fail)
        .min_by_key(|finding| std::cmp::Reverse(finding.severity));
    if let Some(worst) = worst {
        return Some(format!("ocicheck rules explain {}", worst.rule));
    }
    if report.verdict == Verdict::Error {
        return Some("mend what could not be checked, and check again".to_owned());
    }
    let without_catalog = report.images.iter().any(lacks_catalog);
    without_catalog
        .then(|| "name the approved bases with --bases FILE to have the base proven too".to_owned())
}

/// Whether rules ask for a catalog and none was given.
fn lacks_catalog(image: &ImageReport) -> bool {
    let reason = image.contents.base.reason.as_deref().filter(|reason| reason.contains("--bases"));
    image.contents.base.status == BaseState::NotEvaluated
        && reason.is_some()
        && image
            .rules
            .iter()
            .any(|rule| rule.outcome == Outcome::NotEvaluated && rule.reason.as_deref() == reason)
}

#[cfg(test)]
mod tests;
