//! The packages of an image, as report and inspection tell them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::Origin;
use crate::advisories::Verdict;
use crate::digest::hex;
use crate::facts::Facts;
use crate::packages::inventory::Gap;
use crate::packages::{Distribution, FileDigest, Installed, Inventory, PackageFile, Source};

/// All that is installed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReport<'facts> {
    /// What os-release says; null where there is none.
    pub distribution: Option<DistributionReport>,
    /// By kind, name, version, architecture and place.
    pub packages: Vec<PackageReport<'facts>>,
    /// What could not be read: packages may be missing.
    pub gaps: Vec<GapReport>,
}

/// Which distribution an image is of.
#[derive(Debug, Clone, Serialize)]
pub struct DistributionReport {
    /// `debian`.
    pub id: String,
    /// `12`; null where it is not told.
    pub version: Option<String>,
    /// `bookworm`; null where it is not told.
    pub codename: Option<String>,
    /// What people call it.
    pub name: String,
    /// The file that says so.
    pub path: String,
}

/// A package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageReport<'facts> {
    /// As in its package URL: `deb`, `apk`, `rpm`, `pypi`, …
    pub kind: &'static str,
    /// Its name.
    pub name: &'facts str,
    /// As its package manager writes it.
    pub version: &'facts str,
    /// Null where there is none.
    pub architecture: Option<&'facts str>,
    /// What it was built from; null where that is not told.
    pub source: Option<SourceReport<'facts>>,
    /// The module stream it was built in; null where there is none.
    pub module: Option<&'facts str>,
    /// Its package URL.
    pub purl: String,
    /// The file that says that it is there.
    pub place: String,
    /// Where in that file, if that is an archive.
    pub inside: Option<&'facts str>,
    /// The layer that brought it in this version.
    pub layer: usize,
    /// Whose that layer is.
    pub origin: Origin,
    /// The package of the distribution that its place belongs to; null where it is none's.
    pub owner: Option<&'facts str>,
    /// What it brought.
    pub files: FileListing<'facts>,
}

/// A package, as a report of what was judged lists it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstalledReport {
    /// As in its package URL.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// As its package manager writes it.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// The file that says that it is there.
    pub place: String,
    /// Where in that file, if that is an archive.
    pub inside: Option<String>,
    /// The layer that brought it in this version.
    pub layer: usize,
    /// Whose that layer is.
    pub origin: Origin,
    /// How many advisories it is affected by; null where none were given.
    pub advisories: Option<usize>,
}

/// What is installed, with what advisories know of it where they could be asked.
pub(super) fn installed(facts: &Facts) -> Option<Vec<InstalledReport>> {
    let inventory = facts.inventory.as_ref()?;
    let vulnerabilities = facts.vulnerabilities.as_ref().and_then(|known| known.as_ref().ok());
    let affected = vulnerabilities.map(|known| {
        let mut of_groups = vec![0; known.groups.len()];
        for found in known.found.iter().filter(|found| found.answer.verdict == Verdict::Affected) {
            of_groups.get_mut(found.group).into_iter().for_each(|count| *count += 1);
        }
        let mut affected: BTreeMap<usize, usize> = BTreeMap::new();
        for (packages, count) in known.groups.iter().zip(of_groups) {
            packages.iter().for_each(|number| *affected.entry(*number).or_default() += count);
        }
        affected
    });
    let base_layers = facts.base.base_layers();
    let report = |(number, package): (usize, &Installed)| InstalledReport {
        kind: package.kind.purl_type(),
        name: package.name.clone(),
        version: package.version.clone(),
        purl: inventory.purl(package),
        place: package.place.to_string(),
        inside: package.inside.clone(),
        layer: package.layer,
        origin: Origin::of(package.layer, base_layers),
        advisories: affected.as_ref().map(|affected| affected.get(&number).copied().unwrap_or_default()),
    };
    Some(inventory.packages.iter().enumerate().map(report).collect())
}

/// What a package was built from.
#[derive(Debug, Clone, Serialize)]
pub struct SourceReport<'facts> {
    /// Its name.
    pub name: &'facts str,
    /// Its version; null where that is not told.
    pub version: Option<&'facts str>,
}

/// Something that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct GapReport {
    /// The database or file.
    pub place: String,
    /// The layer it is of; null where that is not known.
    pub layer: Option<usize>,
    /// One clause.
    pub reason: String,
}

/// The files of a package, each made when it is written.
#[derive(Debug, Clone, Copy)]
pub struct FileListing<'facts>(&'facts [PackageFile]);

impl FileListing<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// A file of a package.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileReport {
    path: String,
    digest: Option<String>,
    is_config: bool,
}

impl Serialize for FileListing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|file| FileReport {
            path: file.path.to_string(),
            digest: file.packed.digest().map(digest),
            is_config: file.is_config,
        }))
    }
}

fn digest(digest: FileDigest) -> String {
    match digest {
        FileDigest::Md5(bytes) => format!("md5:{}", hex(&bytes)),
        FileDigest::Sha1(bytes) => format!("sha1:{}", hex(&bytes)),
        FileDigest::Sha256(bytes) => format!("sha256:{}", hex(&bytes)),
    }
}

impl<'facts> InventoryReport<'facts> {
    /// The lowest `base_layers` are the base's.
    pub fn of(inventory: &'facts Inventory, base_layers: usize) -> Self {
        let package = |package| package_report(inventory, package, base_layers);
        Self {
            distribution: inventory.distribution.as_ref().map(distribution_report),
            packages: inventory.packages.iter().map(package).collect(),
            gaps: inventory.gaps.iter().map(gap_report).collect(),
        }
    }
}

fn distribution_report(distribution: &Distribution) -> DistributionReport {
    DistributionReport {
        id: distribution.id.clone(),
        version: distribution.version.clone(),
        codename: distribution.codename.clone(),
        name: distribution.title(),
        path: distribution.path.to_string(),
    }
}

fn package_report<'facts>(
    inventory: &Inventory,
    package: &'facts Installed,
    base_layers: usize,
) -> PackageReport<'facts> {
    let source =
        |source: &'facts Source| SourceReport { name: &source.name, version: source.version.as_deref() };
    PackageReport {
        kind: package.kind.purl_type(),
        name: &package.name,
        version: &package.version,
        architecture: package.architecture.as_deref(),
        source: package.source.as_ref().map(source),
        module: package.module.as_deref(),
        purl: inventory.purl(package),
        place: package.place.to_string(),
        inside: package.inside.as_deref(),
        layer: package.layer,
        origin: Origin::of(package.layer, base_layers),
        owner: package.owner.as_deref(),
        files: FileListing(&package.files),
    }
}

fn gap_report(gap: &Gap) -> GapReport {
    GapReport { place: gap.place.to_string(), layer: gap.layer, reason: gap.reason.clone() }
}
