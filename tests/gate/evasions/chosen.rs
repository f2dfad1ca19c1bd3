//! Images that some tools come to in ways of their own, past what the archive seems to hold.

use serde_json::{Value, json};

use super::assert_failing;
use crate::harness::{Checked, Room, check_bytes, check_with, set};
use crate::support::{DockerArchive, DockerForm, Entry, Image, Layer, Layout};

const REFERENCE: &str = "org.opencontainers.image.ref.name";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn good() -> Image {
    Image::new().layer(Layer::new().file("app", "one")).user("1000").name("example.com/app:1")
}

fn evil() -> Image {
    Image::new().layer(Layer::new().file_mode("evil", "x", 0o4755)).user("1000").name("example.com/app:1")
}

/// The image at these places of a docker archive, without the archive's end.
fn docker(image: &Image, manifest: &str, config: &str, layer: &str) -> Layer {
    let document = json!([{"Config": config, "RepoTags": image.names(), "Layers": [layer]}]).to_string();
    let blob = &image.layers().next().unwrap().blob;
    Layer::new().file(manifest, document).file(config, image.config()).file(layer, blob).no_end_marker()
}

fn joined(parts: &[&Layer]) -> Checked {
    let bodies = parts.iter().map(|part| part.tar());
    check_bytes(bodies.chain([vec![0; 1024]]).flatten().collect::<Vec<u8>>())
}

/// docker load and Podman unpack an archive, and write through the links in it.
#[test]
fn members_behind_links_of_the_archive_are_refused() {
    let honest = docker(&good(), "manifest.json", "config", "layer");
    assert_failing(&joined(&[&honest]), []);
    let link = Layer::new().symlink("d", ".").no_end_marker();
    let over = docker(&evil(), "d/manifest.json", "other/config", "other/layer");
    let checked = joined(&[&honest, &link, &over]);
    assert_eq!(checked.exit, 2);
    assert!(checked.stderr.contains("/d is no directory"), "{}", checked.stderr);
    let below = docker(&good(), "manifest.json", "a/config", "a/layer");
    let replaced = Layer::new().symlink("a", "b").no_end_marker();
    let there = docker(&evil(), "b/manifest.json", "b/config", "b/layer");
    assert_eq!(joined(&[&below, &replaced, &there]).exit, 2);
    // What a link leads to by way of another one, or from another directory.
    let apart = docker(&evil(), "d/manifest.json", "d/config", "d/layer");
    let names = json!([{"Config": "c", "RepoTags": ["example.com/app:1"], "Layers": ["layer"]}]).to_string();
    let entries = Layer::new().file("manifest.json", names).no_end_marker();
    let place = docker(&good(), "x/manifest.json", "config", "layer");
    for links in [
        Layer::new().file("d/e/f", "").symlink("a", "d/e").symlink("c", "a/../config"),
        Layer::new().symlink("s/link", "config").hardlink("c", "s/link"),
    ] {
        assert_eq!(joined(&[&entries, &apart, &place, &links.no_end_marker()]).exit, 2);
    }
    let plain = Layer::new().symlink("c", "x/../config").no_end_marker();
    let straight = Layer::new().symlink("c", "./config").no_end_marker();
    assert_eq!(joined(&[&entries, &place, &plain]).exit, 2);
    assert_failing(&joined(&[&entries, &place, &straight]), []);
}

/// Podman and skopeo know a link by its mode, and follow it.
#[test]
fn a_member_that_is_a_link_by_its_mode_is_refused() {
    let document = json!([{"Config": "config", "RepoTags": ["example.com/app:1"], "Layers": ["layer"]}]);
    let rest = docker(&good(), "x/manifest.json", "config", "layer");
    let led_to = docker(&evil(), "d/manifest.json", "d/config", "d/layer");
    let check = |mode| {
        let entry = Entry::file("manifest.json", document.to_string()).mode(mode);
        let decoy = Layer::new().entry(entry.patch(157, "d/manifest.json")).no_end_marker();
        joined(&[&decoy, &rest, &led_to])
    };
    assert_eq!(check(0o120_644).exit, 2);
    assert_failing(&check(0o100_644), []);
}

