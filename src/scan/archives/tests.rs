#![allow(clippy::indexing_slicing, reason = "test code, also in the helpers between the tests")]

use proptest::prelude::*;

use super::build::{Zip, ZipParts};
use super::zip::{REACH, Tail, names};
use super::*;
use crate::limits;
use crate::model::ImagePath;
use crate::scan::tar::Piece;

const SOME: usize = 1 << 20;

/// The names in a file of which the last `kept` bytes are kept.
fn names_in(file: &[u8], kept: usize) -> Result<Vec<Vec<u8>>, Gap> {
    let bytes = &file[file.len().saturating_sub(kept)..];
    let head = &file[..file.len().min(4)];
    let names = names(&Tail { bytes, head, size: file.len() as u64 }, SOME)?;
    let members = Members::from_bytes(names).expect("names that read back");
    Ok(members.names().map(<[u8]>::to_vec).collect())
}

fn read(file: &[u8]) -> Result<Vec<Vec<u8>>, Gap> {
    names_in(file, usize::MAX)
}

/// Through the probe, in pieces of that size.
fn probe(path: &str, file: &[u8], piece: usize) -> Archives {
    let mut probe = Probe::default();
    probe.start(&ImagePath::new(path), file.len() as u64);
    file.chunks(piece).for_each(|data| probe.feed(&Piece::Data(data)));
    probe.finish(7..=7);
    probe.into_archives()
}

fn shown(archives: &Archives) -> Vec<&[u8]> {
    archives.members.get(&7).into_iter().flat_map(Members::names).collect()
}

fn jar() -> Zip {
    Zip::jar(["A.class", "b/B.class"])
}

fn names_of_jar() -> Vec<Vec<u8>> {
    ["META-INF/MANIFEST.MF", "A.class", "b/B.class"].map(|name| name.as_bytes().to_vec()).to_vec()
}

/// The parts of an archive, one of them changed.
fn spoilt(zip: &Zip, spoil: impl FnOnce(&mut ZipParts)) -> Vec<u8> {
    let mut parts = zip.parts();
    spoil(&mut parts);
    parts.bytes()
}

#[test]
fn members_are_found_whatever_stands_around_them() {
    let ff = [0xff; 70_000];
    for (what, file) in [
        ("plain", jar().bytes()),
        ("comment", jar().comment("c").bytes()),
        ("longest comment", jar().comment(&ff[..65_535]).bytes()),
        ("prefix", jar().prefix("#!/bin/sh\nexec java -jar \"$0\"\n").bytes()),
        ("zip64", jar().zip64().bytes()),
        ("zip64 and comment", jar().zip64().comment("PK\x05\x06").bytes()),
        ("bytes behind the end", [jar().bytes(), vec![0; 9]].concat()),
        ("a line feed behind the end", jar().prefix("#!x\n").bytes().into_iter().chain(*b"\n").collect()),
        ("no count", spoilt(&jar(), |parts| parts.end[8..12].fill(0))),
        ("too large a count", spoilt(&jar(), |parts| parts.end[8..12].fill(0xee))),
        ("the offset does not count", spoilt(&jar().prefix([0; 9]), |parts| parts.end[16] -= 9)),
    ] {
        assert_eq!(read(&file), Ok(names_of_jar()), "{what}");
    }
}

