//! Package databases, images and os-release files by other hands, where they are at hand: what is told of each is what the
//! list that came with it says, or its own package manager.
//!
//! `databases.tsv` has a row for each file: where it lies in the image that is made of it (`layer` where it is a layer, `deb`
//! where it is a package to be unpacked, `header` where it is one package of an rpm database), the file (`!` before a part of a txtar archive), who told its packages, how many
//! those are, how many gaps there are, the packages, those that are told beyond them, and why. `images.tsv` has one for each
//! image: path, architecture, who told its packages, the distribution, how many, and which. A list of more than five is
//! the SHA-256 of its lines; dpkg-query, where there is one, and a second reader of apk's lines tell what is different.

mod lists;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::corpus::candidates;
use crate::foreign::files_that;
use crate::harness::{Room, run};
use crate::support::{Image, Layer, StoredLayer, rpm_database_of};
use lists::{Files, Told, content, unpacked};

const DATABASES: &str = include_str!("databases.tsv");
const IMAGES: &str = include_str!("images.tsv");

/// Of the images that are made of databases.
const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\n";

/// The cells of each row of a table, as many as are asked for.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    })
}

/// The files of the corpus that a test wants; `None` where there is none.
fn corpus(wanted: impl Fn(&str) -> bool) -> Option<Files> {
    files_that("corpus.tar.zst", wanted)
}

/// What is told of each image in a file, by its architecture; null of one that could not be read.
fn inventories(path: &Path) -> Vec<(String, Value)> {
    let output = run(&["inspect", path.to_str().unwrap(), "--packages", "--format", "json"]);
    let inspection: Value = serde_json::from_slice(&output.stdout).unwrap();
    let images = inspection["images"].as_array().unwrap().iter();
    images
        .map(|image| {
            let architecture = image["platform"]["architecture"].as_str().unwrap_or_default();
            assert_eq!(image["inventory"].is_null(), image["unread"].is_string(), "{image:#}");
            (architecture.to_owned(), image["inventory"].clone())
        })
        .collect()
}

/// What is told of an image that the builder made.
fn inventory_of(image: &Image) -> Value {
    let room = Room::new();
    let path = room.write("image.tar", image.oci_archive());
    inventories(&path).remove(0).1
}

/// A layer that was stored by others.
fn layer_of(tar: &[u8]) -> StoredLayer {
    StoredLayer::opaque(unpacked(tar), "application/vnd.oci.image.layer.v1.tar", "")
}

/// An image with a file at its place.
fn image_with(place: &str, file: Vec<u8>) -> Image {
    let image = Image::new();
    match place {
        "layer" => image.stored_layer(layer_of(&file)),
        "deb" => image.stored_layer(layer_of(&lists::deb_content(&file))),
        "header" => image.layer(Layer::new().file("var/lib/rpm/Packages.db", rpm_database_of([file]))),
        _ => image.layer(Layer::new().file("etc/os-release", OS_RELEASE).file(place, file)),
    }
}

#[test]
fn databases_by_other_hands_hold_the_packages_of_their_lists() {
    let named: BTreeSet<&str> = rows(DATABASES).map(|[_, file]| file.split('!').next().unwrap()).collect();
    let golden = "_extracted/sle15-bci.expected.tsv";
    let Some(files) = corpus(|name| named.contains(name) || name.ends_with(golden)) else { return };
    let (mut packages, mut wrong) = (0, Vec::new());
    for [place, file, by, count, gaps, list, more, why] in rows(DATABASES) {
        let bytes = content(&files, file);
        let theirs = lists::read_otherwise(place, by, &bytes);
        let inventory = inventory_of(&image_with(place, bytes));
        let told = Told::of(&inventory);
        let more: Vec<&str> = more.split("; ").filter(|line| !line.is_empty()).collect();
        let found = inventory["gaps"].as_array().unwrap().len();
        if let Err(difference) = told.without(&more).holds(count.parse().unwrap(), list, theirs.as_deref()) {
            wrong.push(format!("{file}, as {by} tells it ({why}): {difference}"));
        }
        if found != gaps.parse::<usize>().unwrap() {
            wrong.push(format!("{file}: {found} gaps and not {gaps}: {:#}", inventory["gaps"]));
        }
        if !["layer", "deb", "header"].contains(&place) {
            told.purls.iter().for_each(|purl| lists::hold_purl(purl, place));
        }
        packages += told.lines.len();
    }
    println!("{packages} packages of {} databases were compared", DATABASES.lines().count());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // The one list of many packages that is in the corpus itself.
    let (_, sle) = files.iter().find(|(name, _)| name.ends_with(golden)).unwrap();
    let digest = lists::digest_of(&lists::tsv(sle));
    assert!(DATABASES.contains(&digest), "{digest}");
}

