//! `ocicheck inspect`: what a person uses to believe a finding.

use serde_json::Value;

use crate::harness::{Room, SMALL_CATALOG, assert_valid, run, text};
use crate::support::{Entry, Image, Layer, Layout, clean_app, small_base};

fn inspect(image: &Image, arguments: &[&str]) -> (i32, String) {
    let (exit, stdout, stderr) = inspect_archive(image.oci_archive(), arguments);
    (exit, stdout + &stderr)
}

/// Exit status, standard output, standard error.
fn inspect_archive(archive: Vec<u8>, arguments: &[&str]) -> (i32, String, String) {
    let room = Room::new();
    let path = room.write("image.tar", archive);
    let output = run(&[&["inspect", path.to_str().unwrap()], arguments].concat());
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The whole inspection as JSON, held to its schema.
fn inspection(archive: Vec<u8>, arguments: &[&str]) -> (i32, Value) {
    let (exit, stdout, _) = inspect_archive(archive, &[arguments, &["--format", "json"]].concat());
    let inspection: Value = serde_json::from_str(&stdout).unwrap();
    assert_valid("inspect.schema.json", &inspection);
    (exit, inspection)
}

fn json(image: &Image, arguments: &[&str]) -> Value {
    let (exit, inspection) = inspection(image.oci_archive(), arguments);
    assert_eq!(exit, 0, "{inspection:#}");
    inspection["images"][0].clone()
}

fn ambiguous() -> Image {
    clean_app(&small_base()).layer(Layer::new().file("bin/ls", "through a symlink"))
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
    assert_eq!(node("/opt/a").map(|node| &node["sameFileAs"]), Some(&Value::Null));
    assert_eq!(node("/opt/b").map(|node| &node["sameFileAs"]), Some(&"/opt/a".into()));
    assert_eq!(node("/opt/c\\x0a\\\\").map(|node| &node["xattrs"]["user.k"]), Some(&"76".into()));
    assert_eq!(node("/usr/bin/sh"), None);
    let paths: Vec<_> = tree.iter().map(|node| node["path"].as_str().unwrap()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn each_reading_of_an_ambiguous_image_is_shown() {
    let image = ambiguous();
    let shown = json(&image, &["--tree"]);
    assert_eq!(shown["readings"].as_array().unwrap().len(), 2);
    assert_eq!(shown["anomalies"][0]["rule"], "ambiguous-entry");
    let (_, shown) = inspect(&image, &["--tree", "--format", "text"]);
    assert!(shown.contains("# as read by vfs and umoci:\n"), "{shown}");
    assert!(shown.contains("\n# as read by overlay, where that differs"), "{shown}");
    assert_eq!(shown.matches("/app/run").count(), 1, "what all read alike is shown once: {shown}");
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

#[test]
fn every_inspection_is_valid_by_the_published_schema() {
    let image = clean_app(&small_base());
    let refused = ambiguous().layer(Layer::new().hardlink("etc/link", "app/run"));
    let kinds = Image::new().layer(
        Layer::new()
            .entry(Entry::file("./a/../\u{1b}", "x").xattr("user.\u{1b}", b"\xff").mtime(15))
            .entry(Entry::char_device("c", 1, 3))
            .entry(Entry::block_device("b", 7, 0))
            .entry(Entry::fifo("f"))
            .hardlink("h", "\u{1b}")
            .symlink("s", "h"),
    );
    for (archive, images) in [
        (image.oci_archive(), 1),
        (image.docker_archive_repositories_only(), 1),
        (ambiguous().docker_archive_hybrid(), 1),
        (refused.oci_archive(), 1),
        (kinds.oci_archive(), 1),
        (Layout::new().image(&image).image(&ambiguous()).archive(), 2),
        (Layout::new().image(&image).drop_blob(&image.layer_blobs()[0].0).archive(), 1),
        (b"no image".to_vec(), 0),
    ] {
        for arguments in [&[][..], &["--tree"], &["--layer", "0"]] {
            let (_, inspection) = inspection(archive.clone(), arguments);
            assert_eq!(inspection["images"].as_array().unwrap().len(), images);
        }
    }
}

#[test]
fn with_a_catalog_layers_and_paths_say_whose_they_are() {
    let image = clean_app(&small_base());
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let bases = ["--tree", "--bases", catalog.to_str().unwrap()];
    let shown = json(&image, &bases);
    assert_eq!(shown["base"]["lineage"][0]["name"], "base0");
    let origins = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["origin"].as_str().unwrap().to_owned()).collect()
    };
    let layers = origins(&shown["layers"]);
    let base_layers = small_base().layers().count();
    assert_eq!(layers.iter().filter(|origin| *origin == "base").count(), base_layers, "{layers:?}");
    for node in shown["readings"][0]["tree"].as_array().unwrap() {
        assert_eq!(node["origin"], layers[node["layer"].as_u64().unwrap() as usize].as_str(), "{node}");
    }
    let (_, shown) = inspect(&image, &[&bases[..], &["--format", "text"]].concat());
    let line = |path: &str| shown.lines().find(|line| line.ends_with(path)).unwrap().to_owned();
    assert!(line("/usr/bin/su").contains(" base ") && line("/app/run").contains(" upper "), "{shown}");
    assert_eq!(json(&image, &[])["base"]["status"], "not-evaluated");
}

#[test]
fn a_layer_that_could_not_be_read_is_not_shown_as_empty() {
    let image = clean_app(&small_base());
    let broken = Layout::new().image(&image).drop_blob(&image.layer_blobs()[1].0).archive();
    for arguments in [&[][..], &["--tree"], &["--layer", "1"]] {
        let (exit, inspection) = inspection(broken.clone(), arguments);
        let shown = &inspection["images"][0];
        assert_eq!((exit, &shown["unread"]), (2, &"layer 1 could not be read".into()));
        assert_eq!((&shown["readings"], &shown["entries"]), (&Value::Null, &Value::Null));
        let (exit, stdout, stderr) =
            inspect_archive(broken.clone(), &[arguments, &["--format", "text"]].concat());
        assert!(exit == 2 && stderr.contains("layer 1 could not be read"), "{stderr}");
        assert!(stdout.contains("blob-missing"), "{stdout}");
    }
    let (_, inspection) = inspection(broken, &["--layer", "0"]);
    assert!(!inspection["images"][0]["entries"].as_array().unwrap().is_empty(), "the others are shown");
}

/// The page shows what the program really prints.
#[test]
fn the_page_shows_real_output() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/inspect.md")).unwrap();
    let shown = page.split_once("```text\n").unwrap().1.split_once("```").unwrap().0;
    let image = Image::new()
        .layer(Layer::new().symlink("bin", "usr/bin").file_mode("usr/bin/ls", "low", 0o755))
        .layer(Layer::new().file_mode("bin/ls", "through", 0o755));
    let (_, printed, _) = inspect_archive(image.oci_archive(), &["--tree", "--format", "text"]);
    assert_eq!(printed, shown, "docs/inspect.md is out of step");
}
