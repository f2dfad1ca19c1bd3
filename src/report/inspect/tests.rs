//! The inspection held to its published schema, and the text as people see it.

use serde_json::Value;

use super::super::contract::Contract;
use super::super::fixture;
use super::*;
use crate::digest::Digest;
use crate::model::ImagePath;
use crate::rootfs::Readings;
use crate::scan::facts::TarFacts;
use crate::scan::{Entry, EntryKind, ExtraFields, Extras};

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry {
        path: ImagePath::new(path),
        kind,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        content: [0; 32],
        elf: None,
        extras: Extras::default(),
    }
}

fn extras(fill: impl FnOnce(&mut ExtraFields)) -> Extras {
    Extras::default().with(fill)
}

fn link(path: &str, kind: EntryKind, target: &str) -> Entry {
    Entry { extras: extras(|extras| extras.link = target.as_bytes().into()), ..entry(path, kind) }
}

/// One of each kind, with all that an entry can have.
fn of_each_kind() -> Vec<Entry> {
    let xattrs = vec![(b"user.\xff".as_slice().into(), b"\x00v".as_slice().into())];
    let device = |path, kind| Entry { extras: extras(|extras| extras.device = (7, 1)), ..entry(path, kind) };
    vec![
        Entry {
            mode: 0o4755,
            extras: extras(|extras| {
                extras.raw_path = Some(b"./x/../a".as_slice().into());
                extras.xattrs = xattrs;
            }),
            ..entry("a", EntryKind::File)
        },
        Entry { mtime: -1, uid: 1 << 40, ..entry("d", EntryKind::Directory) },
        link("l", EntryKind::Symlink, "../a"),
        device("char", EntryKind::CharDevice),
        device("block", EntryKind::BlockDevice),
        entry("fifo", EntryKind::Fifo),
        Entry { mode: 0o4755, ..link("d/b", EntryKind::HardLink, "a") },
    ]
}

fn rootfs(layers: &[&[Entry]]) -> Rootfs {
    rootfs_on(0, layers)
}

/// The lowest `base_layers` are the base's.
fn rootfs_on(base_layers: usize, layers: &[&[Entry]]) -> Rootfs {
    let tar = |entries: &&[Entry]| TarFacts {
        diff_id: Digest::sha256(b""),
        diff_id_sha512: None,
        size: 0,
        entries: entries.to_vec(),
        captured: Default::default(),
        not_captured: Default::default(),
        beside: Default::default(),
        secrets: Default::default(),
        archives: None,
        components: None,
    };
    let layers: Vec<_> = layers.iter().map(tar).collect();
    Readings::build(&layers.iter().enumerate().collect::<Vec<_>>(), base_layers).unwrap()
}

/// vfs and umoci read one tree, overlay another.
fn read_in_two_ways() -> Rootfs {
    rootfs(&[
        &[entry("usr/bin/ls", EntryKind::File), link("bin", EntryKind::Symlink, "usr/bin")],
        &[entry("bin/ls", EntryKind::File)],
    ])
}

/// vfs and umoci read different trees, and overlay refuses.
fn refused() -> Rootfs {
    rootfs(&[
        &[entry("a", EntryKind::File)],
        &[Entry { mode: 0o4755, ..link("b", EntryKind::HardLink, "a") }],
    ])
}

fn shown<'a>(rootfs: &'a Rootfs, wanted: Wanted) -> InspectedImage<'a> {
    InspectedImage {
        identity: fixture::full_identity(),
        contents: fixture::full_contents(),
        anomalies: rootfs.anomalies.iter().map(anomaly_report).collect(),
        unread: None,
        readings: Some(readings(rootfs, 1, wanted)),
        refusals: Some(refusals(rootfs)),
        entries: None,
        inventory: None,
    }
}

fn unread() -> InspectedImage<'static> {
    InspectedImage {
        identity: fixture::sparse_identity(),
        contents: ImageContents {
            base: fixture::unasked_base("layer 1 could not be read"),
            ..fixture::sparse_contents()
        },
        anomalies: vec![AnomalyReport {
            rule: "layer-count-mismatch",
            layer: None,
            path: None,
            message: "3 layers, and 2 diffIDs".into(),
        }],
        unread: Some("layer 1 could not be read".into()),
        readings: None,
        refusals: None,
        entries: None,
        inventory: None,
    }
}

