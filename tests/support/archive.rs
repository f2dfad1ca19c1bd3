//! Plain tar archives of named members: the outermost wrapping, and the place for last-minute edits.

use super::entry::Entry;
use std::io::Read;

/// What an image archive may hold under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// A regular file.
    File(Vec<u8>),
    /// A directory; docker writes them.
    Dir,
    /// A symbolic link; docker and podman use them to name one layer twice.
    Symlink(String),
}

/// Writes files in the given order; a name may be repeated. The pairs may come from a map or be any list.
pub fn files_to_tar<N, B>(files: impl IntoIterator<Item = (N, B)>) -> Vec<u8>
where
    N: AsRef<[u8]>,
    B: AsRef<[u8]>,
{
    write(files.into_iter().map(|(name, bytes)| Entry::file(name, bytes)))
}

/// Writes members of any kind in the given order.
pub fn members_to_tar<N: AsRef<[u8]>>(members: impl IntoIterator<Item = (N, Member)>) -> Vec<u8> {
    write(members.into_iter().map(|(name, member)| match member {
        Member::File(bytes) => Entry::file(name, bytes),
        Member::Dir => Entry::dir(name),
        Member::Symlink(target) => Entry::symlink(name, target),
    }))
}

/// The regular files of an archive in their order, read by the tar crate.
pub fn tar_members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    read_members(archive)
        .into_iter()
        .filter_map(|(name, member)| match member {
            Member::File(bytes) => Some((name, bytes)),
            _ => None,
        })
        .collect()
}

/// All members of an archive in their order, read by the tar crate. Other kinds than [`Member`]'s are left out.
pub fn read_members(archive: &[u8]) -> Vec<(String, Member)> {
    let mut members = Vec::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            members.push((name, Member::Dir));
        } else if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap();
            let target = String::from_utf8_lossy(&target).into_owned();
            members.push((name, Member::Symlink(target)));
        } else if kind.is_file() || kind.is_gnu_sparse() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            members.push((name, Member::File(bytes)));
        }
    }
    members
}

fn write(entries: impl Iterator<Item = Entry>) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        entry.write_to(&mut tar);
    }
    tar.extend([0; 1024]);
    tar
}
