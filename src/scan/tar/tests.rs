//! Every corner of the reader, on archives built for it.

use super::build::{Tar, header, put, records};
use crate::error::{Error, ErrorKind};
use crate::model::{Anomaly, Fault, ImagePath};
use crate::read::Section;
use crate::scan::{Entry, EntryKind, ScanOptions, TarFacts, scan_layer};

fn scan(bytes: Vec<u8>) -> (Result<TarFacts, Error>, Vec<Anomaly>) {
    let facts = scan_layer(&Section::of_bytes(bytes), &ScanOptions::default(), &()).unwrap();
    let tar = facts.tar.map(|tar| TarFacts::clone(&tar));
    (tar.map_err(|unread| unread.error), facts.anomalies)
}

/// The entries of an archive that must be readable, and the faults told of it.
pub(super) fn read(bytes: Vec<u8>) -> (Vec<Entry>, Vec<Fault>) {
    let (tar, anomalies) = scan(bytes);
    (tar.unwrap().entries, anomalies.iter().map(|anomaly| anomaly.fault).collect())
}

/// The only entry of an archive in which nothing is wrong.
pub(super) fn one(tar: Tar) -> Entry {
    let (mut entries, faults) = read(tar.end());
    assert_eq!(faults, []);
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

pub(super) fn error(bytes: Vec<u8>) -> Error {
    scan(bytes).0.unwrap_err()
}

fn paths(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.path.to_string()).collect()
}

fn sha(bytes: &[u8]) -> [u8; 32] {
    match crate::digest::Digest::sha256(bytes) {
        crate::digest::Digest::Sha256(bytes) => bytes,
        crate::digest::Digest::Sha512(_) => unreachable!(),
    }
}

#[test]
fn a_plain_file_has_all_its_fields() {
    let entry = one(Tar::new().file("./etc/motd", "hello"));
    assert_eq!(entry.path, ImagePath::new("etc/motd"));
    assert_eq!((entry.kind, entry.mode, entry.uid, entry.gid), (EntryKind::File, 0o644, 1000, 1000));
    assert_eq!((entry.size, entry.mtime, entry.content), (5, 15, sha(b"hello")));
    assert_eq!(entry.raw_path(), None);
}

#[test]
fn type_bits_in_the_mode_mean_nothing() {
    let mut block = header("f", b'0', 0);
    put(&mut block, 100, b"0104755\0");
    assert_eq!(one(Tar::new().block(block)).mode, 0o4755);
}

#[test]
fn every_type_is_read_as_go_reads_it() {
    for (flag, name, kind, faults) in [
        (0, "a", EntryKind::File, &[][..]),
        (0, "a/", EntryKind::Directory, &[]),
        (b'0', "a", EntryKind::File, &[]),
        (b'0', "a/", EntryKind::File, &[Fault::AmbiguousEntry]),
        (b'1', "a", EntryKind::HardLink, &[]),
        (b'2', "a", EntryKind::Symlink, &[]),
        (b'3', "a", EntryKind::CharDevice, &[]),
        (b'4', "a", EntryKind::BlockDevice, &[]),
        (b'5', "a", EntryKind::Directory, &[]),
        (b'6', "a", EntryKind::Fifo, &[]),
        (b'7', "a", EntryKind::File, &[Fault::AmbiguousEntry]),
        (b'V', "a", EntryKind::File, &[Fault::AmbiguousEntry]),
    ] {
        let (entries, found) = read(Tar::new().entry(name, flag, b"").end());
        assert_eq!((entries[0].kind, &*found), (kind, faults), "{}", flag.escape_ascii());
    }
}

#[test]
fn a_device_has_its_numbers() {
    let mut block = header("dev/sda", b'4', 0);
    put(&mut block, 329, b"0000010\0");
    put(&mut block, 337, b"0000021\0");
    assert_eq!(one(Tar::new().block(block)).device(), (8, 17));
}

