use super::*;
use crate::advisories::build;
use crate::advisories::record::Fix;
use crate::advisories::severity::Level;

/// A database of these documents, each a source.
fn database(documents: &[&str]) -> Advisories {
    let room = tempfile::tempdir().unwrap();
    let paths: Vec<_> =
        (0..documents.len()).map(|number| room.path().join(format!("{number}.json"))).collect();
    for (path, document) in paths.iter().zip(documents) {
        std::fs::write(path, document).unwrap();
    }
    let built = build(&paths, &[], None).unwrap();
    let advisories = Advisories::of_bytes(built.bytes).unwrap();
    advisories.verify().unwrap();
    advisories
}

fn told(answers: &[Answer]) -> Vec<String> {
    let told = answers.iter().map(|answer| {
        let fixed = answer.fixed_in.as_deref().unwrap_or("-");
        format!("{} {} {fixed} {}", answer.id, answer.verdict.name(), answer.fix.name())
    });
    told.collect()
}

fn ask(advisories: &Advisories, purl: &str) -> Vec<String> {
    told(&advisories.ask(&Question::of_purl(purl).unwrap()).unwrap())
}

fn ask_all(advisories: &Advisories, purl: &str) -> Vec<String> {
    told(&advisories.ask_all(&Question::of_purl(purl).unwrap()).unwrap())
}

const TRACKER: &str = r#"{
  "openssl": {
    "CVE-2024-0001": {"description": "one", "releases": {
      "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1~deb12u2", "urgency": "high"},
      "bullseye": {"status": "open", "urgency": "low"}}},
    "CVE-2024-0002": {"releases": {"bookworm": {"status": "undetermined", "urgency": "not yet assigned"}}},
    "CVE-2024-0003": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "low"}}},
    "CVE-2024-0004": {"releases": {"bookworm": {"status": "open", "urgency": "unimportant"}}},
    "CVE-2024-0005": {"releases": {"bookworm": {"status": "open", "nodsa": "Minor issue", "nodsa_reason": ""}}},
    "CVE-2024-0006": {"releases": {"bookworm": {"status": "open", "urgency": "end-of-life"}}}
  }
}"#;

/// Debian names source packages: `libssl3` is asked for as `openssl`.
#[test]
fn debian_is_asked_by_the_source_package_and_its_version() {
    let advisories = database(&[TRACKER]);
    let purl = "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&upstream=openssl&distro=debian-12";
    assert_eq!(
        ask(&advisories, purl),
        [
            "CVE-2024-0001 affected 3.0.11-1~deb12u2 as-ranges",
            "CVE-2024-0004 affected - open",
            "CVE-2024-0005 affected - postponed",
            "CVE-2024-0006 affected - wont-fix",
            "CVE-2024-0002 undecidable - undetermined",
        ]
    );
    assert!(ask_all(&advisories, purl).contains(&"CVE-2024-0003 not-affected - not-affected".to_owned()));
    // The binary's own name says nothing, and its version may be another one than the source's.
    assert!(ask(&advisories, "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?distro=bookworm").is_empty());
    let other = "pkg:deb/debian/libssl3@9%3A1?upstream=openssl%403.0.9-1&distro=debian-bookworm";
    assert_eq!(ask(&advisories, other)[0], "CVE-2024-0001 affected 3.0.11-1~deb12u2 as-ranges");
    // Each release on its own.
    assert_eq!(
        ask(&advisories, "pkg:deb/debian/openssl@1.1.1-1?distro=debian-11"),
        ["CVE-2024-0001 affected - open"]
    );
    assert!(advisories.covers(&Ecosystem::parse("Debian:10").unwrap()).is_none(), "no feed speaks of it");
    assert!(advisories.covers(&Ecosystem::parse("Debian:12").unwrap()).unwrap().unfixed > 0);
}

/// Without a release, all of them would be asked at once.
#[test]
fn a_distribution_without_a_release_is_no_question() {
    for purl in
        ["pkg:deb/debian/openssl@1", "pkg:apk/alpine/x@1-r0", "pkg:rpm/redhat/x@1-1", "pkg:deb/ubuntu/x@1"]
    {
        assert_eq!(Question::of_purl(purl).unwrap_err(), NoQuestion::NoRelease, "{purl}");
    }
    assert_eq!(Question::of_purl("pkg:pypi/x").unwrap_err(), NoQuestion::NoVersion);
    assert!(matches!(
        Question::of_purl("pkg:deb/unheard/x@1?distro=unheard-1").unwrap_err(),
        NoQuestion::Unknown(_)
    ));
    assert!(matches!(Question::of_purl("pkg:oci/x@1").unwrap_err(), NoQuestion::Unknown(_)));
    assert!(matches!(Question::of_purl("x").unwrap_err(), NoQuestion::Purl(_)));
}

