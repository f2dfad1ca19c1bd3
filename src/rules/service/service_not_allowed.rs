//! `service-not-allowed`: see the page beside this file.

use super::{asked, find};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Needs, Rule, no_plan};
use crate::rules::settings::Settings;
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "service-not-allowed",
    severity: Severity::High,
    page: include_str!("service-not-allowed.md"),
    needs: Needs::Environment,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let (services, environment, rootfs) = match asked(facts, settings) {
        Ok(asked) => asked,
        Err(judgement) => return Ok(judgement),
    };
    let refused = services.known.iter().filter(|(name, _)| !environment.allows(name));
    let found = find(refused, facts, rootfs);
    for (name, signs) in &found.signs {
        if signs.is_empty() {
            continue;
        }
        let service = services.known.get(*name);
        let what = service
            .and_then(|service| service.description.as_deref())
            .map(|what| format!(" ({})", escape_text(what)));
        let message = format!(
            "the service {}{} is not allowed in the environment {}",
            escape_text(name),
            what.unwrap_or_default(),
            escape_text(&environment.name)
        );
        let remedy = "leave the service out of images for this environment, or have the policy allow it";
        findings.add(signs.prove(Finding::new(message, remedy).evidence("name", escape_text(name))))?;
    }
    Ok(found.judgement(findings))
}
