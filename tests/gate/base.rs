//! The catalog, and the proof that an image stands on a base of it.

use serde_json::Value;

use crate::harness::{Room, check_path, run, set, text};
use crate::support::{Compression, Image, Layer, clean_app, small_base, tar_members};

fn catalog_command(room: &Room, arguments: &[&str]) -> (i32, String, String) {
    let catalog = room.path("bases.json");
    let mut all = arguments.to_vec();
    all.extend(["--bases", catalog.to_str().unwrap()]);
    let output = run(&all);
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn add(room: &Room, image: &Image, name: &str, version: &str, tier: &str) -> (i32, String, String) {
    let file = room.write(&format!("{name}-{version}.tar"), image.oci_archive());
    let arguments = [
        "base",
        "add",
        file.to_str().unwrap(),
        "--name",
        name,
        "--version",
        version,
        "--tier",
        tier,
        "--at",
        "2026-01-02",
    ];
    catalog_command(room, &arguments)
}

fn custom_base() -> Image {
    small_base().layer(Layer::new().file("opt/java/release", "21"))
}

#[test]
fn the_lineage_is_told_from_official_to_custom() {
    let room = Room::new();
    assert_eq!(add(&room, &small_base(), "debian", "13", "official").0, 0);
    assert_eq!(add(&room, &custom_base(), "java", "1", "custom").0, 0);
    let app = room.write("app.tar", clean_app(&custom_base()).oci_archive());
    let checked = check_path(&app, Some(&room.path("bases.json")));
    assert_eq!(checked.exit, 0, "{:#}", checked.report);
    let base = &checked.report["images"][0]["base"];
    assert_eq!(base["status"], "verified");
    let lineage: Vec<_> = base["lineage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|base| (&base["name"], &base["tier"], &base["layers"]))
        .collect();
    assert_eq!(
        lineage,
        [(&"debian".into(), &"official".into(), &2.into()), (&"java".into(), &"custom".into(), &3.into())]
    );
    let origins: Vec<_> = checked.report["images"][0]["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["origin"].as_str().unwrap())
        .collect();
    assert_eq!(origins, ["base", "base", "base", "upper", "upper"]);
}

#[test]
fn a_recompressed_base_is_still_recognised() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    for compression in Compression::ALL {
        let app = clean_app(&small_base()).recompressed(compression);
        let app = room.write("app.tar", app.docker_archive_kaniko());
        let checked = check_path(&app, Some(&room.path("bases.json")));
        assert_eq!(
            (checked.exit, &checked.report["images"][0]["base"]["status"]),
            (0, &Value::from("verified")),
            "{compression:?}"
        );
    }
}

#[test]
fn claimed_diff_ids_over_other_bytes_are_caught() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let base = small_base();
    let claimed: Vec<Value> = base.diff_ids().into_iter().map(Value::from).collect();
    let forged = Image::new()
        .layer(Layer::new().file("usr/bin/sh", "evil"))
        .layer(Layer::new().file("usr/bin/ls", "evil"))
        .user("10001")
        .config_json(move |config| config["rootfs"]["diff_ids"] = claimed.clone().into());
    let path = room.write("forged.tar", forged.oci_archive());
    let checked = check_path(&path, Some(&room.path("bases.json")));
    assert_eq!(checked.failing(), set(["base-not-official", "diff-id-mismatch"]));
    assert_eq!(checked.report["images"][0]["base"]["status"], "missing");
}

#[test]
fn the_nearest_base_tells_where_the_chain_breaks() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let rebuilt = |image: Image| {
        let path = room.write("app.tar", image.user("10001").oci_archive());
        let checked = check_path(&path, Some(&room.path("bases.json")));
        assert_eq!((checked.exit, checked.outcome("base-not-official")), (1, "fail"));
        assert_eq!(checked.outcome("base-file-modified"), "not-evaluated");
        checked.report["images"][0]["base"]["nearest"].clone()
    };
    let first = small_base().layers().next().unwrap().clone();
    let other_second = rebuilt(Image::new().stored_layer(first).layer(Layer::new().file("x", "x")));
    assert_eq!(other_second["layersAgreed"], 1);
    assert_eq!(other_second["breaksAt"]["layer"], 1);
    let mut on_top = Image::new().layer(Layer::new().file("x", "x"));
    for layer in small_base().layers() {
        on_top = on_top.stored_layer(layer.clone());
    }
    assert_eq!(rebuilt(on_top)["foundAt"], 1);
    let foreign = rebuilt(Image::new().layer(Layer::new().file("x", "x")));
    assert_eq!(foreign, Value::Null);
}

