//! Properties: on well-formed archives the tar crate reads the same; on any bytes nothing panics.

use std::io::Read as _;

use proptest::prelude::*;

use super::build::Tar;
use crate::read::Section;
use crate::scan::{EntryKind, ScanOptions, scan_layer};

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 1..1500),
        Just(vec![7; 512]),
        Just(vec![0; 1024]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_tar_crate_reads_the_same(
        files in proptest::collection::vec(("[a-z]{1,8}(/[a-zA-Z0-9é]{1,60}){0,4}", content(), 0_u32..0o10000, 0_u64..3_000_000), 0..8),
    ) {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content, mode, uid) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_uid(*uid);
            header.set_gid(7);
            header.set_mtime(1);
            builder.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        let facts = scan_layer(&Section::of_bytes(bytes.clone()), &ScanOptions::default(), &()).unwrap();
        let tar = facts.tar.unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut count = 0;
        for (member, entry) in archive.entries().unwrap().zip(&tar.entries) {
            let mut member = member.unwrap();
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            prop_assert_eq!(&*member.path_bytes(), entry.path.as_bytes());
            prop_assert_eq!(member.size(), entry.size);
            prop_assert_eq!(member.header().mode().unwrap(), entry.mode);
            prop_assert_eq!(member.header().uid().unwrap(), entry.uid);
            prop_assert_eq!(crate::digest::Digest::sha256(&content), crate::digest::Digest::Sha256(entry.content));
            prop_assert_eq!(entry.kind, EntryKind::File);
            count += 1;
        }
        prop_assert_eq!((count, tar.entries.len()), (files.len(), files.len()));
    }

    #[test]
    fn no_bytes_make_it_panic(junk in proptest::collection::vec(any::<u8>(), 0..4000)) {
        scan_layer(&Section::of_bytes(junk), &ScanOptions::default(), &()).unwrap();
    }

    #[test]
    fn no_spoilt_archive_makes_it_panic(
        changes in proptest::collection::vec((0_usize..6000, any::<u8>()), 1..4), cut in 0_usize..8000,
    ) {
        let sparse: &[(&str, &[u8])] = &[
            ("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"40"),
        ];
        let mut bytes = Tar::new()
            .long(b'L', "long").file("f", "hello")
            .pax(b'x', sparse).entry("s", b'0', &Tar::new().body(b"1\n3\n5\n").raw(b"hello").0)
            .pax(b'g', &[("uid", b"7")]).link("l", b'1', "f")
            .end();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
            // Headers get their checksum back, so that what lies behind it is reached.
            let start = at / 512 * 512;
            let block: [u8; 512] = bytes[start..start + 512].try_into().unwrap();
            if &block[257..262] == b"ustar" {
                bytes[start..start + 512].copy_from_slice(&super::build::seal(block));
            }
        }
        bytes.truncate(cut);
        scan_layer(&Section::of_bytes(bytes), &ScanOptions::default(), &()).unwrap();
    }
}
