//! `device-node`: see the page beside this file.

use super::{Privilege, judge};
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "device-node",
    severity: Severity::High,
    page: include_str!("device-node.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| matches!(subject.kind, EntryKind::CharDevice | EntryKind::BlockDevice),
    tell: |subject| {
        let kind = if subject.kind == EntryKind::BlockDevice { "block" } else { "character" };
        let device = format!("{}:{}", subject.device.0, subject.device.1);
        let remedy = "leave device nodes out of the image; the runtime makes those that a container may use";
        Finding::new(format!("a {kind} device node, {device}"), remedy)
            .evidence("device", device)
            .evidence("mode", format!("{:04o}", subject.mode))
    },
    once: false,
};
