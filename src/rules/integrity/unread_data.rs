//! `unread-data`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "unread-data",
    severity: Severity::Low,
    page: include_str!("unread-data.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::UnreadData,
            "compress the layer anew with an ordinary tool; accept it where the image is meant to be pulled in parts",
        )
    },
};
