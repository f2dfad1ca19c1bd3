//! What only rpm does: several databases, a write-ahead log, packages side by side, links, modes and
//! states of files. What all managers do is in `packages`.

use crate::harness::{Checked, Room, check_path, set};
use crate::packages::{check, child, dump};
use crate::support::{
    Entry, Image, Layer, Manager, RpmFile, RpmPackage, SparseFormat, md5, newer_sed, other, package,
    random_tree, rpm_database, sed, unpacked_upgrade, upgrade,
};

const DATABASE: &str = "var/lib/rpm/Packages.db";

/// By SQLite itself; see `make.py` beside them.
const SQLITE: &[u8] = include_bytes!("../../src/packages/rpm/tests/real/rpmdb.sqlite");
const SQLITE_LOG: &[u8] = include_bytes!("../../src/packages/rpm/tests/real/rpmdb.sqlite-wal");

/// A base in which these are installed; `layer` is what they brought.
fn base(layer: Layer, packages: &[RpmPackage]) -> Image {
    Manager::Rpm.base(&[]).layer(layer.file(DATABASE, rpm_database(packages, 8)))
}

fn none() -> [RpmFile; 0] {
    []
}

/// Checks a base of these packages, without any files, with others in a layer above.
fn versions(before: &[RpmPackage], after: &[RpmPackage]) -> Checked {
    check(&base(Layer::new(), before), Layer::new().file(DATABASE, rpm_database(after, 8)))
}

/// Name, version before and after, and severity of each package that is told.
fn changes(checked: &Checked) -> Vec<(String, String, String, String)> {
    let told = checked.findings().into_iter().filter(|finding| finding["rule"] == "base-package-changed");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut told: Vec<_> = told
        .map(|finding| {
            let evidence = &finding["evidence"];
            let versions = (text(&evidence["baseVersion"]), text(&evidence["version"]));
            (text(&evidence["name"]), versions.0, versions.1, text(&finding["severity"]))
        })
        .collect();
    told.sort();
    told
}

fn tuples(list: &[[&str; 4]]) -> Vec<(String, String, String, String)> {
    list.iter().map(|told| told.map(str::to_owned).into()).collect()
}

/// Why `base-package-changed` was not evaluated.
fn reason(checked: &Checked) -> String {
    let rules = checked.report["images"][0]["rules"].as_array().unwrap();
    let told = rules.iter().find(|rule| rule["rule"] == "base-package-changed").unwrap();
    assert_eq!((checked.exit, &told["outcome"]), (2, &"not-evaluated".into()), "{told}: {}", dump(checked));
    told["reason"].as_str().unwrap().to_owned()
}

fn only(name: &str, version: &str) -> RpmPackage {
    RpmPackage::of(name, version, none())
}

#[test]
fn an_epoch_decides_and_none_is_0() {
    for (was, is, told) in [
        ("1:1.0-1", "9.0-1", &[["a", "1:1.0-1", "9.0-1", "high"]][..]),
        ("1:9.0-1", "2:1.0-1", &[["a", "1:9.0-1", "2:1.0-1", "medium"]]),
        ("0:1.0-1", "1.0-1", &[]),
        ("1.0-1.el9", "1.0-1.el9_2", &[["a", "1.0-1.el9", "1.0-1.el9_2", "medium"]]),
        // What rpm would not take for a version has no order.
        ("1.0-1", "a b-1", &[["a", "1.0-1", "a b-1", "medium"]]),
    ] {
        let checked = versions(&[only("a", was)], &[only("a", is)]);
        assert_eq!(changes(&checked), tuples(told), "{was} {is}: {}", dump(&checked));
    }
}

