//! `ambiguous-header`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ambiguous-header",
    severity: Severity::High,
    page: include_str!("ambiguous-header.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::AmbiguousHeader,
            "write the layer anew with an ordinary tar writer",
        )
    },
};
