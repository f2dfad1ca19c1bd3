//! `path-escapes-root`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_layer_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "path-escapes-root",
    severity: Severity::High,
    page: include_str!("path-escapes-root.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_layer_anomalies(
            facts,
            findings,
            Fault::PathEscapesRoot,
            "do not unpack this image with other tools; find out who made it",
        )
    },
};
