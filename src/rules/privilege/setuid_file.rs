//! `setuid-file`: see the page beside this file.

use super::{Privilege, judge, mode_and_owner};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "setuid-file",
    severity: Severity::High,
    page: include_str!("setuid-file.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| subject.has_mode(0o4000),
    tell: |subject| {
        let message = format!("a setuid program that runs as uid {} whoever starts it", subject.uid);
        let remedy = "remove the bit (chmod u-s) in the layer that sets it, or leave the file out";
        mode_and_owner(Finding::new(message, remedy), subject)
    },
    once: false,
};
