//! Files of the cache's directory, opened with suspicion: others may have put something there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::host::{
    self,
    whole::{self, Whole},
};

/// How the names of files begin that are not whole yet.
pub(super) const UNFINISHED: &str = ".ocicheck-new-";

/// Writes a whole file that only its owner may read.
pub(super) fn write(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    whole::write(path, bytes, Whole { prefix: UNFINISHED, mode: None, sync: false, replace })
}

/// Opens a regular file to read; no symbolic link is followed, and no pipe is waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    regular(host::ask(|| with_suspicion(OpenOptions::new().read(true)).open(path))?)
}

/// Opens the regular file that runs lock, or makes it.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    regular(host::ask(|| with_suspicion(&mut options).open(path))?)
}

fn regular(file: File) -> io::Result<File> {
    if host::ask(|| file.metadata())?.is_file() { Ok(file) } else { Err(io::Error::other("no regular file")) }
}

#[cfg(unix)]
fn with_suspicion(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;
    options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

#[cfg(not(unix))]
fn with_suspicion(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Makes a directory that is its owner's alone, where there is none.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    host::ask(|| builder.create(path))
}

/// Whoever may write to the directory may put another key there.
#[cfg(unix)]
pub(super) fn demand_private(directory: &Path) -> Result<()> {
    let metadata =
        host::metadata(directory).map_err(|error| Error::io("its rights cannot be read", error))?;
    demand(&metadata, 0o022, "others may write to it, and so could change its key").map_err(|error| {
        error.hint("`chmod go-w` it, or give the key by OCICHECK_CACHE_KEY, which needs no private directory")
    })
}

/// A key that others know is none.
#[cfg(unix)]
pub(super) fn demand_secret(key: &File) -> Result<()> {
    let metadata =
        host::ask(|| key.metadata()).map_err(|error| Error::io("its rights cannot be read", error))?;
    demand(&metadata, 0o077, "others may read or write the key")
        .map_err(|error| error.hint("remove it, and another one is made"))
}

#[cfg(unix)]
fn demand(metadata: &fs::Metadata, forbidden: u32, what: &str) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::invalid("it belongs to another user"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(Error::invalid(format!("{what} (mode {:04o})", metadata.mode() & 0o7777)));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn demand_private(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn demand_secret(_: &File) -> Result<()> {
    Ok(())
}
