//! The same image has the same verdict in every form.

use crate::harness::{Checked, Room, SMALL_CATALOG, check_path, check_stdin, set};
use crate::support::{Compression, DockerForm, Entry, Image, Layer, Layout, clean_app, small_base};

/// Every form of an image as an archive, with a name for messages.
fn archives(image: &Image) -> Vec<(String, Vec<u8>)> {
    let mut archives = vec![
        ("oci".to_owned(), image.oci_archive()),
        ("oci dotted".to_owned(), image.oci_archive_dotted()),
        ("oci zstd".to_owned(), image.clone().recompressed(Compression::Zstd(3)).oci_archive()),
        ("oci plain".to_owned(), image.clone().recompressed(Compression::None).oci_archive()),
        ("oci members".to_owned(), image.clone().recompressed(Compression::GzipMembers(3)).oci_archive()),
        (
            "oci frames".to_owned(),
            image.clone().recompressed(Compression::ZstdFrames { frames: 3, skippable: true }).oci_archive(),
        ),
        ("oci docker types".to_owned(), image.clone().docker_types().oci_archive()),
        ("nested index".to_owned(), Layout::new().nested_index(std::slice::from_ref(image)).archive()),
        ("attested".to_owned(), Layout::new().image(image).attestation_for(image).archive()),
        ("signed".to_owned(), Layout::new().image(image).cosign_signature_for(image).archive()),
        (
            "artifact beside".to_owned(),
            Layout::new().image(image).artifact("application/vnd.example.thing+json").archive(),
        ),
    ];
    for form in DockerForm::ALL {
        archives.push((format!("docker {form:?}"), image.docker_archive(form)));
    }
    for wrap in [Compression::Gzip(6), Compression::Zstd(3), Compression::Xz, Compression::Bzip2] {
        archives.push((format!("docker in {wrap:?}"), wrap.compress(&image.docker_archive_legacy())));
        archives.push((format!("oci in {wrap:?}"), wrap.compress(&image.oci_archive())));
    }
    archives
}

fn verdict(checked: &Checked) -> (i32, String, std::collections::BTreeSet<String>) {
    (checked.exit, checked.report["verdict"].as_str().unwrap().to_owned(), checked.failing())
}

