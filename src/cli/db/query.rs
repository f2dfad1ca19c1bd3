//! `ocicheck db query`.

use super::args::QueryDb;
use super::wire::{Package, Queried, Told};
use super::{counted, format, json};
use crate::advisories::{Advisories, Question};
use crate::cli::args::InspectFormat;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::error::Result;
use crate::model::escape::escape_text;

pub(super) fn run(arguments: &QueryDb) -> Result<Exit> {
    let advisories = Advisories::open(&arguments.advisories)?;
    let asked: Result<Vec<Package<'_>>> =
        arguments.purls.iter().map(|purl| ask(&advisories, purl, arguments.all)).collect();
    let asked = asked.map_err(|error| error.at(arguments.advisories.display().to_string()))?;
    let exit = exit(&asked);
    match format(arguments.format) {
        InspectFormat::Json => output::to_stdout(&json(&Queried::new(asked))?)?,
        InspectFormat::Text => output::to_stdout(&asked.iter().map(text).collect::<String>())?,
    }
    Ok(exit)
}

fn ask<'a>(advisories: &Advisories, purl: &'a str, all: bool) -> Result<Package<'a>> {
    let question = match Question::of_purl(purl) {
        Ok(question) => question,
        Err(error) => return Ok(Package::unasked(purl, error.to_string())),
    };
    let Some(known) = advisories.speaks_of(&question.ecosystem) else {
        let why = format!("no feed of this database speaks of {}", question.ecosystem);
        return Ok(Package::unasked(purl, why));
    };
    let uncovered = (!known.covered).then(|| {
        format!(
            "no whole feed of {} is in this database, though advisories name some of its packages: build it with one, or state \
             with --covers that it has one",
            question.ecosystem
        )
    });
    let answers = if all { advisories.ask_all(&question)? } else { advisories.ask(&question)? };
    Ok(Package::asked(purl, &question, uncovered, answers, advisories.sources()))
}

/// What could not be asked or decided is no pass.
fn exit(asked: &[Package<'_>]) -> Exit {
    let any = |verdict: &str| {
        asked.iter().flat_map(|package| &package.advisories).any(|told| told.verdict == verdict)
    };
    if asked.iter().any(|package| package.error.is_some() || package.uncovered.is_some())
        || any("undecidable")
    {
        Exit::NotChecked
    } else if any("affected") {
        Exit::Failed
    } else {
        Exit::Passed
    }
}

fn text(package: &Package<'_>) -> String {
    let mut text = format!("{}\n", escape_text(package.purl));
    if let Some(error) = &package.error {
        text += &format!("  not asked: {}\n", escape_text(error));
        return text;
    }
    let count =
        |verdict: &str| package.advisories.iter().filter(|told| told.verdict == verdict).count() as u64;
    let (affected, undecidable) = (count("affected"), count("undecidable"));
    text += &format!("  {}: ", escape_text(package.ecosystem.as_deref().unwrap_or_default()));
    text += &match (affected, undecidable) {
        (0, 0) if package.uncovered.is_none() => "not affected by any advisory".to_owned(),
        (0, 0) => "no advisory is known to affect it".to_owned(),
        (0, _) => "no advisory is known to affect it".to_owned(),
        _ => format!("affected by {}", counted(affected, "advisory", "advisories")),
    };
    if undecidable > 0 {
        text += &format!(", {} cannot be decided", counted(undecidable, "advisory", "advisories"));
    }
    text.push('\n');
    if let Some(why) = &package.uncovered {
        text += &format!("  not covered: {}\n", escape_text(why));
    }
    package.advisories.iter().for_each(|told| text += &advisory(told));
    text
}

fn advisory(told: &Told) -> String {
    let fix = match (told.verdict, &told.fixed_in, told.fix) {
        ("not-affected", Some(version), _) => format!("fixed in {version}, which it has"),
        ("not-affected", None, _) => String::new(),
        (_, Some(version), _) => format!("fixed in {version}"),
        (_, None, "postponed") => "no fix for now".to_owned(),
        (_, None, "wont-fix") => "no fix will come".to_owned(),
        (_, None, _) => "no fix yet".to_owned(),
    };
    let by = told.severity_by.as_deref().map_or_else(String::new, |by| format!(" ({by})"));
    let mut text = format!("\n  {} {}: {}{by}", told.id, told.verdict, told.severity);
    if !fix.is_empty() {
        text += &format!(", {fix}");
    }
    let mut text = format!("\n{}\n", escape_text(text.trim_start_matches('\n')));
    let mut line = |line: String| {
        if !line.is_empty() {
            text.push_str(&format!("    {}\n", escape_text(&line)));
        }
    };
    line(told.reason.clone().unwrap_or_default());
    line(told.cves.iter().filter(|cve| **cve != told.id).cloned().collect::<Vec<_>>().join(" "));
    let also = told.also.join(" ");
    line(if also.is_empty() { also } else { format!("told also by {also}") });
    line(
        told.informational
            .clone()
            .map_or_else(String::new, |what| format!("a notice ({what}), not a vulnerability")),
    );
    line(
        format!("{} {}: {}", told.package, told.version, told.summary)
            .trim_end_matches([' ', ':'])
            .to_owned(),
    );
    text
}
