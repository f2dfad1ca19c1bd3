//! `media-type-mismatch`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "media-type-mismatch",
    severity: Severity::Medium,
    page: include_str!("media-type-mismatch.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::MediaTypeMismatch,
            "push or copy the image with a tool that sets the media type it writes",
        )
    },
};
