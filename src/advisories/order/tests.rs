use super::*;
use crate::read::corpus_tests as corpus;

fn holds(order: Order, older: &str, newer: &str) {
    assert_eq!(compare(order, older, newer), Some(Ordering::Less), "{order:?}: {older} < {newer}");
    assert_eq!(compare(order, newer, older), Some(Ordering::Greater), "{order:?}: {newer} > {older}");
}

fn same(order: Order, a: &str, b: &str) {
    assert_eq!(compare(order, a, b), Some(Ordering::Equal), "{order:?}: {a} = {b}");
}

fn none(order: Order, texts: &[&str]) {
    for text in texts {
        assert_eq!(compare(order, text, "1"), None, "{order:?}: {text}");
        assert_eq!(compare(order, "1", text), None, "{order:?}: {text}");
    }
}

/// A table of the corpus: lines of `a`, order, `b`. Yields how many were compared, and those that differ.
fn table(order: Order, end: &str) -> Option<(usize, Vec<String>)> {
    let files = corpus::files("corpus.tar.zst", &[end])?;
    let (mut compared, mut misses) = (0, Vec::new());
    for line in files.values().flat_map(|table| std::str::from_utf8(table).unwrap().lines()) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [a, expected, b] = parts[..] else { continue };
        let told = compare(order, a, b);
        let hit = match expected {
            "-1" => told == Some(Ordering::Less),
            "0" => told == Some(Ordering::Equal),
            "1" => told == Some(Ordering::Greater),
            "NOT-LESS" => told.is_some_and(Ordering::is_ge),
            _ => continue,
        };
        compared += 1;
        if !hit {
            misses.push(format!("{a} {expected} {b}"));
        }
    }
    Some((compared, misses))
}

#[test]
fn tables_of_dpkg_hold() {
    for (end, least) in
        [("guillemj+dpkg/_extracted/dpkg-version.tsv", 40), ("go-deb-version/_extracted/deb.tsv", 15)]
    {
        let Some((compared, misses)) = table(Order::Dpkg, end) else { return };
        // Other people's tables have rpm's versions and empty ones, which dpkg refuses.
        let is_odd =
            |line: &&String| line.contains('_') || line.split(' ').any(|text| text.is_empty() || text == "~");
        let (odd, misses): (Vec<&String>, Vec<&String>) = misses.iter().partition(is_odd);
        println!("{} lines of {end} hold; {odd:?} are of what is no version", compared - odd.len());
        assert!(misses.is_empty(), "{end}: {misses:?}");
        assert!(compared - odd.len() >= least, "{end}: {compared}");
    }
}

#[test]
fn tables_of_rpm_hold() {
    let Some((compared, misses)) = table(Order::Rpm, "rpm/_extracted/rpmvercmp.tsv") else { return };
    // Words with characters that no rpm version has: here they are no versions.
    let known =
        |line: &str| line.chars().all(|char| char.is_ascii_alphanumeric() || " -._+~^".contains(char));
    let (misses, odd): (Vec<&String>, Vec<&String>) = misses.iter().partition(|line| known(line));
    println!("{} lines of rpm's table hold; {odd:?} are of what is no version", compared - odd.len());
    assert!(misses.is_empty(), "{misses:?}");
    assert!(compared >= 85, "{compared}");
}

#[test]
fn tables_of_apk_tools_hold() {
    for end in ["apk-tools/_extracted/apk.tsv", "go-apk-version/_extracted/apk.tsv"] {
        let Some((compared, misses)) = table(Order::Apk, end) else { return };
        // What apk-tools themselves take for no version has no place here.
        let valid = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            [words[0], words[2]].iter().all(|text| apk::is_version(text))
        };
        let (misses, odd): (Vec<&String>, Vec<&String>) = misses.iter().partition(|line| valid(line));
        println!("{} lines of {end} hold; {odd:?} are of what is no version", compared - odd.len());
        assert!(misses.is_empty(), "{end}: {misses:?}");
        assert!(compared >= 700 && odd.len() < 10, "{end}: {compared}, {}", odd.len());
    }
}

