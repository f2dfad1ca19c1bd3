//! What the config and the build say of an image: labels, variables, ports, names, steps.

use serde_json::json;

use crate::harness::{Checked, check_child, set};
use crate::support::{Compression, Entry, Image, Layer, clean_app, small_base};

fn app() -> Image {
    clean_app(&small_base())
}

/// `rule severity` of all findings, whether they fail or not.
fn told(checked: &Checked) -> std::collections::BTreeSet<String> {
    let told = |finding: &&serde_json::Value| {
        format!("{} {}", finding["rule"].as_str().unwrap(), finding["severity"].as_str().unwrap())
    };
    checked.findings().iter().map(told).collect()
}

#[test]
fn a_clean_application_is_told_of_nothing() {
    let checked = check_child(&app());
    assert_eq!((checked.exit, told(&checked)), (0, set([])));
}

#[test]
fn each_fault_of_the_config_is_told_and_what_looks_like_it_is_not() {
    for (image, expected) in [
        (app().label("RUN", "podman run --privileged IMAGE"), "privileged-label medium"),
        (app().label("RUN", "podman run --rm IMAGE"), ""),
        (app().env("PATH=/usr/bin:.:/bin"), "path-env-unsafe medium"),
        (app().env("PATH=/usr/bin:/tmp"), "path-env-unsafe medium"),
        (app().env("PATH=/usr/bin:/tmp/not/there"), "path-env-unsafe medium"),
        (app().env("LD_LIBRARY_PATH=/usr/lib;/tmp"), "path-env-unsafe medium"),
        (app().env("PATH=/usr/bin:/opt/not/there"), ""),
        (app().env("LD_PRELOAD=/tmp/evil.so"), "path-env-unsafe medium"),
        (app().env("LD_PRELOAD=/usr/lib/libjemalloc.so.2"), ""),
        (app().env("MANPATH=.:"), ""),
        (app().setting("Healthcheck", json!(null)), "healthcheck-missing low"),
        (app().setting("Healthcheck", json!({"Test": ["NONE"]})), "healthcheck-missing low"),
        (app().exposed_port("80/tcp"), "port-privileged low"),
        (app().exposed_port("8080/tcp"), ""),
        (app().unnamed().name("example.com/app:latest"), "tag-latest low"),
        (app().name("example.com/app:latest"), ""),
        (app().unnamed(), ""),
    ] {
        let expected = std::iter::once(expected).filter(|told| !told.is_empty()).map(str::to_owned).collect();
        assert_eq!(told(&check_child(&image)), expected, "{:#}", image.config_value());
    }
}

#[test]
fn steps_that_add_are_told_above_the_base_alone() {
    let with = |step: &str| {
        let layer = Layer::new().file("srv/x", "x");
        told(&check_child(&app().layer_with(layer, step, Compression::None)))
    };
    assert_eq!(with("ADD https://example.com/x /srv/ # buildkit"), set(["add-instruction low"]));
    assert_eq!(with("/bin/sh -c #(nop) ADD file:00 in /srv "), set(["add-instruction info"]));
    assert_eq!(with("COPY x /srv/ # buildkit"), set([]));
    let base = Image::new().layer_with(Layer::new(), "ADD rootfs.tar.xz / # buildkit", Compression::None);
    let checked = crate::harness::check_bytes(base.user("1").oci_archive());
    assert!(!told(&checked).iter().any(|told| told.starts_with("add-instruction")), "{:?}", told(&checked));
}

#[test]
fn too_many_layers_are_told() {
    let layers = |count| {
        (0..count).fold(app(), |image, number| image.layer(Layer::new().file(format!("srv/{number}"), "")))
    };
    assert_eq!(told(&check_child(&layers(121))), set([]));
    assert_eq!(told(&check_child(&layers(122))), set(["layer-count low"]));
}

#[test]
fn caches_are_told_once_for_each_layer_with_their_bytes() {
    let cache = Layer::new()
        .file("var/lib/apt/lists/deb_a", "12345")
        .file("var/lib/apt/lists/deb_b", "123")
        .file("var/lib/apt/lists/lock", "")
        .entry(Entry::dir("var/lib/apt/lists/partial").mode(0o755));
    let checked = check_child(&app().layer(cache.clone()));
    let finding = checked.finding("package-cache-left");
    assert_eq!(finding["path"], "/var/lib/apt/lists");
    assert_eq!((&finding["evidence"]["files"], &finding["evidence"]["bytes"]), (&"2".into(), &"8".into()));
    let deleted = check_child(&app().layer(cache).layer(Layer::new().opaque("var/lib/apt/lists")));
    assert_eq!(deleted.finding("package-cache-left")["effective"], false);
    let clean = Layer::new().file("var/lib/apt/lists/lock", "").file("var/cache/apt/archives/lock", "");
    assert_eq!(told(&check_child(&app().layer(clean))), set([]));
}

#[test]
fn a_distribution_that_has_ended_is_told() {
    let with = |os_release: &str| {
        let image = Image::new().user("1").layer(Layer::new().file("usr/lib/os-release", os_release));
        crate::harness::check_bytes(image.oci_archive()).failing()
    };
    let told = "distribution-eol /usr/lib/os-release";
    assert_eq!(with("ID=\"centos\"\nVERSION_ID=\"7\"\n"), set([told]));
    assert_eq!(with("ID=alpine\nVERSION_ID=3.12.0\n"), set([told]));
    assert_eq!(with("ID=wolfi\nVERSION_ID=20230201\n"), set([]));
    assert_eq!(with("ID=debian\n"), set([]));
}

#[test]
fn programs_of_another_processor_are_told_once_for_each() {
    use crate::support::elf;
    let layer = Layer::new()
        .file_mode("opt/one", elf(183, "one"), 0o755)
        .file_mode("opt/two", elf(183, "two"), 0o755)
        .file_mode("opt/three", elf(62, "three"), 0o755)
        .file_mode("opt/linux-arm64/four", elf(183, "four"), 0o755);
    let checked = check_child(&app().layer(layer));
    let finding = checked.finding("architecture-mismatch");
    assert_eq!((&finding["severity"], &finding["evidence"]["files"]), (&"medium".into(), &"2".into()));
    assert_eq!(finding["evidence"]["paths"], "/opt/one /opt/two");
    // What the base has is the base's, whatever the config says.
    let fitting = check_child(&app().layer(Layer::new().file("opt/x", elf(62, "x"))));
    assert_eq!(told(&fitting), set([]));
    let foreign = Image::new().user("1").platform("linux", "arm64", "v8");
    let foreign = foreign.layer(Layer::new().file("usr/bin/ls", elf(62, "ls")));
    let checked = crate::harness::check_bytes(foreign.oci_archive());
    assert_eq!(checked.failing(), set(["architecture-mismatch /usr/bin/ls"]));
    let deleted =
        app().layer(Layer::new().file("opt/x", elf(183, "x"))).layer(Layer::new().whiteout("opt/x"));
    let checked = check_child(&deleted);
    assert_eq!((checked.exit, &checked.finding("architecture-mismatch")["effective"]), (0, &false.into()));
}
