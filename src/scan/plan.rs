//! What to capture while scanning: data, so that scanning knows no rule.

use std::collections::BTreeSet;

use crate::model::ImagePath;

/// The files whose content is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    paths: BTreeSet<ImagePath>,
}

impl Plan {
    /// Asks for the content of the regular file at `path`, in each layer that has one.
    pub fn capture(&mut self, path: ImagePath) {
        self.paths.insert(path);
    }

    /// Adds all that another plan asks for.
    pub fn merge(&mut self, other: &Plan) {
        self.paths.extend(other.paths.iter().cloned());
    }

    /// Whether the content of the regular file at `path` is wanted.
    pub fn wants(&self, path: &ImagePath) -> bool {
        self.paths.contains(path)
    }

    /// What is asked for, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &ImagePath> {
        self.paths.iter()
    }
}
