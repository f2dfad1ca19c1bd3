use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::digest::Digest;
use crate::limits::{self, Limits};
use crate::model::ImagePath;
use crate::read::ReadAt;
use crate::scan::tar::build::Tar;
use crate::scan::{Ceiling, Limit, OldAlgorithms, hash_entries, read_entries};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn scan(bytes: &[u8], options: &ScanOptions) -> LayerFacts {
    scan_layer(&Section::of_bytes(bytes.to_vec()), options, &()).unwrap()
}

/// Entries that are wanted as most files are.
fn ordinary(entries: &[usize]) -> BTreeMap<usize, Ceiling> {
    entries.iter().map(|index| (*index, Ceiling::ordinary(&Limits::default()))).collect()
}

#[test]
fn all_digests_are_of_all_bytes() {
    let tar = [Tar::new().file("f", "hello").end(), vec![0; 100_000]].concat();
    let options = ScanOptions { blob_sha512: true, diff_id_sha512: true, ..ScanOptions::default() };
    for (bytes, compression) in [(tar.clone(), Compression::None), (gzip(&tar), Compression::Gzip)] {
        let facts = scan(&bytes, &options);
        let content = facts.tar.unwrap();
        assert_eq!(facts.compression, compression);
        assert_eq!((facts.blob.sha256, facts.blob.size), (Digest::sha256(&bytes), bytes.len() as u64));
        assert_eq!(facts.blob.sha512, Some(Digest::compute_like(&Digest::Sha512([0; 64]), &bytes)));
        assert_eq!((content.diff_id, content.size), (Digest::sha256(&tar), tar.len() as u64));
        assert_eq!(content.diff_id_sha512, Some(Digest::compute_like(&Digest::Sha512([0; 64]), &tar)));
        assert_eq!(scan(&bytes, &ScanOptions::default()).blob.sha512, None);
    }
}

#[test]
fn a_broken_layer_still_has_its_blob_digest() {
    let tar = [Tar::new().file("f", "hello").file("g", "").0, vec![1; 600_000]].concat();
    let mut spoilt = gzip(&tar);
    let middle = spoilt.len() - 5;
    spoilt[middle] ^= 1;
    for bytes in [tar.clone(), gzip(&tar), spoilt, gzip(&Tar::new().end())[..20].to_vec(), b"junk".to_vec()] {
        let facts = scan(&bytes, &ScanOptions::default());
        assert!(facts.tar.is_err());
        assert_eq!(facts.blob.sha256, Digest::sha256(&bytes));
    }
    assert_eq!(scan(&tar, &ScanOptions::default()).tar.unwrap_err().entries_read, 2);
}

/// Bytes that differ from block to block.
fn body(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// As many gzip members as there are pieces of this length: each ends a buffer of the decoder.
fn gzip_by(length: usize, data: &[u8]) -> Vec<u8> {
    data.chunks(length).flat_map(gzip).collect()
}

/// The diffID and the contents are hashed together, block by block; wherever a buffer ends and
/// whatever lies between the files, both are what `sha2` makes of the same bytes.
#[test]
fn digests_do_not_depend_on_where_buffers_end() {
    use sha2::Digest as _;
    let mut contents: Vec<Vec<u8>> =
        [0, 1, 55, 56, 63, 64, 65, 511, 512, 513, 4096, 9000, 300_000].map(body).into();
    let mut tar = Tar::new();
    for (index, content) in contents.iter().enumerate() {
        tar = tar.entry(&format!("f{index}"), b'0', content);
    }
    // A file whose stored bytes stand at other places of a block than its content: 100 bytes behind
    // a hole of 37, 700 behind one of 64 more, and a hole that is larger than what is hashed at once.
    let stored = body(800);
    let list: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"200000"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"37,100,201,700"),
    ];
    tar = tar.pax(b'x', list).entry("sparse", b'0', &stored).file("last", "of all");
    let expanded = [&[0; 37], &stored[..100], &[0; 64], &stored[100..], &vec![0; 200_000 - 901]].concat();
    contents.extend([expanded, b"of all".to_vec()]);
    let tar = [tar.end(), body(1000)].concat();

    let options = ScanOptions { diff_id_sha512: true, blob_sha512: true, ..ScanOptions::default() };
    let pieces = [1000, 4096, 7777, 65_537].map(|length| gzip_by(length, &tar));
    for bytes in pieces.into_iter().chain([tar.clone(), gzip(&tar), zstd::encode_all(&*tar, 1).unwrap()]) {
        let facts = scan(&bytes, &options);
        assert_eq!(facts.blob.sha256, Digest::sha256(&bytes));
        let read = facts.tar.unwrap();
        assert_eq!(read.diff_id, Digest::sha256(&tar));
        assert_eq!(read.diff_id_sha512, Some(Digest::compute_like(&Digest::Sha512([0; 64]), &tar)));
        assert_eq!(read.entries.len(), contents.len());
        for (entry, content) in read.entries.iter().zip(&contents) {
            assert_eq!(entry.content[..], sha2::Sha256::digest(content)[..], "{}", entry.path);
        }
    }
}

