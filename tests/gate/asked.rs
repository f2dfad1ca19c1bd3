//! For which packages advisories and the policy are asked, and by which names.

use serde_json::{Value, json};

use crate::advisories::{CRITICAL, Trial, advisory, debian, vulnerabilities};
use crate::support::{Image, Layer, Manager, Zip, package, sed};

/// An advisory on all versions of a package of a language before 2.0.
fn on(ecosystem: &str, name: &str) -> Value {
    json!({
        "id": format!("TEST-{}", name.replace(|char: char| !char.is_ascii_alphanumeric(), "-")),
        "modified": "2026-01-01T00:00:00Z",
        "severity": [{ "type": "CVSS_V3", "score": CRITICAL }],
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "2.0" }] }],
        }],
    })
}

const TELL: &str = "[rules.vulnerability]\nuncovered = \"tell\"\n";

/// The advisories of an image's findings that weigh something, with their verdicts.
fn found(trial: &Trial, image: &Image, policy: &str) -> Vec<(String, String)> {
    let checked = trial.check_on(None, image, policy);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = vulnerabilities(&checked).into_iter().filter(|finding| finding["severity"] != "info");
    told.map(|finding| (text(&finding["evidence"]["advisory"]), text(&finding["evidence"]["verdict"])))
        .collect()
}

fn affected(advisory: &str) -> Vec<(String, String)> {
    vec![(advisory.to_owned(), "affected".to_owned())]
}

/// Debian mends its own Python packages, and says so; of a company's package it knows nothing, and what was written over a
/// package's file it did not bring.
#[test]
fn packages_of_languages_are_the_distributions_where_its_feed_speaks_of_the_package_that_brought_them() {
    let path = "usr/lib/python3/dist-packages/demo-1.0.dist-info/METADATA";
    let metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    let acme = package("acme", "1.0", &[(path, metadata)]);
    let image = Manager::Dpkg
        .base(&[&sed(), &acme])
        .layer(Layer::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"))
        .user("10001");
    let unfixed = advisory("CVE-2026-0001", "elsewhere", None, CRITICAL);
    let unknown = Trial::new(&[unfixed.clone(), on("PyPI", "demo")]);
    assert_eq!(found(&unknown, &image, ""), affected("TEST-demo"));
    let known =
        Trial::new(&[unfixed, on("PyPI", "demo"), advisory("CVE-2026-0002", "acme", Some("0.5"), CRITICAL)]);
    assert_eq!(found(&known, &image, ""), []);
    // The same again is not written over: a change of modes, and an upgrade that leaves the file as it was.
    let touched = image.clone().layer(Layer::new().file_mode(path, metadata, 0o600));
    assert_eq!(found(&known, &touched, ""), []);
    let newer = package("acme", "1.1", &[(path, metadata)]);
    let upgraded =
        Manager::Dpkg.database(Layer::new().file(path, metadata), &[&sed(), &newer], &[&sed(), &newer]);
    let upgraded = image.clone().layer(upgraded);
    for base in [None, Some(&image)] {
        let checked = known.check_on(base, &upgraded, "");
        assert_eq!(checked.outcome("vulnerability"), "pass", "{:#?}", vulnerabilities(&checked));
    }
    let over = image.layer(Layer::new().file(path, metadata.replace("1.0", "1.1")));
    assert_eq!(found(&known, &over, ""), affected("TEST-demo"));
}

/// Spring's jars have no group in them, and advisories know no package without one.
#[test]
fn a_jar_without_its_group_is_undecidable_where_one_of_any_group_is_affected() {
    let jar = |name: &str| {
        let manifest =
            format!("Manifest-Version: 1.0\nImplementation-Title: {name}\nImplementation-Version: 1.5\n");
        Zip::new().member("META-INF/MANIFEST.MF", manifest).bytes()
    };
    let trial = Trial::new(&[on("Maven", "org.springframework:spring-beans")]);
    let with = |name: &str| debian().layer(Layer::new().file(format!("app/{name}-1.5.jar"), jar(name)));
    assert_eq!(
        found(&trial, &with("spring-beans"), TELL),
        [("TEST-org-springframework-spring-beans".to_owned(), "undecidable".to_owned())]
    );
    assert_eq!(found(&trial, &with("beans"), TELL), []);
    // A vendor is no group.
    let manifest = "Manifest-Version: 1.0\nImplementation-Title: spring-beans\nImplementation-Version: 1.5\nImplementation-Vendor-Id: com.acme\n";
    let repacked = Zip::new().member("META-INF/MANIFEST.MF", manifest).bytes();
    let repacked = debian().layer(Layer::new().file("app/spring-beans-1.5.jar", repacked));
    assert_eq!(found(&trial, &repacked, TELL).len(), 1);
    let forbidden = |name: &str| {
        let entry = format!("name = \"{name}\", kind = \"maven\", below = \"2\", reason = \"x\"");
        let policy = format!("{TELL}[rules.package-forbidden]\npackages = [{{ {entry} }}]\n");
        trial.check_on(None, &with("spring-beans"), &policy).outcome("package-forbidden").to_owned()
    };
    for (name, outcome) in [
        ("*:spring-beans", "fail"),
        ("org.springframework:spring-beans", "fail"),
        ("spring-beans", "fail"),
        ("org.springframework:*", "pass"),
        ("*:beans", "pass"),
    ] {
        assert_eq!(forbidden(name), outcome, "{name}");
    }
}

/// Whoever writes os-release chooses whose feed is asked, but nobody's speaks of Debian's packages of Alpine.
#[test]
fn packages_of_another_manager_than_the_distributions_are_nobodys() {
    let mut alpine = advisory("CVE-2026-0002", "elsewhere", None, CRITICAL);
    alpine["affected"][0]["package"]["ecosystem"] = json!("Alpine:v3.22");
    let trial = Trial::new(&[advisory("CVE-2026-0001", "sed", Some("9"), CRITICAL), alpine]);
    let image = debian().layer(Layer::new().file("etc/os-release", "ID=alpine\nVERSION_ID=3.22.1\n"));
    let checked = trial.check(&image);
    assert_eq!(checked.outcome("vulnerability"), "not-evaluated", "{:#}", checked.report);
    assert_eq!(trial.check(&debian()).outcome("vulnerability"), "fail");
}

/// Who accepts a vulnerable package in one place accepts it in no other.
#[test]
fn a_waiver_of_one_place_accepts_no_other() {
    let trial = Trial::new(&[on("npm", "lodash")]);
    let lodash = |layer: Layer, app: &str| {
        layer.file(
            format!("srv/{app}/node_modules/lodash/package.json"),
            r#"{"name": "lodash", "version": "1.2.3"}"#,
        )
    };
    let one = debian().layer(lodash(Layer::new(), "a"));
    let two = debian().layer(lodash(lodash(Layer::new(), "a"), "b"));
    let waiver = |narrowed: &str| {
        format!(
            "{TELL}[[waivers]]\nrule = \"vulnerability\"\n{narrowed}\nreason = \"x\"\nowner = \"y\"\nexpires = \"2026-02-01\"\n"
        )
    };
    let of_place = waiver("path = \"/srv/a/**\"");
    let exit = |image: &Image, policy: &str| trial.check_on(None, image, policy).exit;
    assert_eq!((exit(&one, &of_place), exit(&two, &of_place)), (0, 1));
    assert_eq!(exit(&two, &waiver("path = \"/srv/*/node_modules/**\"")), 0);
    let checked = trial.check_on(None, &one, TELL);
    let told = vulnerabilities(&checked).into_iter().find(|it| it["severity"] != "info").unwrap();
    let of_finding = waiver(&format!("fingerprint = {}", told["fingerprint"]));
    assert_eq!(exit(&two, &of_finding), 1);
}

/// Packages of one source that different layers brought are two findings, and each has a fingerprint of its own.
#[test]
fn a_fingerprint_is_of_the_packages_that_a_finding_is_about() {
    let paragraph = |name: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.1-1)\nVersion: 3.0.1-1+b2\n\n"
        )
    };
    let status = |names: &[&str]| names.iter().map(|name| paragraph(name)).collect::<String>();
    let with =
        |image: Image, names: &[&str]| image.layer(Layer::new().file("var/lib/dpkg/status", status(names)));
    let one = with(debian(), &["libssl3"]);
    let trial = Trial::new(&[advisory("CVE-2026-0004", "openssl", Some("3.0.1-2"), CRITICAL)]);
    let fingerprints = |image: &Image| -> Vec<Value> {
        let checked = trial.check(image);
        vulnerabilities(&checked).into_iter().map(|finding| finding["fingerprint"].clone()).collect()
    };
    let first = fingerprints(&one);
    let both = fingerprints(&with(one, &["libssl3", "openssl"]));
    assert_eq!((first.len(), both.len()), (1, 2));
    assert!(both.contains(&first[0]) && both[0] != both[1], "{first:?} {both:?}");
}

