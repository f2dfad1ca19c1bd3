//! `ocicheck inspect`.

use super::args::{Format, InspectArguments};
use super::exit::Exit;
use super::output;
use crate::engine;
use crate::error::{Error, ErrorKind, Result};
use crate::report::inspect::{Inspection, Wanted, inspect};
use crate::report::{ErrorReport, Note, inspect_text};
use crate::source::{Input, Selection};

pub(super) fn run(arguments: &InspectArguments) -> Result<Exit> {
    let input = Input::from_argument(&arguments.image_file);
    let selection = Selection { platform: arguments.platform.clone(), image: arguments.image.clone() };
    let gathered = super::with_jobs(None, || engine::gather(&input, &selection, None, &()))??;
    let wanted = match arguments.layer {
        Some(index) => Wanted::Layer(index),
        None if arguments.tree => Wanted::Tree,
        None => Wanted::Image,
    };
    let mut inspection = Inspection::new();
    let name = input.name();
    for facts in &gathered.images {
        if let Wanted::Layer(index) = wanted
            && index >= facts.layers.len()
        {
            let what =
                format!("{name}: {} has {} layers, counted from 0", facts.image.title(), facts.layers.len());
            return Err(Error::usage(what));
        }
        inspection.images.push(inspect(&name, facts, wanted));
    }
    let incomplete = gathered.images.iter().any(|facts| facts.unread_layers().is_some());
    let exit = if incomplete || !gathered.errors.is_empty() { Exit::NotChecked } else { Exit::Passed };
    gathered.errors.iter().for_each(output::tell_error);
    inspection.errors = gathered.errors.iter().map(|error| ErrorReport::of(&name, error)).collect();
    inspection.notes =
        gathered.notes.into_iter().map(|message| Note { source: name.clone(), message }).collect();
    let format = if output::is_terminal() { Format::Text } else { Format::Json };
    let text = match arguments.format.unwrap_or(format) {
        Format::Text => inspect_text::render(&inspection),
        Format::Json => {
            let json = serde_json::to_string_pretty(&inspection);
            json.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))? + "\n"
        }
    };
    output::to_stdout(&text)?;
    Ok(exit)
}
