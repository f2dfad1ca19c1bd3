//! What a database of advisories says of all that is installed in an image.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Advisories, Answer, Ecosystem, Modularity, Question, Source, Verdict};
use crate::error::{Error, Result};
use crate::limits::INPUT_FINDINGS;
use crate::packages::{Distribution, Installed, Inventory, Kind};

/// Packages that are asked for before what is said of them is put together: enough for all threads, and few enough
/// for what is said of each to be held.
const ASKED_AT_ONCE: usize = 64;

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
    /// What the advisory says; never [`Verdict::NotAffected`].
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
    /// A database that cannot be read, or is not as it was written; there are more than [`INPUT_FINDINGS`].
    pub fn of(inventory: &Inventory, advisories: &Advisories) -> Result<Self> {
        Self::within(inventory, advisories, INPUT_FINDINGS)
    }

    /// As [`Self::of`], where there may be so many.
    fn within(inventory: &Inventory, advisories: &Advisories, most: usize) -> Result<Self> {
        let sources = advisories.sources().to_vec();
        let built = advisories.header().built.clone();
        let mut vulnerabilities = Self { sources, built, ..Self::default() };
        let context = Context::of(inventory, advisories)?;
        let mut found = BTreeMap::new();
        let packages: Vec<(usize, &Installed)> = inventory.packages.iter().enumerate().collect();
        for some in packages.chunks(ASKED_AT_ONCE) {
            let asked: Vec<Result<Asked>> =
                some.par_iter().map(|(_, package)| context.ask(package)).collect();
            for ((number, package), asked) in some.iter().zip(asked) {
                // The first package's error, whichever thread met one first.
                match asked? {
                    Asked::OfTheDistribution => {}
                    Asked::Uncovered(whence) => *vulnerabilities.uncovered.entry(whence).or_default() += 1,
                    Asked::Told(answers) => add(&mut found, (*number, package), answers),
                }
            }
            // The rule has as many findings, and would be refused them.
            if found.len() > most {
                let what = "the number of vulnerabilities of an image";
                return Err(Error::limit(what, "INPUT_FINDINGS", most as u64));
            }
        }
        vulnerabilities.found = found.into_values().collect();
        Ok(vulnerabilities)
    }
}

/// The advisory, the kind of packages, what it calls them and their version, and the layer.
type Key = (String, Kind, String, String, usize);

