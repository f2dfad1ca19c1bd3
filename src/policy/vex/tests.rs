use serde_json::{Value, json};

use super::*;
use crate::advisories::{Fix, Kind, Level, Severity, Verdict};

const HEX: &str = "1111111111111111111111111111111111111111111111111111111111111111";

const OPENSSL: &str = "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0&upstream=openssl";
const CRYPTO: &str = "pkg:apk/alpine/libcrypto3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0&upstream=openssl";

fn answer(id: &str, aliases: &[&str], cves: &[&str]) -> Answer {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Answer {
        id: id.to_owned(),
        aliases: owned(aliases),
        cves: owned(cves),
        also: Vec::new(),
        verdict: Verdict::Affected,
        package: "openssl".to_owned(),
        version: "3.0.8-r3".to_owned(),
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
    }
}

fn document(statements: Value) -> String {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://openvex.dev/docs/example/vex-1",
        "author": "security@example.com",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": statements,
    })
    .to_string()
}

fn statement(products: Value, status: &str) -> Value {
    json!({
        "vulnerability": { "name": "CVE-2026-0001" },
        "products": products,
        "status": status,
        "justification": "vulnerable_code_not_present",
    })
}

fn read(texts: &[&str]) -> Result<Documents> {
    let mut documents = Documents::default();
    for text in texts {
        documents.add(&Named { source: "openvex.json", text })?;
    }
    Ok(documents)
}

/// What a text says of a finding of these packages.
fn said(texts: &[&str], answer: &Answer, packages: &[&str]) -> Assessment {
    said_in(texts, answer, packages, &[])
}

/// The same, of packages that are parts of programs.
fn said_in(texts: &[&str], answer: &Answer, packages: &[&str], programs: &[&str]) -> Assessment {
    said_by(&read(texts).unwrap(), answer, packages, programs)
}

fn said_by(documents: &Documents, answer: &Answer, packages: &[&str], programs: &[&str]) -> Assessment {
    let (names, digests) = (["example.com/shop/app:1.4".to_owned()], [digest()]);
    let image = ImageId { names: &names, digests: &digests, architecture: "amd64" };
    let packages: Vec<_> = packages.iter().map(|purl| Package::new(purl, programs.iter().copied())).collect();
    let packages = || packages.iter().collect();
    let about = About { image: &image, answer, packages: &packages, release: Some("3.18.0") };
    documents.assess(&about)
}

fn digest() -> Digest {
    format!("sha256:{HEX}").parse().unwrap()
}

/// Whether a statement on a product accepts a finding of a package.
fn accepts(product: Value, package: &str) -> bool {
    let text = document(json!([statement(json!([product]), "not_affected")]));
    said(&[&text], &answer("CVE-2026-0001", &[], &[]), &[package]).accepts
}

/// As VEX Hub has nearly all of its products.
#[test]
fn parts_of_a_module_are_what_its_programs_are_made_of() {
    let accepts = |product: &str, part: &str, programs: &[&str]| {
        let product = json!({ "@id": product, "subcomponents": [{ "@id": part }] });
        let text = document(json!([statement(json!([product]), "not_affected")]));
        let net = "pkg:golang/golang.org/x/net@v0.5.0";
        said_in(&[&text], &answer("CVE-2026-0001", &[], &[]), &[net], programs).accepts
    };
    let (app, net) = ("pkg:golang/example.com/app", "pkg:golang/golang.org/x/net@v0.5.0");
    assert!(accepts(app, net, &["pkg:golang/example.com/app@v1.2.3"]));
    assert!(accepts(app, "pkg:golang/golang.org/x/net", &[app]));
    assert!(!accepts(app, net, &[]), "in no program that is known");
    assert!(!accepts(app, net, &["pkg:golang/example.com/other"]), "in another program");
    assert!(!accepts(app, "pkg:golang/golang.org/x/text", &[app]), "another part");
    assert!(!accepts("pkg:golang/example.com/app@v2.0.0", net, &["pkg:golang/example.com/app@v1.2.3"]));
    assert!(
        !accepts(app, net, &[app, "pkg:golang/example.com/other"]),
        "another program for another runtime"
    );
    assert!(!accepts(app, net, &[app, "no purl"]));
    assert!(accepts(app, net, &[app, "pkg:golang/example.com/app@v1.2.3"]));
}

