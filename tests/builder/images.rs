//! Codecs, and the documents of an image.

use crate::blob;
use crate::support::{
    Compression, Image, Layer, StoredLayer, clean_app, digest, elf, random_tree, small_base,
};
use serde_json::{Value, json};
use std::io::Read;

#[test]
fn codecs_undo_and_are_deterministic() {
    let bytes = random_tree(1, 20, 3000).tar();
    for codec in Compression::ALL {
        let blob = codec.compress(&bytes);
        assert_eq!(blob, codec.compress(&bytes), "{codec:?}");
        let mut back = Vec::new();
        let read = &blob[..];
        match codec {
            Compression::None => back = blob.clone(),
            Compression::Gzip(_) => {
                flate2::read::GzDecoder::new(read).read_to_end(&mut back).unwrap();
            }
            Compression::GzipMembers(_) => {
                flate2::read::GzDecoder::new(read).read_to_end(&mut back).unwrap();
                assert_eq!(back.len(), bytes.len() / 3, "the first member is a third");
                back.clear();
                flate2::read::MultiGzDecoder::new(read).read_to_end(&mut back).unwrap();
            }
            Compression::Zstd(_) | Compression::ZstdFrames { .. } => {
                back = zstd::decode_all(read).unwrap();
            }
            Compression::Xz => {
                liblzma::read::XzDecoder::new(read).read_to_end(&mut back).unwrap();
            }
            Compression::Bzip2 => {
                bzip2::read::BzDecoder::new(read).read_to_end(&mut back).unwrap();
            }
        }
        assert_eq!(back, bytes, "{codec:?}");
    }
}

#[test]
fn the_random_tree_depends_on_the_seed_alone() {
    assert_eq!(random_tree(7, 10, 100).diff_id(), random_tree(7, 10, 100).diff_id());
    assert_ne!(random_tree(7, 10, 100).diff_id(), random_tree(8, 10, 100).diff_id());
    let tar = random_tree(7, 200, 1000).tar();
    let ratio = tar.len() / Compression::Gzip(6).compress(&tar).len();
    assert!((1..4).contains(&ratio), "neither noise nor zeros: {ratio}");
}

#[test]
fn config_and_manifest_agree() {
    let image = Image::new()
        .layer(Layer::new().file("a", "1"))
        .layer_with(Layer::new().file("b", "2"), "RUN b", Compression::Zstd(3))
        .empty_history("ENV A=b")
        .user("1000")
        .env("A=b")
        .env("C=d")
        .label("k", "v")
        .exposed_port("80/tcp")
        .annotation("x", "y")
        .platform("linux", "arm64", "v8");
    let config: Value = serde_json::from_slice(&image.config()).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"], json!(image.diff_ids()));
    assert_eq!(config["config"]["Env"], json!(["A=b", "C=d"]));
    assert_eq!(config["history"][2]["empty_layer"], true);
    assert_eq!(config["variant"], "v8");
    let manifest: oci_spec::image::ImageManifest = serde_json::from_slice(&image.manifest()).unwrap();
    assert_eq!(manifest.config().digest().to_string(), image.config_digest());
    for (descriptor, (digest, blob)) in manifest.layers().iter().zip(image.layer_blobs()) {
        assert_eq!(descriptor.digest().to_string(), digest);
        assert_eq!(descriptor.size(), blob.len() as u64);
    }
    let chain = image.chain_ids();
    let diff = image.diff_ids();
    assert_eq!(chain[0], diff[0]);
    assert_eq!(chain[1], digest(format!("{} {}", diff[0], diff[1]).as_bytes()));
}

#[test]
fn children_keep_the_base_and_are_deterministic() {
    let (base, app) = (small_base(), clean_app(&small_base()));
    assert_eq!(app.diff_ids()[..2], base.diff_ids()[..]);
    assert_eq!(base.manifest_digest(), small_base().manifest_digest());
    assert_ne!(app.config_digest(), base.config_digest());
    let other = app.clone().recompressed(Compression::Zstd(3));
    assert_eq!(other.config_digest(), app.config_digest());
    assert_ne!(other.manifest_digest(), app.manifest_digest());
    assert_eq!(elf(62, "x")[18..20], [62, 0]);
}

#[test]
fn documents_can_be_spoilt() {
    let base = small_base();
    let spoilt = base.clone().config_json(|config| config["os"] = json!(null));
    assert_eq!(spoilt.config_value()["os"], Value::Null);
    let child = spoilt.layer(Layer::new().file("x", ""));
    assert_eq!(child.config_value()["os"], Value::Null, "edits reach children");
    let text = base.config_value().to_string().replacen('{', r#"{"os":"plan9","#, 1);
    let twice = base.clone().config_bytes(text.clone());
    assert_eq!(twice.config(), text.as_bytes());
    let files = twice.oci_layout_files();
    assert_eq!(files[&blob(&digest(text.as_bytes()))], text.as_bytes());
    let lied = base.clone().edit_layer(0, |layer| layer.diff_id = digest(b"other"));
    assert_eq!(lied.diff_ids()[0], digest(b"other"));
    let squash = StoredLayer::opaque("hsqs", "application/vnd.sylabs.squashfs", "RUN x");
    let odd = base.stored_layer(squash).manifest_json(|m| m["annotations"] = json!({}));
    assert_eq!(odd.manifest_value()["layers"][2]["size"], 4);
}
