//! The files of the work tree that patterns of `[hook]` match.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::WalkDir;

use super::when::written;
use crate::error::{Error, Result};
use crate::host;
use crate::rules::Pattern;

/// What a pattern is to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Files, and directories: OCI layouts.
    Images,
    /// Files only.
    Files,
}

/// The paths below `top`, and relative to it, that a pattern matches. A symlink that the pattern writes out is
/// followed, as `bazel-bin/app.tar`; those of directories found on the way are not, and `.git` is passed over.
///
/// # Errors
/// A directory cannot be listed, or there are more than `limit` names.
pub(super) fn matching(top: &Path, pattern: &Pattern, kind: Kind, limit: u64) -> Result<BTreeSet<PathBuf>> {
    let start = pattern.start();
    if start == pattern.text {
        let path = top.join(start);
        let is_there = match host::ask(|| fs::symlink_metadata(&path)) {
            Ok(_) => kind == Kind::Images || !is_directory(&path)?,
            Err(error) if is_missing(&error) => false,
            Err(error) => return Err(Error::io(format!("{start} cannot be read"), error)),
        };
        return Ok(is_there.then(|| PathBuf::from(start)).into_iter().collect());
    }
    let directory = written(pattern);
    let root = top.join(directory);
    match host::metadata(&root) {
        Ok(metadata) if metadata.is_dir() => {}
        Err(error) if !is_missing(&error) => {
            return Err(Error::io(format!("{directory} cannot be listed"), error));
        }
        _ => return Ok(BTreeSet::new()),
    }
    walk(&root, directory, pattern, kind, limit)
}

fn walk(
    root: &Path,
    directory: &str,
    pattern: &Pattern,
    kind: Kind,
    limit: u64,
) -> Result<BTreeSet<PathBuf>> {
    let listed =
        |error| Error::io(format!("{} cannot be listed for {}", root.display(), pattern.text), error);
    let mut entries = WalkDir::new(root).min_depth(1).max_depth(depth(directory, &pattern.text)).into_iter();
    let (mut found, mut names) = (BTreeSet::new(), 0);
    while let Some(entry) = host::ask(|| Ok(entries.next())).map_err(listed)? {
        let entry = match entry {
            Ok(entry) => entry,
            // A build may take files away meanwhile.
            Err(error) if error.io_error().is_some_and(is_missing) => continue,
            Err(error) => return Err(listed(error.into())),
        };
        names += 1;
        if names > limit {
            let what = format!("the number of names that the pattern {} goes through", pattern.text);
            let hint = "begin the pattern with the directory that the files are in";
            return Err(Error::limit(what, "HOOK_FILES", limit).hint(hint));
        }
        let is_directory = entry.file_type().is_dir();
        // A directory, or the file of a linked work tree.
        if entry.file_name() == ".git" {
            if is_directory {
                entries.skip_current_dir();
            }
            continue;
        }
        let Ok(below) = entry.path().strip_prefix(root) else { continue };
        let path = Path::new(directory).join(below);
        if (kind == Kind::Images || !is_directory)
            && pattern.matches_path(path.as_os_str().as_encoded_bytes())
        {
            // What matches below a directory that matches is another image, and no part of it.
            found.insert(path);
        }
    }
    Ok(found)
}

/// How deep below its directory a pattern can match.
fn depth(directory: &str, pattern: &str) -> usize {
    let below = pattern.get(directory.len()..).unwrap_or_default().trim_start_matches('/');
    // A slash within braces makes it at most as deep as this.
    if below.contains("**") { usize::MAX } else { below.matches('/').count() + 1 }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_directory(path: &Path) -> Result<bool> {
    match host::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        // A symlink to nothing is no directory.
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(Error::io(format!("{} cannot be read", path.display()), error)),
    }
}

/// When an image was made: a layout's index is written last.
///
/// # Errors
/// The host's.
pub(super) fn made(image: &Path) -> Result<SystemTime> {
    let time = match host::metadata(&image.join("index.json")) {
        Err(error) if is_missing(&error) => host::metadata(image),
        index => index,
    };
    let time = time.and_then(|metadata| metadata.modified());
    time.map_err(|error| Error::io(format!("{} cannot be read", image.display()), error))
}

