//! Findings as the report has them, with what the policy makes of each.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::build::without_middle;
use super::{
    FindingReport, FindingStatus, ImageVerdict, LayerPlace, PolicyAction, PolicyLine, StatementReport,
};
use crate::digest::{ContentId, Digest};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::packages::{Installed, Inventory};
use crate::policy::vex::{self, About, Documents, ImageId, Place, Said};
use crate::policy::{Because, Known, KnownFindings, Standing, Subject, can_be_known};
use crate::rules::{Also, Finding, Rule};
use crate::scan::EntryKind;

/// Stable across rebuilds: of the rule, the path and what is said, not of layers or digests.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The path.
    pub path: &'a str,
    /// What tells two findings of one rule on one path apart.
    pub detail: &'a str,
}

impl Fingerprint<'_> {
    /// 32 hexadecimal digits.
    pub fn text(&self) -> String {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        let Fingerprint { rule, path, detail } = self;
        let text = format!("1\n{rule}\n{}\n{path}\n{}\n{detail}\n", path.len(), detail.len());
        let mut hex = Digest::sha256(text.as_bytes()).hex();
        hex.truncate(32);
        hex
    }
}

/// What the findings of one image are told with.
pub(super) struct Teller<'a> {
    verdict: &'a ImageVerdict<'a>,
    places: &'a [LayerPlace],
    /// Computed digests that waivers may name the image by.
    digests: Vec<Digest>,
    /// What the baseline has of the image, where there is one.
    known: Option<KnownFindings<'a>>,
    /// The files of each layer, for findings that the effective tree does not show.
    files: Vec<OnceCell<HashMap<&'a ImagePath, ContentId>>>,
    /// The VEX statements that are about some finding.
    heard: RefCell<BTreeSet<Place>>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(verdict: &'a ImageVerdict<'a>, places: &'a [LayerPlace]) -> Self {
        let image = &verdict.facts.image;
        let baseline = verdict.policy.baseline.as_ref();
        Self {
            known: baseline.map(|known| known.of_image(&image.names, verdict.source, image.platform())),
            verdict,
            places,
            digests: image.manifest_digest.into_iter().chain([image.config_digest]).collect(),
            files: image.layers.iter().map(|_| OnceCell::new()).collect(),
            heard: RefCell::default(),
        }
    }

    pub(super) fn tell(&self, rule: &Rule, finding: &Finding) -> FindingReport {
        let path = finding.path.as_ref().map(ToString::to_string);
        let detail = finding_detail(finding);
        let fingerprint =
            Fingerprint { rule: rule.id, path: path.as_deref().unwrap_or_default(), detail: &detail }.text();
        let content = self.content(finding).map(Digest::Sha256);
        let absolute = |path: &ImagePath| [b"/", path.as_bytes()].concat();
        let others: Vec<_> = finding.also.paths.iter().map(absolute).collect();
        let first = finding.path.as_ref().map(absolute);
        let said = self.said(finding);
        let read = finding.layer.and_then(|index| self.verdict.facts.layers.get(index)?.as_ref());
        let decision = self.verdict.policy.decide(
            rule,
            finding,
            &Subject {
                rule: rule.id,
                path: first.as_deref(),
                others: &others,
                more: finding.also.more,
                layer: [
                    read.and_then(|read| Some(read.tar.as_ref().ok()?.diff_id)),
                    read.map(|read| read.blob.sha256),
                ],
                names: &self.verdict.facts.image.names,
                image: &self.digests,
                content,
                fingerprint: &fingerprint,
                advisories: &named(finding, &["advisory", "alias"]),
                package: named(finding, &["package"]).first().copied(),
                vex: said.as_ref(),
            },
        );
        let mut evidence: BTreeMap<String, Value> = BTreeMap::new();
        for (name, value) in &finding.evidence {
            add_evidence(&mut evidence, name, value);
        }
        let known = Known {
            severity: decision.severity,
            message: finding.message.clone(),
            content_sha256: content.map(|digest| digest.hex()),
            evidence,
        };
        FindingReport {
            rule: rule.id,
            severity: decision.severity,
            status: match decision.standing {
                Standing::Fails if self.is_known(rule, &fingerprint, &known) => FindingStatus::Known,
                Standing::Fails => FindingStatus::Fail,
                Standing::Told => FindingStatus::Warn,
                Standing::Waived => FindingStatus::Waived,
            },
            policy: decision.because.and_then(|because| self.policy_line(because)),
            vex: said.map(|said| statements(&self.verdict.policy.vex, &said)).unwrap_or_default(),
            message: known.message,
            layer: finding.layer.and_then(|index| self.places.get(index).cloned()),
            effective: finding.effective,
            content_sha256: known.content_sha256,
            evidence: known.evidence,
            remediation: finding.remediation.clone(),
            fingerprint,
            references: rule.references(),
            path,
        }
    }

    /// Whether the baseline has it. What is wrong with the image itself fails each time.
    fn is_known(&self, rule: &Rule, fingerprint: &str, finding: &Known) -> bool {
        can_be_known(rule) && self.known.as_ref().is_some_and(|known| known.has(fingerprint, finding))
    }

    /// The VEX statements that are about some finding, of all that were told.
    pub(super) fn into_heard(self) -> BTreeSet<Place> {
        self.heard.into_inner()
    }

    /// What VEX documents say of a finding; `None` where it is of no vulnerability.
    fn said(&self, finding: &Finding) -> Option<Said> {
        let ImageVerdict { policy, facts, .. } = self.verdict;
        let vulnerabilities = facts.vulnerabilities.as_ref()?.as_ref().ok()?;
        let found = vulnerabilities.found.get(finding.vulnerability?)?;
        let inventory = facts.inventory.as_ref().filter(|_| !policy.vex.is_empty())?;
        let package = |number: &usize| {
            let package = inventory.packages.get(*number);
            package.map(|package| vex_package(inventory, package)).unwrap_or_default()
        };
        let packages = || found.packages.iter().map(package).collect();
        let image = ImageId {
            names: &facts.image.names,
            digests: &self.digests,
            architecture: &facts.image.platform().architecture,
        };
        let release = inventory.distribution.as_ref().and_then(|it| it.version.as_deref());
        let said =
            policy.vex.say(&About { image: &image, answer: &found.answer, packages: &packages, release });
        self.heard.borrow_mut().extend(&said.heard);
        Some(said)
    }

    /// The line that decided; a VEX document is none of the policy's.
    fn policy_line(&self, because: Because) -> Option<PolicyLine> {
        let line = |action, line| PolicyLine { action, line, reason: None, owner: None, expires: None };
        Some(match because {
            Because::Vex => return None,
            Because::Severity(place) => line(PolicyAction::Severity, place.line),
            Because::Allowed(place, reason) => {
                PolicyLine { reason: Some(reason), ..line(PolicyAction::Allow, place.line) }
            }
            Because::Waiver(index) => {
                let Some(waiver) = self.verdict.policy.waivers.get(index) else {
                    return Some(line(PolicyAction::Waiver, 0));
                };
                PolicyLine {
                    reason: Some(waiver.reason.clone()),
                    owner: Some(waiver.owner.clone()),
                    expires: waiver.expires.map(|date| date.to_string()),
                    ..line(PolicyAction::Waiver, waiver.place.line)
                }
            }
        })
    }

    /// What the file at the finding's path holds: in the effective tree, or in the layer that did it.
    fn content(&self, finding: &Finding) -> Option<ContentId> {
        let path = finding.path.as_ref().filter(|_| finding.identity.is_none())?;
        let facts: &'a Facts = self.verdict.facts;
        if !finding.effective
            && let Some(layer) = finding.layer
        {
            let of_layer = || {
                let files = facts.entries(layer).iter().filter(|entry| entry.kind == EntryKind::File);
                files.map(|entry| (&entry.path, entry.content)).collect()
            };
            return self.files.get(layer)?.get_or_init(of_layer).get(path).copied();
        }
        let tree = &facts.rootfs.as_ref().ok()?.first()?.effective;
        let inode = tree.get(path)?.inode();
        (inode.kind == EntryKind::File).then_some(inode.content)
    }
}

