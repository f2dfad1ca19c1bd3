//! What indexes, manifests and configs say.

use serde_json::json;

use super::{app, assert_failing};
use crate::harness::{Room, check_bytes, check_child, check_path, check_with, set};
use crate::support::{DockerArchive, DockerForm, Image, Layer, Layout, files_to_tar, tar_members};

fn good() -> Image {
    Image::new().layer(Layer::new().file("app", "one")).user("1000").name("example.com/app:1")
}

fn evil() -> Image {
    Image::new().layer(Layer::new().file_mode("evil", "x", 0o4755)).user("1000").name("example.com/app:1")
}

#[test]
fn a_manifest_listed_first_as_something_else_is_judged() {
    let listed = |image: &Image| {
        let layout = Layout::new().image(&good()).image(image).index_json(|index| {
            let mut decoy = index["manifests"][1].clone();
            decoy["mediaType"] = json!("text/plain");
            index["manifests"].as_array_mut().unwrap().insert(1, decoy);
        });
        check_bytes(layout.archive()).failing()
    };
    assert_eq!(listed(&evil()), set(["media-type-mismatch", "setuid-file /evil"]));
    assert_eq!(listed(&good().user("1001")), set(["media-type-mismatch"]));
}

#[test]
fn the_platform_of_an_index_counts_beside_that_of_the_config() {
    let room = Room::new();
    let check = |listed: &str, config: &str| {
        let evil = evil().unnamed().platform("linux", config, "");
        let layout = Layout::new().image(&good()).image(&evil);
        let listed = listed.to_owned();
        let layout =
            layout.index_json(move |index| index["manifests"][1]["platform"]["architecture"] = json!(listed));
        check_with(&room.write("image.tar", layout.archive()), None, &["--platform", "linux/amd64"]).failing()
    };
    // Runtimes choose by the index; whoever asks the config alone misses it.
    assert_eq!(check("amd64", "arm64"), set(["ambiguous-json", "setuid-file /evil"]));
    assert_eq!(check("arm64", "amd64"), set(["ambiguous-json", "setuid-file /evil"]));
    assert_eq!(check("arm64", "arm64"), set([]));
}

/// Podman and skopeo compare platforms letter by letter, and take an entry without one where none is equal (seen with
/// skopeo 1.9 and podman 4.3).
#[test]
fn an_entry_without_a_platform_is_for_each() {
    let room = Room::new();
    let check = |edit: fn(&mut serde_json::Value)| {
        let index =
            Layout::new().image(&good()).image(&evil().platform("linux", "riscv64", "")).index_json(edit);
        let path = room.write("image.tar", Layout::new().nested(index).archive());
        check_with(&path, None, &["--platform", "linux/amd64"])
    };
    let both = check(|index| {
        index["manifests"][0]["platform"]["architecture"] = json!("x86_64");
        index["manifests"][1].as_object_mut().unwrap().remove("platform");
    });
    assert!(both.failing().contains("setuid-file /evil"), "{:?}", both.failing());
    let listed = check(|_| {});
    assert_eq!(listed.failing(), set([]));
    let note = "not looked at: 1 of 2 images, as platform linux/amd64 was asked for";
    assert!(listed.report["notes"].to_string().contains(note), "{:#}", listed.report["notes"]);
}

#[test]
fn each_platform_of_an_ambiguous_config_can_be_chosen() {
    let room = Room::new();
    let check = |second: &str| {
        let config = String::from_utf8(evil().config()).unwrap();
        let config = config.replacen(
            "\"architecture\":",
            &format!("\"architecture\":\"{second}\",\"Architecture\":"),
            1,
        );
        let archive = Layout::new().image(&good()).image(&evil().config_bytes(config)).index_json(|index| {
            index["manifests"][1].as_object_mut().unwrap().remove("platform");
        });
        let path = room.write("image.tar", archive.archive());
        check_with(&path, None, &["--platform", "linux/s390x"])
    };
    assert!(check("s390x").failing().contains("setuid-file /evil"));
    assert_eq!(check("arm64").exit, 2);
}

#[test]
fn images_of_one_name_are_all_judged() {
    let room = Room::new();
    let check = |second: &Image| {
        let path = room.write("image.tar", Layout::new().image(&good()).image(second).archive());
        check_with(&path, None, &["--image", "example.com/app:1"]).failing()
    };
    assert_eq!(check(&evil()), set(["setuid-file /evil"]));
    assert_eq!(check(&good().user("1001")), set([]));
}

