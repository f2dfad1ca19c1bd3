//! `secret-history`: see the page beside this file.

use super::{judgement, of_text};
use crate::facts::Facts;
use crate::model::Config;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::in_text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-history",
    severity: Severity::High,
    page: include_str!("secret-history.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _| judge(facts),
};

const REMEDY: &str = "replace the secret, for it must count as known; then hand it to the build step as a secret (RUN --mount=type=secret), not as an argument or variable";

fn judge(facts: &Facts) -> Judgement {
    // Where history and layers do not fit together, no step is a layer's.
    let has_layers = !facts.image.build_steps().is_empty();
    let findings = facts.image.configs.iter().flat_map(|config| of_config(config, has_layers));
    judgement(findings)
}

fn of_config(config: &Config, has_layers: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut layers = 0;
    for (number, step) in config.history.iter().enumerate() {
        for (what, text) in [("command", &step.created_by), ("comment", &step.comment)] {
            let place = format!("the {what} of build step {}", number + 1);
            for found in in_text(text) {
                let finding = of_text(&found, &place, REMEDY);
                findings.push(if step.empty_layer || !has_layers { finding } else { finding.layer(layers) });
            }
        }
        layers += usize::from(!step.empty_layer);
    }
    findings
}
