//! Feeds as files and directories, in each form, sound and spoilt.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::advisories::record::{Affected, End, Fix};
use crate::read::build::Tar;
use crate::read::corpus_tests as corpus;

/// A record of OSV, with more fields in it.
fn osv(id: &str, more: &str) -> String {
    format!(r#"{{"id": "{id}", "modified": "2024-01-02T03:04:05Z"{more}}}"#)
}

fn package(ecosystem: &str, name: &str, ranges: &str) -> String {
    format!(
        r#", "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}}, "ranges": {ranges}}}]"#
    )
}

const FIXED: &str = r#"[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}]"#;

/// A zip archive of stored and deflated members, in turn.
pub(crate) fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (number, (name, content)) in members.iter().enumerate() {
        let mut stored = content.as_bytes().to_vec();
        if number % 2 == 1 {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(content.as_bytes()).unwrap();
            stored = encoder.finish().unwrap();
        }
        let offset = bytes.len() as u32;
        let mut head = vec![20, 0, 0, 8, if number % 2 == 1 { 8 } else { 0 }, 0, 0, 0, 0x21, 0x58];
        head.extend(crc32fast::hash(content.as_bytes()).to_le_bytes());
        head.extend((stored.len() as u32).to_le_bytes());
        head.extend((content.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &*head, name.as_bytes(), &stored].concat());
        directory.extend(
            [b"PK\x01\x02\x14\x00", &*head, &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (count, size, offset) = (members.len() as u16, directory.len() as u32, bytes.len() as u32);
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06", &[0; 4][..], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    bytes.extend([&size.to_le_bytes()[..], &offset.to_le_bytes(), &[0, 0]].concat());
    bytes
}

/// The same with sizes and offsets in a ZIP64 record and extra fields.
fn zipped_64(name: &str, content: &str) -> Vec<u8> {
    let wide = |values: &[u64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (size, crc) = (content.len() as u64, crc32fast::hash(content.as_bytes()));
    let local_extra = [&[1, 0, 16, 0][..], &wide(&[size, size])].concat();
    let mut head = vec![45, 0, 0, 8, 0, 0, 0, 0, 0x21, 0x58];
    head.extend(crc.to_le_bytes());
    head.extend([0xff; 8]);
    head.extend((name.len() as u16).to_le_bytes());
    let mut bytes =
        [b"PK\x03\x04", &*head, &(local_extra.len() as u16).to_le_bytes(), name.as_bytes(), &local_extra]
            .concat();
    bytes.extend(content.as_bytes());
    let extra = [&[9, 0, 1, 0, 7, 1, 0, 24, 0][..], &wide(&[size, size, 0])].concat();
    let offset = bytes.len() as u64;
    let mut directory =
        [b"PK\x01\x02\x2d\x00", &*head, &(extra.len() as u16).to_le_bytes(), &[0; 10], &[0xff; 4]].concat();
    directory.extend([name.as_bytes(), &extra].concat());
    let at = offset + directory.len() as u64;
    bytes.extend(&directory);
    bytes.extend(
        [
            b"PK\x06\x06",
            &wide(&[44])[..],
            &[45, 0, 45, 0],
            &[0; 8],
            &wide(&[1, 1, directory.len() as u64, offset]),
        ]
        .concat(),
    );
    bytes.extend([b"PK\x06\x07", &[0; 4][..], &wide(&[at]), &[1, 0, 0, 0]].concat());
    bytes.extend([b"PK\x05\x06", &[0; 4][..], &[0xff; 12], &[0, 0]].concat());
    bytes
}

struct Read {
    taken: Vec<Taken>,
    records: Vec<(usize, Kind, Record)>,
}

fn read_with(paths: &[PathBuf], room: Room) -> Result<Read> {
    let mut records = Vec::new();
    let mut sink = |source, kind, record| {
        records.push((source, kind, record));
        Ok(())
    };
    let mut reader = Reader::new(room, &mut sink);
    for path in paths {
        reader.take(path)?;
    }
    let taken = reader.done();
    Ok(Read { taken, records })
}

fn read(path: &Path) -> Result<Read> {
    read_with(&[path.to_owned()], Room::default())
}

/// Reads bytes that lie in a file.
fn read_bytes(bytes: impl AsRef<[u8]>) -> Result<Read> {
    read_bytes_with(bytes, Room::default())
}

fn read_bytes_with(bytes: impl AsRef<[u8]>, room: Room) -> Result<Read> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("feed");
    std::fs::write(&path, bytes).unwrap();
    read_with(&[path], room)
}

/// The one record of a document, and what was passed over.
fn one(document: &str) -> (Record, Skips) {
    let mut read = read_bytes(zipped(&[("x.json", document)])).unwrap();
    let record = read.records.pop().map(|(_, _, record)| record).unwrap_or_default();
    (record, read.taken.remove(0).skips)
}

#[test]
fn the_form_is_told_by_the_content() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let secdb = r#"{"distroversion": "v3.18", "packages": [{"pkg": {"name": "x", "secfixes": {"1-r0": ["CVE-2024-1"]}}}]}"#;
    let tracker = r#"{"x": {"CVE-2024-1": {"releases": {"bookworm": {"status": "open"}}}}}"#;
    let csaf =
        r#"{"document": {"tracking": {"id": "CVE-2024-1"}}, "vulnerabilities": [{"cve": "CVE-2024-1"}]}"#;
    let gzipped = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(tracker.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let mut archive = ::tar::Builder::new(Vec::new());
    for (name, content) in [("2024/a.json", csaf), ("README", "no feed"), ("2024/b.json", &record)] {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    for (bytes, kinds) in [
        (record.clone().into_bytes(), vec![Kind::Osv]),
        (format!("\u{feff}{record}").into_bytes(), vec![Kind::Osv]),
        (
            zipped(&[("a/x.json", &record), ("y.txt", "no feed"), ("z.json", csaf)]),
            vec![Kind::Osv, Kind::Csaf],
        ),
        (zipped_64("x.json", &record), vec![Kind::Osv]),
        (secdb.as_bytes().to_vec(), vec![Kind::Secdb]),
        (tracker.as_bytes().to_vec(), vec![Kind::Debian]),
        (gzipped, vec![Kind::Debian]),
        (zstd::encode_all(archive.as_slice(), 1).unwrap(), vec![Kind::Osv, Kind::Csaf]),
        (archive, vec![Kind::Osv, Kind::Csaf]),
    ] {
        let read = read_bytes(bytes).unwrap();
        assert_eq!(read.taken[0].kinds.iter().copied().collect::<Vec<_>>(), kinds);
        assert_eq!(read.records.len(), kinds.len());
    }
}

#[test]
fn what_is_no_feed_says_so() {
    for (bytes, told) in [
        (&b"{}"[..], "no advisories are in it"),
        (b"", "no JSON object"),
        (b"hello", "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"{\"a\": 1}", "invalid type"),
        (b"{\"a\": {\"b\": {}}}", "no feed that is known"),
        (b"PK\x03\x04 and no more", "the zip archive is broken or cut short"),
        (b"{\"id\": \"A\", \"modified\": ", "EOF"),
    ] {
        let error = read_bytes(bytes).map(|read| read.taken).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.hint_text().is_some(), "{error}");
    }
    let empty = read_bytes(zipped(&[("README", "x")])).map(|read| read.taken).unwrap_err();
    assert!(empty.to_string().contains("no advisories"), "{empty}");
    let nowhere = read(Path::new("/nowhere/at/all")).map(|read| read.taken).unwrap_err();
    assert!(nowhere.to_string().contains("/nowhere/at/all"), "{nowhere}");
}

#[test]
fn an_archive_that_is_damaged_anywhere_is_an_error_or_the_same() {
    let sound = zipped(&[
        ("a.json", &osv("A-1", &package("PyPI", "x", FIXED))),
        ("b.json", &osv("A-2", &package("npm", "y", FIXED))),
    ]);
    let expected = read_bytes(&sound).unwrap().records;
    for place in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x55;
        if let Ok(read) = read_bytes(&bytes) {
            // Times, versions of tools, and names say nothing. A record that is not there any more is told.
            let same = read.records == expected;
            let fewer = read.records.len() < expected.len();
            assert!(same || fewer, "{place}");
        }
        if let Ok(read) = read_bytes(&sound[..place]) {
            assert!(read.records.len() < 2, "{place}");
        }
    }
}

/// A tar without its end.
fn tarred(members: &[(&str, &str)]) -> Tar {
    members.iter().fold(Tar::new(), |tar, (name, content)| tar.file(name, content))
}

/// GitHub's database, packed by GNU tar, has names of more than 100 bytes.
#[test]
fn long_names_of_a_tar_are_read_whole() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let long = format!("advisories/{}/A-1.json", "x".repeat(150));
    let path: [(&str, &[u8]); 1] = [("path", long.as_bytes())];
    for (what, before) in [
        ("GNU", Tar::new().long(b'L', &long)),
        ("PAX", Tar::new().pax(b'x', &path)),
        ("PAX behind a global header", Tar::new().pax(b'g', &[("comment", b"x")]).pax(b'x', &path)),
    ] {
        let read = read_bytes(before.file(&long[..99], &record).end()).unwrap();
        assert_eq!((read.records.len(), read.taken[0].skips.total()), (1, 0), "{what}");
    }
    // Longer than any name of a feed.
    let huge = limits::PAX_BYTES as usize + 1;
    let name = "x".repeat(huge);
    assert!(refused(Tar::new().long(b'L', &name).end(), Room::default()).contains("PAX_BYTES"));
    let endless = (0..100).fold(Tar::new(), |tar, _| tar.pax(b'x', &[]));
    assert!(refused(endless.end(), Room::default()).contains("broken"));
}

/// What is cut off where a member ends looks whole, but for the two blocks of zeros that end an archive.
#[test]
fn a_tar_that_is_cut_anywhere_is_an_error() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let whole = tarred(&[("a.json", &record), ("b.json", &record)]).end();
    assert_eq!(read_bytes(&whole).unwrap().records.len(), 2);
    for length in (1..whole.len()).filter(|length| *length >= 512) {
        assert!(read_bytes(&whole[..length]).is_err(), "{length}");
    }
    let behind = [whole.as_slice(), &whole].concat();
    assert!(refused(&behind, Room::default()).contains("behind its end"), "another archive behind it");
    let more = [whole.as_slice(), &[0; 10_240]].concat();
    assert_eq!(read_bytes(more).unwrap().records.len(), 2, "as many zeros as a tape has");
    for place in [0, 124, 148] {
        let mut broken = whole.clone();
        broken[512 + record.len().next_multiple_of(512) + place] ^= 1;
        assert!(refused(&broken, Room::default()).contains("broken"), "{place}");
    }
}

#[test]
fn members_that_are_not_read_are_counted() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let tar = tarred(&[("a.json", &record), ("README.md", "text")]);
    let link = tar.link("link.json", b'2', "a.json").entry("folder.json", b'5', b"").end();
    let zip = zipped(&[("a.json", &record), ("README.md", "text"), ("b.xml", "text"), ("folder/", "")]);
    for bytes in [link, zip] {
        let read = read_bytes(bytes).unwrap();
        let skips = &read.taken[0].skips;
        assert_eq!((read.records.len(), skips.of(Skip::NotRead), skips.total()), (1, 2, 2));
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [("a.json", record.as_str()), ("README.md", "text")] {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let skips = &read(directory.path()).unwrap().taken[0].skips;
    assert_eq!((skips.of(Skip::NotRead), skips.total()), (1, 1));
    // They are no feed by themselves.
    assert!(read_bytes(zipped(&[("README.md", "text"), ("broken.json", "{")])).is_err());
}

/// Names that lead out of an archive do no harm, since nothing is unpacked; they are told.
#[test]
fn names_that_lead_out_are_told() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let read = read_bytes(zipped(&[
        ("../../etc/x.json", &record),
        ("/abs.json", &osv("A-2", "")),
        ("C:\\y.json", &osv("A-3", "")),
    ]))
    .unwrap();
    assert_eq!((read.records.len(), read.taken[0].skips.of(Skip::Escapes)), (3, 3));
}

#[test]
fn a_directory_is_one_source_and_archives_in_it_are_their_own() {
    let room = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = room.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("advisories/8/A-1.json", osv("A-1", &package("AlmaLinux:8", "x", FIXED)).as_bytes());
    write("advisories/9/A-1.json", osv("A-1", &package("AlmaLinux:9", "x", FIXED)).as_bytes());
    write("advisories/broken.json", b"{\"id\": ");
    write("README.md", b"no feed");
    write(".git/x.json", b"not looked at");
    write("PyPI/all.zip", &zipped(&[("a.json", &osv("P-1", &package("PyPI", "x", FIXED)))]));
    let read = read(room.path()).unwrap();
    assert_eq!(read.records.len(), 3);
    let [directory, archive] = read.taken.as_slice() else { panic!("{:?}", read.taken) };
    assert_eq!((directory.records, directory.skips.of(Skip::Unreadable)), (2, 1));
    assert_eq!(directory.skips.broken()[0].0, "advisories/broken.json");
    assert_eq!((archive.name.as_str(), archive.records), ("PyPI/all.zip", 1));
    let empty = tempfile::tempdir().unwrap();
    assert!(super::tests::read(empty.path()).is_err());
}

#[test]
fn the_same_source_twice_is_read_once() {
    let room = tempfile::tempdir().unwrap();
    let paths = ["a.zip", "b.zip"].map(|name| room.path().join(name));
    for path in &paths {
        std::fs::write(path, zipped(&[("a.json", &osv("P-1", &package("PyPI", "x", FIXED)))])).unwrap();
    }
    let read = read_with(&paths, Room::default()).unwrap();
    assert_eq!((read.records.len(), read.taken[1].repeated), (1, true));
}

/// Pitfalls of OSV: ranges that are an object or null, a range of commits first, releases that are missing,
/// ecosystems that nobody knows, and bug fixes.
#[test]
fn records_of_osv_are_read_as_they_are_written() {
    let object = r#"{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "228-31.ph1"}]}"#;
    let (record, skips) = one(&osv("PHSA-1", &package("Photon OS:1.0", "systemd", object)));
    assert_eq!(record.affected[0].ranges[0].end, End::Fixed("228-31.ph1".to_owned()));
    assert_eq!(skips.total(), 0);
    let (record, skips) = one(&osv("P-1", &package("PyPI", "x", "null")));
    assert!(record.affected.is_empty() && skips.of(Skip::NoVersions) == 1);
    let git = r#"[{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                  {"type": "ECOSYSTEM", "events": [{"introduced": "1"}, {"fixed": "2"}]}]"#;
    let (record, _) = one(&osv("P-1", &package("PyPI", "x", git)));
    assert_eq!((record.affected[0].ranges.len(), record.affected[0].ranges[0].introduced.as_str()), (1, "1"));
    for (ecosystem, skip) in [
        ("Alpine", Skip::NoRelease),
        ("Debian", Skip::NoRelease),
        ("Android", Skip::Ecosystem),
        ("", Skip::Ecosystem),
    ] {
        let (record, skips) = one(&osv("X-1", &package(ecosystem, "x", FIXED)));
        assert!(record.affected.is_empty() && skips.of(skip) == 1, "{ecosystem}");
        assert_eq!(skips.ecosystems().len(), 1);
    }
    for id in ["ALBA-2024:1", "ALEA-2024:1", "RHBA-2024:1", "SUSE-RU-2024:1"] {
        let of = |fields: &str| one(&osv(id, &format!("{fields}{}", package("AlmaLinux:8", "x", FIXED))));
        for nothing in ["", r#", "related": ["RHBA-2024:1"]"#] {
            assert_eq!(of(nothing).1.of(Skip::NotSecurity), 1, "{id}");
        }
        // A bug fix that mends a CVE is one of security, whatever it is called.
        for field in ["aliases", "upstream", "related"] {
            let (record, skips) = of(&format!(r#", "{field}": ["CVE-2024-1"]"#));
            assert_eq!((record.affected.len(), skips.total()), (1, 0), "{id} {field}");
        }
    }
    let (record, skips) =
        one(&osv("A-1", &format!(r#", "withdrawn": "2024-01-01T00:00:00Z"{}"#, package("PyPI", "x", FIXED))));
    assert!(record.affected.is_empty() && skips.of(Skip::Withdrawn) == 1);
}

/// CVEs may stand in any of three fields, and other things too.
#[test]
fn names_are_told_apart_by_their_fields() {
    let fields = r#", "aliases": ["GHSA-1", "CVE-2024-1"], "upstream": ["CVE-2024-2"], "related": ["CVE-2024-3", "RHSA-1"]"#;
    let (record, _) = one(&osv("A-1", &format!("{fields}{}", package("PyPI", "x", FIXED))));
    assert_eq!(
        (record.aliases.len(), record.upstream, record.related),
        (2, vec!["CVE-2024-2".to_owned()], vec!["CVE-2024-3".to_owned()])
    );
}

#[test]
fn whose_severity_counts() {
    let said = |id: &str, fields: &str, of_package: &str| {
        let package = format!(
            r#", "affected": [{{"package": {{"ecosystem": "Ubuntu:22.04:LTS", "name": "x"}}, "ranges": {FIXED}{of_package}}}]"#
        );
        let (record, _) = one(&osv(id, &format!("{fields}{package}")));
        let own = record.affected[0].severity.clone();
        let told = own.unwrap_or(record.severity);
        format!("{} {}", told.level.name(), told.by)
    };
    let cvss =
        r#", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;
    for (id, fields, of_package, expected) in [
        ("UBUNTU-CVE-2024-1", r#", "severity": [{"type": "Ubuntu", "score": "low"}]"#, "", "low Ubuntu"),
        (
            "UBUNTU-CVE-2024-1",
            cvss,
            r#", "ecosystem_specific": {"ubuntu_priority": "medium"}"#,
            "medium Ubuntu",
        ),
        (
            "DEBIAN-CVE-2024-1",
            cvss,
            r#", "ecosystem_specific": {"urgency": "unimportant"}"#,
            "negligible Debian",
        ),
        (
            "DEBIAN-CVE-2024-1",
            cvss,
            r#", "ecosystem_specific": {"urgency": "not yet assigned"}"#,
            "critical CVSS 3.1",
        ),
        ("GHSA-1", r#", "database_specific": {"severity": "MODERATE"}"#, "", "medium GitHub"),
        ("ALSA-2024:1", r#", "summary": "Important: x security update""#, "", "high AlmaLinux"),
        ("MAL-2024-1", "", "", "critical malicious package"),
        ("GO-2024-1", "", "", "unknown "),
        (
            "A-1",
            cvss,
            r#", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]"#,
            "low CVSS 3.1",
        ),
        (
            "A-1",
            r#", "severity": [{"type": "CVSS_V3", "score": "broken"}], "database_specific": "odd""#,
            "",
            "unknown ",
        ),
    ] {
        assert_eq!(said(id, fields, of_package), expected, "{id} {fields} {of_package}");
    }
}

/// The stream stands in the summary, and counts for the packages of the module only.
#[test]
fn the_stream_of_a_module_is_in_the_summary_of_almalinux() {
    let modular =
        r#"[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1-1.module_el8.1+2"}]}]"#;
    let of = |summary: &str, ranges: &str| {
        let fields = format!(r#", "summary": "{summary}""#);
        one(&osv("ALSA-2024:1", &format!("{fields}{}", package("AlmaLinux:8", "x", ranges))))
            .0
            .affected
            .remove(0)
            .module
    };
    assert_eq!(of("Important: nodejs:18 security update", modular), "nodejs:18");
    assert_eq!(
        of("Moderate: virt:rhel and virt-devel:rhel security update", modular),
        "virt:rhel,virt-devel:rhel"
    );
    assert_eq!(of("Moderate: container-tools security update", modular), "");
    assert_eq!(of("Important: nodejs:18 security update", FIXED), "");
}

#[test]
fn binaries_of_suse_are_packages_of_their_own() {
    let package = format!(
        r#", "affected": [{{"package": {{"ecosystem": "openSUSE:Leap 15.5", "name": "openssl-3"}}, "ranges": {FIXED},
        "ecosystem_specific": {{"binaries": [{{"libopenssl3": "3.0.8-1", "openssl-3": "3.0.8-1"}}]}}}}]"#
    );
    let (record, _) = one(&osv("openSUSE-SU-2024:1", &package));
    let told: Vec<&str> =
        record.affected.iter().map(|affected: &Affected| affected.package.as_str()).collect();
    assert_eq!(told, ["libopenssl3", "openssl-3"]);
    assert!(record.affected.iter().all(|affected| affected.fix == Fix::AsRanges));
}

/// Ubuntu writes the key, too: once as names with versions, since schema 1.7 as objects. Both say what is built of the
/// source package, which is what is asked for.
#[test]
fn binaries_of_others_than_suse_are_passed_over() {
    for binaries in [
        r#"[{"libc6": "2.35-0ubuntu3.4", "libc-bin": "2.35-0ubuntu3.4"}]"#,
        r#"[{"binary_name": "libc6", "binary_version": "2.35-0ubuntu3.4"}]"#,
        r#"["libc6"]"#,
        r#"[["libc6"]]"#,
    ] {
        let package = format!(
            r#", "affected": [{{"package": {{"ecosystem": "Ubuntu:22.04:LTS", "name": "glibc"}}, "ranges": {FIXED},
            "ecosystem_specific": {{"binaries": {binaries}}}}}]"#
        );
        let (record, skips) = one(&osv("UBUNTU-CVE-2023-4911", &package));
        let [affected] = record.affected.as_slice() else { panic!("{binaries}: {record:?}") };
        assert_eq!((affected.package.as_str(), skips.total()), ("glibc", 0), "{binaries}");
        assert_eq!(affected.ranges[0].end, End::Fixed("2".to_owned()), "{binaries}");
    }
}

#[test]
fn notices_are_no_vulnerabilities() {
    let fields = format!(
        r#", "affected": [{{"package": {{"ecosystem": "crates.io", "name": "x"}}, "ranges": {FIXED},
        "database_specific": {{"informational": "unmaintained", "categories": []}}}}], "database_specific": {{"license": "CC0-1.0"}}"#
    );
    let read = read_bytes(osv("RUSTSEC-2024-0001", &fields)).unwrap();
    assert_eq!(read.records[0].2.informational, "unmaintained");
    assert_eq!(read.taken[0].licenses.iter().collect::<Vec<_>>(), ["CC0-1.0"]);
}

fn room(change: impl Fn(&mut Room)) -> Room {
    let mut room = Room::default();
    change(&mut room);
    room
}

fn refused(bytes: impl AsRef<[u8]>, room: Room) -> String {
    read_bytes_with(bytes, room).map(|read| read.taken).unwrap_err().to_string()
}

#[test]
fn a_feed_is_held_to_feed_file_bytes() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let size = record.len() as u64;
    let compressed = zstd::encode_all(record.as_bytes(), 1).unwrap();
    for bytes in [record.into_bytes(), compressed] {
        assert!(read_bytes_with(&bytes, room(|room| room.file = size)).is_ok());
        assert!(refused(&bytes, room(|room| room.file = size - 1)).contains("FEED_FILE_BYTES"));
    }
}

