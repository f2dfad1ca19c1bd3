//! Secrets in the image: in its files, its settings, its build history.

mod allowed;
pub(super) mod secret_env;
pub(super) mod secret_file;
pub(super) mod secret_history;

use super::rule::Finding;
use super::severity::Severity;
use crate::scan::secrets::{Found, Weight};

/// How a kind's weight shows in a report.
fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Open => Severity::High,
        Weight::Locked => Severity::Medium,
        Weight::Perhaps => Severity::Low,
    }
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
