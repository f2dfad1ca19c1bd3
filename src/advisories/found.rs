//! What a database of advisories says of all that is installed in an image.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Advisories, Answer, Ecosystem, Modularity, Question, Source};
use crate::error::Result;
use crate::packages::{Distribution, Installed, Inventory, Kind};

/// What is known of the vulnerabilities of an image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vulnerabilities {
    /// Each advisory once for all packages that it is about: those built from one source in one version.
    pub found: Vec<Found>,
    /// Packages of which no feed speaks, by where they come from.
    pub uncovered: BTreeMap<String, usize>,
    /// The feeds that were asked.
    pub sources: Vec<Source>,
    /// The day on which the database was made of them, where it says so.
    pub built: Option<String>,
}

/// An advisory that an image is affected by, or of which that cannot be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What the advisory says; never [`Verdict::NotAffected`](super::Verdict::NotAffected).
    pub answer: Answer,
    /// What kind of packages it is about.
    pub kind: Kind,
    /// Indexes of these packages in [`Inventory::packages`].
    pub packages: Vec<usize>,
    /// The layer that brought them.
    pub layer: usize,
}

impl Vulnerabilities {
    /// Asks for each package of an image.
    ///
    /// # Errors
    /// A database that cannot be read, or is not as it was written.
    pub fn of(inventory: &Inventory, advisories: &Advisories) -> Result<Self> {
        let sources = advisories.sources().to_vec();
        let built = advisories.header().built.clone();
        let mut vulnerabilities = Self { sources, built, ..Self::default() };
        let distribution = inventory.distribution.as_ref();
        let asked = inventory.packages.par_iter().map(|package| Asked::of(package, distribution, advisories));
        let asked: Vec<Result<Asked>> = asked.collect();
        let mut found: BTreeMap<_, Found> = BTreeMap::new();
        for (number, (package, asked)) in inventory.packages.iter().zip(asked).enumerate() {
            // The first package's error, whichever thread met one first.
            let answers = match asked? {
                Asked::OfTheDistribution => continue,
                Asked::Uncovered(whence) => {
                    *vulnerabilities.uncovered.entry(whence).or_default() += 1;
                    continue;
                }
                Asked::Told(answers) => answers,
            };
            for answer in answers {
                let (name, version) = (answer.package.clone(), answer.version.clone());
                let key = (answer.id.clone(), package.kind, name, version, package.layer);
                let (kind, layer) = (package.kind, package.layer);
                let known =
                    found.entry(key).or_insert_with(|| Found { answer, kind, packages: Vec::new(), layer });
                known.packages.push(number);
            }
        }
        vulnerabilities.found = found.into_values().collect();
        Ok(vulnerabilities)
    }
}

/// What came of asking for one package.
enum Asked {
    /// Its distribution is asked for the package that brought it.
    OfTheDistribution,
    /// No feed speaks of what it comes from.
    Uncovered(String),
    /// What it is affected by, or may be.
    Told(Vec<Answer>),
}

impl Asked {
    fn of(package: &Installed, distribution: Option<&Distribution>, advisories: &Advisories) -> Result<Self> {
        if is_of_the_distribution(package, distribution, advisories) {
            return Ok(Self::OfTheDistribution);
        }
        Ok(match ecosystem(package.kind, distribution) {
            Ok(ecosystem) if advisories.covers(&ecosystem).is_some() => {
                Self::Told(advisories.ask(&question(package, ecosystem))?)
            }
            Ok(ecosystem) => Self::Uncovered(ecosystem.to_string()),
            Err(reason) => Self::Uncovered(reason),
        })
    }
}

/// A package of a language that a package of the distribution brought is the distribution's business, where its
/// feed tells also what has no fix; else nobody would tell of it.
fn is_of_the_distribution(
    package: &Installed,
    distribution: Option<&Distribution>,
    advisories: &Advisories,
) -> bool {
    package.owner.is_some()
        && distribution
            .and_then(|it| of_distribution(it).ok())
            .and_then(|ecosystem| advisories.covers(&ecosystem))
            .is_some_and(|known| known.unfixed > 0)
}

/// Where packages of a kind come from; else what to call that.
fn ecosystem(kind: Kind, distribution: Option<&Distribution>) -> std::result::Result<Ecosystem, String> {
    let name = match kind {
        Kind::Deb | Kind::Apk | Kind::Rpm => {
            let unknown = || format!("{kind} of an unknown distribution");
            return of_distribution(distribution.ok_or_else(unknown)?);
        }
        Kind::PyPi => "PyPI",
        Kind::Npm => "npm",
        Kind::Maven => "Maven",
        Kind::Go => "Go",
        Kind::Cargo => "crates.io",
        Kind::Gem => "RubyGems",
    };
    Ecosystem::parse(name).map_err(|_| name.to_owned())
}

fn of_distribution(distribution: &Distribution) -> std::result::Result<Ecosystem, String> {
    let release = distribution.version.as_ref().or(distribution.codename.as_ref());
    let release = release.map_or("", String::as_str);
    Ecosystem::of_distribution(&distribution.id, release)
        .map_err(|_| format!("{} {release}", distribution.id).trim_end().to_owned())
}

fn question(package: &Installed, ecosystem: Ecosystem) -> Question<'_> {
    let source = package.source.as_ref();
    let is_rpm = package.kind == Kind::Rpm;
    Question {
        source: source.map(|source| source.name.as_str().into()),
        // A source rpm's epoch is not told.
        source_version: source.filter(|_| !is_rpm).and_then(|source| Some(source.version.as_deref()?.into())),
        arch: package.architecture.as_deref().map(Into::into),
        module: match &package.module {
            Some(label) => Modularity::Stream(label.as_str().into()),
            None if is_rpm => Modularity::None,
            None => Modularity::Unknown,
        },
        ..Question::new(ecosystem, &package.name, &package.version)
    }
}
