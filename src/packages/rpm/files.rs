//! The files of a package: parallel arrays in its header, one value for each file.

use super::index::Index;
use crate::error::Result;
use crate::limits;
use crate::model::ImagePath;
use crate::packages::allowance::Allowance;
use crate::packages::{FileDigest, from_hex};

const TAG_OLDFILENAMES: u32 = 1027;
const TAG_FILESIZES: u32 = 1028;
const TAG_FILESTATES: u32 = 1029;
const TAG_FILEMODES: u32 = 1030;
const TAG_FILEDIGESTS: u32 = 1035;
const TAG_FILELINKTOS: u32 = 1036;
const TAG_FILEFLAGS: u32 = 1037;
const TAG_FILEVERIFYFLAGS: u32 = 1045;
const TAG_DIRINDEXES: u32 = 1116;
const TAG_BASENAMES: u32 = 1117;
const TAG_DIRNAMES: u32 = 1118;
const TAG_LONGFILESIZES: u32 = 5008;
const TAG_FILEDIGESTALGO: u32 = 5011;

/// `RPMFILE_CONFIG` and `RPMFILE_GHOST` of `include/rpm/rpmfiles.h`.
const FLAG_CONFIG: u32 = 1;
const FLAG_GHOST: u32 = 1 << 6;

/// `RPMVERIFY_FILEDIGEST`, `_LINKTO` and `_MODE` of `include/rpm/rpmvf.h`; the mode holds the type.
const VERIFY_DIGEST: u64 = 1;
const VERIFY_LINK: u64 = 1 << 2;
const VERIFY_MODE: u64 = 1 << 6;

/// What became of a file when its package was installed (`RPMFILE_STATE_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there.
    Normal,
    /// Another package's file took its place.
    Replaced,
    /// It was left out, as documentation is by `nodocs`.
    NotInstalled,
    /// It was left out, for its directory is shared over the network.
    NetShared,
    /// The file of another architecture's package took its place.
    WrongColor,
    /// The header does not say, or says what no rpm knows.
    Unknown,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: ImagePath,
    /// What it holds; `None` for what is no regular file, and for digests other than MD5, SHA-1 and
    /// SHA-256.
    pub digest: Option<FileDigest>,
    /// `RPMFILE_*`: bit 0 configuration, bit 1 documentation, bit 6 ghost.
    pub flags: u32,
    /// Type and permissions, as `st_mode`; `None` where the header does not say.
    pub mode: Option<u16>,
    /// In bytes; `None` where the header does not say.
    pub size: Option<u64>,
    /// What a symlink points to.
    pub link_target: Option<Vec<u8>>,
    /// What became of it.
    pub state: State,
    /// Whether its digest is to be verified; `%verify(not filedigest)` says no.
    pub verify_digest: bool,
    /// Whether what it points to is to be verified.
    pub verify_link: bool,
    /// Whether its type and permissions are.
    pub verify_mode: bool,
}

impl File {
    /// Whether it is marked as configuration.
    pub fn is_config(&self) -> bool {
        self.flags & FLAG_CONFIG != 0
    }

    /// Whether the package only owns it and did not bring it.
    pub fn is_ghost(&self) -> bool {
        self.flags & FLAG_GHOST != 0
    }
}

/// The files of a header; the reason where their arrays are broken.
///
/// # Errors
///
/// Only limits.
pub(super) fn read(
    index: &Index<'_>,
    allowance: &mut Allowance,
) -> Result<std::result::Result<Vec<File>, &'static str>> {
    let paths = match paths(index, allowance)? {
        Ok(paths) => paths,
        Err(why) => return Ok(Err(why)),
    };
    Ok(described(index, paths))
}

