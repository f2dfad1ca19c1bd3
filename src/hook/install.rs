//! Puts the hook into a repository and takes it out again; a hook of somebody else's is never written over.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::Repository;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::host;
use crate::host::whole::{self, Whole};

/// What the hook of before is called where it is kept, beside ours. `pre-push.sh` has the name too.
pub(crate) const KEPT: &str = "pre-push.before-ocicheck";

/// What ours begins with. The SHA-256 of all that follows stands behind it, so that a hook that was changed by hand is
/// told from one that another version wrote.
const HEAD: &str = "#!/bin/sh\n# ocicheck-hook sha256:";

/// As [`HEAD`], what follows.
const BODY: &str = include_str!("pre-push.sh");

/// What the line to put into another hook is.
const LINE: &str = "ocicheck hook run -- \"$@\" >&2";

/// More of a file is not ours.
const SCRIPT_BYTES: u64 = 64 << 10;

/// What may be done to install the hook.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Keep a hook of somebody else's, and call it first.
    pub(crate) chain: bool,
    /// Write to a directory that other repositories use too.
    pub(crate) shared: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    /// The hook's file.
    pub(crate) file: PathBuf,
    /// Whether it is there now; else there was none to remove.
    pub(crate) done: bool,
    /// Whether there is a hook of before: it is called first, or was put back.
    pub(crate) kept: bool,
}

/// What is at the hook's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    Ours,
    /// Ours once, and changed since.
    Changed,
    Foreign,
}

/// Writes the hook where git looks for it.
///
/// # Errors
/// There is another one, the place is shared with other repositories, or it cannot be written.
pub(crate) fn install(repository: &Repository, wanted: Wanted) -> Result<Installed> {
    let file = place(repository, wanted.shared)?;
    let directory = file.parent().unwrap_or(&repository.top);
    let made = host::ask(|| fs::create_dir_all(directory));
    let made = made.and_then(|()| host::ask(|| directory.canonicalize()));
    let made = made.map_err(|error| Error::io(format!("{} cannot be made", directory.display()), error))?;
    demand(wanted.shared || is_own(repository, &made), directory)?;
    install_at(file, wanted.chain)
}

fn install_at(file: PathBuf, chain: bool) -> Result<Installed> {
    let there = look(&file)?;
    match there {
        There::Nothing | There::Ours => {}
        There::Changed => return Err(changed(&file)),
        There::Foreign if chain => keep(&file)?,
        There::Foreign => {
            let what = format!("{} is there already, and is not of ocicheck", file.display());
            let hint = format!(
                "add the line `{LINE}` to it, or let `ocicheck hook install --chain` keep it as {KEPT}, \
                 to be called first"
            );
            return Err(Error::usage(what).hint(hint));
        }
    }
    let how = Whole { prefix: ".ocicheck-", mode: Some(0o755), sync: true, replace: there == There::Ours };
    if let Err(error) = whole::write(&file, script().as_bytes(), how) {
        if there == There::Foreign {
            put_back(&file)?;
        }
        return Err(Error::io(format!("{} cannot be written", file.display()), error));
    }
    let kept = is_there(&beside(&file))?;
    Ok(Installed { file, done: true, kept })
}

/// Removes the hook, and puts the one of before back.
///
/// # Errors
/// It is not ours, the place is shared with other repositories, or it cannot be removed.
pub(crate) fn uninstall(repository: &Repository, shared: bool) -> Result<Installed> {
    let file = place(repository, shared)?;
    let kept = is_there(&beside(&file))?;
    let there = look(&file)?;
    match there {
        There::Ours | There::Nothing if kept => put_back(&file)?,
        There::Ours => host::ask(|| fs::remove_file(&file))
            .map_err(|error| Error::io(format!("{} cannot be removed", file.display()), error))?,
        There::Nothing => {}
        There::Changed => return Err(changed(&file)),
        There::Foreign => {
            let what = format!("{} is not of ocicheck, and is left as it is", file.display());
            return Err(Error::usage(what).hint("remove what calls ocicheck from it by hand"));
        }
    }
    Ok(Installed { file, done: there == There::Ours || kept, kept })
}

fn changed(file: &Path) -> Error {
    let what = format!("{} was changed since ocicheck wrote it", file.display());
    Error::usage(what).hint("save what was added to it, remove the file, and try again")
}

/// The script, whole.
fn script() -> String {
    let rest = format!("\n{BODY}");
    format!("{HEAD}{}{rest}", Digest::sha256(rest.as_bytes()).hex())
}

/// Whether a text is a script that some version of ours wrote; `None` where it never was one.
fn is_script(text: &[u8]) -> Option<bool> {
    let (sum, rest) = text.strip_prefix(HEAD.as_bytes())?.split_at_checked(64)?;
    Some(Digest::sha256(rest).hex().as_bytes() == sum)
}

