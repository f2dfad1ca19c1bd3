//! The report as JUnit XML, as Jenkins and GitLab read it: an image is a suite, a rule is a case.
//!
//! A rule fails where its findings fail the run; what it only tells stands in `system-out`. A rule that was
//! not evaluated is an error where the profile requires it, and skipped else: never passed.

use std::fmt::Write as _;

use super::text::title;
use super::{ErrorReport, FindingReport, FindingStatus, ImageReport, Outcome, Report, RuleReport};
use crate::model::escape::escape_text;

/// The whole report, with a line break at the end.
pub fn render(report: &Report) -> String {
    let mut suites: Vec<Suite> = report.images.iter().map(image).collect();
    suites.extend(report.errors.iter().map(error));
    let total = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"ocicheck\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        total(|suite| suite.cases.len()),
        total(|suite| suite.count("failure")),
        total(|suite| suite.count("error")),
        total(|suite| suite.count("skipped")),
    );
    for suite in &suites {
        suite.write(&mut text, &report.run.started_at);
    }
    text.push_str("</testsuites>\n");
    text
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    /// `failure`, `error` or `skipped`, with its message and its text.
    outcome: Option<(&'static str, String, String)>,
    told: String,
}

impl Suite {
    fn count(&self, outcome: &str) -> usize {
        self.cases
            .iter()
            .filter(|case| case.outcome.as_ref().is_some_and(|(kind, ..)| *kind == outcome))
            .count()
    }

    fn write(&self, text: &mut String, started_at: &str) {
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">",
            escaped(&self.name),
            self.cases.len(),
            self.count("failure"),
            self.count("error"),
            self.count("skipped"),
            // Without fractions and zone: the schema's pattern.
            escaped(started_at.get(..19).unwrap_or(started_at)),
        );
        for case in &self.cases {
            case.write(text);
        }
        text.push_str("  </testsuite>\n");
    }
}

impl Case {
    fn write(&self, text: &mut String) {
        let _ = write!(
            text,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
            escaped(&self.class),
            escaped(&self.name)
        );
        if self.outcome.is_none() && self.told.is_empty() {
            text.push_str("/>\n");
            return;
        }
        text.push_str(">\n");
        if let Some((kind, message, body)) = &self.outcome {
            let of_type =
                if *kind == "skipped" { String::new() } else { format!(" type=\"{}\"", escaped(&self.name)) };
            let _ = write!(text, "      <{kind} message=\"{}\"{of_type}", escaped(message));
            if body.is_empty() {
                text.push_str("/>\n");
            } else {
                let _ = writeln!(text, ">{}</{kind}>", escaped(body));
            }
        }
        if !self.told.is_empty() {
            let _ = writeln!(text, "      <system-out>{}</system-out>", escaped(&self.told));
        }
        text.push_str("    </testcase>\n");
    }
}

fn image(image: &ImageReport) -> Suite {
    let name = format!("{} ({})", escape_text(&image.identity.source), title(&image.identity));
    let cases = image.rules.iter().map(|rule| case(image, rule, &name)).collect();
    Suite { name, cases }
}

fn case(image: &ImageReport, rule: &RuleReport, class: &str) -> Case {
    let of_status = |status| {
        image.findings.iter().filter(move |finding| finding.rule == rule.rule && finding.status == status)
    };
    let failing: Vec<_> = of_status(FindingStatus::Fail).collect();
    let reason = escape_text(rule.reason.as_deref().unwrap_or("no reason is known"));
    let outcome = match rule.outcome {
        Outcome::Fail => {
            let message = match failing.as_slice() {
                [one] => line(one),
                many => format!("{} findings", many.len()),
            };
            Some(("failure", message, listed(failing.into_iter())))
        }
        Outcome::NotEvaluated if rule.required => {
            Some(("error", format!("required by the profile and not evaluated: {reason}"), String::new()))
        }
        Outcome::NotEvaluated => Some(("skipped", format!("not evaluated: {reason}"), String::new())),
        Outcome::Pass | Outcome::Waived => None,
    };
    let told = [FindingStatus::Warn, FindingStatus::Waived, FindingStatus::Known];
    let told = listed(told.into_iter().flat_map(of_status));
    Case { class: class.to_owned(), name: rule.rule.to_owned(), outcome, told }
}

fn error(error: &ErrorReport) -> Suite {
    let hint = error.hint.as_deref().map(escape_text).unwrap_or_default();
    let outcome = Some(("error", escape_text(&error.message), hint));
    let name = escape_text(&error.source);
    Suite {
        name: name.clone(),
        cases: vec![Case { class: name, name: "readable".to_owned(), outcome, told: String::new() }],
    }
}

/// A finding in one line.
fn line(finding: &FindingReport) -> String {
    let place = finding.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
    format!("{place}{}", escape_text(&finding.message))
}

/// Findings, a line each, with what to do about them.
fn listed<'a>(findings: impl Iterator<Item = &'a FindingReport>) -> String {
    let mut text = String::new();
    for finding in findings {
        let layer =
            finding.layer.as_ref().map(|layer| format!(" (layer {})", layer.index)).unwrap_or_default();
        let waived = match finding.status {
            FindingStatus::Waived => ", waived",
            FindingStatus::Known => ", known from the baseline",
            FindingStatus::Fail | FindingStatus::Warn => "",
        };
        let _ = writeln!(text, "{}{waived}: {}{layer}", finding.severity, line(finding));
        if let Some(by) = finding.accepted_by() {
            let _ = writeln!(text, "  accepted: {}", escape_text(&by));
        }
        let _ = writeln!(text, "  -> {}", escape_text(&finding.remediation));
    }
    text
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
