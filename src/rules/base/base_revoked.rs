//! `base-revoked`: see the page beside this file.

use super::not_asked;
use crate::base::{CatalogEntry, State};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-revoked",
    severity: Severity::Critical,
    page: include_str!("base-revoked.md"),
    needs: Needs::Catalog,
    plan: no_plan,
    judge: |facts, _, findings| in_state(facts, findings, State::Revoked),
};

/// Tells of each base in `state` that the image stands on, or carries all layers of.
pub(super) fn in_state(facts: &Facts, mut findings: Findings<'_>, state: State) -> Judged {
    if let Some(judgement) = not_asked(facts) {
        return Ok(judgement);
    }
    let is_told = |base: &&CatalogEntry| base.state == state;
    let beneath = facts.base.lineage().iter().filter(is_told);
    findings.extend(beneath.map(|base| tell(base, "the image stands on")))?;
    let diff_ids = facts.diff_ids().unwrap_or_default();
    let carried = facts.base.carried().iter().filter(is_told);
    findings.extend(carried.map(|base| match diff_ids.starts_with(&base.diff_ids()) {
        true => {
            tell(base, &format!("the image, for {}, has at its bottom the layers of", facts.image.platform()))
        }
        false => tell(base, "the image has, not at its bottom, all layers of"),
    }))?;
    Ok(Judgement::of(findings))
}

fn tell(base: &CatalogEntry, how: &str) -> Finding {
    let reason =
        base.reason.as_deref().map(|reason| format!(": {}", escape_text(reason))).unwrap_or_default();
    let message = format!("{how} {}, which is {}{reason}", base.title(), base.state);
    let remedy = match &base.successor {
        Some(successor) => format!("rebuild on {}", escape_text(successor)),
        None => "rebuild on an approved base: `ocicheck base list` shows them".to_owned(),
    };
    let mut finding =
        Finding::new(message, remedy).evidence("base", base.title()).evidence("chainId", base.chain_id);
    if let Some(changed) = base.changed {
        finding = finding.evidence("since", changed);
    }
    finding
}
