//! A run whose time is up ends, and says so.

use std::io::Write as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Checked, Room, SMALL_CATALOG, assert_valid, command, run, set, text};
use crate::support::{clean_app, small_base};

/// Runs with a pipe as standard input that gives these bytes, and no end.
fn run_waiting(arguments: &[&str], bytes: &[u8]) -> Output {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(bytes).unwrap();
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    drop(stdin);
    output
}

#[test]
fn a_pipe_that_gives_nothing_is_left_when_the_time_is_up() {
    let room = Room::new();
    let archive = clean_app(&small_base()).oci_archive();
    let good = room.write("good.tar", &archive);
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let report = room.path("report.json");
    let arguments = [
        good.to_str().unwrap(),
        "-",
        good.to_str().unwrap(),
        "--timeout",
        "2s",
        "--bases",
        catalog.to_str().unwrap(),
        "--format",
        "json",
        "-o",
        report.to_str().unwrap(),
    ];
    for given in [0, 600, archive.len() / 2] {
        let told = Checked::of(&run_waiting(&arguments, &archive[..given]));
        assert_eq!((told.exit, told.report["verdict"].as_str()), (2, Some("error")));
        assert_valid("report.schema.json", &told.report);
        // What was done keeps its verdict; all else is named.
        assert_eq!(told.report["images"].as_array().unwrap().len(), 1);
        assert_eq!(told.report["images"][0]["verdict"], "pass");
        let errors = told.report["errors"].as_array().unwrap();
        let sources: Vec<_> = errors.iter().map(|error| error["source"].as_str().unwrap()).collect();
        assert_eq!(sources, ["-", good.to_str().unwrap()]);
        for error in errors {
            assert!(error["message"].as_str().unwrap().contains("--timeout 2s"), "{error}");
            assert!(error["hint"].as_str().unwrap().contains("more time"));
        }
        let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(written["errors"], told.report["errors"]);
        assert!(told.stderr.contains("--timeout 2s"), "{}", told.stderr);
    }
}

#[test]
fn enough_time_changes_nothing() {
    let room = Room::new();
    let good = room.write("good.tar", clean_app(&small_base()).oci_archive());
    let run = |more: &[&str]| {
        let output = command().arg(&good).args(["--format", "json"]).args(more).output().unwrap();
        Checked::of(&output)
    };
    let (with, without) = (run(&["--timeout", "1h"]), run(&[]));
    assert_eq!((with.exit, with.without_run()), (without.exit, without.without_run()));
    for wrong in ["0", "1.5", "soon"] {
        let output = command().arg(&good).args(["--timeout", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("a time is a number"));
    }
}

#[test]
fn inspect_leaves_a_pipe_that_gives_nothing() {
    let archive = clean_app(&small_base()).oci_archive();
    for given in [0, archive.len() / 2] {
        let output = run_waiting(&["inspect", "-", "--timeout", "1s"], &archive[..given]);
        let told = Checked::of(&output);
        assert_eq!((told.exit, told.report["images"].as_array().unwrap().len()), (2, 0));
        assert_valid("inspect.schema.json", &told.report);
        let error = &told.report["errors"][0];
        assert_eq!((error["source"].as_str(), error["hint"].is_string()), (Some("-"), true));
        assert!(error["message"].as_str().unwrap().contains("--timeout 1s"), "{error}");
        assert!(told.stderr.starts_with("ocicheck: -: not done within"), "{}", told.stderr);
    }
}

#[test]
fn base_add_leaves_a_pipe_that_gives_nothing_and_adds_nothing() {
    let room = Room::new();
    let catalog = room.path("bases.json").display().to_string();
    let archive = small_base().oci_archive();
    for given in [0, archive.len() / 2] {
        let add =
            ["base", "add", "-", "--name", "b", "--version", "1", "--bases", &catalog, "--timeout", "1s"];
        let output = run_waiting(&add, &archive[..given]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("-: not done within the time limit, --timeout 1s"), "{told}");
        assert_eq!(room.names(), set([]));
    }
}

#[test]
fn enough_time_changes_nothing_of_inspect_and_base_add() {
    let room = Room::new();
    let image = room.write("base.tar", small_base().oci_archive()).display().to_string();
    let inspected = |more: &[&str]| run(&[&["inspect", &image, "--tree"], more].concat()).stdout;
    let without = inspected(&[]);
    assert!(without.starts_with(b"{") && inspected(&["--timeout", "1h"]) == without);
    let added = |name: &str, more: &[&str]| {
        let path = room.path(name).display().to_string();
        let add =
            ["base", "add", &image, "--name", "b", "--version", "1", "--at", "2026-01-01", "--bases", &path];
        let output = run(&[&add, more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        std::fs::read(path).unwrap()
    };
    assert_eq!(added("with.json", &["--timeout", "1h"]), added("without.json", &[]));
}
