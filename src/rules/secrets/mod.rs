//! Secrets in the image: in its files, its settings, its build history.

mod allowed;
pub(super) mod secret_env;
pub(super) mod secret_file;
pub(super) mod secret_history;
mod shadow;

use super::rule::{Finding, Judgement};
use super::severity::Severity;
use crate::limits;
use crate::scan::secrets::{Found, Weight};

/// How a kind's weight shows in a report.
fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Open => Severity::High,
        Weight::Locked => Severity::Medium,
        Weight::Perhaps => Severity::Low,
    }
}

/// What was found in settings or history, each once; as much of it as is told.
fn judgement(findings: impl Iterator<Item = Finding>) -> Judgement {
    let mut findings: Vec<_> = findings.take(limits::CONFIG_SECRETS + 1).collect();
    let too_many = findings.len() > limits::CONFIG_SECRETS;
    findings.truncate(limits::CONFIG_SECRETS);
    let reason = || format!("there are more than {} secrets (CONFIG_SECRETS)", limits::CONFIG_SECRETS);
    Judgement { incomplete: too_many.then(reason), ..Judgement::of_unique(findings) }
}

/// A finding of a secret in a text; `place` says where it is, and tells two of them apart.
fn of_text(found: &Found, place: &str, remedy: &str) -> Finding {
    let finding = Finding::new(format!("{place} has {}", found.kind.what), remedy)
        .severity(severity(found.kind.weight))
        .evidence("kind", found.kind.id);
    let finding = match &found.name {
        Some(name) => finding.evidence("variable", crate::model::escape::escape_text(name)),
        None => finding,
    };
    finding.evidence("length", found.length).evidence("masked", found.kind.masked())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_settings_are_held_to_config_secrets() {
        let judge = |count: usize| judgement((0..count).map(|number| Finding::new(format!("{number}"), "x")));
        let most = judge(limits::CONFIG_SECRETS);
        assert_eq!((most.findings.len(), most.incomplete), (limits::CONFIG_SECRETS, None));
        let over = judge(limits::CONFIG_SECRETS + 1);
        assert_eq!(over.findings.len(), limits::CONFIG_SECRETS);
        assert!(over.incomplete.unwrap().contains("CONFIG_SECRETS"));
    }
}
