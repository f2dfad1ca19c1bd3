//! `base-package-changed`: see the page beside this file.

use std::cmp::Ordering;

use super::not_asked;
use crate::base::PackageChange;
use crate::digest::ContentId;
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::packages;
use crate::rootfs::Tree;
use crate::rules::contents::{Contents, Whole};
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-package-changed",
    severity: Severity::Medium,
    page: include_str!("base-package-changed.md"),
    needs: Needs::Base,
    plan: packages::plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    if let Some(judgement) = not_asked(facts) {
        return Ok(judgement);
    }
    if facts.base.base_layers() == 0 {
        return Ok(Judgement::not_evaluated("the image stands on no base that could be compared"));
    }
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let whole = Whole::new(facts);
    for (reading, upgrades) in rootfs.readings.iter().zip(&facts.upgrades) {
        findings.extend(upgrades.packages.iter().map(|change| tell(&whole, &reading.effective, change)))?;
    }
    let incomplete = facts.upgrades.iter().find_map(|upgrades| upgrades.incomplete.first().cloned());
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// Versions, and what the paths hold that are explained by them: who accepts one upgrade has seen no other.
fn content(whole: &Whole<'_>, tree: &Tree, change: &PackageChange) -> ContentId {
    let mut contents = Contents::new(whole, tree);
    contents.add("baseVersion", change.was.as_bytes());
    contents.add("version", change.is.as_deref().unwrap_or_default().as_bytes());
    change.explained.iter().for_each(|path| contents.add_path(path));
    contents.digest()
}

fn tell(whole: &Whole<'_>, tree: &Tree, change: &PackageChange) -> Finding {
    let PackageChange { manager, database, name, architecture, was, is, order, layer, explained } = change;
    let paths = match explained.len() {
        0 => "no path of the base differs for it".to_owned(),
        1 => "1 path of the base differs for it".to_owned(),
        many => format!("{many} paths of the base differ for it"),
    };
    let [name, was] = [name, was].map(|text| escape_text(text));
    let what = match (is.as_deref().map(escape_text), order) {
        (None, _) => format!("is removed (it was {was})"),
        (Some(is), Some(Ordering::Greater)) => format!("is upgraded from {was} to {is}"),
        (Some(is), Some(Ordering::Less)) => format!("is downgraded from {was} to {is}"),
        (Some(is), _) if is == was => format!("is there for another architecture, in the same version {is}"),
        (Some(is), _) => format!("has another version: it was {was} and is {is}"),
    };
    let message = format!("the base's package {name} {what}, as the layers above say themselves; {paths}");
    let remedy =
        "rebuild on a newer base that has the package as you need it, or ask the base's owners for one";
    let mut finding = Finding::new(message, remedy)
        .content(content(whole, tree, change))
        .evidence("name", name)
        .evidence("manager", manager)
        .evidence("database", database)
        .evidence("architecture", escape_text(architecture))
        .evidence("baseVersion", was)
        .evidence("version", is.as_deref().map_or("none".to_owned(), escape_text))
        .evidence("explained", explained.len());
    for path in explained {
        finding = finding.evidence("paths", path);
    }
    finding.layer = *layer;
    if *order == Some(Ordering::Less) {
        finding.severity = Some(Severity::High);
    }
    finding
}
