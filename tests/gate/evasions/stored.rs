//! How layers and archives are stored.

use super::{app, assert_failing};
use crate::harness::{check_bytes, check_child};
use crate::support::{Compression, Image, Layer, StoredLayer, files_to_tar, tar_members};

/// The application with a fifth layer of which `blob` is made.
fn stored(layer: &Layer, blob: impl FnOnce(&[u8]) -> Vec<u8>, as_type: Compression) -> Image {
    let stored = StoredLayer::new(layer, "COPY . / # buildkit", as_type);
    let blob = blob(&stored.tar);
    app().stored_layer(stored).edit_layer(4, |layer| layer.blob = blob)
}

#[test]
fn what_the_last_of_many_members_holds_counts() {
    for compression in [
        Compression::GzipMembers(40),
        Compression::ZstdFrames { frames: 40, skippable: false },
        Compression::ZstdFrames { frames: 40, skippable: true },
    ] {
        let image = |mode| {
            let layer = Layer::new().file("opt/a", vec![b'x'; 40_000]).file_mode("opt/tool", "x", mode);
            app().layer_with(layer, "COPY . / # buildkit", compression)
        };
        assert_failing(&check_child(&image(0o4755)), ["setuid-file /opt/tool"]);
        assert_failing(&check_child(&image(0o755)), []);
    }
}

#[test]
fn a_member_behind_zeros_is_told() {
    // gzip(1) reads on, Go refuses the zeros.
    let hidden = Layer::new().file_mode("opt/tool", "x", 0o4755).tar();
    let gap = |second: Vec<u8>| {
        let blob = |tar: &[u8]| [Compression::Gzip(6).compress(tar), vec![0; 512], second].concat();
        check_child(&stored(&Layer::new().file("opt/x", "x"), blob, Compression::Gzip(6)))
    };
    assert_failing(&gap(Compression::Gzip(6).compress(&hidden)), ["trailing-data"]);
    assert_failing(&gap(Vec::new()), []);
}

#[test]
fn every_codec_under_a_false_name_is_told() {
    for (compression, says) in [
        (Compression::Xz, "application/vnd.oci.image.layer.v1.tar+gzip"),
        (Compression::Bzip2, "application/vnd.oci.image.layer.v1.tar"),
        (Compression::Gzip(6), "application/vnd.oci.image.layer.v1.tar+zstd"),
        (Compression::None, "application/vnd.oci.image.layer.v1.tar+zstd"),
        (Compression::Zstd(3), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    ] {
        let image = stored(
            &Layer::new().file_mode("opt/tool", "x", 0o4755),
            |tar| compression.compress(tar),
            Compression::None,
        );
        let image = image.edit_layer(4, |layer| layer.media_type = Some(says.into()));
        assert_failing(&check_child(&image), ["media-type-mismatch", "setuid-file /opt/tool"]);
    }
}

#[test]
fn files_that_nothing_names_are_told() {
    let with = |name: &str| {
        let mut members = tar_members(&app().oci_archive());
        members.insert(1, (name.to_owned(), b"rides along".to_vec()));
        check_bytes(files_to_tar(members))
    };
    for name in ["blobs/sha256/notes", "blobs/md5/x", "layer.tar", "notes.json"] {
        assert_eq!(with(name).finding("unreferenced-blob")["severity"], "low", "{name}");
    }
    let sound = check_bytes(app().oci_archive());
    assert!(!sound.findings().iter().any(|finding| finding["rule"] == "unreferenced-blob"));
}