/// The statements that count for a finding.
fn statements(documents: &Documents, said: &Said) -> Vec<StatementReport> {
    let short = |text: &str| without_middle(text, limits::STATEMENT_CHARACTERS);
    let optional = |text: &Option<String>| text.as_deref().map(short);
    let told = said.statements.iter().take(limits::FINDING_STATEMENTS);
    let told = told.filter_map(|(place, partial)| {
        let (document, statement) = documents.get(*place)?;
        Some(StatementReport {
            source: document.source.clone(),
            statement: place.1 + 1,
            document: short(&document.id),
            author: short(&document.author),
            timestamp: statement.timestamp.to_string(),
            vulnerability: short(&statement.vulnerability),
            status: statement.status.name(),
            justification: statement.justification,
            impact_statement: optional(&statement.impact_statement),
            action_statement: optional(&statement.action_statement),
            status_notes: optional(&statement.status_notes),
            partial: *partial,
        })
    });
    told.collect()
}

/// A package as VEX documents name it.
fn vex_package(inventory: &Inventory, package: &Installed) -> vex::Package {
    let is_its = |other: &&Installed| {
        other.is_program && (&other.place, &other.inside) == (&package.place, &package.inside)
    };
    let program = inventory.packages.iter().find(is_its).map(|program| inventory.purl(program));
    vex::Package { purl: inventory.purl(package), program }
}

