//! `secret-env`: see the page beside this file.

use super::of_text;
use crate::facts::Facts;
use crate::model::Config;
use crate::model::escape::escape_text;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::{in_assignment, in_words};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-env",
    severity: Severity::High,
    page: include_str!("secret-env.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _| judge(facts),
};

const REMEDY: &str = "replace the secret, for it must count as known; then give it to the container when it starts (a mounted file, the orchestrator's secrets)";

fn judge(facts: &Facts) -> Judgement {
    Judgement::of_unique(facts.image.configs.iter().flat_map(of_config).collect())
}

fn of_config(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for variable in &config.env {
        let (name, value) = variable.split_once('=').unwrap_or(("", variable));
        let place = format!("the variable {}", escape_text(name));
        findings.extend(in_assignment(name, value).iter().map(|found| of_text(found, &place, REMEDY)));
    }
    for (name, value) in &config.labels {
        let place = format!("the label {}", escape_text(name));
        findings.extend(in_assignment(name, value).iter().map(|found| of_text(found, &place, REMEDY)));
    }
    for (place, words) in [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)] {
        findings.extend(in_words(words).iter().map(|(_, found)| of_text(found, place, REMEDY)));
    }
    findings
}
