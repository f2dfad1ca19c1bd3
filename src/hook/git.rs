//! What git says of its repository.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::process::{Answer, ask, ask_through};
use crate::error::{Error, Result};
use crate::limits::{HOOK_GIT_BYTES, PATH_BYTES};

const HINT: &str = "run this in a clone that has its files: a bare repository has none to check";

/// How git is asked which files differ: by a command for scripts, which knows few settings. One it knows is `ignore` of
/// a submodule, which a commit can bring too (`.gitmodules`).
const DIFFERENCE: [&str; 6] = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none"];

/// How many names git is asked for by one command, whose line has an end.
const NAMES_AT_ONCE: usize = 100;

/// The repository of the current directory.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The top of the work tree, without symlinks.
    pub(crate) top: PathBuf,
    /// The directory that all work trees share: `.git`, mostly.
    pub(super) common: PathBuf,
}

impl Repository {
    /// Finds it.
    ///
    /// # Errors
    /// There is none, it has no work tree, or git cannot be asked.
    pub(crate) fn here() -> Result<Self> {
        let top = path(&["rev-parse", "--show-toplevel"])?;
        let common = path(&["rev-parse", "--git-common-dir"])?;
        if !top.is_absolute() || !common.is_absolute() {
            return Err(Error::usage("git does not say where the repository is").hint(HINT));
        }
        Ok(Self { top, common })
    }

    /// Where git looks for the hook: `core.hooksPath` and linked work trees count.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn hook_file(&self) -> Result<PathBuf> {
        path(&["rev-parse", "--git-path", "hooks/pre-push"])
    }

    /// The variables that git sets to say which repository is meant. A build may ask git about others.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn variables(&self) -> Result<Vec<String>> {
        let names = said(&words(&["rev-parse", "--local-env-vars"]))?;
        Ok(String::from_utf8_lossy(&names).lines().map(str::to_owned).collect())
    }

    /// Whether an id is that of a commit, or of a tag of one, that is here.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn has_commit(&self, id: &str) -> Result<bool> {
        let commit = format!("{id}^{{commit}}");
        Ok(ask(&words(&["cat-file", "-e", &commit]), HOOK_GIT_BYTES)?.success)
    }

    /// Whether the history of a commit has all first commits of that of the work tree, as far as git says.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn has_roots(&self, commit: &str) -> Result<bool> {
        let lacking = ["rev-list", "--max-parents=0", "--max-count=1", "HEAD", "--not", commit, "--"];
        ask(&words(&lacking), HOOK_GIT_BYTES).map(|answer| output(answer).is_some_and(|ids| ids.is_empty()))
    }

    /// The files that differ between two commits, for [`changes`](super::changes::changes); `None` where git does not
    /// say.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn changed_between(&self, old: &str, new: &str) -> Result<Option<Vec<u8>>> {
        ask(&words(&[&DIFFERENCE[..], &[old, new, "--"]].concat()), HOOK_GIT_BYTES).map(output)
    }

    /// The files that commits change which are not below some others, for [`changes`](super::changes::changes); `None`
    /// where git does not say.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn changed_by_new(&self, new: &str, known: &[String]) -> Result<Option<Vec<u8>>> {
        // There may be more than a command line has room for.
        let known: String = known.iter().map(|id| format!("^{id}\n")).collect();
        let of_each = [&DIFFERENCE[..], &["--stdin", "--no-commit-id", "-m", "--root"]].concat();
        let commits = words(&["rev-list", "--stdin", new, "--"]);
        ask_through(&commits, known.into_bytes(), &words(&of_each), HOOK_GIT_BYTES).map(output)
    }

    /// The address that a remote is fetched from; `None` where git does not say.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn fetched_from(&self, remote: &OsStr) -> Result<Option<Vec<u8>>> {
        let question = [words(&["remote", "get-url", "--"]), vec![remote]].concat();
        let mut address = ask(&question, HOOK_GIT_BYTES).map(output)?;
        if let Some(address) = &mut address {
            address.pop_if(|byte| *byte == b'\n');
        }
        Ok(address)
    }

    /// The settings of what remotes are to fetch, each its key, a line feed and its value, with a NUL behind it; `None`
    /// where git says nothing of any.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn refspecs(&self) -> Result<Option<Vec<u8>>> {
        ask(&words(&["config", "-z", "--get-regexp", r"^remote\..*\.fetch$"]), HOOK_GIT_BYTES).map(output)
    }

    /// The refs where branches of remotes are kept, a line for each: its id and its name. Those that stand for another
    /// one have a name of neither. `None` where git does not say.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn remote_refs(&self) -> Result<Option<Vec<u8>>> {
        let format = "--format=%(objectname) %(if)%(symref)%(then)%(else)%(refname)%(end)";
        ask(&words(&["for-each-ref", format, "refs/remotes/"]), HOOK_GIT_BYTES).map(output)
    }

    /// Which of some names are symlinks in a commit, and where each leads, as it is written; `None` where git does not
    /// say.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn symlinks(
        &self,
        commit: &str,
        names: &[Vec<u8>],
    ) -> Result<Option<BTreeMap<Vec<u8>, Vec<u8>>>> {
        let mut symlinks = BTreeMap::new();
        for names in names.chunks(NAMES_AT_ONCE) {
            let paths: Vec<_> = names.iter().map(|name| of_bytes(name.clone())).collect();
            // Names are no patterns, and each is told, though those below it are asked for too.
            let options = ["--literal-pathspecs", "ls-tree", "-z", "-t", "--full-tree", commit, "--"];
            let question = [words(&options), paths.iter().map(|path| path.as_os_str()).collect()].concat();
            let Some(entries) = ask(&question, HOOK_GIT_BYTES).map(output)? else { return Ok(None) };
            for (id, name) in entries.split(|byte| *byte == 0).filter_map(symlink) {
                // What lies beside a name is told too where something below the directory is asked for.
                if !names.iter().any(|asked| asked == name) {
                    continue;
                }
                let target = ask(&words(&["cat-file", "blob", id]), PATH_BYTES as u64).map(output)?;
                let Some(target) = target else { return Ok(None) };
                symlinks.insert(name.to_vec(), target);
            }
        }
        Ok(Some(symlinks))
    }
}

