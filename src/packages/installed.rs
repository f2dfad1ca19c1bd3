//! The package databases of one tree: where they lie, and how they are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::allowance::Allowance;
use super::alternatives::Alternative;
use super::dpkg::{self, Diversion};
use super::{Manager, Package, Parsed, apk, rpm};
use crate::error::Error;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{Inode, Origin, ResolveError, Resolved, Steps, Tree};
use crate::scan::{Ceiling, EntryKind, Plan};

const DPKG: &str = "var/lib/dpkg";
const STATUS: &str = "var/lib/dpkg/status";
/// Where dpkg writes what it did since it wrote `status` last.
const UPDATES: &str = "var/lib/dpkg/updates";
const STATUS_D: &str = "var/lib/dpkg/status.d";
const INFO: &str = "var/lib/dpkg/info";
const ALTERNATIVES: &str = "var/lib/dpkg/alternatives";
const DIVERSIONS: &str = "var/lib/dpkg/diversions";
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
/// By release and by who builds the image: rpm's own default, that of Fedora and SUSE, that of rpm-ostree.
const RPM: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
/// One for each form: Berkeley DB, ndb, SQLite.
const RPM_FILES: [&str; 3] = ["Packages", "Packages.db", RPM_SQLITE];
const RPM_SQLITE: &str = "rpmdb.sqlite";
/// What distroless images of CBL-Mariner and Azure Linux have instead.
const RPM_MANIFEST: &str = "var/lib/rpmmanifest/container-manifest-2";
/// What SQLite keeps beside its file.
const LOG: &str = "-wal";
const JOURNAL: &str = "-journal";

/// Asks for the files that [`Databases`] reads.
pub fn plan(plan: &mut Plan) {
    for file in [STATUS, DIVERSIONS].into_iter().chain(APK) {
        plan.capture(ImagePath::new(file));
    }
    plan.capture_in(ImagePath::new(INFO), ".list");
    plan.capture_in(ImagePath::new(INFO), ".md5sums");
    plan.capture_in(ImagePath::new(STATUS_D), "");
    plan.capture_in(ImagePath::new(UPDATES), "");
    plan.capture_in(ImagePath::new(ALTERNATIVES), "");
    let ceiling = Ceiling::rpm_database(plan.limits());
    for file in rpm_files() {
        plan.capture_up_to(file, ceiling);
    }
    for (directory, beside) in
        RPM.into_iter().flat_map(|directory| [LOG, JOURNAL].map(|end| (directory, end)))
    {
        plan.capture_up_to(ImagePath::new(format!("{directory}/{RPM_SQLITE}{beside}")), ceiling);
    }
}

fn rpm_files() -> impl Iterator<Item = ImagePath> {
    let in_directory = |directory| RPM_FILES.map(|file| ImagePath::new(format!("{directory}/{file}")));
    RPM.into_iter().flat_map(in_directory).chain([ImagePath::new(RPM_MANIFEST)])
}

/// Brings the content of a file, or says why it is not known.
pub type Content<'a> = &'a dyn Fn(&Inode) -> Result<Arc<[u8]>, String>;

/// A package database that is there, not read yet.
#[derive(Debug, Clone)]
pub struct Database<'a> {
    /// Whose it is.
    pub manager: Manager,
    /// Where it is, symlinks followed: the directory of dpkg's, the file of others.
    pub place: ImagePath,
    /// The files that say what is installed.
    pub(super) parts: Vec<Part<'a>>,
}

/// The name of a file with something behind it.
fn beside(place: &ImagePath, end: &str) -> ImagePath {
    place.parent().join(&[place.file_name(), end.as_bytes()].concat())
}

/// A file of a database.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<'a> {
    pub(super) path: ImagePath,
    /// Why it cannot be read, where it cannot.
    pub(super) inode: Result<&'a Inode, String>,
}

impl<'a> Database<'a> {
    /// One of dpkg's that goes by its first file; `None` where there is none.
    fn of_dpkg(parts: Vec<Part<'a>>) -> Option<Self> {
        Some(Self { manager: Manager::Dpkg, place: parts.first()?.path.clone(), parts })
    }