#[test]
fn package_urls_match_from_the_general_to_the_special() {
    for (said, installed, matches) in [
        ("pkg:apk/alpine/libssl3@3.0.8-r3", OPENSSL, true),
        ("pkg:apk/alpine/libssl3", OPENSSL, true),
        ("pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64", OPENSSL, true),
        ("pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0", OPENSSL, true),
        ("pkg:apk/alpine/libssl3?distro=3.18.0", OPENSSL, true),
        ("pkg:apk/alpine/libssl3?upstream=something", OPENSSL, true),
        ("pkg:apk/alpine/libssl3@3.0.8-r4", OPENSSL, false),
        ("pkg:apk/alpine/libssl3?arch=armv7", OPENSSL, false),
        ("pkg:apk/alpine/libssl3?distro=3.19.0", OPENSSL, false),
        ("pkg:apk/alpine/libssl3?vcs_url=x", OPENSSL, false),
        ("pkg:apk/alpine/libssl3#part", OPENSSL, false),
        ("pkg:apk/alpine/libssl", OPENSSL, false),
        ("pkg:apk/wolfi/libssl3", OPENSSL, false),
        ("pkg:apk/libssl3", OPENSSL, false),
        ("pkg:deb/alpine/libssl3", OPENSSL, false),
        // The source package is another thing than what is built from it.
        ("pkg:apk/alpine/openssl@3.0.8-r3", OPENSSL, false),
        ("pkg:apk/alpine/libssl3@%zz", OPENSSL, false),
        ("https://example.com/libssl3", OPENSSL, false),
        ("pkg:golang/golang.org/x/net@0.5.0", "pkg:golang/golang.org/x/net@v0.5.0", true),
        ("pkg:golang/github.com/masterminds/semver", "pkg:golang/github.com/Masterminds/semver@v1.0.0", true),
        ("pkg:pypi/Zope.Interface@1", "pkg:pypi/zope-interface@1", true),
        ("pkg:maven/g/a@1?type=jar", "pkg:maven/g/a@1", true),
        ("pkg:maven/g/a@1?type=war", "pkg:maven/g/a@1", false),
        ("pkg:maven/g/a@1", "pkg:maven/G/a@1", false),
        ("pkg:npm/%40scope/x@1", "pkg:npm/%40scope/x@1", true),
        ("pkg:rpm/redhat/openssl@1?epoch=1", "pkg:rpm/rhel/openssl@1?epoch=1", true),
        ("pkg:rpm/redhat/openssl@1?epoch=0", "pkg:rpm/rhel/openssl@1", true),
        ("pkg:rpm/redhat/openssl@1?epoch=1", "pkg:rpm/rhel/openssl@1", false),
        ("pkg:rpm/suse/openssl@1", "pkg:rpm/rhel/openssl@1", false),
        ("pkg:cargo/serde@1", "pkg:cargo/serde", false),
    ] {
        assert_eq!(accepts(json!({ "@id": said }), installed), matches, "{said} of {installed}");
        assert_eq!(accepts(json!({ "identifiers": { "purl": said } }), installed), matches, "{said}");
    }
}

