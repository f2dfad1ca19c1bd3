//! Secrets in the image: in its files, its settings, its build history.

mod allowed;
pub(super) mod secret_env;
pub(super) mod secret_file;
pub(super) mod secret_history;
mod shadow;

use super::findings::{Findings, Full, UpTo};
use super::rule::{Finding, Judged, Judgement};
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
fn judge_texts(
    mut findings: Findings<'_>,
    look: impl FnOnce(&mut UpTo<'_, '_>) -> Result<(), Full>,
) -> Judged {
    let mut told = UpTo::new(&mut findings, limits::CONFIG_SECRETS);
    look(&mut told)?;
    let reason = || format!("there are more than {} secrets (CONFIG_SECRETS)", limits::CONFIG_SECRETS);
    let incomplete = told.are_more().then(reason);
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// Tells of secrets in one place.
fn tell_of(
    told: &mut UpTo<'_, '_>,
    found: impl IntoIterator<Item = Found>,
    place: &str,
    remedy: &'static str,
) -> Result<(), Full> {
    found.into_iter().try_for_each(|found| told.add(|| of_text(&found, place, remedy)))
}

/// A finding of a secret in a text; `place` says where it is, and tells two of them apart.
fn of_text(found: &Found, place: &str, remedy: &'static str) -> Finding {
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
    use crate::rules::{Left, Room};

    #[test]
    fn secrets_of_settings_are_held_to_config_secrets() {
        let judge = |count: usize| {
            let room = Room::new(Left::default());
            let tell = |number: usize| Finding::new(format!("{number}"), "x");
            let all = |told: &mut UpTo<'_, '_>| (0..count).try_for_each(|number| told.add(|| tell(number)));
            judge_texts(room.findings(), all).unwrap()
        };
        let most = judge(limits::CONFIG_SECRETS);
        assert_eq!((most.number(), most.incomplete), (limits::CONFIG_SECRETS, None));
        let over = judge(limits::CONFIG_SECRETS + 1);
        assert_eq!(over.number(), limits::CONFIG_SECRETS);
        assert!(over.incomplete.unwrap().contains("CONFIG_SECRETS"));
    }
}