#[test]
fn packages_may_stand_side_by_side() {
    let of = |name: &str, versions: &[&str]| -> Vec<RpmPackage> {
        versions.iter().map(|version| only(name, version)).collect()
    };
    for (was, is, told) in [
        // The third kernel comes, and then the first goes.
        (&["5.1-1", "5.2-1"][..], &["5.1-1", "5.2-1", "5.3-1"][..], &[][..]),
        (&["5.1-1", "5.2-1"], &["5.2-1", "5.3-1"], &[["kernel", "5.1-1", "5.3-1", "medium"]]),
        (&["5.1-1", "5.2-1"], &["5.2-1"], &[["kernel", "5.1-1", "none", "medium"]]),
        (
            &["5.1-1", "5.2-1"],
            &["5.3-1"],
            &[["kernel", "5.1-1", "none", "medium"], ["kernel", "5.2-1", "5.3-1", "medium"]],
        ),
        // A downgrade does not hide behind an upgrade.
        (&["5.2-1"], &["5.1-1", "5.3-1"], &[["kernel", "5.2-1", "5.1-1", "high"]]),
        (
            &["5.1-1", "5.3-1"],
            &["5.2-1"],
            &[["kernel", "5.1-1", "none", "medium"], ["kernel", "5.3-1", "5.2-1", "high"]],
        ),
    ] {
        let checked = versions(&of("kernel", was), &of("kernel", is));
        assert_eq!(changes(&checked), tuples(told), "{was:?} {is:?}");
    }
    // The keys that rpm trusts are each a key of its own.
    let keys = |versions: &[&str]| -> Vec<RpmPackage> {
        of("gpg-pubkey", versions).into_iter().map(|key| key.architecture(None)).collect()
    };
    let [one, two, three] = ["fd431d51-4ae0493b", "5a6340b3-6229229e", "0a000000-1"];
    let added = versions(&keys(&[one, two]), &keys(&[one, two, three]));
    assert_eq!((added.exit, changes(&added)), (0, tuples(&[])));
    let exchanged = versions(&keys(&[one, two]), &keys(&[one, three]));
    assert_eq!(changes(&exchanged), tuples(&[["gpg-pubkey", two, "none", "medium"]]));
}

#[test]
fn each_architecture_is_a_package_and_an_upgrade_may_change_it() {
    let of = |version: &str, architecture: &str| only("glibc", version).architecture(Some(architecture));
    for (was, is, told) in [
        (
            &[("1-1", "x86_64"), ("1-1", "i686")][..],
            &[("2-1", "x86_64"), ("1-1", "i686")][..],
            &[["glibc", "1-1", "2-1", "medium"]][..],
        ),
        (
            &[("1-1", "x86_64"), ("1-1", "i686")],
            &[("2-1", "x86_64")],
            &[["glibc", "1-1", "2-1", "medium"], ["glibc", "1-1", "none", "medium"]],
        ),
        (&[("1-1", "x86_64")], &[("2-1", "noarch")], &[["glibc", "1-1", "2-1", "medium"]]),
        // The same version for another architecture is another package.
        (&[("1-1", "x86_64")], &[("1-1", "noarch")], &[["glibc", "1-1", "1-1", "medium"]]),
    ] {
        let [was, is] = [was, is].map(|list| list.iter().map(|(v, a)| of(v, a)).collect::<Vec<_>>());
        let checked = versions(&was, &is);
        assert_eq!(changes(&checked), tuples(told), "{was:?} {is:?}");
    }
}

#[test]
fn digests_by_md5_are_computed_where_they_are_wanted() {
    let by_md5 = |package: RpmPackage, contents: &[(&str, &str)]| {
        let files = package.files.into_iter().map(|file| {
            let content = contents.iter().find(|(path, _)| *path == file.path);
            RpmFile { digest: content.map_or(String::new(), |(_, content)| md5(content)), ..file }
        });
        RpmPackage { files: files.collect(), ..package }
    };
    let database = |package, contents: &[(&str, &str)]| rpm_database(&[by_md5(package, contents)], 1);
    let new = [("bin/sed", "sed 4.9"), ("usr/lib/libsed.so.9", "9"), ("etc/sed.conf", "default 4.9")];
    let base = Manager::Rpm.base(&[&sed()]).layer(Layer::new().file(DATABASE, database(sed().rpm(), &[])));
    let upgraded = || unpacked_upgrade().file(DATABASE, database(newer_sed().rpm(), &new));
    assert_eq!(check(&base, upgraded()).failing(), set(["base-package-changed"]));
    let tampered = check(&base, upgraded().file_mode("usr/bin/sed", "evil", 0o755));
    assert!(tampered.failing().contains("base-file-modified /usr/bin/sed"), "{}", dump(&tampered));
}

#[test]
fn a_database_is_found_wherever_it_is_and_counts_once() {
    for (directory, link) in [
        ("usr/lib/sysimage/rpm", Some("var/lib/rpm")),
        ("usr/share/rpm", Some("var/lib/rpm")),
        ("usr/lib/sysimage/rpm", None),
        ("usr/share/rpm", None),
        // Where nobody asked for it beforehand.
        ("opt/rpm", Some("var/lib/rpm")),
    ] {
        let database = |packages: &[RpmPackage]| rpm_database(packages, 8);
        let place = format!("{directory}/Packages.db");
        let mut layer = Layer::new().file(&place, database(&[sed().rpm(), other().rpm()]));
        if let Some(link) = link {
            layer = layer.symlink(link, format!("../../{directory}"));
        }
        let empty = Manager::Rpm.base(&[&sed(), &other()]).layer(Layer::new().whiteout("var/lib/rpm"));
        let base = empty.layer(layer);
        let layer = unpacked_upgrade().file(&place, database(&[newer_sed().rpm(), other().rpm()]));
        let checked = check(&base, layer);
        let finding = checked.finding("base-package-changed");
        assert_eq!(finding["evidence"]["database"], format!("/{place}"), "{directory} {link:?}");
        assert_eq!(finding["evidence"]["explained"], "6");
    }
}