#[test]
fn an_image_is_known_by_its_digest_else_by_its_name() {
    let other = HEX.replace('1', "2");
    for (said, is_it) in [
        (format!("pkg:oci/app@sha256%3A{HEX}"), true),
        (format!("pkg:oci/app@sha256:{HEX}"), true),
        // What has the digest is the image, wherever it was taken from.
        (format!("pkg:oci/other@sha256:{HEX}?repository_url=mirror.example.com/other"), true),
        (format!("pkg:oci/app@sha256:{HEX}?arch=amd64"), true),
        (format!("pkg:oci/app@sha256:{HEX}?arch=arm64"), false),
        (format!("pkg:oci/app@sha256:{other}"), false),
        (format!("sha256:{HEX}"), true),
        (HEX.to_owned(), true),
        (format!("example.com/shop/app@sha256:{HEX}"), true),
        ("pkg:oci/app".to_owned(), true),
        ("pkg:oci/app?repository_url=example.com/shop/app".to_owned(), true),
        ("pkg:oci/app?repository_url=example.com/shop".to_owned(), true),
        ("pkg:oci/app?repository_url=example.com".to_owned(), false),
        ("pkg:oci/app?tag=1.4".to_owned(), true),
        ("pkg:oci/app?tag=1.5".to_owned(), false),
        ("pkg:oci/app?arch=arm64".to_owned(), false),
        ("pkg:oci/app?os=linux".to_owned(), false),
        ("pkg:oci/pp".to_owned(), false),
        ("pkg:oci/app@1.4".to_owned(), false),
        ("pkg:docker/shop/app@1.4".to_owned(), false),
        ("example.com/shop/app:1.4".to_owned(), true),
        ("example.com/shop/app".to_owned(), false),
        ("https://example.com/shop/app:1.4".to_owned(), false),
    ] {
        assert_eq!(accepts(json!({ "@id": said }), OPENSSL), is_it, "{said}");
        let with = |part: &str| json!({ "@id": said, "subcomponents": [{ "@id": part }] });
        assert_eq!(accepts(with("pkg:apk/alpine/libssl3"), OPENSSL), is_it, "{said}");
        assert!(!accepts(with("pkg:apk/alpine/libcrypto3"), OPENSSL), "{said}");
        assert!(!accepts(with("cpe:2.3:a:openssl:openssl:3.0.8:*:*:*:*:*:*:*"), OPENSSL), "{said}");
    }
    let by_hash = |hex: &str| json!({ "@id": "https://example.com/app", "hashes": { "sha-256": hex } });
    assert_eq!([HEX, &other].map(|hex| accepts(by_hash(hex), OPENSSL)), [true, false]);
}

#[test]
fn names_of_images_are_those_of_docker_hub_where_they_have_no_registry() {
    let is = |name: &str, said: &str| {
        let names = [name.to_owned()];
        let image = ImageId { names: &names, digests: &[], architecture: "amd64" };
        let text = document(json!([statement(json!([said]), "fixed")]));
        let openssl = Package::new(OPENSSL, []);
        let packages = || vec![&openssl];
        let answer = answer("CVE-2026-0001", &[], &[]);
        read(&[&text])
            .unwrap()
            .assess(&About { image: &image, answer: &answer, packages: &packages, release: None })
            .accepts
    };
    for url in
        ["docker.io/library/alpine", "index.docker.io/library/alpine", "index.docker.io/library", "alpine"]
    {
        assert!(is("alpine:3.18", &format!("pkg:oci/alpine?repository_url={url}")), "{url}");
        assert!(!is("quay.io/alpine:3.18", &format!("pkg:oci/alpine?repository_url={url}")), "{url}");
    }
    assert!(is("localhost:5000/alpine", "pkg:oci/alpine?repository_url=localhost:5000/alpine"));
    // A registry alone has what is in it, and nothing below.
    for (name, said, is_it) in [
        ("example.com/app:1", "pkg:oci/app?repository_url=example.com", true),
        ("example.com/app:1", "pkg:oci/app?repository_url=https://example.com/", true),
        ("localhost:5000/app:1", "pkg:oci/app?repository_url=localhost:5000", true),
        ("example.com/shop/app:1", "pkg:oci/app?repository_url=example.com", false),
        ("example.com/shop/app:1", "pkg:oci/shop/app?repository_url=example.com", true),
        ("other.example.com/app:1", "pkg:oci/app?repository_url=example.com", false),
        ("shop/app:1", "pkg:oci/shop/app?repository_url=docker.io", true),
        ("shop/app:1", "pkg:oci/shop/app?repository_url=index.docker.io", true),
        ("shop/app:1", "pkg:oci/app?repository_url=docker.io", false),
    ] {
        assert_eq!(is(name, said), is_it, "{name} {said}");
    }
    assert!(!is("localhost:5000/alpine", "pkg:oci/alpine?tag=latest"), "a tag that is not said is none");
}

#[test]
fn all_packages_of_a_finding_must_be_covered() {
    let answer = answer("ALPINE-CVE-2026-0001", &["CVE-2026-0001"], &["CVE-2026-0001"]);
    let one = document(json!([statement(json!(["pkg:apk/alpine/libssl3"]), "fixed")]));
    let told = said(&[&one], &answer, &[OPENSSL, CRYPTO]);
    assert_eq!((told.accepts, told.statements), (false, vec![((0, 0), true)]));
    let two = document(json!([statement(json!(["pkg:apk/alpine/libcrypto3"]), "not_affected")]));
    let told = said(&[&one, &two], &answer, &[OPENSSL, CRYPTO]);
    assert_eq!((told.accepts, told.statements), (true, vec![((0, 0), true), ((1, 0), true)]));
    assert!(!said(&[&one], &answer, &[]).accepts, "of no package nothing is accepted");
    assert!(!said(&[&one], &answer, &["no purl"]).accepts);
}

