//! Each limit of the reader: just within it everything is read, just beyond it is an error by its name.

use super::build::{Tar, header, put};
use super::tests::{error, one, read, sparse_1_0};
use crate::error::ErrorKind;
use crate::limits::*;

/// Holds an archive to be refused by the limit of this name.
fn exceeds(name: &str, tar: Tar) {
    let error = error(tar.end());
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

fn text(length: usize) -> String {
    "a".repeat(length)
}

#[test]
fn a_path_is_held_to_path_bytes_in_every_form() {
    let forms: [fn(&str) -> Tar; 5] = [
        |path| Tar::new().pax(b'x', &[("path", path.as_bytes())]).file("f", ""),
        |path| Tar::new().long(b'L', path).file("f", ""),
        |path| Tar::new().pax(b'x', &[("linkpath", path.as_bytes())]).link("l", b'2', "x"),
        |path| Tar::new().long(b'K', path).link("l", b'1', "x"),
        |path| {
            let list: &[(&str, &[u8])] = &[
                ("GNU.sparse.major", b"0"),
                ("GNU.sparse.minor", b"1"),
                ("GNU.sparse.numblocks", b"0"),
                ("GNU.sparse.name", path.as_bytes()),
            ];
            Tar::new().pax(b'x', list).file("f", "")
        },
    ];
    for form in forms {
        let entry = one(form(&text(PATH_BYTES)));
        assert_eq!(entry.path.as_bytes().len().max(entry.link().len()), PATH_BYTES);
        exceeds("PATH_BYTES", form(&text(PATH_BYTES + 1)));
    }
}

/// Links that were dropped for others came into anomalies whole, a megabyte each.
#[test]
fn a_link_that_does_not_count_is_held_to_path_bytes_too() {
    let two = |length| Tar::new().long(b'K', &text(length)).long(b'K', "x").link("l", b'2', "y");
    let pax = |length: usize| {
        let long = text(length);
        Tar::new().pax(b'x', &[("linkpath", long.as_bytes())]).long(b'K', "x").link("l", b'2', "y")
    };
    for tar in [two(PATH_BYTES), pax(PATH_BYTES)] {
        assert_eq!(read(tar.end()).0[0].link(), b"x");
    }
    exceeds("PATH_BYTES", two(PATH_BYTES + 1));
    exceeds("PATH_BYTES", pax(PATH_BYTES + 1));
}

/// A header whose records are this long together.
fn extended(flag: u8, length: usize) -> Tar {
    let room = length - super::build::records(&[("comment", b"")]).len();
    let fits = |value: &[u8]| super::build::records(&[("comment", value)]).len() == length;
    let value = (0..9).map(|less| vec![b'c'; room - less]).find(|value| fits(value)).unwrap();
    Tar::new().pax(flag, &[("comment", &value)]).file("f", "x")
}

#[test]
fn an_extended_header_is_held_to_pax_bytes() {
    let most = PAX_BYTES as usize;
    for flag in [b'x', b'g'] {
        assert_eq!(one(extended(flag, most)).size, 1);
        exceeds("PAX_BYTES", extended(flag, most + 1));
    }
    // Refused by what the header says, before a byte of it is read.
    for flag in [b'x', b'g', b'L', b'K'] {
        exceeds("PAX_BYTES", Tar::new().block(header("x", flag, most + 1)));
        exceeds("PAX_BYTES", Tar::new().block(header("x", flag, 0o777_7777_7777)));
    }
}

/// Each was bounded, and all together were kept for the whole layer.
#[test]
fn global_headers_are_held_to_pax_bytes_together() {
    let key = "SCHILY.xattr.user.0";
    let half = PAX_BYTES as usize / 2 - key.len();
    let three = |first: &[u8], second: &[u8]| {
        let tar = Tar::new().pax(b'g', &[(key, first)]).pax(b'g', &[("SCHILY.xattr.user.1", second)]);
        tar.pax(b'g', &[(key, first)]).file("f", "")
    };
    let value = vec![b'v'; half];
    assert_eq!(read(three(&value, &value).end()).0[0].xattrs().len(), 2);
    exceeds("PAX_BYTES", three(&value, &[&value[..], b"v"].concat()));
    // Comments are for people: any number of them is read and none is kept.
    let comment = vec![b'c'; half];
    let comments = |tar: Tar, number: usize| tar.pax(b'g', &[(&format!("comment.{number}"), &comment)]);
    assert_eq!(one((0..10).fold(Tar::new(), comments).file("f", "x")).size, 1);
}

#[test]
fn global_attributes_are_held_to_layer_xattr_bytes_for_all_entries() {
    let key = "SCHILY.xattr.user.0";
    let files = |count: usize, value: &[u8]| {
        let tar = Tar::new().pax(b'g', &[(key, value)]);
        (0..count).fold(tar, |tar, number| tar.file(&format!("f{number}"), ""))
    };
    let value = vec![b'v'; PAX_BYTES as usize / 2 - key.len()];
    let whole = 2 * (LAYER_XATTR_BYTES / PAX_BYTES) as usize;
    assert_eq!(read(files(whole, &value).end()).0.len(), whole);
    exceeds("LAYER_XATTR_BYTES", files(whole + 1, &value));
    // Without values they are in no entry, and are read for each all the same.
    let long = text(3_000);
    let keys: Vec<String> = (0..300).map(|number| format!("SCHILY.xattr.user.{long}{number:03}")).collect();
    let empty: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b""[..])).collect();
    let whole = LAYER_XATTR_BYTES as usize / (keys.len() * keys[0].len());
    let files = |count| {
        let tar = Tar::new().pax(b'g', &empty);
        (0..count).fold(tar, |tar, number: usize| tar.file(&format!("f{number}"), ""))
    };
    assert_eq!(read(files(whole).end()).0.len(), whole);
    exceeds("LAYER_XATTR_BYTES", files(whole + 1));
}

