//! What the layers above may not do to the base, and may not bring.

use serde_json::Value;

use crate::harness::{Checked, check_child, set};
use crate::support::{Compression, Entry, Image, Layer, XattrStyle, clean_app, small_base};

/// `cap_net_raw+ep`, revision 2; the last byte of the magic is 1 (effective).
const CAP_NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A clean application with one more layer on it.
fn with(layer: Layer, step: &str) -> Image {
    clean_app(&small_base()).layer_with(layer, step, Compression::Gzip(6))
}

fn check(layer: Layer) -> Checked {
    check_child(&with(layer, "RUN /bin/sh -c the-step # buildkit"))
}

#[test]
fn a_finding_names_rule_path_layer_and_build_step() {
    let checked = check(Layer::new().file_mode("opt/tool", "x", 0o4755));
    assert_eq!(checked.exit, 1);
    let finding = checked.finding("setuid-file");
    assert_eq!(finding["path"], "/opt/tool");
    assert_eq!(finding["layer"]["index"], 4);
    assert_eq!(finding["layer"]["createdBy"], "RUN the-step");
    assert_eq!(finding["effective"], true);
    assert_eq!(finding["evidence"]["mode"], "4755");
}

#[test]
fn privilege_that_is_new_over_the_base_is_found() {
    for (layer, failing) in [
        (Layer::new().file_mode("opt/a", "x", 0o4755), &["setuid-file /opt/a"][..]),
        (Layer::new().file_mode("opt/a", "x", 0o2755), &["setgid-file /opt/a"]),
        (Layer::new().file_mode("opt/a", "x", 0o6755), &["setgid-file /opt/a", "setuid-file /opt/a"]),
        (Layer::new().dir("opt/shared", 0o2775), &[]),
        (Layer::new().entry(Entry::char_device("opt/null", 1, 3)), &["device-node /opt/null"]),
        (Layer::new().entry(Entry::block_device("opt/sda", 8, 0)), &["device-node /opt/sda"]),
        (
            Layer::new()
                .entry(Entry::file("opt/ping", "x").mode(0o755).xattr("security.capability", CAP_NET_RAW)),
            &["file-capability /opt/ping"],
        ),
        // In libarchive's form alone, which Go's readers do not know.
        (
            Layer::new().entry(Entry::file("opt/ping", "x").mode(0o755).xattr_as(
                XattrStyle::Libarchive,
                "security.capability",
                CAP_NET_RAW,
            )),
            &["ambiguous-header /opt/ping", "file-capability /opt/ping"],
        ),
        // Another name of a setuid file is setuid too.
        (
            Layer::new()
                .file_mode("opt/a", "x", 0o4755)
                .entry(Entry::hardlink("opt/b", "opt/a").mode(0o4755)),
            &["setuid-file /opt/a", "setuid-file /opt/b"],
        ),
        (Layer::new().file_mode("opt/a", "x", 0o666), &["world-writable-file /opt/a"]),
        // It is the content that all may write, under whichever name.
        (
            Layer::new().file_mode("opt/a", "x", 0o666).entry(Entry::hardlink("opt/b", "opt/a").mode(0o666)),
            &["world-writable-file /opt/a"],
        ),
        (Layer::new().file_mode("opt/a", "x", 0o664).symlink("opt/b", "a"), &[]),
        (Layer::new().dir("opt/all", 0o777), &["world-writable-directory /opt/all"]),
        (Layer::new().dir("opt/all", 0o1777).dir("opt/group", 0o2775), &[]),
        // The same as in the base, written again.
        (Layer::new().file_mode("usr/bin/su", crate::support::elf(62, "su"), 0o4755), &[]),
        // The base's setuid program with other content is another program.
        (
            Layer::new().file_mode("usr/bin/su", "evil", 0o4755),
            &["base-file-modified /usr/bin/su", "setuid-file /usr/bin/su"],
        ),
        (
            Layer::new().file_mode("usr/bin/ls", crate::support::elf(62, "ls"), 0o4755),
            &["base-metadata-changed /usr/bin/ls", "setuid-file /usr/bin/ls"],
        ),
    ] {
        let checked = check(layer);
        let expected = failing.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(checked.failing(), expected, "{:#}", checked.report["images"][0]["findings"]);
    }
}

