//! Databases that are not all in their file: SQLite's write-ahead log and rollback journal.
//!
//! `real/` has one by SQLite itself; `real/make.py` made it and says what is in it.

use std::collections::BTreeSet;

use super::build::{PAGE, Value, header, ndb, sqlite, wal};
use crate::packages::rpm::bytes::Order;
use crate::packages::rpm::{Stored, packages};

const DATABASE: &[u8] = include_bytes!("real/rpmdb.sqlite");
const LOG: &[u8] = include_bytes!("real/rpmdb.sqlite-wal");

/// `name version` of each package; or why there are none.
fn told(database: &[u8], log: &[u8], journal: &[u8]) -> Result<Vec<String>, String> {
    let packages = packages(Stored { database, log, journal }).map_err(|error| error.to_string())?;
    Ok(packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect())
}

/// As [`told`], of a database and its log.
fn read(database: &[u8], log: &[u8]) -> Vec<String> {
    told(database, log, b"").unwrap()
}

#[test]
fn what_was_committed_to_the_log_counts_and_nothing_else_does() {
    assert_eq!(read(DATABASE, b""), ["bash 5.1-1", "gone 1-1"]);
    assert_eq!(read(DATABASE, LOG), ["acl 2.3-1", "bash 5.2-1", "sed 4.9-1"]);
    // A file of no bytes is an empty database, and SQLite deletes the log beside it.
    assert_eq!(read(b"", LOG), [""; 0]);
}

#[test]
fn a_log_that_is_cut_or_spoilt_counts_up_to_there() {
    let mut states = BTreeSet::new();
    let between = [
        vec!["bash 5.1-1", "gone 1-1"],
        vec!["bash 5.2-1", "gone 1-1"],
        vec!["bash 5.2-1", "sed 4.9-1"],
        vec!["acl 2.3-1", "bash 5.2-1", "sed 4.9-1"],
    ];
    for at in 0..LOG.len() {
        let mut spoilt = LOG.to_vec();
        spoilt[at] ^= 0x10;
        for log in [&LOG[..at], &spoilt] {
            let state = read(DATABASE, log);
            assert!(between.iter().any(|known| *known == state), "{at}: {state:?}");
            states.insert(state);
        }
    }
    assert!(states.len() >= 3, "{states:?}");
    assert_eq!(read(DATABASE, &LOG[..32]), read(DATABASE, b""));
}

/// A database of one package, and the pages of the same with another version.
fn two() -> (Vec<u8>, Vec<u8>) {
    let blob = |version| {
        header(&[(1000, Value::Text("sed")), (1001, Value::Text(version)), (1002, Value::Text("1"))], &[])
    };
    (sqlite(&[blob("4.8")]), sqlite(&[blob("4.9")]))
}

/// All pages of a database, as frames of a log.
fn frames(database: &[u8]) -> Vec<(u32, &[u8], u32)> {
    let count = (database.len() / PAGE) as u32;
    let frame = |(number, page)| (number, page, if number == count { count } else { 0 });
    (1..).zip(database.chunks(PAGE)).map(frame).collect()
}

#[test]
fn checksums_are_in_either_order_of_bytes() {
    let (old, new) = two();
    for order in [Order::Little, Order::Big] {
        assert_eq!(read(&old, &wal(order, &frames(&new))), ["sed 4.9-1"], "{order:?}");
    }
}

#[test]
fn frames_of_a_log_that_began_anew_are_over() {
    // Another salt in the last frame, which is the commit.
    let (old, new) = two();
    let mut log = wal(Order::Big, &frames(&new));
    let last = log.len() - PAGE - 24;
    log[last + 8] ^= 1;
    assert_eq!(read(&old, &log), ["sed 4.8-1"]);
    // No log by its first bytes; only a head; a page number that is none.
    let log = wal(Order::Big, &frames(&new));
    assert_eq!(read(&old, &[b"nothing", &log[7..]].concat()), ["sed 4.8-1"]);
    let after_none = [vec![(0, &new[..PAGE], 0)], frames(&new)].concat();
    assert_eq!(read(&old, &wal(Order::Big, &after_none)), ["sed 4.8-1"]);
    // The later of two frames of one page holds, and the later end.
    let twice = [frames(&new), frames(&old)].concat();
    assert_eq!(read(&old, &wal(Order::Little, &twice)), ["sed 4.8-1"]);
}

#[test]
fn a_log_that_does_not_fit_is_no_reading() {
    let (old, new) = two();
    // Four thousand million pages.
    let log = wal(Order::Big, &[(1, &new[..PAGE], u32::MAX)]);
    assert!(told(&old, &log, b"").unwrap_err().contains("larger than both"));
    // What lies behind the end of a smaller database is not there any more.
    let log = wal(Order::Big, &[(1, &new[..PAGE], 2)]);
    assert!(told(&old, &log, b"").unwrap_err().contains("beyond the end"));
    // A frame beyond the end that its own commit tells is cut off.
    let log = wal(Order::Big, &[(u32::MAX, &new[..PAGE], (old.len() / PAGE) as u32)]);
    assert_eq!(read(&old, &log), ["sed 4.8-1"]);
    let mut other = old.clone();
    other[16..18].copy_from_slice(&1_024_u16.to_be_bytes());
    let log = wal(Order::Big, &frames(&new));
    assert!(told(&other, &log, b"").unwrap_err().contains("not those of its database"));
    // A newer version, which SQLite does not take either.
    let newer = super::build::wal_of(3_008_000, Order::Big, &frames(&new));
    assert!(told(&old, &newer, b"").unwrap_err().contains("version 3008000"));
}

#[test]
fn a_transaction_that_broke_off_is_no_reading() {
    let (old, _) = two();
    let hot = [&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7][..], &[0; 504]].concat();
    assert!(told(&old, b"", &hot).unwrap_err().contains("-journal"));
    // One that is over has its first bytes overwritten, or is empty.
    for over in [&[0; 512][..], b""] {
        assert_eq!(told(&old, b"", over).unwrap(), ["sed 4.8-1"]);
    }
}

#[test]
fn only_sqlite_has_a_log() {
    let blob = header(&[(1000, Value::Text("sed")), (1001, Value::Text("1")), (1002, Value::Text("1"))], &[]);
    assert_eq!(read(&ndb(&[blob]), LOG), ["sed 1-1"]);
}
