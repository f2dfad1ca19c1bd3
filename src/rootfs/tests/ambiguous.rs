//! Where runtimes differ: vfs, overlay, umoci, in this order.

use super::*;

const REFUSED: &str = "refused";

#[test]
fn an_entry_through_a_symlink_of_a_lower_layer() {
    let lower = [dir("usr/bin"), file("usr/bin/ls", 1), symlink("bin", "usr/bin")];
    let followed = "bin->usr/bin usr/ usr/bin/ usr/bin/ls:2";
    assert_eq!(
        readings(&[&lower, &[file("bin/ls", 2)]]),
        [followed, "bin/ bin/ls:2 usr/ usr/bin/ usr/bin/ls:1", followed]
    );
    let hidden = "bin->usr/bin usr/ usr/bin/";
    assert_eq!(
        readings(&[&lower, &[file("bin/.wh.ls", 0)]]),
        [hidden, "bin/ usr/ usr/bin/ usr/bin/ls:1", hidden]
    );
    let dangling = [symlink("bin", "/usr/bin")];
    let made = "bin->/usr/bin usr/ usr/bin/ usr/bin/ls:2";
    assert_eq!(readings(&[&dangling, &[file("bin/ls", 2)]]), [made, "bin/ bin/ls:2", made]);
}

#[test]
fn an_entry_through_a_symlink_of_its_own_layer() {
    // An overlay driver has only what the layer holds to follow it through.
    let lower = [dir("usr"), file("usr/x", 1)];
    let own = [symlink("bin", "usr"), file("bin/ls", 2)];
    assert_eq!(readings(&[&lower, &own]), ["bin->usr usr/ usr/ls:2 usr/x:1"; 3]);
    let rootfs = build(&[&lower, &own]);
    assert_eq!(rootfs.readings.len(), 1, "equal readings are merged");
    assert_eq!(rootfs.readings[0].runtimes, [Runtime::Vfs, Runtime::Overlay, Runtime::Umoci]);
    let by_lower = [symlink("bin", "via/d"), dir("real/d"), file("bin/ls", 2)];
    let [vfs, overlay, _] = readings(&[&[dir("real/d"), symlink("via", "real")], &by_lower]);
    assert_eq!(vfs, "bin->via/d real/ real/d/ real/d/ls:2 via->real");
    assert_ne!(vfs, overlay);
    // Docker, podman and containerd remove the symlink, and then find no way to its place.
    let itself = [dir("a"), symlink("a/l", "../a"), symlink("a/l/l", "x")];
    assert_eq!(readings(&[&itself]), ["a/ a/l->x"; 3]);
    // Docker's and podman's vfs follow no symlink to an opaque directory.
    let opaque = [dir("usr"), symlink("bin", "usr"), file("bin/.wh..wh..opq", 0)];
    let [vfs, _, umoci] = readings(&[&lower, &opaque]);
    assert_eq!([vfs, umoci], ["bin->usr usr/ usr/x:1", "bin->usr usr/"]);
}

#[test]
fn a_parent_that_is_a_loop_of_symlinks() {
    let lower = [symlink("a", "b"), symlink("b", "a")];
    assert_eq!(readings(&[&lower, &[file("a/x", 1)]]), ["a->b b->a", "a/ a/x:1 b->a", REFUSED]);
}

#[test]
fn a_whiteout_beside_an_entry_of_the_same_name() {
    let lower = [dir("d"), file("d/old", 1)];
    let file_first = [file("x", 2), file(".wh.x", 0)];
    assert_eq!(readings(&[&[file("x", 1)], &file_first]), ["", REFUSED, "x:2"]);
    // Overlay: the directory takes the whiteout's place, and the lower one shows through.
    let hidden_then_made = [file(".wh.d", 0), dir("d"), file("d/new", 2)];
    assert_eq!(readings(&[&lower, &hidden_then_made]), ["d/ d/new:2", "d/ d/new:2 d/old:1", "d/ d/new:2"]);
    let implied = [file(".wh.d", 0), file("d/new", 2)];
    assert_eq!(readings(&[&lower, &implied]), ["d/ d/new:2", REFUSED, "d/ d/new:2"]);
    let below_first = [file("d/new", 2), file(".wh.d", 0)];
    assert_eq!(readings(&[&lower, &below_first]), ["", REFUSED, "d/ d/new:2"]);
    // Where nothing was: no directory can be made in the place of a whiteout without an entry.
    let nowhere = [file("a/.wh.b", 0), file("a/b/c", 2)];
    assert_eq!(readings(&[&lower, &nowhere])[1], REFUSED);
    let above = [file("a/.wh.b", 0), file("a/b/c/d", 2)];
    assert_eq!(readings(&[&lower, &above])[1], REFUSED);
}

