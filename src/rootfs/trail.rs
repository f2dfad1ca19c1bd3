//! What a path comes by on its way, and not only where it ends: whoever may write there says where it leads.

use super::resolve::{Absent, Proc, ResolveError};
use super::tree::{NodeRef, Tree};
use crate::model::ImagePath;

/// The way of a path as somebody wrote it, as `open` of a program in the container goes it.
#[derive(Debug)]
pub struct Trail<'tree> {
    /// Each directory in which a name is looked for, and whether it is there. Of names below one that is not there nothing is
    /// known.
    pub lookups: Vec<(NodeRef<'tree>, bool)>,
    /// Where it leads, with what is not there as it is written.
    pub located: ImagePath,
    /// What is there, if anything is.
    pub end: Option<NodeRef<'tree>>,
}

impl Tree {
    /// Goes a path, where `steps` are left; those that it takes are taken from them. What is not there is passed over, and `..`
    /// behind it leads back.
    ///
    /// # Errors
    /// As [`Tree::resolve`], but for [`ResolveError::Missing`].
    pub fn trail_within(&self, path: &[u8], steps: &mut u64) -> Result<Trail<'_>, ResolveError> {
        let mut lookups = Vec::new();
        let see = |directory, is_there| lookups.push((self.reference(directory), is_there));
        let followed = self.follow_seeing(path, true, Absent::Tell, Proc::Mounted, see);
        *steps = steps.saturating_sub(super::resolve::taken(&followed));
        let followed = followed.map_err(|stopped| stopped.error)?;
        let end = followed.missing.is_empty().then(|| self.reference(followed.node));
        let missing = followed.missing.iter();
        let located = missing.fold(self.path(followed.node), |path, part| path.join(part));
        Ok(Trail { lookups, located, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{dir, symlink, tree};

    #[test]
    fn a_trail_is_all_that_a_path_comes_by() {
        let tree = tree(&[
            dir("d"),
            dir("d/e"),
            symlink("a", "/d/e"),
            symlink("l", "d/x"),
            symlink("p", "/proc/self/fd"),
        ]);
        for (path, lookups, located, is_there) in [
            ("/a/../e", "/:true /:true /d:true /d:true", "/d/e", true),
            ("/l", "/:true /:true /d:false", "/d/x", false),
            ("/d/x/y/../../../a", "/:true /d:false /:true /:true /d:true", "/d/e", true),
            ("d//./e/", "/:true /d:true", "/d/e", true),
            ("", "", "/", true),
        ] {
            let mut steps = 100;
            let trail = tree.trail_within(path.as_bytes(), &mut steps).unwrap();
            let shown = trail.lookups.iter().map(|(node, is_there)| format!("{}:{is_there}", node.path()));
            assert_eq!(shown.collect::<Vec<_>>().join(" "), lookups, "{path}");
            assert_eq!(
                (trail.located.to_string().as_str(), trail.end.is_some()),
                (located, is_there),
                "{path}"
            );
            assert!(steps < 100);
        }
        let mut steps = 100;
        assert_eq!(tree.trail_within(b"/p/8", &mut steps).err(), Some(ResolveError::OfProcess));
    }
}
