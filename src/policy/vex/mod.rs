//! OpenVEX documents (github.com/openvex/spec, v0.2.0 and the forms before it): what somebody says of vulnerabilities in
//! products, and what that means for one finding.
//!
//! A document is the word of whoever runs the check: it is named by the policy or on the command line, and nothing of an
//! image names one. What it says counts where all that a finding is about is covered: every package, and every
//! vulnerability where an advisory is about several. A product that cannot be matched with certainty matches nothing.

mod product;
mod purls;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use product::{ImageId, Package};

use product::{Installed, OfImage, Products};

use crate::advisories::Answer;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;

/// A document that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its file, as the policy or the command line names it.
    pub source: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// All documents that count, in the order in which they are named.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    documents: Vec<Document>,
    /// Statements by the names of their vulnerabilities, in lower case.
    by_name: BTreeMap<String, Vec<Place>>,
    /// Statements, products, subcomponents and names of them all.
    items: usize,
}

/// Which statement: the document's index, and that of the statement in it.
pub type Place = (usize, usize);

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its file, as named.
    pub source: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
    /// The IRI that it gives itself.
    pub id: String,
    /// Whose word it is.
    pub author: String,
    /// When it was issued, where it says so.
    pub timestamp: Option<Timestamp>,
    /// In its order.
    pub statements: Vec<Statement>,
}

/// What a document says of one vulnerability in some products.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The vulnerability, as it is shown.
    pub vulnerability: String,
    /// When it was known to be true.
    pub timestamp: Timestamp,
    /// What is said.
    pub status: Status,
    /// Why it is not affected: one of the five labels.
    pub justification: Option<&'static str>,
    /// The same in words.
    pub impact_statement: Option<String>,
    /// What to do about it.
    pub action_statement: Option<String>,
    /// How the status was found.
    pub status_notes: Option<String>,
    /// Name, IRI and aliases of the vulnerability, in lower case, each once.
    names: BTreeSet<String>,
    products: Products,
}

/// How a vulnerability concerns a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing needs to be done.
    NotAffected,
    /// Something should be done.
    Affected,
    /// These versions have the fix.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NotAffected, Self::Affected, Self::Fixed, Self::UnderInvestigation];

    /// As documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether a finding of it is accepted.
    fn accepts(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// What a finding of a vulnerability is about.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The image that it is in.
    pub image: &'a ImageId<'a>,
    /// The advisory.
    pub answer: &'a Answer,
    /// All packages that it is about; made only where some statement is of the vulnerability.
    pub packages: &'a dyn Fn() -> Vec<&'a Package>,
    /// The release of the distribution, for which some write `distro` alone: `3.18.4`.
    pub release: Option<&'a str>,
}

/// What documents say of a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// The statements that count, in the order of documents; each with whether it is about some of the finding only.
    pub statements: Vec<(Place, bool)>,
    /// Whether they accept all of it.
    pub accepts: bool,
    /// All that are about it, also those that a later one overrides.
    pub heard: BTreeSet<Place>,
}

impl Documents {
    /// Reads one more document; one of the same bytes as another says nothing new.
    ///
    /// # Errors
    /// Whatever is wrong in it; there are too many, or too much in them.
    pub fn add(&mut self, named: &Named<'_>) -> Result<()> {
        let sha256 = Digest::sha256(named.text.as_bytes());
        if self.documents.iter().any(|known| known.sha256 == sha256) {
            return Ok(());
        }
        if self.documents.len() >= limits::VEX_DOCUMENTS {
            let limit = limits::VEX_DOCUMENTS as u64;
            return Err(Error::limit("the number of VEX documents", "VEX_DOCUMENTS", limit));
        }
        let document = read::read(named, sha256, &mut self.items).map_err(|error| error.at(named.source))?;
        for (number, statement) in document.statements.iter().enumerate() {
            for name in &statement.names {
                self.by_name.entry(name.clone()).or_default().push((self.documents.len(), number));
            }
        }
        self.documents.push(document);
        Ok(())
    }

