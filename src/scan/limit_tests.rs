//! Limits on reading layers: just within them a layer is read whole, just beyond is an error by its name.

use std::sync::Arc;

use super::build::{Tar, Zip};
use super::entries::Entries;
use super::meter::{self, Meter};
use super::relay::Relay;
use super::tar::TarReader;
use super::*;
use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{self, Limits};
use crate::model::ImagePath;
use crate::model::descriptor::Compression;
use crate::read::Section;

fn exceeds(error: &Error, name: &str) {
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

fn options(plan: Plan) -> ScanOptions {
    ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() }
}

#[test]
fn a_layer_is_held_to_layer_bytes_with_its_holes() {
    let plain = Tar::new().file("f", &"x".repeat(300_000)).end();
    // PAX 1.0, its map in the first block: 100,000 bytes of which 5 are stored.
    let list: &[(&str, &[u8])] =
        &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"100000")];
    let body = [&b"1\n0\n5\n"[..], &[0; 506], b"hello"].concat();
    let sparse = Tar::new().pax(b'x', list).entry("f", b'0', &body).end();
    for (tar, size) in [(plain.clone(), plain.len()), (sparse.clone(), sparse.len() + 100_000 - 5)] {
        for stored in [tar.clone(), zstd::encode_all(&tar[..], 1).unwrap()] {
            let read = |layer_bytes| {
                let plan = Plan::new(Limits { layer_bytes, ..Limits::default() });
                scan_layer(&Section::of_bytes(stored.clone()), &options(plan), &()).unwrap()
            };
            let facts = read(size as u64).tar.unwrap();
            assert_eq!((facts.entries.len(), facts.size), (1, tar.len() as u64));
            let unread = read(size as u64 - 1);
            exceeds(&unread.tar.unwrap_err().error, "layer_bytes");
            // The blob is known by name all the same.
            assert_eq!(unread.blob.sha256, crate::digest::Digest::sha256(&stored));
        }
    }
}

#[test]
fn what_a_layer_may_grow_to_is_held_to_each_of_three_limits() {
    let layer = scan_layer(&Section::of_bytes(Tar::new().end()), &ScanOptions::default(), &());
    let empty = TarFacts::clone(&layer.unwrap().tar.unwrap());
    let allows =
        |size, stored, limits: &Limits| meter::allows(&TarFacts { size, ..empty.clone() }, stored, limits);
    let stored = limits::RATIO_FREE_BYTES;
    for (most, stored) in [
        (limits::RATIO_FREE_BYTES, 1),
        (limits::RATIO_FREE_BYTES, limits::RATIO_FREE_BYTES / limits::RATIO),
        (stored * limits::RATIO, stored),
        (limits::LAYER_BYTES, limits::LAYER_BYTES),
    ] {
        assert!(allows(most, stored, &Limits::default()), "{most} of {stored}");
        assert!(!allows(most + 1, stored, &Limits::default()), "{} of {stored}", most + 1);
    }
    let lower = Limits { ratio: 3, ..Limits::default() };
    assert!(allows(3 * stored, stored, &lower) && !allows(3 * stored + 1, stored, &lower));
}

#[test]
fn the_entries_of_a_layer_are_held_to_entries() {
    let bytes = Tar::new().file("a", "").file("b", "").long(b'L', "c").long(b'L', "d").file("x", "").end();
    let read = |most: usize| -> (usize, Result<()>) {
        let section = Section::of_bytes(bytes.clone());
        let decoder = codec::decoder(Compression::None, section.reader()).unwrap();
        let limits = Limits::default();
        let meter = Meter::new(Relay::alone(decoder), None, section.size(), &limits);
        let (plan, budget) = (Plan::default(), Budget::default());
        let mut entries = Entries::new(&plan, &budget);
        assert_eq!(std::mem::replace(&mut entries.most, most), limits::ENTRIES);
        let outcome = entries.read(&mut TarReader::new(meter));
        (entries.entries.len(), outcome)
    };
    // A member that two readers name differently is two.
    let (count, outcome) = read(4);
    assert!(count == 4 && outcome.is_ok(), "{outcome:?}");
    exceeds(&read(3).1.unwrap_err(), "ENTRIES");
}

