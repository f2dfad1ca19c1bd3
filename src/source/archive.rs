//! The outer archive: indexed once, its members read in place.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::store::Names;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::read::Section;

/// Documents that decide what the archive is: two of one name and nobody knows which counts.
const DECIDING: [&str; 4] = ["manifest.json", "index.json", "oci-layout", "repositories"];

/// Where each member of a tar archive is.
#[derive(Debug)]
pub(super) struct ArchiveIndex {
    archive: Section,
    members: BTreeMap<ImagePath, Member>,
    pub(super) anomalies: Vec<Anomaly>,
}

#[derive(Debug)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// A symbolic or hard link to another member; `None` where it leaves the archive.
    Link(Option<ImagePath>),
    Directory,
}

impl ArchiveIndex {
    /// Reads the headers of a tar archive, jumping over its members' bytes.
    ///
    /// # Errors
    /// What is no tar, is cut short, holds sparse or special files, exceeds a limit, or names one
    /// of its deciding documents twice.
    pub(super) fn read(archive: Section) -> Result<Self> {
        let mut index = Self { archive: archive.clone(), members: BTreeMap::new(), anomalies: Vec::new() };
        let mut names = Names::default();
        let mut end = 0;
        let mut tar = tar::Archive::new(HeaderReader::new(archive.clone()));
        let broken = |error| Error::io("not a readable tar archive", error);
        for entry in tar.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let raw = entry.path_bytes().into_owned();
            if raw.len() > limits::PATH_BYTES {
                return Err(Error::limit("a member's name", "PATH_BYTES", limits::PATH_BYTES as u64));
            }
            let cleaned = ImagePath::clean(&raw);
            let name = cleaned.path;
            if cleaned.escapes {
                let anomaly = Anomaly::new(Fault::PathEscapesRoot, "a member's name leaves the archive");
                index.anomalies.push(anomaly.evidence("member", &name));
            }
            let (offset, size) = (entry.raw_file_position(), entry.size());
            let member = match entry.header().entry_type() {
                tar::EntryType::Regular | tar::EntryType::Continuous => Member::File { offset, size },
                tar::EntryType::Directory => Member::Directory,
                tar::EntryType::Symlink => {
                    Member::Link(link_target(&name.parent(), entry.link_name_bytes().as_deref()))
                }
                tar::EntryType::Link => {
                    Member::Link(link_target(&ImagePath::root(), entry.link_name_bytes().as_deref()))
                }
                tar::EntryType::XGlobalHeader => continue,
                other => {
                    let what = format!(
                        "the member {name} is of tar type {:?}, which no image archive has",
                        char::from(other.as_byte())
                    );
                    return Err(Error::invalid(what));
                }
            };
            if let Member::File { offset, size } = member {
                if archive.slice(offset, size).is_none() {
                    let what = format!(
                        "the archive is cut short: {name} should have {size} bytes from offset {offset} on, and the archive ends at {}",
                        archive.size()
                    );
                    return Err(Error::invalid(what).hint("save or download the image again"));
                }
                end = end.max((offset + size).next_multiple_of(512));
            } else {
                end = end.max(offset);
            }
            index.insert(&mut names, name, member)?;
        }
        if index.members.is_empty() {
            return Err(Error::invalid("an archive without members"));
        }
        index.look_behind_the_end(end)?;
        Ok(index)
    }

    fn insert(&mut self, names: &mut Names, name: ImagePath, member: Member) -> Result<()> {
        let again = names.met(&name)?;
        if again && !matches!(member, Member::Directory) {
            if DECIDING.iter().any(|deciding| deciding.as_bytes() == name.as_bytes()) {
                let what = format!("the archive holds {name} twice: readers differ on which one counts");
                return Err(
                    Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is")
                );
            }
            let anomaly = Anomaly::new(Fault::DuplicateEntry, "the archive holds two members of one name");
            self.anomalies.push(anomaly.evidence("member", &name));
        }
        self.members.insert(name, member);
        Ok(())
    }

    /// Members behind the end mark are seen by readers that ignore it (`tar --ignore-zeros`). An
    /// archive without an end mark was cut short: who knows what else was to come.
    fn look_behind_the_end(&mut self, end: u64) -> Result<()> {
        let rest = self.archive.slice(end, self.archive.size().saturating_sub(end));
        let Some(rest) = rest.filter(|rest| rest.size() >= 512) else {
            let what =
                format!("the archive is cut short: it ends at {} without an end mark", self.archive.size());
            return Err(Error::invalid(what).hint("save or download the image again"));
        };
        let mut reader = rest.reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read =
                reader.read(&mut buffer).map_err(|error| Error::io("cannot be read to its end", error))?;
            if read == 0 {
                return Ok(());
            }
            if buffer.iter().take(read).any(|byte| *byte != 0) {
                let message = "the archive holds bytes behind its end mark";
                self.anomalies.push(Anomaly::new(Fault::TrailingData, message).evidence("endOffset", end));
                return Ok(());
            }
        }
    }

    /// The bytes of a member, its links followed, and the name that they have in the end.
    pub(super) fn get(&self, name: &ImagePath) -> Option<(Section, &ImagePath)> {
        let (mut name, mut member) = self.members.get_key_value(name)?;
        for _ in 0..limits::ARCHIVE_LINK_HOPS {
            match member {
                Member::File { offset, size } => return Some((self.archive.slice(*offset, *size)?, name)),
                Member::Link(Some(target)) => (name, member) = self.members.get_key_value(target)?,
                Member::Link(None) | Member::Directory => return None,
            }
        }
        None
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&ImagePath, u64)> {
        self.members.iter().filter_map(|(name, member)| match member {
            Member::File { size, .. } => Some((name, *size)),
            Member::Link(_) | Member::Directory => None,
        })
    }
}

