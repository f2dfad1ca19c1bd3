//! Databases that lie: told, and read on in bounded time, or refused; never a panic, never a hang.

use std::time::{Duration, Instant};

use super::build::{PAGE, Value, bdb, header, ndb, sqlite};
use super::{blobs, databases, whole};
use crate::limits;
use crate::packages::allowance::Allowance;
use crate::packages::rpm::bytes::{Blobs, Order};
use crate::packages::rpm::parse;

#[test]
fn any_byte_may_be_wrong() {
    let started = Instant::now();
    for (form, database) in databases() {
        for at in 0..database.len() {
            for change in [0xff, 0x01, 0x80] {
                let mut spoilt = database.clone();
                spoilt[at] ^= change;
                if let Ok(read) = parse(&spoilt) {
                    assert!(read.headers.len() <= 4, "{form}: {at}");
                }
            }
        }
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn what_is_cut_short_is_told() {
    for (form, database) in databases() {
        for length in 1..database.len() {
            let cut = &database[..length];
            if whole(cut).is_ok() {
                // Behind the last part of a header, its page has nothing but zeros.
                assert!(database[length..].iter().all(|byte| *byte == 0), "{form}: {length}");
            }
        }
    }
}

#[test]
fn a_loop_of_pages_is_left() {
    let mut database = sqlite(&blobs());
    database[PAGE + 8..PAGE + 12].copy_from_slice(&2_u32.to_be_bytes());
    let read = parse(&database).unwrap();
    assert_eq!((read.headers.len(), read.notes.len()), (1, 1), "{:?}", read.notes);

    let mut database = bdb(&blobs(), Order::Little);
    database[3 * PAGE + 16..3 * PAGE + 20].copy_from_slice(&3_u32.to_le_bytes());
    let read = parse(&database).unwrap();
    assert_eq!(read.headers.len(), 1, "{:?}", read.notes);
    assert!(read.notes[0].contains("belongs to two places"), "{:?}", read.notes);
    assert!(whole(&database).is_err());
}

#[test]
fn records_may_not_share_bytes() {
    // A hundred cell pointers, all to the same row.
    let blob = header(&[(1000, Value::Text("a")), (1001, Value::Text("1")), (1002, Value::Text("1"))], &[]);
    let mut database = sqlite(&[blob]);
    let leaf = 2 * PAGE;
    let pointer: [u8; 2] = database[leaf + 8..leaf + 10].try_into().unwrap();
    database[leaf + 4] = 100;
    for at in 0..100 {
        database[leaf + 8 + 2 * at..][..2].copy_from_slice(&pointer);
    }
    assert!(parse(&database).unwrap_err().to_string().contains("overlap"));

    // Slots of one package, again and again.
    let [blob, _] = blobs();
    let mut database = ndb(&[blob]);
    let slot = database[32..48].to_vec();
    for at in 3..256 {
        database[at * 16..][..16].copy_from_slice(&slot);
    }
    assert!(parse(&database).unwrap_err().to_string().contains("overlap"));
}

#[test]
fn more_records_than_packages_are_refused() {
    // Empty rows, all at the same byte: they take nothing of the database, and much of memory.
    let mut leaf = vec![0; 65_536];
    leaf[0] = 13;
    leaf[3..5].copy_from_slice(&32_000_u16.to_be_bytes());
    leaf[8..8 + 2 * 32_000].copy_from_slice(&65_000_u16.to_be_bytes().repeat(32_000));
    let count = limits::PACKAGES / 32_000 + 1;
    let mut first = sqlite(&blobs())[..PAGE].to_vec();
    first.resize(65_536, 0);
    first[16..18].copy_from_slice(&1_u16.to_be_bytes());
    let (pointer, cell) = (100 + 8, usize::from(u16::from_be_bytes([first[108], first[109]])));
    first.copy_within(cell..PAGE, 65_536 - (PAGE - cell));
    first[pointer..pointer + 2].copy_from_slice(&((65_536 - (PAGE - cell)) as u16).to_be_bytes());
    let mut root = vec![0; 65_536];
    root[0] = 5;
    root[3..5].copy_from_slice(&(count as u16).to_be_bytes());
    root[8..12].copy_from_slice(&(count as u32 + 3).to_be_bytes());
    for at in 0..count {
        let place = 60_000 - 5 * at;
        root[12 + 2 * at..][..2].copy_from_slice(&(place as u16).to_be_bytes());
        root[place..place + 4].copy_from_slice(&(at as u32 + 3).to_be_bytes());
    }
    let database = [vec![first, root], vec![leaf; count + 1]].concat().concat();
    assert!(parse(&database).unwrap_err().to_string().contains("PACKAGES"));
}

#[test]
fn packages_are_held_to_packages() {
    let mut blobs = Blobs::new(&[1; 5]);
    (0..limits::PACKAGES).for_each(|_| blobs.charge(0).unwrap());
    assert!(blobs.charge(0).unwrap_err().to_string().contains("exceeds the limit PACKAGES ("));
}

#[test]
fn texts_are_held_to_package_text_bytes() {
    let read = |length: usize| {
        let long = "v".repeat(length);
        let texts = [(1000, Value::Text("a")), (1001, Value::Text(&long)), (1002, Value::Text("1"))];
        parse(&ndb(&[header(&texts, &[])])).unwrap()
    };
    let most = read(limits::PACKAGE_TEXT_BYTES);
    assert_eq!((most.headers.len(), most.notes.len()), (1, 0));
    let over = read(limits::PACKAGE_TEXT_BYTES + 1);
    assert_eq!(over.headers.len(), 0);
    assert!(over.notes.len() == 1 && over.notes[0].contains("PACKAGE_TEXT_BYTES"), "{:?}", over.notes);
}

#[test]
fn files_are_held_to_package_files_and_their_paths_to_package_path_bytes() {
    let mut allowance = Allowance::default();
    allowance.take_files(limits::PACKAGE_FILES - 1).unwrap();
    allowance.take_files(1).unwrap();
    assert!(allowance.take_files(1).unwrap_err().to_string().contains("exceeds the limit PACKAGE_FILES ("));
    allowance.take_path(limits::PACKAGE_PATH_BYTES - 1).unwrap();
    allowance.take_path(1).unwrap();
    let error = allowance.take_path(1).unwrap_err();
    assert!(error.to_string().contains("exceeds the limit PACKAGE_PATH_BYTES ("), "{error}");
}

#[test]
fn a_number_that_is_many_is_none() {
    // A million epochs of one byte each would be eight million bytes.
    for count in [0, 2, 1_000_000] {
        let blob = header(
            &[
                (1000, Value::Text("a")),
                (1001, Value::Text("1")),
                (1002, Value::Text("1")),
                (1003, Value::Bytes(vec![1; count])),
            ],
            &[],
        );
        assert_eq!(parse(&ndb(&[blob])).unwrap().notes, ["the epoch of a is broken"]);
    }
}

#[test]
fn file_lists_that_lie_are_told() {
    let of = |names: Vec<&str>, places: Vec<u32>, directories: Vec<&str>| {
        let blob = header(
            &[
                (1000, Value::Text("a")),
                (1001, Value::Text("1")),
                (1002, Value::Text("1")),
                (1116, Value::Words(places)),
                (1117, Value::Texts(names)),
                (1118, Value::Texts(directories)),
            ],
            &[],
        );
        parse(&ndb(&[blob])).unwrap()
    };
    let long = format!("/{}", "d".repeat(5_000));
    for (names, places, directories) in [
        (vec!["a"], vec![1], vec!["/"]),
        (vec!["a"], vec![0, 0], vec!["/"]),
        (vec!["a"], vec![0], vec![]),
        (vec!["a"], vec![0], vec!["/", "/b"]),
        (vec!["a"], vec![0], vec![long.as_str()]),
    ] {
        let read = of(names, places, directories);
        assert_eq!((read.headers.len(), read.notes.len()), (1, 1), "{:?}", read.notes);
        assert!(read.headers[0].files.is_empty());
    }
    // What would leave the root does not.
    let read = of(vec!["passwd"], vec![0], vec!["/../../etc/"]);
    assert_eq!(read.headers[0].files[0].path.to_string(), "/etc/passwd");
}

#[test]
fn a_tag_may_not_stand_twice() {
    let blob = header(&[(1000, Value::Text("a")), (1000, Value::Text("b"))], &[]);
    let read = parse(&ndb(&[blob])).unwrap();
    assert_eq!((read.headers.len(), read.notes), (0, vec!["a header with a tag twice".to_owned()]));
}

#[test]
fn what_is_no_database_is_refused() {
    for bytes in [&b""[..], b"RpmP", b"SQLite format 3\0", b"invalid\n", &[0; 4_096]] {
        assert!(parse(bytes).is_err(), "{bytes:?}");
    }
}