    /// All of them, by the indexes that [`Place`] has.
    pub fn all(&self) -> &[Document] {
        &self.documents
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// A statement with its document.
    pub fn get(&self, (document, statement): Place) -> Option<(&Document, &Statement)> {
        let document = self.documents.get(document)?;
        Some((document, document.statements.get(statement)?))
    }

    /// What they say of a finding. Of several statements about the same the latest counts; of those of one time the last of a
    /// document, and of several documents one that accepts nothing.
    pub fn assess(&self, about: &About<'_>) -> Assessment {
        let mut said = Assessment::default();
        let vulnerabilities = vulnerabilities(about.answer);
        let found: Vec<BTreeSet<Place>> =
            vulnerabilities.iter().map(|vulnerability| self.about(vulnerability)).collect();
        if found.iter().all(BTreeSet::is_empty) {
            return said;
        }
        let packages = (about.packages)();
        let of_image = |place: &Place| Some((*place, self.get(*place)?.1.products.of_image(about.image)));
        let found: Vec<Vec<(Place, OfImage<'_>)>> =
            found.iter().map(|places| places.iter().filter_map(of_image).collect()).collect();
        // For each package and each vulnerability of it.
        let mut latest: Vec<Option<Place>> = Vec::new();
        for package in packages {
            let package = Installed { package, release: about.release };
            for places in &found {
                let matching = places.iter().filter(|(_, products)| products.cover(&package));
                let matching: Vec<Place> = matching.map(|(place, _)| *place).collect();
                said.heard.extend(&matching);
                latest.push(self.latest(matching));
            }
        }
        let accepts = |place: &Option<Place>| {
            place.and_then(|place| self.get(place)).is_some_and(|(_, statement)| statement.status.accepts())
        };
        said.accepts = !latest.is_empty() && latest.iter().all(accepts);
        let counting: BTreeSet<Place> = latest.iter().flatten().copied().collect();
        let is_partial = counting.len() > 1 || latest.contains(&None);
        said.statements = counting.into_iter().map(|place| (place, is_partial)).collect();
        said
    }

    /// The one that counts of several statements about the same.
    fn latest(&self, statements: Vec<Place>) -> Option<Place> {
        let time = |place: Place| self.get(place).map(|(_, statement)| statement.timestamp);
        let mut of_documents: BTreeMap<usize, Place> = BTreeMap::new();
        for place in statements {
            let last = of_documents.entry(place.0).or_insert(place);
            *last = std::cmp::max_by_key(*last, place, |place| (time(*place), *place));
        }
        // In whatever order documents are named, and however often one is.
        let accepts = |place: Place| self.get(place).is_some_and(|(_, statement)| statement.status.accepts());
        of_documents.into_values().max_by_key(|place| (time(*place), !accepts(*place), *place))
    }

    /// Whether a statement can be about an image at all: it is not one of other images only.
    pub fn concerns(&self, place: Place, image: &ImageId<'_>) -> bool {
        self.get(place).is_some_and(|(_, statement)| statement.products.concern(image))
    }

    fn about(&self, vulnerability: &Vulnerability) -> BTreeSet<Place> {
        let named = vulnerability.names.iter().filter_map(|name| self.by_name.get(name)).flatten().copied();
        let is_meant =
            |place: &Place| self.get(*place).is_some_and(|(_, statement)| vulnerability.is_meant(statement));
        named.filter(is_meant).collect()
    }
}

/// One of the vulnerabilities that an advisory is about.
struct Vulnerability {
    /// All its names, in lower case.
    names: BTreeSet<String>,
    /// Its CVE, where it has one.
    cve: Option<String>,
}

impl Vulnerability {
    /// Whether a statement that has one of its names is about it. Advisories are aliases of each of several CVEs, so
    /// where both sides name CVEs, these decide.
    fn is_meant(&self, statement: &Statement) -> bool {
        let is_cve = |name: &String| name.starts_with(CVE);
        self.cve
            .as_ref()
            .is_none_or(|cve| statement.names.contains(cve) || !statement.names.iter().any(is_cve))
    }
}

/// How names of CVEs begin.
const CVE: &str = "cve-";

/// The vulnerabilities that an advisory is about: that of a vendor may fix several at once, and what is said of one of them
/// says nothing of the others.
fn vulnerabilities(answer: &Answer) -> Vec<Vulnerability> {
    let names = std::iter::once(&answer.id).chain(&answer.aliases).chain(&answer.also).chain(&answer.cves);
    let names: BTreeSet<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    let (cves, mut others): (BTreeSet<_>, BTreeSet<_>) =
        names.into_iter().partition(|name| name.starts_with(CVE));
    if cves.is_empty() {
        return vec![Vulnerability { names: others, cve: None }];
    }
    // Another name of one that is about several may be that of one of them; so may its own where records were put together.
    if cves.len() > 1 {
        others.retain(|name| answer.also.is_empty() && name.eq_ignore_ascii_case(&answer.id));
    }
    let of_cve = |cve: String| Vulnerability {
        names: others.iter().cloned().chain(std::iter::once(cve.clone())).collect(),
        cve: Some(cve),
    };
    cves.into_iter().map(of_cve).collect()
}
