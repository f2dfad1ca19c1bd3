//! A whole check of an image that is built here: a base and an application on it, in gzip layers of
//! random files, seeded. Throughput is of uncompressed bytes.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up stops")]

use std::io::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use ocicheck::base::{Catalog, layer_facts};
use ocicheck::engine::{self, Engine, NewBase, Request};
use ocicheck::limits::Limits;
use ocicheck::policy::{Choice, Policy};
use ocicheck::source::{Input, Selection};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    divan::main();
}

/// An image of four layers with `files` files each, of `size` bytes on average.
fn image(files: usize, size: usize) -> support::Image {
    let base = support::small_base();
    (0..4).fold(base, |image, seed| image.layer(support::random_tree(seed, files, size))).user("10001")
}

struct Prepared {
    input: Input,
    bytes: u64,
    engine: Engine,
    _file: tempfile::NamedTempFile,
    facts_directory: tempfile::TempDir,
}

fn prepare(image: &support::Image, base: Option<&support::Image>, with_facts: bool) -> Prepared {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&image.oci_archive()).expect("room for the image");
    let facts = tempfile::tempdir().expect("a temporary directory");
    let catalog = base.map(|base| {
        let mut base_file = tempfile::NamedTempFile::new().expect("a temporary file");
        base_file.write_all(&base.oci_archive()).expect("room for the base");
        let input = Input::Path(base_file.path().to_owned());
        let selection = Selection::default();
        let plan = engine::whole_plan(Limits::default());
        let request = Request {
            input: &input,
            selection: &selection,
            bases: None,
            advisories: None,
            cache: None,
            read_before: None,
            plan,
            held: None,
        };
        let gathered = engine::gather(&request, &()).expect("a sound base");
        let mut catalog = Catalog::default();
        let added = "2026-01-02".parse().expect("a date");
        let new = NewBase {
            name: "base".into(),
            version: "1".into(),
            tier: ocicheck::base::Tier::Official,
            added,
            with_facts,
        };
        for base in &gathered.images {
            let enrolled = engine::enroll(&mut catalog, base, &new).expect("a base");
            for file in enrolled.files {
                let name = layer_facts::file_name(&file.digest);
                std::fs::write(facts.path().join(name), file.bytes).expect("room for facts");
            }
        }
        catalog
    });
    Prepared {
        input: Input::Path(file.path().to_owned()),
        bytes: image.layers().map(|layer| layer.tar.len() as u64).sum(),
        engine: Engine {
            policy: Policy::built_in(Choice::default()).expect("the built-in policy"),
            facts_files: catalog
                .as_ref()
                .map(|catalog| engine::facts_files(catalog, facts.path(), Limits::default())),
            catalog,
            advisories: None,
            cache: None,
            read_before: None,
            selection: Selection::default(),
        },
        _file: file,
        facts_directory: facts,
    }
}

fn run(bencher: Bencher<'_, '_>, prepared: &Prepared) {
    bencher.counter(BytesCount::new(prepared.bytes)).bench(|| {
        let checked = prepared.engine.check(&prepared.input, &());
        assert!(checked.errors.is_empty() && checked.images.len() == 1);
        checked
    });
}

/// 400 files of 100 KB: bytes count.
#[divan::bench(sample_count = 10)]
fn large_files(bencher: Bencher<'_, '_>) {
    run(bencher, &prepare(&image(100, 100_000), None, false));
}

/// 8,000 files of 500 bytes: entries count.
#[divan::bench(sample_count = 10)]
fn small_files(bencher: Bencher<'_, '_>) {
    run(bencher, &prepare(&image(2_000, 500), None, false));
}

/// As `small_files`, and compared with a base of half its layers.
#[divan::bench(sample_count = 10)]
fn on_a_base(bencher: Bencher<'_, '_>) {
    let base =
        (0..2).fold(support::small_base(), |image, seed| image.layer(support::random_tree(seed, 2_000, 500)));
    let app = (2..4).fold(base.clone(), |image, seed| image.layer(support::random_tree(seed, 2_000, 500)));
    run(bencher, &prepare(&app.user("10001"), Some(&base), false));
}

/// A base as large as real ones (7,000 files of 15 kB) and a small application on it.
fn on_a_real_base(bencher: Bencher<'_, '_>, with_facts: bool) {
    let base = support::small_base().layer(support::random_tree(1, 7_000, 15_000));
    let app = base.clone().layer(support::random_tree(2, 200, 5_000)).user("10001");
    run(bencher, &prepare(&app, Some(&base), with_facts));
}

/// The base is unpacked, as every layer is without facts files.
#[divan::bench(sample_count = 10)]
fn known_base_unpacked(bencher: Bencher<'_, '_>) {
    on_a_real_base(bencher, false);
}

/// The same base is hashed only, and its facts come from its facts files. They are loaded once, as
/// for many images in one run.
#[divan::bench(sample_count = 10)]
fn known_base_hashed(bencher: Bencher<'_, '_>) {
    on_a_real_base(bencher, true);
}

/// As `known_base_hashed`, and each run loads the facts files anew, as the first image in a run does.
#[divan::bench(sample_count = 10)]
fn known_base_hashed_first(bencher: Bencher<'_, '_>) {
    let base = support::small_base().layer(support::random_tree(1, 7_000, 15_000));
    let app = base.clone().layer(support::random_tree(2, 200, 5_000)).user("10001");
    let mut prepared = prepare(&app, Some(&base), true);
    let directory = prepared.facts_directory.path().to_owned();
    bencher.counter(BytesCount::new(prepared.bytes)).bench_local(move || {
        let files = prepared
            .engine
            .catalog
            .as_ref()
            .map(|base| engine::facts_files(base, &directory, Limits::default()));
        prepared.engine.facts_files = files;
        prepared.engine.check(&prepared.input, &())
    });
}