/// The values of a finding's evidence by these names.
fn named<'a>(finding: &'a Finding, names: &[&str]) -> Vec<&'a str> {
    let of = finding.evidence.iter().filter(|(name, _)| names.contains(name));
    of.map(|(_, value)| value.as_str()).collect()
}

/// On one path a rule may find several things only where it names them: accounts, kinds of secrets. Without
/// a path, the layer and the words tell; numbers and digests change with each build.
fn finding_detail(finding: &Finding) -> String {
    let with_places = |named: String| match finding.also == Also::default() {
        true => named,
        false => several_places(named, finding),
    };
    if let Some(identity) = &finding.identity {
        return with_places(identity.clone());
    }
    let named = finding.evidence.iter().find(|(name, _)| matches!(*name, "name" | "kind"));
    let named = named.map(|(_, value)| value.clone()).unwrap_or_default();
    if finding.path.is_some() {
        return with_places(named);
    }
    let words: String = finding.message.chars().filter(|char| !char.is_ascii_digit()).collect();
    format!("{:?} {words}", finding.layer)
}

/// Who accepts a finding about several places accepts these and no others.
fn several_places(named: String, finding: &Finding) -> String {
    let paths = finding.also.paths.iter().map(ToString::to_string);
    let values = finding.evidence.iter().filter(|_| finding.also.more).map(|(_, value)| value.clone());
    std::iter::once(named).chain(paths).chain(values).collect::<Vec<_>>().join("\n")
}

/// A name that comes twice makes a list.
fn add_evidence(evidence: &mut BTreeMap<String, Value>, name: &str, value: &str) {
    let value = Value::String(value.to_owned());
    match evidence.get_mut(name) {
        None => {
            evidence.insert(name.to_owned(), value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(first) => {
            let before = first.take();
            *first = Value::Array(vec![before, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::vex::Named;

    #[test]
    fn a_finding_tells_finding_statements_of_statement_characters() {
        let statement = |characters: usize| {
            json!({
                "vulnerability": "CVE-2026-0001",
                "products": ["pkg:deb/debian/sed"],
                "status": "not_affected",
                "impact_statement": "é".repeat(characters),
            })
        };
        let most = limits::STATEMENT_CHARACTERS;
        let count = limits::FINDING_STATEMENTS;
        let all: Vec<_> = (0..=count).map(|number| statement(most + number)).collect();
        let text = json!({
            "@context": "https://openvex.dev/ns",
            "@id": "x",
            "author": "y",
            "timestamp": "2026-01-01T00:00:00Z",
            "statements": all,
        });
        let mut documents = Documents::default();
        documents.add(&Named { source: "openvex.json", text: &text.to_string() }).unwrap();
        let said = |count| Said {
            statements: (0..count).map(|number| ((0, number), false)).collect(),
            ..Said::default()
        };
        assert_eq!(statements(&documents, &said(count)).len(), count);
        let told = statements(&documents, &said(count + 1));
        assert_eq!(told.len(), count);
        let words = |number: usize| told[number].impact_statement.as_deref().unwrap();
        assert_eq!(words(0), "é".repeat(most));
        assert!(words(1).contains('…') && words(1).chars().count() == most);
    }
}
