//! What layers do to each other.

use super::{app, assert_failing, with};
use crate::harness::{check_child, set};
use crate::support::{Entry, Layer, small_base};

#[test]
fn a_layer_that_comes_twice_counts_where_it_stands() {
    let brings = || Layer::new().file_mode("opt/tool", "x", 0o4755);
    let taken_away = app().layer(brings()).layer(Layer::new().whiteout("opt/tool"));
    assert_failing(&check_child(&taken_away), []);
    assert_failing(&check_child(&taken_away.layer(brings())), ["setuid-file /opt/tool"]);
}

#[test]
fn a_whiteout_beside_its_own_file_hides_no_change() {
    let evil = || Layer::new().file_mode("usr/bin/ls", "evil", 0o755);
    for layer in
        [evil().whiteout("usr/bin/ls"), Layer::new().whiteout("usr/bin/ls").file("usr/bin/ls", "evil")]
    {
        let failing = with(layer).failing();
        assert!(failing.contains("base-file-modified /usr/bin/ls"), "{failing:?}");
    }
    assert_failing(&with(Layer::new().file("opt/ls", "x").whiteout("opt/nothing")), []);
}

#[test]
fn a_whiteout_through_a_symlink_of_the_base_deletes() {
    let failing = with(Layer::new().whiteout("bin/ls")).failing();
    assert!(failing.contains("base-file-deleted /usr/bin/ls"), "what vfs drivers do: {failing:?}");
    assert!(failing.iter().any(|told| told.starts_with("ambiguous-entry /bin")), "{failing:?}");
    assert_failing(&with(Layer::new().whiteout("opt/ls")), []);
}

#[test]
fn another_name_for_the_bases_setuid_program_is_new_privilege() {
    let link = |target: &str| with(Layer::new().hardlink("opt/x", target)).failing();
    let failing = link("usr/bin/su");
    assert!(failing.contains("setuid-file /opt/x"), "{failing:?}");
    let ordinary = link("usr/bin/ls");
    assert!(!ordinary.iter().any(|told| told.starts_with("setuid-file")), "{ordinary:?}");
}

#[test]
fn a_bit_that_only_a_hard_link_carries_is_found() {
    let linked = |mode| {
        let link = Entry::hardlink("opt/b", "opt/a").mode(mode);
        with(Layer::new().file("opt/a", "x").entry(link)).failing()
    };
    let failing = linked(0o4755);
    assert!(failing.contains("setuid-file /opt/b"), "{failing:?}");
    assert_eq!(linked(0o644), set([]));
}

#[test]
fn a_symlink_neither_hides_nor_carries_a_bit() {
    let real = |mode| {
        let link = Entry::symlink("opt/tool", "../srv/real").mode(0o4777);
        Layer::new().file_mode("srv/real", "x", mode).entry(link)
    };
    assert_failing(&with(real(0o4755)), ["setuid-file /srv/real"]);
    assert_failing(&with(real(0o755)), []);
}

#[test]
fn a_setuid_program_put_through_a_symlink_of_the_base_is_found() {
    let failing = with(Layer::new().file_mode("bin/tool", "x", 0o4755)).failing();
    assert!(failing.contains("setuid-file /usr/bin/tool"), "where vfs drivers put it: {failing:?}");
    assert!(failing.contains("setuid-file /bin/tool"), "where overlay drivers put it: {failing:?}");
    assert_failing(&with(Layer::new().file_mode("usr/bin/tool", "x", 0o755)), []);
}

#[test]
fn twins_by_case_or_composition_are_other_files() {
    let passwd = "boss:x:0:0::/:/bin/sh\n";
    let twin = app().layer(Layer::new().file("etc/Passwd", passwd)).user("boss");
    assert_failing(&check_child(&twin), ["user-unknown"]);
    // é, as one character and as two.
    let base = small_base().layer(Layer::new().file("srv/caf\u{e9}", "x"));
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let check = |layer| {
        let image = crate::support::clean_app(&base).layer(layer);
        crate::harness::check_path(&room.write("app.tar", image.oci_archive()), Some(&catalog))
    };
    assert_failing(&check(Layer::new().whiteout("srv/cafe\u{301}").file("srv/cafe\u{301}s", "y")), []);
    let gone = check(Layer::new().whiteout("srv/caf\u{e9}").file("srv/cafe\u{301}", "x"));
    assert_eq!(gone.failing().len(), 1, "{:?}", gone.failing());
    assert_eq!(gone.finding("base-file-deleted")["path"], "/srv/caf\u{e9}");
}

#[test]
fn a_way_through_proc_leads_nowhere_else() {
    let evil = "root::0:0::/:/bin/sh\n";
    assert_failing(&with(Layer::new().file("proc/self/root/etc/passwd", evil)), []);
    let link = app().layer(Layer::new().symlink("proc/self/root", "/"));
    assert_failing(&check_child(&link), []);
    let through = check_child(&link.layer(Layer::new().file("proc/self/root/etc/passwd", evil))).failing();
    assert!(through.contains("base-account-changed /etc/passwd"), "{through:?}");
    assert!(through.iter().any(|told| told.starts_with("ambiguous-entry")), "{through:?}");
}

#[test]
fn a_replaced_directory_takes_the_base_with_it() {
    let moved = Layer::new().symlink("usr", "srv/usr").file("srv/usr/bin/ls", "evil");
    let checked = with(moved);
    assert_failing(&checked, ["base-file-deleted /usr", "base-file-replaced /usr"]);
    assert_eq!(checked.finding("base-file-deleted")["evidence"]["pathsBelow"], "4");
}

#[test]
fn what_overlayfs_takes_for_a_deletion_is_one() {
    let device = with(Layer::new().entry(Entry::char_device("usr/bin/ls", 0, 0))).failing();
    assert!(device.contains("base-file-deleted /usr/bin/ls"), "{device:?}");
    for key in ["trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque"] {
        let opaque = with(Layer::new().entry(Entry::dir("usr/bin/").xattr(key, "y"))).failing();
        assert!(opaque.contains("base-file-deleted /usr/bin/ls"), "{key}: {opaque:?}");
        assert!(opaque.contains("ambiguous-entry /usr/bin"), "{key}: {opaque:?}");
    }
    let other = with(Layer::new().entry(Entry::char_device("dev/null", 1, 3))).failing();
    assert_eq!(other, set(["device-node /dev/null"]));
}

#[test]
fn attributes_that_steer_a_storage_driver_are_told() {
    for key in [
        "trusted.overlay.redirect",
        "trusted.overlay.whiteout",
        "user.overlay.metacopy",
        "user.fuseoverlayfs.opaque",
        "security.fuseoverlayfs.override_stat",
        "user.containers.override_stat",
        "user.rootlesscontainers",
    ] {
        let checked = with(Layer::new().entry(Entry::file("opt/x", "x").xattr(key, "0:0:4755")));
        assert_failing(&checked, ["ambiguous-entry /opt/x"]);
    }
    assert_failing(&with(Layer::new().entry(Entry::file("opt/x", "x").xattr("user.overlayer", "y"))), []);
}
