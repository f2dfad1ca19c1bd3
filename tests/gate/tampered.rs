//! Files that are not what their packages say.

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use ocicheck::digest::hex;

use crate::harness::{Checked, Room, check_path, check_with, set};
use crate::packages::{check, child, dump};
use crate::support::{
    Image, Layer, Manager, Package, RpmFile, RpmPackage, md5, other, package, rpm_database, sed, upgrade,
};

const RULE: &str = "package-file-tampered";
const RPM: &str = "var/lib/rpm/Packages.db";

fn less() -> Package {
    package("less", "590-r1", &[("usr/bin/less", "less"), ("usr/lib/less/lib", "lib")])
        .link("usr/lib/less/link", "lib")
        .conffile("etc/less.conf", "default")
}

pub(crate) fn base(manager: Manager) -> Image {
    manager.base(&[&sed(), &other()])
}

/// The layer of an installation of `less`.
pub(crate) fn install(manager: Manager) -> Layer {
    let less = less();
    manager.database(less.unpacked(Layer::new()), &[&sed(), &other(), &less], &[&less])
}

/// What the rule tells of an image on the base, with `less` and one more layer.
pub(crate) fn after(manager: Manager, layer: Layer) -> Checked {
    let room = Room::new();
    let base = base(manager);
    let catalog = room.catalog(&[&base]);
    let image = child(&base, install(manager)).layer(layer);
    check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog))
}

fn told(checked: &Checked) -> Vec<(String, String)> {
    let told = checked.findings().into_iter().filter(|finding| finding["rule"] == RULE);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    told.map(|finding| (text(&finding["path"]), text(&finding["severity"]))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(path, severity)| ((*path).to_owned(), (*severity).to_owned())).collect()
}

fn reason(checked: &Checked) -> String {
    let rules = checked.report["images"][0]["rules"].as_array().unwrap();
    let told = rules.iter().find(|rule| rule["rule"] == RULE).unwrap();
    assert_eq!(told["outcome"], "not-evaluated", "{}", dump(checked));
    told["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_program_that_is_not_what_its_package_says_is_told_with_both_digests() {
    for manager in Manager::ALL {
        let checked = after(manager, Layer::new().file_mode("usr/bin/less", "evil", 0o755));
        assert_eq!(
            (checked.exit, checked.failing()),
            (1, set([&*format!("{RULE} /usr/bin/less")])),
            "{manager:?}: {}",
            dump(&checked)
        );
        let finding = checked.finding(RULE);
        assert_eq!((&finding["severity"], &finding["layer"]["index"]), (&"high".into(), &2.into()));
        let evidence = &finding["evidence"];
        assert_eq!((&evidence["package"], &evidence["version"]), (&"less".into(), &"590-r1".into()));
        let (algorithm, digest): (_, fn(&str) -> String) = match manager {
            Manager::Dpkg => ("MD5", md5),
            Manager::Apk => ("SHA-1", |text| hex(&Sha1::digest(text))),
            Manager::Rpm => ("SHA-256", |text| hex(&Sha256::digest(text))),
        };
        assert_eq!(evidence["algorithm"], algorithm);
        assert_eq!(
            (&evidence["packageDigest"], &evidence["digest"]),
            (&digest("less").into(), &digest("evil").into())
        );
    }
}

#[test]
fn configuration_is_low_and_said_to_be() {
    for manager in Manager::ALL {
        let checked = after(manager, Layer::new().file_mode("etc/less.conf", "changed", 0o755));
        assert_eq!((checked.exit, told(&checked)), (0, pairs(&[("/etc/less.conf", "low")])), "{manager:?}");
        assert!(checked.finding(RULE)["message"].as_str().unwrap().starts_with("configuration of"));
    }
}

#[test]
fn another_type_is_told_and_what_is_gone_is_not() {
    for manager in Manager::ALL {
        let linked = after(manager, Layer::new().symlink("usr/bin/less", "/opt/evil"));
        assert_eq!(told(&linked), pairs(&[("/usr/bin/less", "high")]), "{manager:?}");
        assert_eq!(linked.finding(RULE)["evidence"]["target"], "/opt/evil");
        let directory = after(manager, Layer::new().whiteout("usr/bin/less").dir("usr/bin/less/", 0o755));
        assert_eq!(told(&directory), pairs(&[("/usr/bin/less", "high")]), "{manager:?}");
        let gone = after(manager, Layer::new().whiteout("usr/bin/less").whiteout("etc/less.conf"));
        assert_eq!((gone.exit, gone.outcome(RULE)), (0, "pass"), "{}", dump(&gone));
        // dpkg tells nothing of links.
        let retargeted = after(manager, Layer::new().symlink("usr/lib/less/link", "/opt/evil"));
        let expected = pairs(&[("/usr/lib/less/link", "high")]);
        assert_eq!(told(&retargeted), if manager == Manager::Dpkg { Vec::new() } else { expected });
        // A file where a link was: dpkg lists both alike, and whose digest is nowhere cannot be compared.
        let file = after(manager, Layer::new().file("usr/lib/less/link", "evil"));
        if manager == Manager::Dpkg {
            assert!(file.exit == 2 && reason(&file).contains("/usr/lib/less/link"));
        } else {
            assert_eq!(told(&file), pairs(&[("/usr/lib/less/link", "high")]), "{manager:?}");
        }
    }
}

#[test]
fn what_the_base_rules_tell_is_not_told_twice_unless_its_package_was_changed() {
    for manager in Manager::ALL {
        // Of the base's own package, with the database as it was and with another one beside.
        for layer in [Layer::new(), install(manager)] {
            let checked = check(&base(manager), layer.file_mode("usr/bin/other", "evil", 0o755));
            assert_eq!(checked.failing(), set(["base-file-modified /usr/bin/other"]), "{manager:?}");
            assert_eq!(checked.outcome(RULE), "pass");
        }
        let room = Room::new();
        let base = base(manager);
        let catalog = room.catalog(&[&base]);
        let image =
            child(&base, upgrade(manager)).layer(Layer::new().file_mode("usr/bin/sed", "evil", 0o755));
        let checked = check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog));
        assert_eq!(told(&checked), pairs(&[("/usr/bin/sed", "high")]), "{manager:?}");
        assert!(checked.failing().contains("base-file-modified /usr/bin/sed"));
        // What the base lacks of its packages is new where it comes.
        let layer = Layer::new().whiteout("usr/bin/other");
        let without = base.layer(layer);
        let checked = check(&without, Layer::new().file_mode("usr/bin/other", "evil", 0o755));
        assert_eq!(checked.failing(), set([&*format!("{RULE} /usr/bin/other")]), "{manager:?}");
    }
}

