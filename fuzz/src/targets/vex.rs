//! OpenVEX documents.

use ocicheck::advisories::{Answer, Fix, Kind, Level, Severity, Verdict};
use ocicheck::digest::Digest;
use ocicheck::error::ErrorKind;
use ocicheck::policy::vex::{About, Assessment, Documents, ImageId, Named, Package};

/// What is installed in the image that is asked about.
const PACKAGES: [&str; 3] = [
    "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0&upstream=openssl",
    "pkg:apk/alpine/libcrypto3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0&upstream=openssl",
    "pkg:golang/golang.org/x/net@v0.5.0",
];

/// The module whose program the last of them is in.
const PROGRAM: &str = "pkg:golang/example.com/app@v1.0.0";

/// The manifest's digest is that of these bytes.
pub const MANIFEST: &[u8] = b"a manifest";

/// Statements that are asked for; of more it takes too long.
const ASKED: usize = 20;

/// A document. Mistakes are usage errors. What accepts a finding of some packages accepts one of each of them; of no package
/// nothing is accepted; and a later word that they are affected takes all of it back.
pub fn vex(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut documents = Documents::default();
    if let Err(error) = documents.add(&Named { source: "openvex.json", text: &text }) {
        assert!(matches!(error.kind(), ErrorKind::Usage | ErrorKind::Limit), "{error}");
        assert!(!error.to_string().is_empty() && documents.is_empty());
        return;
    }
    let names: Vec<String> =
        documents.all()[0].statements.iter().take(ASKED).map(|it| it.vulnerability.clone()).collect();
    let mut later = documents.clone();
    let statements = serde_json::json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "later",
        "author": "somebody",
        "timestamp": "9999-12-30T22:00:00Z",
        "statements": names.iter().map(|name| serde_json::json!({
            "vulnerability": name,
            "products": PACKAGES.map(|purl| purl.split('?').next()),
            "status": "affected",
        })).collect::<Vec<_>>(),
    });
    later.add(&Named { source: "later.json", text: &statements.to_string() }).expect("a document");
    for name in &names {
        let whole = said(&documents, name, &PACKAGES);
        assert!(whole.statements.iter().all(|(place, _)| whole.heard.contains(place)));
        assert!(whole.statements.iter().all(|(place, _)| documents.get(*place).is_some()));
        let alone = PACKAGES.map(|package| said(&documents, name, &[package]).accepts);
        assert_eq!(whole.accepts, alone == [true; 3], "{name}");
        assert!(!said(&documents, name, &[]).accepts, "{name}");
        assert!(!said(&later, name, &PACKAGES).accepts, "{name}");
    }
}

fn said(documents: &Documents, name: &str, packages: &[&str]) -> Assessment {
    let answer = Answer {
        id: name.to_owned(),
        aliases: Vec::new(),
        cves: Vec::new(),
        also: Vec::new(),
        verdict: Verdict::Affected,
        package: String::new(),
        version: String::new(),
        fixed_in: None,
        fix: Fix::Open,
        severity: Severity { level: Level::High, by: String::new() },
        cvss: None,
        informational: String::new(),
        summary: String::new(),
        published: None,
        modified: None,
        references: Vec::new(),
        source: 0,
        feed: Kind::Osv,
    };
    let (names, digests) = (["example.com/shop/app:1.4".to_owned()], [Digest::sha256(MANIFEST)]);
    let image = ImageId { names: &names, digests: &digests, architecture: "amd64" };
    // All could be in one program, but only those of Go are.
    let program = |purl: &str| purl.starts_with("pkg:golang/").then_some(PROGRAM);
    let packages: Vec<_> = packages.iter().map(|purl| Package::new(purl, program(purl))).collect();
    let packages = || packages.iter().collect();
    documents.assess(&About { image: &image, answer: &answer, packages: &packages, release: Some("3.18.0") })
}
