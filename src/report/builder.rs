//! Putting images, errors and notes together into one report.

use std::time::Duration;

use super::vex::vex_reports;
use super::{
    BaselineReport, ErrorReport, FindingReport, FindingStatus, ImageReport, Note, Outcome, PolicyAction,
    PolicyInfo, Report, Run, SCHEMA_VERSION, Summary, Tool, Verdict, WaiverReport, WaiverStatus,
};
use crate::digest::Digest;
use crate::error::Error;
use crate::policy::{Baseline, Policy, Source, Waiver};
use crate::rules::Severity;

/// Collects what came of each input.
#[derive(Debug)]
pub struct Builder {
    policy: Policy,
    images: Vec<ImageReport>,
    errors: Vec<ErrorReport>,
    notes: Vec<Note>,
}

impl Builder {
    /// Starts a report by the policy in force.
    pub fn new(policy: &Policy) -> Self {
        Self { policy: policy.clone(), images: Vec::new(), errors: Vec::new(), notes: Vec::new() }
    }

    /// Adds what came of one input.
    pub fn add(&mut self, source: &str, images: Vec<ImageReport>, errors: Vec<Error>, notes: Vec<String>) {
        self.images.extend(images);
        self.errors.extend(errors.iter().map(|error| ErrorReport::of(source, error)));
        self.notes.extend(notes.into_iter().map(|message| Note::of(source, message)));
    }

    /// The report; `started_at` is RFC 3339.
    pub fn finish(self, started_at: String, duration: Duration, jobs: usize) -> Report {
        let summary = summary(&self.images, self.errors.len());
        let worst = self.images.iter().map(|image| image.verdict).max().unwrap_or(Verdict::Pass);
        let verdict = if self.errors.is_empty() { worst } else { Verdict::Error };
        Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            policy: policy_info(&self.policy, &self.images),
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

/// The policy, and what became of its waivers.
fn policy_info(policy: &Policy, images: &[ImageReport]) -> PolicyInfo {
    PolicyInfo {
        source: policy.source.name().to_owned(),
        discovered: matches!(policy.source, Source::Discovered(_)),
        sha256: policy.sha256.hex(),
        profile: policy.profile.name.clone(),
        environment: policy
            .settings
            .services
            .environment
            .as_ref()
            .map(|environment| environment.name.clone()),
        fail_on: policy.fail_on,
        waivers: policy.waivers.iter().map(|waiver| waiver_report(policy, waiver, images)).collect(),
        baseline: policy.baseline.as_ref().map(|baseline| baseline_report(baseline, images)),
        vex: vex_reports(&policy.vex, images),
    }
}

/// The digests that an image is known by.
pub(super) fn digests(image: &ImageReport) -> Vec<Digest> {
    let identity = &image.identity;
    let digests =
        identity.manifest_digest.iter().chain([&identity.config_digest]).chain(&identity.index_digests);
    digests.filter_map(|text| text.parse().ok()).collect()
}

fn baseline_report(baseline: &Baseline, images: &[ImageReport]) -> BaselineReport {
    let findings = images.iter().flat_map(|image| &image.findings);
    BaselineReport {
        source: baseline.source.clone(),
        sha256: baseline.sha256.hex(),
        known: findings.filter(|finding| finding.status == FindingStatus::Known).count(),
    }
}

fn waiver_report(policy: &Policy, waiver: &Waiver, images: &[ImageReport]) -> WaiverReport {
    let by_it = |finding: &&FindingReport| {
        let line = finding.policy.as_ref().filter(|line| line.action == PolicyAction::Waiver);
        line.is_some_and(|line| line.line == waiver.place.line)
    };
    let findings = images.iter().flat_map(|image| &image.findings).filter(by_it).count();
    let concerns = |image: &ImageReport| waiver.concerns(&image.identity.names, &digests(image));
    let status = match findings {
        _ if waiver.is_expired(policy.today) => WaiverStatus::Expired,
        1.. => WaiverStatus::Used,
        0 if images.iter().any(concerns) => WaiverStatus::Unused,
        0 => WaiverStatus::OtherImage,
    };
    WaiverReport {
        line: waiver.place.line,
        rule: waiver.rule,
        status,
        findings,
        reason: waiver.reason.clone(),
        owner: waiver.owner.clone(),
        expires: waiver.expires.map(|date| date.to_string()),
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
