//! Asking for one package of an image, and what that needs to know of the others.

use std::collections::{BTreeMap, BTreeSet};

use super::super::query::Effort;
use super::super::{Advisories, Answer, Ecosystem, Modularity, Question, Verdict};
use crate::error::Result;
use crate::packages::{Distribution, Installed, Inventory, Kind};

/// Who speaks of a package.
pub(super) enum Whence<'a> {
    /// Its distribution is asked for the package that brought it.
    OfTheDistribution,
    /// No feed speaks of what it comes from.
    Uncovered(&'a str),
    /// The feeds of an ecosystem.
    Asked(&'a Ecosystem),
}

/// All that what is said of a package depends on.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alike<'a> {
    kind: Kind,
    name: String,
    version: String,
    arch: Option<&'a str>,
    module: Option<&'a str>,
    /// Its own name, where that is a guess.
    guess: Option<&'a str>,
}

impl<'a> Alike<'a> {
    pub(super) fn of(package: &'a Installed, ecosystem: &Ecosystem) -> Self {
        let question = question(package, ecosystem.clone());
        let (name, version) = question.asked();
        Self {
            kind: package.kind,
            name: name.into_owned(),
            version: version.to_owned(),
            arch: package.architecture.as_deref(),
            module: package.module.as_deref(),
            guess: is_guessed_jar(package).then_some(&package.name),
        }
    }

    /// The version that is compared.
    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

/// What all questions about an image need.
pub(super) struct Context<'a> {
    advisories: &'a Advisories,
    /// Where packages of each kind come from, if feeds speak of it; else what to call that.
    ecosystems: BTreeMap<Kind, std::result::Result<Ecosystem, String>>,
    /// Packages of the distribution that brought others and that its feed speaks of, with the highest layer of those of
    /// the name.
    told: BTreeMap<&'a str, usize>,
    /// Maven's packages that advisories name, by what stands behind the group; empty where every jar says what it is.
    artifacts: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Context<'a> {
    pub(super) fn of(inventory: &'a Inventory, advisories: &'a Advisories) -> Result<Self> {
        let distribution = inventory.distribution.as_ref();
        let kinds: BTreeSet<Kind> = inventory.packages.iter().map(|package| package.kind).collect();
        let covered = |kind: Kind| {
            let ecosystem = ecosystem(kind, distribution)?;
            let is_covered = advisories.covers(&ecosystem).is_some();
            if is_covered { Ok(ecosystem) } else { Err(ecosystem.to_string()) }
        };
        let ecosystems = kinds.into_iter().map(|kind| (kind, covered(kind))).collect();
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
        Ok(Self { advisories, ecosystems, told: told(inventory, advisories)?, artifacts })
    }

    /// Who speaks of a package.
    pub(super) fn whence(&self, package: &Installed) -> Whence<'_> {
        // What was written over it later is not the distribution's business (the same again, as by an upgrade or a change
        // of modes, is), and of what its feed does not know nobody else would tell.
        let told = package.owner.as_deref().and_then(|owner| self.told.get(owner));
        if told.is_some_and(|layer| package.first <= *layer) {
            return Whence::OfTheDistribution;
        }
        match self.ecosystems.get(&package.kind) {
            Some(Ok(ecosystem)) => Whence::Asked(ecosystem),
            Some(Err(reason)) => Whence::Uncovered(reason),
            None => Whence::Uncovered(""),
        }
    }

    /// What is said of a package that feeds speak of: what it is affected by, or may be.
    pub(super) fn ask(&self, package: &Installed, effort: &Effort) -> Result<Vec<Answer>> {
        let Some(Ok(ecosystem)) = self.ecosystems.get(&package.kind) else { return Ok(Vec::new()) };
        let question = question(package, ecosystem.clone());
        let mut answers = self.advisories.ask_within(&question, effort)?;
        if is_guessed_jar(package) {
            let artifact = package.name.rsplit(':').next().unwrap_or_default();
            let others = self.artifacts.get(artifact).into_iter().flatten();
            for name in others.filter(|name| **name != package.name) {
                answers.extend(self.ask_by_artifact(package, name, ecosystem, effort)?);
            }
        }
        Ok(answers)
    }

    /// What is said of a package that a jar may be, which does not say for certain of which group it is.
    fn ask_by_artifact(
        &self,
        package: &Installed,
        name: &str,
        ecosystem: &Ecosystem,
        effort: &Effort,
    ) -> Result<Vec<Answer>> {
        let question = Question::new(ecosystem.clone(), name, &package.version);
        let mut answers = self.advisories.ask_within(&question, effort)?;
        for answer in &mut answers {
            if answer.verdict == Verdict::Affected {
                let why = format!("the jar does not say for certain what it is, and may be {name}");
                answer.verdict = Verdict::Undecidable(why);
            }
        }
        Ok(answers)
    }
}

/// See [`Context::told`]; none where the distribution's feed does not tell also what has no fix.
fn told<'a>(inventory: &'a Inventory, advisories: &Advisories) -> Result<BTreeMap<&'a str, usize>> {
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let ecosystem = inventory.distribution.as_ref().and_then(|it| of_distribution(it).ok());
    let tells_all = |it: &Ecosystem| advisories.covers(it).is_some_and(|known| known.unfixed > 0);
    let Some(ecosystem) = ecosystem.filter(tells_all) else { return Ok(told) };
    let owners: BTreeSet<&str> =
        inventory.packages.iter().filter_map(|package| package.owner.as_deref()).collect();
    for package in inventory.packages.iter().filter(|package| package.kind.is_of_the_system()) {
        let name = package.name.as_str();
        let is_higher = told.get(name).is_none_or(|layer| package.layer > *layer);
        if is_higher && owners.contains(name) && advisories.names(&question(package, ecosystem.clone()))? {
            told.insert(name, package.layer);
        }
    }
    Ok(told)
}

/// Whether the name of a jar is none by which advisories need to know it: its group may be missing, or another.
fn is_guessed_jar(package: &Installed) -> bool {
    package.kind == Kind::Maven && package.is_guess
}

/// Where packages of a kind come from; else what to call that.
fn ecosystem(kind: Kind, distribution: Option<&Distribution>) -> std::result::Result<Ecosystem, String> {
    if let Some(name) = kind.ecosystem() {
        return Ecosystem::parse(name).map_err(|_| name.to_owned());
    }
    let distribution = distribution.ok_or_else(|| format!("{kind} of an unknown distribution"))?;
    let ecosystem = of_distribution(distribution)?;
    let has = ecosystem.family().purls.iter().any(|(known, _)| *known == kind.purl_type());
    // Debian's packages under the name of Alpine: nobody speaks of such.
    if has { Ok(ecosystem) } else { Err(format!("{kind} of {}", distribution.id)) }
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
