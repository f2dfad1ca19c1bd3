//! `base-file-replaced`: see the page beside this file.

use super::judge_changes;
use crate::base::{Change, ChangeKind};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-file-replaced",
    severity: Severity::High,
    page: include_str!("base-file-replaced.md"),
    needs: Needs::Base,
    plan: no_plan,
    judge: |facts, settings, findings| judge_changes(facts, settings, findings, tell),
};

fn tell(change: &Change) -> Option<Finding> {
    let ChangeKind::Replaced { was, is } = &change.kind else { return None };
    let message = format!("{} of the base has become {}", kind_name(*was), kind_name(*is));
    let remedy = "keep the base's path as it is, and put yours beside it";
    Some(Finding::new(message, remedy).evidence("baseType", kind_name(*was)).evidence("type", kind_name(*is)))
}

/// As findings name it.
pub(in crate::rules) fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File | EntryKind::HardLink => "a file",
        EntryKind::Symlink => "a symlink",
        EntryKind::CharDevice => "a character device",
        EntryKind::BlockDevice => "a block device",
        EntryKind::Directory => "a directory",
        EntryKind::Fifo => "a named pipe",
    }
}
