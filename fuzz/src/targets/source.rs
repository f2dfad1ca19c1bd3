//! The outer archive.

use std::io::Write as _;

use ocicheck::codec::{self, HEAD_BYTES};
use ocicheck::digest::Digest;
use ocicheck::model::descriptor::Compression;
use ocicheck::read::Section;
use ocicheck::source;

use super::tools::{LIMITS, mended};

/// An archive, as it is and with right checksums. It is never opened as nothing at all; opened again, and
/// compressed, it is the same images.
pub fn source(data: &[u8]) {
    holds(data);
    let mended = mended(data);
    if mended != data {
        holds(&mended);
    }
}

fn holds(archive: &[u8]) {
    let opened = open(archive.to_vec());
    assert_eq!(opened, open(archive.to_vec()));
    if codec::detect(&archive[..archive.len().min(HEAD_BYTES)]) != Compression::None {
        return;
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(archive).unwrap();
    let compressed = open(gzip.finish().unwrap());
    match (&opened, &compressed) {
        (Ok(opened), Ok(compressed)) => assert_eq!(opened, compressed),
        (Err(_), Err(_)) => {}
        other => panic!("compressed, it is otherwise: {other:?}"),
    }
}

/// All that was found, but for where it is.
pub(super) fn open(archive: Vec<u8>) -> Result<String, String> {
    let found =
        source::from_section(Section::of_bytes(archive), &LIMITS).map_err(|error| error.to_string())?;
    assert!(!found.images.is_empty() || !found.errors.is_empty(), "no image, and no error");
    let mut shown = format!("{:?}\n{:?}\n{:?}\n", found.notes, found.errors, found.anomalies);
    for image in &found.images {
        assert!(!image.configs.is_empty(), "an image without a reading of its config");
        let bytes = image.layers.iter().map(|layer| {
            let blob = layer.blob.as_ref()?;
            Some(Digest::sha256(&blob.read_all(u64::MAX, "").expect("memory can be read")))
        });
        let claims = image.layers.iter().map(|layer| (&layer.name, &layer.declared));
        shown += &format!(
            "{:?} {:?} {:?} {} {:?} {:?} {:?} {:?}\n",
            image.form,
            image.names,
            image.manifest_digest,
            image.config_digest,
            image.configs,
            image.anomalies,
            claims.collect::<Vec<_>>(),
            bytes.collect::<Vec<_>>(),
        );
    }
    Ok(shown)
}
