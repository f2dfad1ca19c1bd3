use super::encode::{contents_of, fields};
use super::*;
use crate::digest::{BlobDigests, Digest};
use crate::limits;
use crate::model::ImagePath;
use crate::model::descriptor::Compression;
use crate::scan::archives::{self, Archives, Members};
use crate::scan::components::{self, Component, Components, Ecosystem, Evidence};
use crate::scan::secrets::{Gap, Secret, Secrets, all_kinds};
use crate::scan::{Elf, Entry, EntryKind, ExtraFields, Extras, LayerFacts, Plan};

fn entry(path: &str, kind: EntryKind) -> Entry {
    let content = if kind == EntryKind::File { [7; 32] } else { [0; 32] };
    Entry {
        path: ImagePath::new(path),
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        content,
        elf: None,
        extras: Extras::default(),
    }
}

fn extras(fill: impl FnOnce(&mut ExtraFields)) -> Extras {
    Extras::default().with(fill)
}

/// A layer in which each field of each kind of entry has a value of its own.
pub(crate) fn sample() -> LayerFacts {
    let bytes = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
    let written = |text| extras(|extras| extras.raw_path = Some(bytes(text)));
    let link = |text| extras(|extras| extras.link = bytes(text));
    let device = |major, minor| extras(|extras| extras.device = (major, minor));
    let entries = vec![
        entry("", EntryKind::Directory),
        Entry {
            size: 5,
            mtime: -1,
            uid: u64::MAX,
            gid: 42,
            mode: 0o4755,
            extras: extras(|extras| {
                extras.xattrs = vec![
                    (bytes("security.capability"), [1, 0, 10, 255].into()),
                    (bytes("user.x"), bytes("")),
                ];
            }),
            ..entry("etc/passwd", EntryKind::File)
        },
        Entry { extras: written("a/../etc/group"), size: 3, ..entry("etc/group", EntryKind::File) },
        Entry { extras: link("etc/passwd"), ..entry("etc/passwd-", EntryKind::HardLink) },
        Entry { extras: link("../\u{1b}"), mtime: i64::MIN, ..entry("link", EntryKind::Symlink) },
        Entry { extras: device(1, u32::MAX), ..entry("dev/null", EntryKind::CharDevice) },
        Entry { extras: device(8, 0), ..entry("dev/sda", EntryKind::BlockDevice) },
        entry("pipe", EntryKind::Fifo),
        Entry {
            elf: Some(Elf { machine: 0x1234, kind: 3, class: 2, data: 1 }),
            size: 20,
            ..entry("usr/bin/ls", EntryKind::File)
        },
        Entry { size: 1 << 40, mtime: i64::MAX, ..entry("large", EntryKind::File) },
    ];
    let tar = TarFacts {
        diff_id: Digest::sha256(b"x"),
        diff_id_sha512: None,
        size: 1 << 41,
        entries,
        captured: BTreeMap::from([(1, b"root:"[..].into())]),
        not_captured: BTreeMap::new(),
        beside: BTreeMap::new(),
        secrets: secrets(),
        archives: Some(archives()),
        components: Some(components()),
    };
    let blob = BlobDigests { sha256: Digest::sha256(b"stored"), sha512: None, size: 6 };
    LayerFacts { blob, compression: Compression::Gzip, tar: Ok(Arc::new(tar)), anomalies: Vec::new() }
}

fn secrets() -> Secrets {
    let kinds: Vec<_> = all_kinds().collect();
    let secret =
        |entry, offset, line, kind: usize| Secret { entry, offset, line, length: 1, kind: kinds[kind] };
    Secrets {
        found: vec![secret(1, 0, Some(3), 0), secret(9, 1 << 39, None, 20)],
        gaps: vec![(9, Gap::ManyInFile)],
    }
}

fn archives() -> Archives {
    let members = |bytes: &[u8]| Members::from_bytes(bytes.to_vec()).unwrap();
    Archives {
        members: BTreeMap::from([(1, members(b"\x07A.class\x02\xff\0")), (9, members(b"\x01b"))]),
        gaps: BTreeMap::from([(2, archives::Gap::ManyNames), (8, archives::Gap::FarDirectory)]),
    }
}

