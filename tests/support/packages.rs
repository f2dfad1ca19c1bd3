//! A package and its upgrade, in the databases of each manager.

use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::entry::base64;
use super::rpm::{RpmFile, RpmPackage, rpm_database};
use super::samples::PASSWD;
use super::{Compression, Image, Layer};

/// A package of a test, for one of the managers.
#[derive(Clone)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub files: Vec<(&'static str, &'static str)>,
    pub links: Vec<(&'static str, &'static str)>,
    pub conffiles: Vec<(&'static str, &'static str)>,
}

pub fn package(name: &'static str, version: &'static str, files: &[(&'static str, &'static str)]) -> Package {
    Package { name, version, files: files.to_vec(), links: Vec::new(), conffiles: Vec::new() }
}

impl Package {
    pub fn link(mut self, path: &'static str, target: &'static str) -> Self {
        self.links.push((path, target));
        self
    }

    pub fn conffile(mut self, path: &'static str, content: &'static str) -> Self {
        self.conffiles.push((path, content));
        self
    }

    fn paths(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.files.iter().chain(&self.conffiles).copied()
    }

    /// Its files, without the database.
    pub fn unpacked(&self, mut layer: Layer) -> Layer {
        for (path, content) in self.paths() {
            layer = layer.file_mode(path, content, 0o755);
        }
        self.links.iter().fold(layer, |layer, (path, target)| layer.symlink(path, target))
    }

    pub fn dpkg_paragraph(&self) -> String {
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
        let mut lines = vec!["/.".to_owned(), "/usr".to_owned()];
        lines.extend(self.directory().map(|path| format!("/{path}")));
        lines.extend(paths.map(|(path, _)| format!("/{}", before_merge(path))));
        lines.join("\n") + "\n"
    }

    fn dpkg_sums(&self) -> String {
        self.files
            .iter()
            .map(|(path, content)| format!("{}  {}\n", md5(content), before_merge(path)))
            .collect()
    }

    /// The one that it lists.
    fn directory(&self) -> Option<&'static str> {
        self.files.iter().any(|(path, _)| path.starts_with("usr/share/sed/")).then_some("usr/share/sed")
    }

    /// As in rpm's database, with digests by SHA-256.
    pub fn rpm(&self) -> RpmPackage {
        let file = |(path, content): &(&str, &str)| RpmFile::of(&before_merge(path), content);
        let files = self.files.iter().map(file);
        let conffiles = self.conffiles.iter().map(|told| file(told).flags(RpmFile::CONFIG));
        let links = self.links.iter().map(|(path, target)| RpmFile::link(path, target));
        let directories = self.directory().map(|path| RpmFile::directory(path, 0o755));
        let files = files.chain(conffiles).chain(links).chain(directories);
        RpmPackage::of(self.name, self.version, files)
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

/// Packages name paths as before `/usr` was merged.
fn before_merge(path: &str) -> String {
    path.replace("usr/bin/sed", "bin/sed")
}

pub fn md5(content: &str) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whose database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manager {
    Dpkg,
    Apk,
    Rpm,
}

impl Manager {
    pub const ALL: [Self; 3] = [Self::Dpkg, Self::Apk, Self::Rpm];

    /// The database that says these are installed; `told` are those whose lists are written.
    pub fn database(self, mut layer: Layer, installed: &[&Package], told: &[&Package]) -> Layer {
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
            Self::Rpm => {
                let installed: Vec<_> = installed.iter().map(|package| package.rpm()).collect();
                layer.file("var/lib/rpm/Packages.db", rpm_database(&installed, 8))
            }
        }
    }

    /// An image in which they are installed, with a file and accounts of the company's own.
    pub fn base(self, packages: &[&Package]) -> Image {
        let mut layer = Layer::new()
            .symlink("bin", "usr/bin")
            .file("etc/passwd", PASSWD)
            .file("etc/group", "root:x:0:\n")
            .file("etc/company", "the base's own");
        for package in packages {
            layer = package.unpacked(layer);
        }
        let layer = self.database(layer, packages, packages);
        Image::new().name("example.com/base:1").layer_with(layer, "ADD rootfs.tar /", Compression::Gzip(6))
    }
}

pub fn sed() -> Package {
    package(
        "sed",
        "4.8-r1",
        &[("usr/bin/sed", "sed 4.8"), ("usr/share/sed/news", "old"), ("usr/lib/libsed.so.8", "8")],
    )
    .link("usr/lib/libsed.so", "libsed.so.8")
    .conffile("etc/sed.conf", "default 4.8")
}

pub fn newer_sed() -> Package {
    package("sed", "4.9-r0", &[("usr/bin/sed", "sed 4.9"), ("usr/lib/libsed.so.9", "9")])
        .link("usr/lib/libsed.so", "libsed.so.9")
        .conffile("etc/sed.conf", "default 4.9")
}

pub fn other() -> Package {
    package("other", "1.0-r0", &[("usr/bin/other", "other")])
}

/// The layer of `apt-get upgrade`, `apk upgrade` or `dnf upgrade`.
pub fn upgrade(manager: Manager) -> Layer {
    manager.database(unpacked_upgrade(), &[&newer_sed(), &other()], &[&newer_sed()])
}

/// The same, but for the database.
pub fn unpacked_upgrade() -> Layer {
    newer_sed().unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8")
}
