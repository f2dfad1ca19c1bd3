//! Broken and hostile input: one clear line, the right exit status, and nothing written.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Checked, Room, check_path, check_stdin, command};
use crate::support::{Compression, Image, Layer, Layout, files_to_tar, tar_members};

fn app() -> Image {
    Image::new().layer(Layer::new().file("app", "one")).user("1000")
}

/// Checks what must be refused: exit status 2, and one line on standard error that has these words.
fn refused(archive: impl AsRef<[u8]>, words: &str) -> Checked {
    let room = Room::new();
    let path = room.write("image.tar", archive);
    let started = Instant::now();
    let checked = check_path(&path, None);
    assert!(started.elapsed() < Duration::from_secs(20), "{words}: took {:?}", started.elapsed());
    assert_eq!(
        (checked.exit, checked.report["verdict"].as_str().unwrap()),
        (2, "error"),
        "{words}: {:#}",
        checked.report
    );
    let lines: Vec<_> = checked.stderr.lines().filter(|line| line.starts_with("ocicheck: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(words), "{words}: {}", checked.stderr);
    assert!(lines[0].contains("image.tar"), "{}", lines[0]);
    assert_eq!(room.names(), crate::harness::set(["image.tar"]), "nothing is left behind");
    checked
}

#[test]
fn what_is_no_image_is_refused_with_a_clear_line() {
    refused("", "it is empty");
    refused([0x5a; 3000], "not a tar archive");
    refused([0; 10240], "not a tar archive");
    refused("{}", "not a tar archive");
    refused(files_to_tar([("etc/passwd", "root")]), "no image");
    refused(files_to_tar([("manifest.json", "{")]), "manifest.json: not valid JSON");
    refused(files_to_tar([("manifest.json", "{}")]), "not a list of images");
    refused(files_to_tar([("manifest.json", "[]")]), "lists no image");
    refused(files_to_tar([("manifest.json", "[{}]")]), "[0].Config is missing");
    refused(files_to_tar([("manifest.json", r#"[{"Config":"x","Layers":"y"}]"#)]), "not a list of strings");
    refused(files_to_tar([("manifest.json", r#"[{"Config":"../../etc/passwd"}]"#)]), "not in the archive");
    refused(files_to_tar([("index.json", "null")]), "neither an image manifest");
    refused(files_to_tar([("index.json", r#"{"manifests":[]}"#)]), "holds no image");
    refused(files_to_tar([("repositories", "{}")]), "lists no image");
    refused(files_to_tar([("manifest.json", "[".repeat(200_000))]), "not valid JSON");
    refused(files_to_tar([("manifest.json", vec![b' '; 5 << 20])]), "JSON_BYTES");
    refused(Compression::Gzip(6).compress(b"not a tar"), "not a tar archive");
    refused(
        Compression::Gzip(6).compress(&Compression::Gzip(6).compress(&app().oci_archive())),
        "not a tar archive",
    );
}

#[test]
fn digests_that_are_paths_are_refused() {
    for digest in ["sha256:../../../etc/passwd", "../x", "sha256:", "", "md5:00"] {
        let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}]});
        refused(files_to_tar([("index.json", index.to_string())]), "not a digest");
    }
    let layer = app().manifest_json(|manifest| manifest["layers"][0]["digest"] = json!("sha256:../../x"));
    refused(layer.oci_archive(), "not a digest");
}

#[test]
fn two_deciding_documents_are_refused() {
    let archive = app().docker_archive_podman();
    let members: Vec<_> = tar_members(&archive);
    let manifest = members.iter().find(|(name, _)| name == "manifest.json").unwrap().clone();
    refused(files_to_tar(members.iter().cloned().chain([manifest.clone()])), "manifest.json twice");
    let dotted = [("./manifest.json".to_owned(), manifest.1)];
    refused(files_to_tar(members.into_iter().chain(dotted)), "manifest.json twice");
}

#[test]
fn an_index_that_contains_itself_ends() {
    // Only with a digest that is a lie can an index list itself.
    let name = crate::support::digest(b"loop");
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": name, "size": 1}],
    });
    let files = [
        ("index.json".to_owned(), index.to_string()),
        (format!("blobs/sha256/{}", &name[7..]), index.to_string()),
    ];
    refused(files_to_tar(files), "no image");
    // Names that differ at each turn keep it going until the depth ends it.
    let mut layout = Layout::new().image(&app());
    for _ in 0..40 {
        layout = Layout::new().nested(layout);
    }
    refused(layout.archive(), "INDEX_DEPTH");
}

#[test]
fn an_archive_cut_anywhere_is_told() {
    let archive = app().oci_archive();
    let end = archive.len() - 1024;
    let room = Room::new();
    let step = 97;
    for cut in (0..end).step_by(step) {
        let checked = check_path(&room.write("image.tar", &archive[..cut]), None);
        // Cut between members, what is missing is found by name; never is it a pass.
        assert_ne!(checked.exit, 0, "cut at {cut} of {end}: {:#}", checked.report);
    }
    let wrapped = Compression::Gzip(6).compress(&archive);
    for cut in (0..wrapped.len()).step_by(7) {
        let checked = check_path(&room.write("image.tar", &wrapped[..cut]), None);
        assert_eq!(checked.exit, 2, "gzip cut at {cut} of {}", wrapped.len());
    }
}

#[test]
fn a_config_of_the_wrong_type_is_told() {
    let wrong = |edit: fn(&mut serde_json::Value)| refused(app().config_json(edit).oci_archive(), "not a");
    wrong(|config| config["config"]["User"] = json!(0));
    wrong(|config| config["config"]["Env"] = json!("A=b"));
    wrong(|config| config["rootfs"]["diff_ids"] = json!("x"));
    wrong(|config| *config = json!([]));
}

#[test]
fn a_missing_config_is_told() {
    let image = app();
    refused(Layout::new().image(&image).drop_blob(&image.config_digest()).archive(), "config");
}

#[test]
fn one_unreadable_image_does_not_hide_the_others() {
    let broken = app().config_json(|config| config["config"]["User"] = json!(0));
    let room = Room::new();
    let path = room.write("image.tar", Layout::new().image(&app()).image(&broken).archive());
    let checked = check_path(&path, None);
    assert_eq!(checked.exit, 2);
    assert_eq!(checked.report["images"].as_array().unwrap().len(), 1);
    assert_eq!(checked.report["errors"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let room = Room::new();
    let checked = check_path(&room.path("nosuch.tar"), None);
    assert!(
        checked.exit == 2 && checked.stderr.contains("nosuch.tar: cannot be opened"),
        "{}",
        checked.stderr
    );
    let checked = check_path(&room.path("."), None);
    assert!(checked.exit == 2 && checked.stderr.contains("OCI layout"), "{}", checked.stderr);
    let catalog = room.write("bases.json", "{");
    let output = command().arg("x").arg("--bases").arg(catalog).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bases.json: line 1, column 1"));
}

#[test]
fn standard_input_is_judged_like_a_file() {
    assert_eq!(check_stdin(&app().oci_archive(), None).exit, 0);
    let wrapped = Compression::Zstd(3).compress(&app().docker_archive_hybrid());
    assert_eq!(check_stdin(&wrapped, None).exit, 0);
    let checked = check_stdin(b"", None);
    assert!(checked.exit == 2 && checked.stderr.contains("-: it is empty"), "{}", checked.stderr);
}

#[test]
fn usage_errors_have_status_2() {
    for arguments in [
        &["--nosuch"][..],
        &[],
        &["-", "-"],
        &["x", "-o", "report.pdf"],
        &["x", "-o", "a.json", "-o", "a.json"],
        &["x", "--platform", "linux"],
    ] {
        let output = command().args(arguments).stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_layout_directory_with_a_pipe_in_it_does_not_hang() {
    let room = Room::new();
    let directory = room.path("layout");
    std::fs::create_dir(&directory).unwrap();
    let image = app();
    image.oci_dir(&directory);
    let blob = directory.join("blobs/sha256").join(&image.layer_blobs()[0].0[7..]);
    std::fs::remove_file(&blob).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&blob).status().unwrap();
    assert!(made.success());
    let checked = check_path(&directory, None);
    assert_eq!((checked.exit, checked.outcome("blob-missing")), (2, "fail"));
    for document in ["index.json", "oci-layout", "manifest.json"] {
        let room = Room::new();
        let directory = room.path("layout");
        std::fs::create_dir(&directory).unwrap();
        app().oci_dir(&directory);
        let path = directory.join(document);
        let _ = std::fs::remove_file(&path);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let checked = check_path(&directory, None);
        assert_eq!(checked.exit, 2);
        let told = format!("layout: {document}: it is there, but as a pipe or device");
        assert!(
            checked.stderr.contains(&told) && checked.stderr.contains("hint: copy"),
            "{}",
            checked.stderr
        );
    }
}

#[test]
fn bytes_behind_a_compressed_archive_are_refused() {
    let archive = [Compression::Gzip(6).compress(&app().oci_archive()), b"hidden".to_vec()].concat();
    refused(archive, "bytes follow the end of the gzip stream");
}

#[test]
fn a_small_file_that_becomes_a_large_one_fills_no_disk() {
    // Refused at its first block, before anything is written.
    refused(Compression::Zstd(3).compress(&vec![0x41; 64 << 20]), "not a tar archive");
}

#[test]
fn one_global_header_for_many_entries_takes_no_memory() {
    let value: &'static str = Box::leak("x".repeat(900_000).into_boxed_str());
    let layer = Layer::new().pax_global([("SCHILY.xattr.user.x", value)]);
    let layer = (0..200).fold(layer, |layer, number| layer.file(format!("f{number}"), ""));
    let room = Room::new();
    let image = Image::new().layer(layer).user("1000");
    let checked = check_path(&room.write("image.tar", image.oci_archive()), None);
    assert_eq!((checked.exit, checked.outcome("layer-unsupported")), (2, "fail"));
    let message = checked.finding("layer-unsupported")["message"].as_str().unwrap();
    assert!(message.contains("LAYER_XATTR_BYTES"), "{message}");
}

#[test]
fn a_thousand_and_more_images_are_refused_at_once() {
    let items = vec![r#"{"Config":"x","Layers":[]}"#; 100_000].join(",");
    refused(files_to_tar([("manifest.json", format!("[{items}]"))]), "MANIFESTS");
}
