//! How much of what a base's files hold an image has, whatever its layers: a squash or a rebuild keeps the files.

use crate::digest::ContentId;
use crate::model::ImagePath;
use crate::rootfs::{NodeRef, Tree};
use crate::scan::EntryKind;

/// The regular files of a base, to be looked for in images. Empty ones are left out: they are alike everywhere.
#[derive(Debug, Clone)]
pub struct BaseFiles(Vec<(ImagePath, ContentId)>);

impl BaseFiles {
    /// Those of a base's tree.
    pub fn of(base: &Tree) -> Self {
        let counts = |node: NodeRef<'_>| node.inode().kind == EntryKind::File && node.inode().size > 0;
        Self(base.walk_where(counts).map(|(path, node)| (path, node.inode().content)).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// How many files of a base an image has at the same paths with the same content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// Regular files of the base.
    pub files: usize,
    /// Those of them that the image has.
    pub equal: usize,
}

impl Likeness {
    /// Counts the files of `base` that `image` has, too; `None` where that tells nothing.
    pub fn of(base: &BaseFiles, image: &Tree) -> Option<Self> {
        let is_there = |(path, content): &&(ImagePath, ContentId)| {
            let same = image.get(path).map(|node| node.inode());
            same.is_some_and(|same| same.kind == EntryKind::File && same.content == *content)
        };
        let most = Self { files: base.count(), equal: image.len().min(base.count()) };
        if !most.is_telling() {
            return None;
        }
        let likeness = Self { files: base.count(), equal: base.0.iter().filter(is_there).count() };
        likeness.is_telling().then_some(likeness)
    }

    /// At least half of the base: with less, two releases of one distribution would be alike.
    pub(super) fn is_telling(&self) -> bool {
        self.equal > 0 && self.equal.saturating_mul(2) >= self.files
    }
}
