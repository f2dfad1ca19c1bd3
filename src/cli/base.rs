//! `ocicheck base`: keeping the catalog.

use std::fs::Metadata;
use std::path::Path;

use super::args::{AddBase, BaseCommand, ChangeBase};
use super::catalog::{Change, read};
use super::exit::Exit;
use super::{output, watch};
use crate::base::catalog::Added;
use crate::base::layer_facts::{directory_of, file_name};
use crate::base::{Catalog, FactsFile, State};
use crate::engine::{self, NewBase, Request};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::source::{Input, Selection};

pub(super) fn run(command: &BaseCommand) -> Result<Exit> {
    match command {
        BaseCommand::Add(add) => self::add(add)?,
        BaseCommand::List { catalog } => output::to_stdout(&list(&read(&catalog.bases)?))?,
        BaseCommand::Show { catalog, base } => show(&read(&catalog.bases)?, base)?,
        BaseCommand::Deprecate(change) => self::change(change, State::Deprecated)?,
        BaseCommand::Revoke(change) => self::change(change, State::Revoked)?,
    }
    Ok(Exit::Passed)
}

fn add(add: &AddBase) -> Result<()> {
    let limits = super::limits_within(add.timeout);
    let path = &add.catalog.bases;
    let (change, catalog) = Change::begin_or_new(path)?;
    let input = Input::from_argument(&add.image_file);
    let selection = Selection { platform: add.platform.clone(), image: add.image.clone() };
    let new = NewBase {
        name: add.name.clone(),
        version: add.base_version.clone(),
        tier: add.tier,
        added: add.at.unwrap_or_else(today),
        with_facts: !add.no_facts,
    };
    let Larger { catalog, told, files } = watch::until(limits.deadline, &input, {
        let input = input.clone();
        move || enroll(catalog, &input, &selection, &new, limits)
    })?;
    // The catalog last: it must not name what is not there.
    write_facts(&directory_of(path), &files)?;
    change.end(&catalog)?;
    for line in told {
        output::tell(&line);
    }
    Ok(())
}

/// A catalog with what was added, and nothing written yet.
struct Larger {
    catalog: Catalog,
    /// A line for each image.
    told: Vec<String>,
    files: Vec<FactsFile>,
}

/// Verifies the input's images, and takes them into the catalog.
fn enroll(
    mut catalog: Catalog,
    input: &Input,
    selection: &Selection,
    new: &NewBase,
    limits: Limits,
) -> Result<Larger> {
    let plan = engine::whole_plan(limits);
    let request = Request {
        input,
        selection,
        bases: None,
        advisories: None,
        cache: None,
        read_before: None,
        plan,
        held: None,
    };
    let gathered = engine::gather(&request, &())?;
    if let Some(error) = gathered.errors.into_iter().next() {
        return Err(error);
    }
    let (mut told, mut files) = (Vec::new(), Vec::new());
    for facts in &gathered.images {
        let enrolled = engine::enroll(&mut catalog, facts, new).map_err(|error| error.at(input.name()))?;
        let base = format!("{}:{} ({})", new.name, new.version, facts.image.platform());
        files.extend(enrolled.files);
        told.push(match enrolled.added {
            Added::New => format!("added {base}, {} layers", facts.layers.len()),
            Added::Known { new_blob_digests, new_facts } => {
                let new = [(new_blob_digests, "stored digests"), (new_facts, "facts files")];
                let new = new.into_iter().filter(|(count, _)| *count > 0);
                let new: String = new.map(|(count, what)| format!("; {count} new {what} noted")).collect();
                format!("{base} is in the catalog already{new}")
            }
        });
    }
    Ok(Larger { catalog, told, files })
}

/// Writes the facts files that are not there yet, or not as they should be.
fn write_facts(directory: &Path, files: &[FactsFile]) -> Result<()> {
    if !files.is_empty() {
        let failed = |error| Error::io(format!("{} cannot be made", directory.display()), error);
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    for file in files {
        let path = directory.join(file_name(&file.digest));
        let is_plain = |there: &Metadata| there.is_file() && there.len() == file.bytes.len() as u64;
        let may_be_it = std::fs::metadata(&path).is_ok_and(|there| is_plain(&there));
        if !may_be_it || std::fs::read(&path).ok().as_ref() != Some(&file.bytes) {
            output::in_place_of(&path, &file.bytes)?;
        }
    }
    Ok(())
}

fn change(change: &ChangeBase, state: State) -> Result<()> {
    let path = &change.catalog.bases;
    let (changing, mut catalog) = Change::begin(path)?;
    if let Some(successor) = &change.successor
        && catalog.find(successor).is_empty()
    {
        return Err(Error::usage(format!("the successor {successor} is not in {}", path.display())));
    }
    if let Some(successor) = &change.successor
        && catalog.find(&change.base).iter().any(|base| base.title() == *successor)
    {
        return Err(Error::usage(format!("{successor} cannot be its own successor")));
    }
    let mut bases = catalog.find_mut(&change.base);
    if bases.is_empty() {
        return Err(no_such_base(&change.base));
    }
    let mut told = Vec::new();
    for base in &mut bases {
        if base.state == State::Revoked && state == State::Deprecated {
            let what = format!("{} is revoked, which is more than deprecated", base.title());
            return Err(
                Error::usage(what).hint("name a version, or edit the catalog if the revocation was wrong")
            );
        }
        base.state = state;
        base.changed = Some(change.at.unwrap_or_else(today));
        base.reason = Some(change.reason.clone());
        base.successor = change.successor.clone().or(base.successor.take());
        told.push(format!("{} ({}) is now {state}", base.title(), base.platform));
    }
    changing.end(&catalog)?;
    for line in told {
        output::tell(&line);
    }
    Ok(())
}

fn list(catalog: &Catalog) -> String {
    let mut rows = vec![["BASE", "TIER", "STATE", "PLATFORM", "LAYERS", "CHAIN ID"].map(str::to_owned)];
    for base in catalog.bases() {
        let chain: String = base.chain_id.to_string().chars().take(19).collect();
        rows.push([
            base.title(),
            base.tier.to_string(),
            base.state.to_string(),
            base.platform.to_string(),
            base.layers.len().to_string(),
            chain,
        ]);
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn show(catalog: &Catalog, reference: &str) -> Result<()> {
    let found = catalog.find(reference);
    if found.is_empty() {
        return Err(no_such_base(reference));
    }
    let text = serde_json::to_string_pretty(&found)
        .map_err(|error| Error::new(crate::error::ErrorKind::Internal, error.to_string()))?;
    output::to_stdout(&format!("{text}\n"))
}

fn no_such_base(reference: &str) -> Error {
    Error::usage(format!("no base {reference} is in the catalog")).hint("`ocicheck base list` shows all")
}

fn today() -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