fn components() -> Components {
    let component = |ecosystem, evidence, name: &str, version: &str, inside: &[u8]| Component {
        ecosystem,
        name: name.into(),
        version: version.into(),
        evidence,
        inside: (!inside.is_empty()).then(|| inside.into()),
    };
    let python = component(Ecosystem::PyPi, Evidence::PythonMetadata, "requests", "2.31.0", b"");
    let jar = component(Ecosystem::Maven, Evidence::PomProperties, "org.a:b", "1", b"lib/b\xff.jar!/c.jar");
    let unknown = component(Ecosystem::Maven, Evidence::FileName, "\u{1b}\u{fc}", "", b"");
    Components {
        found: BTreeMap::from([(1, vec![python]), (9, vec![jar, unknown])]),
        gaps: BTreeMap::from([(3, components::Gap::OldGo), (8, components::Gap::LargeFile)]),
        unpacked: 70_000,
    }
}

pub(crate) fn more() -> BTreeMap<usize, Arc<[u8]>> {
    BTreeMap::from([(2, b"grp"[..].into())])
}

fn packed(layer: &LayerFacts) -> Vec<u8> {
    pack(layer.tar.as_ref().unwrap(), &more(), |_| 1).unwrap()
}

#[test]
fn facts_read_back_as_written() {
    let layer = sample();
    let stored = Unpacked::read(&packed(&layer)).unwrap();
    let tar = layer.tar.as_ref().unwrap();
    assert_eq!((stored.diff_id, stored.size), (tar.diff_id, tar.size));
    assert_eq!(stored.entries, tar.entries);
    assert_eq!(stored.secrets, tar.secrets);
    assert_eq!(Some(stored.archives), tar.archives);
    assert_eq!(Some(stored.components), tar.components);
    let contents = BTreeMap::from([(1, b"root:"[..].into()), (2, b"grp"[..].into())]);
    assert_eq!(stored.contents, contents);
}

/// If this fails, the form has changed: raise `VERSION`, then write the new digest here.
#[test]
fn the_form_is_that_of_its_version() {
    let fields = fields(sample().tar.as_ref().unwrap(), &more()).unwrap();
    let known = "sha256:a808de2953324e0c3d042887604faac72b7a2a1d06dcd14ccf070f3e85fb09c9";
    assert_eq!((VERSION, Digest::sha256(&fields).to_string().as_str()), (13, known));
}

