//! The cache of layers: the same layers a second time are hashed and not unpacked, and nothing else
//! changes, whatever is in the cache's directory.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use ocicheck::cache::{Cache, CacheSettings};
use ocicheck::digest::{BlobDigests, Digest};
use ocicheck::scan::LayerFacts;
use serde_json::Value;

use crate::harness::{Checked, Room, command};
use crate::support::{Compression, Image, Layer, Layout, Zip, clean_app, digest, random_tree, small_base};

pub(crate) const SECRET: &str = "a secret of CI, 32 characters or more";

/// A check with the room's cache.
pub(crate) fn cached(room: &Room, arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(arguments).args(["--format", "json"]).stdin(Stdio::null());
    command.arg("--cache").arg(room.path("cache"));
    command
}

pub(crate) fn check(command: &mut Command) -> Checked {
    Checked::of(&command.output().unwrap())
}

/// The names of the entries.
pub(crate) fn entries(room: &Room) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(room.path("cache")) else { return Vec::new() };
    let files = files.map(|file| file.unwrap().path());
    let mut entries: Vec<_> =
        files.filter(|path| path.file_name().unwrap().to_str().unwrap().contains(".v")).collect();
    entries.sort();
    entries
}

pub(crate) fn set_age(path: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// Checks without a cache, with an empty one and with a full one, and demands that all say the same;
/// how many entries there are in the end, each of which served.
pub(crate) fn thrice(room: &Room, arguments: &[&str]) -> (Checked, usize) {
    let _ = fs::remove_dir_all(room.path("cache"));
    let plain = check(command().args(arguments).args(["--format", "json"]).stdin(Stdio::null()));
    let cold = check(&mut cached(room, arguments));
    let first = entries(room);
    first.iter().for_each(|entry| set_age(entry, 2));
    let inodes = |entries: &[PathBuf]| -> Vec<u64> {
        entries.iter().map(|entry| fs::metadata(entry).unwrap().ino()).collect()
    };
    let before = inodes(&first);
    let warm = check(&mut cached(room, arguments));
    for (told, what) in [(&cold, "cold"), (&warm, "warm")] {
        assert_eq!(told.without_run(), plain.without_run(), "{what}: {arguments:?}");
        assert_eq!((told.exit, told.stderr.as_str()), (plain.exit, plain.stderr.as_str()), "{what}");
    }
    assert_eq!((entries(room), inodes(&first)), (first.clone(), before), "nothing is written twice");
    assert!(first.iter().all(|entry| is_fresh(entry)), "{arguments:?}: not all entries were used");
    (plain, first.len())
}

/// Whether an entry was written or used in the last hour.
pub(crate) fn is_fresh(entry: &Path) -> bool {
    let modified = fs::metadata(entry).unwrap().modified().unwrap();
    SystemTime::now().duration_since(modified).unwrap() < Duration::from_secs(3600)
}

/// The image with each layer made large enough for an entry; the same layers become the same.
pub(crate) fn filled(image: &Image) -> Image {
    (0..image.layers().count()).fold(image.clone(), |image, index| {
        image.edit_layer(index, |stored| {
            let bytes = random_tree(index as u64 + 1, 1, 60_000).tar();
            let mut tar = Layer::new().file(format!("srv/{index}"), bytes).no_end_marker().tar();
            tar.extend(&stored.tar);
            stored.blob = stored.compression.compress(&tar);
            stored.diff_id = digest(&tar);
            stored.tar = tar;
        })
    })
}

pub(crate) fn app() -> Image {
    filled(&clean_app(&small_base()))
}

/// An image, and a catalog with its base, as arguments.
fn on_base(room: &Room, base: &Image, archive: &[u8]) -> Vec<String> {
    let catalog = room.catalog(&[base]);
    let path = room.write("app.tar", archive);
    ["--bases", catalog.to_str().unwrap(), path.to_str().unwrap()].map(str::to_owned).into()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn reports_are_the_same_with_and_without_a_cache() {
    let room = Room::new();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let expected = fs::read_to_string(testdata.join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    let catalog = testdata.join("bases.json");
    let mut entries = 0;
    for image in &expected {
        let path = testdata.join(image["path"].as_str().unwrap());
        let mut arguments = vec![path.to_str().unwrap()];
        arguments.extend(image["args"].as_array().into_iter().flatten().filter_map(Value::as_str));
        if image["bases"].as_bool().unwrap() {
            arguments.extend(["--bases", catalog.to_str().unwrap()]);
        }
        entries += thrice(&room, &arguments).1;
    }
    assert!(entries > expected.len(), "only {entries} entries for {} images", expected.len());
}

/// An image that is wrong in many ways, none of which hinders its layers from being read whole.
pub(crate) fn rich() -> Image {
    let secret = ["ghp", "0123456789abcdefghijABCDEFGHIJ012345"].join("_");
    clean_app(&small_base())
        .layer(Layer::new().file("usr/bin/ls", "other").whiteout("usr/bin/sh").opaque("opt/gone"))
        .layer(Layer::new().file("bin/through-a-link", "x").file_mode("usr/bin/su", "x", 0o6755))
        .layer(Layer::new().file("srv/passwd", "root::0:0::/:/bin/sh\n").symlink("etc/passwd", "/srv/passwd"))
        .layer(Layer::new().file("opt/token", &secret).file("opt/a.jar", Zip::jar(["a/B.class"]).bytes()))
        .layer(Layer::new().whiteout("opt/token").file(b"opt/\xff\x1b".as_slice(), "x").file("dup", "1"))
        .user("root")
}

#[test]
fn every_form_is_known_again() {
    let room = Room::new();
    let rich = filled(&rich());
    let count = rich.layers().count();
    let twice =
        rich.clone().layer(Layer::new().raw(random_tree(9, 20, 3_000).tar()).file("a", "").file("a", ""));
    let mut archives = vec![
        (rich.oci_archive(), count),
        (rich.docker_archive_hybrid(), count),
        (rich.docker_archive_kaniko(), count),
        (Layout::new().image(&rich).image(&app()).archive(), count),
        // A layer with an anomaly is read each time.
        (twice.oci_archive(), count),
    ];
    archives.extend(Compression::ALL.map(|codec| {
        // What is in skippable frames is an anomaly, too.
        let is_told = matches!(codec, Compression::ZstdFrames { skippable: true, .. });
        (rich.clone().recompressed(codec).oci_archive(), if is_told { 0 } else { count })
    }));
    for (number, (archive, count)) in archives.iter().enumerate() {
        let arguments = on_base(&room, &filled(&small_base()), archive);
        fs::remove_dir_all(room.path("bases.facts")).unwrap();
        let (checked, entries) = thrice(&room, &strs(&arguments));
        assert_eq!(entries, *count, "archive {number}");
        assert!(checked.failing().len() > 5, "{:?}", checked.failing());
    }
    // Layers of which the catalog has facts files need no entries.
    let arguments = on_base(&room, &filled(&small_base()), &archives[0].0);
    assert_eq!(thrice(&room, &strs(&arguments)).1, count - 2);
}

/// Entries that say of `junk` what reading the app's third layer yields. Only whoever has the key can make
/// them; then junk that is unpacked would be found to be no layer.
#[test]
fn a_known_layer_is_hashed_and_not_unpacked() {
    let room = Room::new();
    let junk = vec![b'j'; 20_000];
    let tar = app().layers().nth(2).unwrap().tar.clone();
    let scanned =
        ocicheck::scan::scan_layer(&ocicheck::read::Section::of_bytes(tar), &Default::default(), &());
    let blob = BlobDigests { sha256: Digest::sha256(&junk), sha512: None, size: junk.len() as u64 };
    let layer = LayerFacts { blob, ..scanned.unwrap() };
    let captured = ["etc/passwd"].map(|path| {
        let entries = &layer.tar.as_ref().unwrap().entries;
        let index = entries.iter().position(|entry| entry.path.as_bytes() == path.as_bytes()).unwrap();
        (index, clean_passwd().into())
    });
    let settings = CacheSettings {
        directory: room.path("cache"),
        bytes: 1 << 30,
        key: Some(SECRET.as_bytes().to_vec()),
    };
    Cache::open(&settings).unwrap().keep(&layer, &captured.into());
    let lying = app().edit_layer(2, |layer| {
        layer.blob = junk.clone();
        layer.media_type = Some(Compression::None.oci_layer_type().into());
    });
    let arguments = on_base(&room, &filled(&small_base()), &lying.oci_archive());
    let arguments = strs(&arguments);
    let known = check(cached(&room, &arguments).env("OCICHECK_CACHE_KEY", SECRET));
    assert_eq!((known.exit, known.stderr.as_str()), (0, ""), "{:?}", known.failing());
    // Under another key, or other bytes under the same declared digest, it is what it is.
    let read = check(cached(&room, &arguments).env("OCICHECK_CACHE_KEY", SECRET.to_uppercase()));
    assert!(read.failing().contains("layer-unsupported"), "{:?}", read.failing());
    assert!(read.stderr.contains("its MAC is not that of this layer and key"), "{}", read.stderr);
    Cache::open(&settings).unwrap().keep(&layer, &Default::default());
    let other = Layout::new().image(&lying).replace_blob(&digest(&junk), vec![b'k'; 20_000]).archive();
    let other = room.write("other.tar", other);
    let read = check(cached(&room, &[other.to_str().unwrap()]).env("OCICHECK_CACHE_KEY", SECRET));
    assert!(read.failing().contains("layer-unsupported") && read.failing().contains("digest-mismatch"));
}

fn clean_passwd() -> Vec<u8> {
    let mut archive = tar::Archive::new(std::io::Cursor::new(app().layers().nth(2).unwrap().tar.clone()));
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap() == Path::new("etc/passwd")).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut entry, &mut bytes).unwrap();
    bytes
}

/// A policy that looks into archives wants more of the same layers, and limits may allow more or less.
#[test]
fn another_policy_gets_what_it_wants() {
    let room = Room::new();
    let agent = Zip::jar(["org/agent/Main.class"]).bytes();
    let image = clean_app(&small_base())
        .layer(Layer::new().file("opt/lib.jar", agent).file("etc/sudoers", vec![b'#'; 3_000]))
        .layer(Layer::new().file("opt/x", "x"));
    let image = filled(&image);
    let path = room.write("app.tar", image.oci_archive());
    let mut policies = vec![String::new()];
    policies.push("[services.a]\ninside = [\"**/org/agent/**\"]\n[environments.prod]\n".into());
    policies.extend(
        ["captured_file_bytes = 2000", "layer_bytes = 30000"].map(|limit| format!("[limits]\n{limit}\n")),
    );
    let policies: Vec<_> = policies
        .iter()
        .enumerate()
        .map(|(number, policy)| room.write(&format!("{number}.toml"), policy))
        .collect();
    let mut verdicts = Vec::new();
    for policy in policies.iter().cycle().take(9).chain(policies.iter().rev()) {
        let mut arguments = vec![path.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
        if policy.ends_with("1.toml") {
            arguments.extend(["--env", "prod"]);
        }
        let plain = check(command().args(&arguments).args(["--format", "json"]).stdin(Stdio::null()));
        let told = check(&mut cached(&room, &arguments));
        assert_eq!((told.exit, told.without_run()), (plain.exit, plain.without_run()), "{policy:?}");
        assert_eq!(told.stderr, plain.stderr, "{policy:?}");
        verdicts.push((told.exit, told.failing().len()));
    }
    let kinds: std::collections::BTreeSet<_> = verdicts.iter().collect();
    assert!(kinds.len() >= 3, "the policies differ: {verdicts:?}");
    for profile in ["standard", "custom", "base-image"] {
        thrice(&room, &[path.to_str().unwrap(), "--profile", profile]);
    }
}

/// How often files may lead to further ones does not depend on whether they were read before.
#[test]
fn the_second_read_goes_as_far_as_without() {
    let room = Room::new();
    for length in 2..7 {
        let chain = (0..length)
            .fold(Layer::new().file("etc/sudoers", "@include /opt/0\n"), |layer, number| {
                layer.file(format!("opt/{number}"), format!("@include {}\n", number + 1))
            });
        let chain = chain.file(format!("opt/{length}"), "app ALL=(ALL) NOPASSWD: ALL\n");
        let more =
            Layer::new().symlink("etc/sudoers", "/srv/sudoers").file("srv/sudoers", "@include /opt/1\n");
        let image = clean_app(&small_base()).layer(chain);
        let deeper = filled(&image.clone().layer(more));
        let (path, deeper) = (
            room.write("app.tar", filled(&image).oci_archive()),
            room.write("deeper.tar", deeper.oci_archive()),
        );
        let (checked, _) = thrice(&room, &[path.to_str().unwrap()]);
        let (outcome, evaluated) = (checked.outcome("sudo-nopasswd"), length < 4);
        assert_eq!(outcome, if evaluated { "fail" } else { "not-evaluated" }, "{length}");
        // Another image on the same layer, of which more is known now.
        let arguments = [deeper.to_str().unwrap()];
        let plain = check(command().args(arguments).args(["--format", "json"]).stdin(Stdio::null()));
        for _ in 0..2 {
            assert_eq!(check(&mut cached(&room, &arguments)).without_run(), plain.without_run(), "{length}");
        }
        thrice(&room, &[path.to_str().unwrap(), deeper.to_str().unwrap()]);
    }
}

#[test]
fn standard_input_is_cached_too() {
    let room = Room::new();
    let archive = app().docker_archive_hybrid();
    let run = || {
        let mut command = cached(&room, &["-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&archive).unwrap();
        Checked::of(&child.wait_with_output().unwrap())
    };
    let cold = run();
    assert_eq!(entries(&room).len(), app().layers().count());
    entries(&room).iter().for_each(|entry| set_age(entry, 2));
    assert_eq!(run().without_run(), cold.without_run());
    assert!(entries(&room).iter().all(|entry| is_fresh(entry)), "each was used");
}