#[test]
fn images_by_other_hands_hold_the_packages_of_their_lists() {
    let Some((room, candidates)) = candidates() else { return };
    let mut expected: BTreeMap<(String, String), [&str; 4]> = rows(IMAGES)
        .map(|[path, architecture, by, distribution, count, list]| {
            ((path.to_owned(), architecture.to_owned()), [by, distribution, count, list])
        })
        .collect();
    let (mut empty, mut unread) = (0, 0);
    for path in candidates {
        let name = path.strip_prefix(room.path()).unwrap().to_str().unwrap().to_owned();
        for (architecture, inventory) in inventories(&path) {
            if inventory.is_null() {
                unread += 1;
                continue;
            }
            let told = Told::of(&inventory);
            let Some(row) = expected.remove(&(name.clone(), architecture.clone())) else {
                assert_eq!((told.lines, &inventory["gaps"]), (Vec::new(), &Value::Array(vec![])), "{name}");
                empty += 1;
                continue;
            };
            let [by, distribution, count, list] = row;
            let held = told.holds(count.parse().unwrap(), list, None);
            assert_eq!(held, Ok(()), "{name} {architecture}, as {by} tells it");
            let os = &inventory["distribution"];
            let os = format!("{} {}", os["id"].as_str().unwrap(), os["version"].as_str().unwrap());
            assert_eq!((os.as_str(), &inventory["gaps"]), (distribution, &Value::Array(vec![])), "{name}");
        }
    }
    println!(
        "{} images have the packages of their lists, {empty} have none, {unread} could not be read",
        IMAGES.lines().count()
    );
    assert!(expected.is_empty(), "not found: {expected:?}");
    assert!(empty >= 50, "{empty}, {unread}");
}

/// The list is of an older build of that image, in which four packages had other versions.
#[test]
fn an_image_has_what_trivy_tells_of_its_older_build() {
    let image = "pkg/fanal/test/testdata/alpine-310.tar.gz";
    let golden = "goldens/packages/alpine-310.json.golden";
    let Some(files) = corpus(|name| name.ends_with(image) || name.ends_with(golden)) else { return };
    let file = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).unwrap().1;
    let room = Room::new();
    let path = room.write("image.tar.gz", file(image));
    let ours: BTreeSet<String> = Told::of(&inventories(&path)[0].1).lines.into_iter().collect();
    let theirs: BTreeSet<String> = lists::golden(file(golden)).into_iter().collect();
    let only: Vec<_> = ours.difference(&theirs).map(String::as_str).collect();
    assert_eq!(
        only,
        [
            "busybox 1.30.1-r3 x86_64 busybox@1.30.1-r3",
            "libcrypto1.1 1.1.1d-r2 x86_64 openssl@1.1.1d-r2",
            "libssl1.1 1.1.1d-r2 x86_64 openssl@1.1.1d-r2",
            "ssl_client 1.30.1-r3 x86_64 busybox@1.30.1-r3",
        ]
    );
    let without_versions = |line: &String| {
        let [name, _, architecture, source, _] = line.split([' ', '@']).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        [name, architecture, source].map(str::to_owned)
    };
    let of = |lines: &BTreeSet<String>| lines.iter().map(without_versions).collect::<Vec<_>>();
    assert_eq!((of(&ours), ours.len()), (of(&theirs), 14));
}

#[test]
fn distributions_by_other_hands_are_what_their_lists_say() {
    let claircore = |name: &str| name.starts_with("quay+claircore/");
    let Some(files) = corpus(|name| {
        claircore(name)
            && (name.contains("/osrelease/") || name.ends_with("/want") || name.ends_with("os-release"))
    }) else {
        return;
    };
    let told = |os_release: &[u8]| {
        inventory_of(&Image::new().layer(Layer::new().file("etc/os-release", os_release)))["distribution"]
            .clone()
    };
    let mut compared = 0;
    for (name, file) in &files {
        let parts: Vec<&str> = name.split('/').collect();
        if name.contains("/osrelease/") {
            let parsed: Value = serde_json::from_slice(&content(&files, &format!("{name}!Parsed"))).unwrap();
            let os = told(&content(&files, &format!("{name}!os-release")));
            for (ours, theirs) in [
                ("id", "ID"),
                ("version", "VERSION_ID"),
                ("codename", "VERSION_CODENAME"),
                ("name", "PRETTY_NAME"),
            ] {
                let theirs = parsed[theirs].as_str().filter(|value| !value.is_empty());
                assert_eq!(os[ours].as_str(), theirs, "{name}: {ours}");
            }
        } else if let [_, "alpine", _, release, "want"] = parts[..] {
            let os = told(&files[&name.replace("/want", "/etc/os-release")]);
            let want: Value = serde_json::from_slice(file).unwrap();
            assert_eq!((&os["id"], &os["name"]), (&want[0]["did"], &want[0]["pretty_name"]), "{name}");
            let version = os["version"].as_str().unwrap();
            assert!(release == "edge" || version.starts_with(&format!("{release}.")), "{name}: {version}");
        } else if let [_, id @ ("debian" | "ubuntu"), _, _, release, "etc", "os-release"] = parts[..] {
            let os = told(file);
            // Debian's lies among those of Ubuntu, as one that is none of them.
            let id = if release == "11" { "debian" } else { id };
            assert_eq!((os["id"].as_str(), os["version"].as_str()), (Some(id), Some(release)), "{name}");
        } else {
            continue;
        }
        compared += 1;
    }
    println!("{compared} os-release files were compared");
    assert!(compared >= 60, "{compared}");
}
