//! The cache's directory: spoilt, shared, full or not to be trusted, it changes no report.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::cache::{SECRET, app, cached, check, entries, filled, is_fresh, rich, set_age, thrice};
use crate::harness::{Checked, Room, command};
use crate::support::{Image, random_tree};

#[test]
fn a_spoilt_entry_is_told_and_the_layer_read() {
    let room = Room::new();
    let path = room.write("app.tar", app().oci_archive());
    let arguments = [path.to_str().unwrap()];
    let (plain, count) = thrice(&room, &arguments);
    let good: BTreeMap<_, _> =
        entries(&room).into_iter().map(|entry| (entry.clone(), fs::read(entry).unwrap())).collect();
    for entry in entries(&room) {
        let mut bytes = fs::read(&entry).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&entry, bytes).unwrap();
    }
    let told = check(&mut cached(&room, &arguments));
    assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()));
    assert_eq!(told.stderr.lines().count(), 1, "{}", told.stderr);
    assert!(
        told.stderr.contains(&format!("and {} more is not used, and read anew", count - 1)),
        "{}",
        told.stderr
    );
    // They are whole again.
    assert_eq!(check(&mut cached(&room, &arguments)).stderr, "");
    for (entry, bytes) in &good {
        assert_eq!(&fs::read(entry).unwrap(), bytes, "the same facts give the same entry");
    }
    // Each under the next one's name.
    let names: Vec<_> = good.keys().collect();
    for (number, bytes) in good.values().enumerate() {
        fs::write(names[(number + 1) % count], bytes).unwrap();
    }
    let told = check(&mut cached(&room, &arguments));
    assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()));
    assert!(told.stderr.contains("its MAC is not that of this layer"), "{}", told.stderr);
}

#[test]
fn runs_at_once_share_a_cache() {
    let room = Room::new();
    let rich = filled(&rich());
    let path = room.write("app.tar", rich.oci_archive());
    let arguments = [path.to_str().unwrap()];
    let plain = check(command().args(arguments).args(["--format", "json"]).stdin(Stdio::null()));
    for round in 0..3 {
        let children: Vec<_> = (0..6)
            .map(|_| {
                let mut command = cached(&room, &arguments);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children {
            let told = Checked::of(&child.wait_with_output().unwrap());
            assert_eq!((told.without_run(), told.stderr.as_str()), (plain.without_run(), ""), "{round}");
        }
        let files = fs::read_dir(room.path("cache")).unwrap().count();
        assert_eq!((entries(&room).len(), files), (rich.layers().count(), rich.layers().count() + 1));
        // Then with half of them gone, and one spoilt under the readers' hands.
        entries(&room).iter().step_by(2).for_each(|entry| fs::remove_file(entry).unwrap());
    }
}

#[test]
fn a_cache_stays_within_its_size() {
    let room = Room::new();
    let mut image = Image::new();
    for seed in 0..12 {
        image = image.layer(random_tree(seed + 1, 3_000, 40));
    }
    let path = room.write("app.tar", image.oci_archive());
    let arguments = [path.to_str().unwrap(), "--cache-size", "1048576"];
    let plain = check(command().args(&arguments[..1]).args(["--format", "json"]).stdin(Stdio::null()));
    for _ in 0..2 {
        let told = check(&mut cached(&room, &arguments));
        assert_eq!((told.without_run(), told.stderr.as_str()), (plain.without_run(), ""));
        let bytes: u64 = entries(&room).iter().map(|entry| fs::metadata(entry).unwrap().len()).sum();
        assert!((1 << 18..=1 << 20).contains(&bytes), "{bytes} bytes");
        assert!(entries(&room).len() < 12);
    }
    // Also of runs that remove under each other's hands.
    let children: Vec<_> = (0..4)
        .map(|_| cached(&room, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in children {
        let told = Checked::of(&child.wait_with_output().unwrap());
        assert_eq!((told.without_run(), told.stderr.as_str()), (plain.without_run(), ""));
    }
    let too_small = cached(&room, &[path.to_str().unwrap(), "--cache-size", "1"]).output().unwrap();
    assert_eq!(too_small.status.code(), Some(2));
}

/// What is written to no disk: as with a full one, for root too.
#[test]
fn a_full_disk_is_told_and_stops_nothing() {
    let room = Room::new();
    let path = room.write("app.tar", app().oci_archive());
    let (plain, _) = thrice(&room, &[path.to_str().unwrap()]);
    entries(&room).iter().for_each(|entry| fs::remove_file(entry).unwrap());
    let shell = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let mut full = Command::new("sh");
    full.args(["-c", shell, "sh", crate::harness::PROGRAM, path.to_str().unwrap(), "--format", "json"]);
    full.arg("--cache").arg(room.path("cache")).env_remove("OCICHECK_CACHE_KEY").stdin(Stdio::null());
    let told = check(&mut full);
    assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()));
    assert_eq!(told.stderr.lines().count(), 1, "{}", told.stderr);
    assert!(told.stderr.contains("cannot be written to"), "{}", told.stderr);
    assert_eq!(fs::read_dir(room.path("cache")).unwrap().count(), 1, "nothing but the key");
    // Nor can a key be made then.
    fs::remove_file(room.path("cache/key")).unwrap();
    let told = check(&mut full);
    assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()));
    assert!(told.stderr.contains("the key cannot be made"), "{}", told.stderr);
    assert_eq!(fs::read_dir(room.path("cache")).unwrap().count(), 0);
}

