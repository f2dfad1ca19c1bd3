//! Files that change while they are read: what is judged is what was hashed, or it is an error.

use super::room::support::{Compression, Image, Layer};
use super::room::{Room, archives, check, engine, found, image, is_error, tells_integrity, told};
use crate::engine::Checked;
use crate::host::fault::{Change, Faults, Kind};

/// Another number for the user in accounts that are not compressed.
fn another_user(bytes: &mut [u8]) {
    let place = bytes.windows(9).position(|window| window == b"1000:1000");
    if let Some(place) = place {
        bytes[place..place + 9].copy_from_slice(b"0000:0000");
    }
}

fn first_byte(bytes: &mut [u8]) {
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
}

fn last_byte(bytes: &mut [u8]) {
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 0x80;
    }
}

fn all_bytes(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
}

fn no_bytes(bytes: &mut [u8]) {
    bytes.fill(0);
}

/// The accounts are behind a symlink, and in a layer that is not compressed.
fn plain() -> Image {
    image().recompressed(Compression::None)
}

/// Lets the file change at each call; how often the second read noticed.
fn changed_at_each_call(name: &str, kind: &Kind, run: impl Fn() -> Checked + Sync) -> usize {
    let counted = Faults::new(Kind::Nothing, 0);
    let sound = counted.within(1, &run);
    let mut noticed = 0;
    for call in 0..counted.calls() {
        let checked = Faults::new(kind.clone(), call).within(1, &run);
        let same = told(&checked) == told(&sound) && checked.errors.is_empty();
        let place = format!("{name}, {kind:?} at call {call}");
        assert!(same || tells_integrity(&checked), "{place}: {:?} {}", checked.errors, told(&checked));
        noticed +=
            usize::from(checked.errors.iter().any(|error| error.to_string().contains("changed while")));
    }
    noticed
}

#[test]
fn a_file_rewritten_while_it_is_read_is_judged_by_what_was_hashed() {
    let (room, engine) = (Room::new(), engine());
    let layout = room.path("layout");
    plain().oci_dir(&layout);
    let mut paths = vec![("layout", layout)];
    for (name, archive) in archives(&plain()).into_iter().chain(archives(&image())) {
        // No digest covers the layers of that: other bytes are another image.
        if name == "v1" {
            continue;
        }
        paths.push((name, room.write(&format!("{name}-{}", paths.len()), archive)));
    }
    let changes: [Change; 5] = [another_user, first_byte, last_byte, all_bytes, no_bytes];
    let mut noticed = [0; 5];
    for (name, path) in &paths {
        for (change, noticed) in changes.iter().zip(&mut noticed) {
            *noticed += changed_at_each_call(name, &Kind::Rewritten(*change), || check(&engine, path));
        }
    }
    // Where only the second read saw another user, the image would run as root for all that it said.
    assert!(noticed[0] >= 4, "{noticed:?}");
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_an_error() {
    let (room, engine) = (Room::new(), engine());
    for (name, archive) in archives(&image()) {
        let path = room.write(name, archive);
        let run = || check(&engine, &path);
        let counted = Faults::new(Kind::Nothing, 0);
        let sound = counted.within(1, run);
        for call in 0..counted.calls() {
            let checked = Faults::new(Kind::Ended, call).within(1, run);
            // A stream that was read to its end ends again.
            let same = told(&checked) == told(&sound) && checked.errors.is_empty();
            assert!(same || is_error(&checked), "{name} at call {call}: {}", told(&checked));
            assert!(!same || call > 0, "{name}");
        }
    }
}

#[test]
fn what_is_added_to_a_file_meanwhile_is_not_read() {
    let (room, engine) = (Room::new(), engine());
    let image = Image::new().layer(Layer::new().file("a", "x")).user("1000");
    let path = room.write("image.tar", image.oci_archive());
    let sound = found(&check(&engine, &path));
    // The size is that of when it was opened: here, long before it is read.
    let file = crate::read::OpenFile::new(std::fs::File::open(&path).unwrap()).unwrap();
    let archive = crate::read::Section::whole(std::sync::Arc::new(file));
    std::fs::write(&path, [image.oci_archive(), b"more".repeat(1_000)].concat()).unwrap();
    let source = crate::source::from_section(archive, &engine.policy.limits).unwrap();
    assert!(source.anomalies.is_empty() && source.errors.is_empty() && source.images.len() == 1);
    assert_ne!(found(&check(&engine, &path)), sound, "opened anew, all of it is read");
}