#[test]
fn what_no_jvm_opens_has_no_members() {
    let end = b"PK\x05\x06";
    let empty = [&end[..], &[0; 18]].concat();
    for (what, file) in [
        ("nothing", Vec::new()),
        ("empty archive", empty.clone()),
        ("text", b"#!/bin/sh\necho PK\x05\x06\n".to_vec()),
        ("cut short", {
            let bytes = jar().bytes();
            bytes[..bytes.len() - 1].to_vec()
        }),
        ("cut within the directory", {
            let bytes = jar().bytes();
            bytes[..bytes.len() - 40].to_vec()
        }),
        ("only its start", jar().bytes()[..60].to_vec()),
        ("a header of another kind", spoilt(&jar(), |parts| parts.directory[3] ^= 1)),
        ("a name too long", spoilt(&jar(), |parts| parts.directory[28] = 0xff)),
        ("a directory too short", spoilt(&jar(), |parts| parts.end[12] -= 1)),
        ("a directory too long", spoilt(&jar(), |parts| parts.end[12..16].fill(0x7f))),
        ("an offset too large", spoilt(&jar(), |parts| parts.end[18] = 1)),
        (
            "junk in the directory",
            spoilt(&jar(), |parts| {
                parts.directory.extend([0; 8]);
                parts.end[12] += 8;
            }),
        ),
    ] {
        assert_eq!(read(&file), Ok(Vec::new()), "{what}");
    }
}

/// Directories have no bytes. One that has some is a class under a name that the JDK gives to who asks
/// for it without the slash.
#[test]
fn names_are_bytes_and_directories_none() {
    let long = [b'n'; 65_535];
    let zip = Zip::new()
        .member("d/", "")
        .member("deflated/", "\x03\0")
        .member("X.class/", "bytes")
        .member("nul\0.class", "")
        .member(b"cp437\x81\xff", "x")
        .member("", "x")
        .member("twice", "1")
        .member("twice", "2")
        .member(long, "x");
    let expected: [&[u8]; 6] = [b"X.class", b"nul\0.class", b"cp437\x81\xff", b"twice", b"twice", &long];
    assert_eq!(read(&zip.bytes()), Ok(expected.map(<[u8]>::to_vec).to_vec()));
}

#[test]
fn more_than_65535_members_are_all_seen() {
    let many = (0..70_000).fold(Zip::new(), |zip, number| zip.member(format!("c/{number}"), ""));
    for zip in [many.clone(), many.zip64()] {
        let file = zip.bytes();
        let found = read_all(&file);
        assert_eq!((found.len(), &*found[69_999]), (70_000, &b"c/69999"[..]));
    }
}

fn read_all(file: &[u8]) -> Vec<Vec<u8>> {
    names_in(file, usize::MAX).expect("no gap")
}

/// Of several records the last counts whose comment reaches the file's end, or that has a directory and a
/// member where it says.
#[test]
fn of_several_ends_that_of_the_jdk_counts() {
    let hidden = Zip::new().member("hidden", "x");
    let one = |name: &str| Ok(vec![name.as_bytes().to_vec()]);
    // An archive in the comment of another: both comments reach the end.
    let inner = Zip::new().member("inner", "x").bytes();
    assert_eq!(read(&hidden.clone().comment(&inner).bytes()), one("inner"));
    // A record in the comment whose own comment does not reach the end, and that leads nowhere.
    let lie = [&b"PK\x05\x06"[..], &[9; 18], b"more"].concat();
    assert_eq!(read(&hidden.clone().comment(&lie).bytes()), one("hidden"));
    // One that leads to a directory, but to no member.
    let mut parts = Zip::new().member("inner", "x").parts();
    parts.members[0] ^= 1;
    parts.end.push(b'x');
    parts.end[20] = 7;
    assert_eq!(read(&hidden.clone().comment(parts.bytes()).bytes()), one("hidden"));
    parts.members[0] ^= 1;
    assert_eq!(read(&hidden.comment(parts.bytes()).bytes()), one("inner"));
}

