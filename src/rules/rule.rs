//! What a rule is, and what it says.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::findings::{Findings, Full};
use super::settings::Settings;
use super::severity::Severity;
use crate::digest::ContentId;
use crate::facts::Facts;
use crate::limits;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::Plan;

/// A rule: declared once, in its own file, and listed once, in [`super::table`].
#[derive(Debug)]
pub struct Rule {
    /// Names the fault: `setuid-file`.
    pub id: &'static str,
    /// What a finding weighs unless the rule or the policy says otherwise.
    pub severity: Severity,
    /// The rule's page, in Markdown, from the file beside it: first line `# id`, second paragraph the summary.
    pub page: &'static str,
    /// What it needs to be evaluated at all.
    pub needs: Needs,
    /// Says which files' content it wants.
    pub plan: fn(&mut Plan),
    /// Judges one image.
    pub judge: fn(&Facts, &Settings, Findings<'_>) -> Judged,
}

/// What must be known before a rule makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing but the image.
    Image,
    /// A catalog of bases.
    Catalog,
    /// A catalog, and a base in it that the image stands on. Without the latter another rule fails.
    Base,
    /// A file of advisories.
    Advisories,
    /// An environment, of which the policy says what may run there.
    Environment,
}

impl Rule {
    /// One sentence on what the rule finds, from its page.
    pub fn summary(&self) -> &'static str {
        self.page.split("\n\n").nth(1).unwrap_or_default().trim()
    }

    /// Further reading, from its page: the items of the list under "References".
    pub fn references(&self) -> Vec<&'static str> {
        let section = self.page.split("\n## References\n").nth(1).unwrap_or_default();
        section.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect()
    }

    /// Items of the CIS benchmarks that it is about, as `CIS Docker Benchmark 4.1`.
    pub fn cis_items(&self) -> Vec<String> {
        let items = self.references().into_iter().filter(|reference| reference.starts_with("CIS "));
        items.filter_map(|item| item.split_once(':').map(|(item, _)| item.to_owned())).collect()
    }
}

/// For rules that want no file.
pub(crate) fn no_plan(_: &mut Plan) {}

/// What a rule says of one image.
#[derive(Debug, Default)]
pub struct Judgement {
    findings: BTreeSet<Finding>,
    /// Why the rule could not look at everything; what it did not look at is no pass.
    pub incomplete: Option<String>,
}

/// A judgement, unless there are more findings than an input may have.
pub type Judged = Result<Judgement, Full>;

impl Judgement {
    /// It looked at everything and found these.
    pub fn of(findings: Findings<'_>) -> Self {
        Self { findings: findings.into_set(), incomplete: None }
    }

    /// It could not look at everything, where there is a reason.
    #[must_use]
    pub fn incomplete(mut self, reason: Option<String>) -> Self {
        self.incomplete = reason;
        self
    }

    /// It could not look.
    pub fn not_evaluated(reason: impl Into<String>) -> Self {
        Self { incomplete: Some(reason.into()), ..Self::default() }
    }

    /// How many findings there are.
    pub fn number(&self) -> usize {
        self.findings.len()
    }

    /// The findings, each to be dropped once it is told.
    pub fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.findings.into_iter()
    }
}

/// What a finding is about beside its path.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Also {
    /// Further paths.
    pub paths: Vec<ImagePath>,
    /// Whether there is more: what has no path, such as a variable, or more than
    /// [`limits::FINDING_PATHS`] paths. No pattern of paths covers that.
    pub more: bool,
}

/// One fault, in one place or a few that belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it differs from the rule's.
    pub severity: Option<Severity>,
    /// One clause for people, without a full stop.
    pub message: Cow<'static, str>,
    /// Path in the image.
    pub path: Option<ImagePath>,
    /// What else it is about.
    pub also: Also,
    /// Index of the layer that did it.
    pub layer: Option<usize>,
    /// Whether it shows in the effective tree; `false` where a later layer took it away again.
    pub effective: bool,
    /// Named values that prove it.
    pub evidence: Vec<(&'static str, String)>,
    /// What to do about it.
    pub remediation: Cow<'static, str>,
    /// What it is about where that is no file: it tells the finding from others at the path, and what the file
    /// there holds says nothing of it.
    pub identity: Option<String>,
    /// What it is about holds, by the digest of [`super::contents`], where that is no file at its paths.
    pub content: Option<ContentId>,
    /// Whether it cannot fail, whatever it weighs: the policy wants it told.
    pub only_told: bool,
    /// Which of the vulnerabilities that were found ([`crate::advisories::Vulnerabilities::found`]) it is of.
    pub vulnerability: Option<usize>,
}