    /// Whether it, or what is beside it, says which files its packages brought.
    pub(super) fn tells_files(&self) -> bool {
        self.manager != Manager::Rpm || self.place != ImagePath::new(RPM_MANIFEST)
    }

    /// The last layer that wrote to it.
    pub fn layer(&self) -> Option<usize> {
        self.parts.iter().filter_map(|part| Some(part.inode.as_ref().ok()?.origin)).max().map(Origin::layer)
    }

    /// Whether it is the same bytes as another, in as many files.
    pub fn same_as(&self, other: &Database<'_>) -> bool {
        let same = |(mine, other): (&Part<'_>, &Part<'_>)| match (&mine.inode, &other.inode) {
            (Ok(inode), Ok(others)) => mine.path == other.path && inode.content == others.content,
            _ => false,
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(same)
    }
}

/// What the lists of a package may be called; nothing where that is no file name, and leads elsewhere.
fn beside_names(package: &Package, suffix: &str) -> impl Iterator<Item = String> {
    let Package { name, architecture, .. } = package;
    let names = [format!("{name}:{architecture}{suffix}"), format!("{name}{suffix}")];
    names.into_iter().take_while(|name| !name.contains('/'))
}

/// What is said where some of a whole mean nothing to us.
pub(super) fn not_understood(count: usize, whole: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} of {whole} could not be understood"))
}

/// The packages, each once, sorted by name and architecture.
fn each_once(packages: Vec<Package>) -> Vec<Package> {
    let keyed = packages.into_iter().map(|package| {
        // Only rpm has several versions of one package side by side: kernels, keys that it trusts.
        let version = (package.manager == Manager::Rpm).then(|| package.version.clone());
        ((package.name.clone(), package.architecture.clone(), version), package)
    });
    keyed.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The package databases of a tree.
pub struct Databases<'a> {
    /// The tree.
    pub tree: &'a Tree,
    content: Content<'a>,
    /// A package may have several files beside the database.
    steps: Steps,
}

impl std::fmt::Debug for Databases<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Databases").finish_non_exhaustive()
    }
}

impl<'a> Databases<'a> {
    /// Those of `tree`; `content` brings what [`plan`] asked for.
    pub fn new(tree: &'a Tree, content: Content<'a>) -> Self {
        Self { tree, content, steps: Steps::default() }
    }

