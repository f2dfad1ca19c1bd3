//! What package managers do to the base: told as what it is, and no excuse for anything else.

use serde_json::Value;

use crate::harness::{Checked, Room, check_path, set};
use crate::support::{
    Compression, Entry, Image, Layer, Manager, Package, newer_sed, other, package, sed, upgrade,
};

pub(crate) fn child(base: &Image, layer: Layer) -> Image {
    base.clone()
        .unnamed()
        .name("example.com/app:1")
        .layer_with(layer, "RUN /bin/sh -c upgrade # buildkit", Compression::Gzip(6))
        .user("10001")
}

pub(crate) fn check(base: &Image, layer: Layer) -> Checked {
    let room = Room::new();
    let catalog = room.catalog(&[base]);
    check_path(&room.write("image.tar", child(base, layer).oci_archive()), Some(&catalog))
}

fn on_base(manager: Manager, layer: impl FnOnce() -> Layer) -> Checked {
    check(&manager.base(&[&sed(), &other()]), layer())
}

pub(crate) fn dump(checked: &Checked) -> String {
    format!("{:#}", checked.report["images"][0]["findings"])
}

#[test]
fn installing_new_packages_is_no_change_of_the_base() {
    for manager in Manager::ALL {
        let new = package("less", "590-r1", &[("usr/bin/less", "less")]);
        let layer = new.unpacked(Layer::new());
        let checked = on_base(manager, || manager.database(layer, &[&sed(), &other(), &new], &[&new]));
        assert_eq!((checked.exit, checked.failing()), (0, set([])), "{manager:?}: {}", dump(&checked));
        assert_eq!(checked.outcome("base-package-changed"), "pass");
    }
}

#[test]
fn an_upgrade_is_told_once_for_its_package_and_nothing_else_is() {
    for manager in Manager::ALL {
        let checked = on_base(manager, || upgrade(manager));
        let failing = checked.failing();
        assert_eq!(failing, set(["base-package-changed"]), "{manager:?}: {}", dump(&checked));
        let finding = checked.finding("base-package-changed");
        assert_eq!(finding["severity"], "medium");
        assert_eq!(finding["evidence"]["name"], "sed");
        assert_eq!(finding["evidence"]["baseVersion"], "4.8-r1");
        assert_eq!(finding["evidence"]["version"], "4.9-r0");
        assert_eq!(finding["layer"]["createdBy"], "RUN upgrade");
        let paths: Vec<_> = finding["evidence"]["paths"].as_array().unwrap().iter().collect();
        for path in ["/etc/sed.conf", "/usr/bin/sed", "/usr/lib/libsed.so", "/usr/share/sed/news"] {
            assert!(paths.contains(&&Value::from(path)), "{manager:?}: {path} in {paths:?}");
        }
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains("is upgraded from 4.8-r1 to 4.9-r0") && message.contains("say themselves"));
    }
}

#[test]
fn a_downgrade_is_high() {
    for manager in Manager::ALL {
        let old = Package { version: "4.7-r9", ..newer_sed() };
        let layer = old.unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8");
        let checked = on_base(manager, || manager.database(layer, &[&old, &other()], &[&old]));
        assert_eq!(checked.failing(), set(["base-package-changed"]), "{manager:?}: {}", dump(&checked));
        assert_eq!(checked.finding("base-package-changed")["severity"], "high");
    }
}

#[test]
fn a_removed_package_is_told() {
    for manager in Manager::ALL {
        let layer = Layer::new()
            .whiteout("usr/bin/sed")
            .whiteout("usr/share/sed")
            .whiteout("usr/lib/libsed.so.8")
            .whiteout("usr/lib/libsed.so")
            .whiteout("etc/sed.conf");
        let checked = on_base(manager, || manager.database(layer, &[&other()], &[]));
        assert_eq!(checked.failing(), set(["base-package-changed"]), "{manager:?}: {}", dump(&checked));
        let finding = checked.finding("base-package-changed");
        assert_eq!(
            (&finding["severity"], &finding["evidence"]["version"]),
            (&"medium".into(), &"none".into())
        );
    }
}

#[test]
fn configuration_left_behind_is_no_installed_package() {
    let removed = sed().dpkg_paragraph().replace("install ok installed", "deinstall ok config-files");
    let layer = Layer::new()
        .whiteout("usr/bin/sed")
        .whiteout("usr/share/sed")
        .whiteout("usr/lib/libsed.so.8")
        .whiteout("usr/lib/libsed.so")
        .file("var/lib/dpkg/status", removed + &other().dpkg_paragraph())
        .file("var/lib/dpkg/info/sed.list", "/etc/sed.conf\n")
        .whiteout("var/lib/dpkg/info/sed.md5sums");
    let checked = on_base(Manager::Dpkg, || layer);
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
    assert_eq!(checked.finding("base-package-changed")["evidence"]["version"], "none");
}

