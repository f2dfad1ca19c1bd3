//! Documents that are made from the code, for the tests that hold them to it.

use std::path::Path;

/// Holds `docs/NAME` to what is made of the code; with `UPDATE_DOCS` set it is written anew.
pub(crate) fn hold(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/{name} is out of step; it says how to make it anew");
}