/// An advisory of a vendor fixes several vulnerabilities: what is said of one leaves the others.
#[test]
fn all_vulnerabilities_of_an_advisory_must_be_covered() {
    let several = answer("ALSA-2026:1", &[], &["CVE-2026-0001", "CVE-2026-0002"]);
    let of = |name: &str| {
        let mut statement = statement(json!(["pkg:apk/alpine/libssl3"]), "not_affected");
        statement["vulnerability"]["name"] = name.into();
        statement
    };
    let accepts = |statements: Value| said(&[&document(statements)], &several, &[OPENSSL]).accepts;
    assert!(!accepts(json!([of("CVE-2026-0001")])));
    assert!(accepts(json!([of("CVE-2026-0001"), of("CVE-2026-0002")])));
    assert!(accepts(json!([of("alsa-2026:1")])), "the advisory itself");
    // As documents have advisories among the aliases of each of their CVEs.
    let mut with_alias = of("CVE-2026-0001");
    with_alias["vulnerability"]["aliases"] = json!(["ALSA-2026:1"]);
    assert!(!accepts(json!([with_alias])));
    let other = answer("DEBIAN-1", &["CVE-2026-0002", "ALSA-2026:1"], &[]);
    assert!(!said(&[&document(json!([with_alias]))], &other, &[OPENSSL]).accepts, "of another CVE");
    let told = said(&[&document(json!([of("CVE-2026-0002")]))], &several, &[OPENSSL]);
    assert_eq!(told.statements, [((0, 0), true)]);
}

#[test]
fn a_vulnerability_is_known_by_any_of_its_names_on_both_sides() {
    let known = answer("GHSA-aaaa-bbbb-cccc", &["CVE-2026-0001"], &["CVE-2026-0001"]);
    for (vulnerability, is_it) in [
        (json!("CVE-2026-0001"), true),
        (json!({ "name": "cve-2026-0001" }), true),
        (json!({ "name": "SNYK-1", "aliases": ["GHSA-aaaa-bbbb-cccc"] }), true),
        (json!({ "@id": "CVE-2026-0001" }), true),
        (json!({ "@id": "https://nvd.nist.gov/vuln/detail/CVE-2026-0001", "name": "X-1" }), false),
        (json!({ "name": "CVE-2026-00011" }), false),
    ] {
        let mut statement = statement(json!(["pkg:apk/alpine/libssl3"]), "fixed");
        statement["vulnerability"] = vulnerability.clone();
        let text = document(json!([statement]));
        assert_eq!(said(&[&text], &known, &[OPENSSL]).accepts, is_it, "{vulnerability}");
    }
}

/// An advisory that is about several may have the names of one of them.
#[test]
fn a_name_of_one_accepts_no_advisory_that_is_about_several() {
    let on = |name: &str| {
        let mut statement = statement(json!(["pkg:apk/alpine/libssl3"]), "not_affected");
        statement["vulnerability"] = json!({ "name": name });
        document(json!([statement]))
    };
    let several = answer("ALSA-1", &["GHSA-1"], &["CVE-2026-0001", "CVE-2026-0002"]);
    let accepts = |name: &str, answer: &Answer| said(&[&on(name)], answer, &[OPENSSL]).accepts;
    assert!(accepts("ALSA-1", &several));
    assert!(!accepts("GHSA-1", &several) && !accepts("CVE-2026-0001", &several));
    let merged = Answer { also: vec!["GHSA-2".to_owned()], ..several };
    assert!(!accepts("ALSA-1", &merged) && !accepts("GHSA-2", &merged));
    let both = [on("CVE-2026-0001"), on("cve-2026-0002").replace("vex-1", "vex-2")];
    assert!(said(&[&both[0], &both[1]], &merged, &[OPENSSL]).accepts);
    assert!(accepts("GHSA-1", &answer("PYSEC-1", &["GHSA-1"], &["CVE-2026-0001"])));
}

