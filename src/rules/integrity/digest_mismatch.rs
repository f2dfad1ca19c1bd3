//! `digest-mismatch`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "digest-mismatch",
    severity: Severity::Critical,
    page: include_str!("digest-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::DigestMismatch,
            "do not use this image; pull or build it again from a trusted place",
        )
    },
};