#[test]
fn a_document_is_held_to_feed_document_bytes() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let size = record.len() as u64;
    let mut archive = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_ustar();
    header.set_size(size);
    archive.append_data(&mut header, "a.json", record.as_bytes()).unwrap();
    for bytes in [zipped(&[("a.json", &record)]), archive.into_inner().unwrap()] {
        assert!(read_bytes_with(&bytes, room(|room| room.document = size)).is_ok());
        assert!(refused(&bytes, room(|room| room.document = size - 1)).contains("FEED_DOCUMENT_BYTES"));
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.json"), &record).unwrap();
    let paths = [directory.path().to_owned()];
    assert!(read_with(&paths, room(|room| room.document = size)).is_ok());
    let error = read_with(&paths, room(|room| room.document = size - 1)).map(|read| read.taken).unwrap_err();
    assert!(error.to_string().contains("FEED_DOCUMENT_BYTES"), "{error}");
}

/// What a small archive may become is bounded by what its directory says, and that is held to.
#[test]
fn an_archive_is_held_to_feed_unpacked_bytes() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let all = 2 * record.len() as u64;
    let mut archive = ::tar::Builder::new(Vec::new());
    for name in ["a.json", "b.json"] {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(record.len() as u64);
        archive.append_data(&mut header, name, record.as_bytes()).unwrap();
    }
    for bytes in [zipped(&[("a.json", &record), ("b.json", &record)]), archive.into_inner().unwrap()] {
        assert!(read_bytes_with(&bytes, room(|room| room.unpacked = all)).is_ok());
        assert!(refused(&bytes, room(|room| room.unpacked = all - 1)).contains("FEED_UNPACKED_BYTES"));
    }
    // A member that is larger than it says.
    let mut lying = zipped(&[("b.txt", ""), ("a.json", &record)]);
    let text = lying.clone();
    let central = text.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    lying[central + 24..central + 28].copy_from_slice(&10_u32.to_le_bytes());
    assert!(refused(&lying, Room::default()).contains("size or checksum differ"));
}

