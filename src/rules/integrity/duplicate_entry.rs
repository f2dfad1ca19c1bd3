//! `duplicate-entry`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "duplicate-entry",
    severity: Severity::Medium,
    page: include_str!("duplicate-entry.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::DuplicateEntry,
            "write the layer anew with each path once; docker and podman refuse it as it is",
        )
    },
};
