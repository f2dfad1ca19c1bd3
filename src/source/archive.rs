//! The outer archive: indexed once, its members read in place.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::Bound;

use super::headers::{Headers, is_deciding};
use super::store::Room;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::anomaly::Anomalies;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::read::Section;

/// Where each member of a tar archive is.
#[derive(Debug)]
pub(super) struct ArchiveIndex {
    archive: Section,
    members: BTreeMap<ImagePath, Member>,
    /// Files that there are more of under one name, where each is.
    repeated: BTreeMap<ImagePath, Vec<(u64, u64)>>,
    pub(super) anomalies: Anomalies,
}

#[derive(Debug)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// A symbolic link to another member; `None` where it leaves the archive, or other links on its way decide where it leads.
    Link(Option<ImagePath>),
    /// Another name of a member; `None` as above.
    HardLink(Option<ImagePath>),
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
        let mut index =
            Self { archive: archive.clone(), members: BTreeMap::new(), repeated: BTreeMap::new(), anomalies };
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
                b'1' => Member::HardLink(link_target(&ImagePath::root(), &header.link)),
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
        index.refuse_ways_through_links()?;
        index.compare_repeated()?;
        index.look_behind_the_end(headers.position())?;
        Ok(index)
    }

    fn insert(&mut self, name: ImagePath, member: Member) -> Result<()> {
        let again = self.members.contains_key(&name);
        let is_directory = matches!(member, Member::Directory);
        let was_directory = matches!(self.members.get(&name), Some(Member::Directory));
        let decides = is_deciding(&name);
        if decides && !matches!(member, Member::File { .. }) {
            return Err(untrusted(format!("{name} is no regular file")));
        }
        if again && !(is_directory && was_directory) {
            if decides {
                return Err(twice(&name));
            }
            let anomaly = Anomaly::new(Fault::DuplicateEntry, "the archive holds two members of one name");
            self.anomalies.push(anomaly.evidence("member", &name))?;
            match (self.members.get(&name), &member) {
                (Some(Member::File { offset, size }), Member::File { .. }) => {
                    self.repeated.entry(name.clone()).or_default().push((*offset, *size));
                }
                // What is written through the one is elsewhere with the other.
                _ => return Err(twice(&name)),
            }
        }
        self.members.insert(name, member);
        Ok(())
    }

    /// Those who unpack the archive follow links on the way to a member, and write it over another one; and a hard link to a
    /// symlink leads on from its own directory.
    fn refuse_ways_through_links(&self) -> Result<()> {
        for (name, member) in &self.members {
            if matches!(member, Member::Directory) {
                continue;
            }
            let below = [name.as_bytes(), b"/"].concat();
            let mut behind = self.members.range::<[u8], _>((Bound::Included(&*below), Bound::Unbounded));
            if let Some((inner, _)) = behind.next().filter(|(inner, _)| inner.as_bytes().starts_with(&below))
            {
                let what = format!("the archive holds {inner}, and {name} is no directory");
                return Err(untrusted(what));
            }
            if let Member::HardLink(Some(target)) = member
                && matches!(self.members.get(target), Some(Member::Link(_)))
            {
                return Err(untrusted(format!("{name} is a hard link to a symbolic one")));
            }
        }
        Ok(())
    }

    /// Leaves of files of one name only those that differ: of them one reader takes the first, and another the last.
    fn compare_repeated(&mut self) -> Result<()> {
        let Self { archive, members, repeated, .. } = self;
        let mut failed = None;
        repeated.retain(|name, places| {
            let Some(Member::File { offset, size }) = members.get(name) else { return true };
            let same = |(at, length): &(u64, u64)| {
                length == size
                    && is_same(archive, (*offset, *at), *size).unwrap_or_else(|error| {
                        failed.get_or_insert(error);
                        false
                    })
            };
            !places.iter().all(same)
        });
        failed.map_or(Ok(()), |error| Err(Error::io("cannot be read to its end", error)))
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
                Member::File { .. } if self.repeated.contains_key(at) => return Err(twice(at)),
                Member::File { offset, size } => {
                    return Ok(self.archive.slice(*offset, *size).map(|section| (section, stored)));
                }
                Member::Link(Some(target)) | Member::HardLink(Some(target)) => at = target,
                Member::Link(None) | Member::HardLink(None) => {
                    return Err(elsewhere(
                        "a link that leaves the archive, or leads into it in a way of its own",
                    ));
                }
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
            Member::Link(_) | Member::HardLink(_) | Member::Directory => None,
        })
    }
}

fn untrusted(what: String) -> Error {
    let what = format!("{what}: readers differ on what is in it");
    Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is")
}

fn twice(name: &ImagePath) -> Error {
    let what = format!("the archive holds {name} twice: readers differ on which one counts");
    Error::invalid(what).hint("write the archive anew; it cannot be trusted as it is")
}

/// Whether as many bytes are the same at two places of an archive.
fn is_same(archive: &Section, places: (u64, u64), size: u64) -> std::io::Result<bool> {
    let (Some(one), Some(other)) = (archive.slice(places.0, size), archive.slice(places.1, size)) else {
        return Ok(false);
    };
    let (mut one, mut other) = (BufReader::new(one.reader()), BufReader::new(other.reader()));
    loop {
        let (ours, theirs) = (one.fill_buf()?, other.fill_buf()?);
        let length = ours.len().min(theirs.len());
        if length == 0 {
            return Ok(ours.len() == theirs.len());
        }
        if ours.get(..length) != theirs.get(..length) {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// The member that a link leads to; `None` where it leaves the archive, or goes into a directory and up again: if that is a
/// link, it comes out elsewhere.
fn link_target(from: &ImagePath, target: &[u8]) -> Option<ImagePath> {
    if target.first() == Some(&b'/') {
        return None;
    }
    let mut parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    if parts.by_ref().skip_while(|part| *part == b"..").any(|part| part == b"..") {
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
