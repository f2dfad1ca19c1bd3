//! The outer archive: indexed once, its members read in place.

use std::collections::BTreeMap;
use std::io::Read;

use super::headers::Headers;
use super::store::Room;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::anomaly::Anomalies;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::read::Section;

/// Documents that decide what the archive is: two of one name and nobody knows which counts.
const DECIDING: [&str; 4] = ["manifest.json", "index.json", "oci-layout", "repositories"];

/// Where each member of a tar archive is.
#[derive(Debug)]
pub(super) struct ArchiveIndex {
    archive: Section,
    members: BTreeMap<ImagePath, Member>,
    pub(super) anomalies: Anomalies,
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
        Self::read_within(archive, Room::default())
    }

    fn read_within(archive: Section, mut room: Room) -> Result<Self> {
        let anomalies = Anomalies::of_image();
        let mut index = Self { archive: archive.clone(), members: BTreeMap::new(), anomalies };
        let mut headers = Headers::new(archive);
        while let Some(header) = headers.next()? {
            for (what, text) in [("name", &header.name), ("link target", &header.link)] {
                if text.len() > limits::PATH_BYTES {
                    let what = format!("a member's {what}");
                    return Err(Error::limit(what, "PATH_BYTES", limits::PATH_BYTES as u64));
                }
            }
            room.take(&[&header.name, &header.link])?;
            let cleaned = ImagePath::clean(&header.name);
            let name = cleaned.path;
            if cleaned.escapes {
                let anomaly = Anomaly::new(Fault::PathEscapesRoot, "a member's name leaves the archive");
                index.anomalies.push(anomaly.evidence("member", &name))?;
            }
            let is_directory_name = header.name.last() == Some(&b'/');
            let member = match header.kind {
                b'0' | b'\0' | b'7' if is_directory_name && header.size == 0 => Member::Directory,
                b'0' | b'\0' | b'7' => Member::File { offset: header.offset, size: header.size },
                b'5' => Member::Directory,
                b'2' => Member::Link(link_target(&name.parent(), &header.link)),
                b'1' => Member::Link(link_target(&ImagePath::root(), &header.link)),
                other => {
                    let what = format!(
                        "the member {name} is of tar type {:?}, which no image archive has",
                        char::from(other)
                    );
                    return Err(Error::invalid(what));
                }
            };
            if name.is_root() && !matches!(member, Member::Directory) {
                return Err(Error::invalid(
                    "a member that is no directory has the name of the archive's root",
                ));
            }
            index.insert(name, member)?;
        }
        if index.members.is_empty() {
            return Err(Error::invalid("an archive without members"));
        }
        index.look_behind_the_end(headers.position())?;
        Ok(index)
    }

    fn insert(&mut self, name: ImagePath, member: Member) -> Result<()> {
        let again = self.members.contains_key(&name);
        let is_directory = matches!(member, Member::Directory);
        let was_directory = matches!(self.members.get(&name), Some(Member::Directory));
        let decides = DECIDING.iter().any(|deciding| deciding.as_bytes() == name.as_bytes());
        if decides && !matches!(member, Member::File { .. }) {
            let what = format!("{name} is no regular file: readers differ on what is in it");
            return Err(Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is"));
        }
        if again && !(is_directory && was_directory) {
            if decides {
                let what = format!("the archive holds {name} twice: readers differ on which one counts");
                return Err(
                    Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is")
                );
            }
            let anomaly = Anomaly::new(Fault::DuplicateEntry, "the archive holds two members of one name");
            self.anomalies.push(anomaly.evidence("member", &name))?;
        }
        self.members.insert(name, member);
        Ok(())
    }

    /// Members behind the end mark are seen by readers that ignore it (`tar --ignore-zeros`).
    fn look_behind_the_end(&mut self, end: u64) -> Result<()> {
        let Some(rest) = self.archive.slice(end, self.archive.size().saturating_sub(end)) else {
            return Ok(());
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
                return self
                    .anomalies
                    .push(Anomaly::new(Fault::TrailingData, message).evidence("endOffset", end));
            }
        }
    }

    /// The bytes of a member, its links followed, and the name that they have in the end.
    ///
    /// # Errors
    /// A member that is there and cannot be followed as a file system would: behind a link to a
    /// directory, through an absolute link, or through too many. What one reader finds there another
    /// does not, so it must not count as absent.
    pub(super) fn get(&self, name: &ImagePath) -> Result<Option<(Section, &ImagePath)>> {
        let elsewhere = |what: &str| {
            let what = format!("{name} is {what}: readers differ on what is in it");
            Error::invalid(what).hint("write the archive anew, without links; it cannot be trusted as it is")
        };
        let mut at = name;
        for _ in 0..=limits::ARCHIVE_LINK_HOPS {
            let Some((stored, member)) = self.members.get_key_value(at) else {
                return if self.is_behind_a_link(at) {
                    Err(elsewhere("behind a link to a directory"))
                } else {
                    Ok(None)
                };
            };
            match member {
                Member::File { offset, size } => {
                    return Ok(self.archive.slice(*offset, *size).map(|section| (section, stored)));
                }
                Member::Link(Some(target)) => at = target,
                Member::Link(None) => return Err(elsewhere("a link that leaves the archive")),
                Member::Directory => return Ok(None),
            }
        }
        let what = format!("the number of links from {name} on");
        let error = Error::limit(what, "ARCHIVE_LINK_HOPS", limits::ARCHIVE_LINK_HOPS as u64);
        Err(error.hint("write the archive anew, without links; readers differ on what is in it"))
    }

    fn is_behind_a_link(&self, name: &ImagePath) -> bool {
        let mut above = name.parent();
        while !above.is_root() {
            if matches!(self.members.get(&above), Some(Member::Link(_))) {
                return true;
            }
            above = above.parent();
        }
        false
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&ImagePath, u64)> {
        self.members.iter().filter_map(|(name, member)| match member {
            Member::File { size, .. } => Some((name, *size)),
            Member::Link(_) | Member::Directory => None,
        })
    }
}

/// The member that a link leads to; `None` where it leaves the archive.
fn link_target(from: &ImagePath, target: &[u8]) -> Option<ImagePath> {
    if target.first() == Some(&b'/') {
        return None;
    }
    // Joined to the root, the path must not become absolute: it could not escape then.
    let joined = if from.is_root() { target.to_vec() } else { [from.as_bytes(), target].join(&b'/') };
    let cleaned = ImagePath::clean(&joined);
    (!cleaned.escapes).then_some(cleaned.path)
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
