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

#[test]
fn bytes_that_decode_to_nothing_are_told() {
    let layer = Layer::new().file("opt/x", "x");
    // Flags and fields of the header (RFC 1952, section 2.3.1), behind its ten bytes.
    let gzip = |flag: u8, field: &[u8]| {
        let field = field.to_vec();
        let blob = move |tar: &[u8]| {
            let plain = Compression::Gzip(6).compress(tar);
            let mut member = [&plain[..10], &field, &plain[10..]].concat();
            member[3] |= flag;
            member
        };
        check_child(&stored(&layer, blob, Compression::Gzip(6)))
    };
    // Skippable frames (RFC 8878, section 3.1.2).
    let zstd = |payload: &[u8]| {
        let size = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let frame = [&b"\x50\x2a\x4d\x18"[..], &size, payload].concat();
        let blob = move |tar: &[u8]| [Compression::Zstd(3).compress(tar), frame].concat();
        check_child(&stored(&layer, blob, Compression::Zstd(3)))
    };
    let comment = [&b"hidden ".repeat(1_000)[..], b"\0"].concat();
    let long_name = [&b"n".repeat(300)[..], b"\0"].concat();
    let stargz = b"\x1a\x00SG\x16\x000000000000000000STARGZ";
    let chunked = [&[0; 56][..], b"GNUlInUx"].concat();
    for (checked, bytes, table) in [
        (gzip(16, &comment), "7000", None),
        (gzip(8, &long_name), "45", None),
        (gzip(4, b"\x06\0hidden"), "6", None),
        (gzip(4, stargz), "26", Some("eStargz")),
        (zstd(b"hidden"), "6", None),
        (zstd(&chunked), "64", Some("zstd:chunked")),
    ] {
        let finding = checked.finding("unread-data");
        assert_eq!((&finding["severity"], &finding["layer"]["index"]), (&"low".into(), &4.into()));
        assert_eq!(finding["evidence"]["bytes"], bytes);
        assert_eq!(finding["evidence"].get("tableOfContents").and_then(|form| form.as_str()), table);
    }
    for honest in [gzip(0, b""), gzip(8, b"layer.tar\0"), zstd(b"")] {
        assert_eq!(honest.outcome("unread-data"), "pass");
        assert!(honest.findings().iter().all(|finding| finding["rule"] != "unread-data"));
    }
}

/// What a table of contents tells of a tar, as containers/storage writes it.
fn table_of(tar: &[u8]) -> serde_json::Value {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let header = entry.header();
        let mut told = serde_json::json!({
            "type": if header.entry_type().is_dir() { "dir" } else { "reg" },
            "name": entry.path().unwrap().to_str().unwrap(),
            "mode": header.mode().unwrap(),
            "uid": header.uid().unwrap(),
            "gid": header.gid().unwrap(),
        });
        if !bytes.is_empty() {
            told["size"] = bytes.len().into();
            told["digest"] = crate::support::digest(&bytes).into();
        }
        told
    });
    serde_json::json!({"version": 1, "entries": entries.collect::<Vec<_>>()})
}

/// The application with a layer of zstd:chunked, of which partial pulls take `table` for what it holds.
fn chunked(layer: &Layer, table: impl FnOnce(&[u8]) -> serde_json::Value) -> Image {
    let mut footer = Vec::new();
    let blob = |tar: &[u8]| {
        let frame = |payload: &[u8]| {
            let size = u32::try_from(payload.len()).unwrap().to_le_bytes();
            [&b"\x50\x2a\x4d\x18"[..], &size, payload].concat()
        };
        let (content, text) = (Compression::Zstd(3).compress(tar), table(tar).to_string());
        let table = Compression::Zstd(3).compress(text.as_bytes());
        for number in [content.len() + 8, table.len(), text.len(), 1, 0, 0, 0] {
            footer.extend_from_slice(&(number as u64).to_le_bytes());
        }
        footer.extend_from_slice(b"GNUlInUx");
        [content, frame(&table), frame(&footer)].concat()
    };
    stored(layer, blob, Compression::Zstd(3))
}

#[test]
fn a_table_of_contents_that_tells_of_other_files_is_told() {
    type Edit = fn(&mut Vec<serde_json::Value>);
    let layer = Layer::new().file("opt/tool", "as it should be").file("opt/empty", "");
    let honest = check_child(&chunked(&layer, table_of));
    assert_failing(&honest, []);
    assert_eq!(honest.finding("unread-data")["evidence"]["tableOfContents"], "zstd:chunked");
    let edits: [(&str, Edit); 4] = [
        ("ambiguous-entry /opt/tool", |entries| {
            let tool = entries.iter_mut().find(|entry| entry["name"] == "opt/tool").unwrap();
            tool["mode"] = 0o4755.into();
        }),
        ("ambiguous-entry /opt/tool", |entries| {
            let tool = entries.iter_mut().find(|entry| entry["name"] == "opt/tool").unwrap();
            tool["digest"] = crate::support::digest(b"something else").into();
        }),
        ("ambiguous-entry /opt/tool", |entries| entries.retain(|entry| entry["name"] != "opt/tool")),
        ("ambiguous-entry /etc/ld.so.preload", |entries| {
            entries.push(serde_json::json!({"type": "reg", "name": "etc/ld.so.preload"}));
        }),
    ];
    for (expected, edit) in edits {
        let table = |tar: &[u8]| {
            let mut table = table_of(tar);
            edit(table["entries"].as_array_mut().unwrap());
            table
        };
        assert_failing(&check_child(&chunked(&layer, table)), [expected]);
    }
    assert_failing(&check_child(&chunked(&layer, |_| serde_json::json!({}))), ["ambiguous-entry"]);
}