    /// The databases that are there, each once whatever symlinks lead to it; nothing is read.
    ///
    /// Of several of rpm's, its configuration says which one it uses; all are told.
    pub fn list(&self) -> Vec<Database<'a>> {
        self.dpkg().into_iter().chain(self.of_others()).collect()
    }

    /// Those of apk and rpm, each once.
    fn of_others(&self) -> Vec<Database<'a>> {
        let apk = APK.into_iter().map(|file| (Manager::Apk, ImagePath::new(file)));
        let rpm = rpm_files().map(|file| (Manager::Rpm, file));
        let files = apk.chain(rpm).filter_map(|(manager, file)| self.file(manager, &file));
        let mut seen = BTreeSet::new();
        files.filter(|database| seen.insert((database.manager, database.place.clone()))).collect()
    }

    /// Those of [`Databases::list`] that hold all packages of a manager in one place, dpkg's `status` among them.
    pub(super) fn whole(&self) -> Vec<Database<'a>> {
        let status = Database::of_dpkg(self.status());
        status.into_iter().chain(self.of_others()).collect()
    }

    /// The files of `status.d`, each of which tells of one package.
    pub(super) fn single(&self) -> Vec<Database<'a>> {
        self.status_d().filter_map(|path| Database::of_dpkg(vec![self.part(path)?])).collect()
    }

    fn status_d(&self) -> impl Iterator<Item = ImagePath> + use<'a> {
        let single = self.names_in(STATUS_D).into_iter().filter(|name| !name.ends_with(b".md5sums"));
        single.map(|name| ImagePath::new(STATUS_D).join(name))
    }

    /// `status`, and dpkg's journal behind it.
    fn status(&self) -> Vec<Part<'a>> {
        let status = self.part(ImagePath::new(STATUS));
        let is_number = |name: &&[u8]| name.iter().all(u8::is_ascii_digit);
        let numbers: Vec<_> = self.names(UPDATES).filter(is_number).take(limits::DPKG_UPDATES + 1).collect();
        let (read, beyond) = numbers.split_at_checked(limits::DPKG_UPDATES).unwrap_or((&numbers, &[]));
        let updates = read.iter().filter_map(|name| self.part(ImagePath::new(UPDATES).join(name)));
        let too_many = beyond.first().map(|_| {
            let limit = limits::DPKG_UPDATES as u64;
            let error = Error::limit("the number of files of dpkg's journal", "DPKG_UPDATES", limit);
            Part { path: ImagePath::new(UPDATES), inode: Err(format!("/{UPDATES}: {error}")) }
        });
        status.into_iter().chain(updates).chain(too_many).collect()
    }

    /// `status` and its journal, and the files of `status.d` that distroless images have instead.
    fn dpkg(&self) -> Option<Database<'a>> {
        let single = self.status_d().filter_map(|path| self.part(path));
        let parts: Vec<_> = self.status().into_iter().chain(single).collect();
        let place = ImagePath::new(DPKG);
        (!parts.is_empty()).then_some(Database { manager: Manager::Dpkg, place, parts })
    }

    /// A database that is one file, with what SQLite keeps beside it.
    fn file(&self, manager: Manager, path: &ImagePath) -> Option<Database<'a>> {
        let place = self.tree.resolve(path).map_or_else(|_| path.clone(), |found| found.path());
        let mut parts = vec![self.part(place.clone())?];
        if manager == Manager::Rpm {
            // Whatever it is called: a link may have another name than what SQLite opens.
            parts.extend([LOG, JOURNAL].into_iter().filter_map(|end| self.part(beside(&place, end))));
        }
        Some(Database { manager, place, parts })
    }

    /// As [`Tree::resolve`], as long as [`Steps`] let it.
    ///
    /// # Errors
    /// As there.
    pub fn resolve(&self, path: &ImagePath) -> Result<Resolved<'a>, ResolveError> {
        self.steps.resolve(self.tree, path)
    }

    /// A file of a database; `None` where it is not there.
    fn part(&self, path: ImagePath) -> Option<Part<'a>> {
        let inode = match self.resolve(&path) {
            Ok(found) if found.node.inode().kind == EntryKind::File => Ok(found.node.inode()),
            Ok(_) => Err(format!("{path} is no regular file")),
            Err(error) if error.is_absence() => return None,
            Err(error) => Err(format!("{path}: {error}")),
        };
        Some(Part { path, inode })
    }

    /// What a database says is installed, each package once, sorted by name and architecture. Packages
    /// of dpkg have only their configuration in `files` until [`Databases::load_files`].
    ///
    /// # Errors
    /// Why it could not be read: the whole of it counts, or nothing.
    pub fn packages(&self, database: &Database<'_>) -> Result<Vec<Package>, String> {
        Ok(each_once(match database.manager {
            Manager::Dpkg | Manager::Apk => self.records(database)?.packages,
            Manager::Rpm => self.stored(database, rpm::packages)?,
        }))
    }

    /// As [`Databases::packages`], with all that can be read of a database of which a part is broken; and what
    /// is wrong with it, in clauses.
    ///
    /// # Errors
    /// Why nothing of it could be read.
    pub fn readable(&self, database: &Database<'_>) -> Result<(Vec<Package>, Vec<String>), String> {
        let (packages, notes) = match database.manager {
            Manager::Dpkg | Manager::Apk => {
                let Parsed { packages, broken } = self.records(database)?;
                let note = not_understood(broken, "its lines or records");
                (packages, note.into_iter().collect())
            }
            Manager::Rpm => {
                let rpm::Database { headers, notes } = self.stored(database, rpm::parse_stored)?;
                (headers.into_iter().map(Package::from).collect(), notes)
            }
        };
        Ok((each_once(packages), notes))
    }

    fn records(&self, database: &Database<'_>) -> Result<Parsed, String> {
        let mut all = Parsed::default();
        let mut of_dpkg = dpkg::Records::default();
        for part in &database.parts {
            let bytes = self.bytes(part)?;
            match database.manager {
                Manager::Apk => {
                    let parsed = apk::parse(&bytes).map_err(|error| format!("{}: {error}", part.path))?;
                    all.packages.extend(parsed.packages);
                    all.broken += parsed.broken;
                }
                _ if part.path.parent() == ImagePath::new(UPDATES) => of_dpkg.update(&bytes),
                _ => of_dpkg.read(&bytes),
            }
        }
        let Parsed { packages, broken } = of_dpkg.done();
        all.packages.extend(packages);
        all.broken += broken;
        Ok(all)
    }

    fn stored<T>(
        &self,
        database: &Database<'_>,
        read: fn(rpm::Stored<'_>) -> crate::error::Result<T>,
    ) -> Result<T, String> {
        let place = &database.place;
        let content = |path| {
            let part = database.parts.iter().find(|part| part.path == path);
            part.map_or(Ok(Arc::default()), |part| self.bytes(part))
        };
        let file = content(place.clone())?;
        let [log, journal] = if rpm::is_sqlite(&file) {
            [content(beside(place, LOG))?, content(beside(place, JOURNAL))?]
        } else {
            Default::default()
        };
        let stored = rpm::Stored { database: &file, log: &log, journal: &journal };
        read(stored).map_err(|error| format!("{place}: {error}"))
    }

    fn bytes(&self, part: &Part<'_>) -> Result<Arc<[u8]>, String> {
        let inode = part.inode.clone()?;
        (self.content)(inode).map_err(|reason| format!("{}: {reason}", part.path))
    }

    /// Adds the paths and digests of a package, where its manager keeps them beside the database;
    /// how many lines could not be understood. `allowance` is that of all packages of the database: of several
    /// architectures each may have the same list.
    ///
    /// # Errors
    /// A list that is there and could not be read, or is beyond a limit.
    pub fn load_files(&self, package: &mut Package, allowance: &mut Allowance) -> Result<usize, String> {
        if package.manager != Manager::Dpkg {
            return Ok(0);
        }
        let list = self.beside(package, INFO, ".list")?;
        let mut sums = self.beside(package, INFO, ".md5sums")?;
        if sums.is_none() && list.is_none() {
            sums = self.beside(package, STATUS_D, ".md5sums")?;
        }
        for bytes in [&list, &sums].into_iter().flatten() {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            let room = allowance.take_files(lines).and_then(|()| allowance.take_path(bytes.len()));
            room.map_err(|error| error.to_string())?;
        }
        Ok(dpkg::add_files(package, list.as_deref(), sums.as_deref()))
    }

    /// Whether there is a list of a package's files, where its manager keeps such lists: each names a directory at least.
    pub(super) fn lists_files(&self, package: &Package) -> bool {
        if package.manager != Manager::Dpkg {
            return true;
        }
        let lists = [(INFO, ".list"), (INFO, ".md5sums"), (STATUS_D, ".md5sums")];
        lists.into_iter().any(|(directory, suffix)| {
            beside_names(package, suffix)
                .any(|name| self.resolve(&ImagePath::new(directory).join(name.as_bytes())).is_ok())
        })
    }

    /// A package that may be there in several architectures has its own in the file's name.
    fn beside(&self, package: &Package, directory: &str, suffix: &str) -> Result<Option<Arc<[u8]>>, String> {
        for name in beside_names(package, suffix) {
            if let Some(bytes) = self.read(&ImagePath::new(directory).join(name.as_bytes()))? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Files put aside for others; none where the list cannot be read, so that less is explained.
    pub fn diversions(&self) -> Vec<Diversion> {
        let read = self.read(&ImagePath::new(DIVERSIONS)).ok().flatten();
        read.map(|bytes| dpkg::parse_diversions(&bytes)).unwrap_or_default()
    }

    /// All alternatives by the names of their links in `/etc/alternatives`, with the place of that
    /// name in [`Alternative::names`]. What cannot be read is left out, so that less is explained.
    pub fn alternatives(&self) -> BTreeMap<Box<[u8]>, (Arc<Alternative>, usize)> {
        let mut links = BTreeMap::new();
        for name in self.names_in(ALTERNATIVES) {
            let read = self.read(&ImagePath::new(ALTERNATIVES).join(name)).ok().flatten();
            let Some(alternative) = read.and_then(|bytes| Alternative::parse(name, &bytes)) else {
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
        self.names(directory).collect()
    }

    /// The names in a directory, sorted; none where it is none.
    fn names(&self, directory: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let found = self.tree.resolve(&ImagePath::new(directory)).ok();
        found.into_iter().flat_map(|found| found.node.children()).map(|child| child.name())
    }

    /// Where a manager keeps more of packages than its database, and some of that is there.
    pub(super) fn kept_beside(&self, manager: Manager) -> Option<ImagePath> {
        let directories: &[&str] = match manager {
            Manager::Dpkg => &[INFO],
            Manager::Apk => &["lib/apk/db", "usr/lib/apk/db"],
            Manager::Rpm => &[],
        };
        let is_of_packages = |name: &[u8]| match manager {
            Manager::Dpkg => name.ends_with(b".list") || name.ends_with(b".md5sums"),
            Manager::Apk => name == b"triggers" || name.starts_with(b"scripts.tar"),
            Manager::Rpm => false,
        };
        let has = |directory: &&&str| self.names_in(directory).into_iter().any(is_of_packages);
        directories.iter().find(has).map(ImagePath::new)
    }

    /// The content of a file; `None` where there is none.
    pub(super) fn read(&self, path: &ImagePath) -> Result<Option<Arc<[u8]>>, String> {
        self.part(path.clone()).map(|part| self.bytes(&part)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{file, tree};

    /// A package in many architectures has the list of its name for each of them.
    #[test]
    fn lists_of_all_packages_are_held_to_package_files_and_package_path_bytes() {
        let tree = tree(&[file("var/lib/dpkg/info/a.list", 0o644)]);
        let list: Arc<[u8]> = b"/usr\n/usr/a\n/usr/b\n"[..].into();
        let content = |_: &Inode| Ok(Arc::clone(&list));
        let databases = Databases::new(&tree, &content);
        let status =
            b"Package: a\nVersion: 1\nArchitecture: x\n\nPackage: a\nVersion: 1\nArchitecture: y\n\n";
        let load = |files: usize, bytes: usize| {
            let mut allowance = Allowance::of(files, bytes);
            let mut packages = dpkg::parse_status(status).packages;
            let loaded = packages
                .iter_mut()
                .try_for_each(|package| databases.load_files(package, &mut allowance).map(drop));
            (loaded, packages[1].files.len(), allowance.is_spent())
        };
        assert_eq!(load(6, 2 * list.len()), (Ok(()), 3, false));
        for ((loaded, files, spent), name) in
            [(load(5, 2 * list.len()), "PACKAGE_FILES"), (load(6, 2 * list.len() - 1), "PACKAGE_PATH_BYTES")]
        {
            assert!(loaded.unwrap_err().contains(&format!("exceeds the limit {name} (")));
            assert_eq!((files, spent), (0, true));
        }
    }

    /// dpkg never writes as many, and each state of a history has all of them.
    #[test]
    fn the_journal_of_dpkg_is_held_to_dpkg_updates() {
        let text: Arc<[u8]> = b"Package: a\nVersion: 1\nArchitecture: all\n"[..].into();
        let content = |_: &Inode| Ok(Arc::clone(&text));
        let read = |count: usize| {
            let files: Vec<_> =
                (0..count).map(|at| file(&format!("var/lib/dpkg/updates/{at:04}"), 0o644)).collect();
            let tree = tree(&files);
            let databases = Databases::new(&tree, &content);
            databases.packages(&databases.list()[0]).map(|packages| packages.len())
        };
        assert_eq!(read(limits::DPKG_UPDATES), Ok(1));
        assert!(read(limits::DPKG_UPDATES + 1).unwrap_err().contains("DPKG_UPDATES"));
    }
}
