//! `trailing-data`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "trailing-data",
    severity: Severity::Medium,
    page: include_str!("trailing-data.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::TrailingData,
            "write the layer or archive anew; nothing may follow its end",
        )
    },
};
