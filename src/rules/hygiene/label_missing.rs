//! `label-missing`: see the page beside this file.

use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "label-missing",
    severity: Severity::Low,
    page: include_str!("label-missing.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    for config in &facts.image.configs {
        let value = |name: &String| config.labels.get(name).map_or("", |value| value.trim());
        for name in settings.options.required_labels.iter().filter(|name| value(name).is_empty()) {
            let name = escape_text(name);
            let message = format!("the label {name} is not set, or empty");
            findings.add(Finding::new(message, format!("set it: LABEL {name}=…")).evidence("label", name))?;
        }
    }
    Ok(Judgement::of(findings))
}
