//! Lists of images, completions, manual pages, and the version.

use std::io::Write as _;
use std::process::Stdio;

use crate::harness::{Room, command, run, set, text};
use crate::support::{Image, Layer};

fn clean() -> Vec<u8> {
    Image::new().layer(Layer::new().file("x", "x")).user("1").oci_archive()
}

fn verdicts(output: &std::process::Output) -> Vec<String> {
    text(&output.stdout)
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn images_come_from_a_list_too() {
    let room = Room::new();
    let [one, two] = ["one.tar", "two.tar"].map(|name| room.write(name, clean()).display().to_string());
    let list = room.write("list", format!("{one}\r\n\n{two}\n"));
    let output = command().arg(&one).arg("--images-from").arg(&list).arg("-q").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(verdicts(&output), [format!("PASS {one}"), format!("PASS {one}"), format!("PASS {two}")]);
    let mut child = command()
        .args(["--images-from", "-", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{two}\nnowhere.tar").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(verdicts(&output), [format!("PASS {two}"), "ERROR nowhere.tar:".to_owned()]);
}

#[test]
fn a_list_that_is_none_is_said() {
    let room = Room::new();
    let empty = room.write("empty", "\n");
    let image = room.write("image.tar", clean());
    for (arguments, why) in [
        (vec!["--images-from", empty.to_str().unwrap()], "lists no image"),
        (vec!["--images-from", "nowhere"], "cannot be read"),
        (vec!["-", "--images-from", "-"], "not both"),
        (vec![image.to_str().unwrap(), "--images-from", image.to_str().unwrap()], "cannot be"),
        (vec![], "required"),
    ] {
        let output = command().args(&arguments).stdin(Stdio::null()).output().unwrap();
        let told = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && (told.contains(why) || why == "cannot be"),
            "{arguments:?}: {told}"
        );
    }
}

/// Editors on Windows begin a file with a mark of their own.
#[test]
fn a_list_may_begin_with_a_byte_order_mark() {
    let room = Room::new();
    let image = room.write("image.tar", clean()).display().to_string();
    let list = room.write("list", format!("\u{feff}{image}\r\n"));
    let output = command().arg("--images-from").arg(&list).arg("-q").output().unwrap();
    assert_eq!((output.status.code(), verdicts(&output)), (Some(0), vec![format!("PASS {image}")]));
    let utf16: Vec<u8> = image.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let list = room.write("list", [&[0xff, 0xfe][..], &utf16].concat());
    let told = text(&command().arg("--images-from").arg(&list).output().unwrap().stderr);
    assert!(told.contains("list is no text in UTF-8") && told.contains("hint: save it as UTF-8"), "{told}");
}

#[test]
fn what_is_wrong_with_an_argument_says_what_is_wanted() {
    let room = Room::new();
    let image = room.write("image.tar", clean()).display().to_string();
    let empty = room.write("empty.json", "\n").display().to_string();
    for (arguments, why, wanted) in [
        (["--bases", "/dev/null"], "/dev/null is empty, and no catalog", "`ocicheck base add` makes one"),
        (["--bases", &empty], "empty.json is empty, and no catalog", "`ocicheck base add` makes one"),
        (["--policy-sha256", "zz"], "'zz' for '--policy-sha256", "64 hexadecimal digits, as `sha256sum"),
        (["--policy-sha256", &"g".repeat(64)], "--policy-sha256", "64 hexadecimal digits, as `sha256sum"),
    ] {
        let output = run(&[&[image.as_str()], &arguments[..]].concat());
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(told.contains(why) && told.contains(wanted), "{arguments:?}: {told}");
    }
}

#[test]
fn completions_know_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        let script = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["inspect", "images-from", "policy-sha256", "deprecate"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let room = Room::new();
    let output = command().arg("man").arg(room.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pages = room.names();
    for page in ["ocicheck.1", "ocicheck-check.1", "ocicheck-base-add.1", "ocicheck-rules-explain.1"] {
        assert!(pages.contains(page), "{page}: {pages:?}");
    }
    let page = std::fs::read_to_string(room.path("ocicheck-check.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains("images\\-from"), "{page}");
    let nowhere = command().arg("man").arg(room.path("nowhere")).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn the_version_begins_as_that_of_the_package() {
    let told = text(&run(&["--version"]).stdout);
    assert!(told.starts_with(concat!("ocicheck ", env!("CARGO_PKG_VERSION"))), "{told}");
}

#[test]
fn a_list_is_not_overwritten() {
    let room = Room::new();
    let image = room.write("image.tar", clean()).display().to_string();
    let list = room.write("list.json", &image);
    let output = command().arg("--images-from").arg(&list).arg("-o").arg(&list).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&list).unwrap(), image);
    assert_eq!(room.names(), set(["image.tar", "list.json"]));
}