fn add(found: &mut BTreeMap<Key, Found>, (number, package): (usize, &Installed), answers: Vec<Answer>) {
    let (kind, layer) = (package.kind, package.layer);
    for answer in answers {
        let key = (answer.id.clone(), kind, answer.package.clone(), answer.version.clone(), layer);
        let known = found.entry(key).or_insert_with(|| Found { answer, kind, packages: Vec::new(), layer });
        known.packages.push(number);
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

/// What all questions about an image need.
struct Context<'a> {
    advisories: &'a Advisories,
    distribution: Option<&'a Distribution>,
    /// Where the packages of the distribution come from, if its feed tells also what has no fix.
    told_by_distribution: Option<Ecosystem>,
    /// The packages of the distribution, by name.
    of_distribution: BTreeMap<&'a str, Vec<&'a Installed>>,
    /// Maven's packages that advisories name, by what stands behind the group; empty where every jar says what it is.
    artifacts: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Context<'a> {
    fn of(inventory: &'a Inventory, advisories: &'a Advisories) -> Result<Self> {
        let distribution = inventory.distribution.as_ref();
        let told_by_distribution = distribution
            .and_then(|it| of_distribution(it).ok())
            .filter(|ecosystem| advisories.covers(ecosystem).is_some_and(|known| known.unfixed > 0));
        let mut of_distribution: BTreeMap<&str, Vec<&Installed>> = BTreeMap::new();
        for package in inventory.packages.iter().filter(|package| package.kind.is_of_the_system()) {
            of_distribution.entry(&package.name).or_default().push(package);
        }
        let mut artifacts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        if inventory.packages.iter().any(is_guessed_jar)
            && let Ok(maven) = Ecosystem::parse("Maven")
        {
            for name in advisories.packages(&maven) {
                let name = name?;
                let (_, artifact) = name.rsplit_once(':').unwrap_or(("", name));
                artifacts.entry(artifact).or_default().push(name);
            }
        }
        Ok(Self { advisories, distribution, told_by_distribution, of_distribution, artifacts })
    }

    fn ask(&self, package: &Installed) -> Result<Asked> {
        if self.is_told_by_distribution(package)? {
            return Ok(Asked::OfTheDistribution);
        }
        let ecosystem = match ecosystem(package.kind, self.distribution) {
            Ok(ecosystem) if self.advisories.covers(&ecosystem).is_some() => ecosystem,
            Ok(ecosystem) => return Ok(Asked::Uncovered(ecosystem.to_string())),
            Err(reason) => return Ok(Asked::Uncovered(reason)),
        };
        let mut told = self.advisories.ask(&question(package, ecosystem.clone()))?;
        if is_guessed_jar(package) {
            let artifact = package.name.rsplit(':').next().unwrap_or_default();
            let others = self.artifacts.get(artifact).into_iter().flatten();
            for name in others.filter(|name| **name != package.name) {
                told.extend(self.ask_by_artifact(package, name, &ecosystem)?);
            }
        }
        Ok(Asked::Told(told))
    }

    /// What is said of a package that a jar may be, which does not say for certain of which group it is.
    fn ask_by_artifact(&self, package: &Installed, name: &str, ecosystem: &Ecosystem) -> Result<Vec<Answer>> {
        let mut answers = self.advisories.ask(&Question::new(ecosystem.clone(), name, &package.version))?;
        for answer in &mut answers {
            if answer.verdict == Verdict::Affected {
                let why = format!("the jar does not say for certain what it is, and may be {name}");
                answer.verdict = Verdict::Undecidable(why);
            }
        }
        Ok(answers)
    }

    /// Whether a package of a language came with one of the distribution that its feed speaks of. What was written over
    /// it later is not the distribution's business (the same again, as by an upgrade or a change of modes, is), and of what
    /// its feed does not know nobody else would tell.
    fn is_told_by_distribution(&self, package: &Installed) -> Result<bool> {
        let (Some(owner), Some(ecosystem)) = (&package.owner, &self.told_by_distribution) else {
            return Ok(false);
        };
        for owner in self.of_distribution.get(owner.as_str()).into_iter().flatten() {
            if package.first <= owner.layer && self.advisories.names(&question(owner, ecosystem.clone()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether the name of a jar is none by which advisories need to know it: its group may be missing, or another.
fn is_guessed_jar(package: &Installed) -> bool {
    package.kind == Kind::Maven && package.is_guess
}

/// Where packages of a kind come from; else what to call that.
fn ecosystem(kind: Kind, distribution: Option<&Distribution>) -> std::result::Result<Ecosystem, String> {
    let name = match kind {
        Kind::Deb | Kind::Apk | Kind::Rpm => {
            let unknown = || format!("{kind} of an unknown distribution");
            let distribution = distribution.ok_or_else(unknown)?;
            let ecosystem = of_distribution(distribution)?;
            let has = ecosystem.family().purls.iter().any(|(known, _)| *known == kind.purl_type());
            // Debian's packages under the name of Alpine: nobody speaks of such.
            return if has { Ok(ecosystem) } else { Err(format!("{kind} of {}", distribution.id)) };
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

#[cfg(test)]
mod tests {
    use super::super::{Affected, End, Fix, Kind as Feed, Range, Record, build_of};
    use super::*;
    use crate::model::ImagePath;

    /// A database says as much of each version of a package, and a list of packages may have it in any number of them.
    #[test]
    fn vulnerabilities_are_held_to_input_findings() {
        let range = Range { introduced: String::new(), end: End::Open };
        let affected = Affected {
            ecosystem: Ecosystem::parse("PyPI").unwrap(),
            package: "app".to_owned(),
            arch: String::new(),
            module: String::new(),
            ranges: vec![range],
            versions: Vec::new(),
            fix: Fix::AsRanges,
            severity: None,
        };
        let record = |number: usize| {
            let id = format!("PYSEC-{number}");
            (Feed::Osv, Record { id, affected: vec![affected.clone()], ..Record::default() })
        };
        let database = build_of((0..3).map(record).collect(), None).unwrap();
        let advisories = Advisories::of_bytes(database).unwrap();
        let package =
            |number: usize| Installed::new(Kind::PyPi, "app", &number.to_string(), ImagePath::root(), 0);
        let packages = (0..2 * ASKED_AT_ONCE).map(package).collect();
        let inventory = Inventory { packages, ..Inventory::default() };
        let most = 3 * 2 * ASKED_AT_ONCE;
        let all = Vulnerabilities::within(&inventory, &advisories, most).unwrap();
        assert_eq!(all.found.len(), most);
        let error = Vulnerabilities::within(&inventory, &advisories, most - 1).unwrap_err().to_string();
        assert!(error.contains("INPUT_FINDINGS"), "{error}");
    }
}
