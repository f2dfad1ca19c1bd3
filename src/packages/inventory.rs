//! What is installed in an image: the packages of its distribution and those of languages, each with the layer
//! that brought it in this version.
//!
//! All of it is what the image says of itself. What could not be read is a [`Gap`], so that a package that
//! is not seen is not taken for one that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::allowance::Allowance;
use super::installed::Content;
use super::owners::Owners;
use super::{
    Database, Databases, Distribution, History, Manager, Package, PackageFile, Source, components, purl,
    unread,
};
use crate::model::ImagePath;
use crate::rootfs::{Reading, Rootfs};
use crate::scan::LayerFacts;

/// What kind of package it is, by who installs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// dpkg.
    Deb,
    /// apk.
    Apk,
    /// rpm.
    Rpm,
    /// Python.
    PyPi,
    /// JavaScript.
    Npm,
    /// Java; the name is `group:artifact`.
    Maven,
    /// Go modules, and its standard library as `stdlib`.
    Go,
    /// Rust.
    Cargo,
    /// Ruby.
    Gem,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::PyPi,
        Self::Npm,
        Self::Maven,
        Self::Go,
        Self::Cargo,
        Self::Gem,
    ];

    /// The type in a package URL.
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::PyPi => "pypi",
            Self::Npm => "npm",
            Self::Maven => "maven",
            Self::Go => "golang",
            Self::Cargo => "cargo",
            Self::Gem => "gem",
        }
    }

    /// What OSV calls the ecosystem of a language's packages; `None` for those of a distribution, which goes by its own name.
    pub fn ecosystem(self) -> Option<&'static str> {
        match self {
            Self::Deb | Self::Apk | Self::Rpm => None,
            Self::PyPi => Some("PyPI"),
            Self::Npm => Some("npm"),
            Self::Maven => Some("Maven"),
            Self::Go => Some("Go"),
            Self::Cargo => Some("crates.io"),
            Self::Gem => Some("RubyGems"),
        }
    }

    /// Whether it is a package of the distribution.
    pub fn is_of_the_system(self) -> bool {
        self.ecosystem().is_none()
    }
}

impl From<Manager> for Kind {
    fn from(manager: Manager) -> Self {
        match manager {
            Manager::Dpkg => Self::Deb,
            Manager::Apk => Self::Apk,
            Manager::Rpm => Self::Rpm,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.purl_type())
    }
}

/// A package that is in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Who installs such packages.
    pub kind: Kind,
    /// Its name, with its namespace where languages have some: `@scope/name`, `group:artifact`.
    pub name: String,
    /// Its version, as its own world writes it; empty where nothing says it.
    pub version: String,
    /// The architecture, in the package manager's own words.
    pub architecture: Option<String>,
    /// What it was built from, where that is told.
    pub source: Option<Source>,
    /// The module stream that it was built in (rpm).
    pub module: Option<String>,
    /// The file that says that it is there.
    pub place: ImagePath,
    /// Where in that file, if it is an archive: members, outermost first, with `!/` between them.
    pub inside: Option<String>,
    /// The layer that brought it in this version.
    pub layer: usize,
    /// What it brought, where its database says so.
    pub files: Vec<PackageFile>,
    /// The package of the distribution that `place` belongs to, of a package of a language.
    pub owner: Option<String>,
    /// Whether the program at `place` is of it, and no more needs it; known of Go's only.
    pub is_program: bool,
    /// Whether its name is a guess, by what a jar's manifest or file name says.
    pub is_guess: bool,
    /// The lowest layer whose file at `place` had it in this version, whatever other layers wrote there since.
    pub first: usize,
}

impl Installed {
    /// A package of which no more is known than this.
    pub fn new(kind: Kind, name: &str, version: &str, place: ImagePath, layer: usize) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: None,
            source: None,
            module: None,
            place,
            inside: None,
            layer,
            files: Vec::new(),
            owner: None,
            is_program: false,
            is_guess: false,
            first: layer,
        }
    }
}

/// A place of which it is not known what is installed by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The database or file.
    pub place: ImagePath,
    /// The layer that it is of.
    pub layer: Option<usize>,
    /// In one clause.
    pub reason: String,
}

/// All that is installed, in any reading of the layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Which distribution the tree is of.
    pub distribution: Option<Distribution>,
    /// By kind, name, version, architecture and place.
    pub packages: Vec<Installed>,
    /// What could not be read, by place.
    pub gaps: Vec<Gap>,
}

