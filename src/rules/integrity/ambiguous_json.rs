//! `ambiguous-json`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ambiguous-json",
    severity: Severity::High,
    page: include_str!("ambiguous-json.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::AmbiguousJson,
            "write the document anew, with each key once and in the spelling of the spec",
        )
    },
};
