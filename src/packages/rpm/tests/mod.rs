//! Databases of all three forms, built here, then spoilt.

mod build;
mod corpus;
mod hostile;
mod wal;

use build::{Value, bdb, header, ndb, sqlite};

use super::bytes::Order;
use super::{State, Stored, packages, parse};
use crate::error::Result;
use crate::packages::{FileDigest, Manager, Package, PackageFile, Packed};

/// Two packages, the second long enough to need overflow pages.
fn blobs() -> [Vec<u8>; 2] {
    let small = header(
        &[
            (1000, Value::Text("bash")),
            (1001, Value::Text("5.1.8")),
            (1002, Value::Text("6.el9")),
            (1022, Value::Text("x86_64")),
            (1028, Value::Words(vec![5, 9, 0, 4])),
            (1030, Value::Halves(vec![0o100_755, 0o100_644, 0o120_777, 0o100_644])),
            (1035, Value::Texts(vec!["00112233445566778899aabbccddeeff", &"aB".repeat(16), "", ""])),
            (1036, Value::Texts(vec!["", "", "bash", ""])),
            (1037, Value::Words(vec![0, 1, 0, 64])),
            (1044, Value::Text("bash-5.1.8-6.el9.src.rpm")),
            (1116, Value::Words(vec![0, 1, 0, 1])),
            (1117, Value::Texts(vec!["bash", "bashrc", "sh", "gone"])),
            (1118, Value::Texts(vec!["/usr/bin/", "/etc/"])),
            (5096, Value::Text("shell:5")),
        ],
        &[(1029, Value::Bytes(vec![0, 0, 0, 2]))],
    );
    let long = header(
        &[
            (1000, Value::Text("acl")),
            (1001, Value::Text("2.3")),
            (1002, Value::Text("1")),
            (1003, Value::Words(vec![0])),
            (1011, Value::Text(&"a vendor with a name ".repeat(80))),
        ],
        &[],
    );
    [small, long]
}

/// The packages of a database that is all in one file.
fn whole(database: &[u8]) -> Result<Vec<Package>> {
    packages(Stored { database, ..Stored::default() })
}

