//! `diff-id-mismatch`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "diff-id-mismatch",
    severity: Severity::Critical,
    page: include_str!("diff-id-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::DiffIdMismatch,
            "do not use this image; pull or build it again from a trusted place",
        )
    },
};
