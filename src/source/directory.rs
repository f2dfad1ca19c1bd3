//! An OCI layout in a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::store::Room;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::Deadline;
use crate::model::ImagePath;
use crate::read::{OpenFile, Section};

/// The files of a directory, opened when they are asked for.
#[derive(Debug)]
pub(super) struct Directory {
    files: BTreeMap<ImagePath, (PathBuf, u64)>,
    /// Pipes and devices, and links to a directory above them: there, and not read.
    unread: BTreeSet<ImagePath>,
    deadline: Deadline,
}

impl Directory {
    /// Lists a directory. Symlinks to files are followed, as bazel makes layouts of them; what is
    /// no regular file in the end (a pipe, a device) is left out and so counts as missing.
    pub(super) fn list(root: &Path, deadline: Deadline) -> Result<Self> {
        Self::list_within(root, deadline, Room::default())
    }

    fn list_within(root: &Path, deadline: Deadline, mut room: Room) -> Result<Self> {
        let (mut files, mut unread) = (BTreeMap::new(), BTreeSet::new());
        let name_of = |path: &Path| {
            let relative = path.strip_prefix(root).ok()?;
            Some(ImagePath::new(relative.as_os_str().as_encoded_bytes()))
        };
        // blobs/<algorithm>/<hex> is three deep; whatever lies deeper is none of ours.
        let mut entries = WalkDir::new(root).min_depth(1).max_depth(3).follow_links(true).into_iter();
        let listed = |error| Error::io("cannot be listed", error);
        while let Some(entry) = host::ask(|| Ok(entries.next())).map_err(listed)? {
            deadline.check()?;
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.loop_ancestor().is_some() => {
                    unread.extend(error.path().and_then(name_of));
                    continue;
                }
                Err(error) if error.depth() > 0 && is_missing(&error) => continue,
                Err(error) => return Err(listed(error.into())),
            };
            // Directories count too: they are walked, and nothing else bounds how many there are.
            room.take(&[entry.path().as_os_str().as_encoded_bytes()])?;
            if !entry.file_type().is_file() {
                if !entry.file_type().is_dir() {
                    unread.extend(name_of(entry.path()));
                }
                continue;
            }
            let size = host::ask(|| Ok(entry.metadata()?)).map_err(listed)?.len();
            if let Some(name) = name_of(entry.path()) {
                files.insert(name, (entry.path().to_owned(), size));
            }
        }
        Ok(Self { files, unread, deadline })
    }

    /// Whether others may find something under this name, although [`Self::get`] does not.
    pub(super) fn may_hold(&self, name: &ImagePath) -> bool {
        let mut at = name.clone();
        while !at.is_root() {
            if self.unread.contains(&at) {
                return true;
            }
            at = at.parent();
        }
        false
    }

    pub(super) fn get(&self, name: &ImagePath) -> Result<Option<Section>> {
        let Some((path, _)) = self.files.get(name) else { return Ok(None) };
        let opened = host::open(path).and_then(OpenFile::new);
        let file = opened.map_err(|error| Error::io(format!("{name}: cannot be opened"), error))?;
        Ok(Some(Section::whole(Arc::new(file)).until(self.deadline)))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&ImagePath, u64)> {
        self.files.iter().map(|(name, (_, size))| (name, *size))
    }
}

/// A symlink to nothing. One to what cannot be reached leads to something, for all that is known.
fn is_missing(error: &walkdir::Error) -> bool {
    let is_none = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) || is_loop(error)
    };
    let no_target = |path: &Path| {
        host::metadata(path).is_err_and(|error| is_none(&error)) && fs::symlink_metadata(path).is_ok()
    };
    error.path().is_some_and(no_target)
}

/// Whether a symlink leads to itself in the end.
#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_a_directory_are_held_to_archive_members() {
        let room = tempfile::tempdir().unwrap();
        fs::create_dir_all(room.path().join("blobs/sha256")).unwrap();
        fs::write(room.path().join("blobs/sha256/a"), "x").unwrap();
        let bytes: usize = ["/blobs", "/blobs/sha256", "/blobs/sha256/a"].iter().map(|name| name.len()).sum();
        let bytes = (bytes + 3 * room.path().as_os_str().len()) as u64;
        let list =
            |members, bytes| Directory::list_within(room.path(), Deadline::NONE, Room::of(members, bytes));
        assert_eq!(list(3, bytes).unwrap().files.len(), 1);
        for (error, name) in [(list(2, bytes), "ARCHIVE_MEMBERS"), (list(3, bytes - 1), "ARCHIVE_NAME_BYTES")]
        {
            let error = error.unwrap_err();
            assert!(
                error.kind() == crate::error::ErrorKind::Limit && error.to_string().contains(name),
                "{error}"
            );
        }
    }
}
