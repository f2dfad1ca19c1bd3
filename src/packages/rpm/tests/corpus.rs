//! Databases by other hands, where they are at hand, against the lists that came with them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::packages::rpm::{parse, version::rpmvercmp};

/// The files of the corpus whose names end with one of `wanted`; `None` where there is no corpus.
fn corpus(wanted: &[&str]) -> Option<BTreeMap<String, Vec<u8>>> {
    crate::read::corpus_tests::files("corpus.tar.zst", wanted)
}

#[test]
fn versions_compare_as_rpm_says() {
    let Some(files) = corpus(&["rpm/tests/rpmvercmp.at"]) else { return };
    let mut compared = 0;
    for line in files.values().flat_map(|table| std::str::from_utf8(table).unwrap().lines()) {
        let Some(row) = line.strip_prefix("RPMVERCMP(").and_then(|row| row.strip_suffix(')')) else {
            continue;
        };
        let [a, b, order] = row.split(',').map(str::trim).collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(rpmvercmp(a, b) as i8, order.parse::<i8>().unwrap(), "{line}");
        compared += 1;
    }
    println!("{compared} comparisons of rpm's own table hold");
    assert!(compared >= 91, "{compared}");
}

/// `name epoch:version-release arch source`, a line each, as `rpm -qa` and go-rpmdb tell it.
fn lines(database: &[u8]) -> Vec<String> {
    let database = parse(database).unwrap();
    assert_eq!(database.notes, [""; 0]);
    let line = |header: &crate::packages::rpm::Header| {
        let source = header.source_rpm.as_deref().unwrap_or("");
        format!("{} {} {} {source}", header.name, header.evr(), header.arch.as_deref().unwrap_or(""))
    };
    database.headers.iter().map(line).collect()
}

#[test]
fn packages_are_those_that_others_read() {
    let Some(files) =
        corpus(&["/Packages", "/Packages.db", "/Packages_epoch", "/rpmdb.sqlite", "sle15-bci.expected.tsv"])
    else {
        return;
    };
    let of = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).unwrap().1;
    let expected: Vec<String> = std::str::from_utf8(of("sle15-bci.expected.tsv"))
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let [epoch, name, version, release, arch, source] = line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{line}")
            };
            let epoch = if epoch.is_empty() { String::new() } else { format!("{epoch}:") };
            format!("{name} {epoch}{version}-{release} {arch} {source}")
        })
        .collect();
    let mut sle = lines(of("sle15-bci/Packages.db"));
    assert_eq!((sle.len(), sle.sort()), (35, ()));
    let mut sorted = expected;
    sorted.sort();
    assert_eq!(sle, sorted);
    for (end, only) in [
        ("libuuid/Packages", "libuuid 2.32.1-42.el8_8 x86_64 util-linux-2.32.1-42.el8_8.src.rpm"),
        ("image-sles-match-coverage/var/lib/rpm/Packages", "dive 0.9.2-1 x86_64 dive-0.9.2-1.src.rpm"),
        ("rpm/testdata/Packages_epoch", "hello 1:0.0.1-rls x86_64 hello-0.0.1-rls.src.rpm"),
    ] {
        assert_eq!(lines(of(end)), [only], "{end}");
    }
    assert_eq!(lines(of("cbl-mariner-2.0/rpmdb.sqlite")).len(), 129);
    assert_eq!(lines(of("data/misc/rpmdb.sqlite")).len(), 3);
}
#[test]
fn real_databases_may_be_spoilt_anywhere() {
    let Some(files) = corpus(&["/Packages", "/Packages.db", "/Packages_epoch", "/rpmdb.sqlite"]) else {
        return;
    };
    let (mut spoilt, started) = (0, Instant::now());
    for (name, database) in files.iter().filter(|(_, database)| !database.is_empty()) {
        // Places all over each, from its first byte to its last; each reading is linear.
        let (step, changes) = match database.len() {
            0..32_768 => (29, [0xff, 0x01].as_slice()),
            32_768..1_000_000 => (1_999, [0xff].as_slice()),
            _ => (200_009, [0xff].as_slice()),
        };
        for at in (0..database.len()).step_by(step) {
            for change in changes {
                let mut bytes = database.clone();
                bytes[at] ^= change;
                let before = Instant::now();
                let _ = parse(&bytes);
                let _ = parse(&database[..at]);
                assert!(before.elapsed() < Duration::from_secs(10), "{name}: {at}");
                spoilt += 2;
            }
        }
    }
    println!("{spoilt} spoilt databases were read in {:?}", started.elapsed());
}
