//! `layer-count-mismatch`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "layer-count-mismatch",
    severity: Severity::Critical,
    page: include_str!("layer-count-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::LayerCountMismatch,
            "build or save the image again; its manifest and config do not belong together",
        )
    },
};
