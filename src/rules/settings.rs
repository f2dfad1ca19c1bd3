//! What a policy tells the rules.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::options::Options;
use super::services::Services;
use crate::model::ImagePath;

/// The policy as far as rules need it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which base is demanded.
    pub base: BaseDemand,
    /// The services that the policy knows, and the environment asked for.
    pub services: Services,
    /// The day that is judged by: what is out of support then. Today (UTC), unless set otherwise.
    pub at: jiff::civil::Date,
    /// What the policy chooses of single rules.
    pub options: Options,
    mutable: GlobSet,
    immutable: GlobSet,
    removable: GlobSet,
}

/// Which base an image must stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseDemand {
    /// An official base, or a custom one that extends one; only where a catalog is given.
    Either,
    /// An official base, with no custom one between.
    Official,
    /// A custom base that extends an official one.
    Custom,
    /// None; where the image stands on one, it is compared with it.
    Optional,
    /// None, and nothing is compared.
    None,
}

impl BaseDemand {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Either, Self::Official, Self::Custom, Self::Optional, Self::None];

    /// As policies name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Official => "official",
            Self::Custom => "custom",
            Self::Optional => "optional",
            Self::None => "none",
        }
    }
}

impl Settings {
    /// Compiles the globs of paths that package managers and runtimes always touch, of exceptions from
    /// them, and of paths that they also take away. No base is demanded unless a catalog is given.
    ///
    /// # Errors
    /// The first glob that does not parse, with the reason.
    pub fn new<S: AsRef<str>>(
        mutable: &[S],
        immutable: &[S],
        removable: &[S],
    ) -> Result<Self, globset::Error> {
        Ok(Self {
            base: BaseDemand::Either,
            services: Services::default(),
            mutable: compile(mutable)?,
            immutable: compile(immutable)?,
            removable: compile(removable)?,
            at: jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date(),
            options: Options::default(),
        })
    }

    /// Whether a change of this base path is ordinary: told, and no more.
    pub fn is_mutable(&self, path: &ImagePath) -> bool {
        let path = as_absolute(path);
        self.mutable.is_match(&path) && !self.immutable.is_match(&path)
    }

    /// Whether it is ordinary that this base path is taken away.
    pub fn is_removable(&self, path: &ImagePath) -> bool {
        let path = as_absolute(path);
        self.removable.is_match(&path) && !self.immutable.is_match(&path)
    }
}

/// In these globs `*` stays within one directory, and `**` does not.
fn compile<S: AsRef<str>>(globs: &[S]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob.as_ref()).literal_separator(true).build()?);
    }
    set.build()
}

/// Globs are written against absolute paths.
fn as_absolute(path: &ImagePath) -> std::path::PathBuf {
    as_path(&[b"/", path.as_bytes()].concat())
}

/// Bytes of a path as globs take them.
pub(crate) fn as_path(bytes: &[u8]) -> std::path::PathBuf {
    #[cfg(unix)]
    return std::path::PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(
        bytes.to_vec(),
    ));
    #[cfg(not(unix))]
    return std::path::PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
}
