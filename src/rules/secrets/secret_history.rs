//! `secret-history`: see the page beside this file.

use super::{judge_texts, of_text};
use crate::facts::Facts;
use crate::model::Config;
use crate::rules::findings::{Findings, Full, UpTo};
use crate::rules::rule::{Finding, Judged, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::in_text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-history",
    severity: Severity::High,
    page: include_str!("secret-history.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

const REMEDY: &str = "replace the secret, for it must count as known; then hand it to the build step as a secret (RUN --mount=type=secret), not as an argument or variable";

fn judge(facts: &Facts, findings: Findings<'_>) -> Judged {
    // Where history and layers do not fit together, no step is a layer's.
    let has_layers = !facts.image.build_steps().is_empty();
    judge_texts(findings, |told| {
        facts.image.configs.iter().try_for_each(|config| look_into(config, has_layers, told))
    })
}

fn look_into(config: &Config, has_layers: bool, told: &mut UpTo<'_, '_>) -> Result<(), Full> {
    let mut layers = 0;
    for (number, step) in config.history.iter().enumerate() {
        let layer = Some(layers).filter(|_| !step.empty_layer && has_layers);
        for (what, text) in [("command", &step.created_by), ("comment", &step.comment)] {
            let place = format!("the {what} of build step {}", number + 1);
            for found in in_text(text) {
                told.add(|| Finding { layer, ..of_text(&found, &place, REMEDY) })?;
            }
        }
        layers += usize::from(!step.empty_layer);
    }
    Ok(())
}
