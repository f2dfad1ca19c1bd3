//! An image that is not what it says, or that two readers read differently.

use serde_json::{Value, json};

use crate::harness::{Checked, check_bytes, check_child, set};
use crate::support::{
    Compression, DockerForm, Entry, Image, Layer, Layout, StoredLayer, clean_app, files_to_tar, small_base,
    tar_members,
};

fn app() -> Image {
    Image::new().layer(Layer::new().file("app", "one")).layer(Layer::new().file("lib", "two")).user("1000")
}

/// The rules that say something, but for how the image had better be made.
fn rules(checked: &Checked) -> std::collections::BTreeSet<String> {
    let rules = checked.findings().into_iter().map(|finding| finding["rule"].as_str().unwrap());
    rules.filter(|rule| !["healthcheck-missing", "tag-latest"].contains(rule)).map(str::to_owned).collect()
}

#[test]
fn a_sound_image_has_no_finding() {
    let checked = check_bytes(app().oci_archive());
    assert_eq!((checked.exit, rules(&checked)), (0, set([])), "{:#}", checked.report);
}

#[test]
fn bytes_that_are_not_their_digest_are_found() {
    let image = app();
    let layer = image.layer_blobs()[0].0.clone();
    let other = Compression::Gzip(6).compress(&Layer::new().file("app", "ONE").tar());
    let checked = check_bytes(Layout::new().image(&image).replace_blob(&layer, other).archive());
    assert_eq!(rules(&checked), set(["diff-id-mismatch", "digest-mismatch"]));
    assert_eq!(checked.finding("digest-mismatch")["evidence"]["declared"], layer.as_str());
    assert_eq!(checked.finding("digest-mismatch")["severity"], "critical");
    assert_eq!(checked.finding("digest-mismatch")["layer"]["index"], 0);

    let config = image.config_digest();
    let other = String::from_utf8(image.config()).unwrap().replace("1000", "1001");
    let checked = check_bytes(Layout::new().image(&image).replace_blob(&config, other).archive());
    assert_eq!(rules(&checked), set(["digest-mismatch"]));

    let manifest = image.manifest_digest();
    let other = [image.manifest(), b" ".to_vec()].concat();
    let checked = check_bytes(Layout::new().image(&image).replace_blob(&manifest, other).archive());
    assert_eq!(rules(&checked), set(["digest-mismatch"]));
}

#[test]
fn a_wrong_size_is_found() {
    let image = app().manifest_json(|manifest| manifest["layers"][1]["size"] = json!(1));
    let checked = check_bytes(image.oci_archive());
    assert_eq!(rules(&checked), set(["digest-mismatch"]));
    assert_eq!(checked.finding("digest-mismatch")["layer"]["index"], 1);
}

#[test]
fn sha512_is_held_to_as_well() {
    use sha2::Digest as _;
    let blob = Compression::Gzip(6).compress(&Layer::new().file("app", "one").tar());
    let name: String = sha2::Sha512::digest(&blob).iter().map(|byte| format!("{byte:02x}")).collect();
    let declared = format!("sha512:{name}");
    let image = Image::new().layer(Layer::new().file("app", "one")).user("1000");
    let descriptor = declared.clone();
    let image = image.manifest_json(move |manifest| manifest["layers"][0]["digest"] = json!(descriptor));
    let files = |blob: &[u8]| {
        let mut files = image.oci_layout_files();
        files.insert(format!("blobs/sha512/{name}"), blob.to_vec());
        files.retain(|name, _| *name != format!("blobs/sha256/{}", &image.layer_blobs()[0].0[7..]));
        files_to_tar(files)
    };
    let good = check_bytes(files(&blob));
    assert_eq!(rules(&good), set([]), "{:#}", good.report);
    let other = Compression::Gzip(1).compress(&Layer::new().file("app", "one").tar());
    assert_ne!(other, blob);
    assert!(rules(&check_bytes(files(&other))).contains("digest-mismatch"));
}

#[test]
fn a_docker_config_is_held_to_its_name() {
    let image = app();
    let hex = &image.config_digest()[7..];
    for archive in [image.docker_archive_podman(), image.docker_archive_kaniko()] {
        let files = tar_members(&archive).into_iter().map(|(name, bytes)| {
            let bytes = if name.contains(hex) { [bytes, b" ".to_vec()].concat() } else { bytes };
            (name, bytes)
        });
        assert!(rules(&check_bytes(files_to_tar(files))).contains("digest-mismatch"));
    }
}

