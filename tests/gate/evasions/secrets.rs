//! Secrets where nobody looks.

use super::{app, assert_failing, with};
use crate::harness::{check_child, set};
use crate::secrets::{github, key};
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

#[test]
fn a_secret_whose_name_says_another_thing_is_told() {
    let secret = ["Xk29", "dkq9", "sLmz"].concat();
    for (evil, good) in [
        (format!("TOKEN_USER={secret}"), "TOKEN_USER=admin"),
        (format!("MAX_TOKENS={secret}"), "MAX_TOKENS=4096"),
        (format!("TOKENIZER={secret}"), "TOKENIZER=punkt"),
        (format!("SECRETS_BACKEND={secret}"), "SECRETS_BACKEND=vault"),
        ("APP_SECRET_ID=3f2a9c4e-11aa-4b2c-9d3e-8a7b6c5d4e3f".to_owned(), "APP_SECRET_ID=prod/db"),
        ("DB_PASS_PROD=hunter2".to_owned(), "DB_PASS_TIMEOUT=30"),
        ("DBPASSWORD=hunter2".to_owned(), "DBPASSWORDFILE=secrets/x"),
        // What a config has is expanded no more.
        (format!("DB_PASSWORD=${secret}"), "DB_PASSWORD=$DB_PASS"),
        (format!("DB_PASSWORD=/{secret}"), "DB_PASSWORD=/run/secrets/x"),
    ] {
        assert_failing(&check_child(&app().env(&evil)), ["secret-env"]);
        assert_failing(&check_child(&app().env(good)), []);
    }
}

#[test]
fn a_password_among_parameters_is_told() {
    for url in [
        "jdbc:postgresql://h/db?password=P&user=a",
        "jdbc:postgresql://h/db?user=a&password=P",
        "h:1,password=P,ssl=1",
    ] {
        let check = |password: &str| check_child(&app().env(&format!("URL={}", url.replace('P', password))));
        assert_failing(&check("hunter2"), ["secret-env"]);
        assert_failing(&check("$PASSWORD"), []);
    }
}

#[test]
fn a_key_within_texts_is_told() {
    for line in ["\\\\n", "\\\\\\\\n", "\\n\" +\n  \""] {
        let file = |key: String| with(Layer::new().file("opt/x", key.replace('\n', line)));
        assert_failing(&file(key()), ["secret-file /opt/x"]);
        assert_failing(&file(key().replace(" PRIVATE", " PUBLIC")), []);
    }
}

#[test]
fn a_secret_in_files_of_other_names_is_told() {
    let config = |user: &str| format!("[remote \"origin\"]\n\turl = https://{user}h.example.org/a\n");
    let (file, variable) =
        (|path: &str, text: &str| with(Layer::new().file(path, text)), "DB_PASSWORD=hunter2\n");
    assert_failing(&file("opt/.git/config", &config("u:hunter2@")), ["secret-file /opt/.git/config"]);
    assert_failing(&file("opt/.git/config", &config("u@")), []);
    for name in ["opt/.envrc", "opt/env.prod", "opt/prod.env.local"] {
        assert_failing(&file(name, variable), [&*format!("secret-file /{name}")]);
        assert_failing(&file(name, "DB_PASSWORD_FILE=/run/secrets/x\n"), []);
    }
}