#[test]
fn own_attributes_are_held_to_layer_xattr_bytes_for_all_entries() {
    // Whole headers' worth in all entries, and what is left over in the last.
    let value = vec![b'v'; PAX_BYTES as usize - 100];
    let whole = LAYER_XATTR_BYTES as usize / (value.len() + "user.a".len());
    let rest = LAYER_XATTR_BYTES as usize - whole * (value.len() + "user.a".len());
    let add = |tar: Tar, value: &[u8]| tar.pax(b'x', &[("SCHILY.xattr.user.a", value)]).file("f", "");
    let tar = (0..whole).fold(Tar::new(), |tar, _| add(tar, &value));
    let last = vec![b'v'; rest - "user.a".len()];
    let (entries, _) = read(add(tar.clone(), &last).end());
    assert_eq!(entries.len(), whole + 1);
    exceeds("LAYER_XATTR_BYTES", add(tar, &[&last[..], b"v"].concat()));
}

#[test]
fn the_names_of_one_entry_are_held_to_entry_names() {
    let named = |count: usize| {
        (0..count).fold(Tar::new(), |tar, number| tar.long(b'L', &number.to_string())).file("f", "")
    };
    // The last of them is the entry's own.
    assert_eq!(read(named(ENTRY_NAMES + 1).end()).0.len(), ENTRY_NAMES + 1);
    exceeds("ENTRY_NAMES", named(ENTRY_NAMES + 2));
}

/// A sparse file of so many empty segments, in each form.
fn of_segments(count: usize) -> [Tar; 3] {
    let old = {
        let mut block = header("f", b'S', 0);
        put(&mut block, 257, b"ustar  \0");
        put(&mut block, 483, b"00000000000\0");
        let segment = b"000000000000000000000000";
        for at in 0..count.min(4) {
            put(&mut block, 386 + at * 24, segment);
        }
        let mut left = count.saturating_sub(4);
        block[482] = u8::from(left > 0);
        let mut tar = Tar::new().block(block);
        while left > 0 {
            let here = left.min(21);
            left -= here;
            let mut extension = [0; 512];
            (0..here).for_each(|at| put(&mut extension, at * 24, segment));
            extension[504] = u8::from(left > 0);
            tar = tar.raw(&extension);
        }
        tar
    };
    let list = vec!["0,0"; count].join(",");
    let number = count.to_string();
    let in_records: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"0"),
        ("GNU.sparse.minor", b"1"),
        ("GNU.sparse.size", b"0"),
        ("GNU.sparse.numblocks", number.as_bytes()),
        ("GNU.sparse.map", list.as_bytes()),
    ];
    let leading = format!("{count}\n{}", "0\n0\n".repeat(count));
    [old, Tar::new().pax(b'x', in_records).file("f", ""), sparse_1_0("0", leading.as_bytes(), b"")]
}

#[test]
fn the_map_of_a_sparse_file_is_held_to_sparse_segments_in_every_form() {
    for tar in of_segments(SPARSE_SEGMENTS) {
        assert_eq!(one(tar).size, 0);
    }
    for tar in of_segments(SPARSE_SEGMENTS + 1) {
        exceeds("SPARSE_SEGMENTS", tar);
    }
    // Said and not there; and blocks of no segments without end.
    exceeds("SPARSE_SEGMENTS", sparse_1_0("0", b"9999999\n", b""));
    let mut block = header("f", b'S', 0);
    put(&mut block, 257, b"ustar  \0");
    put(&mut block, 483, b"00000000000\0");
    block[482] = 1;
    let mut empty = [0; 512];
    empty[504] = 1;
    let endless = (0..SPARSE_SEGMENTS / 20).fold(Tar::new().block(block), |tar, _| tar.raw(&empty));
    exceeds("SPARSE_SEGMENTS", endless);
}

#[test]
fn a_sparse_file_cannot_grow_beyond_the_ratio() {
    let sparse = |size: u64| sparse_1_0(&size.to_string(), b"1\n0\n5\n", b"hello");
    exceeds("ratio", sparse(1 << 40));
    // What is stored counts as well.
    let stored = sparse(0).end().len() as u64;
    exceeds("ratio", sparse(RATIO_FREE_BYTES.max(stored * RATIO)));
}
