//! Paths followed through symlinks, held inside the image's root as for a process that was
//! chrooted into it: absolute targets start at the image's root, and `..` of the root is the root.

use super::mounted::{self, Way};
use super::tree::{NodeId, NodeRef, Tree};
use crate::limits;
use crate::model::ImagePath;
use crate::scan::EntryKind;

/// Where a path leads.
#[derive(Debug, Clone)]
pub struct Resolved<'tree> {
    /// What is there.
    pub node: NodeRef<'tree>,
    /// How many symlinks were followed on the way.
    pub hops: usize,
}

impl Resolved<'_> {
    /// The path with all symlinks followed.
    pub fn path(&self) -> ImagePath {
        self.node.path()
    }
}

/// Where a path as some list has it would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The path, with the symlinks of its parents followed.
    pub path: ImagePath,
    /// The last layer that brought one of these symlinks.
    pub by_layer: Option<usize>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A part of the path is not there, or a symlink is dangling (ENOENT).
    #[error("there is nothing")]
    Missing,
    /// Symlinks lead back to themselves (ELOOP).
    #[error("its symlinks lead back to themselves")]
    Loop,
    /// More symlinks than Linux follows (ELOOP).
    #[error("it leads through more than {} symlinks (SYMLINK_HOPS)", limits::SYMLINK_HOPS)]
    TooManyHops,
    /// Something on the way is not a directory (ENOTDIR).
    #[error("something on the way is not a directory")]
    NotADirectory,
    /// It leads to what each process has of its own (`/proc/self/cwd`, `/dev/fd/3`).
    #[error("it leads into /proc or /dev/fd, where each process finds something else")]
    OfProcess,
    /// So many parts of paths were followed that nobody knows where it leads.
    #[error("paths lead through more than {} parts together (FOLLOWED_STEPS)", limits::FOLLOWED_STEPS)]
    TooFar,
}

impl ResolveError {
    /// Whether nothing is there, as far as can be known.
    pub fn is_absence(self) -> bool {
        matches!(self, Self::Missing | Self::NotADirectory)
    }
}

/// How far a path was followed.
pub(super) struct Followed<'path> {
    /// The last name that is there.
    pub(super) node: NodeId,
    /// What of the path is not there, `..` taken out as umoci's securejoin and containerd's
    /// `fs.RootPath` do.
    pub(super) missing: Vec<&'path [u8]>,
    /// The first symlink followed.
    pub(super) symlink: Option<NodeId>,
    /// It, and all names on the way from it.
    pub(super) beyond: Vec<NodeId>,
    pub(super) hops: usize,
    /// How many parts it came to, with those of symlinks' targets.
    pub(super) steps: u64,
}

/// A path that could not be followed, and the name it stopped at.
pub(super) struct Stopped {
    pub(super) error: ResolveError,
    pub(super) at: NodeId,
    pub(super) symlink: Option<NodeId>,
    pub(super) steps: u64,
}

pub(super) fn taken(followed: &Result<Followed<'_>, Stopped>) -> u64 {
    followed.as_ref().map_or_else(|stopped| stopped.steps, |followed| followed.steps)
}

/// Whether `/proc` is mounted where a path is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proc {
    /// While layers are unpacked, and where runtimes look into the tree before they start anything.
    Unmounted,
    /// For programs in the container.
    Mounted,
}

/// What becomes of a path that is only partly there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Refuse,
    Tell,
}

