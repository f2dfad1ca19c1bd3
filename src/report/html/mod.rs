//! The report as one HTML file for an audit: it needs no network, no other file and no framework.
//!
//! It may load nothing and run nothing but its own script, which is held to its hash by a content
//! security policy: an image whose text found a way out of its escaping could still do nothing.

mod image;

use std::fmt::{self, Display, Write as _};
use std::io;

use super::stream::Out;
use super::{Report, Verdict, VexReport, WaiverReport};
use crate::model::escape::escape_text;
use crate::rules::Severity;

const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// SHA-256 of [`SCRIPT`] in base64, as a content security policy names it.
const SCRIPT_HASH: &str = "sha256-w43ttTxtHlFuH2fER6FssvJtg3aYdXgHOrSsJ2y+f7Q=";

/// The whole report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Out::new(out);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>ocicheck: {}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n",
        report.verdict.name(),
    );
    write_head(&mut page, report);
    if report.images.len() > 1 {
        image::write_list(&mut page, &report.images);
    }
    for (number, one) in report.images.iter().enumerate() {
        image::write(&mut page, one, number);
    }
    write_errors(&mut page, report);
    write_policy(&mut page, report);
    let _ = write!(page, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    page.finish()
}

fn write_head(page: &mut Out<'_>, report: &Report) {
    let summary = &report.summary;
    let _ = writeln!(page, "<header>\n<h1>{} Container image audit</h1>", badge(report.verdict));
    let _ = writeln!(
        page,
        "<p class=\"dim\">{} {}, {}</p>\n<ul class=\"counts\">",
        report.tool.name,
        report.tool.version,
        Text(&report.run.started_at)
    );
    let of = |severity: Severity| summary.findings.get(severity.name()).copied().unwrap_or(0);
    let images = [
        (summary.images + summary.errors, "images"),
        (summary.passed, "passed"),
        (summary.failed, "failed"),
        (summary.errored + summary.errors, "not checked"),
    ];
    for (count, what) in images {
        let _ = writeln!(page, "<li><b>{count}</b> {what}</li>");
    }
    for severity in Severity::WORST_FIRST {
        let _ = writeln!(
            page,
            "<li><b>{}</b> <span class=\"severity {severity}\">{severity}</span></li>",
            of(severity)
        );
    }
    let _ = writeln!(
        page,
        "<li><b>{}</b> rules not evaluated</li>\n</ul>\n</header>",
        summary.rules_not_evaluated
    );
}

fn write_errors(page: &mut Out<'_>, report: &Report) {
    if !report.errors.is_empty() {
        page.push_str("<h2>Could not be checked</h2>\n<ul>\n");
        for error in &report.errors {
            let hint = error.hint.as_deref().unwrap_or_default();
            let _ = writeln!(
                page,
                "<li><code>{}</code>: {} <span class=\"dim\">{}</span></li>",
                Text(&error.source),
                Text(&error.message),
                Text(hint)
            );
        }
        page.push_str("</ul>\n");
    }
    if !report.notes.is_empty() {
        page.push_str("<h2>Notes</h2>\n<ul>\n");
        for note in &report.notes {
            let _ = writeln!(page, "<li><code>{}</code>: {}</li>", Text(&note.source), Text(&note.message));
        }
        page.push_str("</ul>\n");
    }
}

fn write_policy(page: &mut Out<'_>, report: &Report) {
    let policy = &report.policy;
    page.push_str("<h2>Policy</h2>\n<dl>\n");
    let discovered = if policy.discovered {
        " (discovered in the current directory, so it belongs to whoever is judged)"
    } else {
        ""
    };
    let environment = policy.environment.as_deref().unwrap_or("none");
    for (name, value) in [
        ("Source", format!("{}{discovered}", policy.source).as_str()),
        ("SHA-256", &policy.sha256),
        ("Profile", &policy.profile),
        ("Environment", environment),
        ("Fails at", policy.fail_on.name()),
        ("Baseline", policy.baseline.as_ref().map_or("none", |baseline| &baseline.source)),
    ] {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", Text(value));
    }
    page.push_str("</dl>\n");
    write_waivers(page, &policy.waivers);
    write_vex(page, &policy.vex);
}

fn write_waivers(page: &mut Out<'_>, waivers: &[WaiverReport]) {
    if waivers.is_empty() {
        return;
    }
    page.push_str("<h3>Waivers</h3>\n<table><thead><tr><th>line</th><th>rule</th><th>status</th><th>findings</th><th>reason</th><th>owner</th><th>expires</th></tr></thead><tbody>\n");
    for waiver in waivers {
        let status = serde_json::to_value(waiver.status).ok();
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            waiver.line,
            waiver.rule,
            Text(status.as_ref().and_then(|status| status.as_str()).unwrap_or_default()),
            waiver.findings,
            Text(&waiver.reason),
            Text(&waiver.owner),
            Text(waiver.expires.as_deref().unwrap_or("never")),
        );
    }
    page.push_str("</tbody></table>\n");
}

fn write_vex(page: &mut Out<'_>, documents: &[VexReport]) {
    if documents.is_empty() {
        return;
    }
    page.push_str("<h3>VEX documents</h3>\n<table><thead><tr><th>document</th><th>author</th><th>of</th><th>findings</th><th>statements</th><th>about no finding</th></tr></thead><tbody>\n");
    for document in documents {
        let unused = document.unused.iter().map(|it| format!("{} ({})", it.vulnerability, it.statement));
        let _ = writeln!(
            page,
            "<tr><td>{}<br><code class=\"dim\">{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(&document.source),
            Text(&document.id),
            Text(&document.author),
            Text(document.timestamp.as_deref().unwrap_or_default()),
            document.findings,
            document.statements,
            Text(&unused.collect::<Vec<_>>().join(", ")),
        );
    }
    page.push_str("</tbody></table>\n");
}

fn badge(verdict: Verdict) -> String {
    let name = verdict.name();
    format!("<span class=\"verdict {name}\">{name}</span>")
}

/// Text that is shown as it is: nothing in it is markup, in an attribute's quotes neither.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in escape_text(self.0).chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
