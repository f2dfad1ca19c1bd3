//! Whether what is in a tree is what a package says: at once where the tree tells it, else up to a digest that is
//! still to be computed.

use std::collections::BTreeMap;

use sha1::{Digest as _, Sha1};

use super::{FileDigest, Packed};
use crate::rootfs::Inode;
use crate::scan::{EntryKind, OldAlgorithms, OldDigests};

/// An entry of a layer: the layer, and the index of the entry.
pub type Place = (usize, usize);

/// The digest that an entry's content must have.
pub type Need = (Place, FileDigest);

/// By which algorithms entries are to be hashed.
pub type Wanted = BTreeMap<Place, OldAlgorithms>;

/// What was computed of them; those that could not be read are not there.
pub type Digests = BTreeMap<Place, OldDigests>;

/// What must hold for an inode to be what its package says: nothing more where that is known already, `None` where it is not.
pub fn is_packed(inode: &Inode, packed: &Packed) -> Option<Vec<Need>> {
    let known = |holds: bool| holds.then(Vec::new);
    match (inode.kind, packed) {
        (EntryKind::File, Packed::Digest(FileDigest::Sha256(digest))) => known(*digest == inode.content),
        (EntryKind::File, Packed::Digest(digest)) => {
            Some(vec![((inode.origin.layer(), inode.origin.entry()?), *digest)])
        }
        (EntryKind::Symlink, Packed::Digest(FileDigest::Sha1(digest))) => {
            known(<[u8; 20]>::from(Sha1::digest(inode.link())) == *digest)
        }
        (EntryKind::Symlink, Packed::Link(target)) => known(*inode.link() == **target),
        (EntryKind::Directory, Packed::Directory(mode)) => known(inode.mode == *mode),
        _ => None,
    }
}

/// Asks for the digest of a need.
pub fn want(wanted: &mut Wanted, (place, digest): Need) {
    let algorithms = wanted.entry(place).or_default();
    match digest {
        FileDigest::Md5(_) => algorithms.md5 = true,
        FileDigest::Sha1(_) => algorithms.sha1 = true,
        FileDigest::Sha256(_) => {}
    }
}

/// What was computed by the algorithm of a need; `None` where it was not.
pub fn computed(digests: &Digests, (place, digest): Need) -> Option<FileDigest> {
    let computed = digests.get(&place)?;
    match digest {
        FileDigest::Md5(_) => computed.md5.map(FileDigest::Md5),
        FileDigest::Sha1(_) => computed.sha1.map(FileDigest::Sha1),
        FileDigest::Sha256(_) => None,
    }
}
