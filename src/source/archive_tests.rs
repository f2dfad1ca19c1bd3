//! Limits of the outer archive's index.

use super::*;
use crate::error::ErrorKind;
use crate::limits::{ARCHIVE_LINK_HOPS, PATH_BYTES, PAX_BYTES};
use crate::read::build::{Tar, header, put};

fn index(tar: Tar) -> Result<ArchiveIndex> {
    ArchiveIndex::read(Section::of_bytes(tar.end()))
}

fn exceeds<T: std::fmt::Debug>(outcome: Result<T>, name: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

#[test]
fn members_are_held_to_archive_members_however_they_are_named() {
    let within = |tar: Tar, members| {
        ArchiveIndex::read_within(Section::of_bytes(tar.end()), Room::of(members, 1 << 20))
    };
    for name in [|number: usize| format!("f{number}"), |_| "f".to_owned(), |_| "d/".to_owned()] {
        let tar = || (0..5).fold(Tar::new(), |tar, number| tar.file(&name(number), ""));
        assert!(within(tar(), 5).is_ok());
        exceeds(within(tar(), 4), "ARCHIVE_MEMBERS");
    }
    assert_eq!(Room::default().members, (0, crate::limits::ARCHIVE_MEMBERS));
}

#[test]
fn names_and_links_are_held_to_archive_name_bytes_together() {
    let tar = || Tar::new().file("12345", "").link("678", b'2', "12345").link("9", b'2', "678");
    let within = |bytes| ArchiveIndex::read_within(Section::of_bytes(tar().end()), Room::of(9, bytes));
    assert_eq!(within(17).unwrap().members.len(), 3);
    exceeds(within(16), "ARCHIVE_NAME_BYTES");
    assert_eq!(Room::default().name_bytes, (0, crate::limits::ARCHIVE_NAME_BYTES));
}

#[test]
fn a_name_and_a_link_are_held_to_path_bytes() {
    let forms: [fn(&str) -> Tar; 4] = [
        |text| Tar::new().long(b'L', text).file("f", ""),
        |text| Tar::new().pax(b'x', &[("path", text.as_bytes())]).file("f", ""),
        |text| Tar::new().long(b'K', text).link("l", b'2', ""),
        |text| Tar::new().pax(b'x', &[("linkpath", text.as_bytes())]).link("l", b'2', ""),
    ];
    for form in forms {
        assert_eq!(index(form(&"a".repeat(PATH_BYTES))).unwrap().members.len(), 1);
        exceeds(index(form(&"a".repeat(PATH_BYTES + 1))), "PATH_BYTES");
    }
}

#[test]
fn an_extended_header_of_the_archive_is_held_to_pax_bytes() {
    let most = PAX_BYTES as usize;
    for flag in [b'x', b'g', b'L', b'K'] {
        let whole = match flag {
            b'x' | b'g' => [b"1048576 comment=".to_vec(), vec![b'c'; most - 17], b"\n".to_vec()].concat(),
            _ => [b"name".to_vec(), vec![0; most - 4]].concat(),
        };
        assert_eq!(whole.len(), most);
        assert!(index(Tar::new().block(header("x", flag, most)).body(&whole).file("f", "")).is_ok());
        exceeds(
            index(Tar::new().block(header("x", flag, most + 1)).body(&[whole, vec![0]].concat())),
            "PAX_BYTES",
        );
    }
}

#[test]
fn links_between_members_are_held_to_archive_link_hops() {
    let chain = |links: usize| {
        let tar = Tar::new().file("l0", "content");
        let link =
            |tar: Tar, number: usize| tar.link(&format!("l{number}"), b'2', &format!("l{}", number - 1));
        (1..=links).fold(tar, link)
    };
    let get = |tar: Tar, name: &str| {
        let index = index(tar).unwrap();
        index.get(&ImagePath::new(name)).map(|found| found.map(|(section, _)| section.size()))
    };
    let last = format!("l{ARCHIVE_LINK_HOPS}");
    assert_eq!(get(chain(ARCHIVE_LINK_HOPS), &last).unwrap(), Some(7));
    exceeds(get(chain(ARCHIVE_LINK_HOPS + 1), &format!("l{}", ARCHIVE_LINK_HOPS + 1)), "ARCHIVE_LINK_HOPS");
    let circle = Tar::new().link("a", b'2', "b").link("b", b'2', "a");
    exceeds(get(circle, "a"), "ARCHIVE_LINK_HOPS");
}

#[test]
fn ways_that_only_some_readers_take_are_refused() {
    let refused = |tar: Tar, words: &str| {
        let error = index(tar).and_then(|index| index.get(&ImagePath::new("c")).map(|_| ())).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    let config = || Tar::new().file("c", "a config");
    // Who unpacks this writes the second over the first.
    refused(config().link("d", b'2', ".").file("d/c", "another"), "holds /d/c, and /d is no directory");
    refused(
        config().file("a/c", "").link("a", b'2', "b").file("b/c", ""),
        "holds /a/c, and /a is no directory",
    );
    refused(config().file("a", "").file("a/c", ""), "holds /a/c, and /a is no directory");
    refused(config().link("e", b'1', "a").file("e/c", ""), "holds /e/c, and /e is no directory");
    // `a` decides where `a/..` is.
    refused(Tar::new().link("a", b'2', "d/e").file("f", "").link("c", b'2', "a/../f"), "a way of its own");
    refused(config().link("d/s", b'2', "f").link("h", b'1', "d/s"), "a hard link to a symbolic one");
    // One reader takes the first, another the last.
    refused(config().file("c", "b config"), "holds /c twice");
    refused(config().file("c", "a config!"), "holds /c twice");
    refused(config().link("c", b'2', "x"), "holds /c twice");
    refused(config().block(header("manifest.json", b'g', 0)).file("x", ""), "the name of a document");
    let of_mode = |mode: &str, flag| {
        let mut block = header("x", flag, 0);
        put(&mut block, 100, mode.as_bytes());
        block
    };
    for (mode, flag) in
        [("0120644", b'0'), ("0040755", b'0'), ("0100644", b'5'), ("0120777", b'1'), ("0010644", b'0')]
    {
        refused(config().block(of_mode(mode, flag)), "whose mode says another type");
    }
}

#[test]
fn what_honest_writers_write_is_read() {
    let of_mode = |name: &str, mode: &str, flag| {
        let mut block = header(name, flag, 0);
        put(&mut block, 100, mode.as_bytes());
        block
    };
    let tar = Tar::new()
        .block(of_mode("b/", "0040755", b'5'))
        .file("b/layer.tar", "layer")
        .block(of_mode("b/VERSION", "0100644", b'0'))
        .link("a/layer.tar", b'2', "../b/layer.tar")
        // What sorts between a name and what is below it.
        .file("a-c", "")
        .file("a.c", "")
        // The same twice.
        .file("c", "a config")
        .file("c", "a config")
        .block(header("pax_global_header", b'g', 0))
        .link("h", b'1', "c");
    let index = index(tar).unwrap();
    let size = |name: &str| index.get(&ImagePath::new(name)).unwrap().map(|(section, _)| section.size());
    assert_eq!([size("a/layer.tar"), size("c"), size("h"), size("x")], [Some(5), Some(8), Some(8), None]);
    assert_eq!(index.anomalies.as_slice().len(), 1);
}
