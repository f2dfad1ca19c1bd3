//! The report: the wire format, version 1, and one renderer a file.
//!
//! The types here are the contract with whoever reads the JSON (`docs/report.schema.json`); they
//! are filled once, complete and sorted, before anything is rendered.

mod build;
mod builder;
#[cfg(test)]
pub(crate) mod contract;
mod findings;
mod fingerprint;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod formats_tests;
pub mod gitlab;
pub mod html;
mod image;
pub mod inspect;
pub mod inventory;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
#[cfg(test)]
mod reference_tests;
pub mod sarif;
pub mod sbom;
mod stream;
pub mod text;
mod vex;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use builder::Builder;

pub use build::{ImageVerdict, build_image};

pub use inventory::InstalledReport;

pub use vex::{Heard, StatementReport, UnusedReport, VexReport};

pub use image::{
    BaseReport, BaseState, BreakReport, ConfigReport, ContentReport, ImageContents, ImageIdentity,
    LayerReport, LineageReport, NearestReport, Origin, PlatformReport,
};

use crate::rules::quote::masked;
use crate::rules::{Evidence, Severity};

/// The version of this format.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// By what it was judged.
    pub policy: PolicyInfo,
    /// Error before fail before pass.
    pub verdict: Verdict,
    /// In the order of the command line, then of the archive.
    pub images: Vec<ImageReport>,
    /// Inputs and images that could not be checked.
    pub errors: Vec<ErrorReport>,
    /// Things to know that are no fault.
    pub notes: Vec<Note>,
    /// Counts over all images.
    pub summary: Summary,
    /// What differs from run to run; always last.
    pub run: Run,
}

/// Who wrote it.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// `ocicheck`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// By what policy was judged.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInfo {
    /// Where the policy came from: a file, or `built-in`.
    pub source: String,
    /// Whether the file was found in the current directory and not named: then it belongs to whoever is
    /// judged.
    pub discovered: bool,
    /// SHA-256 of the policy's text.
    pub sha256: String,
    /// The profile in force.
    pub profile: String,
    /// The environment asked for.
    pub environment: Option<String>,
    /// The severity from which on a finding fails.
    pub fail_on: Severity,
    /// What became of each waiver, in the order of the policy.
    pub waivers: Vec<WaiverReport>,
    /// The report of before that was given; null where none was.
    pub baseline: Option<BaselineReport>,
    /// What became of each VEX document, those of the policy first.
    pub vex: Vec<VexReport>,
}

/// What became of a baseline.
#[derive(Debug, Clone, Serialize)]
pub struct BaselineReport {
    /// Its file, as named.
    pub source: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// How many findings do not fail since it knows them, over all images.
    pub known: usize,
}

/// What became of a waiver.
#[derive(Debug, Clone, Serialize)]
pub struct WaiverReport {
    /// Where it stands in the policy.
    pub line: usize,
    /// The rule whose findings it accepts.
    pub rule: &'static str,
    /// Whether it did.
    pub status: WaiverStatus,
    /// How many findings it accepted, over all images.
    pub findings: usize,
    /// Why it was given.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it applies; null where there is none.
    pub expires: Option<String>,
}

/// Whether a waiver was of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverStatus {
    /// It accepted findings.
    Used,
    /// There was nothing to accept.
    Unused,
    /// Its last day is over, and it accepts nothing any more.
    Expired,
    /// It is for images that were not among those judged.
    OtherImage,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every image passes.
    Pass,
    /// Some image fails.
    Fail,
    /// Something could not be checked.
    Error,
}

impl Verdict {
    /// As in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }

    /// What the process tells its caller, in every format.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Error => 2,
        }
    }
}

/// One image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageReport {
    /// Which image it is.
    #[serde(flatten)]
    pub identity: ImageIdentity,
    /// Of this image.
    pub verdict: Verdict,
    /// What it is made of.
    #[serde(flatten)]
    pub contents: ImageContents,
    /// Worst first, then by rule, path and layer.
    pub findings: Vec<FindingReport>,
    /// Every rule, in alphabetical order.
    pub rules: Vec<RuleReport>,
    /// What is installed; null where nothing asked for it.
    pub packages: Option<Vec<InstalledReport>>,
    /// What VEX documents had to do with its findings.
    #[serde(skip)]
    pub heard: Heard,
}

/// A finding.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingReport {
    /// The rule that found it.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Whether it fails the run.
    pub status: FindingStatus,
    /// The line of the policy that decided so; null where none did.
    pub policy: Option<PolicyLine>,
    /// What VEX documents say of it. Where nothing else accepts it, they do, if all of it is `not_affected` or `fixed`.
    pub vex: Vec<StatementReport>,
    /// One clause for people.
    pub message: Cow<'static, str>,
    /// Absolute in the image.
    pub path: Option<String>,
    /// The layer that did it.
    pub layer: Option<Arc<LayerPlace>>,
    /// Whether it shows in the effective tree.
    pub effective: bool,
    /// What the file at `path` holds; null where it is no regular file.
    pub content_sha256: Option<String>,
    /// Named values that prove it.
    pub evidence: Evidence,
    /// What to do about it.
    pub remediation: Cow<'static, str>,
    /// Stable across rebuilds.
    pub fingerprint: String,
    /// Further reading.
    pub references: Arc<[&'static str]>,
}

