//! VEX documents in the report: what they say of findings, and what became of each.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::build::without_middle;
use super::builder::digests;
use super::{ImageReport, ImageVerdict};
use crate::digest::Digest;
use crate::limits;
use crate::model::ImagePath;
use crate::packages::{Installed, Inventory, Kind};
use crate::policy::vex::{About, Assessment, Document, Documents, ImageId, Package, Place};
use crate::rules::Finding;

/// What became of a VEX document.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VexReport {
    /// Its file, as named.
    pub source: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// The IRI that it gives itself.
    pub id: String,
    /// Whose word it is.
    pub author: String,
    /// When it was issued; null where it does not say so.
    pub timestamp: Option<String>,
    /// How many statements it has.
    pub statements: usize,
    /// Of these, about some finding.
    pub used: usize,
    /// Of these, about images only that were not among those judged.
    pub other_image: usize,
    /// The others: no finding is what they are about.
    pub unused: Vec<UnusedReport>,
    /// How many findings it accepted, over all images; alone or with other documents.
    pub findings: usize,
}

/// A VEX statement that is about no finding.
#[derive(Debug, Clone, Serialize)]
pub struct UnusedReport {
    /// Its number in the document, from 1.
    pub statement: usize,
    /// The vulnerability.
    pub vulnerability: String,
}

/// A VEX statement about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementReport {
    /// The document's file, as named.
    pub source: String,
    /// Its number in the document, from 1.
    pub statement: usize,
    /// The IRI that the document gives itself.
    pub document: String,
    /// Whose word it is.
    pub author: String,
    /// When it was known to be true.
    pub timestamp: String,
    /// The vulnerability, as it names it.
    pub vulnerability: String,
    /// What is said.
    pub status: &'static str,
    /// Why it is not affected.
    pub justification: Option<&'static str>,
    /// The same in words.
    pub impact_statement: Option<String>,
    /// What to do about it.
    pub action_statement: Option<String>,
    /// How the status was found.
    pub status_notes: Option<String>,
    /// Whether it is about some of the finding's packages or vulnerabilities only.
    pub partial: bool,
}

impl StatementReport {
    /// In one line, for people.
    pub(crate) fn in_words(&self) -> String {
        let Self { source, statement, author, vulnerability, status, partial, .. } = self;
        let reasons = [
            self.justification,
            self.impact_statement.as_deref(),
            self.action_statement.as_deref(),
            self.status_notes.as_deref(),
        ];
        let reasons: Vec<_> = reasons.into_iter().flatten().collect();
        let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(": ")) };
        let some = if *partial { " in part" } else { "" };
        format!("{vulnerability} is {status}{some} by {source}, statement {statement} ({author}){why}")
    }
}

/// What VEX documents had to do with the findings of an image.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The statements that are about some finding, also where later ones override them.
    statements: BTreeSet<Place>,
    /// How many findings each document accepted, alone or with others; by its index.
    accepted: BTreeMap<usize, usize>,
}

impl Heard {
    /// Notes that a finding is accepted by nothing but what was said of it.
    fn accept(&mut self, said: &Assessment) {
        let documents: BTreeSet<usize> = said.statements.iter().map(|((document, _), _)| *document).collect();
        for document in documents {
            *self.accepted.entry(document).or_default() += 1;
        }
    }
}

/// What VEX documents are asked with about the findings of one image.
pub(super) struct Vex<'a> {
    verdict: &'a ImageVerdict<'a>,
    /// The packages of the inventory, as documents name them.
    packages: Vec<OnceCell<Box<Package>>>,
    /// The package URLs of modules of Go, by where their programs are. More than one where readings differ.
    programs: OnceCell<BTreeMap<FileId<'a>, Vec<String>>>,
    heard: RefCell<Heard>,
}

/// A file of the image, or a member of an archive in it.
type FileId<'a> = (&'a ImagePath, Option<&'a str>);

impl<'a> Vex<'a> {
    pub(super) fn new(verdict: &'a ImageVerdict<'a>) -> Self {
        let inventory = verdict.facts.inventory.as_ref().filter(|_| !verdict.policy.vex.is_empty());
        let count = inventory.map_or(0, |inventory| inventory.packages.len());
        Self {
            verdict,
            packages: vec![OnceCell::new(); count],
            programs: OnceCell::new(),
            heard: RefCell::default(),
        }
    }