#[test]
fn the_latest_statement_counts_and_of_one_time_the_last() {
    let at = |time: Option<&str>, status: &str| {
        let mut statement = statement(json!(["pkg:apk/alpine/libssl3"]), status);
        if let Some(time) = time {
            statement["timestamp"] = time.into();
        }
        statement
    };
    let answer = answer("CVE-2026-0001", &[], &[]);
    let early = Some("2025-06-01T00:00:00+02:00");
    for (statements, accepts, counting) in [
        (json!([at(None, "affected"), at(None, "fixed")]), true, 1),
        (json!([at(None, "fixed"), at(None, "under_investigation")]), false, 1),
        (json!([at(None, "fixed"), at(early, "affected")]), true, 0),
        (json!([at(early, "not_affected"), at(None, "affected")]), false, 1),
        (json!([at(Some("2026-01-01T01:00:00+02:00"), "fixed"), at(None, "affected")]), false, 1),
        (json!([at(Some("2026-01-01T00:00:00-00:30"), "fixed"), at(None, "affected")]), true, 0),
    ] {
        let text = document(statements.clone());
        let told = said(&[&text], &answer, &[OPENSSL]);
        assert_eq!(
            (told.accepts, &told.statements[..]),
            (accepts, &[((0, counting), false)][..]),
            "{statements}"
        );
        assert_eq!(told.heard.len(), 2, "both are about it");
    }
    // Over documents, too.
    let (old, new) = (document(json!([at(early, "fixed")])), document(json!([at(None, "affected")])));
    assert!(!said(&[&old, &new], &answer, &[OPENSSL]).accepts);
    assert!(!said(&[&new, &old], &answer, &[OPENSSL]).accepts);
    assert_eq!(read(&[&old, &new, &old]).unwrap().all().len(), 2, "the same document twice says it once");
    // Of one time none is the later, in whatever order they are named.
    let (yes, no) = (document(json!([at(None, "fixed")])), document(json!([at(None, "affected")])));
    for texts in [&[&*yes, &*no][..], &[&*no, &*yes], &[&*no, &*yes, &*no]] {
        assert!(!said(texts, &answer, &[OPENSSL]).accepts);
    }
}

#[test]
fn the_forms_before_0_2_0_are_read() {
    let text = |context: &str, more: Value| {
        let mut statement = json!({
            "vulnerability": "CVE-2026-0001",
            "products": [format!("pkg:oci/app@sha256:{HEX}")],
            "status": "not_affected",
            "impact_statement": "it is not used",
        });
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({
            "@context": context,
            "@id": "my-vexdoc",
            "format": "text/vex+json",
            "author": "John Doe",
            "timestamp": "2023-01-08T18:02:03.647787998-06:00",
            "version": "1",
            "statements": [statement],
        })
        .to_string()
    };
    let answer = answer("CVE-2026-0001", &[], &[]);
    for context in
        ["https://openvex.dev/ns", "https://openvex.dev/ns/v0.0.1", "https://openvex.dev/ns/v0.2.0"]
    {
        let accepts = |more| said(&[&text(context, more)], &answer, &[OPENSSL]).accepts;
        assert!(accepts(json!({})), "{context}");
        assert!(accepts(json!({ "subcomponents": ["pkg:apk/alpine/libssl3"] })));
        assert!(!accepts(json!({ "subcomponents": ["pkg:apk/alpine/zlib"] })));
    }
    // They are of their own statement, and no other's; beside those that a product has.
    let mut several: Value = serde_json::from_str(&text(
        "https://openvex.dev/ns",
        json!({ "subcomponents": ["pkg:apk/alpine/zlib"] }),
    ))
    .unwrap();
    let mut second = several["statements"][0].clone();
    second["subcomponents"] = json!(["pkg:apk/alpine/libssl3"]);
    several["statements"].as_array_mut().unwrap().push(second);
    let told = said(&[&several.to_string()], &answer, &[OPENSSL]);
    assert_eq!((told.accepts, &told.statements[..]), (true, &[((0, 1), false)][..]));
    assert!(!said(&[&several.to_string()], &answer, &[CRYPTO]).accepts);
    several["statements"][1]["products"] = json!([{ "@id": format!("sha256:{HEX}"), "subcomponents": [{ "@id": "pkg:apk/alpine/libcrypto3" }] }]);
    assert!(said(&[&several.to_string()], &answer, &[OPENSSL, CRYPTO]).accepts);
}

