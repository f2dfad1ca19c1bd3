//! How many files the packages of one database may have, and how long their paths may be.

use crate::error::{Error, Result};
use crate::limits;

/// What the files of a whole database may take.
#[derive(Debug)]
pub struct Allowance {
    files: usize,
    path_bytes: usize,
    spent: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { files: limits::PACKAGE_FILES, path_bytes: limits::PACKAGE_PATH_BYTES, spent: false }
    }
}

impl Allowance {
    #[cfg(test)]
    pub(super) fn of(files: usize, path_bytes: usize) -> Self {
        Self { files, path_bytes, spent: false }
    }

    /// Whether something did not fit.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    pub(super) fn take_files(&mut self, count: usize) -> Result<()> {
        let (what, limit) = ("the files of a package database", limits::PACKAGE_FILES);
        match self.files.checked_sub(count) {
            Some(left) => self.files = left,
            None => return Err(self.over(what, "PACKAGE_FILES", limit)),
        }
        Ok(())
    }

    pub(super) fn take_path(&mut self, bytes: usize) -> Result<()> {
        let (what, limit) = ("the paths of a package database", limits::PACKAGE_PATH_BYTES);
        match self.path_bytes.checked_sub(bytes) {
            Some(left) => self.path_bytes = left,
            None => return Err(self.over(what, "PACKAGE_PATH_BYTES", limit)),
        }
        Ok(())
    }

    fn over(&mut self, what: &str, name: &str, limit: usize) -> Error {
        self.spent = true;
        Error::limit(what, name, limit as u64)
    }
}