/// An error comes between the bytes that were seen and those that were read: hashed are all, once.
#[test]
fn a_plain_layer_that_stops_anywhere_has_the_digest_of_all_bytes() {
    let tar = Tar::new().entry("f", b'0', &body(200_000)).file("g", "x").end();
    let limited = Limits { layer_bytes: 150_000, ..Limits::default() };
    for end in [100, 512, 600, 100_000, 131_072, 131_100, 200_600, tar.len()] {
        for limits in [Limits::default(), limited] {
            let options = ScanOptions { plan: Arc::new(Plan::new(limits)), ..ScanOptions::default() };
            let facts = scan(&tar[..end], &options);
            // An archive that ends inside padding is complete.
            let whole = [200_600, tar.len()].contains(&end) && limits.layer_bytes > end as u64;
            assert_eq!(facts.tar.is_ok(), whole, "{end} bytes");
            assert_eq!((facts.blob.sha256, facts.blob.size), (Digest::sha256(&tar[..end]), end as u64));
        }
    }
}

#[test]
fn a_wrong_checksum_behind_the_last_entry_is_seen() {
    let mut bytes = gzip(&Tar::new().file("f", "hello").end());
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    let unread = scan(&bytes, &ScanOptions::default()).tar.unwrap_err();
    assert!(unread.error.to_string().contains("checksum"));
    assert_eq!(unread.entries_read, 1);
}

#[test]
fn an_empty_blob_is_an_empty_layer() {
    let facts = scan(b"", &ScanOptions::default());
    let tar = facts.tar.unwrap();
    assert_eq!((tar.diff_id, tar.entries.len()), (Digest::sha256(b""), 0));
    assert_eq!(facts.blob.sha256, Digest::sha256(b""));
}

#[test]
fn bytes_behind_the_compressed_data_are_told() {
    let bytes = [&*gzip(&Tar::new().file("f", "").end()), b"\0\0junk"].concat();
    let facts = scan(&bytes, &ScanOptions::default());
    assert_eq!(facts.tar.unwrap().entries.len(), 1);
    assert_eq!(facts.anomalies[0].fault, Fault::TrailingData);
    assert_eq!(facts.anomalies[0].evidence[0], ("bytes", "4".to_owned()));
    assert_eq!(facts.blob.sha256, Digest::sha256(&bytes));
}

#[test]
fn a_bomb_is_stopped() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    let error = scan(&encoder.finish().unwrap(), &ScanOptions::default()).tar.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("ratio"));
}

