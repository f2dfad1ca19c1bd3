//! Tells the program which commit it is built from, for `--version`. Git's files are read and git is not
//! run: it may not be there. Only of release builds, which else would be made anew after each commit.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_release { commit() } else { None };
    let told = commit.map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=OCICHECK_VERSION={told}");
}

/// The first digits of the commit that is checked out; none of a source that is no clone.
fn commit() -> Option<String> {
    let directory = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?).join(".git");
    let head = read(&directory.join("HEAD"))?;
    let commit = match head.strip_prefix("ref: ") {
        None => head,
        Some(name) => read(&directory.join(name)).or_else(|| packed(&directory, name))?,
    };
    let digits = commit.get(..12)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| digits.to_owned())
}

/// A branch that git keeps in its list of many.
fn packed(directory: &Path, name: &str) -> Option<String> {
    let list = read(&directory.join("packed-refs"))?;
    list.lines().find_map(|line| Some(line.strip_suffix(name)?.trim().to_owned()))
}

fn read(path: &Path) -> Option<String> {
    println!("cargo:rerun-if-changed={}", path.display());
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}
