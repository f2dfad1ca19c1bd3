//! What becomes of reports when the program is stopped, or has nowhere to write to.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{PROGRAM, Room, command, set, text};
use crate::support::{Compression, Image, Layer, clean_app, random_tree, small_base};

fn app() -> Vec<u8> {
    Image::new().layer(Layer::new().file("app", "one")).user("1000").oci_archive()
}

/// Whether files without a name can be made there, which is what leaves nothing behind.
fn has_unnamed_files(directory: &Path) -> bool {
    use rustix::fs::{Mode, OFlags, open};
    open(directory, OFlags::TMPFILE | OFlags::WRONLY, Mode::RUSR).is_ok()
}

/// Runs by a shell that sets things up first; `$@` is the program with these arguments.
fn by_shell(script: &str, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", PROGRAM]).args(arguments).stdin(Stdio::null());
    shell.env_remove("OCICHECK_BASES").env_remove("OCICHECK_POLICY").env_remove("OCICHECK_CACHE");
    shell.output().unwrap()
}

#[test]
fn a_closed_pipe_is_no_fault_and_changes_no_exit_status() {
    let room = Room::new();
    let good = room.write("good.tar", app());
    let many = Image::new().layer(random_tree(1, 20_000, 10));
    let many = room.write("many.tar", many.oci_archive());
    for (arguments, status) in [
        (vec![good.to_str().unwrap(), "--format", "json"], 0),
        (vec![good.to_str().unwrap(), "--format", "text"], 0),
        (vec![many.to_str().unwrap(), "--format", "json"], 1),
        (vec!["inspect", many.to_str().unwrap(), "--tree"], 0),
        (vec!["rules"], 0),
        (vec!["policy", "check"], 0),
        (vec!["--help"], 0),
    ] {
        for bytes in [0, 1, 5_000] {
            let mut child = command()
                .args(&arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdout = child.stdout.take().unwrap();
            let _ = stdout.read(&mut vec![0; bytes]);
            drop(stdout);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
            assert!(output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
        }
    }
}

#[test]
fn a_full_standard_output_is_an_error() {
    let room = Room::new();
    let good = room.write("good.tar", app());
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [
        &[good.to_str().unwrap(), "--format", "json"][..],
        &[good.to_str().unwrap(), "--format", "text"],
        &["inspect", good.to_str().unwrap()],
        &["rules"],
        &["rules", "explain", "user-root"],
        &["policy", "check"],
    ] {
        let output = command().args(arguments).stdin(Stdio::null()).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.starts_with("ocicheck: standard output: ") && told.lines().count() == 1, "{told}");
    }
    // Nobody is told then, and the status is right.
    let output = command().arg(&good).stdout(Stdio::piped()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let none = command().arg(room.path("none.tar")).stdout(Stdio::piped()).stderr(full()).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}

/// A report is written whole or not at all, and one that is there stays as it is.
#[test]
fn a_full_disk_leaves_the_report_that_is_there() {
    let room = Room::new();
    let good = room.write("good.tar", app());
    let arguments = |report: &Path| {
        [good.to_str().unwrap(), "--format", "json", "-o", report.to_str().unwrap()].map(str::to_owned)
    };
    let report = room.path("report.json");
    let run = |script: &str| {
        let arguments = arguments(&report);
        by_shell(script, &arguments.each_ref().map(String::as_str))
    };
    for before in [None, Some("before")] {
        match before {
            Some(text) => fs::write(&report, text).unwrap(),
            None => drop(fs::remove_file(&report)),
        }
        let names = room.names();
        let is_as_before = || {
            assert_eq!(fs::read_to_string(&report).ok().as_deref(), before);
            assert_eq!(room.names(), names, "nothing is left behind");
        };
        // As a full disk: the write fails.
        let output = run("trap '' XFSZ; ulimit -f 0; exec \"$@\"");
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("report.json cannot be written"), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "no report says pass beside an exit status that does not");
        is_as_before();
        // The default: a signal ends the process in the middle of it.
        let output = run("ulimit -c 0; ulimit -f 0; exec \"$@\"");
        assert!(output.status.signal().is_some() && output.stdout.is_empty(), "{:?}", output.status);
        if has_unnamed_files(&room.path(".")) {
            is_as_before();
        }
        let output = run("exec \"$@\"");
        assert_eq!(output.status.code(), Some(0));
        assert!(fs::read(&report).unwrap().starts_with(b"{"));
    }
    assert_eq!(room.names(), set(["good.tar", "report.json"]));
}

#[test]
fn a_temporary_file_that_cannot_be_written_is_told_as_such() {
    let room = Room::new();
    let packed = room.write("packed.tgz", Compression::Gzip(6).compress(&app()));
    let arguments = [packed.to_str().unwrap(), "--format", "json"];
    let output = by_shell("trap '' XFSZ; ulimit -f 0; exec \"$@\"", &arguments);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("packed.tgz: the temporary file for it cannot be written"), "{told}");
    assert!(told.contains("hint: set TMPDIR"), "{told}");
    assert!(text(&output.stdout).contains("\"verdict\": \"error\""));
}

/// A run that waits for the rest of an archive.
fn waiting(room: &Room, archive: &[u8]) -> Child {
    for directory in ["out", "tmp"] {
        let _ = fs::create_dir(room.path(directory));
    }
    let mut child = command()
        .args(["-", "--cache"])
        .arg(room.path("cache"))
        .arg("-o")
        .arg(room.path("out/report.json"))
        .env("TMPDIR", room.path("tmp"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(&archive[..archive.len() - 600]).unwrap();
    child
}

fn stop(child: &mut Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, signal).unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    use rustix::process::Signal;
    let room = Room::new();
    let archive = clean_app(&small_base()).layer(random_tree(1, 500, 2_000)).oci_archive();
    for (signal, delay) in [(Signal::INT, 0), (Signal::TERM, 30), (Signal::HUP, 100), (Signal::KILL, 100)] {
        let mut child = waiting(&room, &archive);
        std::thread::sleep(Duration::from_millis(delay));
        stop(&mut child, signal);
        let output = child.wait_with_output().unwrap();
        // Shells say 128 and the signal's number; never 0, and 1 is that of a verdict.
        assert_eq!(output.status.signal(), Some(signal.as_raw()));
        assert!(output.stdout.is_empty());
        for directory in ["out", "tmp"] {
            assert_eq!(fs::read_dir(room.path(directory)).unwrap().count(), 0, "{directory}");
        }
        let files = fs::read_dir(room.path("cache")).into_iter().flatten();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "key"), "{names:?}");
    }
}
