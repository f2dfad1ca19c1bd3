//! Whom an image runs as.

use super::{app, assert_failing};
use crate::harness::check_child;
use crate::support::{Layer, PASSWD};

#[test]
fn what_only_some_would_take_for_a_number_is_no_user() {
    for user in
        ["0x0", " 0", "0 ", "\t0", "0\n", "\u{660}", "\u{ff10}", "+-0", "0_0", "0.0", "root ", "Root", "-1"]
    {
        assert_failing(&check_child(&app().user(user)), ["user-unknown"]);
    }
    for user in ["0000000000000000000000", "+00", "root:x", "0:x"] {
        let failing = check_child(&app().user(user)).failing();
        assert!(failing.contains("user-root"), "{user:?}: {failing:?}");
    }
    assert_failing(&check_child(&app().user("0010001")), []);
}

#[test]
fn an_account_that_wraps_around_to_0_is_root() {
    for (uid, root) in
        [("4294967296", true), ("-0", true), ("18446744073709551616", false), ("4294967297", false)]
    {
        let passwd = format!("{PASSWD}boss:x:{uid}:1::/:/bin/sh\n");
        let image = app().layer(Layer::new().file("etc/passwd", passwd)).user("boss");
        assert_eq!(check_child(&image).failing().contains("user-root"), root, "{uid}");
    }
}

#[test]
fn the_account_file_may_be_another_name_of_any_file() {
    let passwd = |uid| format!("{PASSWD}boss:x:{uid}:1::/:/bin/sh\n");
    let linked = |uid| {
        let layer = Layer::new().file("srv/notes", passwd(uid)).hardlink("etc/passwd", "srv/notes");
        check_child(&app().layer(layer).user("boss")).failing()
    };
    assert!(linked(0).contains("user-root"));
    assert!(!linked(500).contains("user-root"));
}

#[test]
fn of_two_account_files_in_one_layer_the_last_counts_and_both_are_told() {
    let passwd = |uid| format!("{PASSWD}boss:x:{uid}:1::/:/bin/sh\n");
    let twice = |first, last| {
        let layer = Layer::new().file("etc/passwd", passwd(first)).file("./etc/passwd", passwd(last));
        check_child(&app().layer(layer).user("boss")).failing()
    };
    let last = twice(500, 0);
    assert!(last.contains("user-root") && last.contains("duplicate-entry /etc/passwd"), "{last:?}");
    let first = twice(0, 500);
    assert!(first.contains("duplicate-entry /etc/passwd") && !first.contains("user-root"), "{first:?}");
}

#[test]
fn a_number_that_an_old_containerd_cuts_to_0_is_root() {
    for user in ["4294967296", "+4294967296", "8589934592:7", "-4294967296"] {
        assert_failing(&check_child(&app().user(user)), ["user-root", "user-unknown"]);
    }
    for user in ["4294967297", "2147483648", "18446744073709551616"] {
        assert_failing(&check_child(&app().user(user)), ["user-unknown"]);
    }
}

#[test]
fn a_working_directory_of_the_runtime_is_found() {
    let in_directory = |path: &str| app().setting("WorkingDir", path.into());
    for path in [
        "/proc/self/fd/8",
        "proc/self/fd/8/",
        "//proc/./1/../self/fd/../../../srv",
        "/srv/../proc/thread-self/cwd",
        "/dev/fd/8",
    ] {
        assert_failing(&check_child(&in_directory(path)), ["workdir-unsafe"]);
    }
    for path in ["", "/", "/proc", "/srv/proc/self/fd/8", "/process/self/fd", "/dev/fdx"] {
        assert_failing(&check_child(&in_directory(path)), []);
    }
    let linked = |target: &str| {
        let layer = Layer::new().symlink("srv/work", target).symlink("srv/again", "work/8");
        check_child(&in_directory("/srv/again/../x").layer(layer))
    };
    assert_failing(&linked("/proc/self/fd"), ["workdir-unsafe"]);
    assert_failing(&linked("../dev/fd"), ["workdir-unsafe"]);
    assert_failing(&linked("/srv/proc/self/fd"), []);
    // What the image has at /proc is not there for who starts in it.
    let layer = |layer: Layer, path: &str| check_child(&in_directory(path).layer(layer));
    let decoy =
        Layer::new().symlink("proc/self", "../srv").file("srv/fd/8/x", "").symlink("opt/l", "/proc/self/fd");
    assert_failing(&layer(decoy, "/opt/l/8"), ["workdir-unsafe"]);
    // Podman hands the path on as it is written, and Docker cleans it.
    let around =
        || Layer::new().file("srv/e/f", "").symlink("srv/a", "/srv/e").symlink("srv/p", "/proc/self/fd");
    assert_failing(&layer(around(), "/srv/a/../p/8"), ["workdir-unsafe"]);
    assert_failing(&layer(around(), "/srv/none/../p/8"), ["workdir-unsafe"]);
    assert_failing(&layer(around(), "/srv/a/../e"), []);
}

#[test]
fn a_path_through_what_runtimes_mount_is_told() {
    let unsafe_part = |layer: Layer, part: &str| {
        let checked = check_child(&app().layer(layer).env(&format!("PATH=/usr/bin:{part}")));
        checked.outcome("path-env-unsafe") == "fail"
    };
    let none = || Layer::new().file("srv/x", "x");
    for part in
        ["/proc/self/cwd", "/proc/self/cwd/../exe", "/dev/fd", "/dev/shm", "/dev/shm/bin", "/dev/mqueue"]
    {
        assert!(unsafe_part(none(), part), "{part}");
        assert!(unsafe_part(Layer::new().symlink("srv/bin", part), "/srv/bin"), "{part}");
    }
    for part in ["/proc", "/dev", "/srv/proc/self/cwd", "/srv/dev/shm"] {
        assert!(!unsafe_part(none(), part), "{part}");
    }
    let decoy = || {
        Layer::new().symlink("proc/self", "../srv").file("srv/cwd/x", "").symlink("srv/l", "/proc/self/cwd")
    };
    assert!(unsafe_part(decoy(), "/srv/l"));
    let preloaded = |value: &str| {
        let checked = check_child(&app().env(&format!("LD_PRELOAD={value}")));
        checked.outcome("path-env-unsafe") == "fail"
    };
    assert!(preloaded("$ORIGIN/../../proc/self/cwd/x.so"));
    assert!(preloaded("/usr/lib/a.so\t/tmp/b.so"));
    assert!(!preloaded("$ORIGIN/../lib/x.so"));
    // So long a way for each of thousands of parts is no pass, and ends.
    let links = (0..38).fold(Layer::new().file("c/38/x", ""), |layer, number| {
        layer.symlink(format!("c/{number}"), format!("{}{}", "./".repeat(2_000), number + 1))
    });
    let path = (0..1_000).map(|number| format!("/c/0/{number}")).collect::<Vec<_>>().join(":");
    let far = check_child(&app().layer(links).env(&format!("PATH={path}")));
    assert_eq!((far.exit, far.outcome("path-env-unsafe")), (2, "not-evaluated"));
}
