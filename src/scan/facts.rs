//! What one pass over a layer yields.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::archives::Archives;
use super::components::Components;
use super::elf::Elf;
use super::extras::Extras;
use super::plan::Plan;
#[cfg(doc)]
use super::room::Budget;
use super::secrets::Secrets;
use crate::digest::{BlobDigests, ContentId, Digest};
use crate::error::Error;
use crate::model::descriptor::Compression;
use crate::model::{Anomaly, ImagePath};

/// All that was computed and read from one layer's bytes. Nothing here is declared.
#[derive(Debug, Clone)]
pub struct LayerFacts {
    /// Digests and size of the blob as stored.
    pub blob: BlobDigests,
    /// How it is compressed, by its magic bytes.
    pub compression: Compression,
    /// The tar inside; or why it could not be read (the blob's digests still hold).
    pub tar: Result<Arc<TarFacts>, Unread>,
    /// What was broken or ambiguous, without a layer index (one blob may be several layers).
    pub anomalies: Vec<Anomaly>,
}

/// What the uncompressed bytes of a layer hold.
#[derive(Debug, Clone)]
pub struct TarFacts {
    /// SHA-256 of the uncompressed bytes.
    pub diff_id: Digest,
    /// SHA-512 of them, computed where a config names diffIDs by it.
    pub diff_id_sha512: Option<Digest>,
    /// Uncompressed bytes.
    pub size: u64,
    /// The members, in the order of the tar.
    pub entries: Vec<Entry>,
    /// Content of the files that the plan asked for, by index of their entry.
    pub captured: BTreeMap<usize, Arc<[u8]>>,
    /// Files that the plan asked for and that were too large to keep, by index of their entry.
    pub not_captured: BTreeMap<usize, Error>,
    /// Content of other files that was kept when the layer was read before, by index of their entry: the
    /// second read takes it from here. Empty for a layer that was read now.
    pub beside: BTreeMap<usize, Arc<[u8]>>,
    /// Secrets in the files.
    pub secrets: Secrets,
    /// What archives among the files hold; `None` where the plan did not ask.
    pub archives: Option<Archives>,
    /// Packages of languages in the files; `None` where the plan did not ask.
    pub components: Option<Components>,
}

impl TarFacts {
    /// Roughly what they take of memory. Paths and links are short, and few entries have extended
    /// attributes.
    pub fn memory(&self) -> u64 {
        let contents = self.captured.values().chain(self.beside.values());
        let contents: u64 = contents.map(|bytes| bytes.len() as u64).sum();
        let entries = (self.entries.len() as u64).saturating_mul(2 * size_of::<Entry>() as u64);
        let names = self.archives.iter().flat_map(|archives| archives.members.values());
        let names: u64 = names.map(|members| members.as_bytes().len() as u64).sum();
        let components = self.components.as_ref().map_or(0, Components::memory);
        contents.saturating_add(entries).saturating_add(names).saturating_add(components)
    }
}

impl TarFacts {
    /// What [`Budget::hold`] counts of a layer that need not be read; as much as of one that is.
    pub(super) fn held(&self, plan: &Plan) -> u64 {
        let wanted = self.captured.keys().chain(self.not_captured.keys());
        let wanted = wanted.filter_map(|index| Some(wanted_memory(self.entries.get(*index)?)));
        let archives = self.archives.as_ref().filter(|_| plan.looks_into_archives()).map(Archives::memory);
        let components = self.components.as_ref().filter(|_| plan.looks_for_components());
        let found = archives.into_iter().chain(components.map(Components::memory));
        let all = self.entries.iter().map(Entry::memory).chain(wanted).chain(found);
        all.fold(self.secrets.memory(), u64::saturating_add)
    }
}

/// What a file that the plan wants takes beside its entry and its content: its place among those kept, or
/// why it is not.
pub(super) fn wanted_memory(entry: &Entry) -> u64 {
    512 + entry.path.as_bytes().len() as u64
}

/// Why a layer could not be read, and so was not judged.
#[derive(Debug, Clone)]
pub struct Unread {
    /// The error, as people see it.
    pub error: Error,
    /// How many entries had been read before it.
    pub entries_read: usize,
}

/// Extended attributes: name and value, sorted by name.
pub type Xattrs = Vec<Xattr>;

/// One extended attribute: name and value, both bytes.
pub type Xattr = (Box<[u8]>, Box<[u8]>);

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file (sparse ones too).
    File,
    /// Another name of the file at its [link](Entry::link), which is a path in the image.
    HardLink,
    /// A symbolic link to its [link](Entry::link), as written.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// One member of a layer's tar. There may be ten million of them: what few have is in
/// [`extras`](Entry::extras).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is, cleaned.
    pub path: ImagePath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of the file as a runtime makes it (sparse files: expanded); 0 for all but files.
    pub size: u64,
    /// Seconds since 1970; shown, never compared.
    pub mtime: i64,
    /// SHA-256 of the file as a runtime makes it; zeros for all but files.
    pub content: ContentId,
    /// What the head of an ELF file says; `None` for all other files.
    pub elf: Option<Elf>,
    /// What few entries have.
    pub extras: Extras,
}

impl Entry {
    /// The path as written, where cleaning changed more than a leading `./` or `/` and a trailing `/`.
    pub fn raw_path(&self) -> Option<&[u8]> {
        self.extras.raw_path()
    }

    /// Target of a hard link (cleaned, without a leading slash) or symlink (as written); else empty.
    pub fn link(&self) -> &[u8] {
        self.extras.link()
    }

    /// What it takes of memory, in bytes.
    pub fn memory(&self) -> u64 {
        (size_of::<Self>() + self.path.as_bytes().len()) as u64 + self.extras.memory()
    }

    /// Extended attributes by name, sorted.
    pub fn xattrs(&self) -> &[Xattr] {
        self.extras.xattrs()
    }

    /// The value of an extended attribute.
    pub fn xattr(&self, name: &[u8]) -> Option<&[u8]> {
        self.extras.xattr(name)
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> (u32, u32) {
        self.extras.device()
    }

    /// The path of a hard link's target in the image.
    pub fn hard_link_target(&self) -> ImagePath {
        ImagePath::new(self.link())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry, the name and the inode made of it are what memory goes to in large images; see
    /// `tests/memory.rs` for all of it together.
    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<Entry>() <= 104, "{}", size_of::<Entry>());
        assert_eq!(size_of::<Extras>(), size_of::<usize>());
    }
}
