//! Secrets where nobody looks.

use super::{app, assert_failing, with};
use crate::harness::{check_child, set};
use crate::secrets::github;
use crate::support::{Compression, Layer};

#[test]
fn a_file_that_is_no_content_may_hold_a_secret() {
    let secret = github();
    let whiteout = |content: &str| with(Layer::new().file("opt/.wh.gone", content));
    assert_eq!(whiteout(&secret).failing(), set(["secret-file /opt/.wh.gone"]));
    assert_eq!(whiteout("").failing(), set([]));
    let opaque = with(Layer::new().dir("opt/", 0o755).file("opt/.wh..wh..opq", &secret)).failing();
    assert!(opaque.contains("secret-file /opt/.wh..wh..opq"), "{opaque:?}");
    let leftover = with(Layer::new().file(".wh..wh.aufs", &secret)).failing();
    assert!(leftover.contains("secret-file /.wh..wh.aufs"), "{leftover:?}");
}

#[test]
fn a_history_that_calls_a_layer_the_bases_hides_no_secret() {
    let base_step = "# debian.sh --arch 'amd64' out/ 'trixie'";
    let layer = |content: &str| {
        app().layer_with(Layer::new().file("opt/x", content), base_step, Compression::Gzip(6))
    };
    assert_failing(&check_child(&layer(&github())), ["secret-file /opt/x"]);
    assert_failing(&check_child(&layer("x")), []);
}

#[test]
fn the_first_of_two_files_of_one_name_may_hold_a_secret() {
    let layer = Layer::new().file("opt/x", github()).file("opt/x", "nothing");
    assert_failing(&with(layer), ["duplicate-entry /opt/x", "secret-file /opt/x"]);
}

#[test]
fn a_secret_in_annotations_and_in_fields_that_no_reader_knows_is_told() {
    type Edit = fn(&mut serde_json::Value, &str);
    let in_config =
        |edit: Edit, text: String| check_child(&app().config_json(move |config| edit(config, &text)));
    let in_manifest =
        |edit: Edit, text: String| check_child(&app().manifest_json(move |manifest| edit(manifest, &text)));
    let configs: [Edit; 7] = [
        |config, text| config["config"]["Volumes"] = serde_json::json!({format!("/data/{text}"): {}}),
        |config, text| config["config"]["Hostname"] = text.into(),
        |config, text| config["comment"] = text.into(),
        |config, text| config["build_info"] = serde_json::json!([{"deep": {"er": [text]}}]),
        |config, text| config["x"] = serde_json::json!({text: 1}),
        |config, text| config["container_config"] = serde_json::json!({"Env": [format!("X={text}")]}),
        |config, text| config["moby.buildkit.buildinfo.v1"] = serde_json::json!(format!("built with {text}")),
    ];
    for edit in configs {
        assert_failing(&in_config(edit, github()), ["secret-env"]);
        assert_failing(&in_config(edit, "nothing".to_owned()), []);
    }
    let manifests: [Edit; 4] = [
        |manifest, text| manifest["annotations"] = serde_json::json!({"built.with": text}),
        |manifest, text| manifest["annotations"] = serde_json::json!({text: "x"}),
        |manifest, text| manifest["layers"][1]["annotations"] = serde_json::json!({"x": text}),
        |manifest, text| manifest["config"]["annotations"] = serde_json::json!({"x": text}),
    ];
    for edit in manifests {
        assert_failing(&in_manifest(edit, github()), ["secret-env"]);
        assert_failing(&in_manifest(edit, "nothing".to_owned()), []);
    }
}