#[test]
fn a_database_that_is_gone_removes_no_package() {
    let places = ["var/lib/dpkg", "lib/apk", "var/lib/rpm"];
    for (manager, database) in Manager::ALL.into_iter().zip(places) {
        let checked = on_base(manager, || Layer::new().whiteout(database).whiteout("usr/bin/sed"));
        assert!(checked.failing().contains("base-file-deleted /usr/bin/sed"), "{}", dump(&checked));
        assert_eq!(checked.outcome("base-package-changed"), "pass");
    }
}

#[test]
fn what_the_new_package_does_not_explain_is_tampering() {
    for manager in Manager::ALL {
        let base = manager.base(&[&sed(), &other()]);
        let room = Room::new();
        let catalog = room.catalog(&[&base]);
        let after = |layer: Layer| {
            let image = child(&base, upgrade(manager)).layer(layer);
            check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog)).failing()
        };
        let tampered_sed = Some("package-file-tampered /usr/bin/sed");
        // dpkg tells nothing of links.
        let tampered_link =
            Some("package-file-tampered /usr/lib/libsed.so").filter(|_| manager != Manager::Dpkg);
        for (layer, also, tampered) in [
            (
                Layer::new().file_mode("usr/bin/sed", "evil", 0o755),
                "base-file-modified /usr/bin/sed",
                tampered_sed,
            ),
            (Layer::new().file_mode("etc/sed.conf", "evil", 0o755), "base-file-modified /etc/sed.conf", None),
            (
                Layer::new().symlink("usr/lib/libsed.so", "/opt/evil"),
                "base-file-modified /usr/lib/libsed.so",
                tampered_link,
            ),
            (
                Layer::new().symlink("usr/bin/sed", "/opt/evil"),
                "base-file-replaced /usr/bin/sed",
                tampered_sed,
            ),
            (Layer::new().whiteout("usr/bin/sed"), "base-file-deleted /usr/bin/sed", None),
            // Of a package that was not changed, and of none.
            (
                Layer::new().file_mode("usr/bin/other", "evil", 0o755),
                "base-file-modified /usr/bin/other",
                None,
            ),
            (Layer::new().file("etc/company", "evil"), "base-file-modified /etc/company", None),
            (Layer::new().whiteout("etc/company"), "base-file-deleted /etc/company", None),
        ] {
            let expected = set(["base-package-changed", also].into_iter().chain(tampered));
            assert_eq!(after(layer), expected, "{manager:?}");
        }
        let privileged = after(Layer::new().file_mode("usr/bin/sed", "sed 4.9", 0o4755));
        assert_eq!(
            privileged,
            set(["base-metadata-changed /usr/bin/sed", "base-package-changed", "setuid-file /usr/bin/sed"])
        );
    }
}

#[test]
fn a_forged_upgrade_gives_no_less_than_medium() {
    for manager in Manager::ALL {
        // File, digest and version all rewritten, by someone who is no package manager.
        let forged = Package { version: "4.8-r2", files: vec![("usr/bin/sed", "evil")], ..sed() };
        let layer = Layer::new().file_mode("usr/bin/sed", "evil", 0o755);
        let checked = on_base(manager, || manager.database(layer, &[&forged, &other()], &[&forged]));
        assert_eq!(
            (checked.exit, checked.failing()),
            (1, set(["base-package-changed"])),
            "{}",
            dump(&checked)
        );
        // The version alone, which would hide what it is vulnerable to.
        let renamed = Package { version: "99", ..sed() };
        let checked = on_base(manager, || manager.database(Layer::new(), &[&renamed, &other()], &[]));
        assert_eq!(
            (checked.exit, checked.failing()),
            (1, set(["base-package-changed"])),
            "{}",
            dump(&checked)
        );
        // Digest and file, but no version: nothing is explained.
        let same = Package { files: vec![("usr/bin/sed", "evil")], ..sed() };
        let layer = Layer::new().file_mode("usr/bin/sed", "evil", 0o755);
        let checked = on_base(manager, || manager.database(layer, &[&same, &other()], &[&same]));
        assert_eq!(checked.failing(), set(["base-file-modified /usr/bin/sed"]), "{}", dump(&checked));
        // A package of the layers' own that claims the file of another.
        let claims = package("evil", "1", &[("usr/bin/sed", "evil")]);
        let layer = Layer::new().file_mode("usr/bin/sed", "evil", 0o755);
        let checked = on_base(manager, || manager.database(layer, &[&sed(), &other(), &claims], &[&claims]));
        assert_eq!(checked.failing(), set(["base-file-modified /usr/bin/sed"]), "{}", dump(&checked));
    }
}

