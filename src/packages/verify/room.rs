//! How much may be compared of one image.

use crate::error::{Error, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::packages::Packed;
use crate::rootfs::Inode;

/// What may be compared yet, over all readings of an image.
#[derive(Debug)]
pub struct Room {
    files: usize,
    path_bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { files: limits::VERIFIED_FILES, path_bytes: limits::VERIFIED_PATH_BYTES }
    }
}

impl Room {
    #[cfg(test)]
    pub(super) fn of(files: usize, path_bytes: usize) -> Self {
        Self { files, path_bytes }
    }

    /// Makes room for what is kept of one file: its path, where it leads, and where its package says that it leads.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn take(&mut self, path: &ImagePath, inode: &Inode, told: &Packed) -> Result<()> {
        let told = if let Packed::Link(target) = told { target.len() } else { 0 };
        let bytes = path.as_bytes().len() + inode.link().len() + told;
        let over = |what, name, limit: usize| Error::limit(what, name, limit as u64);
        self.files = self.files.checked_sub(1).ok_or_else(|| {
            over("the number of packaged files that are compared", "VERIFIED_FILES", limits::VERIFIED_FILES)
        })?;
        self.path_bytes = self.path_bytes.checked_sub(bytes).ok_or_else(|| {
            let what = "the paths of packaged files that are compared";
            over(what, "VERIFIED_PATH_BYTES", limits::VERIFIED_PATH_BYTES)
        })?;
        Ok(())
    }
}
