//! What packages say of one path, and what of it is so.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Deviation, Found, Owner};
use crate::model::ImagePath;
use crate::packages::packed::{Digests, Need, Wanted, computed, is_packed, want};
use crate::packages::{Databases, FileDigest, Manager, PackageFile, Packed};
use crate::rootfs::{Inode, ResolveError};
use crate::scan::EntryKind;

/// One path.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// It is what a package of these managers says.
    holds: BTreeSet<Manager>,
    said: Vec<Said>,
}

/// What one package says of a path, where that is not what is there, or not known to be.
#[derive(Debug)]
pub(super) struct Said {
    /// Which layer it was, as [`Deviation::layer`].
    pub(super) layer: usize,
    pub(super) owner: Arc<Owner>,
    pub(super) told: Packed,
    pub(super) is_config: bool,
    /// The base has the path and the package, so that what became of it is told by comparing with the base.
    pub(super) is_of_base: bool,
    pub(super) differs: Differs,
}

#[derive(Debug)]
pub(super) enum Differs {
    /// As this is found.
    Yes(Found),
    /// Unless this digest is found.
    Unless(Need),
    /// Nobody can say.
    Unknown,
}

pub(super) enum Settled {
    AsPackaged,
    Differs(Box<Deviation>),
    Unknown(Arc<Owner>),
}

impl Claim {
    /// A package of this manager says what is there.
    pub(super) fn hold(&mut self, manager: Manager) {
        if self.holds.insert(manager) {
            self.said.retain(|said| said.owner.manager != manager);
        }
    }

    /// A package says something else, which counts where none of its manager's says what is there.
    pub(super) fn differ(&mut self, said: Said) {
        if !self.holds.contains(&said.owner.manager) {
            self.said.push(said);
        }
    }

    /// Asks for the digests that it hangs on.
    pub(super) fn want(&self, wanted: &mut Wanted) {
        if self.said.iter().all(|said| said.is_of_base) {
            return;
        }
        for said in &self.said {
            if let Differs::Unless(need) = said.differs {
                want(wanted, need);
            }
        }
    }

    /// No manager's database is believed for another's: what one wrote nobody else can vouch for.
    pub(super) fn settle(self, path: &ImagePath, digests: &Digests) -> Settled {
        let holding = self.said.iter().filter(|said| said.holds(digests)).map(|said| said.owner.manager);
        let holding: BTreeSet<_> = holding.collect();
        let mut differing: Option<(Said, Found)> = None;
        let mut unknown = None;
        for said in self.said.into_iter().filter(|said| !holding.contains(&said.owner.manager)) {
            // One says that it is a program and another that it is configuration: the program counts.
            let counts = |known: &(Said, Found)| known.0.is_config && !said.is_config;
            match said.found(digests) {
                _ if said.is_of_base => {}
                None => unknown = unknown.or(Some(said.owner)),
                Some(found) if differing.as_ref().is_none_or(counts) => differing = Some((said, found)),
                Some(_) => {}
            }
        }
        match (differing, unknown) {
            (Some((said, found)), _) => Settled::Differs(Box::new(Deviation {
                path: path.clone(),
                layer: said.layer,
                owner: said.owner,
                is_config: said.is_config,
                told: said.told,
                found,
            })),
            (None, Some(owner)) => Settled::Unknown(owner),
            (None, None) => Settled::AsPackaged,
        }
    }
}

impl Said {
    /// Whether it is so after all.
    fn holds(&self, digests: &Digests) -> bool {
        matches!(&self.differs, Differs::Unless(need) if computed(digests, *need) == Some(need.1))
    }

    /// What is there instead; `None` where nobody can say.
    fn found(&self, digests: &Digests) -> Option<Found> {
        match &self.differs {
            Differs::Yes(found) => Some(found.clone()),
            Differs::Unless(need) => computed(digests, *need).map(Found::Content),
            Differs::Unknown => None,
        }
    }
}

/// Whether an inode is what its package says: `None` where the package says nothing that could be held to.
pub(super) fn holds(
    databases: &Databases<'_>,
    manager: Manager,
    file: &PackageFile,
    path: &ImagePath,
    inode: &Inode,
) -> Option<Result<(), Differs>> {
    if !file.is_verified {
        return None;
    }
    let is_file = inode.kind == EntryKind::File;
    match &file.packed {
        // Of all regular files they tell a digest, but of configuration that they were not told of yet.
        Packed::Untold if manager == Manager::Rpm || !is_file || file.is_config => None,
        Packed::Untold => Some(Err(Differs::Unknown)),
        Packed::File if is_file => Some(Err(Differs::Unknown)),
        // A link to a directory serves as one, also to `rpm -V`.
        Packed::Directory(_) => match databases.resolve(path) {
            Ok(found) if found.node.inode().is_directory() => None,
            Err(ResolveError::TooFar) => Some(Err(Differs::Unknown)),
            _ => Some(Err(Differs::Yes(found_as(inode)))),
        },
        packed => Some(match is_packed(inode, packed).as_deref() {
            Some([]) => Ok(()),
            Some([need, ..]) => Err(Differs::Unless(*need)),
            None => Err(Differs::Yes(match packed {
                Packed::Digest(FileDigest::Sha256(_)) if is_file => {
                    Found::Content(FileDigest::Sha256(inode.content))
                }
                _ => found_as(inode),
            })),
        }),
    }
}

fn found_as(inode: &Inode) -> Found {
    match inode.kind {
        EntryKind::Symlink => Found::Link(inode.link().into()),
        kind => Found::Other(kind),
    }
}