/// If this fails, layers are read as other entries than before: raise `VERSION`, so that what was packed
/// before is stale, then write the new digest here.
#[test]
fn reading_a_layer_means_what_it_meant_in_this_version() {
    use crate::scan::build::{Tar, Zip};
    use crate::scan::components::build::{OldGoBuildInfo, Program, cargo_auditable, go_build_info};
    let jar = Zip::jar(["A.class"]).prefix("#!/bin/sh\n").bytes();
    let go = Program::new().section(".go.buildinfo", go_build_info("go1.22.1", &["mod\tm\tv1"])).bytes();
    let old = OldGoBuildInfo { is_wide: true, is_big: false, address: Program::new().address() };
    let old = Program::new().section(".go.buildinfo", old.bytes("go1.17", &["mod\tm\tv1"])).data().bytes();
    let crates = cargo_auditable(r#"{"packages":[{"name":"d","version":"4"}]}"#);
    let rust = Program::new().wide(false).section(".dep-v0", crates).bytes();
    let lib =
        Zip::new().member("x/pom.properties", "groupId=g\nartifactId=e\nversion=5\n").member("i-6.jar", &jar);
    let lib = lib.bytes();
    let tar = Tar::new()
        .link("bin", b'2', "usr/bin")
        .entry("usr/bin/", b'5', b"")
        .file("./usr//bin/ls", "ls")
        .link("usr/bin/dir", b'1', "./usr/bin/ls")
        .pax(b'x', &[("SCHILY.xattr.security.capability", &[1, 0, 0, 2, 10]), ("uid", b"3000000")])
        .file("usr/bin/ping", "ping")
        .pax(b'x', &[("path", b"long/\xff"), ("mtime", b"-1.5"), ("LIBARCHIVE.xattr.user.x", b"eA==")])
        .file("short", "x")
        .file("elf", "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0")
        .long(b'L', "a/long/name")
        .file("a", "a")
        .pax(b'g', &[("comment", b"from git archive")])
        .file(".wh.gone", "")
        .entry("pipe", b'6', b"")
        .entry("old-style", 0, b"file")
        .pax(b'x', &[("GNU.sparse.map", b"1,1"), ("GNU.sparse.size", b"4"), ("GNU.sparse.numblocks", b"1")])
        .file("sparse", "x")
        .entry("app.jar", b'0', &jar)
        .file("a.dist-info/METADATA", "Name: a\nVersion: 1\n")
        .file("node_modules/b/package.json", "{\"name\": \"b\", \"version\": \"2\"}")
        .file("usr/share/nodejs/f/package.json", "{\"name\": \"f\", \"version\": \"6\"}")
        .file("specifications/c.gemspec", "s.name = \"c\"\ns.version = \"3\"\n")
        .entry("go", b'0', &go)
        .entry("go-1.17", b'0', &old)
        .entry("rust", b'0', &rust)
        .entry("lib.zip", b'0', &lib)
        .end();
    let mut plan = Plan::default();
    plan.look_into_archives();
    plan.look_for_components();
    let options = crate::scan::ScanOptions { plan: Arc::new(plan), ..Default::default() };
    let layer = crate::scan::scan_layer(&crate::read::Section::of_bytes(tar), &options, &());
    let layer = layer.unwrap();
    assert_eq!((layer.anomalies, layer.tar.as_ref().unwrap().entries.len()), (Vec::new(), 21));
    let fields = fields(layer.tar.as_ref().unwrap(), &BTreeMap::new()).unwrap();
    let known = "sha256:8ec70e634501195c21757b4f4c5e9acf6edb61d8ab01fe459c87bffb733ea55a";
    assert_eq!((VERSION, Digest::sha256(&fields).to_string().as_str()), (13, known));
}

/// No bytes stop the program or take more memory than there are
/// bytes for.
#[test]
fn no_bytes_can_harm() {
    let whole = fields(sample().tar.as_ref().unwrap(), &more()).unwrap();
    let file = |fields: &[u8]| zstd::bulk::compress(fields, 1).unwrap();
    assert!(Unpacked::read(&file(&whole)).is_ok());
    for length in 0..whole.len() {
        assert!(Unpacked::read(&file(&whole[..length])).is_err(), "cut at {length}");
    }
    assert!(Unpacked::read(&file(&[&*whole, b"\0"].concat())).is_err());
    let sound = Unpacked::read(&file(&whole)).unwrap();
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, whole[at] ^ 0x10] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let read = Unpacked::read(&file(&bytes));
            assert!(bytes == whole || read.is_err() || read.unwrap() != sound, "{at} {value}");
        }
    }
    let good = packed(&sample());
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        let _ = Unpacked::read(&bytes);
        let _ = Unpacked::read(&good[..at]);
    }
    let mut huge = [Digest::sha256(b"x").hex().as_bytes()[..32].to_vec(), vec![0]].concat();
    huge.extend([0xff; 9]);
    huge.push(1);
    assert!(Unpacked::read(&file(&huge)).unwrap_err().to_string().contains("limit"));
}

#[test]
fn what_facts_unpack_to_is_held_to_facts_bytes() {
    let layer = sample();
    let size = fields(layer.tar.as_ref().unwrap(), &more()).unwrap().len() as u64;
    let read = Unpacked::read_within(&packed(&layer), size).unwrap();
    assert_eq!(read.entries, layer.tar.as_ref().unwrap().entries);
    let error = Unpacked::read_within(&packed(&layer), size - 1).map(drop).unwrap_err();
    assert!(error.to_string().contains("exceeds the limit FACTS_BYTES ("), "{error}");
}

/// Under a policy that lets files be larger, what was packed could not be read back.
#[test]
fn contents_are_held_to_facts_content_bytes() {
    let mut tar = TarFacts::clone(sample().tar.as_ref().unwrap());
    tar.captured.clear();
    let part: Arc<[u8]> = vec![0; 1 << 20].into();
    let parts = (limits::FACTS_CONTENT_BYTES >> 20) as usize;
    let of = |parts: usize| -> Contents { (0..parts).map(|index| (index, Arc::clone(&part))).collect() };
    tar.captured = of(parts + 1);
    assert!(fields(&tar, &Contents::new()).is_none());
    assert_eq!(
        contents_of(&TarFacts { captured: of(parts), ..tar.clone() }, &Contents::new()).unwrap().len(),
        parts
    );
    // What was read beside them is left out where it finds no room.
    let none = TarFacts { captured: Contents::new(), ..tar };
    assert_eq!(contents_of(&none, &of(parts + 1)).unwrap().len(), parts);
}
