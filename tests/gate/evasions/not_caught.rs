//! What passes, and is known to: docs/security.md says why. When a test fails here, that table has a row to move.

use super::{app, assert_failing, with};
use crate::harness::{Room, check_child, check_path};
use crate::packages::check;
use crate::secrets::github;
use crate::support::{
    Compression, Entry, Layer, Manager, PASSWD, Package, clean_app, other, package, sed, small_base,
};

#[test]
fn a_secret_in_two_files_passes() {
    let secret = github();
    let (head, tail) = secret.split_at(20);
    let split = app().layer(Layer::new().file("opt/a", head)).layer(Layer::new().file("opt/b", tail));
    assert_failing(&check_child(&split), []);
    assert_failing(&with(Layer::new().file("opt/a", [head, tail].concat())), ["secret-file /opt/a"]);
}

#[test]
fn a_secret_that_is_packed_or_in_another_encoding_passes() {
    let tar = Layer::new().file("x", github()).tar();
    assert_failing(&with(Layer::new().file("opt/x.tgz", Compression::Gzip(6).compress(&tar))), []);
    let utf16: Vec<u8> = github().encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_failing(&with(Layer::new().file("opt/x.txt", utf16)), []);
}

#[test]
fn a_secret_that_is_no_content_of_a_file_passes() {
    assert_failing(&with(Layer::new().symlink("opt/token", github())), []);
    assert_failing(&with(Layer::new().entry(Entry::file("opt/x", "x").xattr("user.note", github()))), []);
    assert_failing(&with(Layer::new().entry(Entry::file("opt/x", "x").pax("comment", github()))), []);
}

#[test]
fn a_secret_that_looks_like_a_setting_passes() {
    for variable in ["TOKEN_USER=hunter2", "DB_PASSWORD=$hunter"] {
        assert_failing(&check_child(&app().env(variable)), []);
    }
    assert_failing(&check_child(&app().env("DB_PASSWORD=hunter2")), ["secret-env"]);
}

#[test]
fn a_secret_among_documentation_is_told_only() {
    let checked = with(Layer::new().file("usr/share/doc/x/token", github()));
    assert_failing(&checked, []);
    assert_eq!(checked.finding("secret-file")["severity"], "info");
}

#[test]
fn bytes_that_every_reader_passes_over_pass() {
    let mut padded = Vec::new();
    Entry::file("opt/x", "x").write_to(&mut padded);
    let end = padded.len();
    padded[end - 6..].copy_from_slice(b"hidden");
    assert_failing(&with(Layer::new().raw(padded)), []);

    // Between the blobs: behind the first member's bytes, a layout's version.
    let mut archive = app().oci_archive();
    let version = archive.windows(18).position(|bytes| bytes == b"imageLayoutVersion").unwrap();
    let end = version.next_multiple_of(512);
    archive[end - 6..end].copy_from_slice(b"hidden");
    let sound = crate::harness::check_bytes(app().oci_archive()).failing();
    assert_eq!(crate::harness::check_bytes(archive).failing(), sound);
}

#[test]
fn a_program_before_the_bases_in_the_path_passes() {
    assert_failing(&with(Layer::new().file_mode("usr/local/bin/ls", "evil", 0o755)), []);
}

#[test]
fn a_library_that_the_bases_setuid_programs_load_passes() {
    let base = small_base().layer(Layer::new().file("etc/ld.so.cache", "libc.so.6 => /lib/libc.so.6"));
    let room = Room::new();
    let catalog = room.catalog(&[&base]);
    let layer = Layer::new()
        .file("usr/local/lib/libc.so.6", "evil")
        .file("etc/ld.so.cache", "libc.so.6 => /usr/local/lib/libc.so.6");
    let image = room.write("app.tar", clean_app(&base).layer(layer).oci_archive());
    let checked = check_path(&image, Some(&catalog));
    assert_failing(&checked, []);
    assert_eq!(checked.finding("base-file-modified")["severity"], "info");
    assert_failing(
        &with(Layer::new().file("etc/ld.so.preload", "/usr/local/lib/x.so")),
        ["ld-so-preload /etc/ld.so.preload"],
    );
}

#[test]
fn a_group_that_may_read_what_users_may_not_passes() {
    let account = "app:x:10001:10001:app:/app:/usr/sbin/nologin\n";
    let group = "root:x:0:\ndaemon:x:1:\nshadow:x:42:app\nnogroup:x:65534:\n";
    let layer = Layer::new().file("etc/passwd", format!("{PASSWD}{account}")).file("etc/group", group);
    assert_failing(&check_child(&app().layer(layer).user("app")), []);
    assert_failing(&check_child(&app().user("10001:42")), []);
}

#[test]
fn a_list_of_access_rights_passes_on_a_new_file() {
    let rights = |path: &str| Entry::file(path, "x").mode(0o664).xattr("system.posix_acl_access", "\u{2}");
    assert_failing(&with(Layer::new().entry(rights("opt/x"))), []);
    let failing = with(Layer::new().entry(rights("etc/os-release"))).failing();
    assert!(failing.contains("base-metadata-changed /etc/os-release"), "{failing:?}");
}

/// Checks a base with a new package, which is as its database says but for what `layer` does.
fn with_package(manager: Manager, told: &Package, layer: Layer) -> crate::harness::Checked {
    let layer = manager.database(layer, &[&sed(), &other(), told], &[told]);
    check(&manager.base(&[&sed(), &other()]), layer)
}

#[test]
fn a_package_database_that_is_forged_with_the_file_passes() {
    let evil = || Layer::new().file_mode("usr/bin/less", "evil", 0o755);
    let less = |content| package("less", "590-r1", &[("usr/bin/less", content)]);
    for manager in Manager::ALL {
        assert_failing(&with_package(manager, &less("evil"), evil()), []);
        assert_failing(&with_package(manager, &package("less", "590-r1", &[]), evil()), []);
        assert_failing(
            &with_package(manager, &less("less"), evil()),
            ["package-file-tampered /usr/bin/less"],
        );
    }
    let diverted = evil().file("var/lib/dpkg/diversions", "/usr/bin/less\n/usr/bin/less.real\n:\n");
    assert_failing(&with_package(Manager::Dpkg, &less("less"), diverted), []);
}

#[test]
fn a_link_of_a_debian_package_that_leads_elsewhere_passes() {
    let less = package("less", "590-r1", &[]).link("usr/bin/less", "more");
    let evil = || Layer::new().symlink("usr/bin/less", "/opt/evil").file_mode("opt/evil", "evil", 0o755);
    assert_failing(&with_package(Manager::Dpkg, &less, evil()), []);
    for manager in [Manager::Apk, Manager::Rpm] {
        assert_failing(&with_package(manager, &less, evil()), ["package-file-tampered /usr/bin/less"]);
    }
}