#[test]
fn files_of_the_base_are_its_owners_affair() {
    for manager in Manager::ALL {
        let tampered = base(manager).layer(Layer::new().file_mode("usr/bin/other", "evil", 0o755));
        // Also where the same bytes are written once more.
        for layer in [Layer::new(), Layer::new().file_mode("usr/bin/other", "evil", 0o755)] {
            let checked = check(&tampered, layer.file("opt/x", "x"));
            assert_eq!((checked.exit, checked.outcome(RULE)), (0, "pass"), "{manager:?}: {}", dump(&checked));
        }
    }
}

#[test]
fn without_a_base_it_is_not_evaluated_unless_the_policy_wants_all_layers() {
    let all = "version = 1\n[rules.package-file-tampered]\nall_layers = true\n";
    for manager in Manager::ALL {
        let image = base(manager).user("10001").layer(Layer::new().file_mode("usr/bin/other", "evil", 0o755));
        let room = Room::new();
        let path = room.write("image.tar", image.oci_archive());
        let without = check_path(&path, None);
        assert_eq!(without.exit, 0, "{}", dump(&without));
        assert!(reason(&without).contains("no catalog"));
        let policy = room.write("all.toml", all);
        for profile in ["default", "base-image"] {
            let checked =
                check_with(&path, None, &["--policy", policy.to_str().unwrap(), "--profile", profile]);
            assert_eq!(
                told(&checked),
                pairs(&[("/usr/bin/other", "high")]),
                "{manager:?} {profile} {}",
                dump(&checked)
            );
            assert_eq!(checked.exit, 1);
        }
        // With a base, its layers are looked at too.
        let catalog = room.catalog(&[&image.clone()]);
        let on_it = room.write("child.tar", child(&image, Layer::new().file("opt/x", "x")).oci_archive());
        let checked = check_with(&on_it, Some(&catalog), &["--policy", policy.to_str().unwrap()]);
        assert_eq!(told(&checked), pairs(&[("/usr/bin/other", "high")]), "{manager:?}");
    }
}

