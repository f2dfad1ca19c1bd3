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
