//! A run whose time is up ends, and says so.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Checked, Room, SMALL_CATALOG, assert_valid, command};
use crate::support::{clean_app, small_base};

/// Runs with a pipe as standard input that gives these bytes, and no end.
fn run_waiting(arguments: &[&str], bytes: &[u8]) -> Checked {
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
    Checked::of(&output)
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
        let told = run_waiting(&arguments, &archive[..given]);
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