/// A layer with something of all that is kept of one.
fn full_layer(number: usize) -> Vec<u8> {
    let jar = Zip::jar(["a.class", "b.class"]).bytes();
    let path = format!("srv/{}/{number}", "d".repeat(90));
    Tar::new()
        .file(&path, "x")
        .pax(b'x', &[("SCHILY.xattr.user.a", &[b'v'; 1_000])])
        .file("etc/passwd", "root:x:0:0")
        .link("etc/link", b'2', "passwd")
        .entry("app.jar", b'0', &jar)
        .file("node_modules/a/package.json", "{\"name\": \"a\", \"version\": \"1\"}")
        .file("root/key", &format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"))
        .end()
}

fn full_plan() -> Plan {
    let mut plan = Plan::default();
    plan.capture(ImagePath::new("etc/passwd"));
    plan.look_into_archives();
    plan.look_for_components();
    plan
}

#[test]
fn all_layers_of_an_input_are_held_to_input_facts_bytes() {
    let layers: Vec<_> = (0..40).map(|number| Section::of_bytes(full_layer(number))).collect();
    let read = |facts_bytes: u64, threads: usize| {
        let budget = Arc::new(Budget::within(1 << 20, facts_bytes));
        let job = |blob: &Section| LayerJob {
            blob: blob.clone(),
            options: ScanOptions { budget: Arc::clone(&budget), ..options(full_plan()) },
            hash_first: false,
        };
        let jobs: Vec<_> = layers.iter().map(job).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let facts = pool.install(|| scan_layers(&jobs, &(), &()));
        (facts, budget)
    };
    let (facts, budget) = read(limits::INPUT_FACTS_BYTES, 1);
    assert!(facts.iter().all(|facts| facts.as_ref().is_ok_and(|facts| facts.tar.is_ok())));
    let taken = limits::INPUT_FACTS_BYTES - budget.facts_left();
    let tars = facts.into_iter().map(|facts| facts.unwrap().tar.unwrap());
    // A layer that is known counts as much as one that is read, or a cache would change what is said.
    assert_eq!(tars.map(|tar| tar.held(&full_plan())).sum::<u64>(), taken);
    assert!(taken > 40 * (5 * size_of::<Entry>() as u64 + 1_000), "{taken}");
    for threads in [1, 4] {
        let (facts, budget) = read(taken, threads);
        assert!(budget.exceeded().is_none() && facts.iter().all(Result::is_ok));
        let (facts, budget) = read(taken - 1, threads);
        exceeds(&budget.exceeded().unwrap(), "INPUT_FACTS_BYTES");
        for error in facts.into_iter().filter_map(Result::err) {
            exceeds(&error, "INPUT_FACTS_BYTES");
        }
    }
}

/// What is found of a broken layer counts as well; and names alone make a layer of a few KiB large.
#[test]
fn what_is_said_of_a_broken_layer_counts_too() {
    let long = |number: usize| format!("{number}/../../{}", "n".repeat(2_000));
    let broken = (0..50).fold(Tar::new(), |tar, number| tar.long(b'L', &long(number)).file("f", ""));
    let broken = broken.raw(&[1; 512]).end();
    let read = |facts_bytes: u64| {
        let budget = Arc::new(Budget::within(1 << 20, facts_bytes));
        let options = ScanOptions { budget: Arc::clone(&budget), ..ScanOptions::default() };
        (scan_layer(&Section::of_bytes(broken.clone()), &options, &()), budget)
    };
    let (facts, budget) = read(limits::INPUT_FACTS_BYTES);
    assert!(facts.unwrap().tar.is_err());
    let taken = limits::INPUT_FACTS_BYTES - budget.facts_left();
    // Each name as it is written, as it is cleaned, and in an anomaly.
    assert!(taken > 50 * 3 * 2_000, "{taken}");
    assert!(read(taken).0.is_ok());
    exceeds(&read(taken - 1).0.unwrap_err(), "INPUT_FACTS_BYTES");
}

#[test]
fn captured_files_are_held_to_each_of_three_limits() {
    let limits = Limits { captured_file_bytes: 3, rpm_database_bytes: 5, ..Limits::default() };
    let wanted = |name: &str, size: usize, count: usize, ceiling: Ceiling| {
        let mut plan = Plan::new(limits);
        let files = (0..count).map(|number| format!("{name}{number}"));
        let tar = files.fold(Tar::new(), |tar, path| {
            plan.capture_up_to(ImagePath::new(&path), ceiling);
            tar.file(&path, &"x".repeat(size))
        });
        let facts = scan_layer(&Section::of_bytes(tar.end()), &options(plan), &()).unwrap().tar.unwrap();
        facts.not_captured.values().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (ordinary, database) = (Ceiling::ordinary(&limits), Ceiling::rpm_database(&limits));
    for (ceiling, most, count, file, layer) in [
        (ordinary, 3, 4, "captured_file_bytes (3)", "4 * captured_file_bytes (12)"),
        (database, 5, 2, "rpm_database_bytes (5)", "2 * rpm_database_bytes (10)"),
    ] {
        assert_eq!(wanted("f", most, count, ceiling), [""; 0]);
        let over = wanted("f", most + 1, 1, ceiling);
        assert!(over.len() == 1 && over[0].contains(file), "{over:?}");
        let over = wanted("f", most, count + 1, ceiling);
        assert!(over.len() == 1 && over[0].contains(layer), "{over:?}");
    }
    // What the policy lets one layer have fits beside others at least once.
    assert_eq!(Limits::default().captured_bytes(), limits::CAPTURED_BYTES);
    let high = Limits { rpm_database_bytes: limits::CAPTURED_BYTES, ..Limits::default() };
    assert!(high.captured_bytes() > 2 * limits::CAPTURED_BYTES);
}
