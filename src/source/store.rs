//! Named runs of bytes: what an archive and a directory have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::ArchiveIndex;
use super::directory::Directory;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Anomaly, ImagePath};
use crate::read::Section;

/// Where the members of an image archive or layout are. A narrow interface: all else is derived.
#[derive(Debug)]
pub(super) enum Store {
    Archive(ArchiveIndex),
    Directory(Directory),
}

impl Store {
    /// The bytes of a member, its links followed; `None` where there is none of that name.
    pub(super) fn get(&self, name: &ImagePath) -> Result<Option<Section>> {
        match self {
            Self::Archive(archive) => Ok(archive.get(name)?.map(|(section, _)| section)),
            Self::Directory(directory) => directory.get(name),
        }
    }

    /// The name under which a member's bytes are stored: links followed.
    pub(super) fn stored_name<'a>(&'a self, name: &'a ImagePath) -> &'a ImagePath {
        match self {
            Self::Archive(archive) => archive.get(name).ok().flatten().map_or(name, |(_, stored)| stored),
            Self::Directory(_) => name,
        }
    }

    /// The bytes of a blob of an OCI layout.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Section>> {
        self.get(&blob_path(digest))
    }

    /// Whether others may find a blob that is not found here.
    pub(super) fn may_hold(&self, digest: &Digest) -> bool {
        match self {
            Self::Archive(_) => false,
            Self::Directory(directory) => directory.may_hold(&blob_path(digest)),
        }
    }

    /// A small document by name.
    pub(super) fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let section = self.get(&ImagePath::new(name))?;
        let read = |section: Section| section.read_all(limits::JSON_BYTES, "JSON_BYTES");
        section.map(read).transpose().map_err(|error| error.at(name))
    }

    /// The names of all regular files, with their sizes.
    pub(super) fn files(&self) -> Box<dyn Iterator<Item = (&ImagePath, u64)> + '_> {
        match self {
            Self::Archive(archive) => Box::new(archive.files()),
            Self::Directory(directory) => Box::new(directory.files()),
        }
    }

    /// What was odd about the container itself.
    pub(super) fn anomalies(&self) -> &[Anomaly] {
        match self {
            Self::Archive(archive) => &archive.anomalies,
            Self::Directory(_) => &[],
        }
    }
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

/// Counts how often each name was met; a member name that appears twice has two truths.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<ImagePath, usize>);

impl Names {
    /// Whether the name was met before.
    pub(super) fn met(&mut self, name: &ImagePath) -> Result<bool> {
        if self.0.len() >= limits::ARCHIVE_MEMBERS {
            return Err(Error::limit(
                "the number of members",
                "ARCHIVE_MEMBERS",
                limits::ARCHIVE_MEMBERS as u64,
            ));
        }
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        Ok(*count > 1)
    }
}
