//! `ocicheck sbom`.

use super::args::{SbomArguments, SbomFormat};
use super::exit::Exit;
use super::inspect::{Look, missing};
use super::output;
use crate::error::{Error, Result};
use crate::report::sbom::{Bill, cyclonedx, spdx};

pub(super) fn run(arguments: &SbomArguments) -> Result<Exit> {
    let look = Look {
        image_file: &arguments.image_file,
        bases: arguments.bases.as_deref(),
        platform: arguments.platform.as_ref(),
        image: arguments.image.as_deref(),
        timeout: arguments.timeout,
        packages: true,
    };
    let (name, gathered) = look.gather()?;
    let facts = match gathered.images.as_slice() {
        [one] => one,
        // Why there is none.
        [] if !gathered.errors.is_empty() => {
            gathered.errors.iter().for_each(output::tell_error);
            return Ok(Exit::NotChecked);
        }
        images => {
            let titles: Vec<_> = images.iter().map(|facts| facts.image.title()).collect();
            let what = format!("there are {} images in it: {}", images.len(), titles.join("; "));
            let error = Error::usage(what)
                .hint("a bill of materials is of one image: choose it with --image or --platform");
            return Err(error.at(&name));
        }
    };
    let missing = missing(facts, &name);
    missing.iter().chain(&gathered.errors).for_each(output::tell_error);
    let Some(bill) = Bill::of(&name, facts) else { return Ok(Exit::NotChecked) };
    let text = match arguments.format {
        SbomFormat::Cyclonedx => cyclonedx::render(&bill),
        SbomFormat::Spdx => spdx::render(&bill),
    };
    match &arguments.output {
        Some(file) => output::to_file(file, &text)?,
        None => output::to_stdout(&text)?,
    }
    let complete = missing.is_empty() && gathered.errors.is_empty();
    Ok(if complete { Exit::Passed } else { Exit::NotChecked })
}
