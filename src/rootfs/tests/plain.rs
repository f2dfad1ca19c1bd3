//! What all runtimes agree on.

use super::*;

#[test]
fn whiteouts_hide_what_lower_layers_hold() {
    let lower = [dir("a"), file("a/x", 1), file("a/y", 1), dir("b"), file("b/x", 1)];
    assert_eq!(clear(&[&lower, &[file("a/.wh.x", 0), file(".wh.b", 0), file("a/.wh.none", 0)]]), "a/ a/y:1");
    assert_eq!(clear(&[&lower, &[file("nowhere/.wh.x", 0), file(".wh.a", 0)]]), "b/ b/x:1");
}

#[test]
fn an_opaque_marker_spares_its_own_layer_wherever_it_stands() {
    let lower = [dir("a"), file("a/x", 1), dir("a/d"), file("a/d/x", 1)];
    let marker = file("a/.wh..wh..opq", 0);
    assert_eq!(clear(&[&lower, &[marker.clone(), file("a/y", 2)]]), "a/ a/y:2");
    assert_eq!(clear(&[&lower, &[file("a/y", 2), marker.clone()]]), "a/ a/y:2");
    assert_eq!(clear(&[&lower, &[dir("a"), dir("a/d"), file("a/d/y", 2), marker]]), "a/ a/d/ a/d/y:2");
    assert_eq!(clear(&[&[file("z", 2), file(".wh..wh..opq", 0)]]), "z:2");
}

#[test]
fn a_name_that_is_hidden_first_may_be_given_again() {
    let lower = [file("f", 1), dir("d"), file("d/x", 1)];
    assert_eq!(clear(&[&lower, &[file(".wh.f", 0), file("f", 2)]]), "d/ d/x:1 f:2");
    assert_eq!(clear(&[&lower, &[file(".wh.f", 0), dir("f"), file("f/x", 2)]]), "d/ d/x:1 f/ f/x:2");
    assert_eq!(clear(&[&lower, &[file(".wh.d", 0), file("d", 2)]]), "d:2 f:1");
    let nowhere = [file("a/.wh.b", 0), dir("a/b"), file("a/b/c", 2), file(".wh.e", 0), symlink("e", "f")];
    assert_eq!(clear(&[&lower, &nowhere]), "a/ a/b/ a/b/c:2 d/ d/x:1 e->f f:1");
}

#[test]
fn an_entry_through_a_symlink_and_a_directory_of_its_own_layer() {
    let own = [dir("usr/bin"), symlink("bin", "usr/bin"), file("bin/ls", 2), symlink("sbin", "/bin")];
    let merged = "bin->usr/bin sbin->/bin usr/ usr/bin/ usr/bin/ls:2 usr/bin/su:4755";
    assert_eq!(clear(&[&[&own[..], &[file("sbin/su", 0o4755)]].concat()]), merged);
    assert_eq!(clear(&[&[dir("usr/bin")], &[&own[..], &[file("sbin/su", 0o4755)]].concat()]), merged);
}

#[test]
fn an_opaque_root_over_nothing_hides_nothing() {
    assert_eq!(clear(&[&[file(".wh.a", 0)], &[file(".wh..wh..opq", 0), file("d/y", 2)]]), "d/ d/y:2");
}

#[test]
fn a_directory_over_a_directory_keeps_its_children() {
    let lower = [dir("a"), file("a/x", 1)];
    let upper = entry("a", EntryKind::Directory, 0o700);
    assert_eq!(clear(&[&lower, &[upper]]), "a/700 a/x:1");
}

#[test]
fn any_other_change_of_type_replaces() {
    let lower = [dir("a"), file("a/x", 1), file("f", 1), symlink("l", "a")];
    let upper = [file("a", 2), dir("f"), file("f/y", 2), dir("l")];
    assert_eq!(clear(&[&lower, &upper]), "a:2 f/ f/y:2 l/");
    assert_eq!(clear(&[&lower, &[symlink("a", "f"), file("l", 3)]]), "a->f f:1 l:3");
}

#[test]
fn implied_parents_keep_what_the_lower_layer_said() {
    let lower = [entry("tmp", EntryKind::Directory, 0o1777)];
    let rootfs = build(&[&lower, &[file("tmp/x", 1), file("new/deep/x", 1)]]);
    let tree = &rootfs.readings[0].effective;
    assert_eq!(show(tree), "new/ new/deep/ new/deep/x:1 tmp/1777 tmp/x:1");
    let origin = |path: &str| tree.get(&ImagePath::new(path)).unwrap().origin();
    assert_eq!((origin("tmp").layer(), origin("tmp").entry()), (0, Some(0)));
    assert_eq!((origin("new").layer(), origin("new").entry()), (1, None));
    assert_eq!((origin("tmp/x").layer(), origin("tmp/x").entry()), (1, Some(0)));
}

