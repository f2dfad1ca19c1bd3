//! A report of before, whose findings are known: only what is new or has changed fails.
//!
//! It is no policy: nobody gave a reason for what it holds, and nobody answers for it. So it hides nothing,
//! what a waiver accepted stays the waiver's, and what is wrong with an image itself it cannot make known, as no
//! policy can accept it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::model::Platform;
use crate::rules::{Evidence, Severity};

/// The version of reports that can be read.
const SCHEMA_VERSION: u32 = 1;

/// What a report of before found.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The file, as named.
    pub source: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
    /// By what an image is known again: its findings by fingerprint.
    images: BTreeMap<Image, BTreeMap<String, Known>>,
}

/// A finding of a baseline: all but what may differ from build to build.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// How bad it was.
    pub severity: Severity,
    /// What was said.
    pub message: Cow<'static, str>,
    /// What the file at its path held.
    pub content_sha256: Option<String>,
    /// What proved it.
    pub evidence: Evidence,
}

/// By what an image of a baseline is known again: a name without its tag, which changes with each
/// release, and the platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Image {
    name: String,
    platform: [String; 3],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    images: Vec<ImageDocument>,
}

#[derive(Deserialize)]
struct ImageDocument {
    source: String,
    names: Vec<String>,
    platform: PlatformDocument,
    findings: Vec<FindingDocument>,
}

#[derive(Deserialize)]
struct PlatformDocument {
    os: String,
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FindingDocument {
    severity: Severity,
    status: String,
    fingerprint: String,
    message: String,
    content_sha256: Option<String>,
    evidence: Evidence,
}

impl Baseline {
    /// Reads a JSON report; `source` is its file, as named.
    ///
    /// # Errors
    /// It is no report, or one of another version.
    pub fn read(text: &str, source: &str) -> Result<Self> {
        let hint = "name a report that `ocicheck check --format json` wrote";
        let document: Document = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("{source}: it is no JSON report: {error}")).hint(hint))?;
        if document.schema_version != SCHEMA_VERSION {
            let version = document.schema_version;
            return Err(Error::invalid(format!("{source}: a report of version {version} is not known here"))
                .hint(hint));
        }
        let mut images: BTreeMap<Image, BTreeMap<String, Known>> = BTreeMap::new();
        for image in document.images {
            let PlatformDocument { os, architecture, variant } = image.platform;
            let platform = [os, architecture, variant.unwrap_or_default()];
            for known in known_by(&image.names, &image.source, &platform) {
                let found = images.entry(known).or_default();
                for finding in image.findings.iter().filter(|finding| finding.status != "waived") {
                    let known = Known {
                        severity: finding.severity,
                        message: finding.message.clone().into(),
                        content_sha256: finding.content_sha256.clone(),
                        evidence: finding.evidence.clone(),
                    };
                    found.insert(finding.fingerprint.clone(), known);
                }
            }
        }
        Ok(Self { source: source.to_owned(), sha256: Digest::sha256(text.as_bytes()), images })
    }

    /// What it has of an image. Of several names that the image has, each must be one of such an image: else
    /// it has nothing.
    pub fn of_image(&self, names: &[String], source: &str, platform: &Platform) -> KnownFindings<'_> {
        let platform = [platform.os.clone(), platform.architecture.clone(), platform.variant.clone()];
        let images = known_by(names, source, &platform);
        let found: Option<Vec<_>> = images.iter().map(|image| self.images.get(image)).collect();
        KnownFindings(found.unwrap_or_default())
    }
}

/// What a baseline has of one image, by each of its names; nothing where there is none.
#[derive(Debug)]
pub struct KnownFindings<'a>(Vec<&'a BTreeMap<String, Known>>);

impl KnownFindings<'_> {
    /// Whether a finding was there before, just so and no less severe.
    pub fn has(&self, fingerprint: &str, finding: &Known) -> bool {
        let same = |before: &Known| {
            before.severity >= finding.severity
                && before.message == finding.message
                && before.content_sha256 == finding.content_sha256
                && before.evidence == finding.evidence
        };
        let has = |found: &&BTreeMap<String, Known>| found.get(fingerprint).is_some_and(same);
        !self.0.is_empty() && self.0.iter().all(has)
    }
}

/// All that an image is known again by: its names without tags and digests, or its file's name where it has none.
fn known_by(names: &[String], source: &str, platform: &[String; 3]) -> BTreeSet<Image> {
    let mut known: BTreeSet<String> = names.iter().filter_map(|name| repository(name)).collect();
    if known.is_empty() {
        let file = source.rsplit('/').next().unwrap_or(source);
        known.insert(format!("file {file}"));
    }
    known.into_iter().map(|name| Image { name, platform: platform.clone() }).collect()
}

