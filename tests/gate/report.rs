//! The report: its schema, its stability, and where it is written.

use serde_json::Value;

use crate::harness::{Room, SMALL_CATALOG, assert_valid, check_path, check_with, command, run, text};
use crate::support::{DockerForm, Image, Layer, Layout, clean_app, small_base};

/// An image with a finding of many rules in it.
fn colourful() -> Image {
    let many =
        (0..60).fold(Layer::new(), |layer, number| layer.file_mode(format!("opt/{number}"), "x", 0o6755));
    clean_app(&small_base())
        .layer(many)
        .layer(Layer::new().file("usr/bin/ls", "x").whiteout("usr/bin/sh").file("bin/x", "x"))
        .layer(Layer::new().file("opt/\u{1b}[31m", "x").file_mode(b"opt/\xff".as_slice(), "x", 0o4755))
        .user("root")
        .config_json(|config| {
            config["history"].as_array_mut().unwrap().push(serde_json::json!({"created_by": "x\u{1b}[2J"}))
        })
}

#[test]
fn json_is_valid_by_the_published_schema() {
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    for (name, archive) in [
        ("clean", clean_app(&small_base()).oci_archive()),
        ("colourful", colourful().docker_archive_hybrid()),
        ("foreign", Image::new().layer(Layer::new().file("x", "x")).oci_archive()),
        ("near", Image::new().stored_layer(small_base().layers().next().unwrap().clone()).oci_archive()),
        ("v1", clean_app(&small_base()).docker_archive_repositories_only()),
        ("missing", Layout::new().image(&colourful()).drop_blob(&colourful().layer_blobs()[0].0).archive()),
        ("none", Vec::new()),
    ] {
        let path = room.write(&format!("{name}.tar"), archive);
        assert_valid("report.schema.json", &check_path(&path, Some(&catalog)).report);
        assert_valid("report.schema.json", &check_path(&path, None).report);
    }
}

#[test]
fn the_report_is_the_same_for_any_number_of_threads() {
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let path =
        room.write("image.tar", Layout::new().image(&colourful()).image(&clean_app(&small_base())).archive());
    let without_run = |jobs: &str| {
        let output = command()
            .arg(&path)
            .arg("--bases")
            .arg(&catalog)
            .args(["--format", "json", "--jobs", jobs])
            .output()
            .unwrap();
        let text = text(&output.stdout);
        let (before, run) = text.split_once("\n  \"run\": ").unwrap();
        assert_eq!(run.matches('}').count(), 2, "run comes last");
        before.to_owned()
    };
    let one = without_run("1");
    for jobs in ["2", "3", "16"] {
        assert!(without_run(jobs) == one, "{jobs} threads");
    }
}

