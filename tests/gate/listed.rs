//! A layer is stored once, and a manifest may list it thousands of times: what each time costs is bounded over all of them.

use crate::harness::{Checked, check_bytes};
use crate::support::{Image, Layer};

/// The image of a layer that is listed so often.
fn check(layer: Layer, times: usize) -> Checked {
    let again = move |list: &mut serde_json::Value| {
        let one = list[0].clone();
        *list = vec![one; times].into();
    };
    let image = Image::new()
        .user("1000")
        .layer(layer)
        .manifest_json(move |manifest| again(&mut manifest["layers"]))
        .config_json(move |config| {
            again(&mut config["rootfs"]["diff_ids"]);
            config.as_object_mut().unwrap().remove("history");
        });
    check_bytes(image.oci_archive())
}

#[test]
fn entries_are_held_to_input_listed_entries() {
    let directories = |count: usize| {
        (0..count).fold(Layer::new(), |layer, number| layer.dir(format!("d/{number}/"), 0o755))
    };
    let checked = check(directories(13_000), 4_000);
    assert_eq!(checked.exit, 2);
    assert!(
        checked.report["errors"].to_string().contains("INPUT_LISTED_ENTRIES"),
        "{}",
        checked.report["errors"]
    );
    let few = check(directories(100), 100);
    assert_eq!(few.report["errors"].as_array().map(Vec::len), Some(0), "{:#}", few.report["errors"]);
}

#[test]
fn anomalies_are_held_to_image_anomalies() {
    let globals = |count: usize| {
        (0..count).fold(Layer::new(), |layer, number| {
            layer.pax_global([("uid", if number % 2 == 0 { "1" } else { "2" })])
        })
    };
    let checked = check(globals(1_000), 201);
    assert_eq!(checked.exit, 2);
    assert!(checked.report["errors"].to_string().contains("IMAGE_ANOMALIES"), "{}", checked.report["errors"]);
}
