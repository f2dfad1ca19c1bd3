//! What package managers do to the base: told as what it is, and no excuse for anything else.

use md5::{Digest as _, Md5};
use serde_json::Value;
use sha1::Sha1;

use crate::harness::{Checked, Room, check_path, set};
use crate::support::{Compression, Entry, Image, Layer};

/// A package of a test, for one of the managers.
#[derive(Clone)]
struct Package {
    name: &'static str,
    version: &'static str,
    files: Vec<(&'static str, &'static str)>,
    links: Vec<(&'static str, &'static str)>,
    conffiles: Vec<(&'static str, &'static str)>,
}

fn package(name: &'static str, version: &'static str, files: &[(&'static str, &'static str)]) -> Package {
    Package { name, version, files: files.to_vec(), links: Vec::new(), conffiles: Vec::new() }
}

impl Package {
    fn link(mut self, path: &'static str, target: &'static str) -> Self {
        self.links.push((path, target));
        self
    }

    fn conffile(mut self, path: &'static str, content: &'static str) -> Self {
        self.conffiles.push((path, content));
        self
    }

    fn paths(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.files.iter().chain(&self.conffiles).copied()
    }

    /// Its files, without the database.
    fn unpacked(&self, mut layer: Layer) -> Layer {
        for (path, content) in self.paths() {
            layer = layer.file_mode(path, content, 0o755);
        }
        self.links.iter().fold(layer, |layer, (path, target)| layer.symlink(path, target))
    }

    fn dpkg_paragraph(&self) -> String {
        let mut text = format!(
            "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n",
            self.name, self.version
        );
        for (number, (path, content)) in self.conffiles.iter().enumerate() {
            let heading = if number == 0 { "Conffiles:\n" } else { "" };
            text += &format!("{heading} /{path} {}\n", md5(content));
        }
        text + "\n"
    }

    fn dpkg_list(&self) -> String {
        let paths = self.paths().chain(self.links.iter().copied());
        // Packages name paths as before `/usr` was merged.
        let before_merge = |path: &str| path.replace("usr/bin/sed", "bin/sed");
        let mut lines = vec!["/.".to_owned(), "/usr".to_owned()];
        if self.files.iter().any(|(path, _)| path.starts_with("usr/share/sed/")) {
            lines.push("/usr/share/sed".to_owned());
        }
        lines.extend(paths.map(|(path, _)| format!("/{}", before_merge(path))));
        lines.join("\n") + "\n"
    }

    fn dpkg_sums(&self) -> String {
        let before_merge = |path: &str| path.replace("usr/bin/sed", "bin/sed");
        self.files
            .iter()
            .map(|(path, content)| format!("{}  {}\n", md5(content), before_merge(path)))
            .collect()
    }

    fn apk_record(&self) -> String {
        let mut text = format!("P:{}\nV:{}\nA:x86_64\n", self.name, self.version);
        for (path, content) in self.paths().chain(self.links.iter().copied()) {
            let (directory, name) = path.rsplit_once('/').unwrap();
            text += &format!("F:{directory}\nR:{name}\na:0:0:755\nZ:Q1{}\n", base64(&Sha1::digest(content)));
        }
        text + "\n"
    }
}

fn md5(content: &str) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * at) & 63]);
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Manager {
    Dpkg,
    Apk,
}

const MANAGERS: [Manager; 2] = [Manager::Dpkg, Manager::Apk];

impl Manager {
    /// The database that says these are installed; `told` are those whose lists are written.
    fn database(self, mut layer: Layer, installed: &[&Package], told: &[&Package]) -> Layer {
        match self {
            Self::Dpkg => {
                let status: String = installed.iter().map(|package| package.dpkg_paragraph()).collect();
                layer = layer.file("var/lib/dpkg/status", status);
                for package in told {
                    let info = format!("var/lib/dpkg/info/{}", package.name);
                    layer = layer
                        .file(format!("{info}.list"), package.dpkg_list())
                        .file(format!("{info}.md5sums"), package.dpkg_sums());
                }
                layer
            }
            Self::Apk => {
                let installed: String = installed.iter().map(|package| package.apk_record()).collect();
                layer.file("lib/apk/db/installed", installed)
            }
        }
    }

    fn base(self, packages: &[&Package]) -> Image {
        let mut layer = Layer::new()
            .symlink("bin", "usr/bin")
            .file("etc/passwd", crate::support::PASSWD)
            .file("etc/group", "root:x:0:\n")
            .file("etc/company", "the base's own");
        for package in packages {
            layer = package.unpacked(layer);
        }
        let layer = self.database(layer, packages, packages);
        Image::new().name("example.com/base:1").layer_with(layer, "ADD rootfs.tar /", Compression::Gzip(6))
    }
}

fn child(base: &Image, layer: Layer) -> Image {
    base.clone()
        .unnamed()
        .name("example.com/app:1")
        .layer_with(layer, "RUN /bin/sh -c upgrade # buildkit", Compression::Gzip(6))
        .user("10001")
}

fn check(base: &Image, layer: Layer) -> Checked {
    let room = Room::new();
    let catalog = room.catalog(&[base]);
    check_path(&room.write("image.tar", child(base, layer).oci_archive()), Some(&catalog))
}

fn sed() -> Package {
    package(
        "sed",
        "4.8-r1",
        &[("usr/bin/sed", "sed 4.8"), ("usr/share/sed/news", "old"), ("usr/lib/libsed.so.8", "8")],
    )
    .link("usr/lib/libsed.so", "libsed.so.8")
    .conffile("etc/sed.conf", "default 4.8")
}

