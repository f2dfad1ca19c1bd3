//! Databases and versions by other hands, where they are at hand; `tests/gate/inventories` holds the packages of such databases
//! to their lists.

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