#[test]
fn a_setuid_program_that_its_package_brought_anew_is_no_new_privilege() {
    for manager in Manager::ALL {
        let base = manager.base(&[&sed(), &other()]);
        let setuid = |content: &str| Layer::new().file_mode("usr/bin/sed", content, 0o4755);
        let base = base.layer(setuid("sed 4.8"));
        let without = upgrade(manager);
        let room = Room::new();
        let catalog = room.catalog(&[&base]);
        let image = child(&base, without).layer(setuid("sed 4.9"));
        let checked = check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog));
        assert_eq!(checked.failing(), set(["base-package-changed"]), "{manager:?}: {}", dump(&checked));
        let image = child(&base, upgrade(manager)).layer(setuid("evil"));
        let checked = check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog));
        assert_eq!(
            checked.failing(),
            set([
                "base-file-modified /usr/bin/sed",
                "base-package-changed",
                "package-file-tampered /usr/bin/sed",
                "setuid-file /usr/bin/sed"
            ])
        );
    }
}

#[test]
fn a_diverted_file_is_looked_for_where_it_is() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]);
    let diverted = Layer::new()
        .file("var/lib/dpkg/diversions", "/bin/sed\n/bin/sed.real\n:\n")
        .whiteout("usr/bin/sed")
        .file_mode("usr/bin/sed.real", "sed 4.8", 0o755);
    let base = base.layer(diverted);
    let layer = Layer::new()
        .file_mode("usr/bin/sed.real", "sed 4.9", 0o755)
        .file_mode("usr/lib/libsed.so.9", "9", 0o755)
        .symlink("usr/lib/libsed.so", "libsed.so.9")
        .file_mode("etc/sed.conf", "default 4.9", 0o755)
        .whiteout("usr/share/sed")
        .whiteout("usr/lib/libsed.so.8");
    let layer = Manager::Dpkg.database(layer, &[&newer_sed(), &other()], &[&newer_sed()]);
    let checked = check(&base, layer);
    assert_eq!(checked.failing(), set(["base-package-changed"]), "{}", dump(&checked));
}

/// `more` is the base's pager, and `less` has a higher priority.
fn pager(best: &str, mode: &str) -> String {
    let less = if best.is_empty() { String::new() } else { format!("{best}\n77\n\n") };
    format!(
        "{mode}\n/usr/bin/pager\npager.1.gz\n/usr/share/man/man1/pager.1.gz\n\n/usr/bin/other\n50\n\n{less}\n"
    )
}

#[test]
fn an_alternative_leads_where_packages_say_or_is_tampering() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]).layer(
        Layer::new()
            .symlink("usr/bin/pager", "/etc/alternatives/pager")
            .symlink("etc/alternatives/pager", "/usr/bin/other")
            .file("var/lib/dpkg/alternatives/pager", pager("", "auto")),
    );
    let new = package("less", "590-r1", &[("usr/bin/less", "less")]);
    let install = |target: &str, record: String, content: &str| {
        let layer = Layer::new()
            .file_mode("usr/bin/less", content, 0o755)
            .symlink("etc/alternatives/pager", target)
            .file("var/lib/dpkg/alternatives/pager", record);
        check(&base, Manager::Dpkg.database(layer, &[&sed(), &other(), &new], &[&new]))
    };
    let honest = install("/usr/bin/less", pager("/usr/bin/less", "auto"), "less");
    assert_eq!((honest.exit, honest.failing()), (0, set([])), "{}", dump(&honest));
    let told = honest.findings().into_iter().find(|finding| finding["path"] == "/etc/alternatives/pager");
    assert_eq!(told.unwrap()["severity"], "low");
    for (checked, also) in [
        (install("/opt/evil", pager("/usr/bin/less", "auto"), "less"), None),
        (install("/opt/evil", pager("/opt/evil", "auto"), "less"), None),
        (install("/usr/bin/less", pager("/usr/bin/less", "manual"), "less"), None),
        (
            install("/usr/bin/less", pager("/usr/bin/less", "auto"), "not what the package says"),
            Some("package-file-tampered /usr/bin/less"),
        ),
        (install("/usr/bin/less", "auto\n".to_owned(), "less"), None),
    ] {
        assert_eq!(
            checked.failing(),
            set(["base-file-modified /etc/alternatives/pager"].into_iter().chain(also)),
            "{}",
            dump(&checked)
        );
    }
}

