//! What reading an image takes of memory: so much for each entry, and nothing for each byte.
//!
//! Bytes that are asked of the allocator are counted, in this process: the same on every machine, whatever
//! else runs on it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ocicheck::engine::{self, Engine, Request};
use ocicheck::facts::Facts;
use ocicheck::limits::Limits;
use ocicheck::policy::{Choice, Policy};
use ocicheck::report::{Builder, Report, gitlab, html, json, junit, markdown, ndjson, sarif, text};
use ocicheck::rootfs::Readings;
use ocicheck::scan::TarFacts;
use ocicheck::source::{Input, Selection};

mod support;

use support::{Compression, Entry, Image, Layer};

/// The system's allocator, with a look at how much it has given out.
struct Counting;

static GIVEN: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn give(bytes: usize) {
    let given = GIVEN.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(given, Ordering::Relaxed);
}

#[allow(unsafe_code, reason = "an allocator is unsafe by its signature; this one hands on what it is given")]
// SAFETY: each call is that of the system's allocator, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        give(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        GIVEN.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Large blocks are moved by the kernel page by page, not copied: old and new are never both there.
        GIVEN.fetch_sub(layout.size(), Ordering::Relaxed);
        give(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were in use at once, beyond those that were before, and what came out.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = GIVEN.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let outcome = work();
    (MOST.load(Ordering::Relaxed) - before, outcome)
}

/// What gathering an image's facts takes, by so many threads.
fn peak(image: &Image, threads: usize) -> (usize, Facts) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), image.oci_archive()).unwrap();
    let input = Input::Path(file.path().to_owned());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (peak, mut gathered) = peak_of(|| {
        let plan = engine::whole_plan(Limits::default());
        let request = Request {
            input: &input,
            selection: &Selection::default(),
            bases: None,
            cache: None,
            advisories: None,
            read_before: None,
            plan,
            held: None,
        };
        pool.install(|| engine::gather(&request, &())).unwrap()
    });
    assert!(gathered.errors.is_empty() && gathered.images.len() == 1);
    assert!(gathered.images[0].rootfs.is_ok(), "the tree was built");
    (peak, gathered.images.remove(0))
}

/// Directories of a hundred files each, with paths of 26 bytes.
fn of_entries(count: usize) -> Image {
    let files = (0..count).map(|number| {
        let path = format!("srv/data/{:05}/file-{:06}", number / 100, number);
        Entry::file(path, "0123456789")
    });
    Image::new().layer_with(Layer::new().entries(files), "COPY . .", Compression::Zstd(1))
}

fn of_bytes(mebibytes: usize) -> Image {
    let layer = Layer::new().file("large", vec![b'x'; mebibytes << 20]);
    Image::new().layer_with(layer, "COPY . .", Compression::Gzip(6))
}

const PATH_BYTES: usize = 26;

/// Three findings a file.
fn of_findings(count: usize) -> Image {
    let files = (0..count).map(|number| Entry::file(format!("opt/{number:06}"), "").mode(0o6777));
    Image::new().user("1000").layer_with(Layer::new().entries(files), "COPY . .", Compression::Zstd(1))
}

/// What judging an image takes, and its report.
fn judged(image: &Image) -> (usize, Report) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), image.oci_archive()).unwrap();
    let policy = Policy::built_in(Choice::default()).unwrap();
    let mut builder = Builder::new(&policy);
    let engine = Engine {
        policy,
        catalog: None,
        facts_files: None,
        advisories: None,
        cache: None,
        read_before: None,
        selection: Selection::default(),
    };
    let (peak, checked) = peak_of(|| engine.check(&Input::Path(file.path().to_owned()), &()));
    builder.add("image.tar", checked.images, checked.errors, checked.notes);
    (peak, builder.finish("2026-01-02T03:04:05Z".to_owned(), Duration::ZERO, 1))
}

type Write = fn(&Report, &mut dyn io::Write) -> io::Result<()>;

fn verbose(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let style = text::Style { verbosity: text::Verbosity::Verbose, ..text::Style::default() };
    text::write(report, &style, out)
}

/// A finding takes what its texts take and little more, and no format holds all of them.
fn findings_take_little() {
    let (few, many) = (2_000, 6_000);
    let ((small, few_told), (large, many_told)) = (judged(&of_findings(few)), judged(&of_findings(many)));
    let of_finding = (large - small) / (3 * (many - few));
    assert!(of_finding <= 1_500, "{of_finding} bytes for each finding");
    for write in [
        json::write as Write,
        ndjson::write,
        sarif::write,
        junit::write,
        markdown::write,
        html::write,
        gitlab::write_container_scanning,
        gitlab::write_code_quality,
        verbose,
    ] {
        let written = |report: &Report| peak_of(|| write(report, &mut io::sink()).unwrap()).0;
        let (small, large) = (written(&few_told), written(&many_told));
        // Text and JUnit sort or count references to the findings of a rule.
        assert!(large < small + 64 * 3 * (many - few), "{small} bytes, and {large} for more findings");
    }
}

/// Files of nothing but faults take little more than themselves: once each line took a hundred bytes.
fn faults_take_little() {
    for (path, line, lines) in [
        ("etc/shadow", (|number| format!("a{number}\n")) as fn(usize) -> String, [20_000, 100_000]),
        ("etc/sudoers", |_| "a A=NOPASSWD:b\n".to_owned(), [10_000, 50_000]),
        ("etc/sudoers", |number| format!("a{number} A=NOPASSWD:b\n"), [10_000, 50_000]),
        ("etc/doas.conf", |number| format!("permit nopass a{number}\n"), [10_000, 50_000]),
    ] {
        let [(small, few), (large, many)] = lines.map(|count| {
            let content: String = (0..count).map(line).collect();
            let layer = Layer::new().file(path, &content);
            (judged(&Image::new().user("1000").layer(layer)).0, content.len())
        });
        let of_byte = large.saturating_sub(small) / (many - few);
        assert!(of_byte <= 6, "{of_byte} bytes for each of {path}");
    }
}

/// One test, for all in this process are counted together.
#[test]
fn memory_grows_with_entries_and_not_with_bytes() {
    findings_take_little();
    faults_take_little();
    let (few, many) = (10_000, 30_000);
    let ((small, _), (large, facts)) = (peak(&of_entries(few), 1), peak(&of_entries(many), 1));
    let of_entry = (large - small) / (many - few);
    assert!(of_entry <= 300 + PATH_BYTES, "{of_entry} bytes for each entry");

    let layer = facts.layers[0].as_ref().unwrap().tar.as_ref().unwrap();
    let empty = TarFacts { entries: Vec::new(), ..TarFacts::clone(layer) };
    let on_base = |base_len| peak_of(|| Readings::build(&[(0, layer), (1, &empty)], base_len).unwrap()).0;
    let (alone, twice) = (on_base(0), on_base(1));
    assert!(twice < alone + alone / 20, "{alone} bytes for one tree, {twice} with that of its base");

    for threads in [1, 4] {
        let (small, large) = (peak(&of_bytes(8), threads).0, peak(&of_bytes(32), threads).0);
        assert!(large < small + (1 << 20), "{small} bytes for 8 MiB, {large} for 32, {threads} threads");
        assert!(large < 16 << 20, "{large} bytes for one file, {threads} threads");
    }
}
