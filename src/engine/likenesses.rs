//! How much of bases' content the images of an input have. Images may be many, and bases too, so what bases hold is read once, and
//! how much is compared over all images is bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{BaseFiles, CatalogEntry, Likeness};
use crate::digest::Digest;
use crate::limits::{self, Deadline};
use crate::rootfs::Tree;

/// What was read of bases, and how much may still be.
#[derive(Debug)]
pub(super) struct Likenesses {
    /// By chainID; `None` where not all facts files are there.
    read: BTreeMap<Digest, Option<Arc<BaseFiles>>>,
    /// Files of all that is kept, and how many there may be.
    kept: u64,
    most_kept: u64,
    left: u64,
    is_short: bool,
}

/// How many comparisons it takes to read a file of a base.
const READ: u64 = 4;

impl Default for Likenesses {
    fn default() -> Self {
        Self::within(limits::INPUT_LIKENESS_FILES, limits::LIKENESS_KEPT_FILES)
    }
}

impl Likenesses {
    fn within(left: u64, most_kept: u64) -> Self {
        Self { read: BTreeMap::new(), kept: 0, most_kept, left, is_short: false }
    }

    /// How much of a base an image has; `None` where that tells nothing, cannot be known, or must not be asked any more.
    /// `tree` reads the base.
    pub(super) fn of(
        &mut self,
        base: &CatalogEntry,
        tree: impl FnOnce(&CatalogEntry) -> Option<Tree>,
        image: &Tree,
        deadline: Deadline,
    ) -> Option<Likeness> {
        deadline.check().ok()?;
        if self.left == 0 {
            self.is_short = true;
            return None;
        }
        let base = self.files_of(base, tree)?;
        self.left = self.left.saturating_sub(base.count() as u64);
        Likeness::of(&base, image)
    }

    fn files_of(
        &mut self,
        base: &CatalogEntry,
        tree: impl FnOnce(&CatalogEntry) -> Option<Tree>,
    ) -> Option<Arc<BaseFiles>> {
        if let Some(read) = self.read.get(&base.chain_id) {
            return read.clone();
        }
        let read = tree(base).map(|tree| Arc::new(BaseFiles::of(&tree)));
        let count = read.as_ref().map_or(0, |files| files.count() as u64);
        // What is not there is asked for again and again, too.
        self.left = self.left.saturating_sub(READ.saturating_mul(count.max(1)));
        self.kept = self.kept.saturating_add(count);
        if self.kept > self.most_kept {
            self.read.clear();
            self.kept = count;
        }
        self.read.insert(base.chain_id, read.clone());
        read
    }

    /// What there is to say of it.
    pub(super) fn note(&self) -> Option<String> {
        let limit = limits::INPUT_LIKENESS_FILES;
        let note = || {
            format!(
                "which base comes nearest was asked by layers alone for some images: comparing files exceeds the limit \
                 INPUT_LIKENESS_FILES ({limit}); check fewer images at once to have it all"
            )
        };
        self.is_short.then(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::catalog::tests::base;
    use crate::base::{State, Tier};
    use crate::read::Section;
    use crate::rootfs::{Builder, Runtime};
    use crate::scan::build::Tar;
    use crate::scan::{ScanOptions, scan_layer};

    const FILES: usize = 10;

    fn tree(files: usize) -> Tree {
        let tar = (0..files).fold(Tar::new(), |tar, number| tar.file(&format!("f{number}"), "x")).end();
        let mut builder = Builder::new(Runtime::Vfs);
        let scanned = scan_layer(&Section::of_bytes(tar), &ScanOptions::default(), &()).unwrap();
        builder.apply(0, &scanned.tar.unwrap()).unwrap();
        builder.take_tree()
    }

    /// Asks for two bases in turn; how often one was read, and how often an answer came.
    fn ask(likenesses: &mut Likenesses, times: usize) -> (usize, usize) {
        let bases = ["a", "b"].map(|layers| base(layers, Tier::Official, State::Approved, layers));
        let (mut reads, image) = (0, tree(FILES));
        let answers = bases.iter().cycle().take(times).filter(|base| {
            let read = |_: &CatalogEntry| {
                reads += 1;
                Some(tree(FILES))
            };
            likenesses.of(base, read, &image, Deadline::NONE).is_some()
        });
        let answers = answers.count();
        (reads, answers)
    }

    #[test]
    fn bases_are_read_once() {
        let mut likenesses = Likenesses::default();
        assert_eq!((ask(&mut likenesses, 10), likenesses.note()), ((2, 10), None));
    }

    #[test]
    fn comparisons_are_held_to_input_likeness_files_over_all_images() {
        // Two that are read, and compared, and one more comparison.
        let needed = (2 * (READ + 1) + 1) * FILES as u64;
        let mut likenesses = Likenesses::within(needed, u64::MAX);
        assert_eq!((ask(&mut likenesses, 3), likenesses.note()), ((2, 3), None));
        assert_eq!(ask(&mut likenesses, 1), (0, 0));
        assert!(likenesses.note().is_some_and(|note| note.contains("INPUT_LIKENESS_FILES")));
        assert_eq!(limits::INPUT_LIKENESS_FILES, Likenesses::default().left);
    }

    #[test]
    fn what_is_kept_of_bases_is_held_to_likeness_kept_files() {
        let within = |kept| ask(&mut Likenesses::within(u64::MAX, kept), 6);
        assert_eq!(within(2 * FILES as u64), (2, 6));
        assert_eq!(within(2 * FILES as u64 - 1), (6, 6));
        assert_eq!(limits::LIKENESS_KEPT_FILES, Likenesses::default().most_kept);
    }

    #[test]
    fn nothing_is_asked_when_the_time_is_up() {
        let over = Deadline::after(std::time::Instant::now(), std::time::Duration::ZERO);
        let base = base("a", Tier::Official, State::Approved, "a");
        let read = |_: &CatalogEntry| -> Option<Tree> { panic!("it was read") };
        assert_eq!(Likenesses::default().of(&base, read, &tree(1), over), None);
    }
}