#[test]
fn a_cache_that_cannot_be_trusted_is_told_and_not_used() {
    let room = Room::new();
    let path = room.write("app.tar", app().oci_archive());
    let arguments = [path.to_str().unwrap()];
    let (plain, count) = thrice(&room, &arguments);
    let set_mode = |name: &str, mode| {
        fs::set_permissions(room.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let used = |change: &dyn Fn(&mut Command)| {
        entries(&room).iter().for_each(|entry| set_age(entry, 2));
        let mut command = cached(&room, &arguments);
        change(&mut command);
        let told = check(&mut command);
        assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()));
        (entries(&room).iter().filter(|entry| is_fresh(entry)).count(), told.stderr)
    };
    set_mode("cache/key", 0o644);
    let (number, told) = used(&|_| {});
    assert!(number == 0 && told.contains("others may read or write the key"), "{told}");
    assert!(
        told.starts_with("ocicheck: the cache is not used: ") && told.contains("hint: remove it"),
        "{told}"
    );
    set_mode("cache/key", 0o600);
    set_mode("cache", 0o777);
    let (number, told) = used(&|_| {});
    assert!(number == 0 && told.contains("others may write to it") && told.contains("chmod go-w"), "{told}");
    // A key from elsewhere needs no private directory; entries of the other one are not believed.
    let with_key = |command: &mut Command| {
        command.env("OCICHECK_CACHE_KEY", SECRET);
    };
    let (number, told) = used(&with_key);
    assert!(number == count && told.contains(&format!("{} more is not used", count - 1)), "{told}");
    assert_eq!(used(&with_key), (count, String::new()));
    // By the variable that names the directory, too.
    let by_variable = |command: &mut Command| {
        *command = crate::harness::command();
        command.args(arguments).args(["--format", "json"]).stdin(Stdio::null());
        command.env("OCICHECK_CACHE", room.path("cache")).env("OCICHECK_CACHE_KEY", SECRET);
    };
    assert_eq!(used(&by_variable), (count, String::new()));
}

#[test]
fn what_can_be_no_cache_is_wrong_usage() {
    let room = Room::new();
    let path = room.write("app.tar", app().oci_archive());
    room.write("cache", "a file");
    let output = cached(&room, &[path.to_str().unwrap()]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("a cache is a directory"));
    fs::remove_file(room.path("cache")).unwrap();
    // As CI systems say that a job may not see a secret.
    let output = cached(&room, &[path.to_str().unwrap()]).env("OCICHECK_CACHE_KEY", "").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("OCICHECK_CACHE_KEY is empty") && told.contains("hint: "), "{told}");
    assert!(!room.path("cache").exists(), "nothing is kept under another's key");
    let output =
        cached(&room, &[path.to_str().unwrap()]).env("OCICHECK_CACHE_KEY", "short").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("at least 32"));
    // Where no cache is asked for, nobody needs its key.
    let output = command().arg(&path).env("OCICHECK_CACHE_KEY", "").output().unwrap();
    assert!(output.status.code() != Some(2) && output.stderr.is_empty());
    let output = command().args([path.to_str().unwrap(), "--cache-size", "1048576"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a size of what?");
}
