//! A database of advisories of 300,000 ranges: opening it, and asking it about the 400 packages of an image.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up stops")]

use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use ocicheck::advisories::{
    Advisories, Affected, Ecosystem, End, Fix, Kind, Range, Record, Vulnerabilities, build_of,
};
use ocicheck::limits::Deadline;
use ocicheck::model::ImagePath;
use ocicheck::packages::{Distribution, Installed, Inventory, Kind as PackageKind};

fn main() {
    divan::main();
}

const PACKAGES: usize = 30_000;
const RANGES: usize = 300_000;
const ASKED: usize = 400;

/// The database, in a file.
static DATABASE: LazyLock<tempfile::NamedTempFile> = LazyLock::new(|| {
    let record = |number: usize| {
        let range =
            Range { introduced: String::new(), end: End::Fixed(format!("{}.{}-1", number % 7, number % 31)) };
        let affected = Affected {
            ecosystem: debian(),
            package: package(number % PACKAGES),
            arch: String::new(),
            module: String::new(),
            ranges: vec![range],
            versions: Vec::new(),
            fix: Fix::AsRanges,
            severity: None,
        };
        let record = Record {
            id: format!("CVE-2024-{number:06}"),
            summary: format!("fault number {number}"),
            affected: vec![affected],
            ..Record::default()
        };
        (Kind::Osv, record)
    };
    let bytes = build_of((0..RANGES).map(record).collect(), None).expect("sound records");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("room on the disk");
    file
});

fn debian() -> Ecosystem {
    Ecosystem::parse("Debian:12").expect("a known ecosystem")
}

fn package(number: usize) -> String {
    format!("package-{:05}", number * 7_919 % PACKAGES)
}

fn open() -> Advisories {
    Advisories::open(DATABASE.path()).expect("a sound database")
}

/// An image with packages from all over the database.
static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    let installed = |number: usize| {
        let name = package(number * (PACKAGES / ASKED));
        Installed::new(PackageKind::Deb, &name, "3.14-2", ImagePath::new("var/lib/dpkg/status"), 0)
    };
    let distribution = Distribution {
        path: ImagePath::new("etc/os-release"),
        id: "debian".to_owned(),
        version: Some("12".to_owned()),
        codename: None,
        name: None,
    };
    let packages = (0..ASKED).map(installed).collect();
    Inventory { distribution: Some(distribution), packages, gaps: Vec::new() }
});

fn ask(advisories: &Advisories) -> usize {
    Vulnerabilities::of(&INVENTORY, advisories, Deadline::NONE).expect("a sound database").found.len()
}

/// Opens the file, which the operating system has in memory.
#[divan::bench]
fn open_warm(bencher: Bencher<'_, '_>) {
    open();
    bencher.bench(open);
}

/// Opens it and asks: each page that is touched is read and checked.
#[divan::bench]
fn open_and_ask(bencher: Bencher<'_, '_>) {
    open();
    bencher.counter(ItemsCount::new(ASKED)).bench(|| black_box(ask(&open())));
}

/// Asks again, as for the second image of a run.
#[divan::bench]
fn ask_again(bencher: Bencher<'_, '_>) {
    let advisories = open();
    ask(&advisories);
    bencher.counter(ItemsCount::new(ASKED)).bench(|| black_box(ask(&advisories)));
}
