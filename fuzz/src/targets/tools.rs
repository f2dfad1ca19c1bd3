//! What several targets use: bytes taken apart, layers scanned, images checked.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ocicheck::engine::{self, Engine, NewBase, Request};
use ocicheck::limits::{Deadline, Limits};
use ocicheck::policy::{Choice, Policy, Source};
use ocicheck::read::Section;
use ocicheck::report::{self, FindingStatus, Report, Verdict};
use ocicheck::scan::{LayerFacts, Plan, ScanOptions, TarFacts, scan_layer};
use ocicheck::source::{Input, Selection};

use crate::support::{Compression, Image, Layer, small_base};

/// What parts an input into several files.
pub const SEPARATOR: &[u8] = b"\n%%\n";

/// The day that is judged by: reports must not change with the calendar.
const DAY: &str = "2026-01-02";

/// Limits that an input of some kilobytes can reach in some milliseconds.
pub const LIMITS: Limits = Limits {
    layer_bytes: 4 << 20,
    ratio: 2_000,
    spool_bytes: 4 << 20,
    captured_file_bytes: 1 << 20,
    rpm_database_bytes: 1 << 20,
    deadline: Deadline::NONE,
};

/// The first byte, and the rest; nothing is a zero.
pub fn first(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// The parts between separators.
pub fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&rest[..at]);
        rest = &rest[at + SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}

/// The same archive with right checksums in whatever looks like a header: few inputs have them otherwise.
pub fn mended(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    for block in tar.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}

/// All that the rules want of a layer, archives too.
pub fn options() -> ScanOptions {
    static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| engine::whole_plan(LIMITS));
    ScanOptions { plan: Arc::clone(&PLAN), ..ScanOptions::default() }
}

/// The facts of a layer in memory.
pub fn scan(blob: &[u8]) -> LayerFacts {
    scan_layer(&Section::of_bytes(blob.to_vec()), &options(), &()).expect("memory can be read")
}

/// The facts of a layer that is sound.
pub fn scan_sound(layer: &Layer) -> Arc<TarFacts> {
    scan(&layer.tar()).tar.expect("a sound layer")
}

/// All that facts say, to be compared.
pub fn shown(tar: &TarFacts) -> String {
    format!("{tar:?}")
}

/// Services in every way in which they show, and an environment that wants one and allows no other.
pub const POLICY: &str = r#"
extends = "default"

[services.agent]
files = ["/**/agent*.jar"]
inside = ["**/agent/**"]
env = ["AGENT_*=*"]
arguments = ["-javaagent:*agent*"]

[services.other]
files = ["/opt/other/**"]

[environments.prod]
require = ["agent"]
"#;

struct Checker {
    engine: Engine,
    pools: [rayon::ThreadPool; 2],
}

static CHECKER: LazyLock<Checker> = LazyLock::new(|| {
    let choice = Choice { environment: Some("prod"), at: Some(DAY.parse().unwrap()), ..Choice::default() };
    let mut policy = Policy::read(POLICY, Source::Discovered("policy.toml".into()), choice).unwrap();
    policy.limits = LIMITS;
    let pool = |jobs| rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap();
    let engine = Engine {
        policy,
        catalog: Some(catalog()),
        facts_files: None,
        advisories: None,
        cache: None,
        read_before: None,
        selection: Selection::default(),
    };
    Checker { engine, pools: [pool(1), pool(2)] }
});

/// The catalog that holds the small base.
pub fn catalog() -> ocicheck::base::Catalog {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("base.tar");
    std::fs::write(&path, small_base().oci_archive()).unwrap();
    let (input, selection) = (Input::Path(path), Selection::default());
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
    let mut catalog = ocicheck::base::Catalog::default();
    let new = NewBase {
        name: "base".into(),
        version: "1".into(),
        tier: ocicheck::base::Tier::Official,
        added: DAY.parse().unwrap(),
        with_facts: false,
    };
    for base in &engine::gather(&request, &()).unwrap().images {
        engine::enroll(&mut catalog, base, &new).unwrap();
    }
    catalog
}

/// Checks an archive as the command line does. An error is never a pass, nor is a finding that fails.
pub fn judge(archive: &[u8]) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let report = checked(&written(&directory, archive), 0);
    hold_verdict(&report);
    report
}

/// As [`judge`]; what is shown of the report is held to what every report promises, too.
pub fn check(archive: &[u8]) -> Report {
    let report = judge(archive);
    hold_shown(&report);
    report
}

/// As [`check`], with one thread and with two: the reports are the same, byte for byte.
pub fn check_twice(archive: &[u8]) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let input = written(&directory, archive);
    let report = checked(&input, 0);
    let other = checked(&input, 1);
    assert_eq!(json(&report), json(&other), "two threads tell otherwise");
    hold_verdict(&report);
    hold_shown(&report);
    report
}

fn written(directory: &tempfile::TempDir, archive: &[u8]) -> Input {
    let path = directory.path().join("image.tar");
    std::fs::write(&path, archive).unwrap();
    Input::Path(path)
}

fn checked(input: &Input, pool: usize) -> Report {
    let Checker { engine, pools } = &*CHECKER;
    let checked = pools[pool].install(|| engine.check(input, &()));
    let mut report = report::Builder::new(&engine.policy);
    report.add("image.tar", checked.images, checked.errors, checked.notes);
    report.finish(String::new(), Duration::ZERO, 1)
}

fn hold_verdict(report: &Report) {
    assert!(
        !report.images.is_empty() || !report.errors.is_empty(),
        "nothing was checked, and nothing is told"
    );
    let failed = report.images.iter().any(|image| image.verdict == Verdict::Fail);
    let errored =
        !report.errors.is_empty() || report.images.iter().any(|image| image.verdict == Verdict::Error);
    let expected = match (errored, failed) {
        (true, _) => Verdict::Error,
        (false, true) => Verdict::Fail,
        (false, false) => Verdict::Pass,
    };
    assert_eq!(report.verdict, expected);
    for image in report.images.iter().filter(|image| image.verdict == Verdict::Pass) {
        assert!(image.findings.iter().all(|finding| finding.status != FindingStatus::Fail), "{image:?}");
    }
    for error in &report.errors {
        assert!(
            !error.message.contains("fault of this program") && !error.message.contains("fault of ocicheck"),
            "{error:?}"
        );
    }
}

/// The report as JSON.
pub fn json(report: &Report) -> String {
    let mut json = Vec::new();
    report::json::write(report, &mut json).expect("memory takes all");
    String::from_utf8(json).expect("text")
}

/// Text steers no terminal; JSON is JSON.
fn hold_shown(report: &Report) {
    let value: serde_json::Value = serde_json::from_str(&json(report)).expect("JSON");
    assert_eq!(value["images"].as_array().unwrap().len(), report.images.len());
    for verbosity in [report::text::Verbosity::Normal, report::text::Verbosity::Verbose] {
        let style = report::text::Style { verbosity, ..report::text::Style::default() };
        let mut text = Vec::new();
        report::text::write(report, &style, &mut text).expect("memory takes all");
        let text = String::from_utf8(text).expect("text");
        let odd = text.chars().find(|char| char.is_control() && *char != '\n');
        assert_eq!(odd, None, "{text}");
    }
}

/// An image of one layer that holds these files.
pub fn image_of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Image {
    let layer = files.into_iter().fold(Layer::new(), |layer, (path, bytes)| layer.file(path, bytes));
    Image::new().layer_with(layer, "COPY . /", Compression::None)
}
