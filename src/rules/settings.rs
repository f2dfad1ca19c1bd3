//! What a policy tells the rules.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::ImagePath;

/// The policy as far as rules need it.
#[derive(Debug, Clone)]
pub struct Settings {
    mutable: GlobSet,
    removable: GlobSet,
}

impl Settings {
    /// Compiles the globs of paths that package managers and runtimes always touch, and of those
    /// among them that they also take away.
    ///
    /// # Errors
    /// The first glob that does not parse, with the reason.
    pub fn new(mutable: &[&str], removable: &[&str]) -> Result<Self, globset::Error> {
        Ok(Self { mutable: compile(mutable)?, removable: compile(removable)? })
    }

    /// Whether a change of this base path is ordinary: told, and no more.
    pub fn is_mutable(&self, path: &ImagePath) -> bool {
        self.mutable.is_match(as_absolute(path))
    }

    /// Whether it is ordinary that this base path is taken away.
    pub fn is_removable(&self, path: &ImagePath) -> bool {
        self.removable.is_match(as_absolute(path))
    }
}

/// In these globs `*` stays within one directory, and `**` does not.
fn compile(globs: &[&str]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build()?);
    }
    set.build()
}

/// Globs are written against absolute paths.
fn as_absolute(path: &ImagePath) -> std::path::PathBuf {
    let bytes = [b"/", path.as_bytes()].concat();
    #[cfg(unix)]
    return std::path::PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(
        bytes,
    ));
    #[cfg(not(unix))]
    return std::path::PathBuf::from(String::from_utf8_lossy(&bytes).into_owned());
}