/// The names that go with an alternative are links of the base as well, and may be programs.
#[test]
fn what_goes_with_an_alternative_leads_where_packages_say_or_is_tampering() {
    let record = |public: &str, goes_with: &str, choices: &[(&str, &str)]| {
        let choices: String =
            choices.iter().map(|(program, with)| format!("{program}\n50\n{with}\n")).collect();
        format!("auto\n/usr/bin/{public}\n{goes_with}\n/usr/bin/{goes_with}\n\n{choices}\n")
    };
    let base = Manager::Dpkg.base(&[&sed(), &other()]).layer(
        Layer::new()
            .symlink("etc/alternatives/awk", "/usr/bin/other")
            .symlink("etc/alternatives/nawk", "/usr/bin/other")
            .file(
                "var/lib/dpkg/alternatives/awk",
                record("awk", "nawk", &[("/usr/bin/other", "/usr/bin/other")]),
            ),
    );
    let gawk = package("gawk", "5.2-r1", &[("usr/bin/gawk", "gawk")]);
    let install = |links: &[(&str, &str)], records: &[(&str, String)]| {
        let layer =
            Layer::new().file_mode("usr/bin/gawk", "gawk", 0o755).file_mode("opt/evil", "evil", 0o755);
        let layer = links
            .iter()
            .fold(layer, |layer, (name, target)| layer.symlink(format!("etc/alternatives/{name}"), target));
        let layer = records.iter().fold(layer, |layer, (name, record)| {
            layer.file(format!("var/lib/dpkg/alternatives/{name}"), record)
        });
        let checked = check(&base, Manager::Dpkg.database(layer, &[&sed(), &other(), &gawk], &[&gawk]));
        (checked.failing(), dump(&checked))
    };
    let links = |of_nawk: &'static str| [("awk", "/usr/bin/gawk"), ("nawk", of_nawk)];
    let awk = |of_nawk: &str| ("awk", record("awk", "nawk", &[("/usr/bin/gawk", of_nawk)]));
    for with in ["/usr/bin/gawk", "/usr/share/man/left-out"] {
        let (failing, report) = install(&links(with), &[awk(with)]);
        assert_eq!(failing, set([]), "{with} {report}");
    }
    let tampered = set(["base-file-modified /etc/alternatives/nawk"]);
    assert_eq!(install(&links("/opt/evil"), &[awk("/opt/evil")]).0, tampered);
    // Another record takes the name.
    let stolen = ("zz", record("zz", "nawk", &[("/usr/bin/gawk", "/usr/bin/gawk")]));
    assert_eq!(install(&[("nawk", "/usr/bin/gawk")], &[stolen]).0, tampered);
}

#[test]
fn a_package_list_too_large_to_read_is_no_pass() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]);
    let huge = vec![b'\n'; (16 << 20) + 1];
    let layer = Manager::Dpkg
        .database(newer_sed().unpacked(Layer::new()), &[&newer_sed(), &other()], &[])
        .file("var/lib/dpkg/info/sed.list", huge);
    let checked = check(&base, layer);
    assert_eq!(checked.exit, 2, "{}", dump(&checked));
    let rules = checked.report["images"][0]["rules"].as_array().unwrap();
    let told = rules.iter().find(|rule| rule["rule"] == "base-package-changed").unwrap();
    assert!(told["reason"].as_str().unwrap().contains("captured_file_bytes"), "{told}");
}

#[test]
fn a_database_full_of_nonsense_stops_nothing() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]);
    let nonsense =
        [&b"\xff\xfe\0\n"[..], b"Package\n: :\n\n", &[0; 4096], b"\nPackage: sed\nVersion:\n\n"].concat();
    for (path, outcome) in [
        // Whose packages nobody knows, whose files cannot be held to them.
        ("var/lib/dpkg/status", "not-evaluated"),
        ("var/lib/dpkg/diversions", "pass"),
        ("lib/apk/db/installed", "not-evaluated"),
    ] {
        let checked = check(&base, Layer::new().entry(Entry::file(path, &nonsense)));
        assert_eq!(checked.outcome("package-file-tampered"), outcome, "{path}: {}", dump(&checked));
        assert_ne!(checked.outcome("base-package-changed"), "not-evaluated", "{path}: {}", dump(&checked));
    }
}