impl Inventory {
    /// What the readings of an image have; `history` is that of the first.
    pub fn of(
        rootfs: &Rootfs,
        layers: &[Option<Arc<LayerFacts>>],
        history: &History,
        content: Content<'_>,
    ) -> Self {
        let mut inventory = Self::default();
        let mut system = System::default();
        // A database that several readings share is read once; each place has as many as there are readings.
        let mut read: BTreeMap<ImagePath, Vec<Database<'_>>> = BTreeMap::new();
        for reading in &rootfs.readings {
            let databases = Databases::new(&reading.effective, content);
            match databases.distribution() {
                Ok(distribution) => inventory.distribution = inventory.distribution.or(distribution),
                Err(reason) => {
                    let place = ImagePath::new("etc/os-release");
                    inventory.gaps.push(Gap { place, layer: None, reason });
                }
            }
            for database in databases.whole().into_iter().chain(databases.single()) {
                let of_place = read.entry(database.place.clone()).or_default();
                if !of_place.iter().any(|other| other.same_as(&database)) {
                    system.add(&databases, &database, history, &mut inventory.gaps);
                    of_place.push(database);
                }
            }
            let has_dpkg = databases.list().iter().any(|database| database.manager == Manager::Dpkg);
            inventory.gaps.extend(unread::packages(&reading.effective, has_dpkg));
            let mut found = components::found(reading, layers, content, &mut inventory.gaps);
            let paths = found.iter().map(|package| package.place.clone()).collect();
            let owners = Owners::of(&databases, &system.packages, &paths).unwrap_or_else(|error| {
                let reason = format!("which packages are a distribution's is not known: {error}");
                inventory.gaps.push(Gap { place: ImagePath::root(), layer: None, reason });
                Owners::default()
            });
            for package in &mut found {
                let owned = owners.of_path(&package.place).next();
                let owner = owned.and_then(|owned| system.packages.get(owned.package));
                package.owner = owner.map(|owner| owner.name.clone());
            }
            inventory.packages.append(&mut found);
        }
        inventory.gaps.extend(unsaid(rootfs, &system.managers, history, content));
        inventory.packages.extend(system.into_installed());
        inventory.sort();
        inventory
    }

    /// The package URL of one of its packages.
    pub fn purl(&self, installed: &Installed) -> String {
        purl::purl(installed, self.distribution.as_ref())
    }

    fn sort(&mut self) {
        fn key(it: &Installed) -> impl Ord + '_ {
            (it.kind, &it.name, &it.version, &it.architecture, &it.place, &it.inside, it.layer)
        }
        self.packages.sort_by(|a, b| key(a).cmp(&key(b)));
        self.packages.dedup_by(|a, b| key(a) == key(b));
        let gaps: BTreeSet<_> = std::mem::take(&mut self.gaps).into_iter().collect();
        self.gaps = gaps.into_iter().collect();
    }
}

/// The packages of the distribution, and where each stands.
#[derive(Default)]
struct System {
    packages: Vec<Package>,
    /// The file that says so, and the layer; as many as packages.
    places: Vec<(ImagePath, usize)>,
    /// Those whose databases have some, or could not be read.
    managers: BTreeSet<Manager>,
}

impl System {
    fn add(
        &mut self,
        databases: &Databases<'_>,
        database: &Database<'_>,
        history: &History,
        gaps: &mut Vec<Gap>,
    ) {
        let written = database.layer();
        let gap = |reason| Gap { place: database.place.clone(), layer: written, reason };
        let (mut packages, mut notes) = match databases.readable(database) {
            Ok(read) => read,
            Err(reason) => {
                self.managers.insert(database.manager);
                return gaps.push(gap(reason));
            }
        };
        if !packages.is_empty() {
            self.managers.insert(database.manager);
        }
        notes.extend(load_files(databases, &mut packages));
        let layers = history.layers_of(databases, database, &packages, &mut notes);
        let layers = layers.unwrap_or_else(|| vec![written.unwrap_or_default(); packages.len()]);
        self.places.extend(layers.into_iter().map(|layer| (database.place.clone(), layer)));
        self.packages.append(&mut packages);
        gaps.extend(notes.into_iter().map(gap));
    }

    fn into_installed(self) -> impl Iterator<Item = Installed> {
        let packages = self.packages.into_iter().zip(self.places);
        packages.map(|(package, (place, layer))| Installed {
            architecture: Some(package.architecture).filter(|architecture| !architecture.is_empty()),
            source: package.source,
            module: package.module,
            files: package.files,
            ..Installed::new(package.manager.into(), &package.name, &package.version, place, layer)
        })
    }
}

/// What shows that packages were installed of which no database says so any more; `known` are the managers whose databases
/// have some.
fn unsaid(rootfs: &Rootfs, known: &BTreeSet<Manager>, history: &History, content: Content<'_>) -> Vec<Gap> {
    let Some(first) = rootfs.first() else { return Vec::new() };
    let mut gaps = history.lost(&Databases::new(&first.effective, content), known);
    gaps.extend(history.incomplete().map(|reason| {
        let place = ImagePath::new("var/lib/dpkg/status.d");
        Gap { place, layer: None, reason }
    }));
    for (manager, reason) in [
        (
            Manager::Dpkg,
            "it has lists of the files of packages, and neither status nor status.d names any package",
        ),
        (Manager::Apk, "it has scripts of packages, and no database that names any package"),
    ] {
        let kept = |reading: &Reading| Databases::new(&reading.effective, content).kept_beside(manager);
        let kept = rootfs.readings.iter().filter(|_| !known.contains(&manager)).find_map(kept);
        gaps.extend(kept.map(|place| Gap { place, layer: None, reason: reason.to_owned() }));
    }
    gaps
}

/// Adds what each package brought; what could not be read of that, in clauses.
fn load_files(databases: &Databases<'_>, packages: &mut [Package]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut allowance = Allowance::default();
    let mut broken = 0;
    for package in packages {
        match databases.load_files(package, &mut allowance) {
            Ok(lines) => broken += lines,
            Err(reason) => notes.push(format!("the files of {} are not known: {reason}", package.name)),
        }
        if allowance.is_spent() {
            break;
        }
    }
    if broken > 0 {
        notes.push(format!("{broken} lines of its packages' lists of files could not be understood"));
    }
    notes
}
