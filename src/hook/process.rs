//! The one place of the program that starts a process: git, which is asked about its repository, and the build that
//! the policy's `[hook]` names. Neither is ever given a byte of an image.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::error::{Error, ErrorKind, Result};
use crate::host;

/// How much is kept of what git says on standard error.
const TOLD_BYTES: u64 = 4 << 10;

/// What git said.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether its exit status is 0.
    pub(super) success: bool,
    /// Its standard output; `None` where it is more than was asked for.
    pub(super) output: Option<Vec<u8>>,
    /// Its standard error, as far as it is kept.
    pub(super) told: String,
}

/// Asks git, in the current directory, with the variables that git itself set for the hook: they say which
/// repository is meant.
///
/// # Errors
/// It cannot be started or listened to.
pub(super) fn ask(arguments: &[&OsStr], limit: u64) -> Result<Answer> {
    let mut git = git(arguments);
    git.stdin(Stdio::null());
    listen(start(&mut git)?, limit)
}

/// Asks git for what another git is to read. `input` is for the first.
///
/// # Errors
/// As [`ask`].
pub(super) fn ask_through(first: &[&OsStr], input: Vec<u8>, second: &[&OsStr], limit: u64) -> Result<Answer> {
    let mut first = git(first);
    first.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut first = start(&mut first)?;
    let stdin = first.stdin.take();
    // It may answer before it has read all.
    let fed = thread::spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&input)));
    let mut second = git(second);
    second.stdin(first.stdout.take().map_or_else(Stdio::null, Stdio::from));
    let started = start(&mut second);
    // It holds the pipe between the two, which is to be theirs alone: the first ends where nobody reads on.
    drop(second);
    let mut answer = started.and_then(|second| listen(second, limit));
    let ended = first.wait().map_err(unheard)?;
    let whole = ended.success() && fed.join().is_ok_and(|fed| fed.is_ok());
    if let Ok(answer) = &mut answer {
        answer.success &= whole || answer.output.is_none();
    }
    answer
}

fn git(arguments: &[&OsStr]) -> Command {
    let mut git = Command::new("git");
    // What is pushed are the objects themselves; nothing is fetched to answer, and nobody is asked.
    git.arg("--no-replace-objects").args(arguments);
    git.env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
    git.stdout(Stdio::piped()).stderr(Stdio::piped());
    git
}

fn start(git: &mut Command) -> Result<Child> {
    host::ask(|| git.spawn()).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::io("git cannot be started", error);
        if missing { error.hint("install git, and have it on the PATH") } else { error }
    })
}

fn listen(mut git: Child, limit: u64) -> Result<Answer> {
    let stderr = git.stderr.take();
    let told = thread::spawn(move || {
        let mut told = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(TOLD_BYTES).read_to_end(&mut told);
            let _ = io::copy(&mut stderr, &mut io::sink());
        }
        String::from_utf8_lossy(&told).trim().to_owned()
    });
    let mut output = Vec::new();
    // Dropped when read: a git that has more to say is told so.
    let read = git.stdout.take().map_or(Ok(0), |stdout| {
        host::Stream::new(stdout).take(limit.saturating_add(1)).read_to_end(&mut output)
    });
    let status = git.wait().map_err(unheard)?;
    read.map_err(unheard)?;
    let output = (output.len() as u64 <= limit).then_some(output);
    Ok(Answer { success: status.success(), output, told: told.join().unwrap_or_default() })
}

fn unheard(error: io::Error) -> Error {
    Error::io("git cannot be listened to", error)
}

/// Runs a build in a directory, without the variables named, to its end. What it says goes to standard error.
///
/// # Errors
/// It cannot be started, or fails.
pub(super) fn build(words: &[String], directory: &Path, without: &[String]) -> Result<()> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    // Whether a path is of this directory or of the new one differs by system, so none is left to it.
    let own = if program.contains('/') { directory.join(program) } else { program.into() };
    let mut build = Command::new(own);
    build.args(arguments).current_dir(directory).stdin(Stdio::null()).stdout(io::stderr());
    for variable in without {
        build.env_remove(variable);
    }
    let shown = words.join(" ");
    let hint = "see to it that the build works, or change `build` in [hook] of the policy";
    let status = host::ask(|| build.status())
        .map_err(|error| Error::io(format!("the build ({shown}) cannot be started"), error).hint(hint))?;
    if status.success() {
        return Ok(());
    }
    // As in "exit status: 1" or "signal: 9 (SIGKILL)".
    Err(Error::new(ErrorKind::Usage, format!("the build ({shown}) failed, {status}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
        words.iter().map(|word| OsStr::new(*word)).collect()
    }

    #[test]
    fn an_answer_of_git_is_held_to_its_limit() {
        let version = ask(&words(&["version"]), 1_000).unwrap();
        let length = version.output.as_ref().unwrap().len() as u64;
        assert!(version.success && version.output.unwrap().starts_with(b"git version"));
        assert!(ask(&words(&["version"]), length).unwrap().output.is_some());
        assert!(ask(&words(&["version"]), length - 1).unwrap().output.is_none());
    }

    #[test]
    fn one_git_reads_what_another_writes() {
        let stripped = |first: &[&str], input: &str, second: &[&str], limit| {
            let input = input.as_bytes().to_vec();
            let answer = ask_through(&words(first), input, &words(second), limit).unwrap();
            (answer.success, answer.output.map(|output| String::from_utf8(output).unwrap()))
        };
        let (is_there, told) = stripped(&["version"], "", &["stripspace"], 1_000);
        assert!(is_there && told.unwrap().starts_with("git version"));
        assert_eq!(stripped(&["version"], "", &["stripspace"], 3).1, None);
        let large = "line\n".repeat(100_000);
        let same = stripped(&["stripspace"], &large, &["stripspace"], 1 << 20);
        assert!(same == (true, Some(large.clone())));
        assert_eq!(stripped(&["stripspace"], &large, &["stripspace"], 3).1, None);
        // A failure of either is one of both, as is what was not read to its end.
        assert!(!stripped(&["no-such-command"], "", &["stripspace"], 1_000).0);
        assert!(!stripped(&["version"], "", &["no-such-command"], 1_000).0);
        assert!(!stripped(&["version"], &large, &["stripspace"], 1_000).0);
    }

    #[test]
    fn a_build_runs_where_it_is_told_to_and_its_failure_is_told() {
        let room = tempfile::tempdir().unwrap();
        let run = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            build(&words, room.path(), &["HOME".to_owned()]).map_err(|error| error.to_string())
        };
        run(&["sh", "-c", "test -z \"$HOME\" && printf %s \"$1\" > \"a b\"", "sh", "it's $one"]).unwrap();
        assert_eq!(std::fs::read_to_string(room.path().join("a b")).unwrap(), "it's $one");
        assert_eq!(run(&["false"]).unwrap_err(), "the build (false) failed, exit status: 1");
        assert!(run(&["./nowhere"]).unwrap_err().contains("cannot be started"));
        assert!(run(&["sh", "a\0b"]).unwrap_err().contains("cannot be started"));
    }
}