impl FindingReport {
    /// Whether VEX documents accept it, and nothing else does.
    pub(crate) fn is_accepted_by_vex(&self) -> bool {
        self.status == FindingStatus::Waived && self.policy.is_none()
    }

    /// By what it is accepted, why and until when, in one line for people; `None` where it is not.
    pub(crate) fn accepted_by(&self) -> Option<String> {
        if self.status != FindingStatus::Waived {
            return None;
        }
        let Some(PolicyLine { line, reason, owner, expires, .. }) = &self.policy else {
            return self.accepted_because();
        };
        let reason = reason.as_deref().unwrap_or_default();
        let owner = owner.as_deref().map(|owner| format!(" ({owner})")).unwrap_or_default();
        let until = expires.as_deref().map(|date| format!(", until {date}")).unwrap_or_default();
        Some(format!("policy line {line}: {reason}{owner}{until}"))
    }

    /// Why it is accepted, in one line.
    pub(crate) fn accepted_because(&self) -> Option<String> {
        if self.is_accepted_by_vex() {
            return Some(self.vex.iter().map(StatementReport::in_words).collect::<Vec<_>>().join("; "));
        }
        self.policy.as_ref()?.reason.clone()
    }
}

/// Whether a finding fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingStatus {
    /// At or above `fail_on`.
    Fail,
    /// Below it.
    Warn,
    /// Accepted by the policy, or by VEX documents.
    Waived,
    /// It would fail, and was there before: in the baseline.
    Known,
}

/// A line of the policy that decided on a finding.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyLine {
    /// What it did.
    pub action: PolicyAction,
    /// Its number in the policy's file.
    pub line: usize,
    /// Why a finding is accepted.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it is accepted.
    pub expires: Option<String>,
}

/// What a line of the policy did to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyAction {
    /// It set the rule's severity.
    Severity,
    /// It allows the path for good.
    Allow,
    /// It waives the finding.
    Waiver,
}

/// Which layer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerPlace {
    /// From 0, the lowest.
    pub index: usize,
    /// Computed; null where it could not be read.
    pub diff_id: Option<String>,
    /// The build step that made it.
    pub created_by: Option<String>,
}

impl ImageReport {
    /// The rules that were not evaluated, by the reason why: they are no pass.
    pub(crate) fn not_evaluated(&self) -> BTreeMap<&str, Vec<&'static str>> {
        let mut by_reason: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.outcome == Outcome::NotEvaluated) {
            by_reason.entry(rule.reason.as_deref().unwrap_or_default()).or_default().push(rule.rule);
        }
        by_reason
    }
}

/// What became of a rule.
#[derive(Debug, Clone, Serialize)]
pub struct RuleReport {
    /// Its name.
    pub rule: &'static str,
    /// What came out.
    pub outcome: Outcome,
    /// Why it was not evaluated.
    pub reason: Option<String>,
    /// Whether the profile demands that it is evaluated.
    pub required: bool,
    /// How many findings it has.
    pub findings: usize,
}

/// How a rule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It looked at everything and found nothing that fails.
    Pass,
    /// It found something that fails.
    Fail,
    /// What it found is all accepted by the policy or VEX documents, or known from the baseline.
    Waived,
    /// It could not look at everything; never a pass.
    NotEvaluated,
}

/// An input or image that could not be checked.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorReport {
    /// The input, as given on the command line.
    pub source: String,
    /// What and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ErrorReport {
    /// What is told of an error.
    pub fn of(source: &str, error: &crate::error::Error) -> Self {
        Self {
            source: source.to_owned(),
            message: masked(error.to_string()),
            hint: error.hint_text().filter(|hint| !hint.is_empty()).map(|hint| masked(hint.to_owned())),
        }
    }
}

/// A thing to know.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    /// The input, as given on the command line.
    pub source: String,
    /// What.
    pub message: String,
}

impl Note {
    /// One about this input.
    pub fn of(source: &str, message: String) -> Self {
        Self { source: source.to_owned(), message: masked(message) }
    }
}

/// Counts over all images.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Images judged.
    pub images: usize,
    /// Of these, with verdict pass.
    pub passed: usize,
    /// With verdict fail.
    pub failed: usize,
    /// With verdict error.
    pub errored: usize,
    /// Inputs and images that could not be checked at all.
    pub errors: usize,
    /// Findings by severity, all severities.
    pub findings: BTreeMap<String, usize>,
    /// Rules that were not evaluated, over all images.
    pub rules_not_evaluated: usize,
}

/// What differs from run to run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// RFC 3339.
    pub started_at: String,
    /// Wall time.
    pub duration_ms: u64,
    /// Threads.
    pub jobs: usize,
}
