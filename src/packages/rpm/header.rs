//! What a header says of its package. The tags are those of rpm's `include/rpm/rpmtag.h`.

use super::super::Source;
use super::super::allowance::Allowance;
use super::bytes::Notes;
use super::files::{self, File};
use super::index::Index;
use crate::error::Result;
use crate::limits;

const TAG_NAME: u32 = 1000;
const TAG_VERSION: u32 = 1001;
const TAG_RELEASE: u32 = 1002;
const TAG_EPOCH: u32 = 1003;
const TAG_VENDOR: u32 = 1011;
const TAG_ARCH: u32 = 1022;
const TAG_SOURCERPM: u32 = 1044;
const TAG_MODULARITYLABEL: u32 = 5096;

/// One installed package. Text that is not UTF-8 has U+FFFD in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `bash`.
    pub name: String,
    /// What goes before the version in every comparison; 0 where it is told as such.
    pub epoch: Option<u32>,
    /// `5.1.8`.
    pub version: String,
    /// `6.el9`.
    pub release: String,
    /// `x86_64`; keys that rpm trusts (`gpg-pubkey`) have none.
    pub arch: Option<String>,
    /// The file name of the source package: `bash-5.1.8-6.el9.src.rpm`.
    pub source_rpm: Option<String>,
    /// Who built it.
    pub vendor: Option<String>,
    /// The module stream it was built in: `nodejs:18:8080020230301093434:63b34585`.
    pub modularity_label: Option<String>,
    /// What it brought.
    pub files: Vec<File>,
}

impl Header {
    /// Reads a header without its magic number, as databases keep it. `None`, with a note, where it is
    /// no package or cannot be read.
    pub(super) fn read(blob: &[u8], notes: &mut Notes, allowance: &mut Allowance) -> Result<Option<Self>> {
        let index = match Index::read(blob) {
            Ok(index) => index,
            Err(why) => {
                notes.add(|| why.into());
                return Ok(None);
            }
        };
        let texts =
            [TAG_NAME, TAG_VERSION, TAG_RELEASE, TAG_ARCH, TAG_SOURCERPM, TAG_VENDOR, TAG_MODULARITYLABEL];
        let is_long = |tag| index.string(tag).is_some_and(|text| text.len() > limits::PACKAGE_TEXT_BYTES);
        if texts.into_iter().any(is_long) {
            notes.add(|| "a header with a name or version longer than the limit PACKAGE_TEXT_BYTES".into());
            return Ok(None);
        }
        let text = |tag| index.string(tag).map(|text| String::from_utf8_lossy(text).into_owned());
        let (name, version, release) = match (text(TAG_NAME), text(TAG_VERSION), text(TAG_RELEASE)) {
            (Some(name), Some(version), Some(release)) => (name, version, release),
            _ => {
                notes.add(|| "a header without name, version or release".into());
                return Ok(None);
            }
        };
        let epoch = index.number(TAG_EPOCH).and_then(|epoch| u32::try_from(epoch).ok());
        if epoch.is_none() && index.has(TAG_EPOCH) {
            notes.add(|| format!("the epoch of {name} is broken"));
            return Ok(None);
        }
        let mut header = Self {
            name,
            epoch,
            version,
            release,
            arch: text(TAG_ARCH),
            source_rpm: text(TAG_SOURCERPM),
            vendor: text(TAG_VENDOR),
            modularity_label: text(TAG_MODULARITYLABEL),
            files: Vec::new(),
        };
        match files::read(&index, allowance)? {
            Ok(files) => header.files = files,
            Err(why) => notes.add(|| format!("the files of {} cannot be told: {why}", header.name)),
        }
        Ok(Some(header))
    }

    /// `epoch:version-release`, the epoch only where there is one.
    pub fn evr(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// The source package, out of its file name (`name-version-release.src.rpm`), which has no epoch.
    pub fn source(&self) -> Option<Source> {
        let file = self.source_rpm.as_deref()?;
        let file =
            [".src.rpm", ".nosrc.rpm"].into_iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        let mut parts = file.rsplitn(3, '-');
        let (release, version) = (parts.next()?, parts.next()?);
        let name = parts.next().filter(|name| !name.is_empty())?;
        Some(Source { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
    }
}