/// A ZIP64 record that contradicts the end record does not count, and one elsewhere does.
#[test]
fn a_zip64_record_counts_as_it_does_for_the_jdk() {
    let lying = spoilt(&jar().zip64(), |parts| {
        let (size, offset) = (parts.directory.len() as u32, parts.members.len() as u32);
        parts.end[8..12].copy_from_slice(&[4, 0, 4, 0]);
        parts.end[12..16].copy_from_slice(&(size - 1).to_le_bytes());
        parts.end[16..20].copy_from_slice(&offset.to_le_bytes());
    });
    assert_eq!(read(&lying), Ok(Vec::new()));
    for (offset, names) in [(u64::MAX, names_of_jar()), (1 << 63, Vec::new()), (1 << 40, Vec::new())] {
        let far = spoilt(&jar().zip64(), |parts| {
            parts.end_64[48..56].copy_from_slice(&offset.to_le_bytes());
        });
        assert_eq!(read(&far), Ok(names), "{offset}");
    }
    let other = Zip::new().member("other", "x").zip64();
    // The locator of the archive behind leads to the record of the one before.
    let before = other.parts();
    let at = before.prefix.len() + before.members.len() + before.directory.len();
    let file = spoilt(&jar().zip64().prefix(before.bytes()), |parts| {
        parts.end_64[64..72].copy_from_slice(&(at as u64).to_le_bytes());
    });
    assert_eq!(read(&file), Ok(vec![b"other".to_vec()]));
    for at in [u64::MAX, 1 << 40, 3] {
        let nowhere = spoilt(&jar().zip64(), |parts| {
            parts.end_64[64..72].copy_from_slice(&at.to_le_bytes());
        });
        // What the end record itself says: a directory of 4 GiB.
        assert_eq!(read(&nowhere), Ok(Vec::new()), "{at}");
    }
}

#[test]
fn a_directory_that_is_not_kept_is_a_gap() {
    let zip = jar();
    let (parts, file) = (zip.parts(), zip.bytes());
    let needed = parts.directory.len() + parts.end.len();
    assert_eq!(names_in(&file, needed), Ok(names_of_jar()));
    assert_eq!(names_in(&file, needed - 1), Err(Gap::FarDirectory));
    let file = jar().zip64().bytes();
    assert_eq!(names_in(&file, 22 + 20 + 55), Err(Gap::FarDirectory));
    assert_eq!(names_in(&file, 22 + 19), Err(Gap::FarDirectory));
}

/// A record in a comment, whose first member lies in front of all: where that is not kept, the record may
/// count or not, and so do both archives.
#[test]
fn an_end_that_cannot_be_decided_on_counts_with_the_next() {
    let inner = Zip::new().member("inner", "x").parts();
    let hidden = Zip::new().member("hidden", "x").prefix([b"####", &*inner.members].concat());
    let offset = hidden.bytes().len() as u32 - 4;
    let mut end = [&*inner.end, b"more"].concat();
    end[16..20].copy_from_slice(&offset.to_le_bytes());
    let mut file = hidden.comment([&*inner.directory, &end].concat()).bytes();
    assert_eq!(read(&file), Ok(vec![b"inner".to_vec()]));
    assert_eq!(names_in(&file, file.len() - 5), Ok(vec![b"inner".to_vec(), b"hidden".to_vec()]));
    assert_eq!(names_in(&file, end.len()), Err(Gap::FarDirectory));
    file[4] = b'Q';
    assert_eq!(read(&file), Ok(vec![b"hidden".to_vec()]));
}

#[test]
fn too_many_names_or_ends_are_a_gap() {
    let file = jar().bytes();
    let tail = Tail { bytes: &file, head: &file[..4], size: file.len() as u64 };
    let needed = names(&tail, SOME).unwrap().len();
    assert_eq!(names(&tail, needed).map(|names| names.len()), Ok(needed));
    assert_eq!(names(&tail, needed - 1), Err(Gap::ManyNames));
    // Records each with a directory of its own, whose first member would lie where nothing is kept.
    let header = [&b"PK\x01\x02"[..], &[0; 42]].concat();
    let end = [&b"PK\x05\x06"[..], &[0; 8], &46_u32.to_le_bytes(), &1_u32.to_le_bytes(), b"\x01\0"].concat();
    let ends = |count: usize| {
        let mut file = vec![0; 1000];
        for number in 0..count {
            file.extend_from_slice(&header);
            let mut end = end.clone();
            end[16..20].copy_from_slice(&(number as u32 * 68 + 900).to_le_bytes());
            file.extend(end);
        }
        file
    };
    let at_most = ends(limits::ARCHIVE_ENDS);
    assert_eq!(names_in(&at_most, at_most.len() - 500), Ok(Vec::new()));
    let more = ends(limits::ARCHIVE_ENDS + 1);
    assert_eq!(names_in(&more, more.len() - 500), Err(Gap::ManyEnds));
}