#[test]
fn wanted_files_are_kept_or_the_reason_is() {
    let mut plan = Plan::default();
    for path in ["etc/passwd", "big", "missing", "link"] {
        plan.capture(ImagePath::new(path));
    }
    let options = ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() };
    let big = vec![7; limits::CAPTURED_FILE_BYTES as usize + 1];
    let tar = Tar::new()
        .file("./etc/passwd", "root:x:0:0")
        .file("other", "no")
        .entry("big", b'0', &big)
        .link("link", b'2', "other")
        .end();
    for bytes in [tar.clone(), gzip(&tar)] {
        let facts = scan(&bytes, &options).tar.unwrap();
        assert_eq!(facts.captured.keys().collect::<Vec<_>>(), [&0]);
        assert_eq!(&*facts.captured[&0], b"root:x:0:0");
        assert_eq!(facts.not_captured.keys().collect::<Vec<_>>(), [&2]);
        assert!(facts.not_captured[&2].to_string().contains("captured_file_bytes"));

        let entries = scan(&bytes, &ScanOptions::default()).tar.unwrap().entries.clone();
        let blob = Section::of_bytes(bytes);
        let read = |wanted: &[usize]| {
            read_entries(&blob, &entries, &ordinary(wanted), &Budget::default(), &Limits::default())
        };
        let second = read(&[0, 1]).unwrap();
        let content = |index| &**second[&index].as_ref().unwrap();
        assert_eq!((content(0), content(1)), (&b"root:x:0:0"[..], &b"no"[..]));
        // One that cannot be had takes none with it.
        let mixed = read(&[0, 2, 3]).unwrap();
        assert!(mixed[&0].is_ok());
        assert!(mixed[&2].as_ref().unwrap_err().to_string().contains("captured_file_bytes"));
        assert!(mixed[&3].as_ref().unwrap_err().to_string().contains("no regular file"));
        assert!(read(&[9]).is_err());
        assert!(read(&[]).unwrap().is_empty());
    }
}

#[test]
fn each_ceiling_holds_for_its_own_files() {
    let limit = |bytes, name| Limit { bytes, name };
    let small = Ceiling { file: limit(3, "FILE"), layer: limit(5, "LAYER") };
    let mut plan = Plan::default();
    for path in ["a", "b", "c"] {
        plan.capture_up_to(ImagePath::new(path), small);
    }
    plan.capture(ImagePath::new("other"));
    // The higher of two ceilings holds.
    let mut more = Plan::default();
    more.capture_up_to(ImagePath::new("other"), small);
    plan.merge(&more);
    let options = ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() };
    let tar = Tar::new().file("a", "four").file("b", "abc").file("c", "abc").file("other", "abcdef").end();
    let facts = scan(&tar, &options).tar.unwrap();
    assert_eq!(facts.captured.keys().collect::<Vec<_>>(), [&1, &3]);
    assert!(facts.not_captured[&0].to_string().contains("of 4 bytes exceeds the limit FILE (3)"));
    assert!(facts.not_captured[&2].to_string().contains("the limit LAYER (5)"));
}

#[test]
fn what_finds_no_room_beside_other_layers_is_kept_by_the_second_read() {
    let mut plan = Plan::default();
    plan.capture(ImagePath::new("f"));
    let budget = Arc::new(Budget::of(11));
    let options = ScanOptions { plan: Arc::new(plan), budget, ..ScanOptions::default() };
    let tar = Tar::new().file("f", "fives").end();
    let room = [(); 3].map(|()| match scan(&tar, &options).tar.unwrap().not_captured.get(&0) {
        Some(error) => error.to_string().contains("CAPTURED_BYTES"),
        None => false,
    });
    assert_eq!(room, [false, false, true]);
    let entries = scan(&tar, &ScanOptions::default()).tar.unwrap().entries.clone();
    let read = read_entries(
        &Section::of_bytes(tar),
        &entries,
        &ordinary(&[0]),
        &Budget::default(),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(&**read[&0].as_ref().unwrap(), b"fives");
}

#[test]
fn entries_keep_their_index_where_one_member_has_two_names() {
    let tar = Tar::new().pax(b'x', &[("path", b"a")]).long(b'L', "b").file("c", "x").file("d", "y").end();
    let mut plan = Plan::default();
    plan.capture(ImagePath::new("b"));
    let options = ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() };
    let facts = scan(&tar, &options).tar.unwrap();
    assert_eq!(facts.entries.len(), 3);
    assert_eq!(&*facts.captured[&1], b"x");
    let second = read_entries(
        &Section::of_bytes(tar),
        &facts.entries,
        &ordinary(&[1, 2]),
        &Budget::default(),
        &Limits::default(),
    )
    .unwrap();
    let content = |index| &**second[&index].as_ref().unwrap();
    assert_eq!((content(1), content(2)), (&b"x"[..], &b"y"[..]));
}

