//! What is written, held to the published schemas.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wire::{Info, Package, Queried};
use crate::advisories::{
    Advisories, Affected, Answer, Ecosystem, End, Fix, Kind, Level, Question, Range, Record, Severity,
    Source, Verdict, build_of,
};
use crate::report::contract::Contract;

const INFO: &str = include_str!("../../../docs/db-info.schema.json");
const QUERY: &str = include_str!("../../../docs/db-query.schema.json");

fn source() -> Source {
    Source {
        name: "all.zip".to_owned(),
        kind: "osv".to_owned(),
        sha256: "0".repeat(64),
        bytes: 7,
        date: Some("2024-01-02".to_owned()),
        license: Some("CC-BY-4.0".to_owned()),
        documents: 2,
        records: 1,
        skipped: BTreeMap::from([("withdrawn records".to_owned(), 1)]),
        repositories: vec!["Alpine:3.18/main".to_owned()],
        covers: vec!["PyPI".to_owned()],
        mentions: BTreeMap::from([("npm".to_owned(), 1)]),
    }
}

/// A database in which each field of its description has a value.
fn database() -> Advisories {
    let range = Range { introduced: String::new(), end: End::Fixed("2.0".to_owned()) };
    let affected = Affected {
        ecosystem: Ecosystem::parse("PyPI").unwrap(),
        package: "app".to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges: vec![range],
        versions: Vec::new(),
        fix: Fix::AsRanges,
        severity: None,
    };
    let record = Record { id: "PYSEC-1".to_owned(), affected: vec![affected], ..Record::default() };
    let bytes = build_of(vec![(Kind::Osv, record)], Some("2024-01-03".parse().unwrap())).unwrap();
    Advisories::of_bytes(bytes).unwrap()
}

/// An answer in which each field has a value.
fn answer(verdict: Verdict) -> Answer {
    Answer {
        id: "PYSEC-1".to_owned(),
        aliases: vec!["GHSA-1".to_owned()],
        cves: vec!["CVE-2024-0001".to_owned()],
        also: vec!["PYSEC-2".to_owned()],
        verdict,
        package: "app".to_owned(),
        version: "1.0".to_owned(),
        fixed_in: Some("2.0".to_owned()),
        fix: Fix::AsRanges,
        severity: Severity { level: Level::High, by: "GitHub".to_owned() },
        cvss: Some(("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(), Some(9.8))),
        informational: "notice".to_owned(),
        summary: "bad".to_owned(),
        published: Some("2024-01-02".to_owned()),
        modified: Some("2024-01-02".to_owned()),
        references: vec!["https://example.com/1".to_owned()],
        source: 0,
        feed: Kind::Osv,
    }
}

fn value(document: &impl serde::Serialize) -> Value {
    serde_json::to_value(document).unwrap()
}

#[test]
fn what_a_database_says_of_itself_is_as_its_schema_says() {
    let contract = Contract::new(INFO, &["skipped", "mentions"]);
    contract.assert_described();
    let database = database();
    let mut info = value(&Info::of(&database));
    info["stated"] = serde_json::json!(["PyPI"]);
    info["sources"] = serde_json::json!([value(&source())]);
    contract.assert_sees_all(&info);
}

#[test]
fn what_it_says_of_packages_is_as_its_schema_says() {
    let contract = Contract::new(QUERY, &[]);
    contract.assert_described();
    let purl = "pkg:pypi/app@1.0";
    let question = Question::of_purl(purl).unwrap();
    let verdicts = [Verdict::Affected, Verdict::NotAffected, Verdict::Undecidable("no version".to_owned())];
    let answers = verdicts.map(answer).into_iter().collect();
    let asked = Package::asked(purl, &question, Some("no feed".to_owned()), answers, &[source()]);
    let unasked = Package::unasked("pkg:rpm/x", "names no version".to_owned());
    contract.assert_sees_all(&value(&Queried::new(vec![asked, unasked])));
}

/// A word of ours that the schema does not know would make it a lie.
#[test]
fn every_word_is_in_the_schema() {
    let contract = Contract::new(QUERY, &[]);
    let words = |field: &str| contract.schema()["$defs"]["advisory"]["properties"][field]["enum"].clone();
    let fixes: Vec<_> = Fix::ALL.iter().map(|fix| fix.name()).collect();
    assert_eq!(words("fix"), value(&fixes));
    let levels: Vec<_> = Level::ALL.iter().map(|level| level.name()).collect();
    assert_eq!(words("severity"), value(&levels));
}
