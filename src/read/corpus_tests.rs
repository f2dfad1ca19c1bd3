//! Files by other hands, where they are at hand beside the project. Tests that want them are skipped elsewhere.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// The files of an archive of the corpus whose names end with one of `wanted`; `None` where there is none.
pub(crate) fn files(archive: &str, wanted: &[&str]) -> Option<BTreeMap<String, Vec<u8>>> {
    files_that(archive, |name| wanted.iter().any(|end| name.ends_with(end)))
}

/// As [`files`], of those whose names are `wanted`.
pub(crate) fn files_that(archive: &str, wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, Vec<u8>>> {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(archive);
    if !packed.exists() {
        println!("skipped: no corpus of foreign files beside the project");
        return None;
    }
    let decoder = zstd::Decoder::new(std::fs::File::open(packed).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(decoder).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        if entry.header().entry_type().is_file() && wanted(&name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
    }
    Some(files)
}