/// `host:5000/app` of `host:5000/app:1.4@sha256:…`; `None` of a bare tag, as OCI layouts have.
fn repository(name: &str) -> Option<String> {
    let name = name.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let without_tag = match last.rfind(':') {
        Some(_) => name.rsplit_once(':').map_or(name, |(before, _)| before),
        None if name.contains('/') => name,
        None => return None,
    };
    Some(without_tag.to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn finding(fingerprint: &str, severity: &str, status: &str) -> Value {
        json!({
            "rule": "setuid-file",
            "severity": severity,
            "status": status,
            "fingerprint": fingerprint,
            "message": "a setuid program",
            "contentSha256": "00",
            "evidence": { "owner": "0" },
        })
    }

    fn known(severity: Severity) -> Known {
        Known {
            severity,
            message: "a setuid program".into(),
            content_sha256: Some("00".into()),
            evidence: Evidence::of(vec![("owner", "0".to_owned())]),
        }
    }

    fn report(source: &str, names: &[&str], architecture: &str) -> String {
        json!({
            "schemaVersion": 1,
            "images": [{
                "source": source,
                "names": names,
                "platform": { "os": "linux", "architecture": architecture, "variant": null },
                "findings": [
                    finding("one", "low", "warn"),
                    finding("two", "high", "fail"),
                    finding("accepted", "high", "waived"),
                ],
            }],
        })
        .to_string()
    }

    fn knows(text: &str, names: &[&str], source: &str, fingerprint: &str, severity: Severity) -> bool {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let platform: Platform = "linux/amd64".parse().unwrap();
        let baseline = Baseline::read(text, "before.json").unwrap();
        baseline.of_image(&names, source, &platform).has(fingerprint, &known(severity))
    }

    #[test]
    fn an_image_is_known_again_by_its_name_without_the_tag() {
        let before =
            report("out/app.tar", &["example.com:5000/app:1.3", "example.com:5000/app@sha256:0"], "amd64");
        for (name, known) in [
            ("example.com:5000/app:1.4", true),
            ("example.com:5000/app", true),
            ("example.com:5000/app-2:1.3", false),
            ("example.com/app:1.3", false),
            ("app:1.3", false),
        ] {
            assert_eq!(knows(&before, &[name], "other.tar", "two", Severity::High), known, "{name}");
        }
        assert!(!knows(&before, &[], "out/app.tar", "two", Severity::High), "one has a name, one has none");
        let arm = report("out/app.tar", &["example.com:5000/app:1.3"], "arm64");
        assert!(!knows(&arm, &["example.com:5000/app:1.3"], "app.tar", "two", Severity::High));
    }

    #[test]
    fn without_a_name_it_is_known_by_its_file() {
        let before = report("out/app.tar", &["1.3"], "amd64");
        assert!(knows(&before, &["1.4"], "build/app.tar", "two", Severity::High), "a bare tag is no name");
        assert!(knows(&before, &[], "app.tar", "two", Severity::High));
        assert!(!knows(&before, &[], "other.tar", "two", Severity::High));
    }

    #[test]
    fn what_became_worse_is_new() {
        let before = report("app.tar", &[], "amd64");
        for (fingerprint, severity, known) in [
            ("one", Severity::Low, true),
            ("one", Severity::Medium, false),
            ("two", Severity::High, true),
            ("two", Severity::Critical, false),
            ("three", Severity::Info, false),
            ("accepted", Severity::High, false),
        ] {
            assert_eq!(
                knows(&before, &[], "app.tar", fingerprint, severity),
                known,
                "{fingerprint} {severity}"
            );
        }
    }

    #[test]
    fn what_is_otherwise_is_new() {
        let baseline = Baseline::read(&report("app.tar", &[], "amd64"), "before.json").unwrap();
        let platform: Platform = "linux/amd64".parse().unwrap();
        let knows = |finding: &Known| baseline.of_image(&[], "app.tar", &platform).has("two", finding);
        let same = known(Severity::High);
        assert!(knows(&same));
        assert!(!knows(&Known { content_sha256: Some("01".into()), ..same.clone() }));
        assert!(!knows(&Known { content_sha256: None, ..same.clone() }));
        assert!(!knows(&Known { message: "a setuid program of root".into(), ..same.clone() }));
        assert!(!knows(&Known { evidence: Evidence::of(vec![("owner", "1000".to_owned())]), ..same }));
    }

    #[test]
    fn each_of_several_names_must_be_known() {
        let before = report("app.tar", &["example.com/app:1"], "amd64");
        let names = ["example.com/app:2", "example.com/app:latest"];
        assert!(knows(&before, &names, "app.tar", "two", Severity::High));
        assert!(!knows(
            &before,
            &["example.com/app:2", "example.com/evil:1"],
            "app.tar",
            "two",
            Severity::High
        ));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let sound = report("app.tar", &[], "amd64");
        for (text, why) in [
            ("", "no JSON report"),
            ("[]", "no JSON report"),
            ("{\"schemaVersion\":1}", "missing field `images`"),
            (&sound.replace("\"schemaVersion\":1", "\"schemaVersion\":2"), "version 2"),
            (&sound.replace("\"high\"", "\"worst\""), "no JSON report"),
            (&format!("{sound}x"), "trailing"),
        ] {
            let error = Baseline::read(text, "before.json").unwrap_err().to_string();
            assert!(error.starts_with("before.json: ") && error.contains(why), "{error}");
        }
    }
}
