//! From an argument to images: the form is detected from content, never from a name.

mod archive;
mod blobs;
mod directory;
mod docker;
mod headers;
mod hybrid;
mod layout;
#[cfg(test)]
mod limit_tests;
mod select;
mod spool;
mod store;
mod v1;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use select::Selection;
use store::{Members, Referenced, Store};

use crate::codec;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::Limits;
use crate::model::anomaly::Anomalies;
use crate::model::descriptor::Compression;
use crate::model::image::{Form, Image};
use crate::model::{Anomaly, Fault, ImagePath};
use crate::read::{OpenFile, Section};

/// Where to read images from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, a directory, or a pipe.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// `-` is standard input; all else a path.
    pub fn from_argument(argument: &Path) -> Self {
        if argument.as_os_str() == "-" { Self::Stdin } else { Self::Path(argument.to_owned()) }
    }

    /// How the report calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.to_string_lossy().into_owned(),
            Self::Stdin => "-".to_owned(),
        }
    }
}

/// What one input holds.
#[derive(Debug, Default)]
pub struct Source {
    /// Every image that could be read, in the order of the archive.
    pub images: Vec<Image>,
    /// Things to know that are no fault.
    pub notes: Vec<String>,
    /// Images that could not be read.
    pub errors: Vec<Error>,
    /// What is wrong with the archive or layout, and no image in particular.
    pub anomalies: Vec<Anomaly>,
}

/// Opens an input and finds its images.
///
/// # Errors
/// What cannot be read, or is no image archive or layout at all.
pub fn open(input: &Input, limits: &Limits) -> Result<Source> {
    let opened = limits.deadline.check().and_then(|()| match input {
        Input::Stdin => from_archive(spool::spool(host::Stream::new(std::io::stdin()), limits)?),
        Input::Path(path) => open_path(path, limits),
    });
    opened.map_err(|error| error.at(input.name()))
}

fn open_path(path: &Path, limits: &Limits) -> Result<Source> {
    let metadata = host::metadata(path).map_err(|error| Error::io("cannot be opened", error))?;
    if metadata.is_dir() {
        let listed = directory::Directory::list(path, limits.deadline)?;
        return from_store(&Store::new(Members::Directory(listed)));
    }
    let file = host::open(path).map_err(|error| Error::io("cannot be opened", error))?;
    if !metadata.is_file() {
        return from_archive(spool::spool(host::Stream::new(file), limits)?);
    }
    let file = OpenFile::new(file).map_err(|error| Error::io("cannot be opened", error))?;
    let archive = Section::whole(Arc::new(file)).until(limits.deadline);
    let head = archive.head(codec::HEAD_BYTES).map_err(|error| Error::io("cannot be read", error))?;
    match codec::detect(&head) {
        Compression::None => from_archive(archive),
        _ => from_archive(spool::spool(archive.reader(), limits)?),
    }
}

/// Reads the images of an archive in memory; for programs that hold one, and for tests.
///
/// # Errors
/// As [`open`].
pub fn from_bytes(archive: Vec<u8>) -> Result<Source> {
    from_section(Section::of_bytes(archive), &Limits::default())
}

/// Reads the images of an archive that can be read in place, or unpacks it first.
///
/// # Errors
/// As [`open`].
pub fn from_section(archive: Section, limits: &Limits) -> Result<Source> {
    let head = archive.head(codec::HEAD_BYTES).map_err(|error| Error::io("cannot be read", error))?;
    match codec::detect(&head) {
        Compression::None => from_archive(archive),
        _ => from_archive(spool::spool(archive.reader(), limits)?),
    }
}

fn from_archive(archive: Section) -> Result<Source> {
    if archive.size() == 0 {
        return Err(Error::invalid("it is empty").hint(spool::FORMS));
    }
    let head = archive.head(512).map_err(|error| Error::io("cannot be read", error))?;
    if !headers::looks_like_tar(&head) {
        return Err(spool::not_a_tar());
    }
    from_store(&Store::new(Members::Archive(archive::ArchiveIndex::read(archive)?)))
}

fn from_store(store: &Store) -> Result<Source> {
    let has = |name: &str| store.get(&ImagePath::new(name)).map(|found| found.is_some());
    store.demand_readable(["manifest.json", "index.json", "oci-layout", "repositories"])?;
    let (manifest, index, repositories) = (has("manifest.json")?, has("index.json")?, has("repositories")?);
    let is_directory = store.is_directory();
    let mut referenced = Referenced::default();
    let mut source = Source::default();
    let mut anomalies: Vec<Anomaly> = store.anomalies().to_vec();
    match (manifest, index, repositories) {
        (true, true, _) => {
            let from_manifest =
                docker::read(store, Form::DockerArchiveHybrid, &mut referenced, &mut source.errors)?;
            let layout = layout::read(store, Form::DockerArchiveHybrid, &mut referenced)?;
            anomalies.extend(layout.anomalies);
            source.notes = layout.notes;
            source.errors.extend(layout.errors);
            source.images = hybrid::merge(from_manifest, layout.images);
        }
        (true, false, _) => {
            source.images = docker::read(store, Form::DockerArchive, &mut referenced, &mut source.errors)?;
        }
        (false, true, _) => {
            let form = if is_directory { Form::OciDirectory } else { Form::OciArchive };
            let layout = layout::read(store, form, &mut referenced)?;
            anomalies.extend(layout.anomalies);
            (source.images, source.notes, source.errors) = (layout.images, layout.notes, layout.errors);
            if repositories {
                // Docker knows nothing of index.json where manifest.json is missing.
                source.images.extend(v1::read(store, &mut referenced, &mut source.errors)?);
            }
        }
        (false, false, true) => source.images = v1::read(store, &mut referenced, &mut source.errors)?,
        (false, false, false) => return Err(not_an_image(is_directory)),
    }
    if source.images.is_empty() && source.errors.is_empty() {
        return Err(Error::invalid("it holds no image").hint(source.notes.join("; ")));
    }
    anomalies.extend(unreferenced(store, &referenced)?);
    source.anomalies = anomalies;
    Ok(source)
}

fn not_an_image(is_directory: bool) -> Error {
    let what = "it is no image: neither manifest.json (docker archive) nor index.json (OCI layout) is in it";
    let hint = if is_directory {
        "name a directory that holds an OCI layout, or an archive file"
    } else {
        "a plain file system tar (docker export) has no config or layers to judge; use docker save"
    };
    Error::invalid(what).hint(hint)
}

/// The blobs that nothing refers to: they ride along unseen.
fn unreferenced(store: &Store, referenced: &Referenced) -> Result<Vec<Anomaly>> {
    let is_blob = |path: &ImagePath| {
        let bytes = path.as_bytes();
        let is_config = bytes.ends_with(b".json") && !bytes.contains(&b'/');
        let decides = matches!(bytes, b"manifest.json" | b"index.json");
        bytes.starts_with(b"blobs/")
            || bytes.ends_with(b".tar")
            || bytes.ends_with(b".tar.gz")
            || is_config && !decides
    };
    let mut anomalies = Anomalies::of_image();
    for (path, size) in store.files().filter(|(path, _)| is_blob(path) && !referenced.contains(path)) {
        if !v1::is_left_over_config(store, path)? {
            let anomaly =
                Anomaly::new(Fault::UnreferencedBlob, "nothing refers to a blob that is in the archive");
            anomalies.push(anomaly.evidence("member", path).evidence("size", size))?;
        }
    }
    Ok(anomalies.into_vec())
}
