//! `service-missing`: see the page beside this file.

use super::{asked, find};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Needs, Rule, no_plan};
use crate::rules::settings::Settings;
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "service-missing",
    severity: Severity::Medium,
    page: include_str!("service-missing.md"),
    needs: Needs::Environment,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let (services, environment, rootfs) = match asked(facts, settings) {
        Ok(asked) => asked,
        Err(judgement) => return Ok(judgement),
    };
    let required = services.known.iter().filter(|(name, _)| environment.require.contains(*name));
    let found = find(required, facts, rootfs);
    let is_missing = |name: &&String| {
        found.signs.get(name.as_str()).is_none_or(super::Signs::is_empty)
            && !found.unknown.contains(name.as_str())
    };
    let finding = |name: &String| {
        let message = format!(
            "the service {} is not in the image, and the environment {} requires it",
            escape_text(name),
            escape_text(&environment.name)
        );
        let remedy = "add the service to the image; the policy says by which files, variables or arguments it is known";
        Finding::new(message, remedy).evidence("name", escape_text(name))
    };
    findings.extend(environment.require.iter().filter(is_missing).map(finding))?;
    Ok(found.judgement(findings))
}
