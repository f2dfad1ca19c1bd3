//! Docker archives and OCI layouts: everything named is there.

use crate::support::{
    Compression, DockerArchive, DockerForm, Layout, Member, clean_app, digest, files_to_tar, members_to_tar,
    read_members, small_base, tar_members,
};
use crate::{blob, rich_image};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn docker_archives_hold_what_their_manifest_names() {
    let image = rich_image();
    for form in DockerForm::ALL {
        let members = read_members(&image.docker_archive(form));
        let map: BTreeMap<String, Member> = members.iter().cloned().collect();
        assert_eq!(map.len(), members.len(), "{form:?}: a name twice");
        if form == DockerForm::RepositoriesOnly {
            assert!(!map.contains_key("manifest.json"));
            continue;
        }
        let Member::File(manifest) = &map["manifest.json"] else {
            panic!("{form:?}: manifest.json is a file")
        };
        let manifest: Value = serde_json::from_slice(manifest).unwrap();
        let item = &manifest[0];
        assert_eq!(item["RepoTags"].as_array().unwrap().len(), 2);
        let config = item["Config"].as_str().unwrap();
        assert_eq!(map[config], Member::File(image.config()), "{form:?}");
        let layers = item["Layers"].as_array().unwrap();
        assert_eq!(layers.len(), image.diff_ids().len());
        for (layer, name) in image.layers().zip(layers) {
            let name = name.as_str().unwrap();
            let bytes = match &map[name] {
                Member::File(bytes) => bytes,
                Member::Symlink(target) => {
                    let Member::File(bytes) = &map[target.trim_start_matches("../")] else {
                        panic!("{form:?}: {name} leads to a file")
                    };
                    bytes
                }
                Member::Dir => panic!("{form:?}: {name} is a directory"),
            };
            let expected = match form {
                DockerForm::Kaniko => &layer.blob,
                _ => &layer.tar,
            };
            assert_eq!(bytes, expected, "{form:?}");
        }
    }
}

#[test]
fn legacy_archives_link_a_repeated_layer_and_podman_links_all() {
    let links = |tar: Vec<u8>| {
        let members = read_members(&tar).into_iter();
        members.filter(|(_, m)| matches!(m, Member::Symlink(_))).count()
    };
    assert_eq!(links(rich_image().docker_archive_legacy()), 1);
    assert_eq!(links(rich_image().docker_archive_podman()), 7);
    assert_eq!(links(rich_image().docker_archive_kaniko()), 0);
}

#[test]
fn repositories_only_archives_chain_by_parent() {
    let image = rich_image();
    let files: BTreeMap<_, _> = tar_members(&image.docker_archive_repositories_only()).into_iter().collect();
    let repositories: Value = serde_json::from_slice(&files["repositories"]).unwrap();
    let mut id = repositories["registry.example.com/team/app"]["1.0"].clone();
    let mut depth = 0;
    let top: Value = serde_json::from_slice(&files[&format!("{}/json", id.as_str().unwrap())]).unwrap();
    assert_eq!(top["config"]["User"], "10001");
    while let Some(text) = id.as_str() {
        let json: Value = serde_json::from_slice(&files[&format!("{text}/json")]).unwrap();
        id = json["parent"].clone();
        depth += 1;
    }
    assert_eq!(depth, image.diff_ids().len());
}

#[test]
fn hybrid_archives_hold_two_truths() {
    let image = rich_image();
    let plain = image.clone().recompressed(Compression::None);
    for (form, layers) in [(DockerForm::Hybrid, 7), (DockerForm::HybridNoLayers, 0)] {
        let files: BTreeMap<_, _> = tar_members(&image.docker_archive(form)).into_iter().collect();
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let digest = index["manifests"][0]["digest"].as_str().unwrap();
        let manifest: Value = serde_json::from_slice(&files[&blob(digest)]).unwrap();
        assert_eq!(manifest["config"]["digest"], json!(plain.config_digest()));
        assert_eq!(manifest["layers"].as_array().unwrap().len(), layers);
    }
}

