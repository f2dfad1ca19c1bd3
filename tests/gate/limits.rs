//! Limits that end in a rule which is not evaluated: the program as a whole is run just within and just
//! beyond them.

use crate::harness::{Room, check_bytes, check_with};
use crate::support::{Image, Layer};

/// As in `src/limits.rs`.
const FURTHER_READS: usize = 4;
const INCLUDED_FILES: usize = 4_096;
const SUDOERS_BYTES: usize = 16 << 20;

/// What comes of a rule for an image of one layer: its outcome, the exit status, and the report's text.
fn judged(layer: Layer, rule: &str) -> (String, i32, String) {
    let checked = check_bytes(Image::new().user("1000").layer(layer).oci_archive());
    (checked.outcome(rule).to_owned(), checked.exit, checked.report.to_string())
}

#[test]
fn sudoers_that_name_others_are_read_further_reads_times() {
    let chain = |files: usize| {
        let layer = Layer::new().file("etc/sudoers", "@include /srv/1\n");
        (1..=files).fold(layer, |layer, number| {
            let next =
                if number == files { String::new() } else { format!("@include /srv/{}\n", number + 1) };
            layer.file(format!("srv/{number}"), next)
        })
    };
    assert_eq!(judged(chain(FURTHER_READS), "sudo-nopasswd").0, "pass");
    let (outcome, exit, report) = judged(chain(FURTHER_READS + 1), "sudo-nopasswd");
    assert_eq!((outcome.as_str(), exit), ("not-evaluated", 2));
    assert!(report.contains("exceeds the limit FURTHER_READS (4)"), "{report}");
}

#[test]
fn sudoers_may_include_included_files_and_no_more() {
    let includes = |count: usize| {
        let lines: String = (0..count).map(|number| format!("@include /srv/{number}\n")).collect();
        Layer::new().file("etc/sudoers", lines)
    };
    assert_eq!(judged(includes(INCLUDED_FILES), "sudo-nopasswd").0, "pass");
    let (outcome, exit, report) = judged(includes(INCLUDED_FILES + 1), "sudo-nopasswd");
    assert_eq!((outcome.as_str(), exit), ("not-evaluated", 2));
    assert!(report.contains("INCLUDED_FILES"), "{report}");
}

#[test]
fn files_of_sudo_and_doas_are_held_to_sudoers_bytes() {
    let first = "@includedir /etc/sudoers.d\n";
    let files = |bytes: usize| {
        let rest = bytes - first.len() - 2;
        Layer::new()
            .file("etc/sudoers", first)
            .file("etc/sudoers.d/x", format!("#{}", "x".repeat(rest)))
            .file("etc/doas.conf", "#")
    };
    assert_eq!(judged(files(SUDOERS_BYTES), "sudo-nopasswd").0, "pass");
    let (outcome, exit, report) = judged(files(SUDOERS_BYTES + 1), "sudo-nopasswd");
    assert_eq!((outcome.as_str(), exit), ("not-evaluated", 2));
    assert!(report.contains("SUDOERS_BYTES"), "{report}");
}

/// A limit that the policy sets ends in exit status 2 and its name, and one byte more is read whole.
#[test]
fn limits_of_the_policy_hold_to_the_byte() {
    let image = Image::new().user("1000").layer(Layer::new().file("f", "x".repeat(100_000)));
    let size = image.layers().map(|layer| layer.tar.len()).sum::<usize>();
    let room = Room::new();
    let archive = room.write("image.tar", image.oci_archive());
    let with = |limit: usize| {
        let policy = room.write("policy.toml", format!("[limits]\nlayer_bytes = {limit}\n"));
        let checked = check_with(&archive, None, &["--policy", policy.to_str().unwrap()]);
        (checked.outcome("layer-unsupported").to_owned(), checked.exit, checked.report.to_string())
    };
    assert_eq!(with(size).0, "pass");
    let (outcome, exit, report) = with(size - 1);
    assert_eq!((outcome.as_str(), exit), ("fail", 2));
    assert!(report.contains(&format!("exceeds the limit layer_bytes ({})", size - 1)), "{report}");
}
