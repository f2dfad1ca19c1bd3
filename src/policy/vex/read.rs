//! A document's JSON. Keys that OpenVEX does not have are passed over, as in any JSON-LD, but not where they might narrow
//! which vulnerability or product is meant, nor where they may be misspelt ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::product::{self, Identity, Products};
use super::{Document, Named, Statement, Status};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::spelling;

/// What the contexts of all versions begin with.
const CONTEXT: &str = "https://openvex.dev/ns";

/// The versions that are read. Without one it is the first.
const VERSIONS: [&str; 4] = ["", "/v0.0.1", "/v0.0.2", "/v0.2.0"];

/// The labels that say why a product is not affected.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

#[derive(Deserialize)]
struct RawDocument {
    #[serde(rename = "@context")]
    context: String,
    #[serde(rename = "@id")]
    id: String,
    author: String,
    timestamp: Option<String>,
    statements: Vec<RawStatement>,
}

#[derive(Deserialize)]
struct RawStatement {
    vulnerability: OrText<RawVulnerability>,
    timestamp: Option<String>,
    #[serde(default)]
    products: Vec<OrText<RawProduct>>,
    /// Of all products, in the forms before 0.2.0.
    #[serde(default)]
    subcomponents: Vec<OrText<RawComponent>>,
    status: String,
    status_notes: Option<String>,
    justification: Option<String>,
    impact_statement: Option<String>,
    action_statement: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

/// The keys that decide what a statement says.
const STATEMENT_KEYS: [&str; 9] = [
    "vulnerability",
    "timestamp",
    "products",
    "subcomponents",
    "status",
    "status_notes",
    "justification",
    "impact_statement",
    "action_statement",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVulnerability {
    #[serde(rename = "@id")]
    id: Option<String>,
    name: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProduct {
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(default)]
    identifiers: Once,
    #[serde(default)]
    hashes: Once,
    #[serde(default)]
    subcomponents: Vec<OrText<RawComponent>>,
    #[serde(rename = "supplier")]
    _supplier: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(default)]
    identifiers: Once,
    #[serde(default)]
    hashes: Once,
    #[serde(rename = "supplier")]
    _supplier: Option<String>,
}

impl From<String> for RawVulnerability {
    fn from(name: String) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

impl From<String> for RawProduct {
    fn from(id: String) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

impl From<String> for RawComponent {
    fn from(id: String) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

/// An object, or the text that stands for it in the forms before 0.2.0.
struct OrText<T>(T);

struct OrTextVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + From<String>> Visitor<'de> for OrTextVisitor<T> {
    type Value = OrText<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or a text in the forms before 0.2.0")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<OrText<T>, E> {
        Ok(OrText(T::from(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<OrText<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(OrText)
    }
}

impl<'de, T: Deserialize<'de> + From<String>> Deserialize<'de> for OrText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OrTextVisitor(PhantomData))
    }
}

impl RawStatement {
    /// How many statements, names, products and subcomponents that is.
    fn items(&self) -> usize {
        let RawVulnerability { id, name, aliases, .. } = &self.vulnerability.0;
        let names = usize::from(id.is_some()) + usize::from(name.is_some()) + aliases.len();
        let products: usize = self.products.iter().map(|product| product.0.items()).sum();
        1 + names + products + items(&self.subcomponents)
    }
}

impl RawProduct {
    fn items(&self) -> usize {
        let Self { id, identifiers, hashes, subcomponents, .. } = self;
        identified(id.as_ref(), identifiers, hashes) + items(subcomponents)
    }
}

fn items(components: &[OrText<RawComponent>]) -> usize {
    let of = |RawComponent { id, identifiers, hashes, .. }: &RawComponent| {
        identified(id.as_ref(), identifiers, hashes)
    };
    components.iter().map(|component| of(&component.0)).sum()
}

/// By how many names something is known; what has none counts, too.
fn identified(id: Option<&String>, identifiers: &Once, hashes: &Once) -> usize {
    (usize::from(id.is_some()) + identifiers.0.len() + hashes.0.len()).max(1)
}

/// Texts by keys of which each comes once: readers differ in which of two they take.
#[derive(Default)]
struct Once(BTreeMap<String, String>);

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Once, A::Error> {
        let mut once = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if once.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!("duplicate key `{key}`")));
            }
            once.insert(key, value);
        }
        Ok(Once(once))
    }
}

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(OnceVisitor)
    }
}

/// Reads a document that adds to `items` what it holds, of [`limits::VEX_ITEMS`] that all documents have.
///
/// # Errors
/// What is wrong, and in which statement, counted from 1; there is too much in it.
pub(super) fn read(named: &Named<'_>, sha256: Digest, items: &mut usize) -> Result<Document> {
    let text = named.text.strip_prefix('\u{feff}').unwrap_or(named.text);
    let raw: RawDocument = serde_json::from_str(text).map_err(|error| {
        Error::usage(format!("it is no OpenVEX document: {error}"))
            .hint("name a document in OpenVEX's JSON, as `vexctl create` writes it")
    })?;
    *items += raw.statements.iter().map(RawStatement::items).sum::<usize>();
    if *items > limits::VEX_ITEMS {
        let limit = limits::VEX_ITEMS as u64;
        let what = "the number of statements, names and products of all VEX documents";
        return Err(Error::limit(what, "VEX_ITEMS", limit));
    }
    let version = raw.context.strip_prefix(CONTEXT).map(|version| version.trim_end_matches('/'));
    if !version.is_some_and(|version| VERSIONS.contains(&version)) {
        let what = format!("the @context \"{}\" is not known here", raw.context);
        return Err(Error::usage(what).hint(format!("it is {CONTEXT}/v0.2.0, or that of a version before")));
    }
    for (key, value) in [("@id", &raw.id), ("author", &raw.author)] {
        if value.trim().is_empty() {
            return Err(Error::usage(format!("{key} is empty")).hint("a document says which it is and whose"));
        }
    }
    let timestamp = raw.timestamp.as_deref().map(time).transpose()?;
    let statements = raw.statements.into_iter().enumerate().map(|(number, statement)| {
        read_statement(statement, timestamp).map_err(|error| error.at(format!("statement {}", number + 1)))
    });
    let statements = statements.collect::<Result<_>>()?;
    Ok(Document {
        source: named.source.to_owned(),
        sha256,
        id: raw.id,
        author: raw.author,
        timestamp,
        statements,
    })
}