/// Podman and skopeo take the first of two members, and docker load the last.
#[test]
fn a_member_that_is_there_twice_is_refused_where_the_two_differ() {
    let honest = docker(&good(), "manifest.json", "config", "layer");
    let with = |config: Vec<u8>| joined(&[&Layer::new().file("config", config).no_end_marker(), &honest]);
    assert_eq!(with(good().user("0").config()).exit, 2);
    let same = with(good().config());
    assert_failing(&same, ["duplicate-entry"]);
}

/// Podman and skopeo choose by platform, and do not ask for the media type.
#[test]
fn a_manifest_of_an_index_that_is_listed_as_something_else_is_judged() {
    let check = |second: Image, media_type: &'static str| {
        let index = Layout::new().image(&second).image(&good()).index_json(move |index| {
            index["manifests"][0]["mediaType"] = json!(media_type);
        });
        check_bytes(Layout::new().nested(index).archive()).failing()
    };
    for media_type in ["application/x-thing", "application/vnd.in-toto+json"] {
        assert_eq!(check(evil(), media_type), set(["media-type-mismatch", "setuid-file /evil"]));
        assert_eq!(check(good().user("1001"), media_type), set(["media-type-mismatch"]));
    }
    // What is no manifest is none.
    let deep = format!("{{\"x\":{}1{},\"layers\":[]}}", "[".repeat(300), "]".repeat(300));
    let late = format!("{}{{\"config\":1}}", " ".repeat(1_000));
    let others = ["{\"blobs\":[]}", "text", "[1]", "", " \n"].map(|text| (text, 0));
    // Others may read more than can be read here.
    for (other, exit) in others.into_iter().chain([("{", 2), (deep.as_str(), 2), (late.as_str(), 2)]) {
        let blob = Layout::new().extra_blob(other).image(&good());
        let listed = json!({
            "mediaType": "application/x-thing",
            "digest": crate::support::digest(other.as_bytes()),
            "size": other.len(),
        });
        let checked = check_bytes(blob.descriptor(listed).archive());
        assert_failing(&checked, []);
        assert_eq!(checked.exit, exit, "{other}");
    }
}

#[test]
fn a_manifest_of_schema_1_is_no_pass() {
    let layer = evil().layers().next().unwrap().digest.clone();
    let history = json!([{"v1Compatibility": json!({"id": "a", "config": {"User": "0"}}).to_string()}]);
    let first = json!({"schemaVersion": 1, "fsLayers": [{"blobSum": layer}], "history": history});
    for media_type in
        ["application/vnd.docker.distribution.manifest.v1+prettyjws", "application/json", "text/plain"]
    {
        let layout = Layout::new().image(&good()).manifest(media_type, first.clone());
        let checked = check_bytes(layout.archive());
        assert_eq!(checked.exit, 2, "{media_type}");
        assert!(checked.stderr.contains("schema 1"), "{}", checked.stderr);
    }
}

