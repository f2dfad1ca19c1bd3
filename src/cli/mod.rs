//! The command line: arguments in, report out, and the exit status decided in one place.

mod args;
mod base;
mod catalog;
mod check;
mod db;
mod exit;
mod formats;
mod hook;
mod inspect;
mod output;
mod policy;
mod progress;
mod rules;
mod sbom;
mod shell;
mod watch;

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser as _;

pub use args::Arguments;
use args::{Command, RulesCommand};
use exit::Exit;

use crate::error::Error;
use crate::host;
use crate::limits::{Deadline, Limits};

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    // clap prints help and usage errors itself, the latter with exit status 2.
    let arguments = Arguments::parse();
    // A panic was told already, and would end the process by a status that means nothing here.
    catch_unwind(AssertUnwindSafe(|| run(arguments))).unwrap_or_else(|_| Exit::NotChecked.into())
}

fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        None => check::run(&arguments.check),
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Base { command }) => base::run(&command),
        Some(Command::Db { command }) => db::run(&command),
        Some(Command::Policy { command }) => policy::run(&command),
        Some(Command::Hook { command }) => hook::run(&command),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Sbom(arguments)) => sbom::run(&arguments),
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

/// When the time is up that `--timeout` allows from now on.
fn deadline(timeout: Option<Duration>) -> Deadline {
    timeout.map(|time| Deadline::after(Instant::now(), time)).unwrap_or_default()
}

/// The limits of the program, and the time that `--timeout` allows from now on.
fn limits_within(timeout: Option<Duration>) -> Limits {
    Limits { deadline: deadline(timeout), ..Limits::default() }
}

/// Reads a text that the user wrote, of at most `limit` bytes.
fn read_text(path: &Path, limit_name: &str, limit: u64) -> Result<String, Error> {
    let file = host::open(path);
    let file = file.map_err(|error| Error::io(format!("{} cannot be read", path.display()), error))?;
    read_text_from(host::Stream::new(file), path, limit_name, limit)
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
    read().map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => {
            Error::usage(format!("{} is no text in UTF-8", path.display())).hint("save it as UTF-8")
        }
        _ => Error::io(format!("{} cannot be read", path.display()), error),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::host::fault::{Faults, Kind, MARK};

    #[test]
    fn every_read_of_a_policy_or_catalog_may_fail() {
        let directory = tempfile::tempdir().unwrap();
        let (policy, bases) = (directory.path().join("p.toml"), directory.path().join("b.json"));
        let vex = r#"{"@context":"https://openvex.dev/ns","@id":"1","author":"a","statements":[]}"#;
        for name in ["v.json", "w.json"] {
            let text = vex.replace("\"1\"", &format!("\"{name}\""));
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        std::fs::write(&policy, "[rules.vulnerability]\nvex = [{ file = \"v.json\" }]\n").unwrap();
        std::fs::write(&bases, crate::base::Catalog::default().to_text()).unwrap();
        let named = directory.path().join("w.json");
        let line =
            ["ocicheck", "image.tar", "--policy", policy.to_str().unwrap(), "--vex", named.to_str().unwrap()];
        let arguments = Arguments::parse_from(line).check;
        let run = |kind, at| {
            let faults = Faults::new(kind, at);
            let told = faults.within(1, || {
                let policy = policy::load(&arguments).map(|_| "").map_err(|error| error.to_string());
                policy.and(catalog::read(&bases).map(|_| "").map_err(|error| error.to_string()))
            });
            (told, faults.calls())
        };
        let (sound, calls) = run(Kind::Nothing, 0);
        assert!(sound.is_ok() && calls >= 12, "{sound:?} after {calls} calls");
        for call in 0..calls {
            let told = run(Kind::Once, call).0.unwrap_err();
            let files = ["p.toml", "b.json", "v.json", "w.json"];
            assert!(told.contains(MARK) && files.iter().any(|file| told.contains(file)), "{told}");
        }
        for kind in [Kind::Short, Kind::Interrupted] {
            assert_eq!(run(kind, 0).0, sound);
        }
    }

    #[test]
    fn files_of_the_user_are_held_to_their_limits() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("policy.toml");
        for (name, limit) in [
            ("POLICY_BYTES", crate::limits::POLICY_BYTES),
            ("USER_FILE_BYTES", crate::limits::USER_FILE_BYTES),
            ("VEX_BYTES", crate::limits::VEX_BYTES),
        ] {
            std::fs::write(&path, " ".repeat(limit as usize)).unwrap();
            assert_eq!(read_text(&path, name, limit).unwrap().len() as u64, limit);
            std::fs::write(&path, " ".repeat(limit as usize + 1)).unwrap();
            let error = read_text(&path, name, limit).unwrap_err();
            assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
        }
    }
}
