//! `unreferenced-blob`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "unreferenced-blob",
    severity: Severity::Low,
    page: include_str!("unreferenced-blob.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::UnreferencedBlob,
            "copy the image to a fresh archive, which leaves such blobs behind",
        )
    },
};