#[test]
fn the_platform_must_be_the_base_s() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let app = clean_app(&small_base()).platform("linux", "arm64", "");
    let checked = check_path(&room.write("app.tar", app.oci_archive()), Some(&room.path("bases.json")));
    assert!(checked.failing().contains("base-not-official"));
    assert_eq!(checked.report["images"][0]["base"]["nearest"]["otherPlatform"], true);
}

#[test]
fn states_have_their_rules() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let app = room.write("app.tar", clean_app(&small_base()).oci_archive());
    let failing = || check_path(&app, Some(&room.path("bases.json"))).failing();
    assert_eq!(failing(), set([]));
    let (exit, _, told) = catalog_command(&room, &["base", "deprecate", "debian:13", "--reason", "old"]);
    assert_eq!(exit, 0, "{told}");
    assert_eq!(failing(), set(["base-deprecated"]));
    add(&room, &custom_base(), "debian", "13.1", "official");
    let (exit, _, told) = catalog_command(
        &room,
        &[
            "base",
            "revoke",
            "debian:13",
            "--reason",
            "CVE-2026-1",
            "--successor",
            "debian:13.1",
            "--at",
            "2026-03-04",
        ],
    );
    assert_eq!(exit, 0, "{told}");
    // A revoked base measures nothing, so what it brought is new.
    assert_eq!(failing(), set(["base-revoked", "setuid-file /usr/bin/su"]));
    let checked = check_path(&app, Some(&room.path("bases.json")));
    let finding = checked.finding("base-revoked");
    assert!(finding["message"].as_str().unwrap().contains("CVE-2026-1"));
    assert!(finding["remediation"].as_str().unwrap().contains("debian:13.1"));
    assert_eq!(finding["evidence"]["since"], "2026-03-04");
    let (exit, _, told) = catalog_command(&room, &["base", "deprecate", "debian:13", "--reason", "old"]);
    assert_eq!(exit, 2, "{told}");
}

/// What a base is revoked for is in its layers, wherever they lie and whatever the config says.
#[test]
fn a_revoked_base_is_found_wherever_its_layers_lie() {
    let java = || Layer::new().file("opt/java/release", "21");
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    add(&room, &small_base().layer(java()), "java", "21", "custom");
    let bases = room.path("bases.json");
    let told = |image: &Image| {
        let app = room.write("app.tar", clean_app(image).oci_archive());
        let checked = check_path(&app, Some(&bases));
        let of_base = |told: &String| told.starts_with("base-revoked") || told.starts_with("base-deprecated");
        checked.failing().into_iter().filter(of_base).collect::<Vec<_>>()
    };
    let carriers = [
        small_base().layer(java()),
        small_base().layer(Layer::new()).layer(java()),
        small_base().layer(Layer::new().file("a", "x")).layer(java()),
        small_base().layer(java()).platform("linux", "amd64", "v3"),
        small_base().layer(java()).platform("linux", "386", ""),
    ];
    let revoke = |verb: &str| {
        let (exit, _, told) = catalog_command(&room, &["base", verb, "java:21", "--reason", "leaked key"]);
        assert_eq!(exit, 0, "{told}");
    };
    for (verb, rule) in [("deprecate", "base-deprecated"), ("revoke", "base-revoked")] {
        assert_eq!(told(&small_base().layer(java())), Vec::<String>::new());
        revoke(verb);
        for (number, image) in carriers.iter().enumerate() {
            assert_eq!(told(image), [rule], "{verb}: image {number}");
        }
        assert_eq!(told(&small_base()), Vec::<String>::new());
        // Back to approved, by hand.
        let text = std::fs::read_to_string(&bases).unwrap();
        let state = if verb == "revoke" { "revoked" } else { "deprecated" };
        std::fs::write(&bases, text.replace(&format!("\"state\": \"{state}\""), "\"state\": \"approved\""))
            .unwrap();
    }
}

