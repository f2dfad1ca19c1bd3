//! What a company demands: severities, profiles, what is ordinary, and what is accepted. Rules know
//! nothing of it but their [`Settings`].

mod baseline;
mod document;
mod draft;
mod hook;
mod options;
mod patterns;
mod preset;
mod profile;
mod read;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
pub mod vex;
mod waiver;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

pub use baseline::{Baseline, Known, KnownFindings};
pub use document::Place;
pub use draft::Draft;
pub use hook::Hook;
pub use preset::Preset;
pub use profile::{Profile, Required};
pub use waiver::{Allowance, Subject, Waiver};

use crate::base::BaseStatus;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::model::{Fault, spelling};
use crate::rules::{Finding, Needs, Rule, Settings, Severity};

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// No file was named, and none was found.
    BuiltIn,
    /// A file that was named.
    Named(String),
    /// A file that was found in the current directory: it belongs to whoever is judged there.
    Discovered(String),
}

impl Source {
    /// As the report says it: the file, or `built-in`.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Named(file) | Self::Discovered(file) => file,
        }
    }
}

/// What the policy says of one rule.
#[derive(Debug, Clone, Default)]
pub struct RulePolicy {
    /// What its findings weigh, with the place that says so.
    pub severity: Option<(Severity, Place)>,
    /// Where they are allowed.
    pub allow: Vec<Allowance>,
}

/// The policy in force.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Where it comes from.
    pub source: Source,
    /// SHA-256 of its text.
    pub sha256: Digest,
    /// Findings of this severity or above fail.
    pub fail_on: Severity,
    /// The profile in force.
    pub profile: Profile,
    /// What it says of single rules.
    pub rules: BTreeMap<&'static str, RulePolicy>,
    /// Accepted findings.
    pub waivers: Vec<Waiver>,
    /// The day of judgement.
    pub today: Date,
    /// What the rules are told.
    pub settings: Settings,
    /// How large things in images may be.
    pub limits: Limits,
    /// What was found before, and does not fail again; beside the policy, and not of it.
    pub baseline: Option<Baseline>,
    /// What is said of vulnerabilities by documents that the policy or the command line names; beside the policy, too.
    pub vex: Arc<vex::Documents>,
}

/// What the policy makes of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it weighs.
    pub severity: Severity,
    /// What becomes of it.
    pub standing: Standing,
    /// The line of the policy that decided, where one did.
    pub because: Option<Because>,
}

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It fails the image.
    Fails,
    /// It is below what fails.
    Told,
    /// It is accepted.
    Waived,
}

/// What in a policy decided on a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// A severity set for the rule.
    Severity(Place),
    /// An allowed path.
    Allowed(Place, String),
    /// The waiver of that index in [`Policy::waivers`].
    Waiver(usize),
    /// Statements of VEX documents.
    Vex,
}

/// What is chosen of a policy on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The profile; else the policy's own default.
    pub profile: Option<&'a str>,
    /// The environment that the image is for.
    pub environment: Option<&'a str>,
    /// From which severity on a finding fails; else as the policy says.
    pub fail_on: Option<Severity>,
    /// The day of judgement; else today.
    pub at: Option<Date>,
}

impl Policy {
    /// The policy that is built in.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn built_in(choice: Choice<'_>) -> Result<Self> {
        let draft = Draft::of_preset(Preset::Default)?;
        draft.choose(Source::BuiltIn, Digest::sha256(Preset::Default.text().as_bytes()), choice)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// All mistakes in it, each with line and column; a profile that it does not have.
    pub fn read(text: &str, source: Source, choice: Choice<'_>) -> Result<Self> {
        let draft = Draft::read(text).map_err(|error| error.at(source.name()))?;
        draft.choose(source, Digest::sha256(text.as_bytes()), choice)
    }

