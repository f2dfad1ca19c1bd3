//! Entries and layers, as the tar crate sees them.

use crate::support::{Entry, Layer, LongNames, SparseFormat, XattrStyle, pax_record};
use crate::{DATA, sparse_content, sparse_entry};
use std::io::Read;

/// Name, type flag, mode, link target, data.
type Seen = (Vec<u8>, u8, u32, Option<Vec<u8>>, Vec<u8>);

/// What the tar crate says of each member.
fn entries_of(tar: &[u8]) -> Vec<Seen> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        (
            entry.path_bytes().into_owned(),
            entry.header().entry_type().as_byte(),
            entry.header().mode().unwrap(),
            entry.link_name_bytes().map(|link| link.into_owned()),
            data,
        )
    });
    entries.collect()
}

#[test]
fn every_kind_of_entry_is_read_back() {
    let tar = Layer::new()
        .dir("etc/", 0o750)
        .file("./etc/a", "text")
        .file_mode("/usr/bin/x", "", 0o4755)
        .symlink("bin", "usr/bin")
        .hardlink("etc/b", "etc/a")
        .entry(Entry::char_device("dev/null", 1, 3))
        .entry(Entry::block_device("dev/sda", 8, 0))
        .entry(Entry::fifo("run/pipe"))
        .file(b"bad-\xff\xfe", "x")
        .whiteout("etc/x")
        .whiteout("top")
        .opaque("etc")
        .tar();
    let seen: Vec<_> =
        entries_of(&tar).into_iter().map(|(name, kind, mode, _, _)| (name, kind, mode)).collect();
    let expected: [(&[u8], u8, u32); 12] = [
        (b"etc/", b'5', 0o750),
        (b"./etc/a", b'0', 0o644),
        (b"/usr/bin/x", b'0', 0o4755),
        (b"bin", b'2', 0o777),
        (b"etc/b", b'1', 0o644),
        (b"dev/null", b'3', 0o600),
        (b"dev/sda", b'4', 0o600),
        (b"run/pipe", b'6', 0o644),
        (b"bad-\xff\xfe", b'0', 0o644),
        (b"etc/.wh.x", b'0', 0o644),
        (b".wh.top", b'0', 0o644),
        (b"etc/.wh..wh..opq", b'0', 0o644),
    ];
    let expected: Vec<_> = expected.iter().map(|(name, kind, mode)| (name.to_vec(), *kind, *mode)).collect();
    assert_eq!(seen, expected);
    assert_eq!(tar.len() % 512, 0);
}

#[test]
fn owners_times_and_devices_are_read_back() {
    let big = 3_000_000_000;
    let tar = Layer::new()
        .entry(Entry::char_device("d", 10, 200).owner(big, 7).owner_names("app", "staff").mtime(1_234_567))
        .tar();
    let mut archive = tar::Archive::new(&tar[..]);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    let header = entry.header();
    assert_eq!(header.uid().unwrap(), big);
    assert_eq!(header.gid().unwrap(), 7);
    assert_eq!(header.mtime().unwrap(), 1_234_567);
    assert_eq!(header.username().unwrap(), Some("app"));
    assert_eq!(header.groupname().unwrap(), Some("staff"));
    assert_eq!(header.device_major().unwrap(), Some(10));
    assert_eq!(header.device_minor().unwrap(), Some(200));
}

#[test]
fn long_names_are_read_back_in_each_style() {
    let path = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    let target = format!("{}/{}", "t".repeat(90), "u".repeat(90));
    for style in [LongNames::Gnu, LongNames::Pax] {
        let tar = Layer::new().entry(Entry::symlink(&path, &target).long_names(style)).tar();
        let seen = &entries_of(&tar)[0];
        assert_eq!(seen.0, path.as_bytes(), "{style:?}");
        assert_eq!(seen.3.as_deref(), Some(target.as_bytes()), "{style:?}");
    }
    let tar = Layer::new().entry(Entry::file(&path, "x").long_names(LongNames::UstarPrefix)).tar();
    assert_eq!(entries_of(&tar)[0].0, path.as_bytes());
    assert_eq!(tar.len(), 512 * 4, "the prefix needs no member of its own");
}

#[test]
fn a_pax_record_counts_its_own_length() {
    assert_eq!(pax_record(b"a", b"b"), b"6 a=b\n");
    // Through the lengths where the count grows a digit, and so lengthens the record it counts.
    for length in 0..1200 {
        let record = pax_record(b"k", &vec![b'v'; length]);
        let said: usize = record
            .split(|&b| b == b' ')
            .next()
            .map(|digits| std::str::from_utf8(digits).unwrap().parse().unwrap())
            .unwrap();
        assert_eq!(said, record.len());
    }
}

#[test]
fn an_xattr_value_may_hold_any_byte() {
    let value = b"\x01\0\0\x02\n = \xff";
    let tar = Layer::new()
        .entry(Entry::file("f", "").xattr("security.capability", value))
        .entry(Entry::file("g", "").xattr_as(XattrStyle::Libarchive, "user.x", b"\xfb\xff"))
        .tar();
    let record = [b"SCHILY.xattr.security.capability=", &value[..], b"\n"].concat();
    assert!(tar.windows(record.len()).any(|window| window == record));
    let record = b"LIBARCHIVE.xattr.user.x=+/8=\n";
    assert!(tar.windows(record.len()).any(|window| window == record));
}

#[test]
fn layers_can_be_spoilt() {
    let plain = Layer::new().file("a", "b");
    assert_eq!(plain.tar().len(), 512 * 4);
    assert_eq!(plain.clone().no_end_marker().tar().len(), 512 * 2);
    assert!(plain.clone().trailing("tail").tar().ends_with(b"tail"));
    assert!(plain.clone().no_end_marker().raw("junk").tar().ends_with(b"junk"));
    let fails = |layer: Layer| {
        let tar = layer.tar();
        let mut archive = tar::Archive::new(&tar[..]);
        archive.entries().unwrap().any(|entry| entry.is_err())
    };
    assert!(!fails(plain));
    assert!(fails(Layer::new().entry(Entry::file("a", "").bad_checksum())));
    assert!(fails(Layer::new().file("a", "").raw("not a header").trailing([1; 500])));
    let lying = Layer::new().entry(Entry::file("a", "1234").claimed_size(2)).tar();
    assert_eq!(entries_of(&lying)[0].4, b"12");
}

#[test]
fn the_empty_layer_is_the_well_known_one() {
    assert_eq!(
        Layer::new().diff_id(),
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    );
}

#[test]
fn a_global_pax_header_stands_before_what_it_governs() {
    let tar = Layer::new().pax_global([("comment", "for all")]).file("a", "").tar();
    let kinds: Vec<u8> = tar::Archive::new(&tar[..])
        .entries()
        .unwrap()
        .raw(true)
        .map(|entry| entry.unwrap().header().entry_type().as_byte())
        .collect();
    assert_eq!(kinds, [b'g', b'0']);
}

#[test]
fn old_gnu_sparse_files_are_read_back() {
    // Of the four formats the tar crate knows this one.
    let tar = Layer::new()
        .entry(sparse_entry(SparseFormat::Gnu))
        .entry(Entry::sparse("few", 700, &[(0, DATA)], SparseFormat::Gnu))
        .file("next", "n")
        .tar();
    let seen = entries_of(&tar);
    assert!(seen[0].4 == sparse_content());
    assert_eq!(seen[1].4, [DATA, &[0; 188]].concat());
    assert_eq!(seen[2].0, b"next");
}