#[test]
fn a_database_nobody_writes_to_hides_no_change() {
    let stale = |layer: Layer| layer.file("usr/share/rpm/Packages.db", rpm_database(&[sed().rpm()], 8));
    let base = Manager::Rpm.base(&[&sed(), &other()]);
    // In the base beside the one in use, before it and behind it in the order of reading.
    let checked = check(&base.clone().layer(stale(Layer::new())), upgrade(Manager::Rpm));
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
    let place = "usr/share/rpm/Packages";
    let other_base = base.clone().layer(Layer::new().file(place, rpm_database(&[sed().rpm()], 8)));
    let layer = unpacked_upgrade().file(place, rpm_database(&[newer_sed().rpm()], 8));
    let checked = check(&other_base, layer);
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
    // Put beside the base's by a layer above, it must say the same.
    assert_eq!(check(&base, stale(Layer::new())).exit, 2);
    let same = rpm_database(&[sed().rpm(), other().rpm(), only("more", "1-1")], 8);
    let checked = check(&base, Layer::new().file("usr/share/rpm/Packages.db", same).file("etc/company", "x"));
    assert_eq!((checked.exit, checked.outcome("base-package-changed")), (1, "pass"), "{}", dump(&checked));
    let renamed = rpm_database(&[only("sed", "99-1"), other().rpm()], 8);
    let checked = check(&base, Layer::new().file("var/lib/rpm/Packages", renamed).file("etc/company", "x"));
    let reason = reason(&checked);
    assert!(reason.contains("/var/lib/rpm/Packages is a second database of rpm") && reason.contains("sed"));
}

#[test]
fn a_database_may_move() {
    let base = Manager::Rpm.base(&[&sed(), &other()]);
    let packages = [newer_sed().rpm(), other().rpm()];
    // As Fedora's rpmdb-migrate does it.
    let layer = unpacked_upgrade()
        .file("usr/lib/sysimage/rpm/Packages.db", rpm_database(&packages, 8))
        .whiteout("var/lib/rpm")
        .symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm");
    let checked = check(&base, layer);
    assert_eq!(changes(&checked), tuples(&[["sed", "4.8-r1", "4.9-r0", "medium"]]), "{}", dump(&checked));
    assert!(!checked.failing().contains("base-file-modified /usr/bin/sed"));
    // A copy of the old one that came with it changes nothing.
    let layer = unpacked_upgrade()
        .whiteout(DATABASE)
        .file("usr/share/rpm/Packages", rpm_database(&[sed().rpm(), other().rpm()], 8))
        .file("usr/share/rpm/Packages.db", rpm_database(&packages, 8));
    let checked = check(&base, layer);
    assert_eq!(changes(&checked), tuples(&[["sed", "4.8-r1", "4.9-r0", "medium"]]), "{}", dump(&checked));
}

#[test]
fn what_was_committed_to_a_write_ahead_log_counts() {
    let place = "var/lib/rpm/rpmdb.sqlite";
    let base = Manager::Rpm.base(&[]).layer(Layer::new().whiteout(DATABASE).file(place, SQLITE));
    let beside = |end: &str, content: &[u8]| {
        check(&base, Layer::new().file(format!("{place}{end}"), content).file("etc/company", "x"))
    };
    let told = [["bash", "5.1-1", "5.2-1", "medium"], ["gone", "1-1", "none", "medium"]];
    assert_eq!(changes(&beside("-wal", SQLITE_LOG)), tuples(&told));
    for nothing in [&b""[..], b"no log", &SQLITE_LOG[..32]] {
        let checked = beside("-wal", nothing);
        assert_eq!((changes(&checked), checked.exit), (tuples(&[]), 1), "{}", dump(&checked));
    }
    // Also where the database has another name that is read first.
    let linked = Layer::new().symlink("var/lib/rpm/Packages", "rpmdb.sqlite");
    let checked = check(&base, linked.file(format!("{place}-wal"), SQLITE_LOG));
    assert_eq!(changes(&checked), tuples(&told), "{}", dump(&checked));
    // A base with a log of its own, which a layer above takes away.
    let with_log = base.clone().layer(Layer::new().file(format!("{place}-wal"), SQLITE_LOG));
    let checked = check(&with_log, Layer::new().file(format!("{place}-wal"), ""));
    assert_eq!(changes(&checked)[0].0, "acl", "{}", dump(&checked));
    let hot = [&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7][..], &[0; 504]].concat();
    assert!(reason(&beside("-journal", &hot)).contains("-journal"));
    assert_eq!(beside("-journal", &[0; 512]).exit, 1);
    // Beside a database of another form they are any file.
    let ndb = Manager::Rpm.base(&[&sed(), &other()]);
    let checked = check(&ndb, upgrade(Manager::Rpm).file(format!("{DATABASE}-journal"), &hot));
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
}

