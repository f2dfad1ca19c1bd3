//! `ocicheck inspect`: what a person uses to believe a finding.

use serde_json::Value;

use crate::harness::{Room, run, text};
use crate::support::{Entry, Image, Layer, clean_app, small_base};

fn inspect(image: &Image, arguments: &[&str]) -> (i32, String) {
    let room = Room::new();
    let path = room.write("image.tar", image.oci_archive());
    let output = run(&[&["inspect", path.to_str().unwrap()], arguments].concat());
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

fn json(image: &Image, arguments: &[&str]) -> Value {
    let (exit, shown) = inspect(image, &[arguments, &["--format", "json"]].concat());
    assert_eq!(exit, 0, "{shown}");
    serde_json::from_str::<Value>(&shown).unwrap()["images"][0].clone()
}

#[test]
fn an_image_is_shown_with_its_layers_and_build_steps() {
    let image = clean_app(&small_base());
    let shown = json(&image, &[]);
    assert_eq!(shown["manifestDigest"], image.manifest_digest());
    assert_eq!(shown["layers"][3]["createdBy"], "COPY run /app/run");
    assert_eq!(shown["layers"][1]["chainId"], image.chain_ids()[1].as_str());
    assert_eq!(shown["config"]["effectiveUid"], 10001);
    let (_, shown) = inspect(&image, &["--format", "text"]);
    assert!(shown.contains("COPY run /app/run") && shown.contains("\"10001\", uid 10001"), "{shown}");
}

#[test]
fn the_tree_tells_which_layer_put_each_path_there() {
    let image = clean_app(&small_base())
        .layer(Layer::new().whiteout("usr/bin/sh").file("opt/a", "x").hardlink("opt/b", "opt/a"))
        .layer(Layer::new().entry(Entry::file("opt/c\n\\", "y").xattr("user.k", b"v")));
    let shown = json(&image, &["--tree"]);
    let readings = shown["readings"].as_array().unwrap();
    assert_eq!((readings.len(), readings[0]["runtimes"].as_array().unwrap().len()), (1, 3));
    let tree = readings[0]["tree"].as_array().unwrap();
    let node = |path: &str| tree.iter().find(|node| node["path"] == path);
    assert_eq!(
        node("/usr/bin/su").map(|node| (&node["mode"], &node["layer"])),
        Some((&"4755".into(), &0.into()))
    );
    assert_eq!(node("/app/run").map(|node| &node["layer"]), Some(&3.into()));
    assert_eq!(
        node("/bin").map(|node| (&node["type"], &node["target"])),
        Some((&"symlink".into(), &"usr/bin".into()))
    );
    assert_eq!(node("/opt/a").map(|node| &node["hardLinkTo"]), Some(&Value::Null));
    assert_eq!(node("/opt/b").map(|node| &node["hardLinkTo"]), Some(&"/opt/a".into()));
    assert_eq!(node("/opt/c\\x0a\\\\").map(|node| &node["xattrs"]["user.k"]), Some(&"76".into()));
    assert_eq!(node("/usr/bin/sh"), None);
    let paths: Vec<_> = tree.iter().map(|node| node["path"].as_str().unwrap()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn each_reading_of_an_ambiguous_image_is_shown() {
    let image = clean_app(&small_base()).layer(Layer::new().file("bin/ls", "through a symlink"));
    let shown = json(&image, &["--tree"]);
    assert_eq!(shown["readings"].as_array().unwrap().len(), 2);
    assert_eq!(shown["anomalies"][0]["rule"], "ambiguous-entry");
    let (_, shown) = inspect(&image, &["--tree", "--format", "text"]);
    assert!(shown.contains("# as read by vfs, umoci") && shown.contains("# as read by overlay"), "{shown}");
}

#[test]
fn a_layer_is_shown_as_it_is() {
    let image = Image::new().layer(Layer::new().file("./a/../b", "x").whiteout("c").hardlink("d", "b"));
    let entries = json(&image, &["--layer", "0"])["entries"].clone();
    assert_eq!(entries[0]["path"], "/b");
    assert_eq!(entries[0]["rawPath"], "./a/../b");
    assert_eq!(entries[1]["path"], "/.wh.c");
    assert_eq!((&entries[2]["type"], &entries[2]["target"]), (&"hard-link".into(), &"/b".into()));
    let (exit, told) = inspect(&image, &["--layer", "1"]);
    assert!(exit == 2 && told.contains("has 1 layers"), "{told}");
}
