//! What a waiver accepts, and that it accepts nothing worse.

use serde_json::Value;

use crate::harness::{Checked, Room, check_with};
use crate::packages::child;
use crate::support::{
    Entry, Image, Layer, Manager, Package, clean_app, elf, newer_sed, other, sed, small_base,
};

/// The image, judged on its base, with waivers that accept findings of a rule for a scope.
fn check(image: &Image, rule: &str, scope: &str) -> Checked {
    check_on(&small_base(), image, rule, scope)
}

fn check_on(base: &Image, image: &Image, rule: &str, scope: &str) -> Checked {
    let room = Room::new();
    let catalog = room.catalog(&[base]);
    let file = room.write("app.tar", image.oci_archive());
    let waiver = format!(
        "fail_on = \"low\"\n[[waivers]]\nrule = \"{rule}\"\n{scope}\nreason = \"seen\"\nowner = \"team\"\nexpires = \"2026-11-25\"\n"
    );
    let policy = room.write("policy.toml", waiver);
    check_with(&file, Some(&catalog), &["--policy", policy.to_str().unwrap(), "--at", "2026-11-25"])
}

/// What names the finding of a rule, as its report shows it.
fn shown(image: &Image, rule: &str) -> String {
    scope_of(check(image, rule, "path = \"/none\"").finding(rule))
}

fn scope_of(finding: &Value) -> String {
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
    // The end of a long line is not shown.
    let long = format!("app ALL=(ALL) NOPASSWD: /opt/{}", "a".repeat(300));
    let two_programs =
        |second: &str| app().layer(Layer::new().file("a/one", elf(183, "x")).file("a/two", elf(183, second)));
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
        ("sudo-nopasswd", sudo(&format!("{long}\n")), sudo(&format!("{long}, ALL\n"))),
        (
            "base-file-replaced",
            with(Entry::symlink("usr/bin/ls", "/none")),
            with(Entry::symlink("usr/bin/ls", "/x")),
        ),
        ("architecture-mismatch", two_programs("x"), two_programs("y")),
        ("secret-env", app().env("DB1_PASSWORD=aPgh7s3k"), app().env("DB2_PASSWORD=aPgh7s3k")),
        ("port-privileged", app().exposed_port("80/tcp"), app().exposed_port("22/tcp")),
        ("path-env-unsafe", app().env("PATH=node_modules/.bin:/usr/bin"), app().env("PATH=x:/usr/bin")),
    ] {
        let scope = shown(&seen, rule);
        assert_eq!(check(&seen, rule, &scope).outcome(rule), "waived", "{rule}");
        assert_eq!(check(&worse, rule, &scope).outcome(rule), "fail", "{rule}");
    }
}

/// What a symlink leads to is what is accepted.
#[test]
fn a_fingerprint_alone_is_not_enough_behind_a_symlink() {
    let rule = "sudo-nopasswd";
    let rules = "app ALL=(root) NOPASSWD: /opt/restart\n";
    let image = app().layer(Layer::new().file("opt/rules", rules).symlink("etc/sudoers", "/opt/rules"));
    let scope = shown(&image, rule);
    let (fingerprint, sha256) = scope.split_once('\n').unwrap();
    assert_eq!(sha256.trim(), format!("sha256 = \"{}\"", crate::support::sha256_hex(rules.as_bytes())));
    assert_eq!(check(&image, rule, fingerprint).outcome(rule), "fail");
}

/// A package's upgrade has no path, and is accepted with all that it brought.
#[test]
fn an_accepted_upgrade_is_no_other_upgrade() {
    let rule = "base-package-changed";
    let base = Manager::Dpkg.base(&[&sed(), &other()]);
    let upgraded = |to: &Package| {
        let layer = to.unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8");
        child(&base, Manager::Dpkg.database(layer, &[to, &other()], &[to]))
    };
    let seen = upgraded(&newer_sed());
    let scope = scope_of(check_on(&base, &seen, rule, "path = \"/none\"").finding(rule));
    let outcome = |image: &Image, scope: &str| check_on(&base, image, rule, scope).outcome(rule).to_owned();
    assert_eq!(outcome(&seen, &scope), "waived", "{scope}");
    // Built anew, in another layer.
    let again = app_on(&base, &newer_sed());
    assert_eq!(outcome(&again, &scope), "waived", "{scope}");
    assert_eq!(outcome(&seen, scope.lines().next().unwrap()), "fail", "a fingerprint alone");
    let mut forged = newer_sed();
    forged.files = vec![("usr/bin/sed", "evil"), ("usr/lib/libsed.so.9", "9")];
    let mut linked = newer_sed();
    linked.links = vec![("usr/lib/libsed.so", "../bin/sed")];
    for other in [forged, linked, Package { version: "4.99-r0", ..newer_sed() }] {
        let image = upgraded(&other);
        assert_eq!(outcome(&image, &scope), "fail", "{} {:?}", other.version, other.files);
    }
}

/// The same upgrade, by a layer with more in it.
fn app_on(base: &Image, to: &Package) -> Image {
    let layer = to.unpacked(Layer::new()).whiteout("usr/share/sed").whiteout("usr/lib/libsed.so.8");
    let layer = layer.dir("srv/", 0o755).file("srv/data", "new");
    child(base, Manager::Dpkg.database(layer, &[to, &other()], &[to]))
}

/// A service shows by more words than are told; who accepts it accepts them all and no further ones.
#[test]
fn words_that_are_not_told_are_accepted_as_they_are() {
    let room = Room::new();
    let policy = room.write("p.toml", "[services.s]\narguments = [\"-x*\"]\n[environments.e]\n");
    let fingerprint = |last: &str| {
        let words: Vec<String> =
            (10..22).map(|number| format!("-x{number}")).chain([last.to_owned()]).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let file = room.write("app.tar", app().cmd(&words).oci_archive());
        let checked = check_with(&file, None, &["--policy", policy.to_str().unwrap(), "--env", "e"]);
        checked.finding("service-not-allowed")["fingerprint"].clone()
    };
    assert_eq!(fingerprint("-x98"), fingerprint("-x98"));
    assert_ne!(fingerprint("-x98"), fingerprint("-x99"));
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