#[test]
fn a_database_that_is_broken_is_no_pass_and_removes_no_package() {
    let base = Manager::Rpm.base(&[&sed(), &other()]);
    let mut spoilt = rpm_database(&[sed().rpm(), other().rpm()], 8);
    *spoilt.last_mut().unwrap() ^= 1;
    let cut = rpm_database(&[sed().rpm(), other().rpm()], 8)[..5_000].to_vec();
    for (database, why) in [
        (spoilt, "the blob of package 2 is broken"),
        (cut, "broken"),
        (b"\xff\xfe\0\nnonsense".to_vec(), "no rpm database"),
        (vec![0; 4_096], "no rpm database"),
    ] {
        let checked = check(&base, Layer::new().file(DATABASE, database).whiteout("usr/bin/sed"));
        assert!(reason(&checked).contains(why), "{}", reason(&checked));
        assert!(reason(&checked).starts_with("/var/lib/rpm/Packages.db: "));
        assert_eq!(checked.failing(), set(["base-file-deleted /usr/bin/sed"]));
    }
    let checked =
        check(&base, Layer::new().entry(Entry::dir(format!("{DATABASE}/"))).file("etc/company", "x"));
    assert!(reason(&checked).contains("no regular file"));
    // A file of no bytes is a database of no packages.
    let checked = check(&base, Layer::new().file(DATABASE, ""));
    let gone = [["other", "1.0-r0", "none", "medium"], ["sed", "4.8-r1", "none", "medium"]];
    assert_eq!(changes(&checked), tuples(&gone));
}

#[test]
fn a_database_that_is_as_in_the_base_need_not_be_read() {
    let base = Manager::Rpm.base(&[&sed()]).layer(Layer::new().file(DATABASE, "nonsense"));
    let checked = check(&base, Layer::new().file("etc/company", "evil").file(DATABASE, "nonsense"));
    assert_eq!((checked.exit, checked.failing()), (1, set(["base-file-modified /etc/company"])));
}

#[test]
fn a_large_database_is_read_and_one_too_large_is_no_pass() {
    // Half as large again as any other file may be; with and without facts files.
    let padded = |packages: &[RpmPackage]| [rpm_database(packages, 8), vec![0; 24 << 20]].concat();
    let base = Manager::Rpm
        .base(&[&sed(), &other()])
        .layer(Layer::new().file(DATABASE, padded(&[sed().rpm(), other().rpm()])));
    let layer = unpacked_upgrade().file(DATABASE, padded(&[newer_sed().rpm(), other().rpm()]));
    let room = Room::new();
    let catalog = room.catalog(&[&base]);
    let image = room.write("image.tar", child(&base, layer).oci_archive());
    let with = check_path(&image, Some(&catalog));
    assert_eq!(with.failing(), set(["base-package-changed"]), "{}", dump(&with));
    std::fs::rename(room.path("bases.facts"), room.path("away")).unwrap();
    let without = check_path(&image, Some(&catalog));
    assert_eq!(with.without_run(), without.without_run());

    // A hole costs nothing; what is beside it keeps it from being taken for a bomb.
    let huge = Entry::sparse(DATABASE, (256 << 20) + 1, &[(0, b"RpmP")], SparseFormat::Gnu);
    let checked = check(&base, random_tree(1, 8, 64 << 10).entry(huge));
    assert!(reason(&checked).contains("rpm_database_bytes"), "{}", reason(&checked));
}

