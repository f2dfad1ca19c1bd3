//! The bodies of the fuzz targets, run on seeds that are made here and on every input that fuzzing left in `fuzz/inputs`
//! and `fuzz/regressions`: what a fuzzer once found stays found, without a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code, also in the helpers between the tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod support;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

#[path = "../fuzz/src/seeds.rs"]
mod seeds;

use targets::TARGETS;

/// Where fuzzing starts, and what it found worth keeping.
const INPUTS: &str = "fuzz/inputs";

/// What once broke something.
const REGRESSIONS: &str = "fuzz/regressions";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a target, sorted; none where there is no such directory.
fn files(directory: &str, target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(directory).join(target)).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs one input; what went wrong.
fn run(target: &targets::Target, what: &str, input: &[u8]) -> Option<String> {
    let clock = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let name = target.name;
    match result {
        Err(_) => Some(format!("{name}: {what} does not hold; its message is above")),
        Ok(()) if clock.elapsed() > Duration::from_secs(30) => {
            Some(format!("{name}: {what} takes {:?}", clock.elapsed()))
        }
        Ok(()) => None,
    }
}

#[test]
fn every_seed_holds() {
    let mut broken = Vec::new();
    for target in &TARGETS {
        let seeds = seeds::of(target.name);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        let told = seeds
            .iter()
            .enumerate()
            .filter_map(|(number, seed)| run(target, &format!("seed {number}"), seed));
        broken.extend(told);
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_input_that_is_kept_holds() {
    let mut broken = Vec::new();
    for target in &TARGETS {
        let inputs = files(INPUTS, target.name);
        assert!(!inputs.is_empty(), "{INPUTS}/{} is empty", target.name);
        for path in inputs.iter().chain(&files(REGRESSIONS, target.name)) {
            broken.extend(run(target, &path.display().to_string(), &fs::read(path).unwrap()));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

fn known() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

#[test]
fn inputs_are_of_targets_and_small() {
    let known = known();
    assert!(known.is_sorted());
    let mut bytes = 0;
    for directory in [INPUTS, REGRESSIONS] {
        for entry in fs::read_dir(root().join(directory)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(known.contains(&&*name), "{directory}/{name} is of no target");
            for file in files(directory, &name) {
                bytes += fs::metadata(file).unwrap().len();
            }
        }
    }
    assert!(bytes < 1_500_000, "{bytes} bytes of inputs; merge them again (docs/contributing.md)");
}

/// No scanner should take an input for a leak: neither ours nor that of whoever hosts the sources.
#[test]
fn inputs_look_like_no_leak() {
    let mut like = Vec::new();
    for target in &TARGETS {
        for path in files(INPUTS, target.name).iter().chain(&files(REGRESSIONS, target.name)) {
            let layer = support::Layer::new().file("srv/data.bin", fs::read(path).unwrap());
            let found = &targets::tools::scan_sound(&layer).secrets.found;
            like.extend(found.iter().map(|secret| format!("{}: {}", path.display(), secret.kind.id)));
        }
    }
    assert_eq!(like, Vec::<String>::new(), "delete them");
}

/// cargo-fuzz builds what `fuzz/Cargo.toml` names, and `fuzz/run` wants to know which dictionaries serve it.
#[test]
fn every_target_has_its_fuzzer() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for target in &TARGETS {
        let path = format!("fuzz_targets/{}.rs", target.name);
        assert!(manifest.contains(&path) && root().join("fuzz").join(&path).is_file(), "{path}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    let script = fs::read_to_string(root().join("fuzz/run")).unwrap();
    let (_, rest) = script.split_once("dictionaries() {\n").unwrap();
    let (cases, _) = rest.split_once("\n}\n").unwrap();
    let patterns =
        cases.lines().filter_map(|line| line.split_once(')')).flat_map(|(names, _)| names.split('|'));
    let named: Vec<_> = patterns.map(str::trim).collect();
    assert!(known().iter().all(|name| named.contains(name)), "{named:?}");
}

/// `FUZZ_SEEDS=directory cargo test --test fuzz -- --ignored write_seeds` writes the seeds of all targets, each into a
/// directory of its name.
#[test]
#[ignore = "writes files"]
fn write_seeds() {
    let directory = PathBuf::from(std::env::var_os("FUZZ_SEEDS").expect("FUZZ_SEEDS names a directory"));
    let mut written = BTreeMap::new();
    for target in &TARGETS {
        let directory = directory.join(target.name);
        fs::create_dir_all(&directory).unwrap();
        for (number, seed) in seeds::of(target.name).iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:03}")), seed).unwrap();
            *written.entry(target.name).or_insert(0) += 1;
        }
    }
    println!("{written:?}");
}
