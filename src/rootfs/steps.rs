//! Paths followed up to so many parts together: a few kilobytes of symlinks may make each of thousands of paths long.

use std::cell::Cell;

use super::resolve::{ResolveError, Resolved};
use super::trail::Trail;
use super::tree::Tree;
use crate::limits;
use crate::model::ImagePath;

/// The parts that are left for some purpose.
#[derive(Debug)]
pub struct Steps(Cell<u64>);

impl Default for Steps {
    fn default() -> Self {
        Self(Cell::new(limits::FOLLOWED_STEPS))
    }
}

impl Steps {
    /// As [`Tree::resolve`].
    ///
    /// # Errors
    /// As there, and [`ResolveError::TooFar`] once no part is left.
    pub fn resolve<'tree>(
        &self,
        tree: &'tree Tree,
        path: &ImagePath,
    ) -> Result<Resolved<'tree>, ResolveError> {
        self.resolve_written(tree, path.as_bytes())
    }

    /// As [`Steps::resolve`], of a path as somebody wrote it: what its `..` mean depends on the symlinks before them.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_written<'tree>(
        &self,
        tree: &'tree Tree,
        path: &[u8],
    ) -> Result<Resolved<'tree>, ResolveError> {
        self.within(|steps| tree.resolve_within(path, steps))?
    }

    /// As [`Tree::trail_within`].
    ///
    /// # Errors
    /// As there, and [`ResolveError::TooFar`] once no part is left.
    pub fn trail<'tree>(&self, tree: &'tree Tree, path: &[u8]) -> Result<Trail<'tree>, ResolveError> {
        self.within(|steps| tree.trail_within(path, steps))?
    }

    /// As [`Tree::locate`].
    ///
    /// # Errors
    /// [`ResolveError::TooFar`] once no part is left.
    pub fn locate(&self, tree: &Tree, path: &ImagePath) -> Result<ImagePath, ResolveError> {
        self.within(|steps| tree.locate_within(path, steps).path)
    }

    fn within<T>(&self, follow: impl FnOnce(&mut u64) -> T) -> Result<T, ResolveError> {
        let mut steps = self.0.get();
        if steps == 0 {
            return Err(ResolveError::TooFar);
        }
        let followed = follow(&mut steps);
        self.0.set(steps);
        Ok(followed)
    }
}