#[test]
fn what_cannot_be_read_or_compared_is_no_pass() {
    let sums = "var/lib/dpkg/info/less.md5sums";
    for (layer, why) in [
        (Layer::new().whiteout(sums), "or none is told; and 1 more such"),
        (
            Layer::new().file(
                sums,
                format!("none\n{}  usr/bin/less\n{}  usr/lib/less/lib\n", md5("less"), md5("lib")),
            ),
            "1 of the lines of its lists",
        ),
        (
            Layer::new().file(sums, format!("{}  usr/bin/less\n", md5("less"))),
            "/usr/lib/less/lib of the package less",
        ),
        (
            Layer::new().whiteout(sums).whiteout("var/lib/dpkg/info/less.list"),
            "there is no list of its files",
        ),
        (Layer::new().file(sums, vec![b'\n'; (16 << 20) + 1]), "captured_file_bytes"),
        (Layer::new().file("var/lib/dpkg/status", "Package: less\n"), "could not be understood"),
    ] {
        let checked = after(Manager::Dpkg, layer);
        assert!(reason(&checked).contains(why), "{why}: {}", reason(&checked));
        assert_eq!(checked.exit, 2, "{why}");
    }
    let broken = after(Manager::Rpm, Layer::new().file(RPM, "nonsense"));
    assert!(reason(&broken).contains("neither SQLite"), "{}", reason(&broken));
    let line = "a\t1-1\t0\t0\tX\t(none)\t0\tnoarch\t0\ta-1-1.src.rpm\n";
    let manifest = Layer::new().file("var/lib/rpmmanifest/container-manifest-2", line);
    let listed = after(Manager::Rpm, manifest);
    assert!(
        reason(&listed).contains("container-manifest-2: it does not say which files"),
        "{}",
        reason(&listed)
    );
    // By an algorithm that is not known here.
    let by = |digest: &str| {
        let file = RpmFile { digest: digest.repeat(64), ..RpmFile::of("usr/bin/new", "new") };
        let layer = Layer::new().file_mode("usr/bin/new", "new", 0o755);
        let new = RpmPackage::of("new", "1-1", [file]);
        let base = Manager::Rpm.base(&[]).layer(Layer::new().file(RPM, rpm_database(&[], 8)));
        check(&base, layer.file(RPM, rpm_database(&[new], 10)))
    };
    assert!(reason(&by("ab")).contains("/usr/bin/new of the package new"), "{}", reason(&by("ab")));
}

/// With new files in it, and with one more in what the base has of it.
#[test]
fn what_a_database_that_is_not_read_may_say_is_no_pass() {
    let pacman = |package: &str| Layer::new().file(format!("var/lib/pacman/local/{package}/desc"), "x");
    let image = |layer: Layer| base(Manager::Dpkg).layer(layer);
    for (base, layer) in [(base(Manager::Dpkg), pacman("a-1")), (image(pacman("a-1")), pacman("b-1"))] {
        let checked = check(&base, layer);
        assert!(reason(&checked).contains("/var/lib/pacman/local: what pacman says"), "{}", dump(&checked));
        assert_eq!(checked.exit, 2);
    }
    let untouched = check(&image(pacman("a-1")), Layer::new().file("opt/x", "x"));
    assert_eq!((untouched.exit, untouched.outcome(RULE)), (0, "pass"), "{}", dump(&untouched));
    // A store is packages and no list of their files; what Nix says of them is elsewhere.
    let nix = |path: &str| check(&base(Manager::Dpkg), Layer::new().file(path, "x")).outcome(RULE).to_owned();
    assert_eq!(
        (&*nix("nix/store/abc-hello/hello"), &*nix("nix/var/nix/db/db.sqlite")),
        ("pass", "not-evaluated")
    );
}

#[test]
fn what_rpm_does_not_verify_is_not_told() {
    let of = |file: RpmFile, content: &str| {
        let layer = Layer::new().file_mode("usr/lib/a/state", content, 0o755);
        let database = rpm_database(&[RpmPackage::of("a", "1-1", [file])], 8);
        let base = Manager::Rpm.base(&[]).layer(Layer::new().file(RPM, rpm_database(&[], 8)));
        told(&check(&base, layer.file(RPM, database)))
    };
    let file = || RpmFile::of("usr/lib/a/state", "packed");
    let high = pairs(&[("/usr/lib/a/state", "high")]);
    assert_eq!(of(file(), "packed"), pairs(&[]));
    assert_eq!(of(file(), "other"), high);
    // Documentation is verified as all else.
    assert_eq!(of(file().flags(2), "other"), high);
    assert_eq!(of(file().flags(RpmFile::CONFIG), "other"), pairs(&[("/usr/lib/a/state", "low")]));
    assert_eq!(of(file().flags(RpmFile::GHOST), "other"), pairs(&[]));
    assert_eq!(of(file().state(RpmFile::REPLACED), "other"), pairs(&[]));
    // A link to a directory serves as one; nothing else does.
    let link = |target: &str| {
        let layer = Layer::new().symlink("usr/lib/a", target).dir("usr/lib/b/", 0o755);
        let package = RpmPackage::of("a", "1-1", [RpmFile::directory("usr/lib/a", 0o755)]);
        let base = Manager::Rpm.base(&[]).layer(Layer::new().file(RPM, rpm_database(&[], 8)));
        told(&check(&base, layer.file(RPM, rpm_database(&[package], 8))))
    };
    assert_eq!(link("b"), pairs(&[]));
    assert_eq!(link("nowhere"), pairs(&[("/usr/lib/a", "high")]));
}

