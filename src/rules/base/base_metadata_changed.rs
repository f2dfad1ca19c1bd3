//! `base-metadata-changed`: see the page beside this file.

use super::judge_changes;
use crate::base::{Change, ChangeKind};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-metadata-changed",
    severity: Severity::Medium,
    page: include_str!("base-metadata-changed.md"),
    needs: Needs::Base,
    plan: no_plan,
    judge: |facts, settings| judge_changes(facts, settings, tell),
};

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
