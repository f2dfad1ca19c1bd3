use super::*;

/// A document in Red Hat's form, made for this test: one platform, one package with a fix for two
/// architectures, one of a module, and what has no fix.
const DOCUMENT: &str = r#"{
  "document": {
    "aggregate_severity": {"text": "Important"}, "category": "csaf_vex", "title": "a fault",
    "notes": [{"category": "legal_disclaimer", "text": "… the Creative Commons Attribution 4.0 International License …"}],
    "publisher": {"name": "Red Hat Product Security"},
    "tracking": {"id": "CVE-2024-0001", "status": "final", "initial_release_date": "2024-03-05T00:00:00+00:00",
                 "current_release_date": "2025-08-13T15:14:45+00:00"}
  },
  "product_tree": {
    "branches": [{"category": "vendor", "name": "Red Hat", "branches": [
      {"category": "product_family", "branches": [
        {"category": "product_name", "product": {"product_id": "AppStream-9",
          "product_identification_helper": {"cpe": "cpe:/a:redhat:enterprise_linux:9::appstream"}}},
        {"category": "product_name", "product": {"product_id": "EUS-9.2",
          "product_identification_helper": {"cpe": "cpe:/a:redhat:rhel_eus:9.2::appstream"}}},
        {"category": "product_name", "product": {"product_id": "other",
          "product_identification_helper": {"cpe": "cpe:/a:example:thing:1"}}}]},
      {"category": "product_version", "product": {"product_id": "lib-1:1.2-3.el9.x86_64",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/lib@1.2-3.el9?arch=x86_64&epoch=1"}}},
      {"category": "product_version", "product": {"product_id": "lib-1:1.2-3.el9.s390x",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/lib@1.2-3.el9?arch=s390x&epoch=1"}}},
      {"category": "product_version", "product": {"product_id": "lib-1:1.2-3.el9.src",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/lib@1.2-3.el9?arch=src&epoch=1"}}},
      {"category": "product_version", "product": {"product_id": "node-18-1.module+el9.x86_64",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/node@18-1.module%2Bel9?arch=x86_64"}}},
      {"category": "product_version", "product": {"product_id": "nodejs:18:9010:abc",
        "product_identification_helper": {"purl": "pkg:rpmmod/redhat/nodejs@18:9010:abc"}}},
      {"category": "product_version", "product": {"product_id": "go:rhel9/golang",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/golang"}}},
      {"category": "product_version", "product": {"product_id": "samba",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/samba"}}},
      {"category": "product_version", "product": {"product_id": "image@sha256:00",
        "product_identification_helper": {"purl": "pkg:oci/image@sha256:00"}}},
      {"category": "product_version", "product": {"product_id": "xml.src",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/xml?arch=src"}}},
      {"category": "product_version", "product": {"product_id": "ssl-1-2.x86_64",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/ssl@1-2?arch=x86_64"}}},
      {"category": "product_version", "product": {"product_id": "ssl-1-2.src",
        "product_identification_helper": {"purl": "pkg:rpm/redhat/ssl@1-2?arch=src"}}}
    ]}],
    "relationships": [
      {"product_reference": "lib-1:1.2-3.el9.x86_64", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:lib.x86_64"}},
      {"product_reference": "lib-1:1.2-3.el9.s390x", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:lib.s390x"}},
      {"product_reference": "lib-1:1.2-3.el9.src", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:lib.src"}},
      {"product_reference": "nodejs:18:9010:abc", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:nodejs:18"}},
      {"product_reference": "node-18-1.module+el9.x86_64", "relates_to_product_reference": "A:nodejs:18",
       "full_product_name": {"product_id": "A:nodejs:18:node"}},
      {"product_reference": "samba", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:samba"}},
      {"product_reference": "samba", "relates_to_product_reference": "EUS-9.2",
       "full_product_name": {"product_id": "E:samba"}},
      {"product_reference": "go:rhel9/golang", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:golang"}},
      {"product_reference": "plain", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:plain"}},
      {"product_reference": "samba", "relates_to_product_reference": "other",
       "full_product_name": {"product_id": "O:samba"}},
      {"product_reference": "image@sha256:00", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:image"}},
      {"product_reference": "xml.src", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:xml.src"}},
      {"product_reference": "ssl-1-2.x86_64", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:ssl.x86_64"}},
      {"product_reference": "ssl-1-2.src", "relates_to_product_reference": "AppStream-9",
       "full_product_name": {"product_id": "A:ssl.src"}},
      {"product_reference": "x", "relates_to_product_reference": "loop", "full_product_name": {"product_id": "loop"}}
    ]
  },
  "vulnerabilities": [{
    "cve": "CVE-2024-0001", "title": "a fault of lib",
    "product_status": {
      "fixed": ["A:lib.x86_64", "A:lib.s390x", "A:lib.src", "A:nodejs:18:node", "A:image", "loop", "nowhere"],
      "known_affected": ["A:samba", "E:samba", "A:golang", "A:plain", "O:samba", "A:ssl.x86_64", "A:ssl.src"],
      "under_investigation": ["A:xml.src"],
      "known_not_affected": ["A:one", "A:two"]
    },
    "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H"}, "products": []}],
    "threats": [{"category": "impact", "details": "Low", "product_ids": ["A:samba"]}],
    "remediations": [
      {"category": "none_available", "details": "Fix deferred", "product_ids": ["E:samba"]},
      {"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["A:golang"]}],
    "references": [{"category": "self", "url": "https://example.com/CVE-2024-0001"}]
  }]
}"#;

fn records(document: &str) -> Result<(Vec<Record>, &'static str, Skips), String> {
    let (mut records, mut skips) = (Vec::new(), Skips::default());
    let license = read(document.as_bytes(), &mut skips, |record| {
        records.push(record);
        Ok(())
    })?;
    Ok((records, license, skips))
}

fn told(record: &Record) -> Vec<String> {
    let each = record.affected.iter().map(|affected| {
        let severity = affected.severity.as_ref().map(|severity| severity.level.name());
        let end = &affected.ranges[0].end;
        let Affected { ecosystem, package, arch, module, fix, .. } = affected;
        format!("{ecosystem} {package} {arch}/{module} {end:?} {fix:?} {severity:?}")
    });
    each.collect()
}

/// Module streams have a fix each and binaries are named. A source package stands for what is built of it where there is
/// no fix; so does a package that does not say whether it is one.
#[test]
fn products_are_packages_on_platforms() {
    let (records, license, skips) = records(DOCUMENT).unwrap();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(
        told(record),
        [
            "Red Hat:9 golang /go:rhel9 Open WontFix None",
            "Red Hat:9 golang src/go:rhel9 Open WontFix None",
            "Red Hat:9 lib / Fixed(\"1:1.2-3.el9\") AsRanges None",
            "Red Hat:9 node x86_64/nodejs:18 Fixed(\"18-1.module+el9\") AsRanges None",
            "Red Hat:9 plain / Open Open None",
            "Red Hat:9 plain src/ Open Open None",
            "Red Hat:9 samba / Open Open Some(\"low\")",
            "Red Hat:9 samba src/ Open Open Some(\"low\")",
            "Red Hat:9 ssl x86_64/ Open Open None",
            "Red Hat:9 ssl src/ Open Open None",
            "Red Hat:9 xml src/ Open Undetermined None",
            "Red Hat:rhel_eus:9.2 samba / Open Postponed None",
            "Red Hat:rhel_eus:9.2 samba src/ Open Postponed None",
        ]
    );
    assert_eq!((record.severity.level.name(), record.severity.by.as_str()), ("high", "Red Hat"));
    assert_eq!((license, record.scores.len(), record.references.len()), ("CC-BY-4.0", 1, 1));
    // Two not affected, one of another vendor, and an image, a circle and an id of nothing; and the source that is told
    // by what is built of it.
    assert_eq!((skips.total(), skips.of(Skip::SourcePackage)), (7, 1));
}

#[test]
fn broken_documents_are_errors_and_empty_ones_are_nothing() {
    assert!(records("{\"document\": {}, ").is_err());
    assert!(records(r#"{"document": {}, "vulnerabilities": [{}]}"#).unwrap_err().contains("without an id"));
    assert!(records(r#"{"document": {}, "vulnerabilities": []}"#).unwrap().0.is_empty());
    assert!(records(r#"{"document": 7, "product_tree": [], "vulnerabilities": null}"#).unwrap().0.is_empty());
}