#[test]
fn a_feed_is_held_to_feed_documents() {
    let record = osv("A-1", &package("PyPI", "x", FIXED));
    let mut archive = ::tar::Builder::new(Vec::new());
    for name in ["a.json", "b.json"] {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(record.len() as u64);
        archive.append_data(&mut header, name, record.as_bytes()).unwrap();
    }
    for bytes in [zipped(&[("a.json", &record), ("b.json", &record)]), archive.into_inner().unwrap()] {
        assert!(read_bytes_with(&bytes, room(|room| room.documents = 2)).is_ok());
        assert!(refused(&bytes, room(|room| room.documents = 1)).contains("FEED_DOCUMENTS"));
    }
    let directory = tempfile::tempdir().unwrap();
    for name in ["a.json", "b.json"] {
        std::fs::write(directory.path().join(name), &record).unwrap();
    }
    let paths = [directory.path().to_owned()];
    assert!(read_with(&paths, room(|room| room.documents = 2)).is_ok());
    assert!(read_with(&paths, room(|room| room.documents = 1)).is_err());
}

#[test]
fn an_advisory_keeps_advisory_references_of_its_references() {
    let urls = |count: usize| {
        let urls: Vec<String> =
            (0..count).map(|number| format!(r#"{{"url": "https://example.com/{number}"}}"#)).collect();
        format!(r#", "references": [{}]{}"#, urls.join(","), package("PyPI", "x", FIXED))
    };
    let kept = |count: usize| one(&osv("A-1", &urls(count))).0.references.len();
    assert_eq!(kept(limits::ADVISORY_REFERENCES), limits::ADVISORY_REFERENCES);
    assert_eq!(kept(limits::ADVISORY_REFERENCES + 1), limits::ADVISORY_REFERENCES);
}

/// Records by other hands that are not quite what the schema says.
#[test]
fn odd_records_of_others_are_read() {
    let Some(files) = corpus::files("vulndata.tar.zst", &[".json"]) else { return };
    let mut read: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, bytes) in &files {
        let group = [
            "malformed/",
            "duplicate-ids/",
            "ghsa/testdata/",
            "osv-linter/testdata/",
            "redhat/testdata/OSV/",
        ]
        .into_iter()
        .find(|group| name.contains(group));
        let Some(group) = group.filter(|_| !name.contains("ghsa") || name.ends_with(".osv.json")) else {
            continue;
        };
        let told = read_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(told.taken[0].skips.of(Skip::Unreadable), 0, "{name}");
        *read.entry(group).or_default() += told.records.len();
    }
    println!("{read:?}");
    assert!(read["malformed/"] >= 12 && read["duplicate-ids/"] == 5, "{read:?}");
    let tracker = files.iter().find(|(name, _)| name.ends_with("debian_security_tracker_mock.json")).unwrap();
    assert!(read_bytes(tracker.1).unwrap().records.len() >= 3);
}

/// Documents of Red Hat by other hands.
#[test]
fn documents_of_red_hat_are_read() {
    let Some(files) = corpus::files(
        "corpus.tar.zst",
        &["cve-2023-4154.json", "cve-2023-38545.json", "csaf_vex_2023-10-31.tar.zst"],
    ) else {
        return;
    };
    for (name, bytes) in &files {
        let read = read_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read.taken[0].kinds.contains(&Kind::Csaf), "{name}");
        assert!(!read.records.is_empty(), "{name}");
    }
    let curl = files.iter().find(|(name, _)| name.ends_with("cve-2023-38545.json")).unwrap();
    let read = read_bytes(curl.1).unwrap();
    let fixed = read.records.iter().flat_map(|(_, _, record)| &record.affected);
    let fixed: Vec<String> = fixed
        .filter(|affected| affected.package == "libcurl" && affected.ecosystem.to_string() == "Red Hat:9")
        .map(|affected| format!("{:?}", affected.ranges[0].end))
        .collect();
    // RHSA-2023:5763 for 9.2, and 9.3 with its first packages.
    assert_eq!(fixed, ["Fixed(\"7.76.1-23.el9_2.4\")", "Fixed(\"7.76.1-26.el9_3.2\")"]);
}
