//! `blob-missing`: see the page beside this file.

use crate::model::Fault;
use crate::rules::rule::{Needs, Rule, from_anomalies, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "blob-missing",
    severity: Severity::Critical,
    page: include_str!("blob-missing.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| {
        from_anomalies(
            facts,
            findings,
            Fault::BlobMissing,
            "save or copy the image again, with all its blobs",
        )
    },
};
