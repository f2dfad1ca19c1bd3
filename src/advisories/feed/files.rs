//! The files of a feed that is a directory.

use std::path::{Path, PathBuf};

use super::Room;
use crate::error::{Error, Result};
use crate::host;

/// A file below a directory.
#[derive(Debug)]
pub(super) struct Found {
    /// With slashes, from the directory on.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// All files below a directory, sorted by name. What begins with a dot is none of a feed's.
pub(super) fn list(root: &Path, room: Room) -> Result<Vec<Found>> {
    let cannot = |error| Error::io("cannot be listed", error);
    let mut found = Vec::new();
    let mut open = vec![(root.to_owned(), String::new(), 0)];
    while let Some((directory, prefix, depth)) = open.pop() {
        let mut entries = host::ask(|| std::fs::read_dir(&directory)).map_err(cannot)?;
        while let Some(entry) = host::ask(|| entries.next().transpose()).map_err(cannot)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let name = format!("{prefix}{name}");
            let kind = host::ask(|| entry.file_type()).map_err(cannot)?;
            // Links are not followed into directories: one may lead back.
            if kind.is_dir() && depth < DEPTH {
                open.push((entry.path(), format!("{name}/"), depth + 1));
            } else if kind.is_file() || kind.is_symlink() || kind.is_dir() {
                found.push(Found { name, path: entry.path() });
            }
            if found.len() > room.documents || open.len() > room.documents {
                return Err(Error::limit(
                    "a directory of more files",
                    "FEED_DOCUMENTS",
                    room.documents as u64,
                ));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Directories in directories; feeds have three.
const DEPTH: usize = 16;

/// Reads one document.
pub(super) fn read(path: &Path, room: Room) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let cannot = |error| Error::io("cannot be read", error);
    let file = host::open(path).map_err(cannot)?;
    let mut document = Vec::new();
    host::Stream::new(file).take(room.document + 1).read_to_end(&mut document).map_err(cannot)?;
    if document.len() as u64 > room.document {
        return Err(Error::limit("a document of a feed", "FEED_DOCUMENT_BYTES", room.document));
    }
    Ok(document)
}

pub(super) fn is_json(name: &str) -> bool {
    name.len() > 5 && name.ends_with(".json")
}

pub(super) fn is_archive(name: &str) -> bool {
    [".zip", ".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2"].iter().any(|end| name.ends_with(end))
}

/// Whether a file of that name in a directory is read as a feed, or a part of one.
pub fn is_feed(name: &str) -> bool {
    is_json(name) || is_archive(name)
}

/// The name of a source: of all that are called `all.zip`, also the directory's, which is the ecosystem's.
pub(super) fn name_of(path: &Path) -> String {
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let canonical = path.canonicalize();
    let path = canonical.as_deref().unwrap_or(path);
    let name = part(path).unwrap_or_else(|| "feed".to_owned());
    match path.parent().and_then(part) {
        Some(directory) if name == "all.zip" => format!("{directory}/{name}"),
        _ => name,
    }
}

/// Reads until the buffer is full or the end is there.
pub(super) fn fill(reader: &mut impl std::io::Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).map_err(|error| Error::io("cannot be read", error))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
