//! The package databases of one tree: where they lie, and how they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alternatives::Alternative;
use super::dpkg::{self, Diversion};
use super::{Manager, Package, Parsed, apk};
use crate::model::ImagePath;
use crate::rootfs::{Inode, Origin, ResolveError, Tree};
use crate::scan::{EntryKind, Plan};

const DPKG: &str = "var/lib/dpkg";
const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d";
const INFO: &str = "var/lib/dpkg/info";
const ALTERNATIVES: &str = "var/lib/dpkg/alternatives";
const DIVERSIONS: &str = "var/lib/dpkg/diversions";
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

/// Asks for the files that [`Databases`] reads.
pub fn plan(plan: &mut Plan) {
    for file in [STATUS, DIVERSIONS].into_iter().chain(APK) {
        plan.capture(ImagePath::new(file));
    }
    plan.capture_in(ImagePath::new(INFO), ".list");
    plan.capture_in(ImagePath::new(INFO), ".md5sums");
    plan.capture_in(ImagePath::new(STATUS_D), "");
    plan.capture_in(ImagePath::new(ALTERNATIVES), "");
}

/// What the databases of a tree say is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Sorted by manager, name and architecture, each once. Packages of dpkg have only their
    /// configuration in `files` until [`Databases::load_files`].
    pub packages: Vec<Package>,
    /// The databases that are there, with where each comes from.
    pub managers: BTreeMap<Manager, Origin>,
    /// How many records or lines could not be understood.
    pub broken: usize,
    /// Databases that are there and could not be read, and why.
    pub unread: Vec<String>,
}

/// Brings the content of a file, or says why it is not known.
pub type Content<'a> = &'a dyn Fn(&Inode) -> Result<Arc<[u8]>, String>;

/// A file's content and where it comes from, nothing where there is none, or why it is not known.
type FileRead = Result<Option<(Arc<[u8]>, Origin)>, String>;

/// The package databases of a tree.
#[derive(Clone, Copy)]
pub struct Databases<'a> {
    /// The tree.
    pub tree: &'a Tree,
    content: Content<'a>,
}

impl std::fmt::Debug for Databases<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Databases").finish_non_exhaustive()
    }
}

impl<'a> Databases<'a> {
    /// Those of `tree`; `content` brings what [`plan`] asked for.
    pub fn new(tree: &'a Tree, content: Content<'a>) -> Self {
        Self { tree, content }
    }

    /// Reads what is installed.
    pub fn installed(&self) -> Installed {
        let mut reading = Reading::default();
        reading.take(Manager::Dpkg, self.read(&ImagePath::new(STATUS)), dpkg::parse_status);
        for name in self.names_in(STATUS_D) {
            if !name.ends_with(b".md5sums") {
                let path = ImagePath::new(STATUS_D).join(name);
                reading.take(Manager::Dpkg, self.read(&path), dpkg::parse_status);
            }
        }
        // `/lib` may be a link to `/usr/lib`, and both the same file.
        let mut seen = BTreeSet::new();
        for file in APK {
            let path = ImagePath::new(file);
            let same = self.tree.resolve(&path).is_ok_and(|found| !seen.insert(found.path()));
            if !same {
                reading.take(Manager::Apk, self.read(&path), apk::parse);
            }
        }
        reading.finish()
    }

    /// Adds the paths and digests of a package, where its manager keeps them beside the database;
    /// how many lines could not be understood.
    ///
    /// # Errors
    /// A list that is there and could not be read.
    pub fn load_files(&self, package: &mut Package) -> Result<usize, String> {
        if package.manager != Manager::Dpkg {
            return Ok(0);
        }
        let list = self.beside(package, INFO, ".list")?;
        let mut sums = self.beside(package, INFO, ".md5sums")?;
        if sums.is_none() && list.is_none() {
            sums = self.beside(package, STATUS_D, ".md5sums")?;
        }
        Ok(dpkg::add_files(package, list.as_deref(), sums.as_deref()))
    }

    /// A package that may be there in several architectures has its own in the file's name.
    fn beside(&self, package: &Package, directory: &str, suffix: &str) -> Result<Option<Arc<[u8]>>, String> {
        let Package { name, architecture, .. } = package;
        for name in [format!("{name}:{architecture}{suffix}"), format!("{name}{suffix}")] {
            // What is no file name leads elsewhere.
            if name.contains('/') {
                return Ok(None);
            }
            if let Some((bytes, _)) = self.read(&ImagePath::new(directory).join(name.as_bytes()))? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Files put aside for others; none where the list cannot be read, so that less is explained.
    pub fn diversions(&self) -> Vec<Diversion> {
        let read = self.read(&ImagePath::new(DIVERSIONS)).ok().flatten();
        read.map(|(bytes, _)| dpkg::parse_diversions(&bytes)).unwrap_or_default()
    }

    /// All alternatives by the names of their links in `/etc/alternatives`, with the place of that
    /// name in [`Alternative::names`]. What cannot be read is left out, so that less is explained.
    pub fn alternatives(&self) -> BTreeMap<Box<[u8]>, (Arc<Alternative>, usize)> {
        let mut links = BTreeMap::new();
        for name in self.names_in(ALTERNATIVES) {
            let read = self.read(&ImagePath::new(ALTERNATIVES).join(name)).ok().flatten();
            let Some(alternative) = read.and_then(|(bytes, _)| Alternative::parse(name, &bytes)) else {
                continue;
            };
            let alternative = Arc::new(alternative);
            for (place, link) in alternative.names.iter().enumerate() {
                links.insert(link.clone(), (Arc::clone(&alternative), place));
            }
        }
        links
    }

    fn names_in(&self, directory: &str) -> Vec<&'a [u8]> {
        match self.tree.resolve(&ImagePath::new(directory)) {
            Ok(found) => found.node.children().map(|child| child.name()).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// The content of a file and where it comes from; `None` where there is none.
    fn read(&self, path: &ImagePath) -> FileRead {
        match self.tree.resolve(path) {
            Ok(found) => {
                let inode = found.node.inode();
                if inode.kind != EntryKind::File {
                    return Err(format!("{path} is no regular file"));
                }
                let content = (self.content)(inode).map_err(|reason| format!("{path}: {reason}"))?;
                Ok(Some((content, inode.origin)))
            }
            Err(ResolveError::Missing | ResolveError::NotADirectory) => Ok(None),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }

    /// Where the database of a manager is, as people are told.
    pub fn place(manager: Manager) -> &'static str {
        match manager {
            Manager::Dpkg => DPKG,
            Manager::Apk => "lib/apk/db",
            Manager::Rpm => "var/lib/rpm",
        }
    }
}

#[derive(Default)]
struct Reading {
    packages: BTreeMap<(Manager, String, String), Package>,
    installed: Installed,
}

impl Reading {
    fn take(&mut self, manager: Manager, read: FileRead, parse: fn(&[u8]) -> Parsed) {
        match read {
            Ok(None) => {}
            Err(reason) => self.installed.unread.push(reason),
            Ok(Some((bytes, origin))) => {
                let parsed = parse(&bytes);
                self.installed.broken += parsed.broken;
                let from = self.installed.managers.entry(manager).or_insert(origin);
                *from = origin.max(*from);
                for package in parsed.packages {
                    let key = (manager, package.name.clone(), package.architecture.clone());
                    self.packages.insert(key, package);
                }
            }
        }
    }

    fn finish(mut self) -> Installed {
        self.installed.packages = self.packages.into_values().collect();
        self.installed
    }
}