/// When a file was changed: it, or the symlink that leads to it.
///
/// # Errors
/// The host's.
pub(super) fn changed(file: &Path) -> Result<SystemTime> {
    let times = || -> io::Result<SystemTime> {
        let own = host::ask(|| fs::symlink_metadata(file))?.modified()?;
        match host::metadata(file) {
            Ok(target) => Ok(own.max(target.modified()?)),
            Err(error) if is_missing(&error) => Ok(own),
            Err(error) => Err(error),
        }
    };
    times().map_err(|error| Error::io(format!("{} cannot be read", file.display()), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::HOOK_FILES;

    fn found(top: &Path, pattern: &str, kind: Kind, limit: u64) -> Result<Vec<String>> {
        let found = matching(top, &Pattern::of_members(pattern).unwrap(), kind, limit)?;
        Ok(found.into_iter().map(|path| path.into_os_string().into_string().unwrap()).collect())
    }

    fn room() -> tempfile::TempDir {
        let room = tempfile::tempdir().unwrap();
        for directory in ["dist/layout/blobs", "dist/deep", ".git/dist", "outside"] {
            fs::create_dir_all(room.path().join(directory)).unwrap();
        }
        for file in
            ["a.tar", "dist/b.tar", "dist/c d\n.tar", "dist/deep/e.tar", ".git/dist/f.tar", "outside/g.tar"]
        {
            fs::write(room.path().join(file), "").unwrap();
        }
        room
    }

    #[test]
    fn patterns_match_what_they_say_and_nothing_of_git() {
        let room = room();
        for (pattern, kind, expected) in [
            ("*.tar", Kind::Images, &["a.tar"][..]),
            ("dist/*.tar", Kind::Images, &["dist/b.tar", "dist/c d\n.tar"]),
            ("dist/**/*.tar", Kind::Files, &["dist/b.tar", "dist/c d\n.tar", "dist/deep/e.tar"]),
            ("**/f.tar", Kind::Images, &[]),
            ("dist/lay*", Kind::Images, &["dist/layout"]),
            ("dist/lay*", Kind::Files, &[]),
            ("dist/l**", Kind::Images, &["dist/layout"]),
            ("dist/l*/**", Kind::Images, &["dist/layout/blobs"]),
            ("**/*l*", Kind::Images, &["dist/layout", "dist/layout/blobs"]),
            ("**/*l*", Kind::Files, &[]),
            ("dist/layout", Kind::Images, &["dist/layout"]),
            ("dist/layout", Kind::Files, &[]),
            ("d{ist/b,ist/deep/e}.tar", Kind::Files, &["dist/b.tar", "dist/deep/e.tar"]),
            ("nowhere/*.tar", Kind::Files, &[]),
            ("a.tar/b.tar", Kind::Images, &[]),
            ("a.tar/*", Kind::Images, &[]),
            ("{..,a}/**", Kind::Images, &[]),
            ("\\.\\./*", Kind::Images, &[]),
        ] {
            assert_eq!(found(room.path(), pattern, kind, HOOK_FILES).unwrap(), expected, "{pattern}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_is_followed_where_it_is_written_out_only() {
        use std::os::unix::fs::symlink;
        let (room, other) = (room(), room());
        symlink(other.path().join("dist"), room.path().join("bin")).unwrap();
        symlink("nowhere", room.path().join("broken")).unwrap();
        let found = |pattern| found(room.path(), pattern, Kind::Images, HOOK_FILES).unwrap();
        assert_eq!(found("bin/*b.tar"), ["bin/b.tar"]);
        assert_eq!(found("bin/b.tar"), ["bin/b.tar"]);
        assert_eq!(found("**/b.tar"), ["dist/b.tar"]);
        assert_eq!(found("b*/b.tar"), [""; 0]);
        assert_eq!(found("broken"), ["broken"]);
    }

    #[test]
    fn a_call_that_fails_is_an_error() {
        use crate::host::fault::{self, Faults, MARK};
        let room = room();
        let times = |path: &str| {
            let path = room.path().join(path);
            made(&path).and(changed(&path)).map(drop)
        };
        let work = || {
            found(room.path(), "dist/*.tar", Kind::Images, HOOK_FILES)?;
            found(room.path(), "dist/layout", Kind::Files, HOOK_FILES)?;
            times("a.tar").and_then(|()| times("dist/layout"))
        };
        let counted = Faults::new(fault::Kind::Nothing, 0);
        counted.within(1, work).unwrap();
        assert!(counted.calls() > 10);
        for call in 0..counted.calls() {
            let error = Faults::new(fault::Kind::Once, call).within(1, work).unwrap_err();
            assert!(error.to_string().contains(MARK), "call {call}: {error}");
        }
    }

    #[test]
    fn names_that_are_walked_are_held_to_hook_files() {
        let room = room();
        let all = (1..20).find(|limit| found(room.path(), "**/x", Kind::Files, *limit).is_ok()).unwrap();
        assert!(found(room.path(), "**/x", Kind::Files, all).is_ok());
        let error = found(room.path(), "**/x", Kind::Files, all - 1).unwrap_err();
        assert!(error.to_string().contains("HOOK_FILES"), "{error}");
        // One directory costs its own names only.
        assert_eq!(found(room.path(), "dist/*.tar", Kind::Files, 4).unwrap().len(), 2);
    }
}
