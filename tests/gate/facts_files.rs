//! Facts files: a catalogued base layer is hashed and not unpacked, and nothing else changes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Checked, Room, check_path, run, set, text};
use crate::support::{Compression, Image, Layer, Layout, StoredLayer, clean_app, small_base};

/// Adds `image` to the room's catalog as `name:1`; what was told.
fn add(room: &Room, image: &Image, name: &str, more: &[&str]) -> String {
    let file = room.write("base.tar", image.oci_archive());
    let catalog = room.path("bases.json");
    let mut arguments = vec!["base", "add", file.to_str().unwrap(), "--name", name, "--version", "1"];
    arguments.extend(["--at", "2026-01-02", "--bases", catalog.to_str().unwrap()]);
    arguments.extend(more);
    let output = run(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}

fn catalog(room: &Room) -> Value {
    serde_json::from_slice(&fs::read(room.path("bases.json")).unwrap()).unwrap()
}

/// The facts files, sorted by name.
fn files(room: &Room) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(room.path("bases.facts")) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn check(room: &Room, archive: &[u8]) -> Checked {
    check_path(&room.write("app.tar", archive), Some(&room.path("bases.json")))
}

/// Checks with the facts files, and again without.
fn both(room: &Room, archive: &[u8]) -> (Checked, Checked) {
    let with = check(room, archive);
    fs::rename(room.path("bases.facts"), room.path("away")).unwrap();
    let without = check(room, archive);
    fs::rename(room.path("away"), room.path("bases.facts")).unwrap();
    (with, without)
}

/// A base with something for each rule that looks at one, and an application that touches it all.
fn rich() -> (Image, Image) {
    let base = small_base().layer(
        Layer::new()
            .dir("usr/lib/", 0o755)
            .file("usr/lib/passwd", crate::support::PASSWD)
            .symlink("etc/passwd.link", "../usr/lib/passwd")
            .hardlink("usr/bin/su2", "usr/lib/passwd")
            .symlink("etc/group.link", "group")
            .file_mode(b"opt/\xff\x1b".as_slice(), "x", 0o2755)
            .file("opt/gone/a", "a")
            .file("opt/gone/b", "b"),
    );
    let app = clean_app(&base)
        .layer(Layer::new().file("usr/bin/ls", "other").whiteout("usr/bin/sh").opaque("opt/gone"))
        .layer(Layer::new().file("bin/through-a-link", "x").file_mode("usr/bin/su", "x", 0o6755))
        .layer(Layer::new().file("etc/passwd", "root::0:0::/:/bin/sh\n").hardlink("opt/hard", "usr/bin/su"))
        .user("root");
    (base, app)
}

#[test]
fn reports_are_the_same_with_and_without_facts_files() {
    let room = Room::new();
    let (base, app) = rich();
    add(&room, &base, "rich", &[]);
    assert_eq!(files(&room).len(), 3);
    let other_platform = clean_app(&base).platform("linux", "arm64", "");
    let mut archives = vec![
        app.oci_archive(),
        app.docker_archive_hybrid(),
        app.docker_archive_kaniko(),
        app.docker_archive_repositories_only(),
        Layout::new().image(&app).image(&clean_app(&base)).image(&other_platform).archive(),
        clean_app(&base).oci_archive(),
        clean_app(&base).config_json(|config| config["rootfs"]["diff_ids"] = Value::Null).oci_archive(),
        clean_app(&base).edit_layer(2, |layer| layer.media_type = Some("text/plain".into())).oci_archive(),
    ];
    // A config may name diffIDs by SHA-512, of which no facts file knows.
    let by_sha512 = |image: &Image| {
        let tars: Vec<_> = image.layers().map(|layer| layer.tar.clone()).collect();
        let sha512 = |tar: &Vec<u8>| {
            let like = ocicheck::digest::Digest::Sha512([0; 64]);
            Value::from(ocicheck::digest::Digest::compute_like(&like, tar).to_string())
        };
        let diff_ids: Vec<_> = tars.iter().map(sha512).collect();
        image.clone().config_json(move |config| config["rootfs"]["diff_ids"] = diff_ids.clone().into())
    };
    archives.push(by_sha512(&clean_app(&base)).oci_archive());
    archives.extend(Compression::ALL.map(|codec| app.clone().recompressed(codec).oci_archive()));
    for (number, archive) in archives.iter().enumerate() {
        let (with, without) = both(&room, archive);
        assert_eq!(with.without_run(), without.without_run(), "archive {number}");
        assert_eq!(with.exit, without.exit);
    }
    assert_eq!(check(&room, &by_sha512(&clean_app(&base)).oci_archive()).exit, 0);
    let (with, _) = both(&room, &app.oci_archive());
    assert!(with.failing().len() > 5, "{:?}", with.failing());
}

/// A base's catalog entry made to say that `junk` is how its second layer is stored. Then only the
/// catalog's word stands for it: were it unpacked, it would be found to be no layer.
fn vouch_for_junk(room: &Room, junk: &[u8]) {
    let mut catalog = catalog(room);
    let digests = &mut catalog["bases"][0]["layers"][1]["blobDigests"];
    digests.as_array_mut().unwrap().push(crate::support::digest(junk).into());
    room.write("bases.json", catalog.to_string());
}

#[test]
fn a_known_base_layer_is_hashed_and_not_unpacked() {
    let junk = b"this is no tar at all, and certainly not a layer";
    let room = Room::new();
    add(&room, &small_base(), "debian", &[]);
    vouch_for_junk(&room, junk);
    let app = clean_app(&small_base()).edit_layer(1, |layer| {
        layer.blob = junk.to_vec();
        layer.media_type = Some(Compression::None.oci_layer_type().into());
    });
    let (with, without) = both(&room, &app.oci_archive());
    assert_eq!((with.exit, with.failing()), (0, set([])), "{:#}", with.report);
    assert_eq!(with.report["images"][0]["base"]["status"], "verified");
    assert!(without.failing().contains("layer-unsupported"), "{:?}", without.failing());
    // Other bytes under the same declared digest are not believed.
    let lying = Layout::new().image(&app).replace_blob(&crate::support::digest(junk), b"other").archive();
    let checked = check(&room, &lying);
    assert!(checked.failing().contains("layer-unsupported"), "{:?}", checked.failing());
    assert!(checked.failing().contains("digest-mismatch"), "{:?}", checked.failing());
}

#[test]
fn a_declared_digest_is_only_a_hint() {
    let room = Room::new();
    add(&room, &small_base(), "debian", &[]);
    let other = StoredLayer::new(&Layer::new().file("evil", "x"), "RUN x", Compression::Gzip(6));
    let app = clean_app(&small_base());
    let declared = app.layers().nth(1).unwrap().digest.clone();
    let lying = Layout::new().image(&app).replace_blob(&declared, other.blob).archive();
    let (with, without) = both(&room, &lying);
    // Only the facts files know what the base's files hold.
    assert!(!with.report["images"][0]["base"]["nearest"]["content"].is_null());
    assert!(without.report["images"][0]["base"]["nearest"]["content"].is_null());
    assert_eq!((with.exit, with.failing()), (without.exit, without.failing()));
    assert!(with.failing().contains("digest-mismatch") && with.failing().contains("base-not-official"));
}

#[test]
fn a_spoilt_file_is_told_and_the_layer_read() {
    let room = Room::new();
    add(&room, &small_base(), "debian", &[]);
    let app = clean_app(&small_base()).oci_archive();
    let sound = check(&room, &app);
    assert_eq!(sound.report["notes"], Value::Array(Vec::new()));
    for file in files(&room) {
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let checked = check(&room, &app);
    assert_eq!((checked.exit, &checked.report["images"]), (0, &sound.report["images"]));
    let notes = checked.report["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 2, "{notes:#?}");
    assert!(notes.iter().all(|note| note["message"].as_str().unwrap().contains("is not used: it does not")));
    // Adding the base again mends them.
    add(&room, &small_base(), "debian", &[]);
    assert_eq!(check(&room, &app).without_run(), sound.without_run());
}

#[test]
fn the_catalog_names_its_facts_files() {
    let room = Room::new();
    add(&room, &small_base(), "plain", &["--no-facts"]);
    assert!(files(&room).is_empty() && catalog(&room)["bases"][0]["layers"][0].get("facts").is_none());
    let told = add(&room, &small_base(), "plain", &[]);
    assert!(told.contains("2 new facts files noted"), "{told}");
    let (first, before) = (files(&room), catalog(&room));
    let named: Vec<String> = (before["bases"][0]["layers"].as_array().unwrap().iter())
        .map(|layer| layer["facts"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned())
        .collect();
    for file in &first {
        let bytes = fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(crate::support::sha256_hex(&bytes), name);
        assert!(named.iter().any(|named| named == name));
    }
    let shown = run(&["base", "show", "plain:1", "--bases", room.path("bases.json").to_str().unwrap()]);
    assert!(text(&shown.stdout).contains(&format!("\"facts\": \"sha256:{}\"", named[0])));

    // The same again, however compressed, writes nothing; nor does --no-facts forget.
    let written = |file: &PathBuf| fs::metadata(file).unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(written).collect();
    add(&room, &small_base().recompressed(Compression::Zstd(3)), "plain", &[]);
    add(&room, &small_base(), "plain", &["--no-facts"]);
    assert_eq!((files(&room), first.iter().map(written).collect::<Vec<_>>()), (first.clone(), times));
    assert_eq!(catalog(&room)["bases"][0]["layers"][1]["facts"], before["bases"][0]["layers"][1]["facts"]);

    // A base on it shares them.
    add(&room, &small_base().layer(Layer::new().file("opt/x", "x")), "custom", &["--tier", "custom"]);
    assert_eq!(files(&room).len(), 3);
}

/// The catalog's directory comes with git, and git carries links.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_facts_file_is_replaced_and_not_followed() {
    let room = Room::new();
    add(&room, &small_base(), "debian", &[]);
    let facts = files(&room);
    let (victim, kept) = (room.write("victim", "precious"), fs::read(&facts[0]).unwrap());
    fs::remove_file(&facts[0]).unwrap();
    std::os::unix::fs::symlink(&victim, &facts[0]).unwrap();
    add(&room, &small_base(), "debian", &[]);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(fs::symlink_metadata(&facts[0]).unwrap().is_file());
    assert_eq!(fs::read(&facts[0]).unwrap(), kept);
}
