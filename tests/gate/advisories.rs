//! Judging what is installed: known vulnerabilities, old advisories, forbidden packages.

use std::process::Command;

use ocicheck::advisories;
use serde_json::{Value, json};

use crate::harness::{Checked, Room, command, run, text};
use crate::support::{Image, Layer, Manager, other, package, sed, upgrade};

/// An advisory of Debian in OSV's form, on a source package.
pub(crate) fn advisory(id: &str, package: &str, fixed: Option<&str>, urgency: &str) -> Value {
    let mut events = vec![json!({ "introduced": "0" })];
    events.extend(fixed.map(|version| json!({ "fixed": version })));
    json!({
        "id": format!("DEBIAN-{id}"),
        "upstream": [id],
        "modified": "2026-01-01T00:00:00Z",
        "published": "2025-12-01T00:00:00Z",
        "summary": format!("a fault of {package}"),
        "severity": [{ "type": "CVSS_V3", "score": urgency }],
        "references": [{ "type": "WEB", "url": "https://security.example.com/x" }],
        "affected": [{
            "package": { "ecosystem": "Debian:12", "name": package },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    })
}

pub(crate) const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const MEDIUM: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:N/A:N";

/// A database of these advisories, and what is checked against it.
pub(crate) struct Trial {
    pub(crate) room: Room,
}

impl Trial {
    pub(crate) fn new(advisories: &[Value]) -> Self {
        let room = Room::new();
        std::fs::create_dir(room.path("feed")).unwrap();
        for advisory in advisories {
            let name = format!("feed/{}.json", advisory["id"].as_str().unwrap());
            room.write(&name, advisory.to_string());
        }
        let built = advisories::build(&[room.path("feed")], &[], None).unwrap();
        room.write("advisories.db", &built.bytes);
        Self { room }
    }

    pub(crate) fn check_on(&self, base: Option<&Image>, image: &Image, policy: &str) -> Checked {
        let mut command = self.command(image, policy);
        command.args(["--format", "json"]);
        if let Some(base) = base {
            command.arg("--bases").arg(self.room.catalog(&[base]));
        }
        Checked::of(&command.output().unwrap())
    }

    /// The check of an image by a policy, in a directory with both and the advisories.
    pub(crate) fn command(&self, image: &Image, policy: &str) -> Command {
        self.room.write("image.tar", image.oci_archive());
        self.room.write("policy.toml", policy);
        let mut command = command();
        command.current_dir(self.room.path(""));
        command.args(["image.tar", "--advisories", "advisories.db", "--policy", "policy.toml"]);
        command.args(["--at", "2026-01-15"]);
        command
    }

    pub(crate) fn check(&self, image: &Image) -> Checked {
        self.check_on(None, image, "")
    }
}

/// One advisory of the first day of 2026, on `sed` before this version.
pub(crate) fn on_sed(fixed: &str) -> advisories::Advisories {
    let room = Room::new();
    std::fs::create_dir(room.path("feed")).unwrap();
    room.write("feed/one.json", advisory("CVE-2026-0001", "sed", Some(fixed), CRITICAL).to_string());
    advisories::Advisories::of_bytes(advisories::build(&[room.path("feed")], &[], None).unwrap().bytes)
        .unwrap()
}

/// Debian 12 with `sed` and `other`, no user of root's.
pub(crate) fn debian() -> Image {
    Manager::Dpkg
        .base(&[&sed(), &other()])
        .layer(
            Layer::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n"),
        )
        .user("10001")
}

pub(crate) fn vulnerabilities(checked: &Checked) -> Vec<&Value> {
    checked.findings().into_iter().filter(|finding| finding["rule"] == "vulnerability").collect()
}

/// What is told counts, and what is not told is not evaluated: the feed is of another release.
#[test]
fn packages_of_what_comes_along_are_asked_and_not_evaluated() {
    let of = |id: &str, releases: &[&str], fixed: &str| {
        let affected = releases.iter().map(|release| {
            serde_json::json!({"package": {"ecosystem": release, "name": "sed"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]})
        });
        let affected: Vec<_> = affected.collect();
        serde_json::json!({"id": id, "modified": "2026-01-01T00:00:00Z", "affected": affected,
            "severity": [{"type": "CVSS_V3", "score": CRITICAL}]})
    };
    let old = of("CVE-2026-0001", &["Debian:11"], "9");
    for (fixed, findings, verdict) in [("9", 1, "fail"), ("1", 0, "not-evaluated")] {
        let trial = Trial::new(&[old.clone(), of("CVE-2026-0002", &["Debian:11", "Debian:12"], fixed)]);
        let checked = trial.check(&debian());
        assert_eq!(vulnerabilities(&checked).len(), findings);
        assert_eq!((checked.exit, checked.outcome("vulnerability")), (2, verdict));
        let rules = checked.report["images"][0]["rules"].to_string();
        assert!(rules.contains("no whole feed is given for packages of Debian:12 (2)"), "{rules}");
        let told = trial.check_on(None, &debian(), "[rules.vulnerability]\nuncovered = \"tell\"\n");
        assert_eq!(vulnerabilities(&told).len(), findings + 1);
    }
}

#[test]
fn a_vulnerable_package_is_told_with_its_layer_and_fix() {
    let trial = Trial::new(&[
        advisory("CVE-2026-0001", "sed", Some("4.9-r0"), CRITICAL),
        advisory("CVE-2026-0002", "sed", Some("4.0"), CRITICAL),
        advisory("CVE-2026-0003", "nobody-has-it", None, CRITICAL),
    ]);
    let checked = trial.check(&debian());
    let told = vulnerabilities(&checked);
    assert_eq!((checked.exit, told.len()), (1, 1), "{:#}", checked.report);
    let finding = told[0];
    assert_eq!(finding["severity"], "critical");
    assert_eq!(finding["layer"]["index"], 0);
    let evidence = &finding["evidence"];
    assert_eq!((&evidence["fixedIn"], &evidence["version"]), (&"4.9-r0".into(), &"4.8-r1".into()));
    assert_eq!(evidence["installed"], "pkg:deb/debian/sed@4.8-r1?arch=amd64&distro=debian-12");
    assert_eq!(evidence["alias"], "CVE-2026-0001");
    let packages = checked.report["images"][0]["packages"].as_array().unwrap();
    let counts: Vec<_> =
        packages.iter().map(|it| (it["name"].as_str().unwrap(), it["advisories"].as_u64())).collect();
    assert_eq!(counts, [("other", Some(0)), ("sed", Some(1))]);
    // Upgraded, it is not there any more.
    let mended = trial.check(&debian().layer(upgrade(Manager::Dpkg)));
    assert_eq!(mended.outcome("vulnerability"), "pass", "{:#}", mended.report);
}

/// Debian's advisories are on source packages: ten packages of one source are one finding.
#[test]
fn packages_of_one_source_are_one_finding() {
    let paragraph = |name: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.1-1)\nVersion: 3.0.1-1+b2\n\n"
        )
    };
    let status = paragraph("libssl3") + &paragraph("openssl") + &paragraph("libssl-dev");
    let image = debian().layer(Layer::new().file("var/lib/dpkg/status", status));
    let trial = Trial::new(&[advisory("CVE-2026-0004", "openssl", Some("3.0.1-2"), MEDIUM)]);
    let checked = trial.check(&image);
    let told = vulnerabilities(&checked);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["evidence"]["installed"].as_array().unwrap().len(), 3);
    assert_eq!((&told[0]["severity"], &told[0]["layer"]["index"]), (&"medium".into(), &2.into()));
}

