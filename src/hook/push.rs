//! What is pushed, as git tells a pre-push hook on its standard input (githooks(5)), and whether images are to be
//! checked for it.

use std::cell::LazyCell;
use std::io::Read;

use super::Repository;
use super::changes::changes;
use super::remote::{Destination, known};
use super::when::Watched;
use crate::error::{Error, Result};
use crate::limits::{HOOK_INPUT_BYTES, HOOK_REFS};
use crate::rules::Pattern;

/// A branch or tag that is pushed and not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Update {
    /// The id that it gets.
    new: String,
    /// The id that the remote has; `None` where it has none by that name.
    old: Option<String>,
    /// That name, whole: `refs/heads/main`.
    remote_ref: Vec<u8>,
}

/// What git says of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Nothing: so it does where the remote has all already, and so does a program between git and the hook that keeps
    /// git's lines to itself.
    Unsaid,
    /// Nothing but deletions: what is deleted cannot be run.
    Deletions,
    /// These, and maybe deletions.
    Updates(Vec<Update>),
}

/// Reads git's lines, `<local ref> <local id> <remote ref> <remote id>` each.
///
/// # Errors
/// They cannot be read, or are no such lines.
pub(crate) fn read(reader: impl Read) -> Result<Pushed> {
    let mut text = Vec::new();
    let read = reader.take(HOOK_INPUT_BYTES + 1).read_to_end(&mut text);
    read.map_err(|error| Error::io("standard input cannot be read", error))?;
    if text.len() as u64 > HOOK_INPUT_BYTES {
        return Err(Error::limit("standard input", "HOOK_INPUT_BYTES", HOOK_INPUT_BYTES));
    }
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_none() {
        return Ok(Pushed::Unsaid);
    }
    let updates = lines.map(|line| update(line).ok_or_else(|| no_line(line)));
    let updates: Vec<_> = updates.filter_map(Result::transpose).collect::<Result<_>>()?;
    Ok(if updates.is_empty() { Pushed::Deletions } else { Pushed::Updates(updates) })
}

/// `None` for what is no line of git's, and `Some(None)` for a deletion.
fn update(line: &[u8]) -> Option<Option<Update>> {
    // From the end: the local ref is as the user wrote it, as in `HEAD@{1 day ago}`.
    let mut fields = line.rsplitn(4, |byte| *byte == b' ');
    let (old, remote_ref, new, _local_ref) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (old, new) = (id(old)?, id(new)?);
    Some(new.map(|new| Update { new, old, remote_ref: remote_ref.to_vec() }))
}

/// An object's id by SHA-1 or SHA-256; `Some(None)` for that of nothing, which is all zeros.
fn id(field: &[u8]) -> Option<Option<String>> {
    let fits = matches!(field.len(), 40 | 64) && field.iter().all(u8::is_ascii_hexdigit);
    let id = std::str::from_utf8(field).ok().filter(|_| fits)?;
    Some(id.bytes().any(|digit| digit != b'0').then(|| id.to_owned()))
}

fn no_line(line: &[u8]) -> Error {
    let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
    let what = format!("standard input is not what git tells a pre-push hook: \"{shown}\"");
    Error::usage(what).hint("`ocicheck hook run --always` checks the images without git's lines")
}

/// Whether a push changes a file that `when` names. What git does not know counts as changed, as does all where no
/// `when` narrows it.
///
/// # Errors
/// Git cannot be asked.
pub(crate) fn is_relevant(
    repository: &Repository,
    when: &[Pattern],
    destination: Destination<'_>,
    updates: &[Update],
) -> Result<bool> {
    let absent = || updates.iter().filter(|update| update.old.is_none());
    let known = LazyCell::new(|| {
        known(repository, destination, &absent().map(|update| update.remote_ref.as_slice()).collect())
    });
    let known = || known.as_ref().map(Option::as_deref).map_err(Error::clone);
    decide(when, updates, |update| {
        let Some(told) = changed(repository, known, update)? else { return Ok(true) };
        let Some(changes) = changes(&told) else { return Ok(true) };
        let watched = Watched::new(repository, when, &update.new)?;
        Ok(watched.is_none_or(|watched| changes.iter().any(|change| watched.takes_in(change))))
    })
}

