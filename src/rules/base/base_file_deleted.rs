//! `base-file-deleted`: see the page beside this file.

use super::judge_changes;
use crate::base::{Change, ChangeKind};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-file-deleted",
    severity: Severity::High,
    page: include_str!("base-file-deleted.md"),
    needs: Needs::Base,
    plan: no_plan,
    judge: |facts, settings, findings| judge_changes(facts, settings, findings, tell),
};

fn tell(change: &Change) -> Option<Finding> {
    let ChangeKind::Deleted { below, by_replacement } = &change.kind else { return None };
    let message = match (by_replacement, below) {
        (true, below) => {
            format!("{below} paths of the base below it are gone, for it is no directory any more")
        }
        (false, 0) => "a path of the base is gone".to_owned(),
        (false, below) => format!("a directory of the base is gone, with {below} paths below it"),
    };
    let remedy =
        "leave the base's files where they are; ask the base's owners for a smaller base if you need one";
    Some(Finding::new(message, remedy).evidence("pathsBelow", below))
}