#[test]
fn thresholds_are_by_origin_and_only_what_can_be_fixed_may_count() {
    let trial = Trial::new(&[
        advisory("CVE-2026-0001", "sed", Some("9"), CRITICAL),
        advisory("CVE-2026-0005", "other", None, CRITICAL),
        advisory("CVE-2026-0006", "tool", Some("2"), MEDIUM),
    ]);
    let base = debian();
    let tool = package("tool", "1.0", &[("usr/bin/tool", "tool")]);
    let image = base.clone().layer(Manager::Dpkg.database(Layer::new(), &[&sed(), &other(), &tool], &[]));
    for (policy, failing, told) in [
        ("", &["other", "sed", "tool"][..], 3),
        ("fail_from_in_base = \"never\"", &["tool"], 3),
        ("fail_from_in_base = \"never\"\nfail_from = \"high\"", &[], 3),
        ("fail_from_in_base = \"critical\"\nonly_fixable = true", &["sed", "tool"], 2),
    ] {
        let policy =
            format!("[rules.vulnerability]\n{policy}\n[rules.base-file-modified]\nseverity = \"info\"\n");
        let checked = trial.check_on(Some(&base), &image, &policy);
        let findings = vulnerabilities(&checked);
        let mut failed: Vec<_> = (findings.iter().filter(|finding| finding["status"] == "fail"))
            .map(|finding| finding["evidence"]["package"].as_str().unwrap())
            .collect();
        failed.sort_unstable();
        assert_eq!((failed.as_slice(), findings.len()), (failing, told), "{policy}");
    }
}

