//! Which files are looked at because of their paths: those that links may give another name.

use super::found::Found;
use super::texts::Text;
use super::{Component, Gap, java};
use crate::model::ImagePath;
use crate::scan::room::Budget;

/// As what a file is looked at because of its path, whatever it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look(Option<Text>);

impl Look {
    /// As what a file at this path is looked at.
    pub fn of(path: &ImagePath) -> Option<Self> {
        let archive = || java::is_named_so(path.file_name()).then_some(Self(None));
        Text::of(path).map(|text| Self(Some(text))).or_else(archive)
    }

    /// Whether files of that name may be looked at, in some directory.
    pub fn is_for(name: &[u8]) -> bool {
        Text::is_for(name) || java::is_named_so(name)
    }

    /// Whether it is a text, which [`Look::read`] reads; else it is an archive.
    pub fn is_text(self) -> bool {
        self.0.is_some()
    }

    /// What a text says, and what of it is not known.
    pub fn read(self, bytes: &[u8]) -> (Option<Component>, Option<Gap>) {
        let budget = Budget::default();
        let mut found = Found::new(&budget);
        if let Some(text) = self.0 {
            text.read(bytes, false, &mut found);
        }
        found.finish(0..=0);
        let mut components = found.components;
        (components.found.remove(&0).and_then(|mut of_file| of_file.pop()), components.gaps.remove(&0))
    }
}