#[test]
fn a_custom_base_must_stand_on_an_official_one() {
    let room = Room::new();
    let (exit, _, told) = add(&room, &custom_base(), "java", "1", "custom");
    assert!(exit == 2 && told.contains("official base"), "{told}");
    assert!(!room.names().contains("bases.json"), "nothing is written when it fails");
}

#[test]
fn what_is_not_what_it_says_is_no_base() {
    let room = Room::new();
    let without_layers = Image::new();
    let lying = small_base().edit_layer(0, |layer| layer.diff_id = crate::support::digest(b"other"));
    for (image, words) in [(without_layers, "no layers"), (lying, "diffID")] {
        let (exit, _, told) = add(&room, &image, "bad", "1", "official");
        assert!(exit == 2 && told.contains(words), "{told}");
    }
    assert!(!room.names().contains("bases.json"));
}

#[test]
fn the_catalog_is_listed_and_shown() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let (exit, listed, _) = catalog_command(&room, &["base", "list"]);
    assert_eq!(exit, 0);
    assert!(listed.contains("debian:13  official  approved  linux/amd64"), "{listed}");
    let (exit, shown, _) = catalog_command(&room, &["base", "show", "debian:13"]);
    assert_eq!(exit, 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["chainId"], small_base().chain_ids()[1].as_str());
    assert_eq!(shown[0]["added"], "2026-01-02");
    assert_eq!(catalog_command(&room, &["base", "show", "nosuch"]).0, 2);
}

#[test]
fn adding_again_notes_new_stored_digests_and_other_layers_are_refused() {
    let room = Room::new();
    add(&room, &small_base(), "debian", "13", "official");
    let (exit, _, told) =
        add(&room, &small_base().recompressed(Compression::Zstd(3)), "debian", "13", "official");
    assert!(exit == 0 && told.contains("2 new stored digests"), "{told}");
    let (exit, _, told) = add(&room, &custom_base(), "debian", "13", "official");
    assert!(exit == 2 && told.contains("other layers"), "{told}");
}

#[test]
fn without_a_catalog_the_base_rules_are_not_evaluated() {
    let app = clean_app(&small_base());
    let checked = crate::harness::check_bytes(app.oci_archive());
    assert_eq!(checked.outcome("base-not-official"), "not-evaluated");
    assert_eq!(checked.report["images"][0]["base"]["status"], "not-evaluated");
    assert_eq!(checked.exit, 1, "its own setuid program is new, since there is no base to measure against");
}

#[test]
fn the_base_image_profile_demands_neither_base_nor_user() {
    let room = Room::new();
    let path = room.write("base.tar", small_base().oci_archive());
    let checked = crate::harness::check_with(&path, None, &["--profile", "base-image"]);
    assert_eq!(checked.exit, 0, "{:#}", checked.report);
    assert_eq!(checked.finding("setuid-file")["severity"], "info");
}

#[test]
fn catalogs_changed_at_once_lose_nothing() {
    let room = Room::new();
    let file = room.write("base.tar", small_base().oci_archive());
    let catalog = room.path("bases.json");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (file, catalog) = (file.to_str().unwrap(), catalog.to_str().unwrap());
            scope.spawn(move || {
                let name = format!("base{number}");
                let output =
                    run(&["base", "add", file, "--name", &name, "--version", "1", "--bases", catalog]);
                assert!(output.status.success(), "{}", text(&output.stderr));
            });
        }
    });
    let (_, listed, _) = catalog_command(&room, &["base", "list"]);
    assert_eq!(listed.lines().count(), 9, "{listed}");
}

