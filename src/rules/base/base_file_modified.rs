//! `base-file-modified`: see the page beside this file.

use super::judge_changes;
use crate::base::accounts::is_account_file;
use crate::base::{Change, ChangeKind};
use crate::digest::hex;
use crate::model::escape::escape_bytes;
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-file-modified",
    severity: Severity::High,
    page: include_str!("base-file-modified.md"),
    needs: Needs::Base,
    plan: no_plan,
    judge: |facts, settings, findings| judge_changes(facts, settings, findings, tell),
};

const REMEDY: &str = "keep the base's file and configure beside it (a conf.d directory, an environment variable), or ask the base's owners for the change";

fn tell(change: &Change) -> Option<Finding> {
    match &change.kind {
        // Compared line by line, by a rule of their own.
        ChangeKind::Modified { .. } if is_account_file(&change.path) => None,
        ChangeKind::Modified { was, is } => Some(
            Finding::new("a file of the base has other content", REMEDY)
                .evidence("baseSha256", hex(&was.0))
                .evidence("sha256", hex(&is.0))
                .evidence("baseSize", was.1)
                .evidence("size", is.1),
        ),
        ChangeKind::Retargeted { was, is } => Some(
            Finding::new("a symlink of the base has another target", REMEDY)
                .evidence("baseTarget", escape_bytes(was))
                .evidence("target", escape_bytes(is)),
        ),
        ChangeKind::Replaced { .. } | ChangeKind::Deleted { .. } | ChangeKind::Metadata { .. } => None,
    }
}