#[test]
fn spellings_of_one_name_are_one_name() {
    let room = Room::new();
    let check = |other: &str, wanted: &str| {
        let (good, evil) = (good().unnamed().name("app"), evil().unnamed().name(other));
        let archive = DockerArchive::new(DockerForm::Podman).image(&good).image(&evil).tar();
        check_with(&room.write("image.tar", archive), None, &["--image", wanted]).failing()
    };
    for other in ["app:latest", "library/app", "docker.io/library/app:latest", "index.docker.io/library/app"]
    {
        for wanted in ["app", "app:latest", "docker.io/library/app"] {
            assert!(check(other, wanted).contains("setuid-file /evil"), "{other} for {wanted}");
        }
    }
    // Podman loads a name without a registry as the machine's own.
    for (other, wanted) in
        [("localhost/app", "app:latest"), ("app", "localhost/app"), ("localhost/app", "localhost/app")]
    {
        assert!(check(other, wanted).contains("setuid-file /evil"), "{other} for {wanted}");
    }
    for other in
        ["app:1", "localhost/team/app", "docker.io/team/app", "example.com/app", "example.com/library/app"]
    {
        assert_eq!(check(other, "app"), set([]), "{other}");
    }
}

#[test]
fn an_image_that_calls_itself_an_artifact_is_judged() {
    let failing = |layer: &str| {
        let layer = layer.to_owned();
        let disguised = evil().manifest_json(move |manifest| {
            manifest["config"]["mediaType"] = json!("application/vnd.example.config.v1+json");
            manifest["layers"][0]["mediaType"] = json!(layer);
        });
        check_bytes(Layout::new().image(&good()).image(&disguised).archive()).failing()
    };
    // containerd 1.6 unpacks the first two under any config, and does not know the last.
    for layer in [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+example+gzip",
        "Application/vnd.docker.image.rootfs.diff.tar.gzip",
    ] {
        assert!(failing(layer).contains("setuid-file /evil"), "{layer}");
    }
    assert_eq!(failing("application/vnd.example.data.v1.tar+gzip"), set([]));
}

#[test]
fn another_system_in_the_config_excuses_nothing() {
    for os in ["windows", "Linux ", ""] {
        let image = |image: Image| check_bytes(image.platform(os, "amd64", "").oci_archive()).failing();
        assert_eq!(image(evil().user("0")), set(["setuid-file /evil", "user-root"]), "{os}");
        assert_eq!(image(good()), set([]), "{os}");
    }
    let failing = check_child(&app().platform("windows", "amd64", "")).failing();
    assert_eq!(failing, set(["base-not-official", "setuid-file /usr/bin/su"]), "all is new without a base");
}

#[test]
fn a_deciding_document_under_two_spellings_is_refused() {
    for name in ["./manifest.json", "/manifest.json", "x/../manifest.json", "manifest.json/."] {
        let mut members = tar_members(&good().docker_archive_podman());
        let other = tar_members(&evil().docker_archive_podman());
        let manifest = other.iter().find(|(name, _)| name == "manifest.json").unwrap().1.clone();
        members
            .extend(other.into_iter().filter(|(name, _)| name != "manifest.json" && name != "repositories"));
        members.push((name.to_owned(), manifest));
        assert_eq!(check_bytes(files_to_tar(members)).exit, 2, "{name}");
    }
}

