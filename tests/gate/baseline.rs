//! A report of before: what it has is known, and only what is new fails.

use serde_json::Value;

use crate::harness::{Room, assert_valid, check_with, command, text};
use crate::support::{Image, Layer, clean_app, small_base};

fn image(files: &[(&str, u32)]) -> Image {
    let layer = files.iter().fold(Layer::new(), |layer, (path, mode)| layer.file_mode(path, "x", *mode));
    Image::new().layer(layer).user("1").unnamed().name("example.com/app:1")
}

#[test]
fn only_what_is_new_fails() {
    let room = Room::new();
    let before = room.write("before.tar", image(&[("a", 0o4755)]).oci_archive());
    let baseline = room.path("before.json");
    let made = command().arg(&before).arg("-o").arg(&baseline).output().unwrap();
    assert_eq!(made.status.code(), Some(1));
    let with = |name: &str, image: &Image| {
        let path = room.write(name, image.oci_archive());
        check_with(&path, None, &["--baseline", baseline.to_str().unwrap()])
    };
    let same = with("same.tar", &image(&[("a", 0o4755)]));
    assert_eq!((same.exit, same.report["policy"]["baseline"]["known"].as_u64()), (0, Some(1)));
    assert_valid("report.schema.json", &same.report);
    assert_eq!(same.outcome("setuid-file"), "waived");
    let known: Vec<&Value> =
        same.findings().into_iter().filter(|finding| finding["status"] == "known").collect();
    assert_eq!((known.len(), known[0]["path"].as_str()), (1, Some("/a")), "it is listed");
    let more = with("more.tar", &image(&[("a", 0o4755), ("b", 0o4755)]));
    assert_eq!(more.exit, 1);
    assert_eq!(more.failing(), crate::harness::set(["setuid-file /b"]));
    let other = with("other.tar", &image(&[("a", 0o4755)]).unnamed().name("example.com/other:1"));
    assert_eq!(other.exit, 1, "another image's baseline");
}

#[test]
fn what_is_wrong_with_the_image_itself_fails_each_time() {
    let room = Room::new();
    let broken = image(&[]).config_json(|config| {
        config["rootfs"]["diff_ids"][0] = format!("sha256:{}", "0".repeat(64)).into();
    });
    let path = room.write("broken.tar", broken.oci_archive());
    let baseline = room.path("before.json");
    let made = command().arg(&path).arg("-o").arg(&baseline).output().unwrap();
    assert_eq!(made.status.code(), Some(1));
    let again = check_with(&path, None, &["--baseline", baseline.to_str().unwrap()]);
    assert_eq!((again.exit, again.outcome("diff-id-mismatch")), (1, "fail"));
}

#[test]
fn what_is_no_baseline_is_an_error_and_it_is_never_overwritten() {
    let room = Room::new();
    let path = room.write("image.tar", image(&[]).oci_archive());
    let no_report = room.write("no.json", "{}");
    for arguments in [
        vec!["--baseline", no_report.to_str().unwrap()],
        vec!["--baseline", "nowhere.json"],
        vec!["--baseline", no_report.to_str().unwrap(), "-o", no_report.to_str().unwrap()],
    ] {
        let output = command().arg(&path).args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("json"), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_to_string(&no_report).unwrap(), "{}");
}

#[test]
fn what_has_changed_is_new() {
    let room = Room::new();
    let program = |content: &str, uid: u64| {
        let entry = crate::support::Entry::file("a", content).mode(0o4755).owner(uid, 0);
        Image::new().layer(Layer::new().entry(entry)).user("1").unnamed().name("example.com/app:1")
    };
    let before = room.write("before.tar", program("x", 1000).oci_archive());
    let baseline = room.path("before.json");
    command().arg(&before).arg("-o").arg(&baseline).output().unwrap();
    for (content, uid, exit) in [("x", 1000, 0), ("y", 1000, 1), ("x", 0, 1)] {
        let path = room.write("now.tar", program(content, uid).oci_archive());
        let checked = check_with(&path, None, &["--baseline", baseline.to_str().unwrap()]);
        assert_eq!(checked.exit, exit, "{content} {uid}");
    }
}

#[test]
fn what_a_waiver_accepted_is_the_waivers() {
    let room = Room::new();
    let path = room.write("image.tar", image(&[("a", 0o4755)]).oci_archive());
    let policy = room.write(
        "policy.toml",
        "[[waivers]]\nrule = \"setuid-file\"\npath = \"/a\"\nreason = \"for now\"\nowner = \"team\"\nexpires = \"2026-06-01\"\n",
    );
    let (policy, baseline) = (policy.to_str().unwrap(), room.path("before.json"));
    let baseline = baseline.to_str().unwrap();
    let made = check_with(&path, None, &["--policy", policy, "--at", "2026-05-01", "-o", baseline]);
    assert_eq!((made.exit, made.outcome("setuid-file")), (0, "waived"));
    let later = check_with(&path, None, &["--policy", policy, "--at", "2026-07-01", "--baseline", baseline]);
    assert_eq!((later.exit, later.outcome("setuid-file")), (1, "fail"), "it has expired");
}

#[test]
fn a_base_that_is_none_to_stand_on_fails_each_time() {
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let other = clean_app(&small_base().layer(Layer::new().file("etc/motd", "x")));
    let stranger = Image::new().layer(Layer::new().file("x", "x")).user("1");
    let revoked = command()
        .args(["base", "revoke", "base0:1", "--reason", "x", "--bases"])
        .arg(&catalog)
        .output()
        .unwrap();
    assert_eq!(revoked.status.code(), Some(0), "{}", text(&revoked.stderr));
    for (rule, image) in [("base-not-official", stranger), ("base-revoked", other)] {
        let path = room.write("image.tar", image.oci_archive());
        let baseline = room.path("before.json");
        let baseline = baseline.to_str().unwrap();
        let first = check_with(&path, Some(&catalog), &["-o", baseline]);
        assert_eq!(first.outcome(rule), "fail", "{rule}");
        let again = check_with(&path, Some(&catalog), &["--baseline", baseline]);
        assert_eq!((again.exit, again.outcome(rule)), (1, "fail"), "{rule}");
    }
}
