//! What a waiver accepts, and that it accepts nothing worse.

use serde_json::Value;

use crate::harness::{Checked, Room, check_with};
use crate::support::{Entry, Image, Layer, clean_app, elf, small_base};

/// The image, judged on its base, with waivers that accept findings of a rule for a scope.
fn check(image: &Image, rule: &str, scope: &str) -> Checked {
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let file = room.write("app.tar", image.oci_archive());
    let waiver = format!(
        "fail_on = \"low\"\n[[waivers]]\nrule = \"{rule}\"\n{scope}\nreason = \"seen\"\nowner = \"team\"\nexpires = \"2026-11-25\"\n"
    );
    let policy = room.write("policy.toml", waiver);
    check_with(&file, Some(&catalog), &["--policy", policy.to_str().unwrap(), "--at", "2026-11-25"])
}

/// What names the finding of a rule, as its report shows it.
fn shown(image: &Image, rule: &str) -> String {
    let checked = check(image, rule, "path = \"/none\"");
    let finding = checked.finding(rule);
    let content = match &finding["contentSha256"] {
        Value::Null => String::new(),
        sha256 => format!("sha256 = {sha256}"),
    };
    format!("fingerprint = {}\n{content}", finding["fingerprint"])
}

fn app() -> Image {
    clean_app(&small_base())
}

fn with(entry: Entry) -> Image {
    app().layer(Layer::new().entry(entry))
}

/// Version 2, effective, of these bits.
fn capability(bits: u8) -> Vec<u8> {
    let mut xattr = vec![1, 0, 0, 2];
    xattr.extend([bits, 0, 0, 0].iter().chain(&[0; 12]));
    xattr
}

#[test]
fn a_fingerprint_is_of_what_was_seen_and_of_nothing_worse() {
    let capable =
        |bits| with(Entry::file("opt/a", "a").mode(0o755).xattr("security.capability", capability(bits)));
    let sudo =
        |rule: &str| app().layer(Layer::new().file("opt/rules", rule).symlink("etc/sudoers", "/opt/rules"));
    let files = || Entry::file("opt/a", "a").mode(0o4755);
    for (rule, seen, worse) in [
        ("file-capability", capable(2), capable(2 | 1 << 7)),
        ("setuid-file", with(files().owner(1000, 1000)), with(files())),
        (
            "device-node",
            with(Entry::char_device("opt/null", 1, 3)),
            with(Entry::block_device("opt/null", 8, 0)),
        ),
        ("base-file-modified", with(Entry::symlink("bin", "/usr/bin")), with(Entry::symlink("bin", "/opt"))),
        (
            "sudo-nopasswd",
            sudo("app ALL=(root) NOPASSWD: /opt/restart\n"),
            sudo("app ALL=(ALL) NOPASSWD: ALL\n"),
        ),
        ("secret-env", app().env("DB1_PASSWORD=aPgh7s3k"), app().env("DB2_PASSWORD=aPgh7s3k")),
        ("port-privileged", app().exposed_port("80/tcp"), app().exposed_port("22/tcp")),
        ("path-env-unsafe", app().env("PATH=node_modules/.bin:/usr/bin"), app().env("PATH=x:/usr/bin")),
    ] {
        let scope = shown(&seen, rule);
        assert_eq!(check(&seen, rule, &scope).outcome(rule), "waived", "{rule}");
        assert_eq!(check(&worse, rule, &scope).outcome(rule), "fail", "{rule}");
    }
}

/// What is accepted is so after the next build too, when there is more of it.
#[test]
fn a_fingerprint_survives_what_changes_with_each_build() {
    let rule = "package-cache-left";
    let cached = |bytes: usize| app().layer(Layer::new().file("var/cache/apt/pkgcache.bin", vec![7; bytes]));
    let scope = shown(&cached(1 << 20), rule);
    assert_eq!(check(&cached(2 << 20), rule, &scope).outcome(rule), "waived", "{scope}");
}

#[test]
fn a_waiver_by_layer_is_for_what_that_layer_did_alone() {
    let foreign = elf(183, "x");
    let accepted = Layer::new().file("a/one", &foreign).file("a/two", &foreign);
    let scope = format!("layer = \"{}\"", accepted.diff_id());
    let rule = "architecture-mismatch";
    let (one, both) =
        (app().layer(accepted.clone()), app().layer(accepted).layer(Layer::new().file("b/evil", &foreign)));
    assert_eq!(check(&one, rule, &scope).outcome(rule), "waived");
    assert_eq!(check(&both, rule, &scope).outcome(rule), "fail");
    assert_eq!(check(&both, rule, "path = \"/**\"").outcome(rule), "waived");
}