#[test]
fn mistakes_are_told_with_their_statement() {
    let good = || statement(json!(["pkg:apk/alpine/libssl3"]), "not_affected");
    let with = |key: &str, value: Value| {
        let mut statement = good();
        statement[key] = value;
        document(json!([good(), statement]))
    };
    let without = |key: &str| {
        let mut statement = good();
        statement.as_object_mut().unwrap().remove(key);
        document(json!([good(), statement]))
    };
    let whole = |key: &str, value: Value| {
        let mut document: Value = serde_json::from_str(&document(json!([good()]))).unwrap();
        document[key] = value;
        document.to_string()
    };
    let timeless = {
        let mut document: Value = serde_json::from_str(&document(json!([good()]))).unwrap();
        document.as_object_mut().unwrap().remove("timestamp");
        document.to_string()
    };
    for (text, told) in [
        (with("status", json!("not affected")), "statement 2: there is no status \"not affected\""),
        (with("status", json!("fixd")), "statement 2"),
        (with("justification", json!("because")), "statement 2: there is no justification \"because\""),
        (without("justification"), "statement 2: it is not_affected, and neither"),
        (without("status"), "missing field `status`"),
        (without("products"), "statement 2: it names no product"),
        (with("products", json!([])), "statement 2: it names no product"),
        (with("products", json!([{}])), "statement 2: a product has neither"),
        (with("products", json!([{ "@id": "x", "subcomponents": [{}] }])), "a subcomponent has neither"),
        (with("products", json!([{ "@id": "x", "subcomponent": [] }])), "unknown field `subcomponent`"),
        (with("products", json!("pkg:x/y")), "invalid type"),
        (with("subcomponent", json!([])), "statement 2: there is no key \"subcomponent\""),
        (with("subComponents", json!([])), "statement 2: there is no key \"subComponents\""),
        (with("timestmap", json!("2026-01-01T00:00:00Z")), "statement 2: there is no key \"timestmap\""),
        (
            document(json!([{ "x": 0 }]))
                .replace("\"x\":0", r#""vulnerability":"x","status":"fixed","products":[{"identifiers":{"purl":"a","purl":"b"}}]"#),
            "duplicate key `purl`",
        ),
        (
            document(json!([{ "x": 0 }]))
                .replace("\"x\":0", r#""vulnerability":"x","status":"fixed","products":[{"hashes":{"sha-256":"a","sha-256":"b"}}]"#),
            "duplicate key `sha-256`",
        ),
        (with("vulnerability", json!({ "description": "x" })), "statement 2: it names no vulnerability"),
        (with("vulnerability", json!({ "name": "x", "nam": "y" })), "unknown field `nam`"),
        (with("timestamp", json!("yesterday")), "statement 2: \"yesterday\" is no timestamp"),
        (with("vulnerability", json!(1)), "at line"),
        (whole("@context", json!("https://openvex.dev/ns/v9")), "the @context"),
        (whole("@context", json!("https://openvex.dev/nsx")), "the @context"),
        (whole("@context", json!("https://example.com")), "the @context"),
        (whole("author", json!(" ")), "author is empty"),
        (whole("@id", json!("")), "@id is empty"),
        (whole("timestamp", json!("2026-01-01")), "is no timestamp"),
        (timeless, "statement 1: neither it nor the document has a timestamp"),
        (
            document(json!([good()])).replacen("\"author\"", "\"author\": \"x\", \"author\"", 1),
            "duplicate field",
        ),
        ("{}".to_owned(), "missing field `@context`"),
        ("[]".to_owned(), "it is no OpenVEX document"),
        (format!("{}1", "[".repeat(100_000)), "it is no OpenVEX document"),
    ] {
        let error = read(&[&text]).expect_err(&text);
        assert!(error.to_string().contains(told), "{error}\n{told}");
        assert!(error.to_string().starts_with("openvex.json: "), "{error}");
    }
    // Vendors add keys of their own, as vexctl's examples do, and OpenVEX has some that decide nothing.
    for key in
        ["@id", "version", "last_updated", "supplier", "action_statement_timestamp", "vuln_description"]
    {
        assert!(read(&[&with(key, json!("x"))]).is_ok(), "{key}");
    }
    let more =
        with("statement", json!("a sample")).replacen("\"version\"", "\"x\": {\"y\": [1]}, \"version\"", 1);
    assert_eq!(read(&[&more]).unwrap().all()[0].statements.len(), 2);
}

#[test]
fn documents_are_held_to_vex_documents_and_vex_items() {
    let numbered = |number: usize| {
        document(json!([statement(json!(["pkg:apk/alpine/libssl3"]), "fixed")]))
            .replace("vex-1", &format!("vex-{number}"))
    };
    let mut documents = Documents::default();
    for number in 0..limits::VEX_DOCUMENTS {
        documents.add(&Named { source: "x", text: &numbered(number) }).unwrap();
    }
    let beyond = documents.add(&Named { source: "x", text: &numbered(limits::VEX_DOCUMENTS) });
    assert!(beyond.unwrap_err().to_string().contains("VEX_DOCUMENTS"));
    // A statement, its name, and its products.
    let products = |count: usize| document(json!([statement(json!(vec!["a"; count]), "fixed")]));
    assert!(read(&[&products(limits::VEX_ITEMS - 2)]).is_ok());
    let error = read(&[&products(limits::VEX_ITEMS - 1)]).unwrap_err();
    assert!(error.to_string().contains("VEX_ITEMS"), "{error}");
}

/// As they stand in the forms before 0.2.0, where they are of each product.
#[test]
fn subcomponents_of_all_products_are_counted_and_kept_once() {
    let text = |count: usize| {
        let images: Vec<_> = (0..count).map(|number| format!("sha256:{number:064x}")).collect();
        let mut of_all: Vec<_> = (1..count).map(|number| format!("pkg:apk/alpine/x{number}")).collect();
        of_all.push("pkg:apk/alpine/libssl3".to_owned());
        let mut statement = statement(json!(images), "fixed");
        statement["products"].as_array_mut().unwrap().push(json!(format!("sha256:{HEX}")));
        statement["subcomponents"] = json!(of_all);
        document(json!([statement]))
    };
    let documents = read(&[&text(100_000)]).unwrap();
    // A statement, its name, one product more, and as many subcomponents as others.
    assert_eq!(documents.items, 200_003);
    let accepts = |purl: &str| said_by(&documents, &answer("CVE-2026-0001", &[], &[]), &[purl], &[]).accepts;
    assert!(accepts(OPENSSL) && !accepts(CRYPTO));
    let beyond = read(&[&text((limits::VEX_ITEMS - 3) / 2 + 1)]).unwrap_err();
    assert!(beyond.to_string().contains("VEX_ITEMS"), "{beyond}");
}

#[test]
fn a_statement_concerns_an_image_unless_it_is_of_others_only() {
    let digests = [digest()];
    let names = ["example.com/shop/app:1.4".to_owned()];
    let image = ImageId { names: &names, digests: &digests, architecture: "amd64" };
    let other = format!("pkg:oci/app@sha256:{}", HEX.replace('1', "2"));
    for (products, concerns) in [
        (json!(["pkg:apk/alpine/x"]), true),
        (json!([format!("sha256:{HEX}")]), true),
        (json!([other]), false),
        (json!([other, "pkg:apk/alpine/x"]), true),
        (json!(["pkg:oci/app"]), true),
        (json!(["pkg:oci/other"]), false),
        (json!(["example.com/shop/app:1.4"]), true),
        (json!(["example.com/shop/app:1.5"]), false),
        (json!(["localhost:5000/app"]), false),
        (json!(["alpine:3.18"]), false),
        (json!(["alpine:3.18", "pkg:apk/alpine/x"]), true),
        // What is no image's name is perhaps a mistake, and told.
        (json!(["app"]), true),
        (json!(["https://example.com/x"]), true),
        (json!(["cpe:2.3:a:gnu:sed:4.8:*:*:*:*:*:*:*"]), true),
        (json!(["cpe:/a:gnu:sed"]), true),
        (json!(["cpe:/a"]), true),
        (json!(["urn:uuid:2a1f"]), true),
    ] {
        let text = document(json!([statement(products.clone(), "fixed")]));
        assert_eq!(read(&[&text]).unwrap().concerns((0, 0), &image), concerns, "{products}");
    }
}