#[test]
fn the_base_is_a_snapshot() {
    let rootfs = build(&[&[file("a", 1)], &[file("a", 2), file("b", 2)]]);
    assert_eq!(show(&rootfs.readings[0].base), "a:1");
    assert_eq!(show(&rootfs.readings[0].effective), "a:2 b:2");
}

#[test]
fn the_last_entry_of_a_path_wins() {
    assert_eq!(clear(&[&[file("a", 1), file("a", 2)]]), "a:2");
    assert_eq!(clear(&[&[dir("a"), file("a/x", 1), file("a", 2)]]), "a:2");
}

#[test]
fn hard_links_share_one_inode() {
    let layers: &[&[Entry]] = &[&[file("a", 0o644), hard_link("b", "a", 0o644), hard_link("c", "b", 0o644)]];
    assert_eq!(clear(layers), "a:644=b b:644=a c:644=a");
    let rootfs = build(layers);
    let b = rootfs.readings[0].effective.get(&ImagePath::new("b")).unwrap();
    assert_eq!((b.names(), b.origin().entry(), b.inode().origin.entry()), (3, Some(1), Some(0)));
}

#[test]
fn which_names_share_a_file_tells_trees_apart() {
    let tree = |links: [(&str, &str); 2]| {
        let linked = |(path, target)| hard_link(path, target, 1);
        let mut layer = vec![file("a", 1), file("b", 1)];
        layer.extend(links.map(linked));
        build(&[&layer]).readings.swap_remove(0).effective
    };
    let one = tree([("c", "a"), ("d", "b")]);
    assert!(one.same_as(&tree([("c", "a"), ("d", "b")])));
    assert!(!one.same_as(&tree([("c", "b"), ("d", "a")])));
    assert!(!one.same_as(&tree([("c", "a"), ("d", "a")])));
}

#[test]
fn replacing_one_name_leaves_the_others() {
    let lower = [file("a", 1), hard_link("b", "a", 1), hard_link("c", "a", 1)];
    assert_eq!(clear(&[&lower, &[file("a", 2)]]), "a:2 b:1=c c:1=b");
    assert_eq!(clear(&[&lower, &[file(".wh.a", 0), file(".wh.b", 0)]]), "c:1");
}

#[test]
fn a_hard_link_to_a_symlink_is_another_name_of_the_symlink() {
    assert_eq!(clear(&[&[symlink("l", "x"), hard_link("m", "l", 0o644)]]), "l->x=m m->x=l");
}

fn broken(layers: &[&[Entry]]) -> String {
    let rootfs = build(layers);
    let faults: Vec<_> = rootfs.anomalies.iter().map(|anomaly| anomaly.fault).collect();
    assert_eq!(faults, [Fault::BrokenHardlink]);
    show(&rootfs.readings[0].effective)
}

#[test]
fn hard_links_that_cannot_be_made_are_told() {
    assert_eq!(broken(&[&[hard_link("a", "nothing", 1)]]), "");
    assert_eq!(broken(&[&[file("a", 1), hard_link("a", "a", 1)]]), "");
    assert_eq!(broken(&[&[dir("d"), hard_link("a", "d", 1)]]), "d/");
    // No unpacker makes it, but what it would show is judged.
    assert_eq!(broken(&[&[hard_link("a", "b", 0o4755), file("b", 0o4755)]]), "a:4755=b b:4755=a");
}

#[test]
fn the_root_has_an_entry_too() {
    let rootfs = build(&[&[entry("", EntryKind::Directory, 0o555)]]);
    assert_eq!(rootfs.readings[0].effective.root().inode().mode, 0o555);
    assert!(rootfs.anomalies.is_empty());
}

#[test]
fn other_leftovers_of_aufs_mean_nothing() {
    let upper =
        [file(".wh..wh.aufs", 0), dir(".wh..wh.orph"), dir(".wh..wh.plnk"), file("d/.wh..wh.aufs", 0)];
    assert_eq!(clear(&[&[file("a", 1)], &upper]), "a:1");
}

