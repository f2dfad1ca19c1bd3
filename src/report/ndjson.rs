//! The report as lines of JSON, for audits of many images: one line for each image and each input that could
//! not be checked, and the summary last.
//!
//! A line is an object with `type`, and else what stands in the JSON report: programs read it without
//! holding all of it.

use std::io::{self, Write};

use serde::Serialize;

use super::{ErrorReport, ImageReport, Note, PolicyInfo, Report, Run, Summary, Tool, Verdict};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Image(&'a ImageReport),
    Error(&'a ErrorReport),
    Note(&'a Note),
    Summary(End<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct End<'a> {
    schema_version: u32,
    tool: &'a Tool,
    policy: &'a PolicyInfo,
    verdict: Verdict,
    summary: &'a Summary,
    run: &'a Run,
}

/// The whole report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let images = report.images.iter().map(Line::Image);
    let errors = report.errors.iter().map(Line::Error);
    let notes = report.notes.iter().map(Line::Note);
    let end = Line::Summary(End {
        schema_version: report.schema_version,
        tool: &report.tool,
        policy: &report.policy,
        verdict: report.verdict,
        summary: &report.summary,
        run: &report.run,
    });
    for line in images.chain(errors).chain(notes).chain(std::iter::once(end)) {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
