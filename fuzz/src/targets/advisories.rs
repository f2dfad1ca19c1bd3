//! Databases of advisories, and the feeds that they are made of.

use std::sync::LazyLock;

use ocicheck::advisories::{Advisories, Question, Verdict, build_of_bytes, sealed};

use super::tools::first;
use crate::support::feeds;

/// Packages that the small database and its feeds name.
const PURLS: [&str; 6] = [
    "pkg:deb/debian/openssl@3.0.11-1?distro=debian-12",
    "pkg:deb/debian/openssl@1.1.1w-0?distro=debian-11",
    "pkg:pypi/example@1.0",
    "pkg:rpm/redhat/bash@5.1-6.el9?distro=rhel-9",
    "pkg:rpm/almalinux/nodejs@18.1-1.module_el8.6?distro=almalinux-8&rpmmod=nodejs:18:1:a",
    "pkg:apk/alpine/busybox@1.36.1-r5?distro=alpine-3.18",
];

/// Bytes of its head: one page.
const HEAD: usize = 4 << 10;

static SMALL: LazyLock<Vec<u8>> =
    LazyLock::new(|| build_of_bytes(feeds::DEBIAN.as_bytes().to_vec()).unwrap().bytes);

/// A first byte for where the rest goes: a file, edits of a small file's pages (three bytes each), or the header of
/// one. All but the first are sealed: whoever knows the form can do so.
pub fn advisories(data: &[u8]) {
    let (which, rest) = first(data);
    let mut bytes = match which % 3 {
        0 => rest.to_vec(),
        _ => SMALL.clone(),
    };
    let header = u32::from_le_bytes(SMALL[16..20].try_into().unwrap()) as usize;
    match which % 3 {
        0 => {}
        1 => {
            for edit in rest.chunks_exact(3) {
                let back = 2 * usize::from(u16::from_le_bytes([edit[0], edit[1]]));
                let place = bytes.len() - 1 - back % (bytes.len() - HEAD);
                bytes[place] = edit[2];
            }
        }
        _ => {
            let length = rest.len().min(header);
            bytes[64..64 + length].copy_from_slice(&rest[..length]);
            bytes[64 + length..64 + header].fill(b' ');
        }
    }
    let bytes = if which % 3 == 0 { bytes } else { sealed(bytes).unwrap() };
    let Ok(advisories) = Advisories::of_bytes(bytes) else { return };
    let is_whole = advisories.verify().is_ok();
    for answers in ask(&advisories) {
        assert!(answers.is_some() || !is_whole, "what is whole can be asked");
    }
}

/// What each of the packages is told, where the file can be read.
fn ask(advisories: &Advisories) -> Vec<Option<usize>> {
    let ask = |purl: &&str| {
        let question = Question::of_purl(purl).unwrap();
        let all = advisories.ask_all(&question).ok()?;
        let told = advisories.ask(&question).ok()?;
        assert!(told.is_empty() || !all.is_empty(), "what is told of some is told of all");
        assert!(told.iter().all(|answer| answer.verdict != Verdict::NotAffected));
        Some(told.len())
    };
    PURLS.iter().map(ask).collect()
}

/// A feed: what it makes is whole, and the same again.
pub fn feeds(data: &[u8]) {
    let Ok(built) = build_of_bytes(data.to_vec()) else { return };
    let advisories = Advisories::of_bytes(built.bytes.clone()).expect("what is written can be opened");
    advisories.verify().expect("what is written is whole");
    assert!(ask(&advisories).iter().all(Option::is_some));
    let again = build_of_bytes(data.to_vec()).expect("what was a feed is one").bytes;
    assert!(again == built.bytes, "made again, it is otherwise");
}