/// Of a manifest of Docker's, Podman and skopeo ask neither the config's type nor the layers'; nor do they ask whether a tar's
/// checksum is spelt as usual.
#[test]
fn an_image_that_looks_like_what_rides_along_is_judged() {
    let check = |image: &Image| check_bytes(Layout::new().image(&good()).image(image).archive()).failing();
    let types = |media_type: &'static str, config: &'static str, layer: &'static str| {
        move |manifest: &mut Value| {
            manifest["mediaType"] = json!(media_type);
            manifest["config"]["mediaType"] = json!(config);
            manifest["layers"][0]["mediaType"] = json!(layer);
        }
    };
    let docker = types(DOCKER_MANIFEST, "application/x-thing", "application/x-thing");
    assert!(check(&evil().manifest_json(docker)).contains("setuid-file /evil"));
    assert_eq!(check(&good().user("1001").manifest_json(docker)), set(["media-type-mismatch"]));
    let attested = types(
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.in-toto+json",
    );
    let plain = Layer::new().file_mode("evil", "x", 0o4755).tar();
    let declared = std::str::from_utf8(&plain[148..156]).unwrap();
    let sum = u64::from_str_radix(declared.trim_matches(['\0', ' ']), 8).unwrap();
    for spelling in [format!("{sum:06o}\0 "), format!("\0{sum:06o}\0"), format!(" {sum:06o} ")] {
        let mut tar = plain.clone();
        tar[148..156].copy_from_slice(spelling.as_bytes());
        let image = Image::new()
            .layer_with(Layer::new().raw(&tar).no_end_marker(), "COPY", crate::support::Compression::None)
            .user("1000")
            .manifest_json(attested);
        assert!(check(&image).contains("setuid-file /evil"), "{spelling:?}");
    }
}

#[test]
fn an_image_is_chosen_by_each_name_that_a_tool_knows_it_by() {
    let room = Room::new();
    let check = |layout: Layout| {
        let path = room.write("image.tar", layout.archive());
        check_with(&path, None, &["--image", "example.com/app:1"]).failing()
    };
    let evil = || evil().unnamed();
    // Podman and skopeo know no other annotation than this one.
    let two = |reference: &'static str| {
        Layout::new().image(&evil()).image(&good()).index_json(move |index| {
            index["manifests"][0]["annotations"] =
                json!({"io.containerd.image.name": "example.com/other:1", REFERENCE: reference});
        })
    };
    assert_eq!(check(two("example.com/app:1")), set(["setuid-file /evil"]));
    assert_eq!(check(two("example.com/other:1")), set([]));
    // Who asks for an index gets what it lists.
    let inner = |name: &'static str| {
        let inner = Layout::new().image(&evil()).index_json(|index| {
            index["manifests"][0]["annotations"] = json!({REFERENCE: "example.com/inner:1"});
        });
        Layout::new().image(&good()).nested(inner).index_json(move |index| {
            index["manifests"][1]["annotations"] = json!({REFERENCE: name});
        })
    };
    assert_eq!(check(inner("example.com/app:1")), set(["setuid-file /evil"]));
    assert_eq!(check(inner("example.com/other:1")), set([]));
}

/// Docker loads each image of an archive, and the last one that has a name gets it; Podman takes the first.
#[test]
fn a_platform_does_not_choose_among_images_of_one_name() {
    let room = Room::new();
    let check = |other: &Image, options: &[&str]| {
        let archive = DockerArchive::new(DockerForm::Podman).image(&good()).image(other).tar();
        check_with(&room.write("image.tar", archive), None, options).failing()
    };
    let arm = evil().platform("linux", "arm64", "");
    for options in
        [&["--platform", "linux/amd64"][..], &["--platform", "linux/amd64", "--image", "example.com/app:1"]]
    {
        assert!(check(&arm, options).contains("setuid-file /evil"), "{options:?}");
        assert_eq!(check(&arm.clone().unnamed().name("example.com/arm:1"), options), set([]), "{options:?}");
    }
    // To containerd, what an index leaves out is the host's.
    let index = |os: Value| {
        let second =
            evil().unnamed().config_json(|config| drop(config.as_object_mut().unwrap().remove("os")));
        let index = Layout::new().image(&good().unnamed()).image(&second).index_json(move |index| {
            index["manifests"][1]["platform"] = json!({"os": os, "architecture": "amd64"});
        });
        let path = room.write("image.tar", Layout::new().nested(index).archive());
        check_with(&path, None, &["--platform", "linux/amd64"]).failing()
    };
    assert_eq!(index(json!("")), set(["setuid-file /evil"]));
}