#[test]
fn in_which_pieces_a_file_comes_changes_nothing() {
    let large = limits::PLAIN_TAIL_BYTES as usize;
    for (path, file) in [
        ("a.jar", jar().bytes()),
        ("no-name", jar().bytes()),
        ("script", jar().prefix([b"#!".to_vec(), vec![b'x'; large]].concat()).bytes()),
        ("binary", jar().prefix(vec![b'x'; large + 3]).bytes()),
        ("comment", jar().comment(vec![b'c'; 65_535]).prefix(vec![1; large - 65_535]).bytes()),
    ] {
        for piece in [1, 2, 3, 5, 4096, file.len() - 1, file.len()] {
            assert_eq!(shown(&probe(path, &file, piece)), names_of_jar(), "{path} {piece}");
        }
    }
}

/// A directory larger than what is kept of any file: kept whole where the file looks like an archive.
#[test]
fn large_directories_are_kept_of_what_looks_like_an_archive() {
    let many = (0..5_000).fold(Zip::new(), |zip, number| zip.member(format!("a/b/c/{number:05}.class"), ""));
    let plain = many.bytes();
    assert!(many.parts().directory.len() as u64 > limits::PLAIN_TAIL_BYTES);
    let count = |path: &str, file: &[u8]| shown(&probe(path, file, 8192)).len();
    assert_eq!(count("opt/libfoo.so", &plain), 5_000, "by how it begins");
    let behind = many.clone().prefix("\x7fELF").bytes();
    assert_eq!(count("opt/App.JAR", &behind), 5_000, "by its name");
    assert_eq!(count("opt/app", &many.prefix("#!/bin/sh\n").bytes()), 5_000, "a script");
    let unknown = probe("opt/app", &behind, 8192);
    assert_eq!((shown(&unknown).len(), unknown.gaps.get(&7)), (0, Some(&Gap::FarDirectory)));
}

#[test]
fn what_is_kept_of_a_file_is_held_to_its_tail() {
    let zip = (0..5_000).fold(Zip::new(), |zip, number| zip.member(format!("a/b/c/{number:05}.class"), ""));
    let file = zip.clone().prefix("\x7fELF").bytes();
    let needed = (zip.parts().directory.len() + zip.parts().end.len()) as u64;
    for (path, default) in [("a", limits::PLAIN_TAIL_BYTES), ("a.jar", limits::ARCHIVE_TAIL_BYTES)] {
        let read = |kept: u64| {
            let mut probe = Probe::default();
            probe.start(&ImagePath::new(path), file.len() as u64);
            assert_eq!(std::mem::replace(&mut probe.kept, kept), default);
            file.chunks(8192).for_each(|data| probe.feed(&Piece::Data(data)));
            probe.finish(7..=7);
            let archives = probe.into_archives();
            (shown(&archives).len(), archives.gaps.get(&7).copied())
        };
        assert_eq!(read(needed), (5_000, None));
        assert_eq!(read(needed - 1), (0, Some(Gap::FarDirectory)));
    }
}

