use std::collections::BTreeMap;
use std::sync::Arc;

use super::decode::Stored;
use super::encode::payload;
use super::*;
use crate::base::Catalog;
use crate::base::catalog::tests::{base, catalog};
use crate::base::{State, Tier};
use crate::digest::BlobDigests;
use crate::model::descriptor::Compression;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::archives::{self, Archives, Members};
use crate::scan::secrets::{Gap, Secret, Secrets, all_kinds};
use crate::scan::{Elf, Entry, EntryKind, KnownLayers, LayerFacts, Plan, TarFacts};

fn entry(path: &str, kind: EntryKind) -> Entry {
    let content = if kind == EntryKind::File { [7; 32] } else { [0; 32] };
    Entry {
        path: ImagePath::new(path),
        raw_path: None,
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        content,
        elf: None,
        link: Box::default(),
        xattrs: Vec::new(),
        device: (0, 0),
    }
}

/// A layer in which each field of each kind of entry has a value of its own.
fn sample() -> LayerFacts {
    let bytes = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
    let entries = vec![
        entry("", EntryKind::Directory),
        Entry {
            size: 5,
            mtime: -1,
            uid: u64::MAX,
            gid: 42,
            mode: 0o4755,
            xattrs: vec![
                (bytes("security.capability"), [1, 0, 10, 255].into()),
                (bytes("user.x"), bytes("")),
            ],
            ..entry("etc/passwd", EntryKind::File)
        },
        Entry { raw_path: Some(bytes("a/../etc/group")), size: 3, ..entry("etc/group", EntryKind::File) },
        Entry { link: bytes("etc/passwd"), ..entry("etc/passwd-", EntryKind::HardLink) },
        Entry { link: bytes("../\u{1b}"), mtime: i64::MIN, ..entry("link", EntryKind::Symlink) },
        Entry { device: (1, u32::MAX), ..entry("dev/null", EntryKind::CharDevice) },
        Entry { device: (8, 0), ..entry("dev/sda", EntryKind::BlockDevice) },
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
        secrets: secrets(),
        archives: Some(archives()),
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

fn more() -> BTreeMap<usize, Arc<[u8]>> {
    BTreeMap::from([(2, b"grp"[..].into())])
}

/// A catalog with one layer that has this facts file, and a directory with it.
struct Known {
    directory: tempfile::TempDir,
    catalog: Catalog,
}

impl Known {
    fn new(file: &FactsFile) -> Self {
        let mut base = base("b", Tier::Official, State::Approved, "x");
        base.layers[0].blob_digests.insert(sample().blob.sha256);
        base.layers[0].facts = Some(file.digest);
        let known = Self { directory: tempfile::tempdir().unwrap(), catalog: catalog([base]) };
        known.write(file, &file.bytes);
        known
    }

    fn write(&self, file: &FactsFile, bytes: &[u8]) {
        std::fs::write(self.directory.path().join(file_name(&file.digest)), bytes).unwrap();
    }

    fn files(&self, wanted: &[&str]) -> FactsFiles {
        let mut plan = Plan::default();
        wanted.iter().for_each(|path| plan.capture(ImagePath::new(path)));
        FactsFiles::new(&self.catalog, self.directory.path(), Arc::new(plan))
    }
}

fn ask(files: &FactsFiles) -> Option<Arc<TarFacts>> {
    files.tar_facts(&sample().blob, Compression::Gzip)
}

#[test]
fn facts_read_back_as_written() {
    let layer = sample();
    let file = FactsFile::of(&layer, &more()).unwrap();
    assert_eq!(FactsFile::of(&layer, &more()), Some(file.clone()), "the same facts give the same bytes");
    let stored = Stored::read(&file.bytes).unwrap().unwrap();
    let tar = layer.tar.as_ref().unwrap();
    assert_eq!((stored.diff_id, stored.size), (tar.diff_id, tar.size));
    assert_eq!(stored.entries, tar.entries);
    assert_eq!(stored.secrets, tar.secrets);
    assert_eq!(Some(stored.archives), tar.archives);
    let contents = BTreeMap::from([(1, b"root:"[..].into()), (2, b"grp"[..].into())]);
    assert_eq!(stored.contents, contents);
}

/// If this fails, the form has changed: raise `VERSION`, then write the new digest here.
#[test]
fn the_form_is_that_of_its_version() {
    let payload = payload(sample().tar.as_ref().unwrap(), &more()).unwrap();
    let known = "sha256:927d9a8eee910bb4f7ae7c540f854ba19da9339038f76fdc91eb7dd8ff0b1b07";
    assert_eq!((VERSION, Digest::sha256(&payload).to_string().as_str()), (5, known));
}

/// If this fails, layers are read as other entries than before: raise `VERSION`, so that facts files of
/// before are stale, then write the new digest here.
#[test]
fn reading_a_layer_means_what_it_meant_in_this_version() {
    use crate::scan::build::{Tar, Zip};
    let jar = Zip::jar(["A.class"]).prefix("#!/bin/sh\n").bytes();
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
        .end();
    let mut plan = Plan::default();
    plan.look_into_archives();
    let options = crate::scan::ScanOptions { plan: Arc::new(plan), ..Default::default() };
    let layer = crate::scan::scan_layer(&crate::read::Section::of_bytes(tar), &options, &());
    let layer = layer.unwrap();
    assert_eq!((layer.anomalies, layer.tar.as_ref().unwrap().entries.len()), (Vec::new(), 13));
    let payload = payload(layer.tar.as_ref().unwrap(), &BTreeMap::new()).unwrap();
    let known = "sha256:8ca5373f4881176885d23a0d321fe446dab41cf8958ff85a0782d25d19a76094";
    assert_eq!((VERSION, Digest::sha256(&payload).to_string().as_str()), (5, known));
}

#[test]
fn a_known_layer_has_the_facts_of_its_file() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    let files = known.files(&["etc/passwd", "nosuch"]);
    assert!(files.may_know(&sample().blob.sha256, false));
    let (facts, tar) = (ask(&files).unwrap(), sample().tar.unwrap());
    assert_eq!(facts.entries, tar.entries);
    assert_eq!(facts.captured, tar.captured);
    assert_eq!(facts.secrets, tar.secrets);
    assert_eq!(facts.archives, tar.archives);
    assert!(Arc::ptr_eq(&facts, &ask(&files).unwrap()), "images share the facts of their base");
    // Plain bytes whose digest is the diffID are the layer, whether that form was seen or not.
    let plain = BlobDigests { sha256: Digest::sha256(b"x"), sha512: None, size: 1 };
    assert!(files.tar_facts(&plain, Compression::None).is_some());
    assert!(files.tar_facts(&plain, Compression::Gzip).is_none());
    let other = BlobDigests { sha256: Digest::sha256(b"y"), ..plain };
    assert!(files.tar_facts(&other, Compression::None).is_none());
    assert!(files.take_notes().is_empty());
}

#[test]
fn a_file_that_lacks_what_is_wanted_today_is_not_used() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    assert!(ask(&known.files(&["etc/group"])).is_none());
    // What is too large to be kept is told again, as reading would.
    let facts = ask(&known.files(&["large", "pipe"])).unwrap();
    assert!(facts.not_captured[&9].to_string().contains("captured_file_bytes"));
    let mut older = file.bytes.clone();
    older[8] += 1;
    let older = FactsFile { digest: Digest::sha256(&older), bytes: older };
    let files = Known::new(&older).files(&[]);
    assert!(ask(&files).is_none());
    assert!(files.take_notes().is_empty(), "stale is no fault");
}

