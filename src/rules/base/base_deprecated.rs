//! `base-deprecated`: see the page beside this file.

use super::base_revoked::in_state;
use crate::base::State;
use crate::rules::rule::{Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-deprecated",
    severity: Severity::Medium,
    page: include_str!("base-deprecated.md"),
    needs: Needs::Catalog,
    plan: no_plan,
    judge: |facts, _, findings| in_state(facts, findings, State::Deprecated),
};