#[test]
fn an_opaque_marker_after_entries_in_an_implied_directory() {
    let upper = [file("a/b/c", 2), file("a/.wh..wh..opq", 0)];
    let kept = "a/ a/b/ a/b/c:2";
    assert_eq!(readings(&[&[dir("a"), file("a/x", 1)], &upper]), ["a/", kept, kept]);
}

#[test]
fn an_opaque_marker_in_the_root() {
    let upper = [file(".wh..wh..opq", 0), file("d/y", 2)];
    let lower = [dir("d"), file("d/x", 1), file("z", 1)];
    assert_eq!(readings(&[&lower, &upper]), ["d/ d/y:2", "d/ d/x:1 d/y:2 z:1", "d/ d/y:2"]);
}

#[test]
fn an_opaque_marker_behind_a_symlink() {
    let lower = [dir("real"), file("real/x", 1), dir("real/d"), file("real/d/x", 1), symlink("via", "real")];
    let overlay = "real/ real/d/ real/d/x:1 real/x:1 via/";
    let [vfs, mounted, umoci] = readings(&[&lower, &[file("via/.wh..wh..opq", 0), dir("via")]]);
    assert_eq!([vfs, mounted], ["real/ real/d/ real/d/x:1 real/x:1 via/", overlay]);
    assert_eq!(umoci, "real/ via/");
    // Only where the symlink is the directory itself.
    let [vfs, _, umoci] = readings(&[&lower, &[file("via/d/.wh..wh..opq", 0)]]);
    assert_eq!([vfs, umoci], ["real/ real/d/ real/x:1 via->real", "real/ real/d/ real/x:1 via->real"]);
}

#[test]
fn a_hard_link_to_a_file_of_a_lower_layer() {
    let upper = [hard_link("b", "a", 0o4755)];
    assert_eq!(readings(&[&[file("a", 0o755)], &upper]), ["a:4755=b b:4755=a", REFUSED, "a:755=b b:755=a"]);
    // Replaced later in the layer: the link holds the lower file.
    let replaced = [hard_link("b", "a", 0o755), file("a", 0o700)];
    assert_eq!(readings(&[&[file("a", 0o755)], &replaced]), ["a:700 b:755", REFUSED, "a:700 b:755"]);
    // Its own layer holds the file, but the way to it leads through a lower symlink.
    let behind = [file("real/x", 2), hard_link("y", "via/x", 2)];
    let linked = "real/ real/x:2=y via->real y:2=real/x";
    assert_eq!(readings(&[&[dir("real"), symlink("via", "real")], &behind]), [linked, REFUSED, linked]);
}

#[test]
fn a_hard_link_with_metadata_of_its_own() {
    let upper = [file("a", 0o755), hard_link("b", "a", 0o4755)];
    let last = "a:4755=b b:4755=a";
    assert_eq!(readings(&[&upper]), [last, last, "a:755=b b:755=a"]);
    // Changing the owner takes capabilities away, and the link does not give them back.
    let capable = [with_xattr(file("a", 0o755), "security.capability", "x"), hard_link("b", "a", 0o755)];
    let lost = "a:755=b b:755=a";
    let held = "a:755[security.capability=x]=b b:755[security.capability=x]=a";
    assert_eq!(readings(&[&capable]), [lost, held, held]);
    let other = [with_xattr(file("a", 0o755), "user.x", "1"), hard_link("b", "a", 0o755)];
    assert_eq!(clear(&[&other]), "a:755[user.x=1]=b b:755[user.x=1]=a");
}

#[test]
fn a_hard_link_to_a_symlink_with_another_owner() {
    let upper = [symlink("a", "x"), Entry { gid: 5, ..hard_link("b", "a", 0o4755) }];
    assert_eq!(readings(&[&upper]), ["a->x=b b->x=a"; 3]);
    let rootfs = build(&[&upper]);
    let owners: Vec<_> = rootfs
        .readings
        .iter()
        .map(|reading| {
            let inode = reading.effective.get(&ImagePath::new("a")).unwrap().inode();
            (inode.gid, inode.mode)
        })
        .collect();
    assert_eq!(owners, [(5, 0o777), (0, 0o777)]);
}