#[test]
fn diff_ids_are_held_to_by_position() {
    let swapped = app().config_json(|config| {
        let ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
        ids.reverse();
    });
    let checked = check_bytes(swapped.docker_archive_podman());
    let mismatches = checked.findings().into_iter().filter(|finding| finding["rule"] == "diff-id-mismatch");
    assert_eq!(mismatches.count(), 2);
    assert_eq!(rules(&checked), set(["diff-id-mismatch"]));
    // The same layer twice is the same diffID twice, and sound.
    let layer = Layer::new().file("app", "one");
    let twice =
        Image::new().layer(layer.clone()).layer(Layer::new().file("app", "two")).layer(layer).user("1");
    assert_eq!(rules(&check_bytes(twice.docker_archive_legacy())), set([]));
}

#[test]
fn layer_counts_must_agree() {
    let fewer = app().config_json(|config| {
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
    });
    assert_eq!(rules(&check_bytes(fewer.oci_archive())), set(["layer-count-mismatch"]));
    let null = app().config_json(|config| config["rootfs"]["diff_ids"] = Value::Null);
    assert_eq!(rules(&check_bytes(null.oci_archive())), set(["layer-count-mismatch"]));
    let history = app().config_json(|config| {
        config["history"].as_array_mut().unwrap().push(json!({"created_by": "forged"}));
    });
    let checked = check_bytes(history.oci_archive());
    assert_eq!((checked.exit, rules(&checked)), (0, set(["history-mismatch"])));
}

#[test]
fn a_missing_layer_is_found_and_nothing_passes_without_it() {
    let image = app();
    let layer = image.layer_blobs()[1].0.clone();
    let checked = check_bytes(Layout::new().image(&image).drop_blob(&layer).archive());
    assert_eq!((checked.exit, checked.failing()), (2, set(["blob-missing"])));
    assert_eq!(checked.outcome("setuid-file"), "not-evaluated");
}