    /// What they say of a finding; `None` where it is of no vulnerability.
    pub(super) fn say(&self, finding: &Finding, digests: &[Digest]) -> Option<Assessment> {
        let ImageVerdict { policy, facts, .. } = self.verdict;
        let vulnerabilities = facts.vulnerabilities.as_ref()?.as_ref().ok()?;
        let found = vulnerabilities.found.get(finding.vulnerability?)?;
        let inventory = facts.inventory.as_ref().filter(|_| !policy.vex.is_empty())?;
        let unknown = Package::new("", []);
        let package = |number: &usize| self.package(inventory, *number).unwrap_or(&unknown);
        let packages = || vulnerabilities.packages(found).iter().map(package).collect();
        let image = ImageId {
            names: &facts.image.names,
            digests,
            architecture: &facts.image.platform().architecture,
        };
        let release = inventory.distribution.as_ref().and_then(|it| it.version.as_deref());
        let said =
            policy.vex.assess(&About { image: &image, answer: &found.answer, packages: &packages, release });
        self.heard.borrow_mut().statements.extend(&said.heard);
        Some(said)
    }

    /// As [`Heard::accept`].
    pub(super) fn accepted_by(&self, said: &Assessment) {
        self.heard.borrow_mut().accept(said);
    }

    pub(super) fn into_heard(self) -> Heard {
        self.heard.into_inner()
    }

    /// A package of the inventory as documents name it, by its index.
    fn package(&self, inventory: &'a Inventory, number: usize) -> Option<&Package> {
        let installed = inventory.packages.get(number)?;
        let package = || {
            // Only of programs of Go is it known what is in them.
            let programs = (installed.kind == Kind::Go)
                .then(|| self.programs.get_or_init(|| programs(inventory)).get(&file(installed)))
                .flatten();
            let programs = programs.into_iter().flatten().map(String::as_str);
            Box::new(Package::new(&inventory.purl(installed), programs))
        };
        Some(self.packages.get(number)?.get_or_init(package))
    }
}

fn programs(inventory: &Inventory) -> BTreeMap<FileId<'_>, Vec<String>> {
    let mut programs: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for program in inventory.packages.iter().filter(|package| package.is_program) {
        programs.entry(file(program)).or_default().push(inventory.purl(program));
    }
    programs
}

fn file(package: &Installed) -> FileId<'_> {
    (&package.place, package.inside.as_deref())
}

/// The statements that count for a finding.
pub(super) fn statements(documents: &Documents, said: &Assessment) -> Vec<StatementReport> {
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

/// What became of each document, over all images.
pub(super) fn vex_reports(documents: &Documents, images: &[ImageReport]) -> Vec<VexReport> {
    let heard: BTreeSet<_> = images.iter().flat_map(|image| &image.heard.statements).copied().collect();
    let digests: Vec<_> = images.iter().map(digests).collect();
    let ids = images.iter().zip(&digests).map(|(image, digests)| ImageId {
        names: &image.identity.names,
        digests,
        architecture: &image.identity.platform.architecture,
    });
    let ids: Vec<_> = ids.collect();
    let report = |(number, document): (usize, &Document)| {
        let places = (0..document.statements.len()).map(|statement| (number, statement));
        let (used, others): (Vec<_>, Vec<_>) = places.partition(|place| heard.contains(place));
        let (unused, other_image): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|place| ids.iter().any(|id| documents.concerns(*place, id)));
        VexReport {
            source: document.source.clone(),
            sha256: document.sha256.hex(),
            id: document.id.clone(),
            author: document.author.clone(),
            timestamp: document.timestamp.map(|time| time.to_string()),
            statements: document.statements.len(),
            used: used.len(),
            other_image: other_image.len(),
            unused: unused.into_iter().filter_map(|place| unused_report(documents, place)).collect(),
            findings: images.iter().filter_map(|image| image.heard.accepted.get(&number)).sum(),
        }
    };
    documents.all().iter().enumerate().map(report).collect()
}

fn unused_report(documents: &Documents, place: Place) -> Option<UnusedReport> {
    let (_, statement) = documents.get(place)?;
    Some(UnusedReport { statement: place.1 + 1, vulnerability: statement.vulnerability.clone() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::vex::Named;

    /// Also those whose statements are beyond the ones that are shown.
    #[test]
    fn a_finding_counts_once_for_each_document_that_accepts_it() {
        let many = (0..limits::FINDING_STATEMENTS + 1).map(|number| ((0, number), true));
        let said = Assessment {
            statements: many.chain([((2, 0), true)]).collect(),
            accepts: true,
            ..Assessment::default()
        };
        let mut heard = Heard::default();
        heard.accept(&said);
        heard.accept(&said);
        assert_eq!(heard.accepted, BTreeMap::from([(0, 2), (2, 2)]));
    }

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
        let said = |count| Assessment {
            statements: (0..count).map(|number| ((0, number), false)).collect(),
            ..Assessment::default()
        };
        assert_eq!(statements(&documents, &said(count)).len(), count);
        let told = statements(&documents, &said(count + 1));
        assert_eq!(told.len(), count);
        let words = |number: usize| told[number].impact_statement.as_deref().unwrap();
        assert_eq!(words(0), "é".repeat(most));
        assert!(words(1).contains('…') && words(1).chars().count() == most);
    }
}
