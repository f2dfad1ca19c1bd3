//! `ocicheck inspect`.

use super::args::{InspectArguments, InspectFormat};
use super::exit::Exit;
use super::{base, output};
use crate::engine::{self, Bases, Gathered, Request};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::report::inspect::{self, Inspection, Wanted, inspect};
use crate::report::{ErrorReport, Note, json};
use crate::source::{Input, Selection};

pub(super) fn run(arguments: &InspectArguments) -> Result<Exit> {
    let catalog = arguments.bases.as_deref().map(base::read).transpose()?;
    // Not the catalog's facts files: what is shown is what was read of the image itself.
    let bases = catalog.as_ref().map(|catalog| Bases { catalog, files: None });
    let input = Input::from_argument(&arguments.image_file);
    let selection = Selection { platform: arguments.platform.clone(), image: arguments.image.clone() };
    let plan = engine::plan(Limits::default());
    let request =
        Request { input: &input, selection: &selection, bases, cache: None, read_before: None, plan };
    let gathered = super::with_jobs(None, || engine::gather(&request, &()))?;
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