#[test]
fn a_missing_file_is_no_fault() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    std::fs::remove_file(known.directory.path().join(file_name(&file.digest))).unwrap();
    let files = known.files(&[]);
    assert!(ask(&files).is_none() && files.take_notes().is_empty());
    std::fs::create_dir(known.directory.path().join(file_name(&file.digest))).unwrap();
    assert!(ask(&files).is_none());
    assert!(files.take_notes()[0].contains("no regular file"));
}

#[test]
fn every_spoilt_file_is_refused_and_told() {
    let file = FactsFile::of(&sample(), &more()).unwrap();
    let known = Known::new(&file);
    let refused = |bytes: &[u8], what: &str| {
        known.write(&file, bytes);
        let files = known.files(&[]);
        assert!(ask(&files).is_none(), "{what}");
        let notes = files.take_notes();
        assert!(notes.len() == 1 && notes[0].contains("does not have the digest"), "{what}: {notes:?}");
        assert!(files.take_notes().is_empty());
    };
    for length in 0..file.bytes.len() {
        refused(&file.bytes[..length], &format!("cut at {length}"));
    }
    for at in 0..file.bytes.len() {
        let mut bytes = file.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(&bytes, &format!("byte {at} flipped"));
    }
    refused(&[&*file.bytes, b"\0"].concat(), "longer");
}

