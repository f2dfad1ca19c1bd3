//! The catalog as a file: read, and changed by one after another.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::output;
use crate::base::Catalog;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::USER_FILE_BYTES;

/// Reads the catalog.
pub(super) fn read(path: &Path) -> Result<Catalog> {
    parse(path, &text(path)?)
}

fn text(path: &Path) -> Result<String> {
    super::read_text(path, "USER_FILE_BYTES", USER_FILE_BYTES)
}

fn text_if_there(path: &Path) -> Result<Option<String>> {
    if path.try_exists().unwrap_or(true) { text(path).map(Some) } else { Ok(None) }
}

fn parse(path: &Path, text: &str) -> Result<Catalog> {
    if text.trim().is_empty() {
        let error = Error::usage(format!("{} is empty, and no catalog of bases", path.display()));
        return Err(error.hint("`ocicheck base add` makes one; remove an empty file first"));
    }
    Catalog::parse(text).map_err(|error| error.at(path.display().to_string()))
}

/// A catalog that is being changed: until this is dropped no other ocicheck changes it, for of two that read, change and
/// write at once one change would be lost.
#[derive(Debug)]
pub(super) struct Change {
    path: PathBuf,
    /// What was read; `None` where there was no file.
    before: Option<String>,
    _lock: Option<File>,
}

impl Change {
    /// Reads a catalog to change it.
    pub(super) fn begin(path: &Path) -> Result<(Self, Catalog)> {
        Self::read(path, |path| text(path).map(Some))
    }

    /// As [`Self::begin`], where one that is not there is empty.
    pub(super) fn begin_or_new(path: &Path) -> Result<(Self, Catalog)> {
        Self::read(path, text_if_there)
    }

    fn read(path: &Path, text: impl Fn(&Path) -> Result<Option<String>>) -> Result<(Self, Catalog)> {
        // Whatever the link is through which it is named, it is the same file, in the same directory.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path);
        let before = text(&path)?;
        let catalog = before.as_deref().map_or_else(|| Ok(Catalog::default()), |text| parse(&path, text))?;
        Ok((Self { path, before, _lock: lock }, catalog))
    }

    /// Writes what it became.
    ///
    /// # Errors
    /// The host's; or it was changed meanwhile by somebody who does not wait: git, an editor.
    pub(super) fn end(self, catalog: &Catalog) -> Result<()> {
        if text_if_there(&self.path)? != self.before {
            let what = format!("{} was changed by another program meanwhile", self.path.display());
            return Err(Error::usage(what).hint("nothing was written; run the command again"));
        }
        output::to_file(&self.path, &catalog.to_text())
    }
}

fn lock(path: &Path) -> Option<File> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = host::open(directory).ok()?;
    // Where directories cannot be locked, it goes as it went before.
    directory.lock().ok().map(|()| directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_changed_meanwhile_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bases.json");
        for there in [false, true] {
            let (change, catalog) = Change::begin_or_new(&path).unwrap();
            assert_eq!(change.before.is_some(), there);
            let other = format!("{}\n", catalog.to_text());
            std::fs::write(&path, &other).unwrap();
            let error = change.end(&catalog).unwrap_err();
            assert!(error.to_string().contains("changed by another program"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
            let (change, catalog) = Change::begin_or_new(&path).unwrap();
            change.end(&catalog).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), catalog.to_text());
        }
    }

    #[cfg(unix)]
    #[test]
    fn one_that_is_named_through_a_link_is_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (real, links) = (directory.path().join("real"), directory.path().join("links"));
        [&real, &links].into_iter().for_each(|directory| std::fs::create_dir(directory).unwrap());
        std::fs::write(real.join("bases.json"), Catalog::default().to_text()).unwrap();
        std::os::unix::fs::symlink("../real/bases.json", links.join("bases.json")).unwrap();
        let (_change, _) = Change::begin(&links.join("bases.json")).unwrap();
        assert!(File::open(&real).unwrap().try_lock().is_err(), "the directory of the file itself is locked");
    }
}
