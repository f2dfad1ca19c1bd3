//! The formats of the report: which a file's name asks for, and who writes each.

use std::io::{self, Write};
use std::path::Path;

use super::args::Format;
use crate::error::{Error, Result};
use crate::report::text::Style;
use crate::report::{Report, gitlab, html, json, junit, markdown, ndjson, sarif, text};

/// Names that GitLab gives its reports.
const BY_NAME: [(&str, Format); 2] = [
    ("gl-container-scanning-report.json", Format::Gitlab),
    ("gl-code-quality-report.json", Format::GitlabCodequality),
];

/// How names end, the longest first.
const BY_END: [(&str, Format); 9] = [
    (".sarif.json", Format::Sarif),
    (".sarif", Format::Sarif),
    (".ndjson", Format::Ndjson),
    (".jsonl", Format::Ndjson),
    (".json", Format::Json),
    (".txt", Format::Text),
    (".xml", Format::Junit),
    (".md", Format::Markdown),
    (".html", Format::Html),
];

/// The format that a file's name asks for.
pub(super) fn of_file(path: &Path) -> Result<Format> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let by_name = BY_NAME.iter().find(|(whole, _)| name == *whole);
    let by_end = || BY_END.iter().find(|(end, _)| name.len() > end.len() && name.ends_with(end));
    by_name.or_else(by_end).map(|(_, format)| *format).ok_or_else(|| {
        let what = format!("{}: no format is known by that extension", path.display());
        let ends: Vec<&str> = BY_END.iter().map(|(end, _)| *end).collect();
        let names: Vec<&str> = BY_NAME.iter().map(|(name, _)| *name).collect();
        let hint = format!("name a file that ends in {}, or {}", ends.join(", "), names.join(" or "));
        Error::usage(what).hint(hint)
    })
}

/// Writes the report in a format; `style` is of text alone.
pub(super) fn write(report: &Report, format: Format, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, style, out),
        Format::Json => json::write(report, out),
        Format::Ndjson => ndjson::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Html => html::write(report, out),
        Format::Gitlab => gitlab::write_container_scanning(report, out),
        Format::GitlabCodequality => gitlab::write_code_quality(report, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_asks_for_a_format() {
        for (name, format) in [
            ("report.json", Format::Json),
            ("out/Report.JSON", Format::Json),
            ("a.sarif", Format::Sarif),
            ("a.sarif.json", Format::Sarif),
            ("gl-code-quality-report.json", Format::GitlabCodequality),
            ("public/gl-container-scanning-report.json", Format::Gitlab),
            ("my-gl-code-quality-report.json", Format::Json),
            ("junit.xml", Format::Junit),
            ("a.b.html", Format::Html),
            ("audit.jsonl", Format::Ndjson),
        ] {
            assert_eq!(of_file(Path::new(name)).unwrap(), format, "{name}");
        }
        for name in ["report", "report.pdf", ".json", "json", "a.json/", "dir/.."] {
            let told = of_file(Path::new(name)).map_err(|error| error.to_string());
            assert!(name == "a.json/" || told.unwrap_err().contains("no format"), "{name}");
        }
    }
}
