//! `image-size`: see the page beside this file.

use crate::facts::Facts;
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "image-size",
    severity: Severity::Low,
    page: include_str!("image-size.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let Some(limit) = settings.options.max_image_bytes else { return Ok(Judgement::default()) };
    if let Some(reason) = facts.unread_layers() {
        return Ok(Judgement::not_evaluated(reason));
    }
    let tars = facts.layers.iter().flatten().filter_map(|layer| layer.tar.as_ref().ok());
    let size = tars.fold(0_u64, |sum, tar| sum.saturating_add(tar.size));
    if size <= limit {
        return Ok(Judgement::default());
    }
    let message = format!("the layers take {size} bytes uncompressed, where at most {limit} are wanted");
    let remedy = "build in one stage and copy what runs into another, or choose a smaller base";
    let finding = Finding::new(message, remedy).evidence("bytes", size).evidence("limit", limit);
    findings.add(finding)?;
    Ok(Judgement::of(findings))
}
