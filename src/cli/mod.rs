//! The command line: arguments in, report out, and the exit status decided in one place.

mod args;
mod base;
mod check;
mod exit;
mod formats;
mod inspect;
mod output;
mod policy;
mod progress;
mod rules;
mod shell;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

pub use args::Arguments;
use args::{Command, RulesCommand};
use exit::Exit;

use crate::error::Error;

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    // clap prints help and usage errors itself, the latter with exit status 2.
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => check::run(&arguments.check),
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Base { command }) => base::run(&command),
        Some(Command::Policy { command }) => policy::run(&command),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Completions { shell }) => shell::completions(shell),
        Some(Command::Man { directory }) => shell::man(&directory),
        Some(Command::Rules { command }) => rules::run(&command.unwrap_or(RulesCommand::List)),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::tell_error(&error);
            Exit::NotChecked.into()
        }
    }
}

/// The thread pool that `--jobs` asks for.
fn with_jobs<T: Send>(jobs: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).build();
    let pool = pool.map_err(|error| Error::usage(format!("no threads can be started: {error}")))?;
    Ok(pool.install(work))
}

/// Reads a text that the user wrote, of at most `limit` bytes.
fn read_text(path: &Path, limit_name: &str, limit: u64) -> Result<String, Error> {
    let file = std::fs::File::open(path);
    let file = file.map_err(|error| Error::io(format!("{} cannot be read", path.display()), error))?;
    read_text_from(file, path, limit_name, limit)
}

/// As [`read_text`], of what is open already.
fn read_text_from(
    reader: impl std::io::Read,
    path: &Path,
    limit_name: &str,
    limit: u64,
) -> Result<String, Error> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        reader.take(limit + 1).read_to_string(&mut text)?;
        if text.len() as u64 > limit {
            return Err(Error::limit("the file", limit_name, limit).into());
        }
        Ok(text)
    };
    read().map_err(|error| Error::io(format!("{} cannot be read", path.display()), error))
}
