//! What a policy tells the rules.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::model::ImagePath;

/// The policy as far as rules need it.
#[derive(Debug, Clone)]
pub struct Settings {
    mutable: GlobSet,
}

impl Settings {
    /// Compiles the globs of paths that package managers and runtimes always touch.
    ///
    /// # Errors
    /// The first glob that does not parse, with the reason.
    pub fn new<'a>(mutable: impl IntoIterator<Item = &'a str>) -> Result<Self, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        for glob in mutable {
            globs.add(Glob::new(glob)?);
        }
        Ok(Self { mutable: globs.build()? })
    }

    /// Whether a change of this base path is ordinary: told, and no more.
    pub fn is_mutable(&self, path: &ImagePath) -> bool {
        self.mutable.is_match(as_absolute(path))
    }
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
