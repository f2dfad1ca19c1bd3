//! What to capture while scanning: data, so that scanning knows no rule.

use std::collections::{BTreeMap, BTreeSet};

use super::room::Ceiling;
use crate::limits::Limits;
use crate::model::ImagePath;

/// The files whose content is wanted, whether archives are looked into, and whether components are looked for.
///
/// It is asked for each entry of each layer, so an answer costs two look-ups and no memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    limits: Limits,
    paths: BTreeMap<ImagePath, Ceiling>,
    /// By directory: how the names end.
    directories: BTreeMap<ImagePath, BTreeSet<&'static str>>,
    archives: bool,
    components: bool,
}

impl Plan {
    /// Wants nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How large things may be.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Asks for the content of the regular file at `path`, in each layer that has one.
    pub fn capture(&mut self, path: ImagePath) {
        self.capture_up_to(path, Ceiling::ordinary(&self.limits));
    }

    /// As [`Plan::capture`], of a file that may be larger than others; where it was asked for before,
    /// the higher ceiling holds.
    pub fn capture_up_to(&mut self, path: ImagePath, ceiling: Ceiling) {
        let known = self.paths.entry(path).or_insert(ceiling);
        *known = ceiling.max(*known);
    }

    /// Asks for the content of the regular files right in `directory` whose names end in `suffix`
    /// (all, where that is empty), in each layer that has some.
    pub fn capture_in(&mut self, directory: ImagePath, suffix: &'static str) {
        self.directories.entry(directory).or_default().insert(suffix);
    }

    /// Asks for the names of the members of archives.
    pub fn look_into_archives(&mut self) {
        self.archives = true;
    }

    /// Whether the names of the members of archives are wanted.
    pub fn looks_into_archives(&self) -> bool {
        self.archives
    }

    /// Asks for the components in all files.
    pub fn look_for_components(&mut self) {
        self.components = true;
    }

    /// Whether the components in all files are wanted.
    pub fn looks_for_components(&self) -> bool {
        self.components
    }

    /// Adds all that another plan asks for.
    pub fn merge(&mut self, other: &Plan) {
        for (path, ceiling) in &other.paths {
            self.capture_up_to(path.clone(), *ceiling);
        }
        for (directory, suffixes) in &other.directories {
            self.directories.entry(directory.clone()).or_default().extend(suffixes);
        }
        self.archives |= other.archives;
        self.components |= other.components;
    }

    /// Up to which size the content of the regular file at `path` is wanted; `None` where it is not.
    pub fn wants(&self, path: &ImagePath) -> Option<Ceiling> {
        let by_directory = || {
            let (directory, name) = path.split();
            let suffixes = self.directories.get(directory)?;
            ends_in(name, suffixes).then(|| Ceiling::ordinary(&self.limits))
        };
        self.paths.get(path).copied().or_else(by_directory)
    }

    /// The single files asked for, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &ImagePath> {
        self.paths.keys()
    }

    /// The directories of which files are asked for, sorted.
    pub fn directories(&self) -> impl Iterator<Item = &ImagePath> {
        self.directories.keys()
    }
}

fn ends_in(name: &[u8], suffixes: &BTreeSet<&'static str>) -> bool {
    !name.is_empty() && suffixes.iter().any(|suffix| name.ends_with(suffix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_wanted_by_path_and_by_directory_and_ending() {
        let mut more = Plan::default();
        more.capture_in(ImagePath::new("var/lib/dpkg/info"), ".list");
        more.capture_in(ImagePath::new("var/lib/dpkg/info"), ".md5sums");
        more.capture_in(ImagePath::new("var/lib/dpkg/status.d"), "");
        let mut plan = Plan::default();
        plan.capture(ImagePath::new("etc/passwd"));
        plan.merge(&more);
        for (path, wanted) in [
            ("etc/passwd", true),
            ("etc/passwd-", false),
            ("var/lib/dpkg/info/a.list", true),
            ("var/lib/dpkg/info/a.md5sums", true),
            ("var/lib/dpkg/info/a.postinst", false),
            ("var/lib/dpkg/info/deeper/a.list", false),
            ("var/lib/dpkg/info", false),
            ("var/lib/dpkg/a.list", false),
            ("var/lib/dpkg/status.d/base", true),
            ("var/lib/dpkg/status.d", false),
            ("", false),
        ] {
            assert_eq!(plan.wants(&ImagePath::new(path)).is_some(), wanted, "{path}");
        }
    }
}