#[test]
fn layouts_hold_what_they_name_and_every_blob_is_its_digest() {
    let (base, app) = (small_base(), clean_app(&small_base()));
    let arm = base.clone().platform("linux", "arm64", "v8").docker_types();
    let layout = Layout::new()
        .image(&app)
        .nested_index(&[base.clone(), arm])
        .nested(Layout::new().image(&app).attestation_for(&app))
        .cosign_signature_for(&app)
        .artifact("application/vnd.cncf.helm.config.v1+json")
        .referrer(&app, "application/spdx+json", "application/spdx+json", b"{}".to_vec());
    let files = layout.files();
    for (name, bytes) in &files {
        if let Some(hex) = name.strip_prefix("blobs/sha256/") {
            assert_eq!(digest(bytes), format!("sha256:{hex}"));
        }
    }
    assert_named_blobs_exist(&files, &layout.index());
    assert_eq!(layout.index()["manifests"].as_array().unwrap().len(), 6);
    let spoilt = layout
        .extra_blob("nobody names me")
        .drop_blob(&app.config_digest())
        .replace_blob(&base.config_digest(), "{}")
        .index_json(|index| index["schemaVersion"] = json!(3));
    assert_eq!(spoilt.files().len(), files.len());
    assert_eq!(spoilt.files()[&blob(&base.config_digest())], b"{}");
    assert_eq!(spoilt.index()["schemaVersion"], 3);
}

fn assert_named_blobs_exist(files: &BTreeMap<String, Vec<u8>>, document: &Value) {
    for key in ["manifests", "layers", "config"] {
        let named = match &document[key] {
            Value::Array(list) => list.clone(),
            Value::Object(_) if key == "config" => vec![document[key].clone()],
            _ => continue,
        };
        for descriptor in named {
            let Some(digest) = descriptor["digest"].as_str() else {
                continue; // the inner `config` of an image config
            };
            let bytes = &files[&blob(digest)];
            assert_eq!(descriptor["size"], bytes.len());
            let media_type = descriptor["mediaType"].as_str().unwrap();
            if media_type.contains("manifest") || media_type.contains("index") {
                assert_named_blobs_exist(files, &serde_json::from_slice(bytes).unwrap());
            }
        }
    }
}

#[test]
fn layout_archives_and_directories_hold_the_same_files() {
    let layout = Layout::new().image(&small_base());
    let expected = layout.files();
    let plain: BTreeMap<_, _> = tar_members(&layout.archive()).into_iter().collect();
    assert_eq!(plain, expected);
    let dotted: BTreeMap<_, _> = tar_members(&layout.archive_dotted())
        .into_iter()
        .map(|(name, bytes)| (name.strip_prefix("./").unwrap().to_string(), bytes))
        .collect();
    assert_eq!(dotted, expected);
    let dir = tempfile::tempdir().unwrap();
    layout.write_dir(dir.path());
    for (name, bytes) in &expected {
        assert_eq!(&std::fs::read(dir.path().join(name)).unwrap(), bytes);
    }
    let edited = files_to_tar([("twice", "a"), ("twice", "b")]);
    assert_eq!(tar_members(&edited).len(), 2);
    let members = layout.members();
    assert_eq!(read_members(&members_to_tar(members.clone())), members);
}

#[test]
fn many_images_share_one_docker_archive() {
    let (base, app) = (small_base(), clean_app(&small_base()));
    for form in DockerForm::ALL {
        let archive = DockerArchive::new(form)
            .image(&base)
            .image(&app)
            .manifest_json(|manifest| manifest[0]["RepoTags"] = json!(["renamed:1"]));
        let files: BTreeMap<_, _> = tar_members(&archive.tar()).into_iter().collect();
        if let Some(manifest) = files.get("manifest.json") {
            let manifest: Value = serde_json::from_slice(manifest).unwrap();
            assert_eq!(manifest.as_array().unwrap().len(), 2);
            assert_eq!(manifest[0]["RepoTags"][0], "renamed:1");
        }
    }
}
