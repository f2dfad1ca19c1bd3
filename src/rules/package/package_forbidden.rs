//! `package-forbidden`: see the page beside this file.

use std::cmp::Ordering;

use crate::advisories::{Ecosystem, compare, python_name};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::packages::{Installed, Kind, Manager, version};
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::options::ForbiddenPackage;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "package-forbidden",
    severity: Severity::High,
    page: include_str!("package-forbidden.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let forbidden = &settings.options.forbidden_packages;
    if forbidden.is_empty() {
        return Ok(Judgement::default());
    }
    if let Err(reason) = &facts.rootfs {
        return Ok(Judgement::not_evaluated(reason.clone()));
    }
    let Some(inventory) = &facts.inventory else {
        return Ok(Judgement::not_evaluated("what is installed was not looked at"));
    };
    let mut incomplete = None;
    for package in &inventory.packages {
        for (entry, version) in forbidden.iter().filter_map(|entry| Some((entry, named(entry, package)?))) {
            match is_forbidden(entry, package.kind, version) {
                Some(false) => {}
                Some(true) => findings.add(finding(entry, package))?,
                None => {
                    let (name, version) = (escape_text(&package.name), escape_text(version));
                    incomplete =
                        Some(format!("the version {version} of {name} cannot be compared with the policy's"));
                }
            }
        }
    }
    if let Some(gap) = inventory.gaps.first() {
        incomplete = Some(format!("packages may be missing: {}: {}", gap.place, gap.reason));
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// The version to compare where an entry names a package: its own, or that of its source, if that is what is named.
fn named<'a>(entry: &ForbiddenPackage, package: &'a Installed) -> Option<&'a str> {
    if entry.kind.as_deref().is_some_and(|kind| kind != package.kind.purl_type()) {
        return None;
    }
    if is_name(entry, package) {
        return Some(&package.version);
    }
    let source = package.source.as_ref().filter(|source| entry.name.matches(&source.name))?;
    // A source rpm's epoch is not told.
    let version = source.version.as_deref().filter(|_| package.kind != Kind::Rpm);
    Some(version.unwrap_or(&package.version))
}

fn is_name(entry: &ForbiddenPackage, package: &Installed) -> bool {
    let name = package.name.as_str();
    let written = entry.name.text.as_str();
    match package.kind {
        // Written in one of many ways, by the image and by the policy.
        Kind::PyPi => {
            entry.name.matches(name)
                || entry.name.matches(&python_name(name))
                || python_name(written) == python_name(name)
        }
        // A jar that does not say for certain of which group it is may be of any.
        Kind::Maven if package.is_guess => {
            let own = name.rsplit(':').next().unwrap_or_default();
            entry.name.matches(name)
                || entry.name.matches(&format!(":{own}"))
                || written.rsplit_once(':').is_some_and(|(_, artifact)| artifact == own)
        }
        _ => entry.name.matches(name),
    }
}

/// Whether a version is within what is forbidden; `None` where it cannot be compared.
fn is_forbidden(entry: &ForbiddenPackage, kind: Kind, version: &str) -> Option<bool> {
    let from = entry.from.as_deref().map(|from| order(kind, version, from));
    let below = entry.below.as_deref().map(|below| order(kind, version, below));
    let from = from.map_or(Some(true), |order| Some(order?.is_ge()))?;
    let below = below.map_or(Some(true), |order| Some(order?.is_lt()))?;
    Some(from && below)
}

fn order(kind: Kind, a: &str, b: &str) -> Option<Ordering> {
    let manager = match kind {
        Kind::Deb => Manager::Dpkg,
        Kind::Apk => Manager::Apk,
        Kind::Rpm => Manager::Rpm,
        _ => return compare(Ecosystem::parse(kind.ecosystem()?).ok()?.order(), a, b),
    };
    version::compare(manager, a, b)
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
