//! An image of which one byte is another, each in turn.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::room::support::{Compression, Image, Layer};
use super::room::{Room, archives, check, engine, found, tells_integrity, told};
use crate::engine::{Checked, Engine};

/// An image with faults in its config and in its layer, which are to be found whatever else is spoilt.
fn faulty(compression: Compression) -> Image {
    let layer = Layer::new().file_mode("a", "x", 0o4755);
    Image::new().layer_with(layer, "COPY a /", compression)
}

/// Changes each byte of a file, by one bit or by all of them, and hands over what came of it.
fn each_byte(engine: &Engine, input: &Path, path: &Path, mut told: impl FnMut(usize, &Checked)) {
    let bytes = std::fs::read(path).unwrap();
    let mut file = File::options().write(true).open(path).unwrap();
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[byte]).unwrap();
    };
    for (at, byte) in bytes.iter().enumerate() {
        let change = if at % 5 == 0 { 0xff } else { 1 << (at % 8) };
        put(at, byte ^ change);
        told(at, &check(engine, input));
        put(at, *byte);
    }
}

/// The places in an archive that hold one of these blobs.
fn covered(archive: &[u8], blobs: &[Vec<u8>]) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for blob in blobs {
        let mut windows = archive.windows(blob.len()).enumerate().filter(|(_, window)| window == blob);
        let (start, _) = windows.next().expect("the blob is stored as it is");
        places.extend(start..start + blob.len());
    }
    places
}

fn flip_archive(name: &str, image: &Image, blobs: &[Vec<u8>]) {
    let (room, engine) = (Room::new(), engine());
    let (_, archive) = archives(image).into_iter().find(|(known, _)| *known == name).unwrap();
    let path = room.write(name, &archive);
    let sound = found(&check(&engine, &path));
    for rule in ["setuid-file", "user-root"] {
        assert!(sound.iter().any(|(found, _)| *found == rule), "{name}: {sound:?}");
    }
    let covered = covered(&archive, blobs);
    let mut unnoticed = 0;
    each_byte(&engine, &path, &path, |at, checked| {
        let tells = tells_integrity(checked);
        assert!(
            tells || !covered.contains(&at),
            "{name}: byte {at} of a blob: {}",
            super::room::told(checked)
        );
        let missing: Vec<_> = sound.difference(&found(checked)).cloned().collect();
        assert!(tells || missing.is_empty(), "{name}: with byte {at} changed, {missing:?} is not found");
        unnoticed += usize::from(!tells);
    });
    // Padding, names, times: there are bytes that decide nothing, or this test does.
    assert!(unnoticed > 0 && unnoticed < archive.len(), "{name}: {unnoticed}");
}

fn blobs_of(image: &Image) -> Vec<Vec<u8>> {
    let layers = image.layers().map(|layer| layer.blob.clone());
    layers.chain([image.config()]).collect()
}

#[test]
fn a_changed_byte_of_an_oci_archive_is_noticed() {
    let image = faulty(Compression::Gzip(6));
    flip_archive("oci", &image, &[blobs_of(&image), vec![image.manifest()]].concat());
}

#[test]
fn a_changed_byte_of_a_docker_archive_is_noticed() {
    let image = faulty(Compression::None);
    flip_archive("docker", &image, &blobs_of(&image));
}

#[test]
fn a_changed_byte_of_a_hybrid_archive_is_noticed() {
    let image = faulty(Compression::None);
    flip_archive("hybrid", &image, &blobs_of(&image));
}

/// What is around an archive decides nothing of what is in it: it is unpacked to the same, or not.
#[test]
fn a_changed_byte_of_a_compressed_archive_is_noticed() {
    for name in ["gzip", "zstd"] {
        let (room, engine) = (Room::new(), engine());
        let image = faulty(Compression::Gzip(6));
        let (_, archive) = archives(&image).into_iter().find(|(known, _)| *known == name).unwrap();
        let path = room.write(name, archive);
        let sound = check(&engine, &path);
        each_byte(&engine, &path, &path, |at, checked| {
            let same = told(checked) == told(&sound) && checked.errors.is_empty();
            // gzip has a checksum; zstd, as it is written here, has none, and the archive in it has its own.
            assert!(same || tells_integrity(checked) || name == "zstd", "{name}: byte {at}");
            let missing: Vec<_> = found(&sound).difference(&found(checked)).cloned().collect();
            assert!(tells_integrity(checked) || missing.is_empty(), "{name}: byte {at}: {missing:?}");
        });
    }
}

#[test]
fn a_changed_byte_of_a_layout_is_noticed() {
    for compression in [Compression::Gzip(6), Compression::Zstd(3)] {
        let (room, engine) = (Room::new(), engine());
        let image = faulty(compression);
        let path = room.path("layout");
        image.oci_dir(&path);
        let sound = found(&check(&engine, &path));
        for name in image.oci_layout_files().into_keys() {
            each_byte(&engine, &path, &path.join(&name), |at, checked| {
                let tells = tells_integrity(checked);
                assert!(tells || !name.starts_with("blobs/"), "{name}: byte {at}");
                let missing: Vec<_> = sound.difference(&found(checked)).cloned().collect();
                assert!(tells || missing.is_empty(), "{name}: byte {at}: {missing:?}");
            });
        }
    }
}