/// The id and the name of a symlink among what `git ls-tree` tells: `<mode> <type> <id>`, a tab, and the name.
fn symlink(entry: &[u8]) -> Option<(&str, &[u8])> {
    let (of, name) = entry.split_at_checked(entry.iter().position(|byte| *byte == b'\t')?)?;
    let id = std::str::from_utf8(of.strip_prefix(b"120000 blob ")?).ok()?;
    Some((id, name.get(1..)?))
}

fn words<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(|word| OsStr::new(*word)).collect()
}

fn output(answer: Answer) -> Option<Vec<u8>> {
    answer.output.filter(|_| answer.success)
}

/// What git answers to a question that it must be able to answer.
fn said(question: &[&OsStr]) -> Result<Vec<u8>> {
    let Answer { success, output, told } = ask(question, HOOK_GIT_BYTES)?;
    output.filter(|_| success).ok_or_else(|| {
        let mut lines = told.lines();
        let first = lines.next().unwrap_or("it says nothing").trim_start_matches("fatal: ");
        let error = Error::usage(format!("git does not know the repository: {first}")).hint(HINT);
        // Git's own advice, as on whom the repository belongs to.
        lines.filter(|line| !line.trim().is_empty()).fold(error, |error, line| error.detail(line.trim()))
    })
}

/// A path that git prints; relative ones are so to the current directory.
fn path(question: &[&str]) -> Result<PathBuf> {
    let mut bytes = said(&words(question))?;
    // One line feed is git's. A directory's name may end in another.
    bytes.pop_if(|byte| *byte == b'\n');
    let here = env::current_dir().map_err(|error| Error::io("the current directory", error))?;
    Ok(if bytes.is_empty() { PathBuf::new() } else { here.join(of_bytes(bytes)) })
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