#[test]
fn a_capability_is_decoded() {
    let layer = Layer::new().entry(Entry::file("opt/ping", "x").xattr("security.capability", CAP_NET_RAW));
    assert_eq!(check(layer).finding("file-capability")["evidence"]["capabilities"], "cap_net_raw+ep");
}

#[test]
fn a_newline_in_a_capability_does_not_hide_it() {
    // 0x0a is cap_dac_override and cap_fowner: parsers that split PAX records on newlines lose it.
    let mut value = CAP_NET_RAW;
    value[4] = 0x0a;
    let layer = Layer::new().entry(Entry::file("opt/x", "x").xattr("security.capability", value));
    assert_eq!(check(layer).failing(), set(["file-capability /opt/x"]));
}

#[test]
fn privilege_that_a_later_layer_took_away_is_told_and_low() {
    let taken_away = with(Layer::new().file_mode("opt/a", "x", 0o4755), "RUN one")
        .layer(Layer::new().file_mode("opt/a", "x", 0o755));
    let deleted =
        with(Layer::new().file_mode("opt/a", "x", 0o4755), "RUN one").layer(Layer::new().whiteout("opt/a"));
    for image in [taken_away, deleted] {
        let checked = check_child(&image);
        assert_eq!((checked.exit, checked.failing()), (0, set([])));
        let finding = checked.finding("setuid-file");
        assert_eq!((&finding["effective"], &finding["severity"]), (&Value::Bool(false), &"low".into()));
        assert_eq!(finding["layer"]["index"], 4);
    }
}

/// A stored layer takes some bytes of a manifest each time that it is listed, and each of its files would be a finding.
#[test]
fn what_a_layer_brings_that_is_listed_again_is_told_once() {
    let label = ["RSA PRIVATE ", "KEY"].concat();
    let brings = Layer::new()
        .file_mode("opt/a", "x", 0o6777)
        .file(
            "opt/key",
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", "MIIEpAIBAAKCAQEA".repeat(8)),
        )
        .file("var/cache/apk/x", "x");
    let listed = |times: usize, last: Layer| {
        let image = (0..times).fold(clean_app(&small_base()), |image, _| image.layer(brings.clone()));
        check_child(&image.layer(last))
    };
    let told = |checked: &Checked| {
        let of = |rule: &str| checked.findings().iter().filter(|finding| finding["rule"] == rule).count();
        ["setuid-file", "setgid-file", "world-writable-file", "secret-file", "package-cache-left"].map(of)
    };
    let taken_away = || Layer::new().whiteout("opt").whiteout("var/cache/apk");
    assert_eq!(told(&listed(1, taken_away())), [1; 5]);
    let checked = listed(50, taken_away());
    assert_eq!(told(&checked), [1; 5]);
    assert_eq!(checked.finding("secret-file")["effective"], false);
    // What is there is of the last.
    let checked = listed(50, Layer::new().file("opt/b", "x"));
    assert_eq!(told(&checked), [1; 5]);
    let finding = checked.finding("secret-file");
    assert_eq!((&finding["effective"], &finding["layer"]["index"]), (&true.into(), &53.into()));
    // The same file of two layers is two findings, for each has it.
    let other = brings.clone().file("opt/c", "x");
    let two = clean_app(&small_base()).layer(brings.clone()).layer(other).layer(taken_away());
    assert_eq!(told(&check_child(&two)), [2; 5]);
}

