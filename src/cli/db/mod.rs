//! `ocicheck db`: the database of advisories.

mod args;
mod coverage;
mod query;
mod wire;
#[cfg(test)]
mod wire_tests;

use std::path::Path;

use serde::Serialize;

pub(crate) use self::args::DbCommand;
use self::args::{BuildDb, ReadDb};
use self::wire::Info;
use super::args::InspectFormat;
use super::exit::Exit;
use super::output;
use crate::advisories::{Advisories, Source, Taken, build, is_feed};
use crate::error::{Error, ErrorKind, Result};
use crate::model::escape::escape_text;

pub(super) fn run(command: &DbCommand) -> Result<Exit> {
    match command {
        DbCommand::Build(arguments) => self::build_file(arguments)?,
        DbCommand::Info(arguments) => info(arguments)?,
        DbCommand::Verify { file } => verify(file)?,
        DbCommand::Query(arguments) => return query::run(arguments),
    }
    Ok(Exit::Passed)
}

fn build_file(arguments: &BuildDb) -> Result<()> {
    if let Some(source) = arguments.sources.iter().find(|source| is_read_of(source, &arguments.output)) {
        let what = format!("{} would be written over, and is read", arguments.output.display());
        return Err(Error::usage(what).at(source.display().to_string()).hint("name another file with -o"));
    }
    let built = build(&arguments.sources, &arguments.covers, arguments.at)?;
    for taken in &built.taken {
        tell(taken);
    }
    output::to_file(&arguments.output, &built.bytes)?;
    let made = Advisories::of_bytes(built.bytes)?;
    let (sections, ecosystems) = (made.header().sections, made.ecosystems().len());
    output::tell(&format!(
        "{}: {} on {} in {}, {}",
        arguments.output.display(),
        counted(sections.advisories.count, "advisory", "advisories"),
        counted(sections.keys.count, "package", "packages"),
        counted(ecosystems as u64, "ecosystem or release", "ecosystems and releases"),
        size(made.size())
    ));
    coverage::uncovered(&made).iter().for_each(|line| output::tell(line));
    Ok(())
}

/// Whether a file is a source, or would be read as a part of one.
fn is_read_of(source: &Path, file: &Path) -> bool {
    let (Ok(source), Ok(file)) = (source.canonicalize(), file.canonicalize()) else { return false };
    let is_document = file.file_name().is_some_and(|name| is_feed(&name.to_string_lossy()));
    file == source || is_document && file.starts_with(source)
}

/// What a source was taken for, and what of it did not come in.
fn tell(taken: &Taken) {
    if taken.repeated {
        return output::tell(&format!("{}: the same as a source before it", taken.name));
    }
    let kinds: Vec<&str> = taken.kinds.iter().map(|kind| kind.name()).collect();
    let date = taken
        .newest
        .map_or_else(|| "without dates".to_owned(), |newest| format!("newest of {}", wire::day(newest)));
    output::tell(&format!(
        "{}: {}, {} in {}, {date}",
        taken.name,
        if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") },
        counted(taken.records, "record", "records"),
        counted(taken.documents, "document", "documents"),
    ));
    let repositories: Vec<_> =
        taken.repositories.iter().map(|(release, repository)| format!("{release}/{repository}")).collect();
    for line in coverage::of_source(&repositories, &taken.covers, &taken.mentions) {
        output::tell(&format!("  {line}"));
    }
    for (skip, count) in taken.skips.counts() {
        output::tell(&format!("  passed over: {} {}", grouped(count), skip.words()));
    }
    for (name, count) in taken.skips.ecosystems() {
        output::tell(&format!("    {name}: {}", grouped(*count)));
    }
    for (name, why) in taken.skips.broken() {
        output::tell(&format!("  {name}: {why}"));
    }
}

fn info(arguments: &ReadDb) -> Result<()> {
    let advisories = Advisories::open(&arguments.file)?;
    let info = Info::of(&advisories);
    match format(arguments.format) {
        InspectFormat::Json => output::to_stdout(&json(&info)?),
        InspectFormat::Text => output::to_stdout(&info_text(&advisories, &info)),
    }
}

fn info_text(advisories: &Advisories, info: &Info<'_>) -> String {
    let counts = &info.counts;
    let built = info.built.map_or_else(String::new, |day| format!(", built on {day}"));
    let mut text = format!(
        "{}, {} on {}{built}\nidentity {}\n\nSOURCES\n",
        size(info.bytes),
        counted(counts.advisories, "advisory", "advisories"),
        counted(counts.packages, "package", "packages"),
        info.identity
    );
    for source in advisories.sources() {
        text += &source_text(source);
    }
    text += "\nECOSYSTEMS AND RELEASES\n";
    let width =
        info.ecosystems.iter().map(|ecosystem| ecosystem.name.chars().count()).max().unwrap_or_default();
    for ecosystem in &info.ecosystems {
        text += &format!(
            "  {:width$}  {:>9} packages  {:>9} entries  {:>9} without a fix{}\n",
            escape_text(ecosystem.name),
            grouped(ecosystem.packages),
            grouped(ecosystem.entries),
            grouped(ecosystem.unfixed),
            if ecosystem.covered { "" } else { "  not covered" }
        );
    }
    if !advisories.header().stated.is_empty() {
        text += &format!("stated to be covered: {}\n", coverage::listed(&advisories.header().stated));
    }
    text
}

fn source_text(source: &Source) -> String {
    let date = source.date.as_deref().unwrap_or("no date");
    let license =
        source.license.as_deref().map_or_else(String::new, |license| format!(", {}", escape_text(license)));
    let mut text = format!(
        "  {}: {}, {date}, {}, {}{license}\n    sha256 {}\n",
        escape_text(&source.name),
        escape_text(&source.kind),
        counted(source.records, "record", "records"),
        size(source.bytes),
        escape_text(&source.sha256)
    );
    for line in coverage::of_source(&source.repositories, &source.covers, &source.mentions) {
        text += &format!("    {line}\n");
    }
    let skipped: Vec<String> = source
        .skipped
        .iter()
        .map(|(why, count)| format!("{} {}", grouped(*count), escape_text(why)))
        .collect();
    if !skipped.is_empty() {
        text += &format!("    passed over: {}\n", skipped.join(", "));
    }
    text
}

fn verify(file: &Path) -> Result<()> {
    let place = file.display().to_string();
    let advisories = Advisories::open(file)?;
    let verified = advisories.verify().map_err(|error| error.at(&place))?;
    output::to_stdout(&format!(
        "{}: whole; {}, {}, {}, {}\nsha256 {}\nidentity {}\n",
        escape_text(&place),
        counted(verified.advisories, "advisory", "advisories"),
        counted(verified.packages, "package", "packages"),
        counted(verified.entries, "entry", "entries"),
        counted(verified.ranges, "range", "ranges"),
        verified.sha256,
        advisories.identity()
    ))
}

fn format(asked: Option<InspectFormat>) -> InspectFormat {
    asked.unwrap_or(if output::is_terminal() { InspectFormat::Text } else { InspectFormat::Json })
}

fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    Ok(format!("{text}\n"))
}

/// `1,234 records`.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `1,234,567`.
fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `6.4 MiB`.
fn size(bytes: u64) -> String {
    crate::report::text::human_size(bytes)
}
