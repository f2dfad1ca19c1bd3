//! `ocicheck inspect`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{InspectArguments, InspectFormat};
use super::exit::Exit;
use super::{catalog, output, watch};
use crate::base::Catalog;
use crate::engine::{self, Bases, Gathered, Request};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::model::Platform;
use crate::report::inspect::{self, Inspection, Wanted, inspect};
use crate::report::{ErrorReport, Note, json};
use crate::scan::Plan;
use crate::source::{Input, Selection};

pub(super) fn run(arguments: &InspectArguments) -> Result<Exit> {
    let look = Look {
        image_file: &arguments.image_file,
        bases: arguments.bases.as_deref(),
        platform: arguments.platform.as_ref(),
        image: arguments.image.as_deref(),
        timeout: arguments.timeout,
        packages: arguments.packages,
    };
    let (name, gathered) = look.gather()?;
    let wanted = wanted(arguments);
    for facts in &gathered.images {
        demand_layer(facts, wanted).map_err(|error| error.at(&name))?;
    }
    let unread: Vec<_> = gathered.images.iter().flat_map(|facts| missing(facts, &name)).collect();
    unread.iter().chain(&gathered.errors).for_each(output::tell_error);
    let inspection = Inspection::new(
        gathered.images.iter().map(|facts| inspect(&name, facts, wanted)).collect(),
        gathered.errors.iter().map(|error| ErrorReport::of(&name, error)).collect(),
        gathered.notes.into_iter().map(|message| Note::of(&name, message)).collect(),
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
        None if arguments.packages => Wanted::Packages,
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

/// What is to be looked at.
pub(super) struct Look<'a> {
    pub(super) image_file: &'a Path,
    pub(super) bases: Option<&'a Path>,
    pub(super) platform: Option<&'a Platform>,
    pub(super) image: Option<&'a str>,
    pub(super) timeout: Option<Duration>,
    /// Whether it is asked what is installed.
    pub(super) packages: bool,
}

impl Look<'_> {
    /// The input's name, and the facts of the images in it; why there are none is among the errors.
    pub(super) fn gather(&self) -> Result<(String, Gathered)> {
        let catalog = self.bases.map(catalog::read).transpose()?;
        let input = Input::from_argument(self.image_file);
        let selection = Selection { platform: self.platform.cloned(), image: self.image.map(str::to_owned) };
        let limits = super::limits_within(self.timeout);
        let plan = if self.packages { engine::inventory_plan(limits) } else { engine::plan(limits) };
        let gathered = watch::until(limits.deadline, &input, {
            let input = input.clone();
            move || gather(&input, &selection, catalog.as_ref(), plan)
        });
        let gathered =
            gathered.unwrap_or_else(|error| Gathered { errors: vec![error], ..Gathered::default() });
        Ok((input.name(), gathered))
    }
}

fn gather(
    input: &Input,
    selection: &Selection,
    catalog: Option<&Catalog>,
    plan: Arc<Plan>,
) -> Result<Gathered> {
    // Not the catalog's facts files: what is shown is what was read of the image itself.
    let bases = catalog.map(|catalog| Bases { catalog, files: None });
    engine::gather(
        &Request {
            input,
            selection,
            bases,
            advisories: None,
            cache: None,
            read_before: None,
            plan,
            held: None,
        },
        &(),
    )
}

/// What is missing from what is shown of an image.
pub(super) fn missing(facts: &Facts, input: &str) -> Vec<Error> {
    let gaps = facts.inventory.iter().flat_map(|inventory| &inventory.gaps);
    let gaps = gaps.map(|gap| format!("packages may be missing: {}: {}", gap.place, gap.reason));
    let reasons = facts.unread_layers().into_iter().chain(gaps);
    reasons.map(|reason| Error::invalid(reason).at(facts.image.title()).at(input)).collect()
}
