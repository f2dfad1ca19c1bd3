//! A good image that hides an evil one in the same archive: each of these was loaded as the evil one
//! by docker, podman or skopeo.

use crate::harness::{Checked, Room, check_path};
use crate::support::{
    Entry, Image, Layer, Member, files_to_tar, members_to_tar, pax_record, read_members, tar_members,
};

fn good() -> Image {
    Image::new().layer(Layer::new().file("app", "one")).user("1000").name("example.com/good:1")
}

fn evil() -> Image {
    Image::new().layer(Layer::new().file_mode("evil", "x", 0o4755)).user("0").name("example.com/evil:1")
}

/// The members of both: a good layout, and the evil docker archive but for its `manifest.json`.
fn both() -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let mut members = tar_members(&good().oci_archive());
    let (manifest, evil): (Vec<_>, Vec<_>) = tar_members(&evil().docker_archive_podman())
        .into_iter()
        .partition(|(name, _)| name == "manifest.json");
    members.extend(evil.into_iter().filter(|(name, _)| name != "repositories"));
    (members, manifest.into_iter().next().unwrap().1)
}

fn check(archive: impl AsRef<[u8]>) -> Checked {
    let room = Room::new();
    check_path(&room.write("image.tar", archive), None)
}

fn assert_refused(archive: impl AsRef<[u8]>, words: &str) {
    let checked = check(archive);
    assert!(
        checked.exit == 2 && checked.stderr.contains(words),
        "{words}: {} {}",
        checked.exit,
        checked.stderr
    );
}

/// An archive of these members with one more, whose header is spoilt.
fn with_entry(members: Vec<(String, Vec<u8>)>, entry: Entry) -> Vec<u8> {
    let mut archive = files_to_tar(members);
    archive.truncate(archive.len() - 1024);
    entry.write_to(&mut archive);
    archive.extend([0; 1024]);
    archive
}

#[test]
fn a_name_that_pax_gives_twice_is_refused() {
    let (members, manifest) = both();
    let entry = Entry::file("x", manifest).pax("path", "decoy.txt").pax("path", "manifest.json");
    assert_refused(with_entry(members, entry), "two values for its name");
}

#[test]
fn a_line_feed_in_a_pax_value_hides_no_name() {
    let (members, manifest) = both();
    let value = [b"x\n".to_vec(), pax_record(b"path", b"decoy.txt")].concat();
    let checked = check(with_entry(members, Entry::file("manifest.json", manifest).pax("comment", value)));
    assert!(checked.failing().contains("user-root"), "{:?}", checked.failing());
}

#[test]
fn a_deciding_document_must_be_a_file() {
    let (members, manifest) = both();
    for target in ["/evil.json", "e/evil.json", "evil.json"] {
        let mut all: Vec<_> =
            members.iter().cloned().map(|(name, bytes)| (name, Member::File(bytes))).collect();
        all.push(("evil.json".into(), Member::File(manifest.clone())));
        all.push(("d/evil.json".into(), Member::File(manifest.clone())));
        all.push(("e".into(), Member::Symlink("d".into())));
        all.push(("manifest.json".into(), Member::Symlink(target.into())));
        assert_refused(members_to_tar(all), "manifest.json is no regular file");
    }
    let mut all: Vec<_> = members.into_iter().map(|(name, bytes)| (name, Member::File(bytes))).collect();
    all.push(("manifest.json".into(), Member::File(manifest)));
    all.push(("manifest.json".into(), Member::Dir));
    assert_refused(members_to_tar(all), "manifest.json is no regular file");
}

#[test]
fn a_blob_behind_a_link_to_a_directory_is_not_absent() {
    let layout = crate::support::Layout::new().image(&good()).image(&evil());
    let hidden = format!("blobs/sha256/{}", &evil().manifest_digest()[7..]);
    let mut members = read_members(&layout.archive());
    let at = members.iter().position(|(name, _)| *name == hidden).unwrap();
    let (_, blob) = members.remove(at);
    members.push(("real/m".into(), blob));
    members.push(("alias".into(), Member::Symlink("real".into())));
    members.push((hidden, Member::Symlink("../../alias/m".into())));
    assert_refused(members_to_tar(members), "behind a link to a directory");
}

#[test]
fn repositories_beside_a_layout_are_judged() {
    let mut members = tar_members(&good().oci_archive());
    members.extend(tar_members(&evil().docker_archive_repositories_only()));
    let checked = check(files_to_tar(members));
    assert!(checked.failing().contains("user-root"), "{:?}", checked.failing());
}

#[test]
fn many_members_without_bytes_are_no_fault() {
    let mut all: Vec<_> = (0..3000).map(|number| (format!("d{number}/"), Member::Dir)).collect();
    all.extend(read_members(&good().oci_archive()));
    assert_eq!(check(members_to_tar(all)).exit, 0);
}

/// To Go it is a directory, and its bytes are the next members.
#[test]
fn a_file_named_as_a_directory_is_refused() {
    let (members, manifest) = both();
    let hidden = files_to_tar([("manifest.json", manifest)]);
    for kind in [0, b'0'] {
        let entry = Entry::file("x/", hidden.clone()).kind(kind);
        assert_refused(with_entry(members.clone(), entry), "named as a directory");
    }
}

/// Docker 20.10 and skopeo 1.9 load the evil image.
#[test]
fn a_name_that_only_go_reads_is_refused() {
    let (members, manifest) = both();
    let entry = || Entry::file("manifest.json", &manifest);
    assert_refused(with_entry(members.clone(), entry().pax("path", "")), "empty name");
    let mut long_name = files_to_tar(members.clone());
    long_name.truncate(long_name.len() - 1024);
    Entry::file("././@LongLink", "\0").kind(b'L').write_to(&mut long_name);
    entry().write_to(&mut long_name);
    assert_refused([long_name, vec![0; 1024]].concat(), "empty name");
    let mut forgotten = files_to_tar(members.clone());
    forgotten.truncate(forgotten.len() - 1024);
    Entry::file("././@LongLink", "decoy.txt\0").kind(b'L').write_to(&mut forgotten);
    Entry::file("pax_global_header", pax_record(b"comment", b"x")).kind(b'g').write_to(&mut forgotten);
    entry().write_to(&mut forgotten);
    assert_refused([forgotten, vec![0; 1024]].concat(), "before a global one");
    // Over the times of a GNU header Go once wrote the prefix of a name.
    for name in [".", "x"] {
        let entry = Entry::file(name, &manifest).patch(345, "manifest.json/y/..");
        assert_refused(with_entry(members.clone(), entry), "times that are none");
    }
    let times = Entry::file("notes", "x").patch(345, "14567654321\x0014567654321\0");
    assert_eq!(check(with_entry(tar_members(&good().oci_archive()), times)).exit, 0);
    let nameless = Entry::file("./", "").kind(b'2');
    assert_refused(with_entry(members, nameless), "the archive's root");
}

/// What a link leads to may be said twice too.
#[test]
fn a_target_that_only_go_reads_is_refused() {
    let layout = crate::support::Layout::new().image(&good()).image(&evil());
    let hidden = format!("blobs/sha256/{}", &evil().manifest_digest()[7..]);
    let (blob, mut members): (Vec<_>, Vec<_>) =
        tar_members(&layout.archive()).into_iter().partition(|(name, _)| *name == hidden);
    members.push(("blobs/sha256/real".into(), blob[0].1.clone()));
    let link = Entry::symlink(&hidden, "real");
    assert!(check(with_entry(members.clone(), link.clone())).failing().contains("user-root"));
    assert_refused(with_entry(members, link.pax("linkpath", "")), "empty name");
}