#[test]
fn every_kind_of_change_to_the_base_is_found() {
    for (layer, failing) in [
        (Layer::new().file("etc/os-release", "other"), &["base-file-modified /etc/os-release"][..]),
        (Layer::new().symlink("bin", "opt"), &["base-file-modified /bin"]),
        (Layer::new().symlink("etc/os-release", "/x"), &["base-file-replaced /etc/os-release"]),
        (Layer::new().dir("usr/bin/sh", 0o755), &["base-file-replaced /usr/bin/sh"]),
        (Layer::new().whiteout("usr/bin/sh"), &["base-file-deleted /usr/bin/sh"]),
        (Layer::new().whiteout("etc/ssl"), &["base-file-deleted /etc/ssl"]),
        (
            Layer::new().opaque("usr/bin"),
            &[
                "base-file-deleted /usr/bin/ls",
                "base-file-deleted /usr/bin/sh",
                "base-file-deleted /usr/bin/su",
            ],
        ),
        (Layer::new().file("etc/ssl", "x"), &["base-file-deleted /etc/ssl", "base-file-replaced /etc/ssl"]),
        (Layer::new().dir("root/", 0o755), &["base-metadata-changed /root"]),
        (
            Layer::new().entry(Entry::dir("etc/ssl/").mode(0o755).owner(7, 7)),
            &["base-metadata-changed /etc/ssl"],
        ),
        (Layer::new().file("etc/os-release", os_release_of_the_base()), &[]),
        (Layer::new().dir("usr/bin/", 0o755), &[]),
    ] {
        let checked = check(layer);
        let expected = failing.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(checked.failing(), expected, "{:#}", checked.report["images"][0]["findings"]);
    }
}

fn os_release_of_the_base() -> Vec<u8> {
    let base = small_base();
    let layer = base.layers().next().unwrap();
    let members = crate::support::tar_members(&layer.tar);
    members.into_iter().find(|(name, _)| name == "etc/os-release").unwrap().1
}

#[test]
fn a_change_that_adds_privilege_is_high() {
    let severity =
        |layer| check(layer).finding("base-metadata-changed")["severity"].as_str().unwrap().to_owned();
    assert_eq!(severity(Layer::new().dir("root/", 0o755)), "medium");
    assert_eq!(severity(Layer::new().dir("root/", 0o777)), "high");
    assert_eq!(severity(Layer::new().dir("tmp/", 0o777)), "high");
    assert_eq!(severity(Layer::new().entry(Entry::dir("etc/ssl/").mode(0o755).owner(10001, 0))), "high");
    let release = os_release_of_the_base();
    let of_group = |mode, gid| {
        let file = Entry::file("etc/os-release", release.clone()).mode(mode).owner(0, gid);
        severity(Layer::new().entry(file))
    };
    assert_eq!(
        (of_group(0o664, 10001), of_group(0o644, 10001), of_group(0o664, 0)),
        ("high".into(), "medium".into(), "medium".into())
    );
    // `user:10001:rw-` beside the mode.
    let list = [2, 0, 0, 0, 2, 0, 6, 0, 0x11, 0x27, 0, 0];
    let listed = Entry::file("etc/os-release", release).xattr("system.posix_acl_access", list);
    assert_eq!(severity(Layer::new().entry(listed)), "high");
}

#[test]
fn a_deleted_directory_is_told_once_with_its_count() {
    let checked = check(Layer::new().whiteout("etc/ssl"));
    let finding = checked.finding("base-file-deleted");
    assert_eq!(finding["evidence"]["pathsBelow"], "2");
    assert_eq!(finding["layer"]["index"], 4);
}