fn assert_same_in_every_form(image: &Image, exit: i32, failing: &[&str]) {
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let words = if exit == 0 { "pass" } else { "fail" };
    let expected = (exit, words.to_owned(), failing.iter().map(|text| (*text).to_owned()).collect());
    for (name, archive) in archives(image) {
        let checked = check_path(&room.write("image", &archive), Some(&catalog));
        assert_eq!(verdict(&checked), expected, "{name}: {:#}", checked.report);
        assert_eq!(checked.report["images"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(checked.report["images"][0]["base"]["status"], "verified", "{name}");
        if !name.contains("in ") {
            assert_eq!(verdict(&check_stdin(&archive, Some(&catalog))), expected, "{name} on standard input");
        }
    }
    let directory = room.path("layout");
    std::fs::create_dir(&directory).unwrap();
    image.oci_dir(&directory);
    let checked = check_path(&directory, Some(&catalog));
    assert_eq!(verdict(&checked), expected, "directory: {:#}", checked.report);
    assert_eq!(checked.report["images"][0]["form"], "oci-directory");
}

#[test]
fn a_clean_child_passes_in_every_form() {
    assert_same_in_every_form(&clean_app(&small_base()), 0, &[]);
}

#[test]
fn a_bad_child_fails_in_every_form() {
    let bad = clean_app(&small_base()).layer_with(
        Layer::new().entry(Entry::file("usr/bin/ls", "other").mode(0o4755)),
        "RUN /bin/sh -c chmod u+s /usr/bin/ls # buildkit",
        Compression::Gzip(6),
    );
    let failing =
        ["base-file-modified /usr/bin/ls", "base-metadata-changed /usr/bin/ls", "setuid-file /usr/bin/ls"];
    assert_same_in_every_form(&bad, 1, &failing);
}

#[test]
fn each_form_is_told_by_its_content() {
    let image = clean_app(&small_base());
    for (archive, form) in [
        (image.docker_archive_legacy(), "docker-archive"),
        (image.docker_archive_hybrid(), "docker-archive-hybrid"),
        (image.docker_archive_repositories_only(), "docker-archive-v1"),
        (image.oci_archive(), "oci-archive"),
    ] {
        let checked = crate::harness::check_bytes(archive);
        assert_eq!(checked.report["images"][0]["form"], form);
        assert_eq!(checked.report["images"][0]["names"][0], "registry.example.com/team/app:1.0", "{form}");
    }
}

#[test]
fn every_platform_is_checked_unless_one_is_chosen() {
    let amd64 = clean_app(&small_base());
    let arm64 = amd64.clone().platform("linux", "arm64", "v8").user("0");
    let room = Room::new();
    let path = room.write("image.tar", Layout::new().nested_index(&[amd64, arm64]).archive());
    let both = check_path(&path, None);
    assert_eq!(both.report["images"].as_array().unwrap().len(), 2);
    assert_eq!(both.report["summary"]["failed"], 2, "without a catalog the base's own setuid program is new");
    let one = crate::harness::check_with(&path, None, &["--platform", "linux/arm64"]);
    assert_eq!(one.report["images"].as_array().unwrap().len(), 1);
    let foreign = "architecture-mismatch /usr/bin/ls";
    assert_eq!(one.failing(), set([foreign, "setuid-file /usr/bin/su", "user-root"]));
    let none = crate::harness::check_with(&path, None, &["--platform", "linux/s390x"]);
    assert_eq!(none.exit, 2);
    assert!(none.stderr.contains("linux/arm64/v8"), "{}", none.stderr);
}

#[test]
fn every_image_is_checked_unless_one_is_chosen() {
    let first = clean_app(&small_base());
    let second = first.clone().unnamed().name("registry.example.com/team/other:2").user("root");
    let room = Room::new();
    let archive = crate::support::DockerArchive::new(DockerForm::Podman).image(&first).image(&second).tar();
    let path = room.write("image.tar", archive);
    assert_eq!(check_path(&path, None).report["images"].as_array().unwrap().len(), 2);
    for name in ["registry.example.com/team/other:2", &second.config_digest()] {
        let one = crate::harness::check_with(&path, None, &["--image", name]);
        assert_eq!(one.report["images"][0]["names"][0], "registry.example.com/team/other:2", "{name}");
        assert_eq!(one.report["images"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn an_index_is_known_by_its_digest() {
    let amd64 = clean_app(&small_base());
    let arm64 = amd64.clone().platform("linux", "arm64", "v8");
    let other = amd64.clone().unnamed().name("registry.example.com/team/other:2").user("0");
    let (first, second) =
        (Layout::new().image(&amd64).image(&arm64), Layout::new().image(&arm64).image(&other));
    let [of_first, of_second] =
        [&first, &second].map(|index| crate::support::digest(&serde_json::to_vec(&index.index()).unwrap()));
    let room = Room::new();
    let path = room.write("image.tar", Layout::new().nested(first).nested(second).archive());
    let whole = check_path(&path, None);
    let mut both = vec![of_first.clone(), of_second.clone()];
    both.sort();
    for (image, indexes) in whole.report["images"].as_array().unwrap().iter().zip([
        vec![of_first.clone()],
        both.clone(),
        vec![of_second.clone()],
    ]) {
        assert_eq!(image["indexDigests"], serde_json::json!(indexes), "{}", image["names"]);
    }
    for (wanted, count) in [
        (of_first.clone(), 2),
        (of_second.clone(), 2),
        (format!("registry.example.com/team/app@{of_first}"), 2),
        (format!("registry.example.com/team/app@{}", arm64.manifest_digest()), 1),
    ] {
        let checked = crate::harness::check_with(&path, None, &["--image", &wanted]);
        assert_eq!(checked.report["images"].as_array().unwrap().len(), count, "{wanted}");
    }
    let absent = crate::support::digest(b"another");
    assert_eq!(crate::harness::check_with(&path, None, &["--image", &absent]).exit, 2);
}

#[test]
fn an_index_of_other_bytes_gives_its_digest_to_nothing() {
    let image = clean_app(&small_base());
    let inner = Layout::new().image(&image);
    let claimed = crate::support::digest(&serde_json::to_vec(&inner.index()).unwrap());
    let changed =
        serde_json::to_vec(&inner.clone().index_json(|index| index["x"] = 1.into()).index()).unwrap();
    let layout = Layout::new().nested(inner).replace_blob(&claimed, changed);
    let checked = crate::harness::check_bytes(layout.archive());
    assert_eq!(checked.report["images"][0]["indexDigests"], serde_json::json!([]));
    assert!(checked.failing().contains("digest-mismatch"), "{:?}", checked.failing());
}

#[test]
fn what_is_listed_and_not_there_is_noted() {
    let image = clean_app(&small_base());
    let absent = serde_json::json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
        "digest": crate::support::digest(b"{}"), "platform": {"os": "linux", "architecture": "s390x"},
    });
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let path = room.write("image.tar", Layout::new().image(&image).descriptor(absent).archive());
    let checked = check_path(&path, Some(&catalog));
    assert_eq!(checked.exit, 0, "{:#}", checked.report);
    let note = checked.report["notes"][0]["message"].as_str().unwrap();
    assert!(note.contains("linux/s390x") && note.contains("not here"), "{note}");
}