#[test]
fn what_no_feed_speaks_of_or_cannot_be_compared_is_no_pass() {
    let trial = Trial::new(&[advisory("CVE-2026-0001", "sed", Some("not a version!"), CRITICAL)]);
    let undecided = trial.check(&debian());
    let told = vulnerabilities(&undecided);
    assert_eq!((undecided.exit, &told[0]["evidence"]["verdict"]), (1, &"undecidable".into()), "{told:#?}");
    let alpine = Manager::Apk
        .base(&[&sed()])
        .layer(Layer::new().file("etc/os-release", "ID=alpine\nVERSION_ID=3.19.1\n"));
    let uncovered = trial.check(&alpine);
    assert_eq!((uncovered.exit, uncovered.outcome("vulnerability")), (2, "not-evaluated"));
    let told =
        trial.check_on(None, &alpine.clone().user("1"), "[rules.vulnerability]\nuncovered = \"tell\"\n");
    assert_eq!(
        (told.outcome("vulnerability"), vulnerabilities(&told).len()),
        ("pass", 1),
        "{:#}",
        told.report
    );
    let nothing_said = Manager::Dpkg.base(&[&sed()]);
    assert_eq!(trial.check(&nothing_said).outcome("vulnerability"), "not-evaluated");
    let broken = debian().layer(Layer::new().file("var/lib/rpm/Packages", "no database"));
    assert_eq!(trial.check(&broken).outcome("vulnerability"), "fail");
    let sound = Trial::new(&[advisory("CVE-2026-0001", "elsewhere", None, CRITICAL)]);
    assert_eq!(sound.check(&broken).outcome("vulnerability"), "not-evaluated");
    assert_eq!(sound.check(&debian()).outcome("vulnerability"), "pass");
}