fn look(file: &Path) -> Result<There> {
    let unread = |error| Error::io(format!("{} cannot be read", file.display()), error);
    let metadata = match host::ask(|| fs::symlink_metadata(file)) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Nothing),
        Err(error) => return Err(unread(error)),
    };
    // What a symlink leads to may be anybody's.
    if !metadata.is_file() {
        return Ok(There::Foreign);
    }
    let mut text = Vec::new();
    let opened = host::open(file).map_err(unread)?;
    host::Stream::new(opened).take(SCRIPT_BYTES).read_to_end(&mut text).map_err(unread)?;
    Ok(match is_script(&text) {
        None => There::Foreign,
        Some(true) => There::Ours,
        Some(false) => There::Changed,
    })
}

fn beside(file: &Path) -> PathBuf {
    file.with_file_name(KEPT)
}

fn is_there(file: &Path) -> Result<bool> {
    match host::ask(|| fs::symlink_metadata(file)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(format!("{} cannot be read", file.display()), error)),
    }
}

/// Puts a hook of somebody else's aside.
fn keep(file: &Path) -> Result<()> {
    let kept = beside(file);
    if is_there(&kept)? {
        let what = format!("{} is not of ocicheck, and {KEPT} is there too", file.display());
        return Err(Error::usage(what).hint("make one hook of the two, under either name, and try again"));
    }
    if file.components().any(|part| part.as_os_str() == ".husky") {
        let what = format!("{} goes by its own name, and is written anew by husky", file.display());
        return Err(Error::usage(what).hint(format!("add the line `{LINE}` to .husky/pre-push")));
    }
    host::ask(|| fs::rename(file, &kept))
        .map_err(|error| Error::io(format!("{} cannot be renamed to {KEPT}", file.display()), error))
}

fn put_back(file: &Path) -> Result<()> {
    host::ask(|| fs::rename(beside(file), file))
        .map_err(|error| Error::io(format!("{KEPT} cannot be renamed to {}", file.display()), error))
}

/// The hook's file, in a directory of this repository alone where nothing else is wanted.
fn place(repository: &Repository, shared: bool) -> Result<PathBuf> {
    let file = repository.hook_file()?;
    let directory = file.parent().unwrap_or(&repository.top);
    if !shared {
        // As far as it is there: what is missing can lead outside only by `..`.
        let there = directory.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
        let inside = there.is_some_and(|(part, found)| {
            let missing = directory.strip_prefix(part).unwrap_or(directory);
            !missing.components().any(|part| part == Component::ParentDir) && is_own(repository, &found)
        });
        demand(inside, directory)?;
    }
    Ok(file)
}

/// Whether a directory is of the repository: of this work tree, or of what all of its work trees share.
fn is_own(repository: &Repository, directory: &Path) -> bool {
    let own = [&repository.top, &repository.common].map(|own| own.canonicalize().ok());
    own.iter().flatten().any(|own| directory.starts_with(own))
}

fn demand(inside: bool, directory: &Path) -> Result<()> {
    if inside {
        return Ok(());
    }
    let directory = directory.display();
    let what = format!("git looks for hooks in {directory}, outside of this repository (core.hooksPath)");
    let hint = "other repositories may use them too: `--shared` installs the hook for all of them; \
                `git config core.hooksPath .githooks` gives this repository its own";
    Err(Error::usage(what).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Faults, Kind, MARK};

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_was_written_here_is_our_own() {
        let own = script();
        assert_eq!(is_script(own.as_bytes()), Some(true));
        assert_eq!(is_script(format!("{own}echo more\n").as_bytes()), Some(false));
        assert_eq!(is_script(&own.as_bytes()[..own.len() - 1]), Some(false));
        assert_eq!(is_script(b"#!/bin/sh\nocicheck hook run\n"), None);
        assert_eq!(is_script(HEAD.as_bytes()), None);
        assert_eq!(is_script(b""), None);
        assert!(BODY.contains(KEPT) && BODY.contains(LINE));
    }

    /// The hook of before is there whatever fails: under its name, or under the one that ours calls.
    #[test]
    fn no_hook_is_lost_where_a_call_fails() {
        let room = tempfile::tempdir().unwrap();
        let (file, kept) = (room.path().join("pre-push"), room.path().join(KEPT));
        let reset = || {
            let _ = fs::remove_file(&kept);
            fs::write(&file, "theirs").unwrap();
        };
        let install = || install_at(file.clone(), true);
        reset();
        let counted = Faults::new(Kind::Nothing, 0);
        assert!(counted.within(1, install).unwrap().kept);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "theirs");
        for call in 0..counted.calls() {
            reset();
            let error = Faults::new(Kind::Once, call).within(1, install).unwrap_err();
            assert!(error.to_string().contains(MARK), "{error}");
            let at = if kept.exists() { &kept } else { &file };
            assert_eq!(fs::read_to_string(at).unwrap(), "theirs", "call {call}");
            // Nothing half done: without our hook, the other one has its own name.
            assert!(!kept.exists() || look(&file).unwrap() == There::Ours, "call {call}");
            assert!(names(room.path()).len() <= 2, "call {call}");
        }
    }
}