#[test]
fn names_come_from_every_header_form() {
    let mut block = header("name", b'0', 0);
    put(&mut block, 345, b"a/prefix");
    assert_eq!(one(Tar::new().block(block)).path.to_string(), "/a/prefix/name");
    let long = "d/".repeat(100) + "f";
    let clean = format!("/{long}");
    assert_eq!(one(Tar::new().long(b'L', &long).file("cut", "")).path.to_string(), clean);
    let pax = one(Tar::new().pax(b'x', &[("path", long.as_bytes())]).file("cut", "x"));
    assert_eq!((pax.path.to_string(), pax.size), (clean, 1));
    let link = one(Tar::new().long(b'K', &long).link("l", b'2', "cut"));
    assert_eq!(link.link(), long.as_bytes());
    let link = one(Tar::new().pax(b'x', &[("linkpath", long.as_bytes())]).link("l", b'2', "cut"));
    assert_eq!(link.link(), long.as_bytes());
}

#[test]
fn a_prefix_that_go_once_wrote_into_a_gnu_header_counts() {
    let mut block = header("name", b'0', 0);
    put(&mut block, 257, b"ustar  \0");
    put(&mut block, 345, b"very/long/prefix/of/old/go");
    assert_eq!(one(Tar::new().block(block)).path.to_string(), "/very/long/prefix/of/old/go/name");
}