#[test]
fn without_advisories_nothing_is_said_and_the_rule_is_not_evaluated() {
    let room = Room::new();
    let path = room.write("image.tar", debian().oci_archive());
    let checked = Checked::of(&run(&[path.to_str().unwrap(), "--format", "json"]));
    assert_eq!(
        (checked.exit, checked.outcome("vulnerability"), checked.outcome("advisories-stale")),
        (0, "not-evaluated", "not-evaluated")
    );
    assert_eq!(checked.report["images"][0]["packages"], Value::Null);
    let damaged = room.write("advisories.db", b"no database of advisories");
    let output = run(&[path.to_str().unwrap(), "--advisories", damaged.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("advisories.db"), "{}", text(&output.stderr));
}

#[test]
fn a_waiver_names_the_advisory_by_any_of_its_names_and_ends() {
    let trial = Trial::new(&[advisory("CVE-2026-0001", "sed", None, CRITICAL)]);
    let waiver = |keys: &str| {
        format!(
            "[[waivers]]\nrule = \"vulnerability\"\n{keys}\nreason = \"not reachable\"\nowner = \"shop-team\"\n"
        )
    };
    for (keys, status, exit) in [
        ("advisory = \"cve-2026-0001\"\nexpires = \"2026-02-01\"", "waived", 0),
        ("advisory = \"DEBIAN-CVE-2026-0001\"\npackage = \"s*\"\nexpires = \"2026-02-01\"", "waived", 0),
        ("advisory = \"CVE-2026-0001\"\npackage = \"other\"\nexpires = \"2026-02-01\"", "fail", 1),
        ("advisory = \"CVE-2026-0002\"\nexpires = \"2026-02-01\"", "fail", 1),
        ("advisory = \"CVE-2026-0001\"\nexpires = \"2026-01-01\"", "fail", 1),
        ("package = \"sed\"\nexpires = \"2026-02-01\"", "waived", 0),
    ] {
        let checked = trial.check_on(None, &debian(), &waiver(keys));
        assert_eq!((checked.exit, &vulnerabilities(&checked)[0]["status"]), (exit, &status.into()), "{keys}");
    }
    for (policy, told) in [
        (format!("waivers_need_expiry = false\n{}", waiver("advisory = \"CVE-2026-0001\"")), "expires"),
        (
            waiver("advisory = \"X\"\nexpires = \"2026-02-01\"")
                .replace("\"vulnerability\"", "\"setuid-file\""),
            "advisory is for waivers of vulnerability",
        ),
    ] {
        trial.room.write("bad.toml", policy);
        let output = run(&["policy", "check", trial.room.path("bad.toml").to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}

#[test]
fn advisories_may_not_be_too_old() {
    let trial = Trial::new(&[advisory("CVE-2026-0009", "elsewhere", None, CRITICAL)]);
    for (days, outcome) in [(14, "pass"), (13, "fail")] {
        let policy = format!("[rules.advisories-stale]\nmax_age_days = {days}\n");
        let checked = trial.check_on(None, &debian(), &policy);
        assert_eq!(checked.outcome("advisories-stale"), outcome, "{days}");
    }
}

#[test]
fn a_forbidden_package_is_told_by_name_kind_and_version() {
    let room = Room::new();
    let image = room.write("image.tar", debian().layer(upgrade(Manager::Dpkg)).oci_archive());
    for (entry, outcome) in [
        ("name = \"sed\"", "fail"),
        ("name = \"s?d\", kind = \"deb\"", "fail"),
        ("name = \"sed\", kind = \"rpm\"", "pass"),
        ("name = \"sed\", below = \"4.9-r0\"", "pass"),
        ("name = \"sed\", below = \"4.9-r1\"", "fail"),
        ("name = \"sed\", from = \"4.9-r0\", below = \"5\"", "fail"),
        ("name = \"sed\", from = \"5\"", "pass"),
        ("name = \"telnetd\"", "pass"),
    ] {
        let policy = format!(
            "[rules.package-forbidden]\npackages = [{{ {entry}, reason = \"no editors\" }}]\n[rules.base-file-modified]\nseverity = \"info\"\n"
        );
        let policy = room.write("policy.toml", policy);
        let checked = Checked::of(&run(&[
            image.to_str().unwrap(),
            "--policy",
            policy.to_str().unwrap(),
            "--format",
            "json",
        ]));
        assert_eq!(checked.outcome("package-forbidden"), outcome, "{entry}: {:#}", checked.report);
    }
    for (entry, told) in [
        ("name = \"a\"", "needs a reason"),
        ("name = \"a\", kind = \"deb2\", reason = \"x\"", "deb"),
        ("name = \"a\", reason = \"x\", until = \"1\"", "until"),
    ] {
        let policy =
            room.write("policy.toml", format!("[rules.package-forbidden]\npackages = [{{ {entry} }}]\n"));
        let output = run(&["policy", "check", policy.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{entry}");
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}