#[test]
fn links_and_directories_are_as_the_package_says_or_tampering() {
    let old = RpmPackage::of(
        "a",
        "1-1",
        [
            RpmFile::link("usr/lib/a/link", "old"),
            RpmFile::link("usr/lib/a/moved", "old"),
            RpmFile::directory("usr/lib/a/dir", 0o755),
        ],
    );
    let new = RpmPackage::of(
        "a",
        "2-1",
        [
            RpmFile::link("usr/lib/a/link", "new"),
            RpmFile::directory("usr/lib/a/moved", 0o750),
            RpmFile::directory("usr/lib/a/dir", 0o700),
        ],
    );
    let base = base(
        Layer::new()
            .symlink("usr/lib/a/link", "old")
            .symlink("usr/lib/a/moved", "old")
            .dir("usr/lib/a/dir/", 0o755),
        &[old],
    );
    let after = |target: &str, moved: u32, dir: u32| {
        let layer = Layer::new()
            .symlink("usr/lib/a/link", target)
            .dir("usr/lib/a/moved/", moved)
            .dir("usr/lib/a/dir/", dir)
            .file(DATABASE, rpm_database(std::slice::from_ref(&new), 8));
        check(&base, layer).failing()
    };
    assert_eq!(after("new", 0o750, 0o700), set(["base-package-changed"]));
    // Though it leads to a file of the base, as what dpkg tells nothing of may.
    let retargeted = after("/etc/company", 0o750, 0o700);
    let told = ["base-package-changed", "base-file-modified /usr/lib/a/link"];
    assert_eq!(retargeted, set(told.into_iter().chain(["package-file-tampered /usr/lib/a/link"])));
    let replaced = after("new", 0o755, 0o700);
    assert_eq!(replaced, set(["base-package-changed", "base-file-replaced /usr/lib/a/moved"]));
    let opened = after("new", 0o750, 0o711);
    assert_eq!(opened, set(["base-package-changed", "base-metadata-changed /usr/lib/a/dir"]));
}

#[test]
fn what_a_package_only_owns_is_not_as_it_says() {
    let of = |version: &str, flags: u32, state: u8| {
        let file = RpmFile::of("usr/lib/a/state", "new").flags(flags).state(state);
        rpm_database(&[RpmPackage::of("a", version, [file])], 8)
    };
    let base = Manager::Rpm
        .base(&[])
        .layer(Layer::new().file("usr/lib/a/state", "old").file(DATABASE, of("1-1", RpmFile::GHOST, 0)));
    let after = |flags, state| {
        let layer = Layer::new().file("usr/lib/a/state", "new").file(DATABASE, of("2-1", flags, state));
        check(&base, layer).failing()
    };
    let modified = set(["base-package-changed", "base-file-modified /usr/lib/a/state"]);
    assert_eq!(after(0, 0), set(["base-package-changed"]));
    assert_eq!(after(RpmFile::CONFIG, 0), set(["base-package-changed"]));
    assert_eq!(after(RpmFile::GHOST, 0), modified);
    assert_eq!(after(0, RpmFile::REPLACED), modified);
    // It goes with its package all the same.
    let removed = Layer::new().whiteout("usr/lib/a/state").file(DATABASE, rpm_database(&[], 8));
    assert_eq!(check(&base, removed).failing(), set(["base-package-changed"]));
}

#[test]
fn what_another_package_still_lists_did_not_go_with_this_one() {
    let shared = || RpmFile::of("usr/share/shared", "x");
    let packages = [RpmPackage::of("a", "1-1", [shared()]), RpmPackage::of("b", "1-1", [shared()])];
    let base = base(Layer::new().file_mode("usr/share/shared", "x", 0o755), &packages);
    let removed = |left: &[RpmPackage]| {
        let layer = Layer::new().whiteout("usr/share/shared").file(DATABASE, rpm_database(left, 8));
        check(&base, layer).failing()
    };
    assert_eq!(removed(&[]), set(["base-package-changed"]));
    let still = set(["base-package-changed", "base-file-deleted /usr/share/shared"]);
    assert_eq!(removed(&packages[1..]), still);
}

#[test]
fn packages_of_two_managers_are_told_each_by_its_own() {
    let by_dpkg = package("tool", "1.0", &[("usr/bin/tool", "1.0")]);
    let base = Manager::Rpm.base(&[&sed(), &other()]);
    let base = base.layer(Manager::Dpkg.database(by_dpkg.unpacked(Layer::new()), &[&by_dpkg], &[&by_dpkg]));
    let newer = package("tool", "1.1", &[("usr/bin/tool", "1.1")]);
    let layer = Manager::Dpkg.database(newer.unpacked(upgrade(Manager::Rpm)), &[&newer], &[&newer]);
    let checked = check(&base, layer);
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
    assert_eq!(changes(&checked).len(), 2);
}
