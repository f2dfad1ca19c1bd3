//! Package databases of an image, as the package managers keep them: who owns which file, and what
//! each file was when it was installed.

pub mod rpm;

use crate::model::ImagePath;

/// What keeps a package database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// Debian's `dpkg`.
    Dpkg,
    /// Alpine's `apk`.
    Apk,
    /// `rpm`, below `dnf`, `yum`, `zypper` and `tdnf`.
    Rpm,
}

/// A digest that a package database holds of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileDigest {
    /// MD5: dpkg, and rpm before 4.6.
    Md5([u8; 16]),
    /// SHA-1: apk.
    Sha1([u8; 20]),
    /// SHA-256: rpm.
    Sha256([u8; 32]),
}

/// One file that a package brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Where it is.
    pub path: ImagePath,
    /// What it held; `None` where the database does not say, as for directories and links.
    pub digest: Option<FileDigest>,
    /// Whether the package expects it to be changed where it is installed.
    pub is_config: bool,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name of the binary package.
    pub name: String,
    /// The version as the manager writes it; for rpm `epoch:version-release`, the epoch only where
    /// the database has one.
    pub version: String,
    /// The architecture as the manager writes it; empty where there is none.
    pub architecture: String,
    /// The source package, where it is told.
    pub source: Option<String>,
    /// Whose database it is from.
    pub manager: Manager,
    /// What it brought.
    pub files: Vec<PackageFile>,
}
