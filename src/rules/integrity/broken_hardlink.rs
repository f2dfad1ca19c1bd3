//! `broken-hardlink`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "broken-hardlink",
    severity: Severity::Medium,
    page: include_str!("broken-hardlink.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::BrokenHardlink,
            "build the layer again; the hard link's target must be in the image",
        )
    },
};
