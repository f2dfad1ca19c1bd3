//! The report as JUnit XML, as Jenkins and GitLab read it: an image is a suite, a rule is a case.
//!
//! A rule fails where its findings fail the run; what it only tells stands in `system-out`. A rule that was
//! not evaluated is an error where the profile requires it, and skipped else: never passed.

use std::fmt::{self, Write};
use std::io;

use super::stream::Out;
use super::text::title;
use super::{ErrorReport, FindingReport, FindingStatus, ImageReport, Outcome, Report, RuleReport};
use crate::model::escape::escape_text;

/// The whole report, with a line break at the end.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = Out::new(out);
    let mut total = Counts { tests: report.errors.len(), errors: report.errors.len(), ..Counts::default() };
    report.images.iter().flat_map(|image| &image.rules).for_each(|rule| total.add(rule));
    let _ =
        writeln!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ocicheck\" {total}>");
    // Without fractions and zone: the schema's pattern.
    let started_at = report.run.started_at.get(..19).unwrap_or(&report.run.started_at);
    for image in &report.images {
        write_image(&mut text, image, started_at);
    }
    for error in &report.errors {
        write_error(&mut text, error, started_at);
    }
    text.push_str("</testsuites>\n");
    text.finish()
}

/// How many cases there are, and how they ended.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, rule: &RuleReport) {
        self.tests += 1;
        match ended(rule) {
            Some("failure") => self.failures += 1,
            Some("error") => self.errors += 1,
            Some(_) => self.skipped += 1,
            None => {}
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tests, failures, errors, skipped } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

/// How the case of a rule ended, where it did not pass.
fn ended(rule: &RuleReport) -> Option<&'static str> {
    match rule.outcome {
        Outcome::Fail => Some("failure"),
        Outcome::NotEvaluated if rule.required => Some("error"),
        Outcome::NotEvaluated => Some("skipped"),
        Outcome::Pass | Outcome::Waived => None,
    }
}

fn begin_suite(text: &mut Out<'_>, name: &str, counts: &Counts, started_at: &str) {
    let (name, started_at) = (escaped(name), escaped(started_at));
    let _ = writeln!(text, "  <testsuite name=\"{name}\" {counts} timestamp=\"{started_at}\">");
}

fn begin_case(text: &mut Out<'_>, class: &str, name: &str) {
    let (class, name) = (escaped(class), escaped(name));
    let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"");
}

fn write_image(text: &mut Out<'_>, image: &ImageReport, started_at: &str) {
    let name = format!("{} ({})", escape_text(&image.identity.source), title(&image.identity));
    let mut counts = Counts::default();
    image.rules.iter().for_each(|rule| counts.add(rule));
    begin_suite(text, &name, &counts, started_at);
    for rule in &image.rules {
        write_case(text, image, rule, &name);
    }
    text.push_str("  </testsuite>\n");
}

fn write_case(text: &mut Out<'_>, image: &ImageReport, rule: &RuleReport, class: &str) {
    let of_status = |status| {
        image.findings.iter().filter(move |finding| finding.rule == rule.rule && finding.status == status)
    };
    let told = [FindingStatus::Warn, FindingStatus::Waived, FindingStatus::Known];
    let mut told = told.into_iter().flat_map(of_status).peekable();
    begin_case(text, class, rule.rule);
    let kind = ended(rule);
    if kind.is_none() && told.peek().is_none() {
        text.push_str("/>\n");
        return;
    }
    text.push_str(">\n");
    let reason = || escape_text(rule.reason.as_deref().unwrap_or("no reason is known"));
    match kind {
        Some("failure") => {
            let failing: Vec<_> = of_status(FindingStatus::Fail).collect();
            let message = match failing.as_slice() {
                [one] => line(one),
                many => format!("{} findings", many.len()),
            };
            let (message, name) = (escaped(&message), escaped(rule.rule));
            let _ = write!(text, "      <failure message=\"{message}\" type=\"{name}\"");
            if failing.is_empty() {
                text.push_str("/>\n");
            } else {
                text.push_str(">");
                write_listed(text, failing.into_iter());
                text.push_str("</failure>\n");
            }
        }
        Some("error") => {
            let message = escaped(&format!("required by the profile and not evaluated: {}", reason()));
            let name = escaped(rule.rule);
            let _ = writeln!(text, "      <error message=\"{message}\" type=\"{name}\"/>");
        }
        Some(skipped) => {
            let message = escaped(&format!("not evaluated: {}", reason()));
            let _ = writeln!(text, "      <{skipped} message=\"{message}\"/>");
        }
        None => {}
    }
    if told.peek().is_some() {
        text.push_str("      <system-out>");
        write_listed(text, told);
        text.push_str("</system-out>\n");
    }
    text.push_str("    </testcase>\n");
}

fn write_error(text: &mut Out<'_>, error: &ErrorReport, started_at: &str) {
    let name = escape_text(&error.source);
    begin_suite(text, &name, &Counts { tests: 1, errors: 1, ..Counts::default() }, started_at);
    begin_case(text, &name, "readable");
    let message = escaped(&escape_text(&error.message));
    let _ = write!(text, ">\n      <error message=\"{message}\" type=\"readable\"");
    match error.hint.as_deref().filter(|hint| !hint.is_empty()) {
        Some(hint) => {
            let _ = writeln!(text, ">{}</error>", escaped(&escape_text(hint)));
        }
        None => text.push_str("/>\n"),
    }
    text.push_str("    </testcase>\n  </testsuite>\n");
}

/// A finding in one line.
fn line(finding: &FindingReport) -> String {
    let place = finding.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
    format!("{place}{}", escape_text(&finding.message))
}

/// Findings, a line each, with what to do about them.
fn write_listed<'a>(text: &mut Out<'_>, findings: impl Iterator<Item = &'a FindingReport>) {
    for finding in findings {
        let layer =
            finding.layer.as_ref().map(|layer| format!(" (layer {})", layer.index)).unwrap_or_default();
        let waived = match finding.status {
            FindingStatus::Waived => ", waived",
            FindingStatus::Known => ", known from the baseline",
            FindingStatus::Fail | FindingStatus::Warn => "",
        };
        let mut told = format!("{}{waived}: {}{layer}\n", finding.severity, line(finding));
        if let Some(by) = finding.accepted_by() {
            let _ = writeln!(told, "  accepted: {}", escape_text(&by));
        }
        let _ = writeln!(told, "  -> {}", escape_text(&finding.remediation));
        text.push_str(&escaped(&told));
    }
}

/// Text as XML 1.0 may hold it, in attributes too. Control characters were made visible before.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}
