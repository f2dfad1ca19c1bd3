//! `base-metadata-changed`: see the page beside this file.

use super::judge_changes;
use crate::base::{Change, ChangeKind};
use crate::facts::Facts;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Needs, Rule, no_plan};
use crate::rules::settings::Settings;
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-metadata-changed",
    severity: Severity::Medium,
    page: include_str!("base-metadata-changed.md"),
    needs: Needs::Base,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    findings.extend(implied_resets(facts))?;
    judge_changes(facts, settings, findings, tell)
}

/// A layer without an entry for a directory that it writes into: most runtimes keep what the base
/// says of the directory, and some reset it to 0755 of root.
fn implied_resets(facts: &Facts) -> impl Iterator<Item = Finding> + '_ {
    let base_layers = facts.base.base_layers();
    facts.rootfs.iter().flat_map(move |rootfs| {
        let in_base = |path| rootfs.readings.iter().any(|reading| reading.base.get(path).is_some());
        let upper = rootfs.implied_resets.iter().filter(move |(layer, path)| *layer >= base_layers && in_base(path));
        upper.map(|(layer, path)| {
            let message = "the layer has no entry for this directory of the base: some runtimes reset its mode and owner";
            let remedy = "build the layer with a tool that writes an entry for each parent directory";
            Finding::new(message, remedy).path(path).layer(*layer).severity(Severity::Low)
        })
    })
}

fn tell(change: &Change) -> Option<Finding> {
    let ChangeKind::Metadata { fields, adds_privilege } = &change.kind else { return None };
    let names: Vec<_> = fields.iter().map(|(name, was, is)| format!("{name} {was} is now {is}")).collect();
    let message = format!("metadata of a base path changed: {}", names.join(", "));
    let mut finding =
        Finding::new(message, "leave mode, owner and attributes of the base's files as they are");
    for (name, was, is) in fields {
        finding = finding.evidence(name, format!("{was} -> {is}"));
    }
    Some(if *adds_privilege {
        finding.severity(Severity::High).evidence("addsPrivilege", true)
    } else {
        finding
    })
}