#[test]
fn names_are_held_to_layer_member_name_bytes() {
    let file = jar().bytes();
    let tail = || Tail { bytes: &file, head: &file[..4], size: file.len() as u64 };
    let whole = names(&tail(), SOME).unwrap().len();
    assert_eq!(names(&tail(), whole).unwrap().len(), whole);
    assert_eq!(names(&tail(), whole - 1), Err(Gap::ManyNames));
    // All archives of a layer share the room.
    let read = |left: usize| {
        let mut probe = Probe::default();
        probe.name_bytes = limits::LAYER_MEMBER_NAME_BYTES - left;
        for entry in [7, 8] {
            probe.start(&ImagePath::new("a.jar"), file.len() as u64);
            probe.feed(&Piece::Data(&file));
            probe.finish(entry..=entry);
        }
        let archives = probe.into_archives();
        (archives.members.len(), archives.gaps)
    };
    assert_eq!(read(2 * whole), (2, [].into()));
    assert_eq!(read(2 * whole - 1), (1, [(8, Gap::ManyNames)].into()));
}

#[test]
fn holes_are_zeros() {
    let zip = jar().comment([0; 100]);
    let file = zip.bytes();
    let mut probe = Probe::default();
    probe.start(&ImagePath::new("a"), file.len() as u64 + 300_002);
    probe.feed(&Piece::Hole(2));
    probe.feed(&Piece::Hole(300_000));
    probe.feed(&Piece::Data(&file[..file.len() - 100]));
    probe.feed(&Piece::Hole(100));
    probe.finish(3..=5);
    let archives = probe.into_archives();
    assert_eq!(archives.members.keys().collect::<Vec<_>>(), [&3, &4, &5]);
    assert_eq!(archives.members[&4].names().count(), 3);
}

/// All archives of a layer together have so much room; what finds none takes none.
#[test]
fn the_names_of_a_layer_have_a_limit() {
    let long = vec![b'n'; 65_000];
    let half = (0..540).fold(Zip::new(), |zip, _| zip.member(&long, "")).bytes();
    let small = jar().bytes();
    let mut probe = Probe::default();
    for (index, bytes) in [&half, &half, &small].into_iter().enumerate() {
        probe.start(&ImagePath::new("a.jar"), bytes.len() as u64);
        probe.feed(&Piece::Data(bytes));
        probe.finish(index..=index);
    }
    let archives = probe.into_archives();
    assert_eq!(archives.gaps, BTreeMap::from([(1, Gap::ManyNames)]));
    assert_eq!(archives.members.into_keys().collect::<Vec<_>>(), [0, 2]);
}

/// One file says nothing of the next.
#[test]
fn files_follow_each_other() {
    let mut probe = Probe::default();
    let (file, other) = (jar().bytes(), b"PK\x03\x04 and no more".to_vec());
    for (index, bytes) in [&file, &other, &file].into_iter().enumerate() {
        probe.start(&ImagePath::new("a.jar"), bytes.len() as u64);
        probe.feed(&Piece::Data(bytes));
        probe.finish(index..=index);
    }
    assert_eq!(probe.into_archives().members.into_keys().collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn only_names_with_their_lengths_are_members() {
    assert_eq!(Members::from_bytes(Vec::new()), Some(Members::default()));
    for bytes in [&b"\x01"[..], b"\x02a", b"\x80", b"\x80\x80\x80\x01", b"\x01a\x05b"] {
        assert_eq!(Members::from_bytes(bytes.to_vec()), None, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_harm(file: Vec<u8>, kept in 0..200_usize) {
        let _ = names_in(&file, kept);
    }

    /// Archives with some bytes changed, of which only a part is kept: that hides no name without a gap.
    #[test]
    fn what_is_not_kept_hides_nothing(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        more in 0..700_usize,
        wide: bool,
    ) {
        let zip = jar().prefix("#!").comment([&b"PK\x05\x06"[..], &[0; 65_500]].concat());
        let mut file = if wide { zip.zip64() } else { zip }.bytes();
        let end = file.len() - 65_500;
        for (at, value) in changes {
            file[at.index(end)] = value;
        }
        if let (Ok(whole), Ok(part)) = (read(&file), names_in(&file, REACH as usize + more)) {
            prop_assert!(whole.iter().all(|name| part.contains(name)));
        }
    }
}
