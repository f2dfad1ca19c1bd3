//! `healthcheck-missing`: see the page beside this file.

use crate::facts::Facts;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "healthcheck-missing",
    severity: Severity::Low,
    page: include_str!("healthcheck-missing.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let without = facts.image.configs.iter().filter_map(|config| match config.health_check.as_slice() {
        [] => Some("no HEALTHCHECK is set"),
        [none, ..] if none == "NONE" => Some("HEALTHCHECK is switched off (NONE)"),
        _ => None,
    });
    let remedy = "add HEALTHCHECK with a command that fails when the service does not answer";
    findings.extend(without.map(|message| Finding::new(message, remedy)))?;
    Ok(Judgement::of(findings))
}
