//! `ambiguous-entry`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ambiguous-entry",
    severity: Severity::High,
    page: include_str!("ambiguous-entry.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::AmbiguousEntry,
            "build the layer so that no entry depends on the runtime that applies it",
        )
    },
};
