//! Whom an image runs as, in all spellings and through the final account files.

use crate::harness::{check_bytes, check_child, set};
use crate::support::{Entry, Image, Layer, clean_app, small_base};

fn child(user: Option<&str>) -> Image {
    let child = clean_app(&small_base());
    match user {
        Some(user) => child.user(user),
        None => child.config_json(|config| {
            config["config"].as_object_mut().unwrap().remove("User");
        }),
    }
}

#[test]
fn every_spelling_of_root_is_root() {
    let spellings = ["", "root", "0", "00", "+0", "-0", "0:0", "root:root", ":1000", "0:1000", "root:daemon"];
    for user in spellings.map(Some).into_iter().chain([None]) {
        let checked = check_child(&child(user));
        assert!(checked.failing().contains("user-root"), "{user:?}: {:?}", checked.failing());
        assert_eq!(checked.report["images"][0]["config"]["effectiveUid"], 0, "{user:?}");
        assert_eq!(checked.exit, 1, "{user:?}");
    }
    let null = child(None).config_json(|config| config["config"]["User"] = serde_json::Value::Null);
    assert!(check_child(&null).failing().contains("user-root"));
}

#[test]
fn other_users_are_not_root() {
    for (user, uid) in [
        ("1000:0", 1000),
        ("1000", 1000),
        ("app", 10001),
        ("app:daemon", 10001),
        ("daemon", 1),
        ("10001:root", 10001),
    ] {
        let checked = check_child(&child(Some(user)));
        assert_eq!(checked.failing(), crate::harness::set([]), "{user}");
        assert_eq!(checked.report["images"][0]["config"]["effectiveUid"], uid, "{user}");
        assert_eq!(checked.exit, 0, "{user}");
    }
}

#[test]
fn a_name_that_the_final_passwd_maps_to_0_is_root() {
    for line in [
        "boss:x:0:0::/:/bin/sh",
        "boss:x:00:1000::/:/bin/sh",
        "boss",
        "boss:x",
        "boss:x:zero:0::/:/bin/sh",
        "boss:x::5",
    ] {
        let passwd = format!("{}{line}\n", crate::support::PASSWD);
        let image = child(Some("boss")).layer(Layer::new().file("etc/passwd", passwd));
        assert!(check_child(&image).failing().contains("user-root"), "{line}");
    }
    // The first of two lines wins.
    let doubled = format!("{}boss:x:7:7::/:/bin/sh\nboss:x:0:0::/:/bin/sh\n", crate::support::PASSWD);
    let image = child(Some("boss")).layer(Layer::new().file("etc/passwd", doubled));
    assert!(!check_child(&image).failing().contains("user-root"));
}

#[test]
fn a_number_that_is_the_name_of_a_root_account_is_root_to_older_runtimes() {
    let passwd = format!("{}4242:x:0:0::/:/bin/sh\n", crate::support::PASSWD);
    let image = child(Some("4242")).layer(Layer::new().file("etc/passwd", passwd));
    assert!(check_child(&image).failing().contains("user-root"));
}

#[test]
fn passwd_is_read_behind_a_symlink() {
    let image = Image::new()
        .layer(
            Layer::new()
                .symlink("etc/passwd", "../usr/share/accounts")
                .file("usr/share/accounts", "app:x:0:0::/:/bin/sh\n"),
        )
        .user("app");
    assert!(check_bytes(image.oci_archive()).failing().contains("user-root"));
    let looped = Image::new().layer(Layer::new().symlink("etc/passwd", "passwd")).user("app");
    let checked = check_bytes(looped.oci_archive());
    assert_eq!((checked.outcome("user-root"), checked.exit), ("not-evaluated", 2), "{:#}", checked.report);
}

#[test]
fn an_unknown_name_is_told() {
    for user in ["nosuch", "1000:nosuch", "4294967297"] {
        let checked = check_child(&child(Some(user)));
        assert_eq!(checked.failing(), crate::harness::set(["user-unknown"]), "{user}");
    }
    let scratch = Image::new().layer(Layer::new().file("app", "x")).user("app");
    assert_eq!(check_bytes(scratch.oci_archive()).failing(), crate::harness::set(["user-unknown"]));
    let number = Image::new().layer(Layer::new().file("app", "x")).user("1000");
    assert_eq!(check_bytes(number.oci_archive()).exit, 0);
}

#[test]
fn each_reading_of_an_ambiguous_config_is_judged() {
    let config = |run: &str| {
        let mut document = child(Some("10001")).config_value();
        document["config"] = serde_json::json!("RUN_CONFIG");
        child(None).config_bytes(document.to_string().replace("\"RUN_CONFIG\"", run))
    };
    for run in [
        r#"{"User":"10001","user":"0"}"#,
        r#"{"user":"0","User":"10001"}"#,
        r#"{"User":"0","User":"10001"}"#,
        r#"{"User":"10001","User":"0"}"#,
        r#"{"User":"0"},"config":{"User":"10001"}"#,
        r#"{"User":"10001"},"CONFIG":{"USER":"root"}"#,
    ] {
        let checked = check_child(&config(run));
        let failing = checked.failing();
        assert!(failing.contains("user-root") && failing.contains("ambiguous-json"), "{run}: {failing:?}");
    }
}

#[test]
fn an_account_file_that_is_too_large_is_not_evaluated() {
    let large = "x".repeat(20 << 20);
    let image = Image::new().layer(Layer::new().entry(Entry::file("etc/passwd", large))).user("app");
    let checked = check_bytes(image.oci_archive());
    assert_eq!((checked.outcome("user-root"), checked.exit), ("not-evaluated", 2));
}

/// A group that is called like a secret is none, and the one that is missing is told.
#[test]
fn a_user_and_its_group_are_shown() {
    let checked = check_child(&clean_app(&small_base()).user("auth-service:auth-service"));
    assert_eq!(checked.failing(), set(["user-unknown"]));
    let told = checked.findings();
    let is_shown = |message: &str| message.contains("auth-service:auth-service");
    assert!(told.iter().any(|finding| finding["message"].as_str().is_some_and(is_shown)), "{told:#?}");
}
