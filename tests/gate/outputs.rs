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

/// Whether this process, and so those that it starts, ignores a signal: under nohup(1) that is SIGHUP.
fn is_ignored(signal: rustix::process::Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    use rustix::process::Signal;
    let room = Room::new();
    let archive = clean_app(&small_base()).layer(random_tree(1, 500, 2_000)).oci_archive();
    for (signal, delay) in [(Signal::INT, 0), (Signal::TERM, 30), (Signal::HUP, 100), (Signal::KILL, 100)] {
        if is_ignored(signal) {
            println!("skipped: this process ignores {signal:?}");
            continue;
        }
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

/// As `> file` does: what is there and is no file is written to, and none is put in its place.
#[test]
fn a_pipe_as_output_gets_the_report_and_stays_one() {
    use std::os::unix::fs::FileTypeExt as _;
    let room = Room::new();
    let good = room.write("good.tar", app());
    let pipe = room.path("report.json");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let child = command()
        .arg(&good)
        .args(["--format", "json", "-o"])
        .arg(&pipe)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = fs::read(&pipe).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&read), text(&output.stdout));
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(room.names(), set(["good.tar", "report.json"]));
}

#[test]
fn a_device_as_output_is_written_to_and_stays_one() {
    let room = Room::new();
    let good = room.write("good.tar", app());
    let link = room.path("report.json");
    for (device, status) in [("/dev/null", 0), ("/dev/full", 2)] {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(device, &link).unwrap();
        let output = command().arg(&good).arg("-o").arg(&link).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        assert!(!fs::metadata(device).unwrap().is_file(), "{device} was replaced by a file");
    }
}

#[test]
fn what_is_there_and_takes_no_report_is_refused() {
    let room = Room::new();
    let good = room.write("good.tar", app());
    fs::create_dir(room.path("report.json")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(room.path("report.html")).unwrap();
    for name in ["report.json", "report.html"] {
        let output =
            command().arg(&good).arg("-o").arg(room.path(name)).stdin(Stdio::null()).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
        assert!(told.contains(&format!("{name} is there, and is no file to be written")), "{told}");
        assert!(told.contains("hint: name another file"), "{told}");
    }
    assert_eq!(room.names(), set(["good.tar", "report.html", "report.json"]));
}

#[test]
fn the_facts_files_of_the_catalog_are_no_place_for_a_report() {
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let good = room.write("good.tar", clean_app(&small_base()).oci_archive());
    let facts = || fs::read_dir(room.path("bases.facts")).unwrap().count();
    let before = facts();
    assert!(before > 0);
    for report in ["bases.facts/report.json", "./bases.facts/../bases.facts/report.json"] {
        let output = command()
            .arg(&good)
            .arg("--bases")
            .arg(&catalog)
            .arg("-o")
            .arg(room.path(report))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
        assert!(told.contains("report.json is among the facts files of the catalog"), "{told}");
        assert_eq!(facts(), before);
    }
}

/// Runs with a terminal of so many columns as standard output.
fn on_terminal(columns: u16, arguments: &[&str]) -> String {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&ours, size).unwrap();
    let theirs =
        open(ptsname(&ours, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut program = command();
    program.args(arguments).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(theirs).stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    // Its end of the terminal, so that reading ends when the program does.
    drop(program);
    let mut shown = Vec::new();
    // Linux says EIO where nobody is at the other end any more.
    let _ = fs::File::from(ours).read_to_end(&mut shown);
    child.wait().unwrap();
    text(&shown).replace("\r\n", "\n")
}

#[test]
fn text_is_as_wide_as_the_terminal() {
    let testdata = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
    let [image, bases] = ["app-bad.tar", "bases.json"].map(|name| format!("{testdata}/{name}"));
    let longest = |columns| {
        let shown = on_terminal(columns, &[&image, "--bases", &bases]);
        assert!(shown.starts_with("FAIL   ") && shown.contains("Next: "), "{shown}");
        let lines = shown.lines().filter(|line| !line.contains(testdata));
        lines.map(|line| line.chars().count()).max().unwrap()
    };
    let [narrow, wide] = [80, 140].map(longest);
    assert!((70..=80).contains(&narrow) && (110..=140).contains(&wide), "{narrow} and {wide}");
}
