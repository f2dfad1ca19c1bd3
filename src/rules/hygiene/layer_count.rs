//! `layer-count`: see the page beside this file.

use crate::facts::Facts;
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "layer-count",
    severity: Severity::Low,
    page: include_str!("layer-count.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let (layers, limit) = (facts.image.layers.len(), settings.options.max_layers);
    if layers <= limit {
        return Ok(Judgement::default());
    }
    let message = format!("the image has {layers} layers, where at most {limit} are wanted");
    let remedy = "join RUN steps that belong together, or build in several stages";
    let finding = Finding::new(message, remedy).evidence("layers", layers).evidence("limit", limit);
    findings.add(finding)?;
    Ok(Judgement::of(findings))
}
