//! `file-capability`: see the page beside this file.

use super::{Privilege, judge};
use crate::digest::hex;
use crate::rootfs::capabilities::FileCapabilities;
use crate::rules::rule::{Finding, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "file-capability",
    severity: Severity::High,
    page: include_str!("file-capability.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings, &PRIVILEGE),
};

const PRIVILEGE: Privilege = Privilege {
    is_carried: |subject| subject.capability().is_some_and(gives_something),
    tell: |subject| {
        let value = subject.capability().unwrap_or_default();
        let names = match FileCapabilities::parse(value) {
            Ok(capabilities) => capabilities.to_string(),
            Err(error) => format!("unreadable ({error})"),
        };
        let remedy = "remove the capability (setcap -r) in the layer that sets it, or grant it to the container instead";
        Finding::new(format!("a file with capabilities: {names}"), remedy)
            .evidence("capabilities", names)
            .evidence("xattr", hex(value))
    },
    once: false,
};

/// An attribute that grants nothing is none; one that cannot be read might grant anything.
fn gives_something(value: &[u8]) -> bool {
    FileCapabilities::parse(value).map_or(true, |capabilities| !capabilities.is_empty())
}