#[test]
fn what_dpkg_put_aside_or_brings_no_more_is_not_told() {
    let less = |conffile: &str, content: &str| {
        let paragraph = format!(
            "Package: less\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/less.conf {conffile}\n\n"
        );
        let status = sed().dpkg_paragraph() + &other().dpkg_paragraph() + &paragraph;
        let layer = Layer::new()
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/less.list", "/.\n/bin/less\n/etc/less.conf\n")
            .file("var/lib/dpkg/info/less.md5sums", format!("{}  bin/less\n", md5("less")));
        layer.file_mode("usr/bin/less", content, 0o755).file("etc/less.conf", "changed")
    };
    let on_base = |layer: Layer| told(&check(&base(Manager::Dpkg), layer));
    let packed = md5("default");
    assert_eq!(on_base(less(&packed, "less")), pairs(&[("/etc/less.conf", "low")]));
    assert_eq!(on_base(less(&format!("{packed} obsolete"), "less")), pairs(&[]));
    assert_eq!(on_base(less("newconffile", "less")), pairs(&[]));
    let high = pairs(&[("/usr/bin/less", "high")]);
    assert_eq!(on_base(less("newconffile", "evil")), high);
    // Its own program is elsewhere, and the one in its place is nobody's.
    let diverted = |content: &str| {
        let diversions = "/bin/less\n/bin/less.real\n:\n";
        let layer = less("newconffile", "a wrapper").file("var/lib/dpkg/diversions", diversions);
        on_base(layer.file_mode("usr/bin/less.real", content, 0o755))
    };
    assert_eq!(diverted("less"), pairs(&[]));
    assert_eq!(diverted("evil"), pairs(&[("/usr/bin/less.real", "high")]));
}

#[test]
fn a_path_of_several_packages_is_what_one_of_them_says() {
    let packages = |contents: [&'static str; 2]| {
        ["a", "b"]
            .into_iter()
            .zip(contents)
            .map(|(name, content)| package(name, "1", &[("usr/bin/both", content)]))
    };
    for manager in Manager::ALL {
        let on_base = |contents: [&'static str; 2]| {
            let new: Vec<_> = packages(contents).collect();
            let (sed, other) = (sed(), other());
            let all: Vec<_> = [&sed, &other].into_iter().chain(&new).collect();
            let layer = Layer::new().file_mode("usr/bin/both", "there", 0o755);
            told(&check(&base(manager), manager.database(layer, &all, &new.iter().collect::<Vec<_>>())))
        };
        assert_eq!(on_base(["there", "there"]), pairs(&[]), "{manager:?}");
        assert_eq!(on_base(["other", "there"]), pairs(&[]), "{manager:?}");
        assert_eq!(on_base(["there", "other"]), pairs(&[]), "{manager:?}");
        assert_eq!(on_base(["other", "another"]), pairs(&[("/usr/bin/both", "high")]), "{manager:?}");
    }
}

#[test]
fn an_upgrade_and_an_installation_are_as_their_packages_say() {
    for manager in Manager::ALL {
        assert_eq!(check(&base(manager), upgrade(manager)).outcome(RULE), "pass", "{manager:?}");
        let checked = check(&base(manager), install(manager));
        assert_eq!((checked.exit, checked.outcome(RULE)), (0, "pass"), "{manager:?}: {}", dump(&checked));
        // Configuration of before that was kept.
        let kept = upgrade(manager).file_mode("etc/sed.conf", "default 4.8", 0o755);
        assert_eq!(told(&check(&base(manager), kept)), pairs(&[("/etc/sed.conf", "low")]), "{manager:?}");
    }
}
