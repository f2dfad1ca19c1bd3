//! Tables of contents that tell what their layer's tar does, and those that tell anything else.

use super::*;
use crate::limits::TOC_DIFFERENCES;
use crate::model::descriptor::ChunkedClaim;
use crate::scan::build::Tar;
use crate::scan::{ScanOptions, scan_layer};

/// A layer's tar with an entry of each kind that tables tell of, and the entries of an honest table.
fn tar() -> (Tar, Vec<String>) {
    let tar = Tar::new()
        .entry("./bin/", b'5', b"")
        .file("bin/tool", "0123456789")
        .pax(b'x', &[("SCHILY.xattr.user.a", b"f")])
        .file("bin/empty", "")
        .link("bin/sh", b'2', "../bin/tool")
        .link("bin/other", b'1', "./bin/tool");
    let own = r#""mode":420,"uid":1000,"gid":1000"#;
    let tool = digest(b"0123456789");
    let entries = vec![
        format!(r#"{{"type":"dir","name":"bin/",{own}}}"#),
        format!(
            r#"{{"type":"reg","name":"bin/tool",{own},"size":10,"digest":"{tool}","chunkDigest":"{tool}"}}"#
        ),
        format!(r#"{{"type":"reg","name":"bin/empty",{own},"xattrs":{{"user.a":"Zg=="}}}}"#),
        format!(r#"{{"type":"symlink","name":"bin/sh","linkName":"../bin/tool",{own}}}"#),
        format!(r#"{{"type":"hardlink","name":"bin/other","linkName":"bin/tool",{own}}}"#),
    ];
    (tar, entries)
}

fn digest(bytes: &[u8]) -> String {
    Digest::sha256(bytes).to_string()
}

fn table_of(entries: &[String]) -> String {
    format!(r#"{{"version":1,"entries":[{}]}}"#, entries.join(","))
}

fn claim(position: Option<String>, digest: Option<String>) -> TocClaims {
    TocClaims { chunked: ChunkedClaim { position, digest }, ..TocClaims::default() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [b"\x50\x2a\x4d\x18", &(payload.len() as u32).to_le_bytes()[..], payload].concat()
}

/// zstd:chunked as containers/storage writes it, with the annotations.
fn chunked(tar: Tar, table: &str) -> (Vec<u8>, TocClaims) {
    let layer = zstd::encode_all(&tar.end()[..], 1).unwrap();
    let table_bytes = zstd::encode_all(table.as_bytes(), 1).unwrap();
    let offset = layer.len() + 8;
    let mut footer = vec![0; 56];
    for (at, number) in [offset, table_bytes.len(), table.len(), 1].into_iter().enumerate() {
        footer[at * 8..][..8].copy_from_slice(&(number as u64).to_le_bytes());
    }
    footer.extend_from_slice(b"GNUlInUx");
    let claims =
        claim(Some(format!("{offset}:{}:{}:1", table_bytes.len(), table.len())), Some(digest(&table_bytes)));
    ([layer, frame(&table_bytes), frame(&footer)].concat(), claims)
}

/// eStargz as the stargz snapshotter writes it, with the annotation.
fn stargz(tar: Tar, table: &str) -> (Vec<u8>, TocClaims) {
    let layer = gzip(&tar.0);
    let table_tar = Tar::new().file("stargz.index.json", table).end();
    let extra = format!("SG\x16\0{:016x}STARGZ", layer.len());
    let footer =
        [&b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0"[..], extra.as_bytes(), b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0"]
            .concat();
    assert_eq!(footer.len(), 51);
    let claims = TocClaims { stargz_digest: Some(digest(table.as_bytes())), ..TocClaims::default() };
    ([layer, gzip(&table_tar), footer].concat(), claims)
}

fn told(blob: &[u8], claims: &TocClaims) -> Vec<String> {
    let blob = Section::of_bytes(blob.to_vec());
    let layer = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
    assert!(layer.tar.is_ok(), "{:?}", layer.tar);
    let anomalies = Tables::new(Arc::default()).hold(&blob, &layer, claims, &Limits::default()).unwrap();
    assert!(anomalies.iter().all(|anomaly| anomaly.fault == Fault::AmbiguousEntry));
    let shown = |anomaly: &Anomaly| {
        let path = anomaly.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
        let differing = anomaly.evidence.iter().find(|(name, _)| *name == "table");
        format!("{path}{} {}", anomaly.message, differing.map(|(_, text)| text.as_str()).unwrap_or_default())
    };
    anomalies.iter().map(shown).collect()
}

/// In both forms, found by the footer and by annotations.
fn told_in_all_forms(tar: &Tar, table: &str) -> Vec<String> {
    let (blob, claims) = chunked(tar.clone(), table);
    let of_chunked = told(&blob, &claims);
    let (gz, gz_claims) = stargz(tar.clone(), table);
    for (blob, claims) in [(&blob, &TocClaims::default()), (&gz, &gz_claims), (&gz, &TocClaims::default())] {
        let renamed: Vec<_> =
            told(blob, claims).iter().map(|text| text.replace("eStargz", "zstd:chunked")).collect();
        assert_eq!(renamed, of_chunked);
    }
    of_chunked
}

#[test]
fn a_table_that_tells_what_the_tar_does_is_no_fault() {
    let (tar, entries) = tar();
    assert_eq!(told_in_all_forms(&tar, &table_of(&entries)), [""; 0]);
    // A layer without one.
    assert_eq!(told(&gzip(&tar.clone().end()), &TocClaims::default()), [""; 0]);
    // Type bits in modes, as CRFS wrote them, and keys that say nothing of the file.
    let old: Vec<_> = entries
        .iter()
        .map(|entry| entry.replace(r#""mode":420"#, r#""mode":33188,"NumLink":0,"future":[1]"#))
        .collect();
    assert_eq!(told_in_all_forms(&tar, &table_of(&old)), [""; 0]);
}

#[test]
fn each_field_that_differs_is_told() {
    let (tar, entries) = tar();
    for (from, to, path, differs) in [
        (r#""type":"dir""#, r#""type":"fifo""#, "/bin", "type fifo"),
        (r#""mode":420"#, r#""mode":2541"#, "/bin", "mode 4755"),
        (r#""uid":1000"#, r#""uid":0"#, "/bin", "uid 0"),
        (r#""gid":1000"#, r#""gid":-1"#, "/bin", "gid -1"),
        (r#""size":10"#, r#""size":11"#, "/bin/tool", "size 11"),
        (r#""digest":"sha256:8"#, r#""digest":"sha256:9"#, "/bin/tool", "digest sha256:9"),
        (r#""Zg==""#, r#""Zw==""#, "/bin/empty", "attributes user.a"),
        (r#""xattrs":{"user.a":"Zg=="}"#, r#""xattrs":{}"#, "/bin/empty", "attributes none"),
        ("../bin/tool", "/etc/shadow", "/bin/sh", "link /etc/shadow"),
        (r#""linkName":"bin/tool""#, r#""linkName":"bin/empty""#, "/bin/other", "link bin/empty"),
    ] {
        let spoilt = table_of(&entries).replacen(from, to, 1);
        assert_ne!(spoilt, table_of(&entries), "{from}");
        let told = told_in_all_forms(&tar, &spoilt);
        assert!(told.len() == 1 && told[0].starts_with(&format!("{path}: ")), "{to}: {told:?}");
        assert!(told[0].contains(differs), "{to}: {told:?}");
    }
}

#[test]
fn entries_of_one_side_only_are_told() {
    let (tar, entries) = tar();
    let of_table = told_in_all_forms(&tar.clone(), &table_of(&entries[..4]));
    assert!(
        of_table.len() == 1 && of_table[0].contains("/bin/other: the layer's tar has an entry"),
        "{of_table:?}"
    );
    let more = [&entries[..], &[r#"{"type":"reg","name":"etc/x"}"#.into()]].concat();
    let of_tar = told_in_all_forms(&tar, &table_of(&more));
    assert!(of_tar.len() == 1 && of_tar[0].contains("/etc/x: the layer's table of contents has an entry"));
    let twice = [&entries[..], &entries[..1]].concat();
    assert!(told_in_all_forms(&tar, &table_of(&twice))[0].contains("has this path twice"));
}

#[test]
fn what_two_readers_read_as_two_is_no_table() {
    let (tar, entries) = tar();
    for (from, to, why) in [
        (r#""uid":1000"#, r#""uid":0,"uid":1000"#, "the key uid stands twice"),
        (r#""uid":1000"#, r#""UID":0,"uid":1000"#, "the key uid is spelt UID"),
        (r#""linkName""#, r#""linKname""#, "the key linkName is spelt"),
        (r#""linkName""#, "\"l\u{130}nkName\"", "the key linkName is spelt"),
        (r#""entries""#, r#""entries":[],"Entries""#, "spelt Entries"),
        (r#""user.a":"#, r#""user.a":"","user.a":"#, "stands twice"),
        (r#""uid":1000"#, r#""":1,"uid":1000"#, "a key is empty"),
        (r#""uid":1000"#, r#""uid":1e3"#, "no table of contents"),
        (r#""uid":1000"#, r#""uid":18446744073709551616"#, "no table of contents"),
        (r#""version":1"#, r#""version":1,"x":tru"#, "no table of contents"),
        ("]}", "]} {}", "no table of contents"),
        (r#""entries""#, r#""files""#, "it has no entries"),
    ] {
        let spoilt = table_of(&entries).replacen(from, to, 1);
        let told = told_in_all_forms(&tar, &spoilt);
        assert!(
            told.len() == 1 && told[0].contains(why) && told[0].contains("cannot be held"),
            "{to}: {told:?}"
        );
    }
}

#[test]
fn pieces_are_held_to_the_file() {
    let (tar, entries) = tar();
    let whole = digest(b"0123456789");
    let with = |pieces: &[(u64, u64, &[u8])]| {
        let mut list = Vec::new();
        for (number, (offset, size, bytes)) in pieces.iter().enumerate() {
            let piece = digest(bytes);
            let more = format!(r#""chunkOffset":{offset},"chunkSize":{size},"chunkDigest":"{piece}""#);
            list.push(match number {
                0 => entries[1].replace(&format!(r#""chunkDigest":"{whole}""#), &more),
                _ => format!(r#"{{"type":"chunk","name":"bin/tool",{more}}}"#),
            });
        }
        let entries = [&entries[..1], &list, &entries[2..]].concat();
        told_in_all_forms(&tar, &table_of(&entries))
    };
    let right: [&[(u64, u64, &[u8])]; 5] = [
        &[(0, 4, b"0123"), (4, 6, b"456789")],
        &[(0, 4, b"0123"), (4, 3, b"456"), (7, 0, b"789")],
        &[(0, 10, b"0123456789")],
        &[(0, 3, b"012"), (8, 2, b"89")],
        &[(0, 10, b"0123456789"), (10, 0, b"")],
    ];
    for pieces in right {
        assert_eq!(with(pieces), [""; 0], "{pieces:?}");
    }
    let wrong: [&[(u64, u64, &[u8])]; 6] = [
        &[(0, 10, b"evil")],
        &[(0, 4, b"0123"), (4, 6, b"evil..")],
        &[(0, 4, b"0123"), (2, 6, b"234567")],
        &[(4, 6, b"456789"), (0, 4, b"0123")],
        &[(0, 10, b"0123456789"), (10, 4, b"evil")],
        &[(11, 0, b"")],
    ];
    for pieces in wrong {
        let told = with(pieces);
        assert!(
            told.len() == 1 && told[0].contains("pieces that are not those of the file"),
            "{pieces:?}: {told:?}"
        );
    }
    let foreign = entries[1].clone() + r#",{"type":"chunk","name":"bin/sh"}"#;
    let told = told_in_all_forms(&tar, &table_of(&[&entries[..1], &[foreign], &entries[2..]].concat()));
    assert!(told.len() == 1 && told[0].contains("pieces of another file"), "{told:?}");
}

#[test]
fn a_table_is_found_wherever_a_reader_looks() {
    let (tar, entries) = tar();
    let honest = table_of(&entries);
    let evil = honest.replacen(r#""mode":420"#, r#""mode":2541"#, 1);
    // By annotations alone: no frame of its own, but bytes of a file that lie in the blob as they are.
    let hidden = zstd::encode_all(evil.as_bytes(), 1).unwrap();
    let stored = |body: &[u8]| {
        // One raw block (RFC 8878, section 3.1.1.2).
        let size = body.len() as u32;
        let block = (size << 3 | 1).to_le_bytes();
        [&b"\x28\xb5\x2f\xfd\xa0"[..], &size.to_le_bytes(), &block[..3], body].concat()
    };
    let blob = stored(&tar.clone().entry("data", b'0', &hidden).end());
    let at = blob.windows(hidden.len()).position(|window| window == hidden).unwrap();
    let claims = claim(Some(format!("{at}:{}:{}:1", hidden.len(), evil.len())), Some(digest(&hidden)));
    assert_eq!(told(&blob, &TocClaims::default()), [""; 0]);
    assert!(told(&blob, &claims).iter().any(|text| text.starts_with("/bin: ") && text.contains("mode 4755")));
    // Under the names of before.
    let old = TocClaims { old_chunked: claims.chunked.clone(), ..TocClaims::default() };
    assert_eq!(told(&blob, &old), told(&blob, &claims));

    // The footer tells of one and the annotations of the other.
    let (mut both, right) = chunked(tar.clone(), &honest);
    let footer = both.split_off(both.len() - 72);
    let at = both.len() + 8;
    both.extend(frame(&hidden));
    both.extend(&footer);
    let other = claim(Some(format!("{at}:{}:1:1", hidden.len())), Some(digest(&hidden)));
    assert_eq!(told(&both, &right), [""; 0]);
    assert!(told(&both, &other)[0].contains("mode 4755"));
    // The stargz snapshotter takes the last 40 bytes, containers/storage's frame is of 64.
    let end = both.len() - 40;
    both[end..end + 8].copy_from_slice(&(at as u64).to_le_bytes());
    both[end + 8..end + 16].copy_from_slice(&(hidden.len() as u64).to_le_bytes());
    assert!(told(&both, &right)[0].contains("mode 4755"));
}

#[test]
fn a_footer_of_the_other_form_leads_to_a_table() {
    let (tar, entries) = tar();
    let evil = table_of(&entries).replacen(r#""mode":420"#, r#""mode":2541"#, 1);
    // A skippable frame of zstd ends as an eStargz does.
    let content = zstd::encode_all(&tar.clone().end()[..], 1).unwrap();
    let table = gzip(&Tar::new().file("stargz.index.json", &evil).end());
    let whole = |table: &[u8]| [content.clone(), frame(table)].concat();
    let (gz, _) = stargz(Tar::new(), "");
    let footer = |offset: usize| {
        let end = gz.len() - 51;
        [&gz[end..end + 16], format!("{offset:016x}").as_bytes(), &gz[end + 32..]].concat()
    };
    let blob = whole(&[&table[..], &footer(content.len() + 8)].concat());
    let told = told(&blob, &TocClaims::default());
    assert!(told.len() == 1 && told[0].contains("mode 4755"), "{told:?}");
    // Bytes behind a tar that is not compressed.
    let plain = tar.end();
    let blob = [&plain[..], &table, &footer(plain.len())].concat();
    let told = self::told(&blob, &TocClaims::default());
    assert!(told.len() == 1 && told[0].contains("mode 4755"), "{told:?}");
}

#[test]
fn a_table_that_is_not_there_is_told() {
    let (tar, entries) = tar();
    let table = table_of(&entries);
    let (blob, claims) = chunked(tar.clone(), &table);
    let (gz, gz_claims) = stargz(tar.clone(), &table);
    let no = TocClaims::default;
    let wrong = Some(digest(b"another"));
    let external = {
        let end = gz.len() - 51;
        let footer =
            b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x15\0SG\x11\0STARGZEXTERNALTOC\x01\0\0\xff\xff\0\0\0\0\0\0\0\0";
        [&gz[..end], footer].concat()
    };
    let nowhere = {
        let end = gz.len() - 51;
        [&gz[..end + 16], b"no such offset!!", &gz[end + 32..]].concat()
    };
    let beyond = {
        let end = gz.len() - 51;
        [&gz[..end + 16], b"00000000ffffffff", &gz[end + 32..]].concat()
    };
    for (blob, claims, why) in [
        (&blob, claim(claims.chunked.position.clone(), wrong.clone()), "stored bytes do not have the digest"),
        (&gz, TocClaims { stargz_digest: wrong.clone(), ..no() }, "text do not have the digest"),
        (&gz, TocClaims { stargz_digest: Some("md5:1".into()), ..no() }, "text do not have the digest"),
        (&blob, claim(None, wrong.clone()), "do not say where it is"),
        (&blob, claim(Some(format!("1:{}:1:1", u64::MAX)), wrong.clone()), "beyond the layer's end"),
        (&gzip(&tar.clone().end()), gz_claims.clone(), "the layer has none"),
        (&external, gz_claims.clone(), "in another image"),
        (&nowhere, no(), "its footer does not say where it is"),
        (&beyond, no(), "its footer does not say where it is"),
    ] {
        let told = told(blob, &claims);
        assert!(told.iter().any(|text| text.contains(why)), "{why}: {told:?}");
    }
    // A layer that was read by the snapshotter's own name of the digest.
    let of_text = TocClaims { stargz_digest: Some(digest(table.as_bytes())), ..no() };
    assert_eq!(told(&blob, &of_text), [""; 0]);
}

#[test]
fn an_old_footer_of_stargz_leads_to_its_table() {
    let (tar, entries) = tar();
    let (gz, _) = stargz(tar, &table_of(&entries[..4]));
    let (layer, footer) = gz.split_at(gz.len() - 51);
    let old = [layer, b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x16\0", &footer[16..]].concat();
    let told = told(&old, &TocClaims::default());
    assert!(told.len() == 1 && told[0].contains("/bin/other"), "{told:?}");
}

#[test]
fn bytes_that_changed_since_they_were_hashed_are_an_error() {
    let (tar, entries) = tar();
    let (blob, claims) = chunked(tar, &table_of(&entries));
    let layer = scan_layer(&Section::of_bytes(blob.clone()), &ScanOptions::default(), &()).unwrap();
    let mut changed = blob;
    let at = changed.len() - 100;
    changed[at] ^= 1;
    let changed = Section::of_bytes(changed);
    let error = Tables::new(Arc::default()).hold(&changed, &layer, &claims, &Limits::default()).unwrap_err();
    assert!(error.is_of_the_host(), "{error}");
}

#[test]
fn a_table_is_held_to_toc_bytes() {
    let (tar, entries) = tar();
    let most = 5_000;
    let told = |(bytes, claims): (Vec<u8>, TocClaims)| {
        let blob = Section::of_bytes(bytes);
        let layer = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
        let mut tables = Tables { most, ..Tables::new(Arc::default()) };
        tables.hold(&blob, &layer, &claims, &Limits::default()).unwrap()
    };
    assert_eq!(Tables::new(Arc::default()).most, limits::TOC_BYTES);
    let text = table_of(&entries);
    for make in [chunked, stargz] {
        let sized = |size: u64| {
            let blanks = " ".repeat(usize::try_from(size).unwrap() - text.len());
            told(make(tar.clone(), &format!("{text}{blanks}")))
        };
        assert_eq!(sized(most), []);
        assert!(sized(most + 1)[0].message.contains("exceeds the limit TOC_BYTES (5000)"));
    }
    // As it is stored.
    let (blob, _) = chunked(tar, &text);
    let long = [blob, frame(&[0; 9_000])].concat();
    let place = |size| claim(Some(format!("0:{size}:1:1")), Some(digest(b"")));
    assert!(!told((long.clone(), place(5_000))).iter().any(|told| told.message.contains("TOC_BYTES")));
    assert!(told((long, place(5_001))).iter().any(|told| told.message.contains("TOC_BYTES")));
}

#[test]
fn differences_are_told_up_to_toc_differences() {
    let (tar, entries) = tar();
    for (count, last) in [(TOC_DIFFERENCES, None), (TOC_DIFFERENCES + 1, Some("in 1 more entries"))] {
        let more: Vec<_> =
            (0..count).map(|number| format!(r#"{{"type":"reg","name":"x{number}"}}"#)).collect();
        let (blob, claims) = chunked(tar.clone(), &table_of(&[&entries[..], &more].concat()));
        let told = told(&blob, &claims);
        assert_eq!(told.len(), TOC_DIFFERENCES + usize::from(last.is_some()));
        assert!(last.is_none_or(|last| told.last().unwrap().contains(last)), "{:?}", told.last());
    }
}

#[test]
fn tables_of_one_layer_are_held_to_layer_tocs() {
    let (tar, entries) = tar();
    let (bytes, _) = chunked(tar, &table_of(&entries));
    let blob = Section::of_bytes(bytes);
    let layer = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
    let mut tables = Tables::new(Arc::default());
    let mut told = |number: usize| {
        let claims = claim(Some(number.to_string()), None);
        tables.hold(&blob, &layer, &claims, &Limits::default()).unwrap()
    };
    for number in 0..limits::LAYER_TOCS {
        assert_eq!(told(number), []);
    }
    assert!(told(limits::LAYER_TOCS)[0].message.contains("exceeds the limit LAYER_TOCS"));
    assert_eq!(told(0), [], "what is known is told again");
}

#[test]
fn what_is_told_counts_among_the_facts_of_the_input() {
    let (tar, entries) = tar();
    let (bytes, claims) = chunked(tar, &table_of(&entries[1..]));
    let blob = Section::of_bytes(bytes);
    let layer = scan_layer(&blob, &ScanOptions::default(), &()).unwrap();
    let hold = |facts| {
        Tables::new(Arc::new(Budget::within(0, facts))).hold(&blob, &layer, &claims, &Limits::default())
    };
    let told = hold(u64::MAX).unwrap();
    let bytes = told.iter().map(Anomaly::memory).sum();
    assert!(told.len() == 1 && hold(bytes).is_ok());
    assert!(hold(bytes - 1).unwrap_err().to_string().contains("INPUT_FACTS_BYTES"));
}