#[test]
fn purls_of_all_kinds_are_questions() {
    for (purl, ecosystem, name, version) in [
        ("pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12", "Debian:12", "openssl", "3.0.11-1"),
        ("pkg:deb/ubuntu/bash@5.1-6ubuntu1?distro=jammy", "Ubuntu:22.04", "bash", "5.1-6ubuntu1"),
        ("pkg:deb/ubuntu/bash@5.1?distro=ubuntu-24.04", "Ubuntu:24.04", "bash", "5.1"),
        ("pkg:apk/alpine/busybox@1.36.1-r5?distro=alpine-3.18.4", "Alpine:3.18", "busybox", "1.36.1-r5"),
        ("pkg:apk/wolfi/go@1.20-r0?distro=wolfi-20230201", "Wolfi", "go", "1.20-r0"),
        (
            "pkg:rpm/redhat/openssl@1.1.1k-6.el8?epoch=1&distro=rhel-8.9",
            "Red Hat:8",
            "openssl",
            "1:1.1.1k-6.el8",
        ),
        ("pkg:rpm/almalinux/bash@5-1?epoch=0&distro=almalinux-9.3", "AlmaLinux:9", "bash", "5-1"),
        ("pkg:rpm/rocky/bash@5-1?distro=9", "Rocky Linux:9", "bash", "5-1"),
        ("pkg:rpm/opensuse/x@1-1?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5", "x", "1-1"),
        ("pkg:pypi/Zope.Interface@5.0", "PyPI", "Zope.Interface", "5.0"),
        ("pkg:npm/%40scope/x@1.0.0", "npm", "@scope/x", "1.0.0"),
        ("pkg:maven/org.apache/x@1.0", "Maven", "org.apache:x", "1.0"),
        ("pkg:golang/github.com/a/b@v1.0.0", "Go", "github.com/a/b", "v1.0.0"),
        ("pkg:golang/stdlib@1.21.3", "Go", "stdlib", "1.21.3"),
        ("pkg:cargo/tokio@1.0.0", "crates.io", "tokio", "1.0.0"),
        ("pkg:gem/rails@7.0.0", "RubyGems", "rails", "7.0.0"),
        ("pkg:nuget/Newtonsoft.Json@12.0.1", "NuGet", "Newtonsoft.Json", "12.0.1"),
        ("pkg:composer/symfony/yaml@v5.0", "Packagist", "symfony/yaml", "v5.0"),
    ] {
        let question = Question::of_purl(purl).unwrap_or_else(|error| panic!("{purl}: {error}"));
        assert_eq!(
            (question.ecosystem.to_string().as_str(), &*question.name, &*question.version),
            (ecosystem, name, version),
            "{purl}"
        );
    }
    let rpm = Question::of_purl("pkg:rpm/almalinux/libssl@1-1?distro=almalinux-8&upstream=open-ssl-1-2.el8.src.rpm&rpmmod=a:1:2:c&arch=x86_64").unwrap();
    assert_eq!(
        (rpm.source.as_deref(), rpm.source_version.as_deref()),
        (Some("open-ssl"), Some("1-2.el8")),
        "a source rpm's epoch is not told"
    );
    assert_eq!((rpm.module, rpm.arch.as_deref()), (Modularity::Stream("a:1:2:c".into()), Some("x86_64")));
}

fn osv(id: &str, fields: &str, affected: &[String]) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z"{fields}, "affected": [{}]}}"#,
        affected.join(",")
    )
}

fn package(ecosystem: &str, name: &str, events: &str) -> String {
    format!(
        r#"{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}"#
    )
}