impl Tree {
    /// Follows a path as `open` of a program in the container does, the last part too: `/proc/self/root` is the root.
    pub fn resolve(&self, path: &ImagePath) -> Result<Resolved<'_>, ResolveError> {
        self.resolved(self.follow(path.as_bytes(), true, Absent::Refuse, Proc::Mounted))
    }

    /// As [`Tree::resolve`], before anything is mounted: as runtimes look for the account files.
    pub fn resolve_unmounted(&self, path: &ImagePath) -> Result<Resolved<'_>, ResolveError> {
        self.resolved(self.follow(path.as_bytes(), true, Absent::Refuse, Proc::Unmounted))
    }

    /// As [`Tree::resolve`], where `steps` are left; those that it takes are taken from them. The path is as somebody wrote it:
    /// what its `..` mean depends on the symlinks before them.
    pub fn resolve_within(&self, path: &[u8], steps: &mut u64) -> Result<Resolved<'_>, ResolveError> {
        let followed = self.follow(path, true, Absent::Refuse, Proc::Mounted);
        *steps = steps.saturating_sub(taken(&followed));
        self.resolved(followed)
    }

    /// Follows a path as `lstat` does: the last part is not followed.
    pub fn resolve_no_follow(&self, path: &ImagePath) -> Result<Resolved<'_>, ResolveError> {
        self.resolved(self.follow(path.as_bytes(), false, Absent::Refuse, Proc::Unmounted))
    }

    /// Where a path as some list has it would be: symlinks of its parents are followed as far as they
    /// are there, and the rest is taken as it is. A path through something that is no directory is
    /// taken as it is altogether.
    pub fn locate(&self, path: &ImagePath) -> ImagePath {
        let mut steps = u64::MAX;
        self.locate_within(path, &mut steps).path
    }

    /// As [`Tree::locate`], and whose doing it is that it is there. The steps that it takes are taken from `steps`.
    pub fn locate_within(&self, path: &ImagePath, steps: &mut u64) -> Located {
        let followed = self.follow(path.as_bytes(), false, Absent::Tell, Proc::Unmounted);
        *steps = steps.saturating_sub(taken(&followed));
        let Ok(followed) = followed else {
            return Located { path: path.clone(), by_layer: None };
        };
        let missing = followed.missing.iter();
        let path = missing.fold(self.path(followed.node), |path, part| path.join(part));
        // The last part is not followed, whatever it is.
        let beyond = followed.beyond.into_iter().filter(|id| *id != followed.node);
        let symlinks = beyond.filter(|id| self.inode(*id).kind == EntryKind::Symlink);
        let layers = symlinks.map(|id| self.node(id).origin.max(self.inode(id).origin).layer());
        Located { path, by_layer: layers.max() }
    }

    fn resolved(&self, followed: Result<Followed<'_>, Stopped>) -> Result<Resolved<'_>, ResolveError> {
        let followed = followed.map_err(|stopped| stopped.error)?;
        Ok(Resolved { node: self.reference(followed.node), hops: followed.hops })
    }

    pub(super) fn follow<'a>(
        &'a self,
        path: &'a [u8],
        follow_last: bool,
        absent: Absent,
        proc: Proc,
    ) -> Result<Followed<'a>, Stopped> {
        self.follow_seeing(path, follow_last, absent, proc, |_, _| {})
    }

    /// `see` is told of each directory in which a name is looked for, and whether it is there.
    pub(super) fn follow_seeing<'a>(
        &'a self,
        path: &'a [u8],
        follow_last: bool,
        absent: Absent,
        proc: Proc,
        mut see: impl FnMut(NodeId, bool),
    ) -> Result<Followed<'a>, Stopped> {
        let mut pending: Vec<&'a [u8]> = path.split(|byte| *byte == b'/').rev().collect();
        let mut symlinks: Vec<NodeId> = Vec::new();
        let mut missing: Vec<&'a [u8]> = Vec::new();
        let mut beyond: Vec<NodeId> = Vec::new();
        // Parts that are written down, whether or not they are reached.
        let (mut at, mut steps) = (Self::ROOT, pending.len() as u64);
        while let Some(part) = pending.pop() {
            let stop = |error, at| Stopped { error, at, symlink: symlinks.first().copied(), steps };
            if missing.is_empty() && !self.inode(at).is_directory() {
                return Err(stop(ResolveError::NotADirectory, at));
            }
            match part {
                b"" | b"." => continue,
                b".." => {
                    if missing.pop().is_none() {
                        at = self.node(at).parent;
                    }
                    continue;
                }
                part if !missing.is_empty() => {
                    missing.push(part);
                    continue;
                }
                part if at == Self::ROOT && proc == Proc::Mounted && mounted::is_mounted(part) => {
                    match mounted::way(part, &mut pending) {
                        Way::Plain => {}
                        Way::Root => continue,
                        Way::OfProcess => return Err(stop(ResolveError::OfProcess, at)),
                    }
                }
                _ => {}
            }
            let child = self.child(at, part);
            see(at, child.is_some());
            let Some(child) = child else {
                if absent == Absent::Refuse {
                    return Err(stop(ResolveError::Missing, at));
                }
                missing.push(part);
                continue;
            };
            let inode = self.inode(child);
            if inode.kind != EntryKind::Symlink || (pending.is_empty() && !follow_last) {
                if !symlinks.is_empty() {
                    beyond.push(child);
                }
                at = child;
                continue;
            }
            if inode.link().is_empty() {
                return Err(stop(ResolveError::Missing, child));
            }
            if symlinks.len() >= limits::SYMLINK_HOPS {
                let again =
                    symlinks.iter().enumerate().any(|(n, id)| symlinks.iter().skip(n + 1).any(|x| x == id));
                let error = if again { ResolveError::Loop } else { ResolveError::TooManyHops };
                return Err(stop(error, child));
            }
            symlinks.push(child);
            beyond.push(child);
            if inode.link().first() == Some(&b'/') {
                at = Self::ROOT;
            }
            let before = pending.len();
            pending.extend(inode.link().split(|byte| *byte == b'/').rev());
            steps += pending.len().saturating_sub(before) as u64;
        }
        let (symlink, hops) = (symlinks.first().copied(), symlinks.len());
        Ok(Followed { node: at, missing, symlink, beyond, hops, steps })
    }
}
