//! The JSON documents of an image, each in an archive where all else is sound and every digest is right.

use std::sync::LazyLock;

use ocicheck::scan::secrets::{Kind, Weight, in_assignment};
use ocicheck::source;

use super::secrets::expanded;
use super::source::open;
use super::tools::{check, first, image_of, json};
use crate::support::{DockerArchive, DockerForm, Image, Layout, Member, files_to_tar, members_to_tar};

static IMAGE: LazyLock<Image> =
    LazyLock::new(|| image_of([("app", &b"#!/bin/sh\n"[..])]).name("example.com/app:1"));

/// Whatever reads it refuses what is no JSON at all.
fn refuses_what_is_no_json(document: &[u8], archive: &[u8]) {
    let text = String::from_utf8_lossy(document);
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
        let found = source::from_bytes(archive.to_vec());
        assert!(found.is_err_and(|error| error.to_string().contains("JSON")), "no JSON was read");
    }
}

static MEMBERS: LazyLock<Vec<(String, Member)>> =
    LazyLock::new(|| DockerArchive::new(DockerForm::Podman).image(&IMAGE).members());

static FILES: LazyLock<Vec<(String, Vec<u8>)>> =
    LazyLock::new(|| Layout::new().image(&IMAGE).files().into_iter().collect());

/// The `manifest.json` that belongs to the archive of [`docker_manifest`]: a seed.
pub fn sound_docker_manifest() -> Option<Vec<u8>> {
    MEMBERS.iter().find_map(|(name, member)| match member {
        Member::File(bytes) if name == "manifest.json" => Some(bytes.clone()),
        _ => None,
    })
}

/// The documents that belong to the layout of [`oci_layout`]: seeds.
pub fn sound_oci_documents() -> Vec<Vec<u8>> {
    let index =
        FILES.iter().filter(|(name, _)| name == "index.json").map(|(_, bytes)| [b"\0", &**bytes].concat());
    index.chain([[b"\x01", &*IMAGE.manifest()].concat()]).collect()
}

/// `manifest.json` of a docker archive.
pub fn docker_manifest(data: &[u8]) {
    let members = MEMBERS.iter().map(|(name, member)| match &**name {
        "manifest.json" => (name.clone(), Member::File(data.to_vec())),
        _ => (name.clone(), member.clone()),
    });
    let archive = members_to_tar(members);
    assert_eq!(open(archive.clone()), open(archive.clone()));
    refuses_what_is_no_json(data, &archive);
    check(&archive);
}

/// A first byte for which document of an OCI layout it is: `index.json` (even) or the manifest.
pub fn oci_layout(data: &[u8]) {
    let (which, document) = first(data);
    let archive = if which % 2 == 0 {
        let files = FILES.iter().map(|(name, bytes)| {
            let bytes = if name == "index.json" { document } else { bytes };
            (name.clone(), bytes.to_vec())
        });
        let archive = files_to_tar(files);
        refuses_what_is_no_json(document, &archive);
        archive
    } else {
        IMAGE.clone().manifest_bytes(document).oci_archive()
    };
    assert_eq!(open(archive.clone()), open(archive.clone()));
    check(&archive);
}

/// The config, [`expanded`]. Every form of archive yields the same readings of it, and what is known for a secret by its form in
/// the environment is not told.
pub fn image_config(data: &[u8]) {
    let data = &*expanded(data);
    let image = IMAGE.clone().config_bytes(data);
    let configs = |archive: Vec<u8>| {
        let found = source::from_bytes(archive).ok()?;
        Some(found.images.first()?.configs.clone())
    };
    let (oci, docker) = (image.oci_archive(), image.docker_archive_podman());
    let read = configs(oci.clone());
    assert_eq!(read, configs(docker.clone()));
    check(&docker);
    let report = json(&check(&oci));
    for config in read.iter().flatten() {
        for (name, value) in config.env.iter().filter_map(|text| text.split_once('=')) {
            let open = |kind: &Kind| kind.weight == Weight::Open && !kind.prefix.is_empty();
            for found in in_assignment(name, value).iter().filter(|found| open(found.kind)) {
                let secret = &value[found.start..found.start + found.length];
                let elsewhere = String::from_utf8_lossy(data).matches(secret).count() > 1;
                assert!(elsewhere || !report.contains(secret), "{secret} is told");
            }
        }
    }
}
