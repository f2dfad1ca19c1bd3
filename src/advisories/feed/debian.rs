//! The Debian security tracker's JSON: source packages, their issues, and for each release what is known.
//!
//! It tells more than Debian's OSV export does: what is *undetermined*, what gets no update of its own
//! (*nodsa*), and what is not affected (a fixed version of 0).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer as _;

use super::json::{Members, Object, Text};
use super::{Skip, Skips};
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::record::{Affected, End, Fix, Range, Record, short};
use crate::advisories::severity::{Level, Severity};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Issue {
    description: Text,
    releases: Object<BTreeMap<String, Object<Release>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Release {
    status: Text,
    fixed_version: Text,
    urgency: Text,
    nodsa: Text,
    nodsa_reason: Text,
}

type Issues = BTreeMap<String, Object<Issue>>;

/// Reads the whole tracker. An issue of several source packages is a record for each; the database makes one of
/// them.
///
/// # Errors
/// What is wrong with the document.
pub(super) fn read(
    document: &[u8],
    skips: &mut Skips,
    mut sink: impl FnMut(Record) -> Result<(), String>,
) -> Result<(), String> {
    let each = |package: String, issues: Issues| {
        for (id, Object(issue)) in issues {
            // Objects in objects are many things.
            if !id.starts_with("CVE-") && !id.starts_with("TEMP-") {
                return Err(format!("no feed that is known: `{id}` is no issue of the Debian tracker"));
            }
            sink(record(&package, id, issue, skips))?;
        }
        Ok(())
    };
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    deserializer
        .deserialize_map(Members((PhantomData::<Issues>, each)))
        .map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())
}

fn record(package: &str, id: String, issue: Issue, skips: &mut Skips) -> Record {
    // What has no CVE yet is named TEMP-…, and will be named otherwise.
    let mut record = Record { summary: short(&issue.description.0), id, ..Record::default() };
    for (release, Object(known)) in issue.releases.0 {
        match Ecosystem::of_distribution("debian", &release) {
            // A code name that is no number yet is none that anybody installs.
            Ok(ecosystem) if ecosystem.release() == release && release != "sid" => {
                skips.count_ecosystem(Skip::Ecosystem, &format!("Debian:{release}"));
            }
            Ok(ecosystem) => match affected(ecosystem, package, &known) {
                Some(affected) => record.affected.push(affected),
                None => skips.count(Skip::NoVersions),
            },
            Err(_) => skips.count_ecosystem(Skip::Ecosystem, &format!("Debian:{release}")),
        }
    }
    record
}

/// `None` for a status that nobody knows.
fn affected(ecosystem: Ecosystem, package: &str, known: &Release) -> Option<Affected> {
    let urgency = known.urgency.0.as_str();
    let all = |end| vec![Range { introduced: String::new(), end }];
    let (ranges, fix) = match (known.status.0.as_str(), known.fixed_version.0.as_str()) {
        ("resolved", "0") => (Vec::new(), Fix::NotAffected),
        ("resolved", "") => return None,
        ("resolved", version) => (all(End::Fixed(version.to_owned())), Fix::AsRanges),
        ("open", _) => (all(End::Open), unfixed(known)),
        ("undetermined", _) => (all(End::Open), Fix::Undetermined),
        _ => return None,
    };
    let severity = match Level::of_word(urgency) {
        Level::Unknown => None,
        level => Some(Severity { level, by: "Debian".to_owned() }),
    };
    Some(Affected {
        ecosystem,
        package: package.to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges,
        versions: Vec::new(),
        fix,
        severity,
    })
}

fn unfixed(known: &Release) -> Fix {
    match (known.urgency.0.as_str(), known.nodsa_reason.0.as_str(), known.nodsa.0.as_str()) {
        ("end-of-life", ..) | (_, "ignored", _) => Fix::WontFix,
        (_, "", "") => Fix::Open,
        _ => Fix::Postponed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisories::record::day;

    const TRACKER: &str = r#"{
      "openssl": {
        "CVE-2023-0001": {
          "description": "A fault.", "debianbug": 1, "scope": "remote",
          "releases": {
            "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1~deb12u2", "urgency": "high",
                         "repositories": {"bookworm": "3.0.11-1"}},
            "bullseye": {"status": "open", "urgency": "low**", "nodsa": "Minor issue", "nodsa_reason": "postponed"},
            "buster": {"status": "open", "urgency": "end-of-life"},
            "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "not yet assigned"},
            "sid": {"status": "undetermined", "urgency": "not yet assigned"}
          }
        },
        "CVE-2023-0002": {"releases": {
            "bookworm": {"status": "open", "urgency": "unimportant"},
            "bullseye": {"status": "open", "nodsa": "", "nodsa_reason": "ignored"},
            "warty": {"status": "open"},
            "trixie": {"status": "resolved"}
        }}
      },
      "curl": {"CVE-2023-0001": {"releases": {"bookworm": {"status": "open", "urgency": "medium"}}}}
    }"#;

    fn told(document: &str) -> (Vec<String>, Skips) {
        let (mut told, mut skips) = (Vec::new(), Skips::default());
        let sink = |record: Record| {
            for affected in &record.affected {
                let severity = affected.severity.clone().unwrap_or_default();
                told.push(format!(
                    "{} {} {} {:?} {:?} {} {}",
                    record.id,
                    affected.package,
                    affected.ecosystem,
                    affected.ranges.first().map(|range| &range.end),
                    affected.fix,
                    severity.level.name(),
                    severity.by
                ));
            }
            assert_eq!(record.modified.map(day), None);
            Ok(())
        };
        read(document.as_bytes(), &mut skips, sink).unwrap();
        told.sort();
        (told, skips)
    }

    /// What is open, undetermined, minor, ignored, negligible or not there is each told as itself.
    #[test]
    fn each_status_of_the_tracker_means_what_debian_means() {
        let (told, skips) = told(TRACKER);
        assert_eq!(
            told,
            [
                "CVE-2023-0001 curl Debian:12 Some(Open) Open medium Debian",
                "CVE-2023-0001 openssl Debian:10 Some(Open) WontFix unknown ",
                "CVE-2023-0001 openssl Debian:11 Some(Open) Postponed low Debian",
                "CVE-2023-0001 openssl Debian:12 Some(Fixed(\"3.0.11-1~deb12u2\")) AsRanges high Debian",
                "CVE-2023-0001 openssl Debian:13 None NotAffected unknown ",
                "CVE-2023-0001 openssl Debian:sid Some(Open) Undetermined unknown ",
                "CVE-2023-0002 openssl Debian:11 Some(Open) WontFix unknown ",
                "CVE-2023-0002 openssl Debian:12 Some(Open) Open negligible Debian",
            ]
        );
        // A release without a number, and a fix without a version.
        assert_eq!(skips.total(), 2);
    }

    #[test]
    fn a_broken_tracker_is_an_error() {
        for document in ["{\"a\": {\"CVE-1\": ", "{\"a\": {\"b\": {}}}", "{\"a\": 7}", "[]", "{} {}"] {
            let read = read(document.as_bytes(), &mut Skips::default(), |_| Ok(()));
            assert!(read.is_err(), "{document}");
        }
    }
}
