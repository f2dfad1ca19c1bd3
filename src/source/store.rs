//! Named runs of bytes: what an archive and a directory have in common.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::archive::ArchiveIndex;
use super::directory::Directory;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::json::Document;
use crate::model::{Anomaly, ImagePath};
use crate::read::Section;

/// Where the members of an image archive or layout are. A narrow interface: all else is derived.
#[derive(Debug)]
pub(super) struct Store {
    members: Members,
    /// What the documents that were read may still take of memory.
    pub(super) documents_left: Cell<u64>,
}

#[derive(Debug)]
pub(super) enum Members {
    Archive(ArchiveIndex),
    Directory(Directory),
}

impl Store {
    pub(super) fn new(members: Members) -> Self {
        Self { members, documents_left: Cell::new(limits::INPUT_JSON_BYTES) }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.members, Members::Directory(_))
    }

    /// Counts what a document takes that was read and is kept.
    pub(super) fn hold(&self, document: &Document) -> Result<()> {
        self.hold_bytes(document.memory)
    }

    /// Counts the bytes of one that is none, and was read for nothing.
    pub(super) fn hold_bytes(&self, bytes: u64) -> Result<()> {
        let left = self.documents_left.get().checked_sub(bytes).ok_or_else(|| {
            let what = "what the manifests and configs of all images take of memory";
            Error::limit(what, "INPUT_JSON_BYTES", limits::INPUT_JSON_BYTES)
        })?;
        self.documents_left.set(left);
        Ok(())
    }

    /// The bytes of a member, its links followed; `None` where there is none of that name.
    pub(super) fn get(&self, name: &ImagePath) -> Result<Option<Section>> {
        match &self.members {
            Members::Archive(archive) => Ok(archive.get(name)?.map(|(section, _)| section)),
            Members::Directory(directory) => directory.get(name),
        }
    }

    /// The name under which a member's bytes are stored: links followed.
    pub(super) fn stored_name<'a>(&'a self, name: &'a ImagePath) -> &'a ImagePath {
        match &self.members {
            Members::Archive(archive) => archive.get(name).ok().flatten().map_or(name, |(_, stored)| stored),
            Members::Directory(_) => name,
        }
    }

    /// The bytes of a blob of an OCI layout.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Section>> {
        self.get(&blob_path(digest))
    }

    /// Whether others may find a blob that is not found here.
    pub(super) fn may_hold(&self, digest: &Digest) -> bool {
        match &self.members {
            Members::Archive(_) => false,
            Members::Directory(directory) => directory.may_hold(&blob_path(digest)),
        }
    }

    /// An error where one of these is there in a way that it cannot be read: others may find it.
    pub(super) fn demand_readable<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let Members::Directory(directory) = &self.members else { return Ok(()) };
        let mut names = names.into_iter();
        names
            .find(|name| directory.may_hold(&ImagePath::new(name)))
            .map_or(Ok(()), |name| Err(unreadable().at(name)))
    }

    /// A small document by name.
    pub(super) fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let section = self.get(&ImagePath::new(name))?;
        let read = |section: Section| section.read_all(limits::JSON_BYTES, "JSON_BYTES");
        section.map(read).transpose().map_err(|error| error.at(name))
    }

    /// The names of all regular files, with their sizes.
    pub(super) fn files(&self) -> Box<dyn Iterator<Item = (&ImagePath, u64)> + '_> {
        match &self.members {
            Members::Archive(archive) => Box::new(archive.files()),
            Members::Directory(directory) => Box::new(directory.files()),
        }
    }

    /// What was odd about the container itself.
    pub(super) fn anomalies(&self) -> &[Anomaly] {
        match &self.members {
            Members::Archive(archive) => archive.anomalies.as_slice(),
            Members::Directory(_) => &[],
        }
    }
}

/// What is said of what lies in a directory and is no file.
pub(super) fn unreadable() -> Error {
    let what = "it is there, but as a pipe or device, or behind a link to a directory above it";
    Error::invalid(what).hint("copy the layout anew, with files and no links")
}

/// `blobs/<algorithm>/<hex>` (image-spec image-layout.md).
pub(super) fn blob_path(digest: &Digest) -> ImagePath {
    ImagePath::new(format!("blobs/{}/{}", digest.algorithm(), digest.hex()))
}

/// The digest that a path in `blobs/` claims.
pub(super) fn digest_of_blob_path(path: &ImagePath) -> Option<Digest> {
    let text = std::str::from_utf8(path.as_bytes()).ok()?;
    let (algorithm, hex) = text.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Which members something refers to, and so which nothing does.
#[derive(Debug, Default)]
pub(super) struct Referenced(BTreeSet<ImagePath>);

impl Referenced {
    pub(super) fn add(&mut self, path: ImagePath) {
        self.0.insert(path);
    }

    pub(super) fn add_blob(&mut self, digest: &Digest) {
        self.add(blob_path(digest));
    }

    pub(super) fn contains(&self, path: &ImagePath) -> bool {
        self.0.contains(path)
    }
}

/// How many members there may be, and how long their names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) members: (usize, usize),
    pub(super) name_bytes: (u64, u64),
}

impl Default for Room {
    fn default() -> Self {
        Self::of(limits::ARCHIVE_MEMBERS, limits::ARCHIVE_NAME_BYTES)
    }
}

impl Room {
    pub(super) fn of(members: usize, name_bytes: u64) -> Self {
        Self { members: (0, members), name_bytes: (0, name_bytes) }
    }

    /// Counts one more, with its names.
    pub(super) fn take(&mut self, names: &[&[u8]]) -> Result<()> {
        let (count, most) = &mut self.members;
        *count += 1;
        if *count > *most {
            return Err(Error::limit("the number of members", "ARCHIVE_MEMBERS", *most as u64));
        }
        let (bytes, most) = &mut self.name_bytes;
        *bytes = names.iter().fold(*bytes, |sum, name| sum.saturating_add(name.len() as u64));
        if *bytes > *most {
            return Err(Error::limit("the length of all members' names", "ARCHIVE_NAME_BYTES", *most));
        }
        Ok(())
    }
}

/// Holds an image's name to its limit.
pub(super) fn hold_name(length: usize) -> Result<()> {
    if length > limits::IMAGE_NAME_BYTES {
        let limit = limits::IMAGE_NAME_BYTES as u64;
        return Err(Error::limit(format!("an image's name of {length} bytes"), "IMAGE_NAME_BYTES", limit));
    }
    Ok(())
}
