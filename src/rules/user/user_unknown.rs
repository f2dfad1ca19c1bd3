//! `user-unknown`: see the page beside this file.

use super::written;
use crate::facts::Facts;
use crate::facts::user::{plan, users};
use crate::rules::rule::{Finding, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "user-unknown",
    severity: Severity::Medium,
    page: include_str!("user-unknown.md"),
    needs: Needs::Image,
    plan,
    judge: |facts, _| judge(facts),
};

fn judge(facts: &Facts) -> Judgement {
    let mut judgement = Judgement::default();
    for user in users(facts) {
        let spec = user.spec.as_deref();
        let resolved = match &user.resolved {
            Ok(resolved) => resolved,
            Err(reason) => {
                judgement.incomplete = Some(format!("{}: {reason}", written(spec)));
                continue;
            }
        };
        let told = [
            (resolved.unknown_user, "no such user is in the final /etc/passwd"),
            (resolved.unknown_group, "no such group is in the final /etc/group"),
            (resolved.out_of_range, "the number is outside 0 to 2147483647"),
        ];
        for (is_so, what) in told {
            let message = format!("{}, and {what}: the container does not start", written(spec));
            let remedy = "add the account in the image (useradd), or set USER to a number";
            let finding = Finding::new(message, remedy).evidence("user", spec.unwrap_or_default());
            if is_so && !judgement.findings.contains(&finding) {
                judgement.findings.push(finding);
            }
        }
    }
    judgement
}