/// Where the files are: base names, each in one of the directories; or whole paths, before rpm 4.
fn paths(
    index: &Index<'_>,
    allowance: &mut Allowance,
) -> Result<std::result::Result<Vec<ImagePath>, &'static str>> {
    if !index.has(TAG_BASENAMES) {
        if !index.has(TAG_OLDFILENAMES) {
            return Ok(Ok(Vec::new()));
        }
        allowance.take_files(index.count(TAG_OLDFILENAMES))?;
        let Some(names) = index.strings(TAG_OLDFILENAMES) else { return Ok(Err("broken file names")) };
        names.iter().try_for_each(|name| allowance.take_path(name.len()))?;
        return Ok(Ok(names.into_iter().map(ImagePath::new).collect()));
    }
    let count = index.count(TAG_BASENAMES);
    allowance.take_files(count)?;
    // Before any of them is read: what counts claim is not what memory is spent on.
    if index.count(TAG_DIRINDEXES) != count || index.count(TAG_DIRNAMES) > count {
        return Ok(Err("not one directory for each name"));
    }
    let (Some(names), Some(directories), Some(places)) =
        (index.strings(TAG_BASENAMES), index.strings(TAG_DIRNAMES), index.numbers(TAG_DIRINDEXES))
    else {
        return Ok(Err("broken file names"));
    };
    let mut paths = Vec::with_capacity(names.len());
    for (name, place) in names.into_iter().zip(places) {
        let directory = usize::try_from(place).ok().and_then(|place| directories.get(place).copied());
        let Some(directory) = directory else { return Ok(Err("a directory that is not there")) };
        let length = directory.len().saturating_add(name.len());
        if length > limits::PATH_BYTES {
            return Ok(Err("a path longer than paths can be"));
        }
        allowance.take_path(length)?;
        paths.push(ImagePath::new([directory, name].concat()));
    }
    Ok(Ok(paths))
}

/// What the header says of each path.
fn described(index: &Index<'_>, paths: Vec<ImagePath>) -> std::result::Result<Vec<File>, &'static str> {
    let count = paths.len();
    let numbers = |tag| optional(index, tag, count, Index::numbers);
    let strings = |tag| optional(index, tag, count, Index::strings);
    let sizes_tag = if index.has(TAG_LONGFILESIZES) { TAG_LONGFILESIZES } else { TAG_FILESIZES };
    let sizes = numbers(sizes_tag)?;
    let (flags, modes) = (numbers(TAG_FILEFLAGS)?, numbers(TAG_FILEMODES)?);
    let (states, verify) = (numbers(TAG_FILESTATES)?, numbers(TAG_FILEVERIFYFLAGS)?);
    let (digests, targets) = (strings(TAG_FILEDIGESTS)?, strings(TAG_FILELINKTOS)?);
    // MD5 is what there was before the tag.
    let algorithm = match index.number(TAG_FILEDIGESTALGO) {
        None if !index.has(TAG_FILEDIGESTALGO) => 1,
        Some(algorithm) => algorithm,
        None => return Err("a broken digest algorithm"),
    };
    let mut files = Vec::with_capacity(count);
    for (at, path) in paths.into_iter().enumerate() {
        let digest = match digests.get(at).copied().unwrap_or_default() {
            b"" => None,
            digits => digest(algorithm, digits)?,
        };
        let verifies = |what| verify.get(at).is_none_or(|flags| flags & what != 0);
        let target = targets.get(at).copied().unwrap_or_default();
        files.push(File {
            path,
            digest,
            flags: flags.get(at).and_then(|flags| u32::try_from(*flags).ok()).unwrap_or(0),
            mode: modes.get(at).and_then(|mode| u16::try_from(*mode).ok()),
            size: sizes.get(at).copied(),
            link_target: (!target.is_empty()).then(|| target.to_vec()),
            state: states.get(at).map_or(State::Unknown, |state| state_of(*state)),
            verify_digest: verifies(VERIFY_DIGEST),
            verify_link: verifies(VERIFY_LINK),
            verify_mode: verifies(VERIFY_MODE),
        });
    }
    Ok(files)
}

/// One value for each file, or none at all where the header does not have the tag.
fn optional<'a, T>(
    index: &Index<'a>,
    tag: u32,
    count: usize,
    read: impl Fn(&Index<'a>, u32) -> Option<Vec<T>>,
) -> std::result::Result<Vec<T>, &'static str> {
    if !index.has(tag) {
        return Ok(Vec::new());
    }
    if index.count(tag) != count {
        return Err("not one value for each file");
    }
    read(index, tag).filter(|values| values.len() == count).ok_or("not one value for each file")
}

fn state_of(number: u64) -> State {
    match number {
        0 => State::Normal,
        1 => State::Replaced,
        2 => State::NotInstalled,
        3 => State::NetShared,
        4 => State::WrongColor,
        _ => State::Unknown,
    }
}

/// A digest by its number in RFC 4880, section 9.4; `None` for algorithms that are not kept.
fn digest(algorithm: u64, digits: &[u8]) -> std::result::Result<Option<FileDigest>, &'static str> {
    let digest = match algorithm {
        1 => from_hex(digits).map(FileDigest::Md5),
        2 => from_hex(digits).map(FileDigest::Sha1),
        8 => from_hex(digits).map(FileDigest::Sha256),
        _ => return Ok(None),
    };
    digest.map(Some).ok_or("a digest that is none")
}