fn read_statement(raw: RawStatement, of_document: Option<Timestamp>) -> Result<Statement> {
    if let Some(key) = raw.others.keys().find(|key| is_misspelt(key)) {
        return Err(unknown("key", key, &STATEMENT_KEYS));
    }
    let RawVulnerability { id, name, aliases, .. } = raw.vulnerability.0;
    let names: Vec<String> =
        name.into_iter().chain(id).chain(aliases).filter(|name| !name.trim().is_empty()).collect();
    let Some(vulnerability) = names.first().cloned() else {
        return Err(Error::usage("it names no vulnerability"));
    };
    let status = Status::ALL.into_iter().find(|status| status.name() == raw.status);
    let status = status.ok_or_else(|| unknown("status", &raw.status, &Status::ALL.map(Status::name)))?;
    let justification = raw.justification.as_deref().filter(|label| !label.is_empty());
    let justification = justification.map(|label| {
        let known = JUSTIFICATIONS.into_iter().find(|known| *known == label);
        known.ok_or_else(|| unknown("justification", label, &JUSTIFICATIONS))
    });
    let justification = justification.transpose()?;
    let impact_statement = told(raw.impact_statement);
    if status == Status::NotAffected && justification.is_none() && impact_statement.is_none() {
        let what = "it is not_affected, and neither justification nor impact_statement says why";
        return Err(Error::usage(what).hint(format!("a justification is {}", JUSTIFICATIONS.join(", "))));
    }
    let timestamp = raw.timestamp.as_deref().map(time).transpose()?.or(of_document);
    let timestamp = timestamp.ok_or_else(|| Error::usage("neither it nor the document has a timestamp"))?;
    let products = raw.products.into_iter().map(|product| read_product(product.0));
    let products = Products::new(products.collect::<Result<_>>()?, subcomponents(raw.subcomponents)?);
    if products.is_empty() {
        return Err(Error::usage("it names no product").hint("say which image or packages it is about"));
    }
    Ok(Statement {
        vulnerability,
        timestamp,
        status,
        justification,
        impact_statement,
        action_statement: told(raw.action_statement),
        status_notes: told(raw.status_notes),
        names: names.into_iter().map(|name| name.trim().to_ascii_lowercase()).collect::<BTreeSet<_>>(),
        products,
    })
}

fn read_product(raw: RawProduct) -> Result<product::Read> {
    let subcomponents = subcomponents(raw.subcomponents)?;
    let identities = identities("a product", raw.id, raw.identifiers, raw.hashes)?;
    Ok((identities, subcomponents))
}

fn subcomponents(raw: Vec<OrText<RawComponent>>) -> Result<Vec<Vec<Identity>>> {
    let of = |OrText(RawComponent { id, identifiers, hashes, .. })| {
        identities("a subcomponent", id, identifiers, hashes)
    };
    raw.into_iter().map(of).collect()
}

/// All that a component is known by. Identifiers other than package URLs, and IRIs that are none, are nothing that an image
/// could be held to.
fn identities(what: &str, id: Option<String>, identifiers: Once, hashes: Once) -> Result<Vec<Identity>> {
    let by_id = id.into_iter().filter(|id| !id.is_empty()).map(|id| Identity::of(&id));
    let by_purl = identifiers.0.into_iter().map(|(kind, value)| match kind.as_str() {
        "purl" => Identity::of(&value),
        _ => Identity::Unknown,
    });
    let by_hash = hashes.0.into_iter().map(|(algorithm, value)| match algorithm.as_str() {
        "sha-256" | "sha-512" => Identity::of_digest(&format!("{}:{value}", algorithm.replace('-', ""))),
        _ => Identity::Unknown,
    });
    let mut all: Vec<Identity> = by_id.chain(by_purl).chain(by_hash).collect();
    if all.is_empty() {
        return Err(Error::usage(format!("{what} has neither @id nor identifiers nor hashes")));
    }
    all.dedup();
    Ok(all)
}

fn time(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| {
        Error::usage(format!("\"{text}\" is no timestamp"))
            .hint("write it as in RFC 3339: 2026-01-31T12:00:00Z")
    })
}

/// Whether it may be meant for a key that decides.
fn is_misspelt(key: &str) -> bool {
    spelling::nearest(key, STATEMENT_KEYS).is_some()
}

fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn unknown(what: &str, word: &str, known: &[&str]) -> Error {
    let near = spelling::nearest(word, known.iter().copied());
    let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Error::usage(format!("there is no {what} \"{word}\""))
        .hint(format!("{near}there are {}", known.join(", ")))
}
