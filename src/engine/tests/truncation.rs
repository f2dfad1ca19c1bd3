//! An image cut short at each of its bytes.

use std::fs::File;

use super::room::support::{Compression, DockerForm, Image};
use super::room::{Room, archives, check, engine, is_error, passes, smallest, told};

/// Cuts a file at every length, longest first; `may_pass` says from which length on nothing is missing
/// that a reader needs.
fn cut_everywhere(name: &str, archive: &[u8], may_pass: usize) {
    let (room, engine) = (Room::new(), engine());
    let path = room.write(name, archive);
    let sound = check(&engine, &path);
    assert!(passes(&sound), "{name}: {:?} {}", sound.errors, told(&sound));
    let file = File::options().write(true).open(&path).unwrap();
    for length in (0..archive.len()).rev() {
        file.set_len(length as u64).unwrap();
        let checked = check(&engine, &path);
        if length >= may_pass {
            assert_eq!(told(&checked), told(&sound), "{name} cut at {length} of {}", archive.len());
        } else {
            assert!(!passes(&checked), "{name} cut at {length} of {} passes", archive.len());
            // An archive without its end is none: not even a failing image is told of it.
            assert!(is_error(&checked) && checked.images.is_empty(), "{name} cut at {length}");
        }
    }
}

/// Of a tar's end mark, two blocks of zeros, readers need the first. The second is all that may be missing.
fn without_second_zero_block(archive: &[u8]) -> usize {
    assert!(archive.len().is_multiple_of(512) && archive.ends_with(&[0; 1024]));
    archive.len() - 512
}

fn cut_archive(name: &str, image: &Image) {
    let archives = archives(image);
    let (_, archive) = archives.iter().find(|(known, _)| *known == name).unwrap();
    let wrapped = matches!(name, "gzip" | "zstd");
    let may_pass = if wrapped { archive.len() } else { without_second_zero_block(archive) };
    cut_everywhere(name, archive, may_pass);
}

#[test]
fn docker_archives_cut_anywhere_never_pass() {
    cut_archive("docker", &smallest(Compression::None));
    cut_archive("kaniko", &smallest(Compression::Gzip(6)));
}

#[test]
fn hybrid_archives_cut_anywhere_never_pass() {
    cut_archive("hybrid", &smallest(Compression::None));
}

#[test]
fn oci_archives_cut_anywhere_never_pass() {
    cut_archive("oci", &smallest(Compression::Zstd(3)));
}

#[test]
fn compressed_archives_cut_anywhere_never_pass() {
    for name in ["gzip", "zstd"] {
        cut_archive(name, &smallest(Compression::Gzip(6)));
    }
    let archive = smallest(Compression::None).docker_archive(DockerForm::Legacy);
    for compression in [Compression::GzipMembers(3), Compression::Xz, Compression::Bzip2] {
        let archive = compression.compress(&archive);
        cut_everywhere("wrapped", &archive, archive.len());
    }
}

/// A cut that falls between two members leaves what is whole for each codec, and no whole archive.
#[test]
fn every_file_of_a_layout_is_needed_to_its_last_byte() {
    for compression in [Compression::None, Compression::Gzip(6), Compression::Zstd(3)] {
        let (room, engine) = (Room::new(), engine());
        let path = room.path("layout");
        let image = smallest(compression);
        image.oci_dir(&path);
        assert!(passes(&check(&engine, &path)));
        for (name, bytes) in image.oci_layout_files() {
            let file = File::options().write(true).open(path.join(&name)).unwrap();
            for length in (0..bytes.len()).rev() {
                file.set_len(length as u64).unwrap();
                let checked = check(&engine, &path);
                assert!(!passes(&checked), "{name} of a {compression:?} layout, cut at {length}");
            }
            std::fs::write(path.join(&name), bytes).unwrap();
        }
        assert!(passes(&check(&engine, &path)));
    }
}
