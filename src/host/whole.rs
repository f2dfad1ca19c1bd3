//! Files that have a name only once they are whole.
//!
//! On Linux what is written has no name until all of it is on its way to the disk (`O_TMPFILE`, open(2)):
//! whatever ends the process meanwhile, a signal or a full disk, leaves nothing behind. Where a file is to
//! be replaced, a name beside it is there for the time of one rename(2). File systems that cannot do so, and
//! other operating systems, get a file beside from the start, which is removed but by signals.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::ask;

/// How a file is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// How the name begins of a file that is not whole yet.
    pub(crate) prefix: &'static str,
    /// Its mode; that of a file for its owner only where nothing is said.
    pub(crate) mode: Option<u32>,
    /// Whether it is on the disk before it has its name.
    pub(crate) sync: bool,
    /// Whether a file of that name is replaced; else it is an error of the kind `AlreadyExists`.
    pub(crate) replace: bool,
}

/// Writes a whole file or nothing.
///
/// # Errors
/// The host's.
pub(crate) fn write(path: &Path, bytes: &[u8], how: Whole) -> io::Result<()> {
    write_with(path, how, |file| file.write_all(bytes))
}

/// As [`write()`], of what `content` writes.
///
/// # Errors
/// The host's, or those of `content`.
pub(crate) fn write_with(
    path: &Path,
    how: Whole,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match unnamed(directory)? {
        Some(file) => {
            fill(&file, how, content)?;
            match link(&file, path) {
                Err(error) if how.replace && error.kind() == io::ErrorKind::AlreadyExists => {
                    let mut beside = tempfile::Builder::new();
                    let beside = beside.prefix(how.prefix);
                    let named = ask(|| beside.make_in(directory, |name| link(&file, name)))?;
                    ask(|| named.into_temp_path().persist(path).map_err(|error| error.error))
                }
                linked => linked,
            }
        }
        None => {
            let named = ask(|| tempfile::Builder::new().prefix(how.prefix).tempfile_in(directory))?;
            fill(named.as_file(), how, content)?;
            let named = named.into_temp_path();
            ask(|| {
                if how.replace { named.persist(path) } else { named.persist_noclobber(path) }
                    .map_err(|error| error.error)
            })
        }
    }
}

/// Writes into what is there and takes bytes one after another, as a pipe does. Whoever reads may have seen
/// a part when it fails.
///
/// # Errors
/// The host's.
pub(crate) fn write_into(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let stream = ask(|| File::options().write(true).open(path))?;
    buffered(&stream, content)
}

fn buffered(file: &File, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    ask(|| {
        let mut buffer = BufWriter::new(file);
        content(&mut buffer)?;
        buffer.flush()
    })
}

fn fill(file: &File, how: Whole, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    buffered(file, content)?;
    #[cfg(unix)]
    if let Some(mode) = how.mode {
        use std::os::unix::fs::PermissionsExt as _;
        ask(|| file.set_permissions(std::fs::Permissions::from_mode(mode)))?;
    }
    if how.sync { ask(|| file.sync_all()) } else { Ok(()) }
}

/// A file without a name; `None` where there is no such thing.
#[cfg(target_os = "linux")]
fn unnamed(directory: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::Errno;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match ask(|| Ok(open(directory, flags, Mode::RUSR | Mode::WUSR)))? {
        Ok(file) => {
            let file = File::from(file);
            // Without /proc it could get no name.
            Ok(ask(|| own_path(&file).try_exists())?.then_some(file))
        }
        // What file systems and kernels say that do not know the flag.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Where an open file is found, whatever its name.
#[cfg(target_os = "linux")]
fn own_path(file: &File) -> std::path::PathBuf {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    ask(|| Ok(linkat(CWD, own_path(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?))
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Faults, Kind, MARK};

    const HOW: Whole = Whole { prefix: ".new-", mode: Some(0o640), sync: true, replace: true };

    fn names(directory: &Path) -> Vec<String> {
        let names = std::fs::read_dir(directory).unwrap();
        names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for before in [None, Some("before")] {
            let reset = || match before {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => drop(std::fs::remove_file(&path)),
            };
            let run = |faults: &std::sync::Arc<Faults>| faults.within(1, || write(&path, b"after", HOW));
            reset();
            let counted = Faults::new(Kind::Nothing, 0);
            run(&counted).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"after");
            assert_eq!(names(directory.path()), ["file"]);
            for call in 0..counted.calls() {
                reset();
                let error = run(&Faults::new(Kind::Once, call)).unwrap_err();
                assert!(error.to_string().contains(MARK), "{error}");
                assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), before, "call {call}");
                assert_eq!(names(directory.path()).len(), usize::from(before.is_some()), "call {call}");
            }
            assert!(counted.calls() >= 5, "{}", counted.calls());
        }
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_as_asked_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        for mode in [None, Some(0o644)] {
            let path = directory.path().join("file");
            write(&path, b"", Whole { mode, ..HOW }).unwrap();
            let is = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(is, mode.unwrap_or(0o600));
        }
    }

    #[test]
    fn what_is_there_is_kept_where_that_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let keep = Whole { replace: false, ..HOW };
        write(&path, b"one", keep).unwrap();
        assert_eq!(write(&path, b"two", keep).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((std::fs::read(&path).unwrap(), names(directory.path()).len()), (b"one".to_vec(), 1));
    }
}
