//! Putting images, errors and notes together into one report.

use std::time::Duration;

use super::{
    ErrorReport, ImageReport, Note, Outcome, PolicyInfo, Report, Run, SCHEMA_VERSION, Summary, Tool, Verdict,
};
use crate::error::Error;
use crate::policy::Policy;
use crate::rules::Severity;

/// Collects what came of each input.
#[derive(Debug)]
pub struct Builder {
    policy: PolicyInfo,
    images: Vec<ImageReport>,
    errors: Vec<ErrorReport>,
    notes: Vec<Note>,
}

impl Builder {
    /// Starts a report by the policy in force.
    pub fn new(policy: &Policy) -> Self {
        let policy = PolicyInfo {
            source: policy.source().to_owned(),
            sha256: policy.digest().hex(),
            profile: policy.profile.to_string(),
            environment: None,
            fail_on: policy.fail_on,
        };
        Self { policy, images: Vec::new(), errors: Vec::new(), notes: Vec::new() }
    }

    /// Adds what came of one input.
    pub fn add(&mut self, source: &str, images: Vec<ImageReport>, errors: Vec<Error>, notes: Vec<String>) {
        self.images.extend(images);
        self.errors.extend(errors.iter().map(|error| ErrorReport::of(source, error)));
        self.notes.extend(notes.into_iter().map(|message| Note { source: source.to_owned(), message }));
    }

    /// The report; `started_at` is RFC 3339.
    pub fn finish(self, started_at: String, duration: Duration, jobs: usize) -> Report {
        let summary = summary(&self.images, self.errors.len());
        let worst = self.images.iter().map(|image| image.verdict).max().unwrap_or(Verdict::Pass);
        let verdict = if self.errors.is_empty() { worst } else { Verdict::Error };
        Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            policy: self.policy,
            verdict,
            images: self.images,
            errors: self.errors,
            notes: self.notes,
            summary,
            run: Run {
                started_at,
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
                jobs,
            },
        }
    }
}

pub(super) fn summary(images: &[ImageReport], errors: usize) -> Summary {
    let of = |verdict| images.iter().filter(|image| image.verdict == verdict).count();
    let found =
        |severity| images.iter().flat_map(|image| &image.findings).filter(|f| f.severity == severity).count();
    let rules = images.iter().flat_map(|image| &image.rules);
    Summary {
        images: images.len(),
        passed: of(Verdict::Pass),
        failed: of(Verdict::Fail),
        errored: of(Verdict::Error),
        errors,
        findings: Severity::WORST_FIRST
            .into_iter()
            .map(|severity| (severity.to_string(), found(severity)))
            .collect(),
        rules_not_evaluated: rules.filter(|rule| rule.outcome == Outcome::NotEvaluated).count(),
    }
}
