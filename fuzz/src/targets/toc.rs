//! Tables of contents in layers.

use std::collections::BTreeSet;
use std::sync::Arc;

use ocicheck::digest::Digest;
use ocicheck::limits::Limits;
use ocicheck::model::ImagePath;
use ocicheck::model::descriptor::{ChunkedClaim, TocClaims};
use ocicheck::read::Section;
use ocicheck::scan::{EntryKind, Tables};
use serde_json::Value;

use super::tools::scan;
use crate::support::{Compression, Layer};

/// The layer whose table it is.
pub fn sample() -> Layer {
    let layer = Layer::new().dir("bin/", 0o755).file_mode("bin/tool", "0123456789", 0o755);
    layer.file("etc/empty", "").symlink("bin/sh", "tool").hardlink("bin/other", "bin/tool")
}

/// The first byte says how the rest is the table of a layer, or its end. A table of which nothing is told says of each
/// file what the tar does, as another parser of JSON reads it.
pub fn toc(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let tar = sample().tar();
    let content = Compression::Zstd(1).compress(&tar);
    let table = Compression::Zstd(1).compress(rest);
    let claims = TocClaims {
        chunked: ChunkedClaim {
            position: Some(format!("{}:{}:{}:1", content.len() + 8, table.len(), rest.len())),
            digest: Some(Digest::sha256(&table).to_string()),
        },
        ..TocClaims::default()
    };
    match how % 3 {
        0 => {
            let size = u32::try_from(table.len()).unwrap().to_le_bytes();
            let blob = [&content, &b"\x50\x2a\x4d\x18"[..], &size, &table].concat();
            if told(&blob, &claims) == Some(0) {
                agrees(&tar, rest);
            }
        }
        1 => drop(told(&[&Compression::Gzip(1).compress(&tar), rest].concat(), &TocClaims::default())),
        _ => drop(told(&[&content, rest].concat(), &claims)),
    }
}

/// How much is told of a layer's tables; `None` where the layer itself is broken.
fn told(blob: &[u8], claims: &TocClaims) -> Option<usize> {
    let layer = scan(blob);
    let mut tables = Tables::new(Arc::default());
    let mut hold = || tables.hold(&Section::of_bytes(blob.to_vec()), &layer, claims, &Limits::default());
    let told = hold().expect("what is in memory can be read");
    layer.tar.as_ref().ok().map(|_| told.len())
}

fn agrees(tar: &[u8], text: &[u8]) {
    // Bytes that are no UTF-8 are U+FFFD, as for Go.
    let table: Value = serde_json::from_str(&String::from_utf8_lossy(text)).expect("a table");
    let listed = table["entries"].as_array().cloned().unwrap_or_default();
    let listed: Vec<_> = listed.iter().filter(|entry| entry["type"] != "chunk").collect();
    let facts = scan(tar);
    let entries = &facts.tar.as_ref().unwrap().entries;
    let names = |path: &ImagePath| path.to_string();
    let of_tar: BTreeSet<_> = entries.iter().map(|entry| names(&entry.path)).collect();
    let of_table: BTreeSet<_> = listed
        .iter()
        .map(|entry| names(&ImagePath::new(entry["name"].as_str().unwrap_or_default())))
        .collect();
    assert_eq!((of_tar.len(), &of_tar), (listed.len(), &of_table));
    for told in listed {
        let path = ImagePath::new(told["name"].as_str().unwrap_or_default());
        let entry = entries.iter().find(|entry| entry.path == path).unwrap();
        let number = |name: &str| told[name].as_i64().unwrap_or_default();
        assert_eq!(number("mode") & 0o7777, i64::from(entry.mode));
        assert_eq!((number("uid"), number("gid")), (entry.uid as i64, entry.gid as i64));
        if entry.kind == EntryKind::File && entry.size > 0 {
            let digest = Digest::Sha256(entry.content).to_string();
            assert!(told["digest"] == digest.as_str() || told["chunkDigest"] == digest.as_str());
        }
    }
}
