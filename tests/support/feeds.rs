//! Feeds of advisories in the forms in which they are published, made up for tests.

/// Two records of OSV for packages of two releases of AlmaLinux, one of them of a module.
pub const ALMALINUX: [(&str, &str); 2] = [
    (
        "ALSA-2024:0001.json",
        r#"{"id": "ALSA-2024:0001", "summary": "Important: openssl security update", "related": ["CVE-2024-0001"],
            "published": "2024-01-02T00:00:00Z", "modified": "2024-01-03T04:05:06Z",
            "affected": [{"package": {"ecosystem": "AlmaLinux:8", "name": "openssl-libs"},
              "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:1.1.1k-7.el8"}]}]}],
            "references": [{"type": "ADVISORY", "url": "https://example.com/ALSA-2024-0001"}]}"#,
    ),
    (
        "ALSA-2024:0002.json",
        r#"{"id": "ALSA-2024:0002", "summary": "Moderate: nodejs:18 security update", "related": ["CVE-2024-0002"],
            "modified": "2024-02-03T04:05:06Z",
            "affected": [{"package": {"ecosystem": "AlmaLinux:8", "name": "nodejs"},
              "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:18.19-1.module_el8.9+1"}]}]}]}"#,
    ),
];

/// The tracker of Debian.
pub const DEBIAN: &str = r#"{
  "openssl": {
    "CVE-2024-0003": {"description": "A fault.", "scope": "remote", "releases": {
      "bookworm": {"status": "resolved", "repositories": {"bookworm": "3.0.11-1"}, "fixed_version": "3.0.11-1~deb12u2",
                   "urgency": "high"},
      "bullseye": {"status": "open", "repositories": {"bullseye": "1.1.1w-0"}, "urgency": "low", "nodsa": "Minor issue",
                   "nodsa_reason": ""}}},
    "CVE-2024-0004": {"releases": {"bookworm": {"status": "undetermined", "urgency": "not yet assigned"}}}
  }
}"#;

/// A secdb of Alpine.
pub const ALPINE: &str = r#"{"apkurl": "{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
  "archs": ["x86_64"], "reponame": "main", "urlprefix": "https://example.com/alpine", "distroversion": "v3.18",
  "packages": [{"pkg": {"name": "busybox", "secfixes": {"1.36.1-r6": ["CVE-2024-0005"], "0": ["CVE-2024-0006"]}}}]}"#;

/// That of the other repository.
pub const ALPINE_COMMUNITY: &str = r#"{"apkurl": "{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
  "archs": ["x86_64"], "reponame": "community", "urlprefix": "https://example.com/alpine", "distroversion": "v3.18",
  "packages": [{"pkg": {"name": "nodejs", "secfixes": {"18.19.1-r0": ["CVE-2024-0009"]}}}]}"#;

/// A VEX document of Red Hat.
pub const RED_HAT: &str = r#"{
  "document": {"category": "csaf_vex", "aggregate_severity": {"text": "Moderate"}, "title": "a fault",
    "publisher": {"name": "Red Hat Product Security"},
    "tracking": {"id": "CVE-2024-0007", "status": "final", "current_release_date": "2024-03-04T00:00:00+00:00"}},
  "product_tree": {"branches": [
    {"category": "product_name", "product": {"product_id": "BaseOS-9",
      "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9::baseos"}}},
    {"category": "product_version", "product": {"product_id": "bash",
      "product_identification_helper": {"purl": "pkg:rpm/redhat/bash"}}}],
    "relationships": [{"category": "default_component_of", "product_reference": "bash",
      "relates_to_product_reference": "BaseOS-9", "full_product_name": {"product_id": "BaseOS-9:bash"}}]},
  "vulnerabilities": [{"cve": "CVE-2024-0007", "title": "a fault of bash",
    "product_status": {"known_affected": ["BaseOS-9:bash"]},
    "remediations": [{"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["BaseOS-9:bash"]}]}]
}"#;

/// A record for packages of Python, and one that was taken back.
pub const PYPI: [(&str, &str); 2] = [
    (
        "PYSEC-2024-1.json",
        r#"{"id": "PYSEC-2024-1", "modified": "2024-04-05T00:00:00Z", "aliases": ["CVE-2024-0008"], "details": "A fault\nin detail.",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{"package": {"ecosystem": "PyPI", "name": "example"}, "versions": ["1.0"],
              "ranges": [{"type": "GIT", "repo": "https://example.com/x", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                         {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}]}]}"#,
    ),
    (
        "PYSEC-2024-2.json",
        r#"{"id": "PYSEC-2024-2", "modified": "2024-04-05T00:00:00Z", "withdrawn": "2024-05-01T00:00:00Z"}"#,
    ),
];
