//! `world-writable-file`: see the page beside this file.

use super::{Privilege, judge, mode_and_owner};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "world-writable-file",
    severity: Severity::Medium,
    page: include_str!("world-writable-file.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| subject.has_mode(0o002),
    tell: |subject| {
        let remedy = "take the bit away (chmod o-w) in the layer that sets it; give the file to the user that writes it";
        mode_and_owner(Finding::new("a file that every user may write", remedy), subject)
    },
    once: true,
};