/// A vendor's advisory may be about many, and who looked at one has not looked at the others.
#[test]
fn a_waiver_of_one_cve_accepts_no_advisory_that_is_about_more() {
    let mut several = advisory("CVE-2026-0001", "sed", Some("9"), CRITICAL);
    several["id"] = json!("DSA-1-1");
    several["upstream"] = json!(["CVE-2026-0001", "CVE-2026-0002"]);
    several["aliases"] = json!(["GHSA-1"]);
    let trial = Trial::new(&[several]);
    for (name, exit) in [("CVE-2026-0001", 1), ("GHSA-1", 1), ("DSA-1-1", 0)] {
        let policy = format!(
            "[[waivers]]\nrule = \"vulnerability\"\nadvisory = \"{name}\"\nreason = \"x\"\nowner = \"y\"\nexpires = \"2026-02-01\"\n"
        );
        assert_eq!(trial.check_on(None, &debian(), &policy).exit, exit, "{name}");
    }
}

#[test]
fn forbidden_names_are_compared_as_their_world_does_and_sources_by_their_version() {
    let trial = Trial::new(&[advisory("CVE-2026-0001", "elsewhere", Some("9"), CRITICAL)]);
    let status = "Package: libdevmapper1.02.1\nStatus: install ok installed\nArchitecture: amd64\nSource: lvm2 (2.03.16-2)\nVersion: 2:1.02.185-2\n\n";
    let python = "Metadata-Version: 2.1\nName: Flask_Login\nVersion: 1.0\n";
    let layer = Layer::new()
        .file("var/lib/dpkg/status.d/lvm", status)
        .file("app/Flask_Login-1.0.dist-info/METADATA", python);
    let image = debian().layer(layer);
    for (entry, outcome) in [
        ("name = \"lvm2\", below = \"2.03.20\"", "fail"),
        ("name = \"lvm2\", below = \"2.03.10\"", "pass"),
        ("name = \"libdevmapper*\", below = \"2:1.02.190\"", "fail"),
        ("name = \"flask-login\"", "fail"),
        ("name = \"Flask.Login\", kind = \"pypi\"", "fail"),
        ("name = \"flask-*\"", "fail"),
        ("name = \"flask\"", "pass"),
    ] {
        let policy = format!("{TELL}[rules.package-forbidden]\npackages = [{{ {entry}, reason = \"x\" }}]\n");
        let checked = trial.check_on(None, &image, &policy);
        assert_eq!(checked.outcome("package-forbidden"), outcome, "{entry}");
    }
}