#[test]
fn keys_are_compared_as_they_read() {
    let config = |run: &str| {
        let mut document = app().config_value();
        document["config"] = json!("RUN");
        check_child(&app().config_bytes(document.to_string().replace("\"RUN\"", run))).failing()
    };
    for run in [
        r#"{"User":"10001","\u0055ser":"0"}"#,
        r#"{"\u0055ser":"0","User":"10001"}"#,
        "{\"User\":\"10001\",\"u\u{17f}er\":\"0\"}",
        r#"{"User":"0","User":null}"#,
    ] {
        let failing = config(run);
        assert!(failing.contains("user-root") && failing.contains("ambiguous-json"), "{run}: {failing:?}");
    }
    assert_eq!(config(r#"{"\u0055ser":"10001"}"#), set([]));
}

#[test]
fn a_forged_history_moves_no_layer_into_the_base() {
    let forged = |image: Image| {
        let image = image.config_json(|config| {
            for step in config["history"].as_array_mut().unwrap() {
                step["created_by"] = json!("# debian.sh --arch 'amd64' out/ 'trixie'");
            }
        });
        check_child(&image)
    };
    let checked = forged(app().layer(Layer::new().file_mode("opt/tool", "x", 0o4755)));
    assert_failing(&checked, ["setuid-file /opt/tool"]);
    assert_eq!(checked.report["images"][0]["layers"][4]["origin"], "upper");
    assert_failing(&forged(app()), []);
}

#[test]
fn a_manifest_that_is_no_plain_file_of_a_layout_is_not_absent() {
    let room = Room::new();
    let layout = |name: &str| {
        let directory = room.path(name);
        std::fs::create_dir(&directory).unwrap();
        Layout::new().image(&good()).image(&evil()).write_dir(&directory);
        directory
    };
    let hidden = format!("blobs/sha256/{}", &evil().manifest_digest()[7..]);
    // Left out, as indexes of more platforms than were copied leave them out.
    let absent = layout("absent");
    std::fs::remove_file(absent.join(&hidden)).unwrap();
    assert_eq!(check_path(&absent, None).exit, 0);
    let pipe = layout("pipe");
    std::fs::remove_file(pipe.join(&hidden)).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(pipe.join(&hidden)).status().unwrap().success());
    assert_eq!(check_path(&pipe, None).exit, 2);
    // `blobs/sha256` is the layout itself, which holds the blobs too.
    let looped = layout("looped");
    for blob in std::fs::read_dir(looped.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        std::fs::rename(blob.path(), looped.join(blob.file_name())).unwrap();
    }
    std::fs::remove_dir(looped.join("blobs/sha256")).unwrap();
    std::os::unix::fs::symlink("..", looped.join("blobs/sha256")).unwrap();
    let checked = check_path(&looped, None);
    assert_eq!(checked.exit, 2);
    assert!(checked.stderr.contains("behind a link to a directory above it"), "{}", checked.stderr);
}

#[test]
fn a_label_in_another_spelling_asks_for_the_same() {
    for (label, evil, good) in [
        (
            "io.containers.seccomp.profile",
            r#"{"defaultAction":"SCMP_ACT_ERRNO","DefaultAction":"SCMP_ACT_ALLOW"}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","DefaultAction":"SCMP_ACT_ERRNO"}"#,
        ),
        ("devcontainer.metadata", r#"[{"privileged":"true"}]"#, r#"[{"privileged":""}]"#),
        ("devcontainer.metadata", r#"[{"capAdd":"SYS_ADMIN"}]"#, r#"[{"capAdd":"CHOWN"}]"#),
        ("RUN", "docker run -v /./:/host IMAGE", "docker run -v /./srv:/host IMAGE"),
        ("RUN", "docker run -v /etc/..:/host IMAGE", "docker run -v /etc/../srv:/host IMAGE"),
        (
            "RUN",
            "docker run --mount type=bind,source=/./,target=/host IMAGE",
            "docker run --mount type=bind,source=/./srv,target=/host IMAGE",
        ),
    ] {
        assert_failing(&check_child(&app().label(label, evil)), ["privileged-label"]);
        assert_failing(&check_child(&app().label(label, good)), []);
    }
    // Go reads what is nested deeper than here, so that this is no pass.
    let deep = format!(r#"{{"x":{}1{},"defaultAction":"SCMP_ACT_ALLOW"}}"#, "[".repeat(200), "]".repeat(200));
    let checked = check_child(&app().label("io.containers.seccomp.profile", &deep));
    assert_eq!(checked.outcome("privileged-label"), "not-evaluated");
}

#[test]
fn an_annotation_that_runtimes_obey_is_told() {
    for (name, told) in [
        ("run.oci.seccomp_bpf_data", &["privileged-label"][..]),
        ("org.systemd.property.DevicePolicy", &["privileged-label"]),
        ("run.oci.handler", &[]),
        ("org.opencontainers.image.title", &[]),
    ] {
        let checked = check_child(&app().annotation(name, "BgAAAAAA/38="));
        assert_eq!(checked.failing(), set(told.iter().copied()), "{name}");
    }
}
