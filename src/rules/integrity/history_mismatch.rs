//! `history-mismatch`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "history-mismatch",
    severity: Severity::Low,
    page: include_str!("history-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::HistoryMismatch,
            "build the image with a tool that keeps one history entry for each layer",
        )
    },
};
