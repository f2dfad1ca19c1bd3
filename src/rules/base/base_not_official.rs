//! `base-not-official`: see the page beside this file.

use super::not_asked;
use crate::base::{BaseStatus, CatalogEntry, State, Tier};
use crate::facts::Facts;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::settings::BaseDemand;
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-not-official",
    severity: Severity::Critical,
    page: include_str!("base-not-official.md"),
    needs: Needs::Catalog,
    plan: no_plan,
    judge: |facts, settings, findings| judge(facts, settings.base, findings),
};

const REMEDY: &str = "build on an approved base: `ocicheck base list` shows them";

fn judge(facts: &Facts, demand: BaseDemand, mut findings: Findings<'_>) -> Judged {
    if let Some(judgement) = not_asked(facts) {
        return Ok(judgement);
    }
    if facts.base.is_official() {
        findings.extend(wrong_tier(facts.base.lineage(), demand))?;
        return Ok(Judgement::of(findings));
    }
    // That it stands on a revoked one is told by the rule for that.
    if facts.base.lineage().iter().any(|base| base.state == State::Revoked && base.tier == Tier::Official) {
        return Ok(Judgement::default());
    }
    let finding = match &facts.base {
        BaseStatus::Matched { lineage, .. } => {
            let names: Vec<_> = lineage.iter().map(|base| base.title()).collect();
            let message =
                format!("the image stands on {}, which stands on no official base", names.join(" and "));
            Finding::new(message, REMEDY)
        }
        BaseStatus::Missing { nearest: Some(near), .. } => {
            let message = format!("the image stands on no base of the catalog; {}", near.explain());
            let mut finding = Finding::new(message, REMEDY)
                .evidence("nearest", near.base.title())
                .evidence("layersAgreed", near.layers_agreed);
            if let Some(content) = near.content {
                finding = finding.evidence("files", content.files).evidence("equalFiles", content.equal);
            }
            if let Some(at) = near.breaks_at {
                finding = finding.evidence("expected", at.expected);
                if let Some(found) = at.found {
                    finding = finding.layer(at.layer).evidence("found", found);
                }
            }
            finding
        }
        _ => Finding::new("the image stands on no base of the catalog, and shares no layer with any", REMEDY),
    };
    findings.add(finding)?;
    Ok(Judgement::of(findings))
}

/// The profile may demand a base of one tier right below the application.
fn wrong_tier(lineage: &[CatalogEntry], demand: BaseDemand) -> Option<Finding> {
    let wanted = match demand {
        BaseDemand::Official => Tier::Official,
        BaseDemand::Custom => Tier::Custom,
        BaseDemand::Either | BaseDemand::Optional | BaseDemand::None => return None,
    };
    let directly = lineage.iter().rfind(|base| base.state != State::Revoked)?;
    let same_layers = |base: &&CatalogEntry| base.layers.len() == directly.layers.len();
    let usable = lineage.iter().filter(|base| base.state != State::Revoked);
    if usable.filter(same_layers).any(|base| base.tier == wanted) {
        return None;
    }
    let message = format!(
        "the image stands directly on {} ({}), and the profile demands a base of tier {wanted}",
        directly.title(),
        directly.tier
    );
    let remedy =
        "build on a base of that tier, or have the image judged by the profile for its way of publishing";
    Some(Finding::new(message, remedy).evidence("base", directly.title()).evidence("tier", directly.tier))
}