#[test]
fn marks_of_overlayfs() {
    let lower = [dir("d"), file("d/x", 1), file("f", 1)];
    let device = entry("f", EntryKind::CharDevice, 0o600);
    assert_eq!(readings(&[&lower, &[device]]), ["d/ d/x:1 f:c", "d/ d/x:1", "d/ d/x:1 f:c"]);
    let opaque = with_xattr(dir("d"), "trusted.overlay.opaque", "y");
    let [vfs, overlay, umoci] = readings(&[&lower, &[opaque]]);
    assert_eq!(vfs, umoci);
    assert!(vfs.contains("d/x:1") && !overlay.contains("d/x:1"));
    let redirect = with_xattr(dir("e"), "user.overlay.redirect", "/d");
    assert_eq!(build(&[&lower, &[redirect]]).anomalies.len(), 1);
    let numbers = extras(|extras| extras.device = (5, 1));
    let console = Entry { extras: numbers, ..entry("console", EntryKind::CharDevice, 0o600) };
    assert_eq!(clear(&[&[console]]), "console:c");
}

#[test]
fn files_that_aufs_kept_aside() {
    let kept = [file(".wh..wh.plnk/12.34", 0o4755), hard_link("su", ".wh..wh.plnk/12.34", 0o755)];
    let literal = ".wh..wh.plnk/ .wh..wh.plnk/12.34:755=su su:755=.wh..wh.plnk/12.34";
    let untouched = ".wh..wh.plnk/ .wh..wh.plnk/12.34:4755=su su:4755=.wh..wh.plnk/12.34";
    assert_eq!(readings(&[&kept]), ["su:4755", literal, untouched]);
}

#[test]
fn whiteouts_without_a_name() {
    let lower = [dir("a/b"), file("a/b/x", 1), file("a/y", 1)];
    assert_eq!(readings(&[&lower, &[file("a/b/.wh.", 0)]]), ["a/ a/y:1", REFUSED, REFUSED]);
    assert_eq!(readings(&[&lower, &[file("a/b/.wh..", 0)]]), ["a/ a/y:1", REFUSED, REFUSED]);
    assert_eq!(readings(&[&lower, &[file("a/b/.wh...", 0)]]), ["", REFUSED, REFUSED]);
    let own = [file("a/b/z", 2), file("a/b/.wh..", 0)];
    assert_eq!(readings(&[&lower, &own]), ["a/ a/y:1", REFUSED, "a/ a/b/ a/b/z:2 a/y:1"]);
    assert_eq!(readings(&[&lower, &[file(".wh...", 0)]]), ["", REFUSED, REFUSED]);
}

#[test]
fn a_file_that_is_also_a_parent() {
    let below = [file("a/x", 2)];
    assert_eq!(readings(&[&[file("a", 1)], &below]), ["a/ a/x:2"; 3]);
    let own = [file("a", 1), file("a/x", 2)];
    assert_eq!(readings(&[&own]), ["a/ a/x:2", REFUSED, "a/ a/x:2"]);
    assert_eq!(readings(&[&[file("a", 1), file("a/b/.wh.x", 0)]]), ["a:1"; 3]);
}

#[test]
fn a_path_that_is_a_file_and_then_a_directory() {
    let upper = [file("d", 2), dir("d")];
    assert_eq!(readings(&[&[dir("d"), file("d/x", 1)], &upper]), ["d/", "d/ d/x:1", "d/"]);
}

#[test]
fn entries_below_a_name_like_a_whiteout() {
    assert_eq!(readings(&[&[file("d/.wh.x/y", 1)]]), ["d/ d/.wh.x/ d/.wh.x/y:1"; 3]);
}

#[test]
fn a_root_that_is_more_than_ordinary() {
    let rootfs = build(&[&[entry("", EntryKind::Directory, 0o777)]]);
    assert_eq!(rootfs.anomalies.len(), 1);
    let modes: Vec<u32> =
        rootfs.readings.iter().map(|reading| reading.effective.root().inode().mode).collect();
    assert_eq!(modes, [0o777, 0o755]);
    let link = build(&[&[symlink("", "x")]]);
    assert!(link.readings[0].effective.is_empty() && link.anomalies.len() == 1);
}

/// Each name told all others, and readings were compared by that: minutes for 20,000 hard links.
#[test]
fn readings_with_many_names_of_one_file_are_compared_in_linear_time() {
    let mut upper = vec![file("bin/ls", 1), file("a", 1)];
    upper.extend((0..20_000).map(|number| hard_link(&format!("b/{number}"), "a", 1)));
    let started = std::time::Instant::now();
    let rootfs = build(&[&[file("usr/bin/sh", 1), symlink("bin", "usr/bin")], &upper]);
    assert_eq!(rootfs.readings.len(), 2);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