/// apk-tools list what is a version and what is none, and OSV what it takes for none. (What OSV takes for one has
/// `6.6.2p1` and `10.2.22.r0` in it, which apk-tools refuse.)
#[test]
fn apk_tools_and_we_agree_on_what_is_a_version() {
    let mut told = 0;
    for (archive, end) in [
        ("corpus.tar.zst", "apk-tools/test/unit/version.data"),
        ("vulndata.tar.zst", "fixtures/invalid_versions.txt"),
    ] {
        let Some(files) = corpus::files(archive, &[end]) else { return };
        for line in files.values().flat_map(|bytes| std::str::from_utf8(bytes).unwrap().lines()) {
            let (text, valid) = match line.trim().strip_prefix('!') {
                Some(text) => (text, false),
                None => (line.trim(), !end.contains("invalid")),
            };
            if text.is_empty() || text.contains([' ', '#', '\t']) {
                continue;
            }
            told += 1;
            assert_eq!(apk::is_version(text), valid, "{end}: {text}");
        }
    }
    println!("{told} texts are versions of apk, or none");
    assert!(told >= 30, "{told}");
}

#[test]
fn what_is_no_version_of_a_distribution_has_no_place() {
    none(Order::Dpkg, &["", "-1", "1-", "a:1", ":1", "1 2", "1_2", "99999999999:1", "1-1_1", "é"]);
    none(Order::Apk, &["", "v1", "1.", "1_", "1_foo", "1-1", "1-r", "1.0A", "1a1"]);
    none(Order::Rpm, &["", "1:2:3", "-1", "a b"]);
    holds(Order::Dpkg, "1.0~rc1", "1.0");
    holds(Order::Apk, "1.0_rc1-r3", "1.0-r0");
    holds(Order::Rpm, "8.30-20.el8", "8.30-20.el8_10");
}

#[test]
fn semantic_versions_are_ordered_as_the_specification_says() {
    let sorted = [
        "0.0.0-0",
        "0.0.1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "99999999999999999999.0.0",
        "100000000000000000000.0.0",
    ];
    for pair in sorted.windows(2) {
        holds(Order::Semver, pair[0], pair[1]);
    }
    for (a, b) in
        [("1", "1.0.0"), ("v1.2", "1.2.0"), ("1.0.0+a", "1.0.0+b"), ("1.0.0.0", "1.0.0"), ("01.2.3", "1.2.3")]
    {
        same(Order::Semver, a, b);
    }
    none(Order::Semver, &["", "1.x", "latest", "1..2", "1.0.0-", "1.0-a..b", "1.2.3 4", "-1"]);
}

#[test]
fn versions_of_go_are_semantic_versions() {
    for (older, newer) in [
        ("0.0.0-20170524231039-0417178a3c28", "0.0.0-20170524231040-000000000000"),
        ("v0.0.0-20170524231039-0417178a3c28", "v0.1.0"),
        ("v1.2.4-0.20191109021931-daa7c04131f5", "v1.2.4"),
        ("v1.2.3", "v1.2.4-0.20191109021931-daa7c04131f5"),
        ("23.0.1+incompatible", "v24.0.0+incompatible"),
        ("1.20.12", "go1.21.0"),
        ("1.20.99", "go1.21rc2"),
        ("go1.21rc2", "1.21"),
        ("1.21beta1", "1.21rc1"),
    ] {
        holds(Order::Go, older, newer);
    }
    same(Order::Go, "v1.2.3+incompatible", "1.2.3");
    none(Order::Go, &["(devel)", "", "devel", "go"]);
}