#[test]
fn an_output_never_overwrites_what_is_read() {
    let room = Room::new();
    let image = room.write("image.json", clean_app(&small_base()).oci_archive());
    let output = run(&[image.to_str().unwrap(), "-o", image.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read(&image).unwrap(), clean_app(&small_base()).oci_archive());
    let layout = room.path("layout");
    for directory in ["layout", "layout/blobs", "layout/blobs/sha256"] {
        std::fs::create_dir(room.path(directory)).unwrap();
    }
    for (name, bytes) in tar_members(&clean_app(&small_base()).oci_archive()) {
        if !name.ends_with('/') {
            std::fs::write(layout.join(name), bytes).unwrap();
        }
    }
    let index = std::fs::read(layout.join("index.json")).unwrap();
    for name in ["layout/index.json", "layout/new.json", "layout/blobs/sha256/new.json"] {
        let output = room.path(name);
        let output = run(&[layout.to_str().unwrap(), "-o", output.to_str().unwrap()]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains("inside an image"), "{name}: {told}");
    }
    assert_eq!(std::fs::read(layout.join("index.json")).unwrap(), index);
    assert!(!layout.join("new.json").exists());
}

#[test]
fn an_ambiguous_image_is_no_base_and_a_revoked_one_no_ground() {
    let room = Room::new();
    let ambiguous = small_base().layer(Layer::new().file("bin/ls", "through a symlink"));
    let (exit, _, told) = add(&room, &ambiguous, "bad", "1", "official");
    assert!(exit == 2 && told.contains("not fit to be a base"), "{told}");
    add(&room, &small_base(), "debian", "13", "official");
    catalog_command(&room, &["base", "revoke", "debian:13", "--reason", "x"]);
    let (exit, _, told) = add(&room, &custom_base(), "java", "1", "custom");
    assert!(exit == 2 && told.contains("official base"), "{told}");
    for (name, version) in [("", "1"), ("a", ""), ("a b", "1"), ("a", "1:2")] {
        assert_eq!(add(&room, &small_base(), name, version, "official").0, 2, "{name:?} {version:?}");
    }
    let own = ["base", "deprecate", "debian:13", "--reason", "x", "--successor", "debian:13"];
    assert_eq!(catalog_command(&room, &own).0, 2);
}

#[test]
fn of_bases_equally_near_the_highest_version_is_told() {
    let room = Room::new();
    for (version, content) in [("9", "nine"), ("12", "twelve")] {
        add(&room, &small_base().layer(Layer::new().file("v", content)), "debian", version, "official");
    }
    let app = room.write("app.tar", small_base().user("1").oci_archive());
    let checked = check_path(&app, Some(&room.path("bases.json")));
    assert_eq!(checked.report["images"][0]["base"]["nearest"]["version"], "12");
}

/// All that the layers of an image hold, as one layer.
fn squashed(layer: Layer) -> Image {
    Image::new().layer(layer).user("10001")
}

#[test]
fn a_squashed_base_is_recognised_by_its_content() {
    let room = Room::new();
    let files = |layer: Layer, changed: usize| {
        (0..20).fold(layer, |layer, number| {
            let content = if number < changed { "other".to_owned() } else { format!("content {number}") };
            layer.file(format!("usr/lib/lib{number}"), content)
        })
    };
    let base = Image::new().layer(files(Layer::new(), 0)).layer(Layer::new().whiteout("usr/lib/lib0"));
    let base = base.layer(Layer::new().file("usr/lib/empty", "").symlink("usr/lib/link", "lib1"));
    add(&room, &base, "debian", "13", "official");
    let check = |layer: Layer| {
        let path = room.write("app.tar", squashed(layer).oci_archive());
        let checked = check_path(&path, Some(&room.path("bases.json")));
        assert_eq!(checked.failing(), set(["base-not-official"]));
        let message = checked.finding("base-not-official")["message"].as_str().unwrap().to_owned();
        (checked.report["images"][0]["base"]["nearest"].clone(), message)
    };
    let (near, message) = check(files(Layer::new().file("app", "x"), 3));
    assert_eq!((&near["name"], &near["layersAgreed"]), (&"debian".into(), &0.into()));
    // Of 20 files one is deleted in the base itself, and empty ones and links do not count.
    assert_eq!(near["content"], serde_json::json!({"files": 19, "equal": 17}));
    assert!(message.contains("17 of the 19 files of debian:13"), "{message}");
    assert_eq!(check(files(Layer::new(), 12)).0, Value::Null);
    // Without the facts files nobody knows what the base's files hold.
    std::fs::remove_dir_all(room.path("bases.facts")).unwrap();
    assert_eq!(check(files(Layer::new().file("app", "x"), 0)).0, Value::Null);
}
