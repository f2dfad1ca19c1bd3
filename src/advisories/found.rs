//! What a database of advisories says of all that is installed in an image.

mod context;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;

use self::context::{Alike, Context, Whence};
use super::query::Effort;
use super::{Advisories, Answer, Source};
use crate::error::{Error, Result};
use crate::limits::{self, Deadline};
use crate::packages::{Installed, Inventory, Kind};

/// Questions that are asked before what is said is put together: enough for all threads, and few enough for what is
/// said of each to be held.
const ASKED_AT_ONCE: usize = 64;

/// What is known of the vulnerabilities of an image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vulnerabilities {
    /// Each advisory once for all packages that it is about: those built from one source in one version.
    pub found: Vec<Found>,
    /// The packages that advisories are about, as indexes in [`Inventory::packages`], sorted. Each group is there once:
    /// a kernel's packages have thousands of advisories in common.
    pub groups: Vec<Vec<usize>>,
    /// Packages of which no feed speaks, by where they come from.
    pub uncovered: BTreeMap<String, usize>,
    /// Packages that were asked for where no feed is of what they come from, by that: feeds of others name some.
    pub mentioned: BTreeMap<String, usize>,
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
    /// Which of [`Vulnerabilities::groups`] these packages are.
    pub group: usize,
    /// The layer that brought them.
    pub layer: usize,
}

/// The ceilings of asking; tests set lower ones.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// See [`limits::INPUT_FINDINGS`].
    findings: usize,
    /// See [`limits::IMAGE_VULNERABILITY_BYTES`].
    bytes: u64,
    /// See [`limits::ADVISORY_COMPARISONS`].
    comparisons: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            findings: limits::INPUT_FINDINGS,
            bytes: limits::IMAGE_VULNERABILITY_BYTES,
            comparisons: limits::ADVISORY_COMPARISONS,
        }
    }
}

impl Vulnerabilities {
    /// Asks for each package of an image.
    ///
    /// # Errors
    /// A database that cannot be read, or is not as it was written; a limit; the time is up.
    pub fn of(inventory: &Inventory, advisories: &Advisories, deadline: Deadline) -> Result<Self> {
        Self::within(inventory, advisories, Room::default(), deadline)
    }

    fn within(
        inventory: &Inventory,
        advisories: &Advisories,
        room: Room,
        deadline: Deadline,
    ) -> Result<Self> {
        let context = Context::of(inventory, advisories)?;
        let Grouped { groups, uncovered, mentioned } = grouped(inventory, &context)?;
        let effort = Effort::of(room.comparisons, deadline);
        let mut gathered = Gathered { room, bytes: 0, found: BTreeMap::new() };
        let numbered: Vec<(usize, &Group<'_>)> = groups.iter().enumerate().collect();
        for some in numbered.chunks(ASKED_AT_ONCE) {
            deadline.check()?;
            let told: Vec<Result<Vec<Answer>>> =
                some.par_iter().map(|(_, group)| context.ask(group.first, &effort)).collect();
            for (group, answers) in some.iter().zip(told) {
                // The first group's error, whichever thread met one first.
                gathered.add(*group, answers?)?;
            }
        }
        let (sources, built) = (advisories.sources().to_vec(), advisories.header().built.clone());
        let (found, groups) = gathered.done(&groups);
        Ok(Self { found, groups, uncovered, mentioned, sources, built })
    }

    /// The packages that one is about, as indexes in [`Inventory::packages`], sorted.
    pub fn packages(&self, found: &Found) -> &[usize] {
        self.groups.get(found.group).map_or(&[], Vec::as_slice)
    }
}

/// Packages of one layer of which the same is said.
struct Group<'a> {
    first: &'a Installed,
    packages: Vec<usize>,
    /// What all of them are counted as: see [`limits::IMAGE_VULNERABILITY_BYTES`].
    bytes: u64,
}

/// Who is asked for what.
#[derive(Default)]
struct Grouped<'a> {
    /// In the order of the first package of each.
    groups: Vec<Group<'a>>,
    /// See [`Vulnerabilities::uncovered`].
    uncovered: BTreeMap<String, usize>,
    /// See [`Vulnerabilities::mentioned`].
    mentioned: BTreeMap<String, usize>,
}

