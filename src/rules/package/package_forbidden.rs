//! `package-forbidden`: see the page beside this file.

use std::cmp::Ordering;

use crate::advisories::{Ecosystem, compare};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::packages::{Installed, Kind, Manager, version};
use crate::rules::Settings;
use crate::rules::options::ForbiddenPackage;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "package-forbidden",
    severity: Severity::High,
    page: include_str!("package-forbidden.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings) -> Judgement {
    let forbidden = &settings.options.forbidden_packages;
    if forbidden.is_empty() {
        return Judgement::default();
    }
    if let Err(reason) = &facts.rootfs {
        return Judgement::not_evaluated(reason.clone());
    }
    let Some(inventory) = &facts.inventory else {
        return Judgement::not_evaluated("what is installed was not looked at");
    };
    let mut judgement = Judgement::default();
    for package in &inventory.packages {
        for entry in forbidden.iter().filter(|entry| names(entry, package)) {
            match is_forbidden(entry, package) {
                Some(false) => {}
                Some(true) => judgement.findings.push(finding(entry, package)),
                None => {
                    let (name, version) = (escape_text(&package.name), escape_text(&package.version));
                    judgement.incomplete =
                        Some(format!("the version {version} of {name} cannot be compared with the policy's"));
                }
            }
        }
    }
    if let Some(gap) = inventory.gaps.first() {
        judgement.incomplete = Some(format!("packages may be missing: {}: {}", gap.place, gap.reason));
    }
    Judgement { incomplete: judgement.incomplete, ..Judgement::of_unique(judgement.findings) }
}

fn names(entry: &ForbiddenPackage, package: &Installed) -> bool {
    let is_kind = entry.kind.as_deref().is_none_or(|kind| kind == package.kind.purl_type());
    let source = package.source.iter().map(|source| source.name.as_str());
    is_kind && std::iter::once(package.name.as_str()).chain(source).any(|name| entry.name.matches(name))
}

/// Whether a version is within what is forbidden; `None` where it cannot be compared.
fn is_forbidden(entry: &ForbiddenPackage, package: &Installed) -> Option<bool> {
    let from = entry.from.as_deref().map(|from| order(package.kind, &package.version, from));
    let below = entry.below.as_deref().map(|below| order(package.kind, &package.version, below));
    let from = from.map_or(Some(true), |order| Some(order?.is_ge()))?;
    let below = below.map_or(Some(true), |order| Some(order?.is_lt()))?;
    Some(from && below)
}

fn order(kind: Kind, a: &str, b: &str) -> Option<Ordering> {
    let language = match kind {
        Kind::Deb => return version::compare(Manager::Dpkg, a, b),
        Kind::Apk => return version::compare(Manager::Apk, a, b),
        Kind::Rpm => return version::compare(Manager::Rpm, a, b),
        Kind::PyPi => "PyPI",
        Kind::Npm => "npm",
        Kind::Maven => "Maven",
        Kind::Go => "Go",
        Kind::Cargo => "crates.io",
        Kind::Gem => "RubyGems",
    };
    compare(Ecosystem::parse(language).ok()?.order(), a, b)
}

fn finding(entry: &ForbiddenPackage, package: &Installed) -> Finding {
    let message = format!(
        "{} {} is installed: {}",
        escape_text(&package.name),
        escape_text(&package.version),
        escape_text(&entry.reason)
    );
    Finding::new(message, "leave the package out, or take a version that the policy allows")
        .path(&package.place)
        .layer(package.layer)
        .identity(format!("{}\n{}\n{}", package.kind, package.name, entry.name.text))
        .evidence("package", escape_text(&package.name))
        .evidence("version", escape_text(&package.version))
        .evidence("packageKind", package.kind)
        .evidence("pattern", escape_text(&entry.name.text))
}
