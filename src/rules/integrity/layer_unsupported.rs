//! `layer-unsupported`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "layer-unsupported",
    severity: Severity::High,
    page: include_str!("layer-unsupported.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::LayerUnsupported,
            "give the image with plain, gzip or zstd compressed tar layers",
        )
    },
};
