//! `user-unknown`: see the page beside this file.

use super::written;
use crate::facts::Facts;
use crate::facts::user::{plan, users};
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "user-unknown",
    severity: Severity::Medium,
    page: include_str!("user-unknown.md"),
    needs: Needs::Image,
    plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let mut incomplete = None;
    for user in users(facts) {
        let spec = user.spec.as_deref();
        let resolved = match &user.resolved {
            Ok(resolved) => resolved,
            Err(reason) => {
                incomplete = Some(format!("{}: {reason}", written(spec)));
                continue;
            }
        };
        let told = [
            (resolved.unknown_user, "no such user is in the final /etc/passwd"),
            (resolved.unknown_group, "no such group is in the final /etc/group"),
            (resolved.out_of_range, "the number is outside 0 to 2147483647"),
        ];
        for (_, what) in told.into_iter().filter(|(is_so, _)| *is_so) {
            let message = format!("{}, and {what}: the container does not start", written(spec));
            let remedy = "add the account in the image (useradd), or set USER to a number";
            findings.add(
                Finding::new(message, remedy)
                    .evidence("user", quote::masked(spec.unwrap_or_default().to_owned())),
            )?;
        }
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}