#[test]
fn a_walk_is_sorted_as_paths_are() {
    let names = ["a", "a-b", "a-b-c", "a/b", "a/b-c/d", "a/b/c", "a.d/x", "a0", "b"];
    let entries: Vec<Entry> = names.iter().map(|name| file(&format!("{name}/f"), 1)).collect();
    let rootfs = build(&[&entries]);
    let paths: Vec<ImagePath> = rootfs.readings[0].effective.walk().map(|(path, _)| path).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    assert_eq!(paths.len(), rootfs.readings[0].effective.len());
    for (path, node) in rootfs.readings[0].effective.walk() {
        assert_eq!(node.path(), path);
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = vec!["d"; 2_000].join("/");
    let work = move || {
        let rootfs = build(&[&[file(&format!("{deep}/x"), 1)], &[file(".wh.d", 0), file("y", 1)]]);
        assert_eq!(show(&rootfs.readings[0].effective), "y:1");
        let base = rootfs.readings[0].base.clone();
        assert_eq!(base.walk().count(), 2_002);
        assert!(base.resolve(&ImagePath::new(format!("{deep}/x"))).is_ok());
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}

#[test]
fn symlinks_are_followed_inside_the_root() {
    let rootfs = build(&[&[
        file("usr/bin/ls", 1),
        symlink("bin", "usr/bin"),
        symlink("up", "../../../usr/../usr/bin/ls"),
        symlink("abs", "/bin/ls"),
        symlink("slash", "usr/bin/ls/"),
        symlink("dot", "usr/bin/ls/."),
        symlink("loop", "pool"),
        symlink("pool", "loop"),
        symlink("self/s", "../self/s/x"),
        symlink("dangling", "nowhere"),
        symlink("empty", ""),
    ]]);
    let tree = &rootfs.readings[0].effective;
    let resolve = |path: &str| tree.resolve(&ImagePath::new(path)).map(|found| found.path().to_string());
    for path in ["bin/ls", "up", "abs", "usr/bin/ls"] {
        assert_eq!(resolve(path).as_deref(), Ok("/usr/bin/ls"), "{path}");
    }
    assert_eq!(tree.resolve(&ImagePath::new("abs")).unwrap().hops, 2);
    assert_eq!(resolve(""), Ok("/".to_owned()));
    assert_eq!(resolve("slash"), Err(ResolveError::NotADirectory));
    assert_eq!(resolve("dot"), Err(ResolveError::NotADirectory));
    assert_eq!(resolve("usr/bin/ls/x"), Err(ResolveError::NotADirectory));
    assert_eq!(resolve("loop"), Err(ResolveError::Loop));
    assert_eq!(resolve("self/s"), Err(ResolveError::Loop));
    assert_eq!(resolve("dangling"), Err(ResolveError::Missing));
    assert_eq!(resolve("empty"), Err(ResolveError::Missing));
    assert_eq!(resolve("nowhere"), Err(ResolveError::Missing));
    let unfollowed = tree.resolve_no_follow(&ImagePath::new("bin")).unwrap();
    assert_eq!(unfollowed.node.inode().kind, EntryKind::Symlink);
    let through = tree.resolve_no_follow(&ImagePath::new("bin/ls")).unwrap();
    assert_eq!(through.path().to_string(), "/usr/bin/ls");
}

#[test]
fn whiteouts_of_a_large_directory_again_and_again_are_cheap() {
    let mut entries: Vec<Entry> = (0..20_000).map(|n| file(&format!("d/{n}"), 1)).collect();
    entries.push(file(".wh.d", 0));
    let layers: Vec<&[Entry]> = (0..20).map(|_| entries.as_slice()).collect();
    let began = std::time::Instant::now();
    build(&layers);
    assert!(began.elapsed().as_secs() < 120);
}

#[test]
fn a_directory_takes_all_attributes_of_the_upper_one() {
    let lower = [with_xattr(dir("d"), "user.a", "1")];
    assert_eq!(clear(&[&lower, &[with_xattr(dir("d"), "user.b", "2")]]), "d/[user.b=2]");
}

#[test]
fn whiteouts_of_a_directory_and_of_what_was_in_it_go_together() {
    let lower = [dir("a"), file("a/b", 1)];
    assert_eq!(clear(&[&lower, &[file(".wh.a", 0), file("a/.wh.b", 0)]]), "");
    assert_eq!(clear(&[&lower, &[file("a/.wh.b", 0), file(".wh.a", 0)]]), "");
}

#[test]
fn parents_that_overlay_drivers_would_reset_are_told() {
    let lower =
        [entry("tmp", EntryKind::Directory, 0o1777), dir("usr"), entry("root", EntryKind::Directory, 0o700)];
    let upper =
        [file("tmp/x", 1), file("usr/x", 1), file("root/x", 1), entry("root", EntryKind::Directory, 0o700)];
    assert_eq!(build(&[&lower, &upper]).implied_resets, [(1, ImagePath::new("tmp"))]);
}