fn inspection(images: Vec<InspectedImage<'_>>) -> Inspection<'_> {
    let note = Note { source: "app.tar".into(), message: "an attestation was left out".into() };
    let mut inspection = Inspection::new(images, vec![fixture::error()], vec![note]);
    inspection.tool.version = "0.1.0";
    inspection
}

fn as_json(inspection: &Inspection<'_>) -> Value {
    let mut text = Vec::new();
    crate::report::json::write_inspection(inspection, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn as_text(images: Vec<InspectedImage<'_>>) -> String {
    let mut text = Vec::new();
    text::write(&Inspection::new(images, Vec::new(), Vec::new()), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn contract() -> Contract {
    Contract::new(include_str!("../../../docs/inspect.schema.json"), &["xattrs", "labels"])
}

#[test]
fn the_schema_sees_whatever_is_wrong_with_an_inspection() {
    let (plain, two_ways, refused) = (rootfs(&[&of_each_kind()]), read_in_two_ways(), refused());
    let entries = of_each_kind();
    let mut near = shown(&plain, Wanted::Image);
    near.contents.base = fixture::missing_base();
    let whole = inspection(vec![
        shown(&plain, Wanted::Tree),
        shown(&two_ways, Wanted::Tree),
        shown(&refused, Wanted::Tree),
        InspectedImage { entries: Some(LayerListing::of(&entries)), ..near },
    ]);
    contract().assert_sees_all(&as_json(&whole));
}

#[test]
fn every_inspection_keeps_to_the_schema() {
    let plain = rootfs(&[&of_each_kind()]);
    let nothing = InspectedImage { entries: Some(LayerListing::of(&[])), ..shown(&plain, Wanted::Layer(0)) };
    for images in [vec![], vec![unread()], vec![shown(&plain, Wanted::Image)], vec![nothing]] {
        assert_eq!(contract().objections(&as_json(&inspection(images))), Vec::<String>::new());
    }
    assert_eq!(SCHEMA_VERSION, contract().schema()["properties"]["schemaVersion"]["const"]);
}

#[test]
fn every_property_is_described() {
    contract().assert_described();
}

/// Each schema stands alone, so that whoever validates needs one file; what both describe they must
/// describe alike.
#[test]
fn what_report_and_inspection_share_is_described_alike() {
    let report = Contract::new(include_str!("../../../docs/report.schema.json"), &[]);
    let inspection = contract();
    let (report, inspection) = (&report.schema()["$defs"], &inspection.schema()["$defs"]);
    let mut shared = 0;
    for (name, definition) in inspection.as_object().unwrap().iter().filter(|(name, _)| *name != "image") {
        if let Some(other) = report.get(name) {
            assert_eq!(definition, other, "{name}");
            shared += 1;
        }
    }
    for (name, property) in inspection["image"]["properties"].as_object().unwrap() {
        if let Some(other) = report["image"]["properties"].get(name) {
            assert_eq!(property, other, "{name}");
            shared += 1;
        }
    }
    assert!(shared > 20, "{shared}");
}

#[test]
fn an_ambiguous_tree_says_why_and_where_readings_differ() {
    let rootfs = read_in_two_ways();
    assert_eq!(
        as_text(vec![shown(&rootfs, Wanted::Tree)]),
        "\
# runtimes read these entries differently, and make other trees of them:
#   layer 1: /bin/ls: lies behind the symlink /bin of a lower layer: vfs drivers and umoci follow it, overlay drivers put a directory in its place
# as read by vfs and umoci:
directory    0755         0:0          0 -              0  base   /
symlink      0644         0:0          0 -              0  base   /bin -> usr/bin
directory    0755         0:0          0 -              0  base   /usr
directory    0755         0:0          0 -              0  base   /usr/bin
file         0644         0:0          0 000000000000   1  upper  /usr/bin/ls

# as read by overlay, where that differs (- vfs and umoci, + overlay):
- symlink      0644         0:0          0 -              0  base   /bin -> usr/bin
+ directory    0755         0:0          0 -              1  upper  /bin
+ file         0644         0:0          0 000000000000   1  upper  /bin/ls
"
    );
}

#[test]
fn an_image_that_a_runtime_refuses_says_so() {
    let rootfs = refused();
    let mut image = shown(&rootfs, Wanted::Tree);
    image.contents.base = fixture::missing_base();
    assert_eq!(
        as_text(vec![image]),
        "\
# runtimes read these entries differently, and make other trees of them:
#   layer 1: /b: is a hard link to a file that its own layer does not hold: vfs drivers and containerd set its mode and owner on that file, umoci does not, overlay drivers refuse
# overlay would not unpack it: layer 1: /b: its target is not in its own layer when it comes
# as read by vfs:
directory    0755         0:0          0 -              0  /
file         4755         0:0          0 000000000000   0  /a
file         4755         0:0          0 000000000000   1  /b  (same file as /a)

# as read by umoci, where that differs (- vfs, + umoci):
- file         4755         0:0          0 000000000000   0  /a
+ file         0644         0:0          0 000000000000   0  /a
- file         4755         0:0          0 000000000000   1  /b  (same file as /a)
+ file         0644         0:0          0 000000000000   1  /b  (same file as /a)
"
    );
}

#[test]
fn an_image_tells_what_it_stands_on_and_how_it_is_read() {
    let rootfs = read_in_two_ways();
    let text = as_text(vec![shown(&rootfs, Wanted::Image)]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "app.tar: oci-archive, linux/amd64/v3");
    for line in [
        "  base      debian-base:12 (official) → java-base:12 (custom) → b:12 (custom, deprecated) → b:12 (custom, revoked) → application",
        "     2  upper  COPY app.jar /app.jar",
        "  read      by vfs and umoci, otherwise by overlay (--tree shows how)",
        "  ambiguous-entry",
    ] {
        assert!(lines.contains(&line), "{line:?} in {text}");
    }
}

#[test]
fn each_of_several_listed_images_bears_its_name() {
    let (one, other) = (rootfs(&[&[]]), rootfs(&[&[entry("x", EntryKind::File)]]));
    let mut second = shown(&other, Wanted::Tree);
    second.identity.names = vec!["other:1".into()];
    let text = as_text(vec![shown(&one, Wanted::Tree), second]);
    let heads: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(heads, ["# example.com/shop/app:1.4, linux/amd64/v3", "# other:1, linux/amd64/v3"]);
}

#[test]
fn a_flood_of_anomalies_or_a_long_attribute_does_not_fill_the_screen() {
    let value = vec![0xab; 1 << 20].into_boxed_slice();
    let long = extras(|extras| extras.xattrs = vec![(b"user.x".as_slice().into(), value)]);
    let entries = [Entry { extras: long, ..entry("a", EntryKind::File) }];
    let plain = rootfs(&[&entries]);
    let anomaly = AnomalyReport {
        rule: "duplicate-entry",
        layer: Some(0),
        path: Some("/a".into()),
        message: "the path comes twice".into(),
    };
    let flooded = InspectedImage { anomalies: vec![anomaly; 1_000], ..shown(&plain, Wanted::Image) };
    let text = as_text(vec![flooded, shown(&plain, Wanted::Tree)]);
    assert!(text.contains("        and 980 more (--format json has all)\n"), "{text}");
    assert!(text.contains("abab… (1048576 bytes)\n"), "{text}");
    assert!(text.len() < 10_000, "{}", text.len());
}

#[test]
fn nothing_in_an_image_steers_the_terminal() {
    let hostile = "\u{1b}[2J\u{202e}\n";
    let entries = [link(hostile, EntryKind::Symlink, hostile)];
    let rootfs = rootfs(&[&entries]);
    let spoilt = |wanted| {
        let mut image = shown(&rootfs, wanted);
        let (identity, contents) = (&mut image.identity, &mut image.contents);
        identity.names = vec![hostile.into()];
        identity.source = hostile.into();
        contents.base.lineage[0].name = hostile.into();
        contents.config.user = Some(hostile.into());
        contents.config.env = vec![hostile.into()];
        contents.layers[0].created_by = Some(hostile.into());
        image.refusals = Some(vec![Refusal { runtime: "vfs".into(), reason: hostile.into() }]);
        image
    };
    let mut unread = unread();
    unread.unread = Some(hostile.into());
    let listed = InspectedImage { entries: Some(LayerListing::of(&entries)), ..spoilt(Wanted::Image) };
    let text = as_text(vec![spoilt(Wanted::Image), spoilt(Wanted::Tree), listed, unread]);
    assert!(text.chars().all(|char| char == '\n' || !(char.is_control() || char == '\u{202e}')), "{text:?}");
    assert!(text.contains("/\\x1b[2J\\xe2\\x80\\xae\\x0a -> \\x1b[2J"), "{text}");
}

/// The base's layers can be read in ways that upper layers hide.
#[test]
fn readings_that_show_the_same_tree_are_told_once() {
    let lower: &[Entry] = &[link("bin", EntryKind::Symlink, "usr/bin")];
    let through: &[Entry] = &[entry("bin/ls", EntryKind::File)];
    let hide: &[Entry] = &[entry(".wh.bin", EntryKind::File), entry(".wh.usr", EntryKind::File)];
    let rootfs = rootfs_on(2, &[lower, through, hide]);
    assert_eq!(rootfs.readings.len(), 2);
    let told = readings(&rootfs, 2, Wanted::Tree);
    assert_eq!(told.iter().map(|reading| reading.runtimes.len()).collect::<Vec<_>>(), [3]);
}
