//! Other programs as judges.

use crate::support::{Compression, DockerForm, Entry, Image, Layer, SparseFormat, Zip, small_base};
use crate::{rich_image, sparse_content, sparse_entry};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs a program; `None` when it is not installed, and says so. Stops the test when the program refuses.
fn judge(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {arguments:?}: {said}");
            Some(output.stdout)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {program} not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Skopeo reads the config, then copies, and so verifies, the whole image.
fn skopeo_accepts(reference: &str, image: &Image) {
    let arguments = ["inspect", "--config", "--raw", reference];
    let Some(config) = judge("skopeo", &arguments) else {
        return;
    };
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config, image.config_value(), "{reference}");
    let copy = tempfile::tempdir().unwrap();
    let target = format!("dir:{}", copy.path().display());
    judge("skopeo", &["--insecure-policy", "copy", reference, &target]);
}

#[test]
fn skopeo_accepts_docker_archives() {
    let dir = tempfile::tempdir().unwrap();
    let image = rich_image();
    for form in DockerForm::ALL {
        if form == DockerForm::RepositoriesOnly {
            continue; // older than what skopeo reads
        }
        let file = dir.path().join(format!("{form:?}.tar"));
        std::fs::write(&file, image.docker_archive(form)).unwrap();
        skopeo_accepts(&format!("docker-archive:{}", file.display()), &image);
    }
}

#[test]
fn skopeo_accepts_oci_archives_and_layouts() {
    let dir = tempfile::tempdir().unwrap();
    let image = rich_image().unnamed().name("example.com/app:1");
    let docker = image.clone().docker_types();
    let zstd = image.clone().recompressed(Compression::Zstd(3));
    let frames = image.clone().recompressed(Compression::ZstdFrames { frames: 3, skippable: true });
    let members = image.clone().recompressed(Compression::GzipMembers(3));
    let all = [&image, &docker, &zstd, &frames, &members];
    for (i, image) in all.into_iter().enumerate() {
        let path = dir.path().join(i.to_string());
        image.oci_dir(&path);
        skopeo_accepts(&format!("oci:{}", path.display()), image);
    }
    for (name, bytes) in [
        ("plain.tar", image.oci_archive()),
        ("dotted.tar", image.oci_archive_dotted()),
        ("packed.tar.gz", Compression::Gzip(6).compress(&image.oci_archive())),
    ] {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        skopeo_accepts(&format!("oci-archive:{}", file.display()), &image);
    }
}

#[test]
fn umoci_unpacks_what_the_layers_say() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    // Umoci, as Go programs do, takes PAX sparse files for regular ones and refuses the type flag of GNU's.
    let sparse = [SparseFormat::Pax00, SparseFormat::Pax01, SparseFormat::Pax10];
    let image = small_base()
        .unnamed()
        .name("example.com/app:1")
        .layer(
            Layer::new()
                .whiteout("etc/group")
                .entry(Entry::file(&long, "gnu"))
                .entry(Entry::file("pax", "pax").pax_path().xattr("user.x", "a\nb"))
                .entry(Entry::hardlink("linked", "pax")),
        )
        .layer(Layer::new().entries(sparse.map(sparse_entry)));
    let layout = dir.path().join("layout");
    image.oci_dir(&layout);
    let bundle = dir.path().join("bundle");
    let image_name = format!("{}:1", layout.display());
    let arguments = ["unpack", "--rootless", "--image", &image_name];
    let bundle_name = bundle.display().to_string();
    if judge("umoci", &[&arguments[..], &[&bundle_name]].concat()).is_none() {
        return;
    }
    let root = bundle.join("rootfs");
    let read = |path: &str| std::fs::read(root.join(path)).unwrap();
    assert!(!root.join("etc/group").exists());
    assert!(root.join("usr/bin/su").exists());
    assert_eq!(root.join("bin").read_link().unwrap(), Path::new("usr/bin"));
    assert_eq!(read(&long), b"gnu");
    assert_eq!(read("linked"), b"pax");
    for format in sparse {
        let content = read(&format!("{format:?}"));
        assert!(content == sparse_content(), "{format:?}");
    }
}

#[test]
fn gnu_tar_unpacks_every_sparse_format() {
    match judge("tar", &["--version"]) {
        Some(version) if version.starts_with(b"tar (GNU tar)") => {}
        _ => return eprintln!("skipped: GNU tar not installed"),
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sparse.tar");
    let layer = Layer::new().entries(SparseFormat::ALL.map(sparse_entry));
    std::fs::write(&file, layer.tar()).unwrap();
    let (file, into) = (file.display().to_string(), dir.path().display().to_string());
    judge("tar", &["-C", &into, "-xf", &file]);
    for format in SparseFormat::ALL {
        let content = std::fs::read(dir.path().join(format!("{format:?}"))).unwrap();
        assert!(content == sparse_content(), "{format:?}");
    }
}

/// The JDK's own tool, Python and Info-ZIP list what the archives were made of.
#[test]
fn jar_python_and_unzip_read_the_archives() {
    let dir = tempfile::tempdir().unwrap();
    let plain = Zip::jar(["a/A.class", "B.class"]).member("d/", "").member("text", "content");
    let names = ["META-INF/", "META-INF/MANIFEST.MF", "a/A.class", "B.class", "d/", "text"];
    let python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.testzip() and sys.exit(1); print(*z.namelist(), sep='\\n')";
    for (name, zip) in [
        ("plain", plain.clone()),
        ("comment", plain.clone().comment("of some length")),
        ("prefix", plain.clone().prefix("#!/bin/sh\n")),
        ("zip64", plain.clone().zip64()),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, zip.bytes()).unwrap();
        let path = path.to_str().unwrap();
        let listed = [judge("jar", &["--list", "--file", path]), judge("python3", &["-c", python, path])];
        for listed in listed.into_iter().flatten() {
            assert_eq!(String::from_utf8(listed).unwrap().lines().collect::<Vec<_>>(), names, "{name}");
        }
        // It warns of a prefix, and ends with 1.
        if name != "prefix" {
            judge("unzip", &["-t", "-qq", path]);
        }
    }
}