/// Red Hat's kin name the packages that are installed.
#[test]
fn almalinux_is_asked_by_the_installed_package() {
    let summary = r#", "summary": "Important: openssl security update", "related": ["CVE-2024-1"]"#;
    let advisories = database(&[&osv(
        "ALSA-2024:1",
        summary,
        &[package("AlmaLinux:8", "openssl-libs", r#"{"introduced": "0"}, {"fixed": "1:1.1.1k-7.el8"}"#)],
    )]);
    let affected = ["ALSA-2024:1 affected 1:1.1.1k-7.el8 as-ranges"];
    assert_eq!(
        ask(
            &advisories,
            "pkg:rpm/almalinux/openssl-libs@1.1.1k-6.el8?epoch=1&distro=almalinux-8&upstream=openssl-1.1.1k-6.el8.src.rpm"
        ),
        affected
    );
    assert!(ask(&advisories, "pkg:rpm/almalinux/openssl@1.1.1k-6.el8?epoch=1&distro=almalinux-8").is_empty());
    assert!(
        ask(&advisories, "pkg:rpm/almalinux/openssl-libs@1.1.1k-7.el8?epoch=1&distro=almalinux-8").is_empty()
    );
    // Without its epoch it would seem older than any fix.
    assert_eq!(ask(&advisories, "pkg:rpm/almalinux/openssl-libs@3.0.0-1.el8?distro=almalinux-8"), affected);
}

/// An advisory of a module has a fix for each stream; only that of the package's own counts.
#[test]
fn module_streams_are_kept_apart() {
    let of = |stream: &str, version: &str| {
        let fields = format!(r#", "summary": "Important: nodejs:{stream} security update""#);
        osv(
            &format!("ALSA-{stream}"),
            &fields,
            &[package(
                "AlmaLinux:8",
                "nodejs",
                &format!(r#"{{"introduced": "0"}}, {{"fixed": "{version}"}}"#),
            )],
        )
    };
    let unnamed = osv(
        "ALSA-x",
        r#", "summary": "Low: nodejs security update""#,
        &[package("AlmaLinux:8", "nodejs", r#"{"introduced": "0"}, {"fixed": "1:99-1.module_el8.9+1"}"#)],
    );
    let plain = osv(
        "ALSA-p",
        "",
        &[package("AlmaLinux:8", "nodejs", r#"{"introduced": "0"}, {"fixed": "1:11-1.el8"}"#)],
    );
    let advisories = database(&[
        &of("10", "1:10.24-1.module_el8.3+1"),
        &of("18", "1:18.9-1.module_el8.7+1"),
        &unnamed,
        &plain,
    ]);
    let ask = |module: Modularity<'_>, version: &str| {
        let ecosystem = Ecosystem::parse("AlmaLinux:8").unwrap();
        told(&advisories.ask(&Question { module, ..Question::new(ecosystem, "nodejs", version) }).unwrap())
    };
    let fixed_18 = "1:18.9-1.module_el8.7+1";
    let stream = |label: &str| Modularity::Stream(label.to_owned().into());
    // `18` is no `1`, and a stream that has the fix is not affected by another's.
    assert_eq!(
        ask(stream("nodejs:18:8060:ab"), "1:18.1-1.module_el8.6+1"),
        [
            &format!("ALSA-18 affected {fixed_18} as-ranges"),
            "ALSA-x undecidable 1:99-1.module_el8.9+1 as-ranges",
        ]
    );
    assert_eq!(ask(stream("nodejs:1:8060:ab"), "1:18.1-1.module_el8.6+1").len(), 1);
    assert_eq!(ask(stream("nodejs:18"), "1:18.9-1.module_el8.7+1").len(), 1);
    assert_eq!(ask(Modularity::None, "1:10-1.el8"), ["ALSA-p affected 1:11-1.el8 as-ranges"]);
    assert_eq!(ask(Modularity::Unknown, "1:10-1.el8"), ["ALSA-p affected 1:11-1.el8 as-ranges"]);
    let unclear = ask(Modularity::Unknown, "1:10.1-1.module_el8.1+1");
    assert_eq!(unclear.iter().filter(|told| told.contains("undecidable")).count(), 3, "{unclear:?}");
}

/// Ubuntu's ESM is a channel of its own: who has its package has its fix.
#[test]
fn a_fix_of_esm_counts_for_packages_of_esm() {
    let affected = [
        package("Ubuntu:16.04:LTS", "bash", r#"{"introduced": "0"}"#),
        package("Ubuntu:Pro:16.04:LTS", "bash", r#"{"introduced": "0"}, {"fixed": "4.3-14ubuntu1.4+esm1"}"#),
    ];
    let advisories = database(&[&osv("UBUNTU-CVE-2024-1", r#", "upstream": ["CVE-2024-1"]"#, &affected)]);
    let ask = |version: &str| ask(&advisories, &format!("pkg:deb/ubuntu/bash@{version}?distro=ubuntu-16.04"));
    assert_eq!(ask("4.3-14ubuntu1.4"), ["UBUNTU-CVE-2024-1 affected - open"]);
    assert!(ask("4.3-14ubuntu1.4%2Besm1").is_empty());
    assert_eq!(ask("4.3-14ubuntu1.3%2Besm9"), ["UBUNTU-CVE-2024-1 affected 4.3-14ubuntu1.4+esm1 as-ranges"]);
}

/// Where support has ended, advisories are told in Ubuntu's Pro channel alone: who has no package of it has no fix.
#[test]
fn who_has_no_package_of_pro_is_told_what_only_pro_mends() {
    let pro = package(
        "Ubuntu:Pro:16.04:LTS",
        "openssl",
        r#"{"introduced": "0"}, {"fixed": "1.0.2g-1ubuntu4.20+esm6"}"#,
    );
    let plain =
        package("Ubuntu:16.04:LTS", "openssl", r#"{"introduced": "0"}, {"fixed": "1.0.2g-1ubuntu4.13"}"#);
    let advisories = database(&[
        &osv("UBUNTU-CVE-2023-0286", "", std::slice::from_ref(&pro)),
        &osv("UBUNTU-CVE-2018-0732", "", &[plain, pro]),
    ]);
    let ask =
        |version: &str| ask(&advisories, &format!("pkg:deb/ubuntu/openssl@{version}?distro=ubuntu-16.04"));
    let fixed_by_pro = "UBUNTU-CVE-2023-0286 affected 1.0.2g-1ubuntu4.20+esm6 as-ranges";
    // The other is told by the plain channel, which mended it.
    assert_eq!(ask("1.0.2g-1ubuntu4.20"), [fixed_by_pro]);
    assert_eq!(ask("1.0.2g-1ubuntu4.20%2Besm1").len(), 2);
    assert!(ask("1.0.2g-1ubuntu4.20%2Besm6").is_empty());
}

/// Builds for FIPS are made anew of plain ones, and sort above their fixes.
#[test]
fn fips_builds_of_ubuntu_are_held_to_their_own_channels() {
    let fixed = |channel: &str, version: &str| {
        let events = format!(r#"{{"introduced": "0"}}, {{"fixed": "{version}"}}"#);
        package(&format!("Ubuntu:{channel}20.04:LTS"), "openssl", &events)
    };
    let plain = || fixed("", "1.1.1f-1ubuntu2.17");
    let strict = package("Ubuntu:Pro:FIPS:20.04:LTS", "openssl", r#"{"introduced": "0"}"#);
    let updates = fixed("Pro:FIPS-updates:", "1.1.1f-1ubuntu2.fips.17");
    let advisories = database(&[
        &osv("UBUNTU-CVE-2023-1", "", &[plain(), strict.clone(), updates]),
        &osv("UBUNTU-CVE-2023-2", "", &[plain(), strict]),
        &osv("UBUNTU-CVE-2023-3", "", &[plain()]),
        &osv("UBUNTU-CVE-2023-4", "", &[fixed("", "1.1.1f-1ubuntu2")]),
    ]);
    let ask =
        |version: &str| ask(&advisories, &format!("pkg:deb/ubuntu/openssl@{version}?distro=ubuntu-20.04"));
    let old = [
        "UBUNTU-CVE-2023-1 affected 1.1.1f-1ubuntu2.fips.17 as-ranges",
        "UBUNTU-CVE-2023-2 affected - open",
        "UBUNTU-CVE-2023-3 undecidable 1.1.1f-1ubuntu2.17 as-ranges",
    ];
    assert_eq!(ask("1.1.1f-1ubuntu2.fips.2.8"), old);
    assert_eq!(ask("1.1.1f-1ubuntu2.fips.17"), old[1..]);
    // What it is built of has the fix, whatever follows.
    assert_eq!(
        ask("1.1.1f-1ubuntu2.18.fips.1"),
        ["UBUNTU-CVE-2023-1 affected 1.1.1f-1ubuntu2.fips.17 as-ranges", old[1]]
    );
}

/// Its records name sources, at least the older ones, and others the packages that are installed.
#[test]
fn rocky_linux_is_asked_by_both_names() {
    let fixed = r#"{"introduced": "0"}, {"fixed": "1:3.0.7-28.el9_4"}"#;
    let other = r#"{"introduced": "0"}, {"fixed": "1:3.0.7-20.el9"}"#;
    let of = |name: &str, events: &str| package("Rocky Linux:9", name, events);
    let advisories = database(&[
        &osv("RLSA-1", "", &[of("openssl", fixed)]),
        &osv("RLSA-2", "", &[of("openssl-libs", fixed)]),
        &osv("RLSA-3", "", &[of("openssl", fixed), of("openssl-libs", other)]),
    ]);
    let purl = |release: &str| {
        format!(
            "pkg:rpm/rocky/openssl-libs@3.0.7-{release}?epoch=1&distro=rocky-9.3&upstream=openssl-3.0.7-{release}.src.rpm"
        )
    };
    assert_eq!(
        ask(&advisories, &purl("24.el9")),
        ["RLSA-1 affected 1:3.0.7-28.el9_4 as-ranges", "RLSA-2 affected 1:3.0.7-28.el9_4 as-ranges"],
        "what is said of the package itself counts before what is said of its source"
    );
    assert!(ask(&advisories, &purl("28.el9_4")).is_empty());
}

/// PEP 440: a version without a local label is the same as, and no older than, that version with any.
#[test]
fn a_local_label_of_a_python_package_counts_only_where_the_advisory_has_one() {
    let listed = |versions: &str| {
        format!(r#"{{"package": {{"ecosystem": "PyPI", "name": "torch"}}, "versions": [{versions}]}}"#)
    };
    let range = |events: &str| package("PyPI", "torch", events);
    let advisories = database(&[
        &osv("P-1", "", &[range(r#"{"introduced": "0"}, {"last_affected": "2.6.0"}"#)]),
        &osv("P-2", "", &[listed(r#""2.5.0", "2.5.1""#)]),
        &osv("P-3", "", &[range(r#"{"introduced": "0"}, {"fixed": "2.5.1"}"#)]),
        &osv("P-4", "", &[range(r#"{"introduced": "0"}, {"fixed": "2.6.0+cu124"}"#)]),
        &osv("P-5", "", &[listed(r#""2.6.0+cu124""#)]),
    ]);
    let ask = |version: &str| {
        let told = ask(&advisories, &format!("pkg:pypi/torch@{version}"));
        told.iter().map(|told| told[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask("2.6.0"), ["P-1", "P-4"]);
    assert_eq!(ask("2.6.0%2Bcpu"), ["P-1", "P-4"]);
    assert_eq!(ask("2.6.0%2Bcu124"), ["P-1", "P-5"]);
    assert_eq!(ask("2.5.1%2Bcpu"), ["P-1", "P-2", "P-4"]);
    assert_eq!(ask("2.5.0%2Bcpu"), ["P-1", "P-2", "P-3", "P-4"]);
}

/// A version that is none cannot be decided, and that is said.
#[test]
fn a_bad_version_is_undecidable_and_never_not_affected() {
    let listed =
        r#"{"package": {"ecosystem": "PyPI", "name": "y"}, "versions": ["1.0", "2004d-1"]}"#.to_owned();
    let advisories = database(&[
        &osv("P-1", "", &[package("PyPI", "x", r#"{"introduced": "0"}, {"fixed": "2.0"}"#)]),
        &osv("P-2", "", &[package("PyPI", "x", r#"{"introduced": "0"}"#)]),
        &osv("P-3", "", &[package("PyPI", "x", r#"{"introduced": "0"}, {"fixed": "next year"}"#)]),
        &osv("P-4", "", &[listed]),
    ]);
    assert_eq!(
        ask(&advisories, "pkg:pypi/x@french-toast"),
        ["P-2 affected - open", "P-1 undecidable 2.0 as-ranges", "P-3 undecidable next year as-ranges"]
    );
    let answers = advisories.ask(&Question::of_purl("pkg:pypi/x@1.0").unwrap()).unwrap();
    let why = answers.iter().find_map(|answer| match &answer.verdict {
        Verdict::Undecidable(why) => Some(why.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("the advisory's version `next year` cannot be compared"));
    // What is listed by name is affected, even if it has no place in an order.
    assert_eq!(ask(&advisories, "pkg:pypi/y@2004d-1"), ["P-4 affected - open"]);
    assert_eq!(ask(&advisories, "pkg:pypi/y@1.0.0"), ["P-4 affected - open"]);
    assert!(ask(&advisories, "pkg:pypi/y@1.1").is_empty());
    assert_eq!(ask(&advisories, "pkg:pypi/y@2005d-1"), ["P-4 undecidable - as-ranges"]);
}

/// One vulnerability by several names is told once, with the names of all.
#[test]
fn the_same_vulnerability_is_told_once() {
    let events = r#"{"introduced": "0"}, {"fixed": "2.0"}"#;
    let ghsa = r#", "aliases": ["CVE-2024-1"], "database_specific": {"severity": "HIGH"}, "summary": "told by GitHub""#;
    let advisories = database(&[
        &osv("GHSA-1", ghsa, &[package("PyPI", "x", events)]),
        &osv(
            "PYSEC-1",
            r#", "aliases": ["CVE-2024-1", "GHSA-1"]"#,
            &[package("PyPI", "x", r#"{"introduced": "0"}"#)],
        ),
        &osv("PYSEC-2", r#", "aliases": ["CVE-2024-2"]"#, &[package("PyPI", "x", events)]),
    ]);
    let answers = advisories.ask(&Question::of_purl("pkg:pypi/X@1.0").unwrap()).unwrap();
    assert_eq!(told(&answers), ["GHSA-1 affected 2.0 as-ranges", "PYSEC-2 affected 2.0 as-ranges"]);
    assert_eq!(
        (answers[0].also.as_slice(), answers[0].aliases.as_slice()),
        (&["PYSEC-1".to_owned()][..], &["CVE-2024-1".to_owned()][..])
    );
    assert_eq!((answers[0].severity.level, answers[1].severity.level), (Level::High, Level::Unknown));
    assert_eq!(answers[0].cves, ["CVE-2024-1"]);
}

/// Else the record that is told decides by its date alone how bad a vulnerability is.
#[test]
fn of_several_severities_the_worst_counts() {
    let events = r#"{"introduced": "0"}, {"fixed": "2.0"}"#;
    let with = |id: &str, severity: &str| {
        let more =
            format!(r#", "aliases": ["CVE-2024-1"], "database_specific": {{"severity": "{severity}"}}"#);
        osv(id, &more, &[package("PyPI", "x", events)])
    };
    for (one, two) in [("LOW", "CRITICAL"), ("CRITICAL", "LOW")] {
        let advisories = database(&[&with("GHSA-1", one), &with("PYSEC-1", two)]);
        let answers = advisories.ask(&Question::of_purl("pkg:pypi/x@1.0").unwrap()).unwrap();
        assert_eq!((answers.len(), answers[0].severity.level), (1, Level::Critical), "{one} {two}");
    }
}

/// The tracker knows what Debian's OSV export does not: what is undetermined there is "unfixed" here.
#[test]
fn the_tracker_counts_before_the_export_of_it() {
    let export = osv(
        "DEBIAN-CVE-2024-0002",
        r#", "upstream": ["CVE-2024-0002"]"#,
        &[package("Debian:12", "openssl", r#"{"introduced": "0"}"#)],
    );
    let purl = "pkg:deb/debian/openssl@3.0.11-1~deb12u2?distro=debian-12";
    assert_eq!(ask(&database(&[&export]), purl), ["DEBIAN-CVE-2024-0002 affected - open"]);
    let both = database(&[&export, TRACKER]);
    let answers = both.ask(&Question::of_purl(purl).unwrap()).unwrap();
    let answer = answers.iter().find(|answer| answer.id == "CVE-2024-0002").unwrap();
    assert_eq!(
        (answer.verdict.name(), answer.also.as_slice()),
        ("undecidable", &["DEBIAN-CVE-2024-0002".to_owned()][..])
    );
    assert!(!answers.iter().any(|answer| answer.id.starts_with("DEBIAN")));
    // What is not affected by the tracker is not, whatever the export says; told by all means or not.
    let export = osv(
        "DEBIAN-CVE-2024-0003",
        r#", "upstream": ["CVE-2024-0003"]"#,
        &[package("Debian:12", "openssl", r#"{"introduced": "0"}"#)],
    );
    let both = database(&[&export, TRACKER]);
    assert!(!ask(&both, purl).iter().any(|told| told.contains("CVE-2024-0003")));
    assert!(ask_all(&both, purl).contains(&"CVE-2024-0003 not-affected - not-affected".to_owned()));
    // The same id in two feeds is two records, of which the tracker's counts.
    let both = database(&[
        &osv("CVE-2024-0002", "", &[package("Debian:12", "openssl", r#"{"introduced": "0"}"#)]),
        TRACKER,
    ]);
    assert!(ask(&both, purl).contains(&"CVE-2024-0002 undecidable - undetermined".to_owned()));
}

/// An advisory of several CVEs says no more than the CVEs do, where each is told on its own.
#[test]
fn an_advisory_of_cves_that_are_all_told_is_told_with_them() {
    let events = r#"{"introduced": "0"}, {"fixed": "2-1"}"#;
    let all = r#", "upstream": ["CVE-2024-1", "CVE-2024-2"]"#;
    let of = |id: &str| osv(id, "", &[package("Rocky Linux:9", "x", events)]);
    let advisory = osv("RLSA-1", all, &[package("Rocky Linux:9", "x", events)]);
    let purl = "pkg:rpm/rocky/x@1-1?distro=rocky-9";
    let both = database(&[&advisory, &of("CVE-2024-1"), &of("CVE-2024-2")]);
    let answers = both.ask(&Question::of_purl(purl).unwrap()).unwrap();
    assert_eq!(told(&answers), ["CVE-2024-1 affected 2-1 as-ranges", "CVE-2024-2 affected 2-1 as-ranges"]);
    assert!(answers.iter().all(|answer| answer.also == ["RLSA-1"]));
    let one = database(&[&advisory, &of("CVE-2024-1")]);
    assert_eq!(ask(&one, purl).len(), 2, "of the other CVE nobody else tells");
}

#[test]
fn the_fix_that_is_named_is_the_next_one() {
    let events = r#"{"introduced": "1.0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"fixed": "2.5"}"#;
    let last = r#"{"introduced": "0"}, {"last_affected": "3.0"}"#;
    let advisories = database(&[
        &osv("N-1", "", &[package("npm", "x", events)]),
        &osv("N-2", "", &[package("npm", "y", last)]),
    ]);
    for (version, expected) in [
        ("0.9.0", "N-1 not-affected - as-ranges"),
        ("1.2.0", "N-1 affected 1.5 as-ranges"),
        ("1.6.0", "N-1 not-affected 1.5 as-ranges"),
        ("2.0.0", "N-1 affected 2.5 as-ranges"),
        ("2.5.0-rc.1", "N-1 affected 2.5 as-ranges"),
        ("3.0.0", "N-1 not-affected 2.5 as-ranges"),
    ] {
        assert_eq!(ask_all(&advisories, &format!("pkg:npm/x@{version}")), [expected]);
    }
    assert_eq!(ask(&advisories, "pkg:npm/y@3.0.0"), ["N-2 affected - open"]);
    assert_eq!(advisories.ask(&Question::of_purl("pkg:npm/y@3.0.0").unwrap()).unwrap()[0].fix, Fix::Open);
    assert!(ask(&advisories, "pkg:npm/y@3.0.1").is_empty());
}

#[test]
fn an_entry_of_another_architecture_says_nothing() {
    let csaf = r#"{"document": {"publisher": {"name": "Red Hat Product Security"}, "tracking": {"id": "CVE-2024-1"}},
      "product_tree": {"branches": [
        {"product": {"product_id": "os", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9::baseos"}}},
        {"product": {"product_id": "x", "product_identification_helper": {"purl": "pkg:rpm/redhat/x@2-1?arch=s390x"}}}],
        "relationships": [{"product_reference": "x", "relates_to_product_reference": "os", "full_product_name": {"product_id": "os:x"}}]},
      "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": {"fixed": ["os:x"]}}]}"#;
    let advisories = database(&[csaf]);
    assert_eq!(ask(&advisories, "pkg:rpm/redhat/x@1-1?distro=rhel-9&arch=s390x").len(), 1);
    assert_eq!(ask(&advisories, "pkg:rpm/redhat/x@1-1?distro=rhel-9").len(), 1, "which one is not known");
    assert!(ask(&advisories, "pkg:rpm/redhat/x@1-1?distro=rhel-9&arch=x86_64").is_empty());
}

/// Red Hat mends each minor release by itself: who has the fix of his own has it, though that of the next is newer.
#[test]
fn the_fix_of_the_own_minor_release_counts() {
    let of = |version: &str| {
        package(
            "Red Hat:enterprise_linux:9::appstream",
            "x",
            &format!(r#"{{"introduced": "0"}}, {{"fixed": "{version}"}}"#),
        )
    };
    let advisories = database(&[&osv("RHSA-1", "", &[of("7-23.el9_2.4"), of("7-26.el9_3.2")])]);
    let ask = |version: &str| ask(&advisories, &format!("pkg:rpm/redhat/x@{version}?distro=rhel-9.2"));
    assert!(ask("7-23.el9_2.4").is_empty() && ask("7-26.el9_3.2").is_empty() && ask("7-30.el9_4").is_empty());
    assert_eq!(ask("7-23.el9_2.3"), ["RHSA-1 affected 7-23.el9_2.4 as-ranges"]);
    assert_eq!(ask("7-25.el9_3.1"), ["RHSA-1 affected 7-26.el9_3.2 as-ranges"]);
    assert_eq!(ask("7-24.el9").len(), 1);
}

/// A VEX document of Red Hat in which the source package `openssl` of RHEL 9 has no fix.
const UNFIXED: &str = r#"{
  "document": {"publisher": {"name": "Red Hat Product Security"}, "tracking": {"id": "CVE-2026-2"}},
  "product_tree": {"branches": [
    {"product": {"product_id": "9", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"}}},
    {"product": {"product_id": "openssl", "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl?arch=src"}}}],
    "relationships": [{"product_reference": "openssl", "relates_to_product_reference": "9",
      "full_product_name": {"product_id": "9:openssl"}}]},
  "vulnerabilities": [{"cve": "CVE-2026-2", "product_status": {"known_affected": ["9:openssl"]}}]
}"#;

/// Red Hat names what has no fix by its source rpm, and what has one by the packages that are installed.
#[test]
fn what_has_no_fix_is_asked_by_the_source_rpm() {
    let advisories = database(&[UNFIXED]);
    let told = ["CVE-2026-2 affected - open"];
    for package in ["openssl-libs", "openssl", "openssl-perl"] {
        let purl = format!(
            "pkg:rpm/redhat/{package}@3.0.7-27.el9?arch=x86_64&epoch=1&distro=rhel-9.4&upstream=openssl-3.0.7-27.el9.src.rpm"
        );
        assert_eq!(ask(&advisories, &purl), told, "{package}");
        let question = Question::of_purl(&purl).unwrap();
        assert!(advisories.names(&question).unwrap());
        let answer = advisories.ask(&question).unwrap().remove(0);
        assert_eq!((answer.package.as_str(), answer.version.as_str()), ("openssl", "1:3.0.7-27.el9"));
    }
    // Who does not say what it was built from was built from what it is called.
    assert_eq!(ask(&advisories, "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=x86_64&distro=rhel-9"), told);
    for other in [
        "pkg:rpm/redhat/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rhel-9",
        "pkg:rpm/redhat/openssl@3.0.7-27.el9?distro=rhel-9&upstream=openssl-next-3.0.7-27.el9.src.rpm",
        "pkg:rpm/redhat/openssl-libs@3.0.7-27.el8?distro=rhel-8&upstream=openssl-3.0.7-27.el8.src.rpm",
    ] {
        assert!(ask(&advisories, other).is_empty(), "{other}");
        assert!(!advisories.names(&Question::of_purl(other).unwrap()).unwrap(), "{other}");
    }
}

#[test]
fn sources_are_told_with_what_was_passed_over() {
    let withdrawn = osv("P-2", r#", "withdrawn": "2024-01-01T00:00:00Z""#, &[]);
    let advisories =
        database(&[TRACKER, &osv("P-1", "", &[package("PyPI", "x", r#"{"introduced": "0"}"#)]), &withdrawn]);
    let told: Vec<_> = advisories
        .sources()
        .iter()
        .map(|source| (source.kind.as_str(), source.records, source.date.as_deref()))
        .collect();
    assert_eq!(told, [("debian-tracker", 6, None), ("osv", 1, Some("2024-01-01")), ("osv", 0, None)]);
    assert_eq!(advisories.sources()[2].skipped["withdrawn"], 1);
}

mod real {
    //! Whole exports by other hands, and answers that were looked up by hand.

    use super::*;
    use crate::read::corpus_tests as corpus;

    fn whole(names: &[&str]) -> Option<Advisories> {
        let files = corpus::files("vulndata.tar.zst", names)?;
        let room = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (name, bytes) in &files {
            let path = room.path().join(name.rsplit('/').next().unwrap());
            std::fs::write(&path, bytes).unwrap();
            paths.push(path);
        }
        let built = build(&paths, &[], None).unwrap();
        assert!(built.taken.iter().all(|taken| taken.skips.of(crate::advisories::Skip::Unreadable) == 0));
        let advisories = Advisories::of_bytes(built.bytes).unwrap();
        advisories.verify().unwrap();
        Some(advisories)
    }

    #[test]
    fn known_answers_of_languages_hold() {
        let Some(advisories) = whole(&["crates.io-all.zip", "PyPI-all.zip", "Go-all.zip"]) else { return };
        for (purl, id, fixed) in [
            // In Django 1.11 before 1.11.5.
            ("pkg:pypi/django@1.11.4", "PYSEC-2017-44", Some("1.11.5")),
            ("pkg:pypi/Django@1.11.5", "PYSEC-2017-44", None),
            ("pkg:pypi/tensorflow@2.4.2", "PYSEC-2021-297", Some("2.4.3")),
            ("pkg:pypi/tensorflow@2.4.3", "PYSEC-2021-297", None),
            ("pkg:cargo/tauri@1.0.5", "RUSTSEC-2022-0088", Some("1.0.6")),
            ("pkg:cargo/tauri@1.0.6", "RUSTSEC-2022-0088", None),
            ("pkg:cargo/onering@1.4.1", "RUSTSEC-2026-0175", Some("1.4.2-0")),
            ("pkg:cargo/onering@1.4.0", "RUSTSEC-2026-0175", None),
            ("pkg:golang/github.com/treeverse/lakefs@v1.3.0", "GO-2023-2397", Some("1.3.1")),
            ("pkg:golang/github.com/treeverse/lakefs@v1.3.1", "GO-2023-2397", None),
            (
                "pkg:golang/github.com/juju/juju@v0.0.0-20170524231038-000000000000",
                "GO-2025-3639",
                Some("0.0.0-20170524231039-0417178a3c28"),
            ),
            ("pkg:golang/stdlib@1.21.4", "GO-2023-2382", Some("1.21.5")),
            ("pkg:golang/stdlib@go1.21.5", "GO-2023-2382", None),
            // The first fix was none for all of it.
            ("pkg:golang/stdlib@1.21.3", "GO-2023-2185", Some("1.21.4")),
            ("pkg:golang/stdlib@1.21.4", "GO-2023-2185", Some("1.21.5")),
        ] {
            let answers = advisories.ask(&Question::of_purl(purl).unwrap()).unwrap();
            let found =
                answers.iter().find(|answer| answer.id == id || answer.also.iter().any(|also| also == id));
            assert_eq!(found.and_then(|answer| answer.fixed_in.as_deref()), fixed, "{purl} {id}");
            assert_eq!(found.is_some(), fixed.is_some(), "{purl} {id}");
        }
        let tauri = advisories.ask(&Question::of_purl("pkg:cargo/tauri@1.0.5").unwrap()).unwrap();
        let tauri = tauri.iter().find(|answer| answer.id == "RUSTSEC-2022-0088").unwrap();
        assert_eq!((tauri.severity.level, tauri.severity.by.as_str()), (Level::Medium, "CVSS 3.1"));
        assert!(tauri.cves.contains(&"CVE-2022-39215".to_owned()));
    }

    #[test]
    fn known_answers_of_almalinux_hold() {
        let Some(advisories) = whole(&["AlmaLinux8-all.zip"]) else { return };
        let purl = "pkg:rpm/almalinux/libxml2@2.9.7-9.el8_4.2?distro=almalinux-8";
        let answers = advisories.ask(&Question::of_purl(purl).unwrap()).unwrap();
        let fixed = |id: &str| {
            answers.iter().find(|answer| answer.id == id).and_then(|answer| answer.fixed_in.clone())
        };
        assert_eq!(fixed("ALSA-2022:7715").as_deref(), Some("2.9.7-15.el8"));
        assert_eq!(fixed("ALSA-2025:10698").as_deref(), Some("2.9.7-21.el8_10.1"));
        assert!(answers.iter().all(|answer| answer.id.starts_with("ALSA-") && !answer.cves.is_empty()));
        let newest = "pkg:rpm/almalinux/libxml2@2.9.7-99.el8?distro=almalinux-8";
        assert!(advisories.ask(&Question::of_purl(newest).unwrap()).unwrap().is_empty());
        let node = |stream: &str| {
            let purl = format!(
                "pkg:rpm/almalinux/nodejs@18.18.2-1.module_el8.8.0%2B3652%2B0e111ba0?epoch=1&distro=almalinux-8&rpmmod=nodejs:{stream}:1:a"
            );
            told(&advisories.ask(&Question::of_purl(&purl).unwrap()).unwrap())
        };
        assert!(node("18").iter().all(|told| told.contains(" 1:18.")), "{:?}", node("18"));
        assert!(node("18").iter().any(|told| told.starts_with("ALSA-2024:1510 ")));
        assert!(!node("18").iter().any(|told| told.starts_with("ALSA-2023:5869 ")), "it has that fix");
    }
}
