//! The parts of a check, each alone and on one thread: where the time of `check` goes. Throughput is of
//! uncompressed bytes, or of entries.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up stops")]

use std::io::{self, Write as _};
use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use ocicheck::codec;
use ocicheck::engine::{self, Engine, Request};
use ocicheck::facts::Facts;
use ocicheck::limits::Limits;
use ocicheck::model::descriptor::Compression;
use ocicheck::policy::{Choice, Policy};
use ocicheck::read::Section;
use ocicheck::rootfs::{Builder, Runtime};
use ocicheck::scan::{Plan, ScanOptions, TarFacts, scan_layer};
use ocicheck::source::{Input, Selection};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    divan::main();
}

/// Files and their average size: bytes count, and entries count.
const TREES: [(usize, usize); 2] = [(200, 100_000), (20_000, 500)];

fn tree((files, size): (usize, usize)) -> support::Layer {
    support::random_tree(7, files, size)
}

fn scan(bytes: &[u8], plan: &Arc<Plan>) -> TarFacts {
    let options = ScanOptions { plan: Arc::clone(plan), ..ScanOptions::default() };
    let facts = scan_layer(&Section::of_bytes(bytes.to_vec()), &options, &()).expect("a readable layer");
    Arc::into_inner(facts.tar.expect("a sound layer")).expect("facts that nobody else holds")
}

/// Decodes the layer of large files.
#[divan::bench(args = [Compression::Gzip, Compression::Zstd])]
fn decode(bencher: Bencher<'_, '_>, compression: Compression) {
    let tar = tree(TREES[0]).tar();
    let stored = match compression {
        Compression::Zstd => support::Compression::Zstd(3).compress(&tar),
        _ => support::Compression::Gzip(6).compress(&tar),
    };
    bencher.counter(BytesCount::new(tar.len())).bench(|| {
        let mut decoder = codec::decoder(compression, black_box(stored.as_slice())).expect("a decoder");
        io::copy(&mut decoder, &mut io::sink()).expect("sound bytes")
    });
}

/// A plain layer: tar headers, both hashes and the search for secrets.
#[divan::bench(args = TREES)]
fn read_layer(bencher: Bencher<'_, '_>, size: (usize, usize)) {
    let (tar, plan) = (tree(size).tar(), engine::plan(Limits::default()));
    let section = Section::of_bytes(tar);
    let options = ScanOptions { plan, ..ScanOptions::default() };
    bencher
        .counter(BytesCount::new(section.size()))
        .bench(|| scan_layer(&section, &options, &()).expect("a readable layer"));
}

/// Applies a layer to an empty tree, and again to the tree that came of it.
#[divan::bench(args = [false, true])]
fn apply(bencher: Bencher<'_, '_>, again: bool) {
    let tar = scan(&tree(TREES[1]).tar(), &Arc::new(Plan::new(Limits::default())));
    let prepared = || {
        let mut builder = Builder::new(Runtime::Vfs);
        if again {
            builder.apply(0, &tar).expect("a layer");
        }
        builder
    };
    bencher.counter(ItemsCount::new(tar.entries.len())).with_inputs(prepared).bench_local_values(
        |mut builder| {
            builder.apply(usize::from(again), &tar).expect("a layer");
            builder
        },
    );
}

/// All rules, on the facts of an image that were read before.
#[divan::bench(args = TREES)]
fn judge(bencher: Bencher<'_, '_>, size: (usize, usize)) {
    let image = support::small_base().layer(tree(size)).user("10001");
    let (facts, entries) = facts(&image);
    let engine = Engine {
        policy: Policy::built_in(Choice::default()).expect("the built-in policy"),
        facts_files: None,
        advisories: None,
        catalog: None,
        cache: None,
        read_before: None,
        selection: Selection::default(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    bencher
        .counter(ItemsCount::new(entries))
        .bench(|| pool.install(|| engine.judge("image.tar", black_box(&facts))));
}

fn facts(image: &support::Image) -> (Facts, usize) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&image.oci_archive()).expect("room for the image");
    let (input, selection) = (Input::Path(file.path().to_owned()), Selection::default());
    let plan = engine::plan(Limits::default());
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
    let gathered = engine::gather(&request, &()).expect("a sound image");
    let facts = gathered.images.into_iter().next().expect("an image");
    let entries = (0..facts.image.layers.len()).map(|layer| facts.entries(layer).len()).sum();
    (facts, entries)
}
