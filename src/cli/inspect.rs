//! `ocicheck inspect`.

use super::args::{InspectArguments, InspectFormat};
use super::exit::Exit;
use super::{base, output, watch};
use crate::base::Catalog;
use crate::engine::{self, Bases, Gathered, Request};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::report::inspect::{self, Inspection, Wanted, inspect};
use crate::report::{ErrorReport, Note, json};
use crate::source::{Input, Selection};

pub(super) fn run(arguments: &InspectArguments) -> Result<Exit> {
    let limits = super::limits_within(arguments.timeout);
    let catalog = arguments.bases.as_deref().map(base::read).transpose()?;
    let input = Input::from_argument(&arguments.image_file);
    let selection = Selection { platform: arguments.platform.clone(), image: arguments.image.clone() };
    let gathered = watch::until(limits.deadline, &input, {
        let input = input.clone();
        move || gather(&input, &selection, catalog.as_ref(), limits)
    });
    let gathered = gathered.unwrap_or_else(|error| Gathered { errors: vec![error], ..Gathered::default() });
    let (name, wanted) = (input.name(), wanted(arguments));
    for facts in &gathered.images {
        demand_layer(facts, wanted).map_err(|error| error.at(&name))?;
    }
    let unread: Vec<_> = gathered.images.iter().filter_map(|facts| unread(facts, &name)).collect();
    unread.iter().chain(&gathered.errors).for_each(output::tell_error);
    let inspection = Inspection::new(
        gathered.images.iter().map(|facts| inspect(&name, facts, wanted)).collect(),
        gathered.errors.iter().map(|error| ErrorReport::of(&name, error)).collect(),
        gathered.notes.into_iter().map(|message| Note { source: name.clone(), message }).collect(),
    );
    let format = if output::is_terminal() { InspectFormat::Text } else { InspectFormat::Json };
    output::stream_to_stdout(|stdout| match arguments.format.unwrap_or(format) {
        InspectFormat::Text => inspect::text::write(&inspection, stdout),
        InspectFormat::Json => json::write_inspection(&inspection, stdout),
    })?;
    let complete = unread.is_empty() && gathered.errors.is_empty();
    Ok(if complete { Exit::Passed } else { Exit::NotChecked })
}

fn gather(
    input: &Input,
    selection: &Selection,
    catalog: Option<&Catalog>,
    limits: Limits,
) -> Result<Gathered> {
    // Not the catalog's facts files: what is shown is what was read of the image itself.
    let bases = catalog.map(|catalog| Bases { catalog, files: None });
    let plan = engine::plan(limits);
    engine::gather(&Request { input, selection, bases, cache: None, read_before: None, plan }, &())
}

fn wanted(arguments: &InspectArguments) -> Wanted {
    match arguments.layer {
        Some(index) => Wanted::Layer(index),
        None if arguments.tree => Wanted::Tree,
        None => Wanted::Image,
    }
}

fn demand_layer(facts: &Facts, wanted: Wanted) -> Result<()> {
    let layers = facts.layers.len();
    match wanted {
        Wanted::Layer(index) if index >= layers => {
            let what = format!("{} has {layers} layers, counted from 0", facts.image.title());
            Err(Error::usage(what)
                .hint("choose the image with --image or --platform where there are several"))
        }
        _ => Ok(()),
    }
}

/// What is missing from what is shown of an image.
fn unread(facts: &Facts, input: &str) -> Option<Error> {
    let reason = facts.unread_layers()?;
    Some(Error::invalid(reason).at(facts.image.title()).at(input))
}