/// The packages that are asked for, and those of which feeds do not speak, or not enough.
///
/// # Errors
/// A version, which each answer repeats, is longer than any that is one.
fn grouped<'a>(inventory: &'a Inventory, context: &Context<'a>) -> Result<Grouped<'a>> {
    let mut numbers: BTreeMap<(Alike<'a>, usize), usize> = BTreeMap::new();
    let mut grouped = Grouped::default();
    let Grouped { groups, uncovered, mentioned } = &mut grouped;
    for (number, package) in inventory.packages.iter().enumerate() {
        let alike = match context.whence(package) {
            Whence::OfTheDistribution => continue,
            Whence::Uncovered(whence) => {
                *uncovered.entry(whence.to_owned()).or_default() += 1;
                continue;
            }
            Whence::Asked(ecosystem, is_covered) => {
                if !is_covered {
                    *mentioned.entry(ecosystem.to_string()).or_default() += 1;
                }
                context.alike(package, ecosystem)
            }
        };
        if alike.longest_version() > limits::ADVISORY_TEXT_BYTES {
            let limit = limits::ADVISORY_TEXT_BYTES as u64;
            return Err(Error::limit("the version of a package", "ADVISORY_TEXT_BYTES", limit));
        }
        let at = *numbers.entry((alike, package.layer)).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { first: package, packages: Vec::new(), bytes: 0 });
        }
        if let Some(group) = groups.get_mut(at) {
            group.packages.push(number);
            group.bytes = group.bytes.saturating_add(bytes(package));
        }
    }
    Ok(grouped)
}

/// What a finding tells of a package, roughly.
fn bytes(package: &Installed) -> u64 {
    const AROUND: usize = 64;
    (AROUND + package.name.len() + package.version.len() + package.place.as_bytes().len()) as u64
}

/// The advisory, the kind of packages, what it calls them and their version, and the layer.
type Key = (String, Kind, String, String, usize);

/// What was found so far.
struct Gathered {
    room: Room,
    bytes: u64,
    /// With the numbers of the groups of packages, in their order.
    found: BTreeMap<Key, (Answer, Vec<usize>)>,
}

impl Gathered {
    fn add(&mut self, (number, group): (usize, &Group<'_>), answers: Vec<Answer>) -> Result<()> {
        let (kind, layer) = (group.first.kind, group.first.layer);
        for answer in answers {
            self.bytes = self.bytes.saturating_add(group.bytes);
            let key = (answer.id.clone(), kind, answer.package.clone(), answer.version.clone(), layer);
            self.found.entry(key).or_insert_with(|| (answer, Vec::new())).1.push(number);
            if self.bytes > self.room.bytes {
                let what = "what is told of the packages of all vulnerabilities of an image";
                return Err(Error::limit(what, "IMAGE_VULNERABILITY_BYTES", self.room.bytes));
            }
            // The rule has as many findings, and would be refused them.
            if self.found.len() > self.room.findings {
                let what = "the number of vulnerabilities of an image";
                return Err(Error::limit(what, "INPUT_FINDINGS", self.room.findings as u64));
            }
        }
        Ok(())
    }

    /// All of it, and the packages that it is about.
    fn done(self, groups: &[Group<'_>]) -> (Vec<Found>, Vec<Vec<usize>>) {
        let mut numbers: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut joined: Vec<Vec<usize>> = Vec::new();
        let mut found = Vec::with_capacity(self.found.len());
        for ((_, kind, _, _, layer), (answer, about)) in self.found {
            let group = *numbers.entry(about).or_insert_with_key(|about| {
                let packages = about.iter().filter_map(|number| groups.get(*number));
                let mut packages: Vec<usize> = packages.flat_map(|group| &group.packages).copied().collect();
                packages.sort_unstable();
                joined.push(packages);
                joined.len() - 1
            });
            found.push(Found { answer, kind, group, layer });
        }
        (found, joined)
    }
}