    /// What it makes of a finding.
    pub fn decide(&self, rule: &Rule, finding: &Finding, subject: &Subject<'_>) -> Decision {
        let own = self.rules.get(rule.id);
        let mut severity = finding.severity.unwrap_or(rule.severity);
        let mut because = None;
        if let Some((set, place)) = own.and_then(|own| own.severity) {
            severity = weighed(set, finding.severity, rule.severity);
            because = Some(Because::Severity(place));
        }
        if self.profile.tell.contains(rule.id) {
            severity = severity.min(Severity::Info);
        }
        let accepted = || {
            let allowed = own.and_then(|own| waiver::allowed(&own.allow, subject));
            let allowed = allowed.map(|found| Because::Allowed(found.place, found.reason.clone()));
            let waived = || self.waivers.iter().position(|w| !w.is_expired(self.today) && w.covers(subject));
            let by_documents = || subject.vex.is_some_and(|said| said.accepts).then_some(Because::Vex);
            allowed.or_else(|| waived().map(Because::Waiver)).or_else(by_documents)
        };
        match accepted().filter(|_| can_be_accepted(rule)) {
            Some(because) => Decision { severity, standing: Standing::Waived, because: Some(because) },
            None if severity >= self.fail_on && !finding.only_told => {
                Decision { severity, standing: Standing::Fails, because }
            }
            None => Decision { severity, standing: Standing::Told, because },
        }
    }

    /// Whether images are judged by the rule at all.
    ///
    /// Where the policy describes no service, no environment is named and the profile names no rule on them, services
    /// are nobody's concern.
    pub fn judges(&self, rule: &Rule) -> bool {
        let services = &self.settings.services;
        let concern = !services.known.is_empty()
            || services.environment.is_some()
            || self.profile.require.named.contains(rule.id);
        self.profile.judges(self.settings.options.needs(rule))
            && (concern || rule.needs != Needs::Environment)
    }

    /// Whether an image is in error where the rule could not be evaluated.
    pub fn requires(&self, rule: &Rule, has_catalog: bool, has_advisories: bool, base: &BaseStatus) -> bool {
        let has_environment = self.settings.services.environment.is_some();
        let needs = self.settings.options.needs(rule);
        self.profile.requires(rule, needs, has_catalog, has_environment, has_advisories, base)
    }
}

/// A severity that the policy sets moves what a rule says of single findings along: what a rule tells
/// as less stays less, what it tells as more stays more.
fn weighed(set: Severity, finding: Option<Severity>, usual: Severity) -> Severity {
    match finding {
        Some(own) if own < usual => set.min(own),
        Some(own) if own > usual => set.max(own),
        _ => set,
    }
}

/// What is wrong with the image itself, no policy can accept, for it speaks of images that are what they
/// say.
pub(crate) fn can_be_accepted(rule: &Rule) -> bool {
    !Fault::ALL.iter().any(|fault| fault.name() == rule.id)
}

/// What a report of before cannot make known: that, and that the base is none to stand on, which says nothing
/// of what the image holds.
pub(crate) fn can_be_known(rule: &Rule) -> bool {
    can_be_accepted(rule) && !["base-not-official", "base-revoked"].contains(&rule.id)
}

/// That an image is not what it says, or is read as two, no policy can play down either.
pub(crate) fn can_be_weakened(rule: &Rule) -> bool {
    can_be_accepted(rule) || rule.severity < Severity::High
}

impl Draft {
    /// The policy in force: this draft, by what the command line chooses of it.
    fn choose(self, source: Source, sha256: Digest, choice: Choice<'_>) -> Result<Policy> {
        let name = choice.profile.unwrap_or(&self.profile);
        let profile = chosen("profile", name, &self.profiles)?;
        let environment =
            choice.environment.map(|name| chosen("environment", name, &self.environments)).transpose()?;
        let today = choice.at.unwrap_or_else(today);
        let settings = self.settings(&profile, environment, today)?;
        Ok(Policy {
            source,
            sha256,
            fail_on: choice.fail_on.unwrap_or(self.fail_on),
            profile,
            rules: self.rules,
            waivers: self.waivers,
            today,
            settings,
            limits: self.limits,
            baseline: None,
            vex: Arc::default(),
        })
    }
}

/// What the command line names of a policy.
fn chosen<T: Clone>(what: &str, name: &str, known: &BTreeMap<String, T>) -> Result<T> {
    if let Some(chosen) = known.get(name) {
        return Ok(chosen.clone());
    }
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    let near = spelling::nearest(name, names.iter().copied());
    let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    let there = if names.is_empty() {
        "the policy has none".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    Err(Error::usage(format!("there is no {what} \"{}\"", name.escape_debug()))
        .hint(format!("{near}{there}")))
}

/// Today, in UTC: the same day for every machine.
pub fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