#[test]
fn a_layer_that_cannot_be_read_is_never_a_pass() {
    let sound = app();
    for (name, blob, media_type) in [
        ("encrypted", vec![0x17; 600], "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
        ("squashfs", b"hsqs".repeat(300), "application/vnd.sylabs.image.layer.v1.squashfs"),
        (
            "cut",
            Compression::Gzip(6).compress(&[7; 5000])[..30].to_vec(),
            "application/vnd.oci.image.layer.v1.tar+gzip",
        ),
    ] {
        let image = sound.clone().stored_layer(StoredLayer::opaque(blob, media_type, name));
        let checked = check_bytes(image.oci_archive());
        assert_eq!(
            (checked.exit, checked.outcome("layer-unsupported")),
            (2, "fail"),
            "{name}: {:#}",
            checked.report
        );
        assert_eq!(checked.outcome("setuid-file"), "not-evaluated", "{name}");
    }
    let foreign = app().manifest_json(|manifest| {
        manifest["layers"][1]["mediaType"] =
            json!("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    });
    assert!(rules(&check_bytes(foreign.clone().oci_archive())).contains("layer-unsupported"));
    let gone = foreign.layer_blobs()[1].0.clone();
    let checked = check_bytes(Layout::new().image(&foreign).drop_blob(&gone).archive());
    assert_eq!((checked.exit, checked.outcome("layer-unsupported")), (2, "fail"));
}

#[test]
fn a_lie_in_the_media_type_is_found() {
    for (compression, media_type) in [
        (Compression::Zstd(3), "application/vnd.oci.image.layer.v1.tar+gzip"),
        (Compression::None, "application/vnd.oci.image.layer.v1.tar+gzip"),
        (Compression::Gzip(6), "application/vnd.oci.image.layer.v1.tar"),
        (Compression::Gzip(6), "application/octet-stream"),
    ] {
        let image = app().recompressed(compression);
        let image = image.edit_layer(0, |layer| layer.media_type = Some(media_type.to_owned()));
        let checked = check_bytes(image.oci_archive());
        assert_eq!((checked.exit, rules(&checked)), (1, set(["media-type-mismatch"])), "{media_type}");
    }
}

#[test]
fn data_behind_an_end_is_found() {
    let layer = |layer: Layer| Image::new().layer_with(layer, "x", Compression::None).user("1").oci_archive();
    assert_eq!(rules(&check_bytes(layer(Layer::new().file("a", "x").trailing([0; 4096])))), set([]));
    let behind = layer(Layer::new().file("a", "x").trailing(b"hidden".repeat(100)));
    assert_eq!(rules(&check_bytes(behind)), set(["trailing-data"]));
    let blob =
        [Compression::Gzip(6).compress(&Layer::new().file("a", "x").tar()), b"hidden".to_vec()].concat();
    let gzip = Image::new().layer(Layer::new().file("a", "x")).user("1").edit_layer(0, |stored| {
        stored.blob = blob;
    });
    assert_eq!(rules(&check_bytes(gzip.oci_archive())), set(["trailing-data"]));
    let archive = [app().oci_archive(), b"hidden".repeat(100)].concat();
    assert_eq!(rules(&check_bytes(archive)), set(["trailing-data"]));
}

#[test]
fn a_path_twice_in_a_layer_is_found() {
    let image = Image::new().layer(Layer::new().file("a", "x").file("./a", "y")).user("1");
    let checked = check_bytes(image.oci_archive());
    assert_eq!(checked.failing(), set(["duplicate-entry /a"]));
}

#[test]
fn paths_that_leave_the_root_are_found() {
    for layer in [
        Layer::new().file("../etc/cron.d/x", "x"),
        Layer::new().file("a/../../x", "x"),
        Layer::new().file("a", "x").hardlink("b", "../../etc/shadow"),
    ] {
        let checked = check_bytes(Image::new().layer(layer).user("1").oci_archive());
        assert!(rules(&checked).contains("path-escapes-root"), "{:#}", checked.report["images"]);
        assert_ne!(checked.exit, 0);
    }
}

#[test]
fn a_hard_link_to_nothing_is_found() {
    let image = Image::new().layer(Layer::new().hardlink("b", "nosuch")).user("1");
    assert_eq!(check_bytes(image.oci_archive()).failing(), set(["broken-hardlink /b"]));
}

#[test]
fn what_runtimes_apply_differently_is_found() {
    let base = || {
        Image::new()
            .layer(Layer::new().dir("usr/bin", 0o755).file("usr/bin/ls", "ls").symlink("bin", "usr/bin"))
            .user("1")
    };
    for layer in [
        Layer::new().file("bin/ls", "through a symlink of a lower layer"),
        Layer::new().hardlink("usr/bin/dir", "usr/bin/ls"),
        Layer::new().file("usr/bin/x", "x").whiteout("usr/bin/x"),
        Layer::new().entry(Entry::char_device("usr/bin/ls", 0, 0)),
    ] {
        let checked = check_bytes(base().layer(layer).oci_archive());
        assert!(
            checked.failing().iter().any(|told| told.starts_with("ambiguous-entry")),
            "{:#}",
            checked.report["images"]
        );
    }
}

#[test]
fn every_reading_of_an_ambiguous_layer_is_judged() {
    // vfs and umoci write /usr/bin/ls; overlay drivers make /bin a directory.
    let image = clean_app(&small_base()).layer(Layer::new().file("bin/ls", "evil"));
    let failing = check_child(&image).failing();
    assert!(failing.contains("base-file-modified /usr/bin/ls"), "{failing:?}");
    assert!(failing.contains("base-file-replaced /bin"), "{failing:?}");
}

#[test]
fn a_blob_that_nothing_refers_to_is_told() {
    let checked = check_bytes(Layout::new().image(&app()).extra_blob("rides along").archive());
    assert_eq!((checked.exit, rules(&checked)), (0, set(["unreferenced-blob"])));
    for form in DockerForm::ALL {
        let checked = check_bytes(app().docker_archive(form));
        assert_eq!(rules(&checked), set([]), "{form:?}: {:#}", checked.report["images"]);
    }
}

#[test]
fn a_hybrid_archive_may_not_tell_two_truths() {
    let good = app();
    let evil = app().user("0");
    let hybrid = |manifest: &Image, index: &Image| {
        let mut files: std::collections::BTreeMap<_, _> =
            tar_members(&manifest.docker_archive_hybrid()).into_iter().collect();
        files.extend(
            tar_members(&index.docker_archive_hybrid())
                .into_iter()
                .filter(|(name, _)| name != "manifest.json"),
        );
        files_to_tar(files)
    };
    for archive in [hybrid(&good, &evil), hybrid(&evil, &good)] {
        let checked = check_bytes(archive);
        assert_eq!(checked.failing(), set(["ambiguous-json", "user-root"]), "{:#}", checked.report["images"]);
        let severities: Vec<_> = checked
            .findings()
            .iter()
            .filter(|finding| finding["rule"] == "ambiguous-json")
            .map(|finding| &finding["severity"])
            .collect();
        assert!(severities.iter().all(|severity| *severity == "critical"));
    }
    // `"manifests": null`, as docker wrote it for a while, is one truth.
    let null = tar_members(&good.docker_archive_hybrid()).into_iter().map(|(name, bytes)| {
        let bytes =
            if name == "index.json" { br#"{"schemaVersion":2,"manifests":null}"#.to_vec() } else { bytes };
        (name, bytes)
    });
    let checked = check_bytes(files_to_tar(null));
    assert_eq!(checked.exit, 0, "{:#}", checked.report);
}

#[test]
fn a_real_image_annotated_as_an_attestation_is_judged() {
    let evil = app().user("0");
    let disguised = Layout::new().image(&app()).image(&evil).index_json(|index| {
        index["manifests"][1]["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        index["manifests"][1]["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    });
    assert!(check_bytes(disguised.archive()).failing().contains("user-root"));
    // Layers that say in-toto and are tars: podman looks at the bytes.
    let in_toto = evil.manifest_json(|manifest| {
        for layer in manifest["layers"].as_array_mut().unwrap() {
            layer["mediaType"] = json!("application/vnd.in-toto+json");
        }
    });
    let failing = check_bytes(Layout::new().image(&app()).image(&in_toto).archive()).failing();
    assert!(failing.contains("user-root") && failing.contains("media-type-mismatch"), "{failing:?}");
}

#[test]
fn a_document_that_is_manifest_and_index_is_judged_as_both() {
    let evil = app().user("0");
    let descriptor = json!({"mediaType": evil.manifest_type(), "digest": evil.manifest_digest(), "size": evil.manifest().len()});
    let both = app().manifest_json(move |manifest| manifest["manifests"] = json!([descriptor.clone()]));
    let archive = Layout::new().image(&both).image(&evil).index_json(|index| {
        index["manifests"].as_array_mut().unwrap().pop();
    });
    let failing = check_bytes(archive.archive()).failing();
    assert_eq!(failing, set(["ambiguous-json", "user-root"]));
}

#[test]
fn a_second_truth_of_the_same_config_and_other_layers_is_judged() {
    // The config is the same, and so are its digest and diffIDs: only the layer's bytes differ.
    let good = app();
    let evil = app().edit_layer(0, |stored| {
        let tar = Layer::new().file_mode("app", "evil", 0o4755).tar();
        stored.blob.clone_from(&tar);
        stored.tar = tar;
    });
    let mut files: std::collections::BTreeMap<_, _> =
        tar_members(&good.docker_archive_hybrid()).into_iter().collect();
    for (name, bytes) in tar_members(&evil.oci_archive()) {
        files.insert(name, bytes);
    }
    let checked = check_bytes(files_to_tar(files));
    let failing = checked.failing();
    assert!(failing.contains("diff-id-mismatch") && failing.contains("ambiguous-json"), "{failing:?}");
}

#[test]
fn a_diff_id_that_is_none_is_found() {
    let image = app().config_json(|config| config["rootfs"]["diff_ids"][0] = json!("none"));
    assert_eq!(rules(&check_bytes(image.oci_archive())), set(["diff-id-mismatch"]));
}

#[test]
fn two_members_of_one_name_are_found() {
    let archive = app().oci_archive();
    let members = tar_members(&archive);
    let blob = members.iter().find(|(name, _)| name.starts_with("blobs/")).unwrap().clone();
    assert_eq!(
        rules(&check_bytes(files_to_tar(members.into_iter().chain([blob])))),
        set(["duplicate-entry"])
    );
}

#[test]
fn the_blobs_of_an_attestation_are_held_to_their_descriptors() {
    let layout = || Layout::new().image(&app()).attestation_for(&app());
    assert_eq!(rules(&check_bytes(layout().archive())), set([]));
    let statement = layout()
        .files()
        .into_iter()
        .find(|(_, bytes)| String::from_utf8_lossy(bytes).contains("in-toto.io/Statement"));
    let (name, _) = statement.unwrap();
    let digest = format!("sha256:{}", name.rsplit('/').next().unwrap());
    let spoilt = layout().replace_blob(&digest, "{}").archive();
    assert_eq!(rules(&check_bytes(spoilt)), set(["digest-mismatch"]));
    let missing = layout().drop_blob(&digest).archive();
    assert_eq!(rules(&check_bytes(missing)), set(["blob-missing"]));
}
