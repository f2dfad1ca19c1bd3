//! Asking for one package of an image, and what that needs to know of the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::query::{Effort, Epoch};
use super::super::{Advisories, Answer, Ecosystem, Modularity, Question, Verdict};
use crate::error::Result;
use crate::packages::{Distribution, Installed, Inventory, Kind, Source};

/// Who speaks of a package.
pub(super) enum Whence<'a> {
    /// Its distribution is asked for the package that brought it.
    OfTheDistribution,
    /// No feed speaks of what it comes from.
    Uncovered(&'a str),
    /// The feeds of an ecosystem; and whether one is of it, so that what they do not say counts, too.
    Asked(&'a Ecosystem, bool),
}

/// All that what is said of a package depends on.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alike<'a> {
    kind: Kind,
    /// The names that are asked for, and the versions that are compared.
    asked: Vec<(String, String, Epoch)>,
    arch: Option<&'a str>,
    module: Modularity<'a>,
    /// Its own name, where that is a guess.
    guess: Option<&'a str>,
}

impl Alike<'_> {
    /// Bytes of the longest version that is compared.
    pub(super) fn longest_version(&self) -> usize {
        self.asked.iter().map(|(_, version, _)| version.len()).max().unwrap_or(0)
    }
}

/// What all questions about an image need.
pub(super) struct Context<'a> {
    advisories: &'a Advisories,
    /// Where packages of each kind come from, if feeds speak of it, and whether one is of it; else what to call that.
    ecosystems: BTreeMap<Kind, std::result::Result<(Ecosystem, bool), String>>,
    /// Packages of the distribution that brought others and that its feed speaks of, with the highest layer of those of
    /// the name.
    told: BTreeMap<&'a str, usize>,
    /// Maven's packages that advisories name, by what stands behind the group; empty where every jar says what it is.
    artifacts: BTreeMap<&'a str, Vec<&'a str>>,
    epochs: Epochs<'a>,
}

impl<'a> Context<'a> {
    pub(super) fn of(inventory: &'a Inventory, advisories: &'a Advisories) -> Result<Self> {
        let distribution = inventory.distribution.as_ref();
        let kinds: BTreeSet<Kind> = inventory.packages.iter().map(|package| package.kind).collect();
        let covered = |kind: Kind| {
            let ecosystem = ecosystem(kind, distribution)?;
            let known = advisories.speaks_of(&ecosystem).ok_or_else(|| ecosystem.to_string())?;
            Ok((ecosystem, known.covered))
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
        let epochs = Epochs::of(inventory);
        let told = told(inventory, advisories, &epochs)?;
        Ok(Self { advisories, ecosystems, told, artifacts, epochs })
    }

    /// All that what an ecosystem's feeds say of a package depends on.
    pub(super) fn alike(&self, package: &'a Installed, ecosystem: &Ecosystem) -> Alike<'a> {
        let question = question(package, ecosystem.clone(), &self.epochs);
        let asked = question.asked().into_iter();
        Alike {
            kind: package.kind,
            asked: asked
                .map(|asked| (asked.name.into_owned(), asked.version.to_owned(), asked.epoch))
                .collect(),
            arch: package.architecture.as_deref(),
            module: modularity(package),
            guess: is_guessed_jar(package).then_some(&package.name),
        }
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
            Some(Ok((ecosystem, is_covered))) => Whence::Asked(ecosystem, *is_covered),
            Some(Err(reason)) => Whence::Uncovered(reason),
            None => Whence::Uncovered(""),
        }
    }

    /// What is said of a package that feeds speak of: what it is affected by, or may be.
    pub(super) fn ask(&self, package: &Installed, effort: &Effort) -> Result<Vec<Answer>> {
        let Some(Ok((ecosystem, _))) = self.ecosystems.get(&package.kind) else { return Ok(Vec::new()) };
        let question = question(package, ecosystem.clone(), &self.epochs);
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

/// The epochs of sources of rpms, which their files' names do not tell: that of a package that was built of it and has its
/// version. Of perl's packages some have versions of their own, and `perl-libs` has that of the source.
struct Epochs<'a>(BTreeMap<(&'a str, &'a str), &'a str>);

impl<'a> Epochs<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut epochs = BTreeMap::new();
        for package in inventory.packages.iter().filter(|package| package.kind == Kind::Rpm) {
            let source = package.source.as_ref();
            let (epoch, version) = package.version.split_once(':').unwrap_or(("0", &package.version));
            if let Some((name, of_source)) = source.and_then(|source| named(source))
                && of_source == version
            {
                // Two that differ are no distribution's; the lower one is held to more.
                let known = epochs.entry((name, of_source)).or_insert(epoch);
                let number = |epoch: &str| epoch.parse().unwrap_or(0_u32);
                *known = if number(epoch) < number(known) { epoch } else { known };
            }
        }
        Self(epochs)
    }

    /// A source's version, with its epoch where that is known.
    fn version(&self, source: &'a Source) -> Option<Cow<'a, str>> {
        let named = named(source)?;
        Some(match self.0.get(&named) {
            Some(epoch) => format!("{epoch}:{}", named.1).into(),
            None => named.1.into(),
        })
    }
}

fn named(source: &Source) -> Option<(&str, &str)> {
    Some((&source.name, source.version.as_deref()?))
}

/// See [`Context::told`]; none where the distribution's feed does not tell also what has no fix.
fn told<'a>(
    inventory: &'a Inventory,
    advisories: &Advisories,
    epochs: &Epochs<'a>,
) -> Result<BTreeMap<&'a str, usize>> {
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let ecosystem = inventory.distribution.as_ref().and_then(|it| of_distribution(it).ok());
    let tells_all = |it: &Ecosystem| advisories.covers(it).is_some_and(|known| known.unfixed > 0);
    let Some(ecosystem) = ecosystem.filter(tells_all) else { return Ok(told) };
    let owners: BTreeSet<&str> =
        inventory.packages.iter().filter_map(|package| package.owner.as_deref()).collect();
    for package in inventory.packages.iter().filter(|package| package.kind.is_of_the_system()) {
        let name = package.name.as_str();
        let is_higher = told.get(name).is_none_or(|layer| package.layer > *layer);
        if is_higher
            && owners.contains(name)
            && advisories.names(&question(package, ecosystem.clone(), epochs))?
        {
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

fn question<'a>(package: &'a Installed, ecosystem: Ecosystem, epochs: &Epochs<'a>) -> Question<'a> {
    let source = package.source.as_ref();
    let of_source = match package.kind {
        Kind::Rpm => source.and_then(|source| epochs.version(source)),
        _ => source.and_then(|source| Some(source.version.as_deref()?.into())),
    };
    Question {
        source: source.map(|source| source.name.as_str().into()),
        source_version: of_source,
        arch: package.architecture.as_deref().map(Into::into),
        module: modularity(package),
        ..Question::new(ecosystem, &package.name, &package.version)
    }
}

fn modularity(package: &Installed) -> Modularity<'_> {
    match &package.module {
        Some(label) => Modularity::Stream(label.as_str().into()),
        // Not all builds of modules have a label, but their releases tell what they are.
        None if package.kind == Kind::Rpm && !package.version.contains(".module") => Modularity::None,
        None => Modularity::Unknown,
    }
}