fn databases() -> [(&'static str, Vec<u8>); 4] {
    [
        ("sqlite", sqlite(&blobs())),
        ("ndb", ndb(&blobs())),
        ("bdb", bdb(&blobs(), Order::Little)),
        ("bdb, big-endian", bdb(&blobs(), Order::Big)),
    ]
}

#[test]
fn every_form_tells_the_same() {
    for (form, database) in databases() {
        let read = parse(&database).unwrap();
        assert_eq!(read.notes, [""; 0], "{form}");
        let [bash, acl] = &read.headers[..] else { panic!("{form}: {:?}", read.headers) };
        assert_eq!((bash.name.as_str(), bash.evr().as_str()), ("bash", "5.1.8-6.el9"), "{form}");
        assert_eq!(bash.source().map(|source| source.name).as_deref(), Some("bash"));
        assert_eq!(bash.modularity_label.as_deref(), Some("shell:5"));
        // An epoch of 0 that is told is told.
        assert_eq!((acl.evr().as_str(), acl.arch.as_deref()), ("0:2.3-1", None), "{form}");
        assert_eq!(acl.vendor.as_ref().map(String::len), Some(1_680), "{form}");
        let [shell, config, link, left_out] = &bash.files[..] else { panic!("{:?}", bash.files) };
        assert_eq!((shell.path.to_string().as_str(), shell.mode), ("/usr/bin/bash", Some(0o100_755)));
        assert_eq!((shell.size, config.is_config(), left_out.is_ghost()), (Some(5), true, true));
        assert_eq!((link.link_target.as_deref(), link.digest), (Some(b"bash".as_slice()), None));
        assert_eq!(left_out.state, State::NotInstalled);
    }
}

#[test]
fn packages_have_the_files_that_are_there() {
    let packages = whole(&ndb(&blobs())).unwrap();
    let [acl, bash] = &packages[..] else { panic!("{packages:?}") };
    // To rpm an epoch of 0 is none.
    assert_eq!((acl.version.as_str(), acl.architecture.as_str(), acl.manager), ("2.3-1", "", Manager::Rpm));
    let shown: Vec<_> =
        bash.files.iter().map(|file| (file.path.to_string(), file.packed.clone(), file.is_config)).collect();
    let sixteen = |byte| Packed::Digest(FileDigest::Md5([byte; 16]));
    let shell = Packed::Digest(FileDigest::Md5([
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ]));
    let expected = [
        ("/usr/bin/bash", shell, false),
        ("/etc/bashrc", sixteen(0xab), true),
        ("/usr/bin/sh", Packed::Link(b"bash"[..].into()), false),
    ];
    assert_eq!(shown, expected.map(|(path, packed, config)| (path.to_owned(), packed, config)));
}

/// The one path of a package, of which its header says this.
fn packaged(mode: u16, flags: u32, state: u8, verify: u32) -> Option<PackageFile> {
    let blob = header(
        &[
            (1000, Value::Text("a")),
            (1001, Value::Text("1")),
            (1002, Value::Text("1")),
            (1030, Value::Halves(vec![mode])),
            (1035, Value::Texts(vec![&"01".repeat(16)])),
            (1036, Value::Texts(vec!["target"])),
            (1037, Value::Words(vec![flags])),
            (1045, Value::Words(vec![verify])),
            (1116, Value::Words(vec![0])),
            (1117, Value::Texts(vec!["a"])),
            (1118, Value::Texts(vec!["/"])),
        ],
        &[(1029, Value::Bytes(vec![state]))],
    );
    whole(&ndb(&[blob])).unwrap().remove(0).files.pop()
}

#[test]
fn a_path_is_verified_by_the_flag_of_what_it_is() {
    let [digest, link, mode] = [1, 1 << 2, 1 << 6].map(|flag: u32| !flag);
    let is_verified = |mode, verify| packaged(mode, 0, 0, verify).unwrap().is_verified;
    for (kind, told) in
        [(0o100_644, [false, true, true]), (0o120_777, [true, false, true]), (0o040_755, [true, true, false])]
    {
        assert_eq!([digest, link, mode].map(|verify| is_verified(kind, verify)), told, "{kind:o}");
    }
}

#[test]
fn a_path_is_what_its_mode_says_unless_it_is_not_the_packages() {
    let packed = |mode: u16, flags: u32, state: u8, verify: u32| {
        packaged(mode, flags, state, verify).map(|file| (file.packed, file.is_config))
    };
    let digest = Packed::Digest(FileDigest::Md5([1; 16]));
    let (ghost, all) = (1 << 6, u32::MAX);
    for (mode, flags, state, verify, told) in [
        (0o100_644, 0, 0, all, Some((digest.clone(), false))),
        (0o100_644, 1, 0, all, Some((digest.clone(), true))),
        // %verify(not filedigest)
        (0o100_644, 0, 0, all & !1, Some((digest, true))),
        (0o120_777, 0, 0, all, Some((Packed::Link(b"target"[..].into()), false))),
        (0o042_755, 0, 0, all, Some((Packed::Directory(0o2755), false))),
        (0o020_600, 0, 0, all, Some((Packed::Untold, false))),
        (0o100_644, ghost, 0, all, Some((Packed::Untold, false))),
        (0o120_777, ghost, 0, all, Some((Packed::Untold, false))),
        // Replaced, not installed, on the network, of the wrong colour.
        (0o100_644, 0, 1, all, Some((Packed::Untold, false))),
        (0o100_644, 0, 2, all, None),
        (0o100_644, 0, 3, all, None),
        (0o120_777, 0, 4, all, Some((Packed::Untold, false))),
    ] {
        assert_eq!(packed(mode, flags, state, verify), told, "{mode:o} {flags} {state} {verify}");
    }
}

#[test]
fn what_was_added_at_installation_replaces_what_was_signed() {
    let blob = header(
        &[(1000, Value::Text("a")), (1001, Value::Text("1")), (1002, Value::Text("1"))],
        &[(1002, Value::Text("2"))],
    );
    assert_eq!(parse(&ndb(&[blob])).unwrap().headers[0].release, "2");
}

#[test]
fn the_digest_is_of_the_algorithm_that_is_told() {
    let of = |algorithm, digits: &str| {
        let blob = header(
            &[
                (1000, Value::Text("a")),
                (1001, Value::Text("1")),
                (1002, Value::Text("1")),
                (1035, Value::Texts(vec![digits])),
                (1116, Value::Words(vec![0])),
                (1117, Value::Texts(vec!["a"])),
                (1118, Value::Texts(vec!["/"])),
                (5011, Value::Words(vec![algorithm])),
            ],
            &[],
        );
        parse(&ndb(&[blob])).unwrap()
    };
    assert_eq!(of(8, &"01".repeat(32)).headers[0].files[0].digest, Some(FileDigest::Sha256([1; 32])));
    assert_eq!(of(2, &"01".repeat(20)).headers[0].files[0].digest, Some(FileDigest::Sha1([1; 20])));
    assert_eq!(of(10, &"01".repeat(64)).headers[0].files[0].digest, None);
    let broken = of(8, "01");
    assert_eq!((broken.headers[0].files.len(), broken.notes.len()), (0, 1));
}