/// Also with a digest that is right, no bytes stop the program or take more memory than there are
/// bytes for.
#[test]
fn no_bytes_can_harm() {
    let whole = payload(sample().tar.as_ref().unwrap(), &more()).unwrap();
    let file = |payload: &[u8]| {
        let frame = zstd::bulk::compress(payload, 1).unwrap();
        [&MAGIC[..], &VERSION.to_le_bytes(), &frame].concat()
    };
    assert!(Stored::read(&file(&whole)).unwrap().is_some());
    for length in 0..whole.len() {
        assert!(Stored::read(&file(&whole[..length])).is_err(), "cut at {length}");
    }
    assert!(Stored::read(&file(&[&*whole, b"\0"].concat())).is_err());
    let sound = Stored::read(&file(&whole)).unwrap().unwrap();
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, whole[at] ^ 0x10] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let read = Stored::read(&file(&bytes));
            assert!(
                bytes == whole || read.is_err() || read.unwrap().as_ref() != Some(&sound),
                "{at} {value}"
            );
        }
    }
    let good = FactsFile::of(&sample(), &more()).unwrap().bytes;
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        let _ = Stored::read(&bytes);
        let _ = Stored::read(&good[..at]);
    }
    let mut huge = [Digest::sha256(b"x").hex().as_bytes()[..32].to_vec(), vec![0]].concat();
    huge.extend([0xff; 9]);
    huge.push(1);
    assert!(Stored::read(&file(&huge)).unwrap_err().to_string().contains("limit"));
}

#[test]
fn a_file_of_another_layer_is_refused() {
    let mut layer = sample();
    let tar = TarFacts { diff_id: Digest::sha256(b"other"), ..TarFacts::clone(layer.tar.as_ref().unwrap()) };
    layer.tar = Ok(Arc::new(tar));
    let known = Known::new(&FactsFile::of(&layer, &BTreeMap::new()).unwrap());
    let files = known.files(&[]);
    assert!(ask(&files).is_none());
    assert!(files.take_notes()[0].contains("of another layer"));
}

#[test]
fn a_stored_digest_that_stands_for_two_layers_stands_for_none() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let mut known = Known::new(&file);
    let mut other = base("other", Tier::Official, State::Approved, "y");
    other.layers[0].blob_digests.insert(sample().blob.sha256);
    known.catalog.add(other).unwrap();
    let files = known.files(&[]);
    assert!(!files.may_know(&sample().blob.sha256, false) && ask(&files).is_none());
}

#[test]
fn a_layer_that_is_not_sound_has_no_file() {
    let mut layer = sample();
    layer.anomalies.push(Anomaly::new(Fault::DuplicateEntry, "twice"));
    assert_eq!(FactsFile::of(&layer, &more()), None);
    // Whose archives nobody looked into.
    let mut layer = sample();
    let tar = TarFacts { archives: None, ..TarFacts::clone(layer.tar.as_ref().unwrap()) };
    layer.tar = Ok(Arc::new(tar));
    assert_eq!(FactsFile::of(&layer, &more()), None);
}

#[test]
fn the_directory_stands_beside_the_catalog() {
    for (catalog, directory) in
        [("a/bases.json", "a/bases.facts"), ("bases", "bases.facts"), ("a/b.facts", "a/b.facts.facts")]
    {
        assert_eq!(directory_of(Path::new(catalog)), Path::new(directory));
    }
}
