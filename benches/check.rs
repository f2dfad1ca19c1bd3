//! A whole check of an image that is built here: a base and an application on it, in gzip layers of
//! random files, seeded. Throughput is of uncompressed bytes.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up stops")]

use std::io::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use ocicheck::base::Catalog;
use ocicheck::engine::{self, Engine, NewBase};
use ocicheck::policy::{Policy, Profile};
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
}

fn prepare(image: &support::Image, base: Option<&support::Image>) -> Prepared {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&image.oci_archive()).expect("room for the image");
    let catalog = base.map(|base| {
        let mut base_file = tempfile::NamedTempFile::new().expect("a temporary file");
        base_file.write_all(&base.oci_archive()).expect("room for the base");
        let input = Input::Path(base_file.path().to_owned());
        let gathered = engine::gather(&input, &Selection::default(), None, &()).expect("a sound base");
        let mut catalog = Catalog::default();
        let added = "2026-01-02".parse().expect("a date");
        let new =
            NewBase { name: "base".into(), version: "1".into(), tier: ocicheck::base::Tier::Official, added };
        for facts in &gathered.images {
            engine::enroll(&mut catalog, facts, &new).expect("a base");
        }
        catalog
    });
    Prepared {
        input: Input::Path(file.path().to_owned()),
        bytes: image.layers().map(|layer| layer.tar.len() as u64).sum(),
        engine: Engine {
            policy: Policy::built_in(Profile::Standard, None),
            catalog,
            selection: Selection::default(),
        },
        _file: file,
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
    run(bencher, &prepare(&image(100, 100_000), None));
}

/// 8,000 files of 500 bytes: entries count.
#[divan::bench(sample_count = 10)]
fn small_files(bencher: Bencher<'_, '_>) {
    run(bencher, &prepare(&image(2_000, 500), None));
}

/// As `small_files`, and compared with a base of half its layers.
#[divan::bench(sample_count = 10)]
fn on_a_base(bencher: Bencher<'_, '_>) {
    let base =
        (0..2).fold(support::small_base(), |image, seed| image.layer(support::random_tree(seed, 2_000, 500)));
    let app = (2..4).fold(base.clone(), |image, seed| image.layer(support::random_tree(seed, 2_000, 500)));
    run(bencher, &prepare(&app.user("10001"), Some(&base)));
}