fn newer_sed() -> Package {
    package("sed", "4.9-r0", &[("usr/bin/sed", "sed 4.9"), ("usr/lib/libsed.so.9", "9")])
        .link("usr/lib/libsed.so", "libsed.so.9")
        .conffile("etc/sed.conf", "default 4.9")
}

fn other() -> Package {
    package("other", "1.0-r0", &[("usr/bin/other", "other")])
}

/// The layer of `apt-get upgrade` or `apk upgrade`.
fn upgrade(manager: Manager) -> Layer {
    let layer = newer_sed().unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8");
    manager.database(layer, &[&newer_sed(), &other()], &[&newer_sed()])
}

fn on_base(manager: Manager, layer: impl FnOnce() -> Layer) -> Checked {
    check(&manager.base(&[&sed(), &other()]), layer())
}

fn dump(checked: &Checked) -> String {
    format!("{:#}", checked.report["images"][0]["findings"])
}

#[test]
fn installing_new_packages_is_no_change_of_the_base() {
    for manager in MANAGERS {
        let new = package("less", "590-r1", &[("usr/bin/less", "less")]);
        let layer = new.unpacked(Layer::new());
        let checked = on_base(manager, || manager.database(layer, &[&sed(), &other(), &new], &[&new]));
        assert_eq!((checked.exit, checked.failing()), (0, set([])), "{manager:?}: {}", dump(&checked));
        assert_eq!(checked.outcome("base-package-changed"), "pass");
    }
}

#[test]
fn an_upgrade_is_told_once_for_its_package_and_nothing_else_is() {
    for manager in MANAGERS {
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
    for manager in MANAGERS {
        let old = Package { version: "4.7-r9", ..newer_sed() };
        let layer = old.unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8");
        let checked = on_base(manager, || manager.database(layer, &[&old, &other()], &[&old]));
        assert_eq!(checked.failing(), set(["base-package-changed"]), "{manager:?}: {}", dump(&checked));
        assert_eq!(checked.finding("base-package-changed")["severity"], "high");
    }
}

#[test]
fn a_removed_package_is_told() {
    for manager in MANAGERS {
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
    for (manager, database) in [(Manager::Dpkg, "var/lib/dpkg"), (Manager::Apk, "lib/apk")] {
        let checked = on_base(manager, || Layer::new().whiteout(database).whiteout("usr/bin/sed"));
        assert!(checked.failing().contains("base-file-deleted /usr/bin/sed"), "{}", dump(&checked));
        assert_eq!(checked.outcome("base-package-changed"), "pass");
    }
}

#[test]
fn what_the_new_package_does_not_explain_is_tampering() {
    for manager in MANAGERS {
        let base = manager.base(&[&sed(), &other()]);
        let room = Room::new();
        let catalog = room.catalog(&[&base]);
        let after = |layer: Layer| {
            let image = child(&base, upgrade(manager)).layer(layer);
            check_path(&room.write("image.tar", image.oci_archive()), Some(&catalog)).failing()
        };
        for (layer, also) in [
            (Layer::new().file_mode("usr/bin/sed", "evil", 0o755), "base-file-modified /usr/bin/sed"),
            (Layer::new().file_mode("etc/sed.conf", "evil", 0o755), "base-file-modified /etc/sed.conf"),
            (Layer::new().symlink("usr/lib/libsed.so", "/opt/evil"), "base-file-modified /usr/lib/libsed.so"),
            (Layer::new().symlink("usr/bin/sed", "/opt/evil"), "base-file-replaced /usr/bin/sed"),
            (Layer::new().whiteout("usr/bin/sed"), "base-file-deleted /usr/bin/sed"),
            // Of a package that was not changed, and of none.
            (Layer::new().file_mode("usr/bin/other", "evil", 0o755), "base-file-modified /usr/bin/other"),
            (Layer::new().file("etc/company", "evil"), "base-file-modified /etc/company"),
            (Layer::new().whiteout("etc/company"), "base-file-deleted /etc/company"),
        ] {
            assert_eq!(after(layer), set(["base-package-changed", also]), "{manager:?}");
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
    for manager in MANAGERS {
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
    for manager in MANAGERS {
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
            set(["base-file-modified /usr/bin/sed", "base-package-changed", "setuid-file /usr/bin/sed"])
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
    for checked in [
        install("/opt/evil", pager("/usr/bin/less", "auto"), "less"),
        install("/opt/evil", pager("/opt/evil", "auto"), "less"),
        install("/usr/bin/less", pager("/usr/bin/less", "manual"), "less"),
        install("/usr/bin/less", pager("/usr/bin/less", "auto"), "not what the package says"),
        install("/usr/bin/less", "auto\n".to_owned(), "less"),
    ] {
        assert_eq!(
            checked.failing(),
            set(["base-file-modified /etc/alternatives/pager"]),
            "{}",
            dump(&checked)
        );
    }
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
    assert!(told["reason"].as_str().unwrap().contains("CAPTURED_FILE_BYTES"), "{told}");
}

#[test]
fn a_database_full_of_nonsense_stops_nothing() {
    let base = Manager::Dpkg.base(&[&sed(), &other()]);
    let nonsense =
        [&b"\xff\xfe\0\n"[..], b"Package\n: :\n\n", &[0; 4096], b"\nPackage: sed\nVersion:\n\n"].concat();
    for path in ["var/lib/dpkg/status", "var/lib/dpkg/diversions", "lib/apk/db/installed"] {
        let checked = check(&base, Layer::new().entry(Entry::file(path, &nonsense)));
        assert!(checked.exit < 2, "{path}: {}", dump(&checked));
    }
}