fn decide(when: &[Pattern], updates: &[Update], touches: impl Fn(&Update) -> Result<bool>) -> Result<bool> {
    if when.is_empty() || updates.len() > HOOK_REFS {
        return Ok(!updates.is_empty());
    }
    for update in updates {
        if touches(update)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an update changes for the remote; `None` where that is not known.
fn changed<'k>(
    repository: &Repository,
    known: impl FnOnce() -> Result<Option<&'k [String]>>,
    update: &Update,
) -> Result<Option<Vec<u8>>> {
    // In a history that began elsewhere, as those that `git subtree split` makes, paths are others, also where it was
    // merged into this one.
    if !repository.has_commit(&update.new)? || !repository.has_roots(&update.new)? {
        return Ok(None);
    }
    match &update.old {
        // Somebody else pushed it, and it was not fetched.
        Some(old) if !repository.has_commit(old)? => Ok(None),
        Some(old) => repository.changed_between(old, &update.new),
        None => match known()? {
            Some(known) => repository.changed_by_new(&update.new, known),
            None => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "a30389363fbdc160f5f74faac71e98cf968d6196";
    const NONE: &str = "0000000000000000000000000000000000000000";

    fn told(text: &str) -> std::result::Result<Pushed, String> {
        read(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_read_as_git_writes_them() {
        let of = |new: &str, old: Option<&str>, remote_ref: &str| Update {
            new: new.to_owned(),
            old: old.map(str::to_owned),
            remote_ref: remote_ref.into(),
        };
        let update = |old: Option<&str>| of(ID, old, "refs/heads/a");
        let wide = ["a"; 64].concat();
        for (text, pushed) in [
            (String::new(), Pushed::Unsaid),
            ("\n\n".to_owned(), Pushed::Unsaid),
            (format!("refs/heads/a {ID} refs/heads/a {NONE}\n"), Pushed::Updates(vec![update(None)])),
            (format!("HEAD@{{1 day ago}} {ID} refs/heads/a {ID}\n"), Pushed::Updates(vec![update(Some(ID))])),
            (format!("(delete) {NONE} refs/heads/a {ID}\n"), Pushed::Deletions),
            (format!("(delete) {} refs/heads/a {wide}\n", ["0"; 64].concat()), Pushed::Deletions),
            (
                format!("a {wide} b {}\n(delete) {NONE} c {ID}\nx {ID} y {ID}", ["0"; 64].concat()),
                Pushed::Updates(vec![of(&wide, None, "b"), of(ID, Some(ID), "y")]),
            ),
        ] {
            assert_eq!(told(&text).unwrap(), pushed, "{text}");
        }
        for text in [
            "x\n".to_owned(),
            format!("a {ID} {ID}\n"),
            format!("a {ID} b {}\n", &ID[1..]),
            format!("a --output=x b {NONE}\n"),
            format!("a {ID} b {NONE} \n"),
            format!("a {ID} b {NONE}\r\n"),
            format!("a {ID} b {NONE}\0\n"),
            "\0".to_owned(),
        ] {
            let told = told(&text).unwrap_err();
            assert!(told.contains("not what git tells"), "{told}");
        }
    }

    #[test]
    fn what_git_tells_of_a_push_is_held_to_hook_input_bytes() {
        let line = format!(" {ID} b {NONE}");
        let of = |length: u64| format!("{}{line}", "a".repeat(length as usize - line.len()));
        assert!(told(&of(HOOK_INPUT_BYTES)).is_ok());
        assert!(told(&of(HOOK_INPUT_BYTES + 1)).unwrap_err().contains("HOOK_INPUT_BYTES"));
    }

    #[test]
    fn refs_that_are_asked_for_are_held_to_hook_refs() {
        let when = [Pattern::of_members("Dockerfile").unwrap()];
        let updates = |number| vec![Update { new: ID.to_owned(), old: None, remote_ref: Vec::new() }; number];
        assert!(!decide(&when, &updates(HOOK_REFS), |_| Ok(false)).unwrap());
        assert!(decide(&when, &updates(HOOK_REFS + 1), |_| Ok(false)).unwrap());
    }

    #[test]
    fn each_update_counts_and_without_when_they_all_do() {
        let when = [Pattern::of_members("Dockerfile").unwrap()];
        let update = |old| Update { new: ID.to_owned(), old, remote_ref: Vec::new() };
        let updates = [None, Some(ID.to_owned())].map(update);
        assert!(decide(&when, &updates, |update| Ok(update.old.is_some())).unwrap());
        assert!(!decide(&when, &updates, |_| Ok(false)).unwrap());
        assert!(decide(&[], &updates, |_| Ok(false)).unwrap());
        assert!(!decide(&[], &[], |_| Ok(true)).unwrap());
    }
}