#[test]
fn fingerprints_survive_a_rebuild_and_tell_findings_apart() {
    let fingerprints = |image: &Image| -> Vec<String> {
        let checked = crate::harness::check_bytes(image.oci_archive());
        checked.findings().iter().map(|finding| finding["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let image = colourful();
    let mut once = fingerprints(&image);
    assert_eq!(once, fingerprints(&image));
    let rebuilt =
        fingerprints(&image.config_json(|config| config["created"] = "2026-05-06T07:08:09Z".into()));
    assert_eq!(once, rebuilt);
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "each finding has its own");
}

#[test]
fn nothing_in_an_image_steers_the_terminal() {
    let room = Room::new();
    let path = room.write("image.tar", colourful().oci_archive());
    for arguments in [&["-v"][..], &[], &["-q"]] {
        let output = command()
            .arg(&path)
            .args(["--format", "text", "--color", "never"])
            .args(arguments)
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        assert!(shown.chars().all(|char| char == '\n' || !char.is_control()), "{shown:?}");
    }
    let checked = check_path(&path, None);
    assert!(checked.failing().contains("setuid-file /opt/\\xff"));
}

#[test]
fn text_tells_the_verdict_first_and_what_to_do() {
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let shown = |image: &Image, more: &[&str]| {
        let path = room.write("image.tar", image.oci_archive());
        let output = command()
            .arg(path)
            .arg("--bases")
            .arg(&catalog)
            .args(["--format", "text"])
            .args(more)
            .output()
            .unwrap();
        text(&output.stdout)
    };
    let bad = shown(&colourful(), &[]);
    assert!(bad.lines().next().unwrap().contains("FAIL"), "{bad}");
    for words in ["user-root", "setuid-file", "/usr/bin/sh", "more", "rules explain"] {
        assert!(bad.contains(words), "{words}: {bad}");
    }
    assert!(!bad.contains('\u{1b}'), "colour is for terminals only");
    assert!(shown(&colourful(), &["--color", "always"]).contains('\u{1b}'));
    let good = shown(&clean_app(&small_base()), &[]);
    assert!(good.contains("PASS") && good.contains("base0:1"), "{good}");
    let quiet = shown(&clean_app(&small_base()), &["-q"]);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
}

#[test]
fn reports_are_written_where_asked_and_whole() {
    let room = Room::new();
    let path = room.write("image.tar", clean_app(&small_base()).oci_archive());
    let (json, plain) = (room.path("report.json"), room.path("report.txt"));
    let output = command().arg(&path).arg("-o").arg(&json).arg("--output").arg(&plain).output().unwrap();
    assert!(text(&output.stdout).contains("FAIL"), "beside files, people read standard output");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let checked = check_path(&path, None);
    let mut written_without_run = written;
    written_without_run.as_object_mut().unwrap().remove("run");
    assert_eq!(written_without_run, checked.without_run());
    assert!(std::fs::read_to_string(&plain).unwrap().contains("FAIL"));
    assert_eq!(room.names(), crate::harness::set(["image.tar", "report.json", "report.txt"]));
    let nowhere = room.path("no/such/directory/report.json");
    let checked = command().arg(&path).arg("-o").arg(nowhere).output().unwrap();
    assert_eq!(checked.status.code(), Some(2));
}

#[test]
fn fail_on_moves_the_line() {
    let room = Room::new();
    let path = room.write(
        "image.tar",
        Image::new().layer(Layer::new().file_mode("x", "x", 0o2755)).user("1").oci_archive(),
    );
    for (severity, exit) in [("info", 1), ("low", 1), ("medium", 1), ("high", 0), ("critical", 0)] {
        assert_eq!(check_with(&path, None, &["--fail-on", severity]).exit, exit, "{severity}");
    }
}

#[test]
fn several_inputs_make_one_report() {
    let room = Room::new();
    let good =
        room.write("good.tar", Image::new().layer(Layer::new().file("x", "x")).user("1").oci_archive());
    let bad = room.write("bad.tar", Image::new().layer(Layer::new().file("x", "x")).oci_archive());
    let both = check_with(&good, None, &[bad.to_str().unwrap()]);
    assert_eq!(
        (both.exit, both.report["summary"]["passed"].as_u64(), both.report["summary"]["failed"].as_u64()),
        (1, Some(1), Some(1))
    );
    let with_error = check_with(&good, None, &[bad.to_str().unwrap(), room.path("nosuch").to_str().unwrap()]);
    assert_eq!(with_error.exit, 2, "2 wins over 1");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_changes_no_verdict() {
    use std::process::Stdio;
    let room = Room::new();
    let path = room.write("image.tar", colourful().oci_archive());
    let mut child = command().arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn rules_are_listed_and_explained() {
    let listed = text(&crate::harness::run(&["rules"]).stdout);
    assert!(listed.lines().count() >= 29 && listed.contains("setuid-file"), "{listed}");
    for line in listed.lines() {
        let rule = line.split(' ').next().unwrap();
        let page = text(&crate::harness::run(&["rules", "explain", rule]).stdout);
        assert!(page.starts_with(&format!("# {rule}\n")), "{rule}");
    }
    let unknown = crate::harness::run(&["rules", "explain", "setuid-fiel"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean setuid-file?"));
}

#[test]
fn archives_that_share_layers_are_told_as_each_alone() {
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let app = |name: &str| clean_app(&small_base()).layer(Layer::new().file_mode(name, "x", 0o4755));
    let shared = app("opt/a");
    let images = [
        room.write("a.tar", shared.oci_archive()),
        room.write("b.tar", shared.clone().layer(Layer::new().file("opt/b", "y")).oci_archive()),
        room.write("c.tar", shared.docker_archive(DockerForm::Podman)),
        room.write("d.tar", app("opt/d").oci_archive()),
    ];
    let paths: Vec<_> = images.iter().map(|path| path.to_str().unwrap()).collect();
    let bases = ["--bases", catalog.to_str().unwrap(), "--format", "json"];
    let together: Value = serde_json::from_slice(&run(&[&paths[..], &bases].concat()).stdout).unwrap();
    let alone = paths.iter().flat_map(|path| {
        let report: Value = serde_json::from_slice(&run(&[&[*path][..], &bases].concat()).stdout).unwrap();
        report["images"].as_array().unwrap().clone()
    });
    assert_eq!(together["images"].as_array().unwrap(), &alone.collect::<Vec<_>>());
}