/// Whether these bytes begin with a tar header: its checksum holds.
pub(super) fn looks_like_tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else { return false };
    let header = tar::Header::from_byte_slice(block);
    let sum = |block: &[u8]| -> u32 {
        let byte =
            |(offset, byte): (usize, &u8)| if (148..156).contains(&offset) { 32 } else { u32::from(*byte) };
        block.iter().enumerate().map(byte).sum()
    };
    block.iter().any(|byte| *byte != 0) && header.cksum().is_ok_and(|declared| declared == sum(block))
}

fn link_target(from: &ImagePath, target: Option<&[u8]>) -> Option<ImagePath> {
    let target = target?;
    if target.first() == Some(&b'/') {
        return None;
    }
    let cleaned = ImagePath::clean(&[from.as_bytes(), target].join(&b'/'));
    // A leading slash would make the path absolute, and so unable to escape.
    let relative = if from.is_root() { ImagePath::clean(target) } else { cleaned };
    (!relative.escapes).then_some(relative.path)
}

/// Lets the tar crate read headers and nothing else: it reads long names and PAX records whole, so
/// what is read between two jumps is bounded here.
struct HeaderReader {
    archive: Section,
    position: u64,
    since_jump: u64,
}

impl HeaderReader {
    fn new(archive: Section) -> Self {
        Self { archive, position: 0, since_jump: 0 }
    }
}

impl Read for HeaderReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.archive.size().saturating_sub(self.position);
        let Some(rest) = self.archive.slice(self.position, left) else { return Ok(0) };
        let read = rest.reader().read(buffer)?;
        self.position += read as u64;
        self.since_jump += read as u64;
        if self.since_jump > limits::ARCHIVE_HEADER_BYTES {
            let limit = limits::ARCHIVE_HEADER_BYTES;
            return Err(Error::limit("a member's header", "ARCHIVE_HEADER_BYTES", limit).into());
        }
        Ok(read)
    }
}

impl Seek for HeaderReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.archive.size().checked_add_signed(distance),
        };
        let position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if position != self.position {
            self.since_jump = 0;
        }
        self.position = position;
        Ok(position)
    }
}