#[test]
fn accounts_of_the_base_may_not_be_touched() {
    let passwd = crate::support::PASSWD;
    for (content, names) in [
        (format!("{passwd}new:x:500:500::/:/bin/sh\n"), vec![]),
        (passwd.replace("root:x:", "root::"), vec!["root"]),
        (
            passwd
                .lines()
                .filter(|line| !line.starts_with("daemon"))
                .map(|line| format!("{line}\n"))
                .collect(),
            vec!["daemon"],
        ),
        (format!("{passwd}toor:x:0:0::/:/bin/sh\n"), vec!["toor"]),
    ] {
        let checked = check(Layer::new().file("etc/passwd", content));
        let found: Vec<_> = checked
            .findings()
            .iter()
            .filter(|finding| finding["rule"] == "base-account-changed")
            .map(|finding| finding["evidence"]["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, names, "{:#}", checked.report["images"][0]["findings"]);
    }
}

#[test]
fn subordinate_ids_of_the_base_may_not_be_touched() {
    let ranges = "builder:100000:65536\n";
    let with = small_base().layer(Layer::new().file("etc/subuid", ranges).file("etc/subgid", ranges));
    let without = small_base();
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&with, &without]);
    for (number, (base, file, content, told)) in [
        (&with, "etc/subuid", format!("{ranges}app:165536:65536\n"), &[][..]),
        (&with, "etc/subuid", format!("{ranges}builder:0:65536\napp:0:65536\n"), &["app", "builder"]),
        (&with, "etc/subuid", format!("{ranges}builder:165536:65536\n"), &["builder"]),
        (&with, "etc/subuid", format!("{ranges}app:165535:65536\n"), &["app"]),
        (&with, "etc/subgid", format!("{ranges}app:42:1\n"), &["app"]),
        (&with, "etc/subgid", format!("{ranges}app:43:1\n"), &[]),
        (&with, "etc/subuid", "app:165536:65536\n".to_owned(), &["builder"]),
        // A file that the base does not have.
        (&without, "etc/subuid", "app:100000:65536\n".to_owned(), &[]),
        (&without, "etc/subuid", "app:0:65536\n".to_owned(), &["app"]),
    ]
    .into_iter()
    .enumerate()
    {
        let app = clean_app(base).layer(Layer::new().file(file, &content));
        let path = room.write(&format!("{number}.tar"), app.oci_archive());
        let checked = crate::harness::check_path(&path, Some(&catalog));
        let findings = checked.findings();
        let of_rule: Vec<_> =
            findings.iter().filter(|finding| finding["rule"] == "base-account-changed").collect();
        let names: Vec<_> =
            of_rule.iter().map(|finding| finding["evidence"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, told, "{content}");
        assert!(of_rule.iter().all(|finding| finding["path"] == format!("/{file}")), "{content}");
        assert_eq!(checked.exit, i32::from(!told.is_empty()), "{content}");
    }
}

#[test]
fn state_that_package_managers_touch_is_shown_and_no_more() {
    let status = |names: &[&str]| {
        let paragraphs = names.iter().map(|name| format!("Package: {name}\nVersion: 1\n\n"));
        let layer = Layer::new().file("var/lib/dpkg/status", paragraphs.collect::<String>());
        names.iter().fold(layer, |layer, name| layer.file(format!("var/lib/dpkg/info/{name}.list"), "/.\n"))
    };
    let base = small_base().layer(status(&["a"]));
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let app = clean_app(&base).layer(status(&["a", "b"]));
    let checked = crate::harness::check_path(&room.write("app.tar", app.oci_archive()), Some(&catalog));
    assert_eq!(checked.exit, 0, "{:#}", checked.report);
    assert_eq!(checked.finding("base-file-modified")["severity"], "info");
}

#[test]
fn the_timezone_of_the_base_may_be_another() {
    let zone = |target: &str| {
        Layer::new()
            .symlink("etc/localtime", target)
            .file("etc/timezone", "Etc/UTC\n")
            .file("etc/shells", "/bin/sh\n")
    };
    let base = small_base().layer(zone("/usr/share/zoneinfo/Etc/UTC"));
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    for (target, failing) in [
        ("/usr/share/zoneinfo/Europe/Berlin", set([])),
        ("../usr/share/zoneinfo/Europe/Berlin", set([])),
        ("/usr/share/zoneinfo/../../../srv/x", set(["base-file-modified /etc/localtime"])),
        ("/etc/zones", set(["base-file-modified /etc/localtime"])),
    ] {
        let layer = Layer::new()
            .symlink("etc/localtime", target)
            .file("etc/timezone", "Europe/Berlin\n")
            .file("etc/shells", "/bin/sh\n/bin/zsh\n");
        let app = clean_app(&base).layer(layer);
        let checked = crate::harness::check_path(&room.write("app.tar", app.oci_archive()), Some(&catalog));
        assert_eq!(checked.failing(), failing, "{target}");
    }
}

#[test]
fn what_was_put_back_is_told_and_low() {
    let original = os_release_of_the_base();
    let modified = with(Layer::new().file("etc/os-release", "other"), "RUN one")
        .layer(Layer::new().file("etc/os-release", original.clone()));
    let deleted = with(Layer::new().whiteout("etc/os-release"), "RUN one")
        .layer(Layer::new().file("etc/os-release", original));
    let mode = with(Layer::new().dir("root/", 0o777), "RUN one").layer(Layer::new().dir("root/", 0o700));
    for (image, rule) in
        [(modified, "base-file-modified"), (deleted, "base-file-deleted"), (mode, "base-metadata-changed")]
    {
        let checked = check_child(&image);
        assert_eq!(
            (checked.exit, checked.failing()),
            (0, set([])),
            "{rule}: {:#}",
            checked.report["images"][0]["findings"]
        );
        let finding = checked.finding(rule);
        assert_eq!((&finding["effective"], &finding["severity"]), (&Value::Bool(false), &"low".into()));
        assert_eq!(finding["layer"]["index"], 4);
    }
}

#[test]
fn a_directory_that_some_runtimes_reset_is_told_and_low() {
    // No entry for tmp/, which is 1777 in the base.
    let checked = check(Layer::new().file("tmp/x", "x"));
    assert_eq!(checked.failing(), set([]));
    let finding = checked.finding("base-metadata-changed");
    assert_eq!((&finding["path"], &finding["severity"]), (&"/tmp".into(), &"low".into()));
}

#[test]
fn package_state_may_change_and_not_be_replaced_opened_or_taken_away() {
    let base = small_base().layer(
        Layer::new()
            .dir("var/lib/dpkg/", 0o755)
            .dir("var/lib/dpkg/info/", 0o755)
            .file("var/lib/dpkg/info/a.postinst", "x")
            .file("var/lib/dpkg/status", "Package: a\n"),
    );
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    for (layer, failing) in [
        (Layer::new().symlink("var/lib/dpkg/info", "/evil"), "base-file-replaced /var/lib/dpkg/info"),
        (Layer::new().dir("var/lib/dpkg/info/", 0o777), "base-metadata-changed /var/lib/dpkg/info"),
        (Layer::new().whiteout("var/lib/dpkg/status"), "base-file-deleted /var/lib/dpkg/status"),
        (
            Layer::new().entry(
                Entry::file("var/lib/dpkg/status", "Package: a\n")
                    .xattr("system.posix_acl_access", [2, 0, 0, 0]),
            ),
            "base-metadata-changed /var/lib/dpkg/status",
        ),
    ] {
        let app = clean_app(&base).layer(layer);
        let checked = crate::harness::check_path(&room.write("app.tar", app.oci_archive()), Some(&catalog));
        assert!(checked.failing().contains(failing), "{failing}: {:?}", checked.failing());
    }
}

#[test]
fn many_changes_are_judged_in_linear_time() {
    let files = |mode| {
        (0..20_000).fold(Layer::new(), |layer, number| layer.file_mode(format!("srv/{number}"), "", mode))
    };
    let base = small_base().layer(files(0o644));
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let app = clean_app(&base).layer(files(0o600));
    let path = room.write("app.tar", app.oci_archive());
    let started = std::time::Instant::now();
    let checked = crate::harness::check_path(&path, Some(&catalog));
    assert_eq!(checked.failing().len(), 20_000);
    // Comparing each finding with each took minutes in a debug build.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
