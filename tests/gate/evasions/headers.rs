//! What a tar's headers say, and how.

use super::{CAP_NET_RAW, app, assert_failing, with};
use crate::harness::check_child;
use crate::secrets::github;
use crate::support::{Entry, Layer, SparseFormat, XattrStyle};

/// Where a header has the mode, and the size.
const MODE: usize = 100;
const SIZE: usize = 124;

fn with_entry(entry: Entry) -> crate::harness::Checked {
    with(Layer::new().entry(entry))
}

#[test]
fn a_mode_is_read_in_every_spelling() {
    for (set_uid, plain) in [
        (*b"\x80\0\0\0\0\0\x09\xed", *b"\x80\0\0\0\0\0\x01\xed"),
        (*b"   4755\0", *b"   0755\0"),
        (*b"4755\0\0\0\0", *b"0755\0\0\0\0"),
        (*b"0104755\0", *b"0100755\0"),
        (*b"04755\x0099", *b"00755\x0099"),
    ] {
        let file = |mode| with_entry(Entry::file("opt/tool", "x").patch(MODE, mode));
        assert_failing(&file(set_uid), ["setuid-file /opt/tool"]);
        assert_failing(&file(plain), []);
    }
}

#[test]
fn numbers_that_are_none_are_no_layer() {
    for (field, bytes) in
        [(MODE, &b"000475x\0"[..]), (MODE, b"-004755\0"), (SIZE, b"00000000009\0"), (SIZE, &[0xff; 12])]
    {
        let checked = with_entry(Entry::file("opt/tool", "x").patch(field, bytes));
        assert_eq!((checked.exit, checked.outcome("layer-unsupported")), (2, "fail"), "{bytes:x?}");
        assert_eq!(checked.outcome("setuid-file"), "not-evaluated", "{bytes:x?}");
    }
}

#[test]
fn a_name_ends_at_its_first_nul() {
    let tool = Entry::file("opt/tool", "x").mode(0o4755);
    assert_failing(&with_entry(tool.clone().patch(8, b"\0/readme")), ["setuid-file /opt/tool"]);
    let checked = with_entry(tool.pax("path", "opt/readme\0tool"));
    assert_eq!((checked.exit, checked.outcome("layer-unsupported")), (2, "fail"));
}

#[test]
fn a_sparse_file_hides_neither_content_nor_name() {
    let secret = github();
    for format in SparseFormat::ALL {
        let file =
            |path: &str, content: &[u8]| with_entry(Entry::sparse(path, 9_000, &[(5_000, content)], format));
        assert_failing(&file("srv/data", secret.as_bytes()), ["secret-file /srv/data"]);
        assert_failing(&file("srv/data", b"nothing of value"), []);
        assert_failing(
            &file("usr/bin/ls", b"evil"),
            ["base-file-modified /usr/bin/ls", "base-metadata-changed /usr/bin/ls"],
        );
    }
    let tool = Entry::sparse("srv/tool", 9_000, &[(5_000, b"x")], SparseFormat::Pax10);
    assert_failing(&with_entry(tool.mode(0o4755)), ["setuid-file /srv/tool"]);
}

#[test]
fn a_long_name_before_a_global_header_is_a_name_too() {
    let mut long_name = Vec::new();
    Entry::file("././@LongLink", "usr/bin/ls\0").kind(b'L').write_to(&mut long_name);
    let comment = || [("comment", "x")];
    let hidden = Layer::new().raw(&long_name).pax_global(comment()).file("opt/x", "evil");
    let failing = with(hidden).failing();
    assert!(failing.contains("base-file-modified /usr/bin/ls"), "{failing:?}");
    assert!(failing.contains("ambiguous-header"), "{failing:?}");
    assert_failing(&with(Layer::new().pax_global(comment()).file("opt/x", "evil")), []);
}

#[test]
fn a_capability_is_found_in_every_notation() {
    let file = || Entry::file("opt/ping", "x").mode(0o755);
    let base64 = "AQAAAgAgAAAAAAAAAAAAAAAAAAA";
    let name = "security.capability";
    for entry in [
        file().pax("LIBARCHIVE.xattr.security%2Ecapability", base64),
        file().pax("LIBARCHIVE.xattr.security.capability", format!("{base64}=")),
    ] {
        let failing = with_entry(entry).failing();
        assert!(failing.contains("file-capability /opt/ping"), "{failing:?}");
    }
    // A value and none: which of the two counts differs, and so it is told.
    for doubtful in [
        file().xattr(name, CAP_NET_RAW).xattr(name, ""),
        file().xattr_as(XattrStyle::Libarchive, name, CAP_NET_RAW).xattr(name, ""),
    ] {
        assert_failing(&with_entry(doubtful), ["ambiguous-header /opt/ping"]);
    }
    let harmless = file().pax("LIBARCHIVE.xattr.user%2Ecapability", base64);
    assert_failing(&with_entry(harmless), []);
}

#[test]
fn a_capability_of_a_global_header_is_every_files() {
    let value = "\u{1}\0\0\u{2}\0\u{20}\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let layer = |key| Layer::new().pax_global([(key, value)]).file("opt/ping", "x");
    let failing = with(layer("SCHILY.xattr.security.capability")).failing();
    assert!(failing.contains("file-capability /opt/ping"), "{failing:?}");
    assert_failing(&with(layer("SCHILY.note")), []);
}

#[test]
fn files_of_odd_types_are_files() {
    for kind in [b'7', b'Z', b'V'] {
        let failing = with_entry(Entry::file("opt/tool", "x").mode(0o4755).kind(kind)).failing();
        assert!(failing.contains("setuid-file /opt/tool"), "{kind}: {failing:?}");
    }
    assert_failing(&with_entry(Entry::file("opt/tool", "x").mode(0o4755).kind(0)), ["setuid-file /opt/tool"]);
}

#[test]
fn content_behind_a_link_is_told() {
    // Go passes it over; who reads it sees a member more.
    let mut inner = Vec::new();
    Entry::file("opt/tool", "x").mode(0o4755).write_to(&mut inner);
    let hidden = with_entry(Entry::symlink("opt/link", "a").data(&inner)).failing();
    assert!(hidden.contains("ambiguous-header /opt/link"), "{hidden:?}");
    assert_failing(&with_entry(Entry::symlink("opt/link", "a")), []);
}

#[test]
fn a_second_tar_behind_the_first_is_told() {
    let second = Layer::new().file_mode("opt/tool", "x", 0o4755).tar();
    let checked = with(Layer::new().file("opt/x", "x").trailing(&second));
    assert_failing(&checked, ["trailing-data"]);
    assert_eq!(checked.finding("trailing-data")["evidence"]["tarHeader"], "true");
    let image = app().layer(Layer::new().file("opt/x", "x")).edit_layer(4, |layer| {
        let members = [&layer.tar[..], &second].map(|tar| crate::support::Compression::Gzip(6).compress(tar));
        layer.blob = members.concat();
        layer.tar = [&layer.tar[..], &second].concat();
        layer.diff_id = crate::support::digest(&layer.tar);
    });
    assert_failing(&check_child(&image), ["trailing-data"]);
}
