//! What a company demands: severities, profiles, and what is ordinary. Rules know nothing of it but
//! their [`Settings`].

mod default;

use std::fmt;

use crate::base::BaseStatus;
use crate::digest::Digest;
use crate::rules::{Finding, Needs, Rule, Settings, Severity};

/// Which way of publishing an image is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// An image for production: it must stand on an official base where a catalog is given.
    Standard,
    /// An official base itself: no base and no user is demanded, and the privileged programs that it
    /// brings are told, not refused.
    BaseImage,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::BaseImage => "base-image",
        })
    }
}

/// The policy in force.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Findings of this severity or above fail.
    pub fail_on: Severity,
    /// The profile in force.
    pub profile: Profile,
    /// What the rules are told.
    pub settings: Settings,
}

impl Policy {
    /// The policy that is built in.
    pub fn built_in(profile: Profile, fail_on: Option<Severity>) -> Self {
        Self { fail_on: fail_on.unwrap_or(default::FAIL_ON), profile, settings: default::settings() }
    }

    /// Where it came from, as the report says it.
    pub fn source(&self) -> &'static str {
        "built-in"
    }

    /// Identifies its text.
    pub fn digest(&self) -> Digest {
        default::digest()
    }

    /// What a finding of a rule weighs.
    pub fn severity(&self, rule: &Rule, finding: &Finding) -> Severity {
        let severity = finding.severity.unwrap_or(rule.severity);
        let told_only = self.profile == Profile::BaseImage && default::BASE_IMAGE_TELLS.contains(&rule.id);
        if told_only { severity.min(Severity::Info) } else { severity }
    }

    /// Whether a finding of that severity fails the run.
    pub fn fails(&self, severity: Severity) -> bool {
        severity >= self.fail_on
    }

    /// Whether an image is in error where the rule could not be evaluated.
    ///
    /// A base is demanded exactly when a catalog is given. Where the image stands on no base, the
    /// rule that says so fails, and those that compare with it have nothing to compare.
    pub fn requires(&self, rule: &Rule, has_catalog: bool, base: &BaseStatus) -> bool {
        match rule.needs {
            Needs::Image => true,
            Needs::Catalog => has_catalog && self.profile == Profile::Standard,
            Needs::Base => {
                let nothing_to_compare =
                    base.base_layers() == 0 && !matches!(base, BaseStatus::NotEvaluated { .. });
                has_catalog && self.profile == Profile::Standard && !nothing_to_compare
            }
        }
    }

    /// Whether the profile judges by the rule at all.
    pub fn judges(&self, rule: &Rule) -> bool {
        self.profile == Profile::Standard || rule.needs == Needs::Image
    }
}
