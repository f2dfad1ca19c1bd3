//! A report of before: what it has is known, and only what is new fails.

use serde_json::Value;

use crate::harness::{Room, assert_valid, check_with, command, text};
use crate::support::{Image, Layer};

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
