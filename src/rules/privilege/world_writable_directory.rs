//! `world-writable-directory`: see the page beside this file.

use super::{Privilege, judge, mode_and_owner};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "world-writable-directory",
    severity: Severity::Medium,
    page: include_str!("world-writable-directory.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| subject.kind == EntryKind::Directory && subject.mode & 0o1002 == 0o002,
    tell: |subject| {
        let message = "a directory in which every user may replace and delete the files of others";
        let remedy = "take the bit away (chmod o-w) and give the directory to the user that writes there, or set the sticky bit (chmod +t)";
        mode_and_owner(Finding::new(message, remedy), subject)
    },
    once: false,
};