impl Finding {
    /// A finding about the image as a whole.
    pub fn new(message: impl Into<Cow<'static, str>>, remediation: impl Into<Cow<'static, str>>) -> Self {
        Self {
            severity: None,
            message: message.into(),
            path: None,
            also: Also::default(),
            layer: None,
            effective: true,
            evidence: Vec::new(),
            remediation: remediation.into(),
            identity: None,
            content: None,
            only_told: false,
            vulnerability: None,
        }
    }

    /// Names what it is about where that is no file.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Says what it is about holds, where that is no file at its paths.
    #[must_use]
    pub(super) fn content(mut self, content: ContentId) -> Self {
        self.content = Some(content);
        self
    }

    /// It is told and cannot fail.
    #[must_use]
    pub fn only_told(mut self) -> Self {
        self.only_told = true;
        self
    }

    /// Names the vulnerability that it is of, by its index.
    #[must_use]
    pub(super) fn vulnerability(mut self, index: usize) -> Self {
        self.vulnerability = Some(index);
        self
    }

    /// Weighs it otherwise than the rule does.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Names the path.
    #[must_use]
    pub fn path(mut self, path: &ImagePath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// It is about this path too. Says by how much it has grown.
    pub(super) fn add_path(&mut self, path: &ImagePath) -> u64 {
        if self.also.paths.len() >= limits::FINDING_PATHS {
            self.also.more = true;
            return 0;
        }
        self.also.paths.push(path.clone());
        bytes_of(path)
    }

    /// Names the layer that did it.
    #[must_use]
    pub fn layer(mut self, layer: usize) -> Self {
        self.layer = Some(layer);
        self
    }

    /// A later layer took it away again: told, and at most low.
    #[must_use]
    pub fn not_effective(mut self) -> Self {
        self.effective = false;
        self.severity = Some(Severity::Low);
        self
    }

    /// Adds a named value that proves it.
    #[must_use]
    pub fn evidence(mut self, name: &'static str, value: impl ToString) -> Self {
        self.evidence.push((name, value.to_string()));
        self
    }

    /// What it takes as it is held, with its path as reports tell it.
    pub(super) fn bytes(&self) -> u64 {
        let path = self.path.as_ref().map_or(0, |path| path.to_string().len());
        let paths = self.also.paths.iter().map(bytes_of).sum::<u64>();
        let evidence = self.evidence.iter().map(|(_, value)| size_of::<(&str, String)>() + value.len());
        let texts =
            [self.message.len(), self.remediation.len(), self.identity.as_ref().map_or(0, String::len)];
        let all = evidence.chain(texts).chain([size_of::<Self>(), path]);
        paths + all.sum::<usize>() as u64
    }
}

/// What a path takes.
fn bytes_of(path: &ImagePath) -> u64 {
    (size_of::<ImagePath>() + path.as_bytes().len()) as u64
}

/// The judgement of a rule whose findings are the anomalies of one fault.
pub(crate) fn from_anomalies(
    facts: &Facts,
    mut findings: Findings<'_>,
    fault: Fault,
    remediation: &'static str,
) -> Judged {
    let anomalies = facts.anomalies.iter().filter(|anomaly| anomaly.fault == fault);
    findings.extend(anomalies.map(|anomaly| from_anomaly(anomaly, remediation)))?;
    Ok(Judgement::of(findings))
}

/// As [`from_anomalies`], for faults that only a layer's content shows: what was not read was not judged.
pub(crate) fn from_layer_anomalies(
    facts: &Facts,
    findings: Findings<'_>,
    fault: Fault,
    remediation: &'static str,
) -> Judged {
    let judgement = from_anomalies(facts, findings, fault, remediation)?;
    Ok(judgement.incomplete(facts.unread_layers()))
}

fn from_anomaly(anomaly: &Anomaly, remediation: &'static str) -> Finding {
    Finding {
        severity: anomaly.critical.then_some(Severity::Critical),
        message: anomaly.message.clone().into(),
        path: anomaly.path.clone(),
        also: Also::default(),
        layer: anomaly.layer,
        effective: true,
        evidence: anomaly.evidence.clone(),
        remediation: remediation.into(),
        identity: None,
        content: None,
        only_told: false,
        vulnerability: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_finding_are_held_to_finding_paths() {
        let mut finding = Finding::new("x", "y");
        let path = ImagePath::new("a");
        (0..limits::FINDING_PATHS).for_each(|_| assert!(finding.add_path(&path) > 0));
        assert_eq!((finding.also.paths.len(), finding.also.more), (limits::FINDING_PATHS, false));
        assert_eq!(finding.add_path(&path), 0);
        assert_eq!((finding.also.paths.len(), finding.also.more), (limits::FINDING_PATHS, true));
    }
}
