//! A small image that passes, in every form, and an engine that judges it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[allow(clippy::duplicate_mod, reason = "scan/archives has its own copy of one file of it, for its tests")]
#[path = "../../../tests/support/mod.rs"]
pub(super) mod support;

use self::support::{Compression, DockerForm, Image, Layer};
use crate::engine::{Checked, Engine};
use crate::policy::{Choice, Policy};
use crate::report::Verdict;
use crate::source::{Input, Selection};

/// The rules that tell that bytes are not what a digest says.
const INTEGRITY: [&str; 5] =
    ["blob-missing", "diff-id-mismatch", "digest-mismatch", "layer-count-mismatch", "layer-unsupported"];

pub(super) struct Room(tempfile::TempDir);

impl Room {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Judges by the built-in policy, on a day that stays the same.
pub(super) fn engine() -> Engine {
    let choice = Choice { at: Some(jiff::civil::date(2026, 1, 2)), ..Choice::default() };
    Engine {
        policy: Policy::built_in(choice).unwrap(),
        catalog: None,
        facts_files: None,
        advisories: None,
        cache: None,
        read_before: None,
        selection: Selection::default(),
    }
}

/// Two layers; the accounts are behind a symlink, so a second read is needed to know the user.
pub(super) fn image() -> Image {
    let accounts = "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/false\n";
    let base = Layer::new().file("usr/lib/passwd", accounts).symlink("etc/passwd", "../usr/lib/passwd");
    let app = Layer::new().file_mode("app", "#!/bin/sh\n", 0o755);
    Image::new()
        .layer_with(base, "ADD rootfs.tar /", Compression::Gzip(6))
        .layer_with(app, "COPY app /", Compression::None)
        .user("app")
        .entrypoint(&["/app"])
        .health_check(&["/app"])
        .name("example.com/app:1")
}

/// The same in one layer, stored so: the smallest that there is something to spoil in.
pub(super) fn smallest(compression: Compression) -> Image {
    let layer = Layer::new().file("a", "x");
    Image::new().layer_with(layer, "COPY a /", compression).user("1000")
}

/// The archive forms of an image, each with what it is called.
pub(super) fn archives(image: &Image) -> Vec<(&'static str, Vec<u8>)> {
    let oci = image.oci_archive();
    vec![
        ("docker", image.docker_archive(DockerForm::Podman)),
        ("kaniko", image.docker_archive(DockerForm::Kaniko)),
        ("hybrid", image.docker_archive(DockerForm::Hybrid)),
        ("v1", image.docker_archive(DockerForm::RepositoriesOnly)),
        ("gzip", Compression::Gzip(6).compress(&oci)),
        ("zstd", Compression::Zstd(3).compress(&oci)),
        ("oci", oci),
    ]
}

pub(super) fn check(engine: &Engine, path: &Path) -> Checked {
    engine.check(&Input::Path(path.to_owned()), &())
}

/// Whether all was checked, and passes: exit status 0.
pub(super) fn passes(checked: &Checked) -> bool {
    checked.errors.is_empty()
        && !checked.images.is_empty()
        && checked.images.iter().all(|image| image.verdict == Verdict::Pass)
}

/// Whether something could not be checked: exit status 2.
pub(super) fn is_error(checked: &Checked) -> bool {
    !checked.errors.is_empty() || checked.images.iter().any(|image| image.verdict == Verdict::Error)
}

/// What was found: rule and message, each once.
pub(super) fn found(checked: &Checked) -> BTreeSet<(&'static str, String)> {
    let findings = checked.images.iter().flat_map(|image| &image.findings);
    findings.map(|finding| (finding.rule, finding.message.to_string())).collect()
}

/// The images as the report tells them.
pub(super) fn told(checked: &Checked) -> String {
    serde_json::to_string(&checked.images).unwrap()
}

/// Whether it is told that bytes are not what they should be, or could not be read.
pub(super) fn tells_integrity(checked: &Checked) -> bool {
    is_error(checked) || found(checked).iter().any(|(rule, _)| INTEGRITY.contains(rule))
}