#[test]
fn numbers_may_be_in_base_256() {
    let mut block = header("f", b'0', 0);
    put(&mut block, 108, b"\x80\0\0\0\x7f\xff\xff\xff");
    put(&mut block, 124, b"\x80\0\0\0\0\0\0\0\0\0\0\x05");
    put(&mut block, 136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb");
    let entry = one(Tar::new().block(block).body(b"hello"));
    assert_eq!((entry.uid, entry.size, entry.mtime), (0x7fff_ffff, 5, -5));
    put(&mut block, 124, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb");
    assert!(error(Tar::new().block(block).end()).to_string().contains("size"));
}

#[test]
fn an_owner_beyond_32_bits_is_what_linux_makes_of_it() {
    for (uid, kernel) in [(&b"4294967295"[..], 0), (b"-1", 0), (b"4294967296", 0), (b"4294967297", 1)] {
        let (entries, faults) = read(Tar::new().pax(b'x', &[("uid", uid)]).file("f", "").end());
        assert_eq!((entries[0].uid, &*faults), (kernel, &[Fault::AmbiguousEntry][..]));
    }
}

#[test]
fn pax_records_override_the_header() {
    let capability = b"\x01\0\0\x02\n\x20\0\0\n\0";
    let list: &[(&str, &[u8])] = &[
        ("uid", b"70000"),
        ("gid", b"+7"),
        ("mtime", b"-3.5"),
        ("size", b"3"),
        ("uname", b""),
        ("SCHILY.xattr.security.capability", capability),
        ("LIBARCHIVE.xattr.user.a%20b", b"Zm9v"),
    ];
    let entry = one(Tar::new().pax(b'x', list).block(header("f", b'0', 0)).body(b"abc"));
    assert_eq!((entry.uid, entry.gid, entry.mtime, entry.size), (70_000, 7, -3, 3));
    assert_eq!(entry.content, sha(b"abc"));
    assert_eq!(entry.xattr(b"security.capability"), Some(&capability[..]));
    assert_eq!(entry.xattr(b"user.a b"), Some(&b"foo"[..]));
}

#[test]
fn global_records_reach_all_later_entries_and_are_told() {
    let tar = Tar::new()
        .file("before", "")
        .pax(b'g', &[("uid", b"5"), ("SCHILY.xattr.user.a", b"1")])
        .file("a", "")
        .pax(b'x', &[("uid", b"6")])
        .file("b", "")
        .pax(b'g', &[("uid", b"7")])
        .file("c", "");
    let (entries, faults) = read(tar.end());
    assert_eq!(entries.iter().map(|entry| entry.uid).collect::<Vec<_>>(), [1000, 5, 6, 7]);
    assert_eq!(entries.iter().map(|entry| entry.xattrs().len()).collect::<Vec<_>>(), [0, 1, 1, 1]);
    assert_eq!(faults, [Fault::AmbiguousHeader; 2]);
    // What `git archive` writes.
    assert_eq!(one(Tar::new().pax(b'g', &[("comment", b"4b825dc")]).file("f", "")).uid, 1000);
}

#[test]
fn the_name_of_a_global_header_is_obeyed_by_runtimes() {
    let comment = super::build::records(&[("comment", b"x")]);
    for usual in ["pax_global_header", "tmp/GlobalHead.7.1", "././@PaxHeader"] {
        assert_eq!(one(Tar::new().entry(usual, b'g', &comment).file("f", "")).path.to_string(), "/f");
    }
    for (name, names) in [
        ("etc/.wh.shadow", &["/etc/.wh.shadow", "/f"][..]),
        ("./a/.wh..wh..opq", &["/a/.wh..wh..opq", "/f"]),
        ("etc/shadow", &["/f"]),
        ("./", &["/f"]),
        (".wh.a/pax_global_header", &["/f"]),
        // containerd makes its parents.
        ("etc/shadow/pax_global_header", &["/f"]),
        ("bin/GlobalHead.7.1", &["/f"]),
    ] {
        let (entries, faults) = read(Tar::new().entry(name, b'g', &comment).file("f", "x").end());
        assert_eq!(paths(&entries), names);
        assert_eq!(faults, [Fault::AmbiguousHeader], "{name}");
    }
    // What stood before it is not lost.
    let tar = Tar::new().long(b'L', "long").entry(".wh.a", b'g', &comment).file("f", "x");
    assert_eq!(paths(&read(tar.end()).0), ["/.wh.a", "/long", "/f"]);
}

#[test]
fn two_names_of_one_entry_are_both_judged() {
    for (tar, names) in [
        (
            Tar::new().pax(b'x', &[("path", b"etc/a")]).long(b'L', "etc/b").file("c", "x"),
            &["/etc/a", "/etc/b"][..],
        ),
        (Tar::new().long(b'L', "etc/a").long(b'L', "etc/b").file("c", "x"), &["/etc/a", "/etc/b"]),
        (Tar::new().pax(b'x', &[("path", b"a")]).pax(b'x', &[("mtime", b"1")]).file("c", "x"), &["/a", "/c"]),
        (
            Tar::new().pax(b'x', &[("path", b"a")]).pax(b'g', &[("comment", b"1")]).file("c", "x"),
            &["/a", "/c"],
        ),
        (Tar::new().pax(b'x', &[("path", b"a"), ("path", b"b")]).file("c", "x"), &["/b"]),
    ] {
        let (entries, faults) = read(tar.end());
        assert_eq!(paths(&entries), names);
        assert_eq!(faults, [Fault::AmbiguousHeader]);
        assert!(entries.iter().all(|entry| entry.content == sha(b"x")));
    }
    let same = Tar::new().pax(b'x', &[("path", b"a")]).long(b'L', "a").file("c", "x");
    assert_eq!(one(same).path.to_string(), "/a");
}

#[test]
fn two_sizes_of_one_entry_are_told() {
    let tar = Tar::new().pax(b'x', &[("size", b"3")]).block(header("f", b'0', 600)).body(b"abc");
    let (entries, faults) = read(tar.end());
    assert_eq!((entries[0].size, &*faults), (3, &[Fault::AmbiguousHeader][..]));
    let (entries, faults) = read(Tar::new().block(header("d", b'5', 600)).file("f", "").end());
    assert_eq!((entries.len(), &*faults), (2, &[Fault::AmbiguousHeader][..]));
}

#[test]
fn paths_that_leave_the_root_are_told_and_held_inside() {
    let (entries, faults) = read(Tar::new().file("../../etc/x", "").link("h", b'1', "../y").end());
    assert_eq!(paths(&entries), ["/etc/x", "/h"]);
    assert_eq!(entries[0].raw_path(), Some(&b"../../etc/x"[..]));
    assert_eq!((entries[1].link(), &*faults), (&b"y"[..], &[Fault::PathEscapesRoot; 2][..]));
    let symlink = one(Tar::new().link("s", b'2', "../../outside"));
    assert_eq!(symlink.link(), b"../../outside");
}

#[test]
fn the_same_path_twice_is_told() {
    let (entries, faults) = read(Tar::new().file("a", "1").file("b", "").file("./a", "2").end());
    assert_eq!((entries.len(), &*faults), (3, &[Fault::DuplicateEntry][..]));
}

#[test]
fn ends_are_what_go_takes_for_an_end() {
    let tar = || Tar::new().file("f", "hello");
    for bytes in
        [tar().end(), tar().0, tar().raw(&[0; 512]).0, tar().0[..512 + 5].to_vec(), vec![], vec![0; 512]]
    {
        let (_, faults) = read(bytes);
        assert_eq!(faults, []);
    }
    let lone = error(tar().raw(&[0; 512]).file("g", "").end());
    assert_eq!(lone.to_string(), "the tar has one zero block, where its end has two, at byte 1024");
    for length in [1, 511, 513, 512 + 4, 1024 + 100] {
        let bytes = tar().file("g", "").0.get(..length).unwrap().to_vec();
        assert_eq!(error(bytes).kind(), ErrorKind::Invalid, "{length}");
    }
}

#[test]
fn what_follows_the_end_is_told() {
    let (facts, anomalies) = scan([Tar::new().file("f", "").end(), Tar::new().file("g", "").end()].concat());
    assert_eq!(facts.unwrap().entries.len(), 1);
    assert_eq!(anomalies.len(), 1);
    assert_eq!(anomalies[0].fault, Fault::TrailingData);
    assert!(anomalies[0].message.contains("begin with a tar header"));
    let (_, anomalies) = scan([Tar::new().end(), vec![0; 700], b"junk".to_vec()].concat());
    assert_eq!(anomalies[0].evidence[0], ("bytes", "4".to_owned()));
    assert_eq!(read([Tar::new().end(), vec![0; 10_000]].concat()).1, []);
}

#[test]
fn checksums_are_held() {
    let mut bytes = Tar::new().file("a", "").file("b", "").end();
    bytes[600] ^= 1;
    assert!(error(bytes).to_string().contains("bad checksum, at byte 512"));
    assert_eq!(error(b"#!/bin/sh\n".repeat(100)).to_string(), "the layer is no tar");
    assert_eq!(error(b"too short".to_vec()).to_string(), "the layer is no tar");
    let squashfs = [b"hsqs".to_vec(), vec![1; 600]].concat();
    assert_eq!(error(squashfs).kind(), ErrorKind::Unsupported);
    // Sun's tar summed signed bytes.
    let mut block = header("\u{e9}", b'0', 0);
    block[148..156].fill(b' ');
    let sum: i32 = block.iter().map(|byte| i32::from(*byte as i8)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(read(Tar::new().raw(&block).end()).0.len(), 1);
}

#[test]
fn a_nul_in_a_pax_path_is_refused_as_go_does() {
    let tar = Tar::new().pax(b'x', &[("path", b"etc/passwd\0x")]).file("f", "");
    assert!(error(tar.end()).to_string().contains("NUL"));
}

#[test]
fn headers_that_describe_nothing_are_told() {
    assert_eq!(read(Tar::new().pax(b'x', &[("path", b"a")]).end()).1, [Fault::AmbiguousHeader]);
}

pub(super) fn sparse_1_0(size: &str, map: &[u8], data: &[u8]) -> Tar {
    let map = Tar::new().body(map).0;
    let list: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"real/name"),
        ("GNU.sparse.realsize", size.as_bytes()),
    ];
    Tar::new().pax(b'x', list).entry("GNUSparseFile.1/name", b'0', &[&map, data].concat())
}

/// `hello` at 1000 and `world` at 3000 of 4000 bytes.
fn expanded() -> Vec<u8> {
    let mut file = vec![0; 4000];
    file[1000..1005].copy_from_slice(b"hello");
    file[3000..3005].copy_from_slice(b"world");
    file
}

#[test]
fn sparse_files_are_expanded_in_every_form() {
    let old = {
        let mut block = header("real/name", b'S', 10);
        put(&mut block, 257, b"ustar  \0");
        put(&mut block, 386, b"00000001750\x0000000000005\0");
        put(&mut block, 410, b"00000005670\x0000000000005\0");
        put(&mut block, 483, b"00000007640\0");
        Tar::new().block(block).body(b"helloworld")
    };
    let extended = {
        let mut block = header("real/name", b'S', 10);
        put(&mut block, 257, b"ustar  \0");
        put(&mut block, 386, b"00000001750\x0000000000005\0");
        put(&mut block, 483, b"00000007640\0");
        block[482] = 1;
        let mut extension = [0; 512];
        put(&mut extension, 0, b"00000005670\x0000000000005\0");
        Tar::new().block(block).raw(&extension).body(b"helloworld")
    };
    let common: &[(&str, &[u8])] = &[("GNU.sparse.size", b"4000"), ("GNU.sparse.numblocks", b"2")];
    let v0_0 = [
        common,
        &[
            ("GNU.sparse.offset", b"1000"),
            ("GNU.sparse.numbytes", b"5"),
            ("GNU.sparse.offset", b"3000"),
            ("GNU.sparse.numbytes", b"5"),
        ],
    ]
    .concat();
    let v0_1 = [common, &[("GNU.sparse.map", b"1000,5,3000,5"), ("GNU.sparse.name", b"real/name")]].concat();
    for tar in [
        old,
        extended,
        Tar::new().pax(b'x', &v0_0).entry("real/name", b'0', b"helloworld"),
        Tar::new().pax(b'x', &v0_1).entry("GNUSparseFile.1/name", b'0', b"helloworld"),
        sparse_1_0("4000", b"2\n1000\n5\n3000\n5\n", b"helloworld"),
    ] {
        let entry = one(tar);
        assert_eq!((entry.path.to_string().as_str(), entry.size), ("/real/name", 4000));
        assert_eq!(entry.content, sha(&expanded()));
    }
}

#[test]
fn broken_sparse_maps_are_refused() {
    for (size, map, data) in [
        ("4000", &b"2\n1000\n5\n1001\n5\n"[..], &b"helloworld"[..]),
        ("4000", b"1\n3999\n5\n", b"hello"),
        ("4000", b"1\n0\n5\n", b"hell"),
        ("4000", b"1\n0\n5\n", b"hellooo"),
        ("4000", b"1\n-5\n5\n", b"hello"),
        ("4000", b"1\n9223372036854775807\n5\n", b"hello"),
        ("4000", b"x\n", b""),
        ("4000", b"2\n1\n", b""),
        ("-1", b"0\n", b""),
        ("x", b"0\n", b""),
    ] {
        assert_eq!(
            error(sparse_1_0(size, map, data).end()).kind(),
            ErrorKind::Invalid,
            "{}",
            map.escape_ascii()
        );
    }
}

#[test]
fn records_of_any_length_are_built_right() {
    for length in [1, 89, 90, 91, 92, 990, 9_990] {
        let value = vec![b'v'; length];
        assert!(super::pax::Records::parse(&records(&[("key", &value)])).is_ok());
    }
}
