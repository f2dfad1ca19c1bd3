//! Writing: results to standard output and files, all else to standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use crate::error::{Error, Result};
use crate::host::whole::{self, Whole};
use crate::model::escape::escape_text;
use crate::rules::quote::masked;

/// Writes results.
pub(super) fn to_stdout(text: &str) -> Result<()> {
    stream_to_stdout(|stdout| stdout.write_all(text.as_bytes()))
}

/// Writes results as they are made. Whoever closes the pipe has seen enough: that is no error.
pub(super) fn stream_to_stdout(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("standard output", error)),
        _ => Ok(()),
    }
}

/// What is said on standard error may quote an image.
fn shown(text: String) -> String {
    escape_text(&masked(text))
}

/// One line on standard error, those below it, and one more with what to do.
pub(super) fn tell_error(error: &Error) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "ocicheck: {}", shown(error.to_string()));
    for line in error.details() {
        let _ = writeln!(stderr, "  {}", shown(line.clone()));
    }
    if let Some(hint) = error.hint_text().filter(|hint| !hint.is_empty()) {
        let _ = writeln!(stderr, "  hint: {}", shown(hint.to_owned()));
    }
}

/// One line on standard error.
pub(super) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(line.to_owned()));
}

/// As [`stream_to_file`], of what is there already.
pub(super) fn to_file(path: &Path, content: &(impl AsRef<[u8]> + ?Sized)) -> Result<()> {
    stream_to_file(path, |file| file.write_all(content.as_ref()))
}

/// Writes a whole file or nothing, as it is made. What is there and is no file is not replaced by one: pipes and
/// terminals, and what else takes bytes one after another, are written to.
pub(super) fn stream_to_file(
    path: &Path,
    content: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<()> {
    // A link keeps being one: what it leads to is written.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let failed = |error| Error::io(format!("{} cannot be written", path.display()), error);
    if let Ok(there) = std::fs::metadata(path)
        && !there.is_file()
    {
        return match takes_a_stream(there.file_type()) {
            true => whole::write_into(path, content).map_err(failed),
            false => {
                let what = format!("{} is there, and is no file to be written", path.display());
                Err(Error::usage(what).hint("name another file, or remove what is there"))
            }
        };
    }
    whole::write_with(path, how(mode(path)), content).map_err(failed)
}

/// Writes a whole file or nothing, in the place of what has the name: a link is not followed.
pub(super) fn in_place_of(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |error| Error::io(format!("{} cannot be written", path.display()), error);
    whole::write(path, content, how(NEW_MODE)).map_err(failed)
}

fn how(mode: u32) -> Whole {
    Whole { prefix: ".ocicheck-", mode: Some(mode), sync: true, replace: true }
}

/// The mode of an ordinary file.
const NEW_MODE: u32 = 0o644;

/// Whether something that is no file is a pipe, or a device as terminals and `/dev/null` are.
#[cfg(unix)]
fn takes_a_stream(kind: std::fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.is_fifo() || kind.is_char_device()
}

#[cfg(not(unix))]
fn takes_a_stream(_: std::fs::FileType) -> bool {
    false
}

/// Files are made for their owner only; reports and catalogs keep the mode they had, or get
/// that of an ordinary file.
#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).map_or(NEW_MODE, |metadata| metadata.permissions().mode()) & 0o777
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    NEW_MODE
}

/// Whether standard output is a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal, as `COLUMNS` says them or else the terminal; 80 where nobody does.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(terminal_columns).unwrap_or(80).clamp(40, 200)
}

#[cfg(unix)]
fn terminal_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn terminal_columns() -> Option<usize> {
    None
}