#[test]
fn old_digests_are_those_of_md5sum_and_sha1sum() {
    let tar = Tar::new().file("empty", "").file("abc", "abc").link("link", b'2', "abc").end();
    let entries = scan(&tar, &ScanOptions::default()).tar.unwrap().entries.clone();
    let wanted = |md5, sha1| OldAlgorithms { md5, sha1 };
    let all = [(0, wanted(true, false)), (1, wanted(true, true)), (2, wanted(false, true))].into();
    let digests =
        hash_entries(&Section::of_bytes(gzip(&tar)), &entries, &all, &Arc::default(), &Limits::default())
            .unwrap();
    let hex = |index| {
        let digests = digests[&index].as_ref().unwrap();
        let (md5, sha1) = (digests.md5.as_ref(), digests.sha1.as_ref());
        (md5.map(|md5| crate::digest::hex(md5)), sha1.map(|sha1| crate::digest::hex(sha1)))
    };
    assert_eq!(hex(0), (Some("d41d8cd98f00b204e9800998ecf8427e".to_owned()), None));
    assert_eq!(
        hex(1),
        (
            Some("900150983cd24fb0d6963f7d28e17f72".to_owned()),
            Some("a9993e364706816aba3e25717850c26c9cd0d89d".to_owned())
        )
    );
    assert!(digests[&0].as_ref().unwrap().have(wanted(true, false)));
    assert!(!digests[&0].as_ref().unwrap().have(wanted(true, true)));
    assert!(digests[&2].is_err());
}

#[test]
fn an_error_of_the_host_is_no_fact_of_the_layer() {
    #[derive(Debug)]
    struct Failing;
    impl ReadAt for Failing {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset > 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            buffer.fill(0);
            Ok(buffer.len().min(512))
        }
        fn size(&self) -> u64 {
            4096
        }
    }
    let blob = Section::whole(Arc::new(Failing));
    let error = scan_layer(&blob, &ScanOptions::default(), &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn progress_counts_each_stored_byte_once() {
    struct Count(AtomicU64);
    impl Progress for Count {
        fn add_bytes(&self, count: u64) {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }
    let bytes = gzip(&Tar::new().file("f", "hello").end());
    for bytes in [bytes.clone(), bytes[..30].to_vec()] {
        let count = Count(AtomicU64::new(0));
        scan_layer(&Section::of_bytes(bytes.clone()), &ScanOptions::default(), &count).unwrap();
        assert_eq!(count.0.into_inner(), bytes.len() as u64);
    }
}

#[test]
fn components_are_looked_for_where_the_plan_asks() {
    let tar = Tar::new().file("a.dist-info/METADATA", "Name: a\nVersion: 1\n").end();
    let read = |plan: Plan| {
        let options = ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() };
        let facts = scan_layer(&Section::of_bytes(tar.clone()), &options, &()).unwrap();
        facts.tar.unwrap().components.clone()
    };
    assert!(read(Plan::default()).is_none());
    let mut wanted = Plan::default();
    wanted.look_for_components();
    let mut merged = Plan::default();
    merged.merge(&wanted);
    let found = read(merged).unwrap();
    assert_eq!(found.found.keys().collect::<Vec<_>>(), [&0]);
    assert_eq!(&*found.found[&0][0].name, "a");
    assert!(found.gaps.is_empty());
}
