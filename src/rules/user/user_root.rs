//! `user-root`: see the page beside this file.

use super::written;
use crate::facts::Facts;
use crate::facts::user::{plan, users};
use crate::rules::rule::{Finding, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "user-root",
    severity: Severity::High,
    page: include_str!("user-root.md"),
    needs: Needs::Image,
    plan,
    judge: |facts, _| judge(facts),
};

fn judge(facts: &Facts) -> Judgement {
    let mut judgement = Judgement::default();
    for user in users(facts) {
        let spec = user.spec.as_deref();
        match user.is_root() {
            Ok(false) => {}
            Ok(true) => {
                let message = format!("the image runs as uid 0: {}", written(spec));
                let remedy =
                    "end the Dockerfile with USER and a number that is not 0, for example USER 10001";
                let finding = Finding::new(message, remedy).evidence("user", spec.unwrap_or_default());
                if !judgement.findings.contains(&finding) {
                    judgement.findings.push(finding);
                }
            }
            Err(reason) => judgement.incomplete = Some(format!("{}: {reason}", written(spec))),
        }
    }
    judgement
}
