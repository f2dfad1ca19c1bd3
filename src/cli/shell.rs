//! `ocicheck completions` and `ocicheck man`: both come from the definition of the arguments.

use std::path::Path;

use clap::CommandFactory as _;

use super::args::Arguments;
use super::exit::Exit;
use super::output;
use crate::error::{Error, Result};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ocicheck", &mut text);
    output::stream_to_stdout(|stdout| stdout.write_all(&text))?;
    Ok(Exit::Passed)
}

/// A page for the program and each of its commands: `ocicheck.1`, `ocicheck-check.1` and so on.
pub(super) fn man(directory: &Path) -> Result<Exit> {
    if !directory.is_dir() {
        let what = format!("{} is no directory", directory.display());
        return Err(Error::usage(what).hint("name a directory that is there"));
    }
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, directory)?;
    Ok(Exit::Passed)
}

fn write_pages(command: &clap::Command, directory: &Path) -> Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text).map_err(|error| Error::io("a manual page", error))?;
    output::to_file(&directory.join(page.get_filename()), &text)?;
    command.get_subcommands().try_for_each(|command| write_pages(command, directory))
}