#[test]
fn versions_of_python_are_ordered_as_pep_440_says() {
    let sorted = [
        "1.0.dev1",
        "1.0a1.dev1",
        "1.0a1",
        "1.0b2",
        "1.0rc1",
        "1.0",
        "1.0+local",
        "1.0.post1",
        "1.0.1",
        "1.10",
        "1!0.1",
    ];
    for pair in sorted.windows(2) {
        holds(Order::Pep440, pair[0], pair[1]);
    }
    for (a, b) in [("1.0", "1.0.0"), ("v1.0", "1.0"), ("1.0-alpha1", "1.0a1"), ("1.0.RC.1", "1.0rc1")] {
        same(Order::Pep440, a, b);
    }
    none(Order::Pep440, &["", "2004d-1-x", "1.0-final-x", "french toast", "1.0.x"]);
}

#[test]
fn versions_of_gems_are_ordered_as_rubygems_does() {
    for (older, newer) in [
        ("1.0.a", "1.0"),
        ("1.0.0.rc1", "1.0"),
        ("1.0.rc1", "1.0.rc2"),
        ("1.9", "1.10"),
        ("1.0-1", "1.0"),
        ("3.0.0.beta", "3.0.0.beta2"),
        ("1.0.a", "1.0.b"),
    ] {
        holds(Order::Gem, older, newer);
    }
    same(Order::Gem, "1", "1.0.0");
    same(Order::Gem, "1.0.0.a", "1.a");
    none(Order::Gem, &["", "a", "1..2", "1 2", "1_2"]);
}

/// Versions as Maven's own `ComparableVersion` orders them; each list is sorted.
#[test]
fn versions_of_maven_are_ordered_as_maven_does() {
    for sorted in [
        &[
            "1-alpha2snapshot",
            "1-alpha2",
            "1-alpha-123",
            "1-beta-2",
            "1-beta123",
            "1-m2",
            "1-m11",
            "1-rc",
            "1-cr2",
            "1-rc123",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-sp2",
            "1-sp123",
            "1-abc",
            "1-def",
            "1-pom-1",
            "1-1-snapshot",
            "1-1",
            "1-2",
            "1-123",
        ][..],
        &["2.0", "2-1", "2.0.2", "2.0.123", "2.1.0"],
        &["1.7", "2.0-rc1", "2.0", "2.0.1", "2.14.1", "2.15.0", "2.17.1", "20040616"],
        &["31.0-android", "31.1-android", "31.1-jre", "32.0.0-android", "32.0.0-jre"],
        &["1.0-alpha-1", "1.0-alpha-2", "1.0-beta-1", "1.0-SNAPSHOT", "1.0", "1.0-1"],
        &["9.4.43.v20210629", "9.4.51.v20230217", "10.0.0-alpha0", "10.0.0"],
        &["1.99999999999999999999", "1.100000000000000000000"],
    ] {
        for (at, older) in sorted.iter().enumerate() {
            for newer in &sorted[at + 1..] {
                holds(Order::Maven, older, newer);
            }
        }
    }
    for (a, b) in [
        ("1", "1.0"),
        ("1", "1.0.0"),
        ("1.0", "1-0"),
        ("1a1", "1-alpha-1"),
        ("1b2", "1-beta-2"),
        ("1m3", "1-milestone-3"),
        ("1x", "1-x"),
        ("1.ga", "1"),
        ("1-final", "1"),
        ("1.Final", "1.0.0"),
        ("1cr1", "1rc1"),
        ("1.RELEASE", "1"),
        ("1.0.rc1", "1-rc1"),
        ("01", "1"),
    ] {
        same(Order::Maven, a, b);
    }
    none(Order::Maven, &["", "1 0"]);
    assert_eq!(compare(Order::Maven, &"1-".repeat(100), "1"), None, "lists in lists have a bound");
}

#[test]
fn without_an_order_only_the_same_version_is_known() {
    same(Order::Unknown, "dev-main", "dev-main");
    none(Order::Unknown, &["", "2"]);
}
