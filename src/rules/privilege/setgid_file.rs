//! `setgid-file`: see the page beside this file.

use super::{Privilege, judge, mode_and_owner};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "setgid-file",
    severity: Severity::Medium,
    page: include_str!("setgid-file.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| subject.has_mode(0o2000),
    tell: |subject| {
        let message = format!("a setgid program that runs with gid {} whoever starts it", subject.gid);
        let remedy = "remove the bit (chmod g-s) in the layer that sets it, or leave the file out";
        mode_and_owner(Finding::new(message, remedy), subject)
    },
    once: false,
};
