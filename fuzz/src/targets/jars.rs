//! Zip archives in a layer.

use std::collections::BTreeSet;

use ocicheck::limits::LAYER_MEMBER_NAME_BYTES;
use ocicheck::scan::Archives;

use super::tools::{first, scan_sound};
use crate::support::{Layer, Zip};

/// A first byte for how. Odd: names of members by line, in a well-formed archive; each is found, with bytes before and
/// behind it or not, and as ZIP64 or not. Even: the file as it is; the same is found under another name that ends so.
pub fn jars(data: &[u8]) {
    let (how, rest) = first(data);
    if how % 2 == 0 {
        let found = archives("a.jar", rest);
        assert_eq!(found, archives("usr/b.jar", rest), "its place changes what is in it");
        let names: usize = found.members.values().map(|members| members.as_bytes().len()).sum();
        assert!(names <= LAYER_MEMBER_NAME_BYTES);
        return;
    }
    let names: BTreeSet<&[u8]> = rest
        .split(|byte| *byte == b'\n')
        .filter(|name| !name.is_empty() && !name.ends_with(b"/") && name.len() < 1 << 16)
        .collect();
    let mut zip = Zip::jar(&names);
    if how & 2 != 0 {
        zip = zip.prefix("#!/bin/sh\nexec java -jar \"$0\"\n");
    }
    if how & 4 != 0 {
        zip = zip.comment("a comment");
    }
    if how & 8 != 0 {
        zip = zip.zip64();
    }
    let found = archives("app.jar", &zip.bytes());
    let members: BTreeSet<&[u8]> = found.members.values().flat_map(|members| members.names()).collect();
    let missing: Vec<_> = names.iter().filter(|name| !members.contains(**name)).collect();
    assert!(missing.is_empty() || !found.gaps.is_empty(), "{missing:?} are not found");
}

fn archives(path: &str, bytes: &[u8]) -> Archives {
    let tar = scan_sound(&Layer::new().file(path, bytes));
    tar.archives.clone().expect("the plan looks into archives")
}
