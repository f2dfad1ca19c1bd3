//! `user-root`: see the page beside this file.

use super::written;
use crate::facts::Facts;
use crate::facts::user::{plan, users};
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "user-root",
    severity: Severity::High,
    page: include_str!("user-root.md"),
    needs: Needs::Image,
    plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let mut incomplete = None;
    for user in users(facts) {
        let spec = user.spec.as_deref();
        match user.is_root() {
            Ok(false) => {}
            Ok(true) => {
                let message = format!("the image runs as uid 0: {}", written(spec));
                let remedy =
                    "end the Dockerfile with USER and a number that is not 0, for example USER 10001";
                findings.add(
                    Finding::new(message, remedy)
                        .evidence("user", quote::masked(spec.unwrap_or_default().to_owned())),
                )?;
            }
            Err(reason) => incomplete = Some(format!("{}: {reason}", written(spec))),
        }
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}
