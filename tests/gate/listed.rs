//! A layer is stored once, and a manifest may list it thousands of times: what each time costs is bounded over all of them.

use crate::harness::{Checked, check_bytes};
use crate::support::{Image, Layer, Layout};

/// The image of a layer that is listed so often.
fn image(layer: Layer, times: usize) -> Image {
    let again = move |list: &mut serde_json::Value| {
        let one = list[0].clone();
        *list = vec![one; times].into();
    };
    Image::new()
        .user("1000")
        .layer(layer)
        .manifest_json(move |manifest| again(&mut manifest["layers"]))
        .config_json(move |config| {
            again(&mut config["rootfs"]["diff_ids"]);
            config.as_object_mut().unwrap().remove("history");
        })
}

fn check(layer: Layer, times: usize) -> Checked {
    check_bytes(image(layer, times).oci_archive())
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

/// Each rule of each image repeats why it could not be evaluated.
#[test]
fn layers_that_could_not_be_read_are_named_up_to_ten() {
    let image = image(Layer::new().file("a", "x"), 13);
    let blob = image.layer_blobs()[0].0.clone();
    let checked = check_bytes(Layout::new().image(&image).drop_blob(&blob).archive());
    let reason = "layers 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more could not be read";
    let rules = checked.report["images"][0]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|told| told["reason"] == reason), "{rules:#?}");
}
