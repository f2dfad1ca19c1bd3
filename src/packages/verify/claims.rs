//! What packages say of the files in scope, up to digests that are still to be computed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::Base;
use super::claim::{Claim, Said, Settled, holds};
use super::{Gaps, Owner, Room, Scope, Verification};
use crate::error::{ErrorKind, Result};
use crate::limits::Deadline;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::packages::allowance::Allowance;
use crate::packages::installed::not_understood;
use crate::packages::owners::each_located;
use crate::packages::packed::{Digests, Wanted};
use crate::packages::unread;
use crate::packages::{Database, Databases, Manager, Package};
use crate::rootfs::{Inode, Located, NodeRef};

/// What packages say of the files in scope, up to digests that are still to be computed.
#[derive(Debug, Default)]
pub struct Claims {
    claims: BTreeMap<ImagePath, Claim>,
    gaps: Gaps,
}

impl Claims {
    /// Reads the databases and looks for the files of all packages.
    ///
    /// # Errors
    /// The time is up.
    pub fn of(after: &Databases<'_>, scope: &Scope<'_>, room: &mut Room, deadline: Deadline) -> Result<Self> {
        let sides = Sides { after, base: scope.before.map(Base::of), first_layer: scope.first_layer };
        let mut claims = Self::default();
        for database in after.list() {
            deadline.check()?;
            let packages = sides.packages_of(&database, &mut claims.gaps);
            match claims.look_for(&packages, &sides, room, deadline) {
                Ok(()) => {}
                // Part of what is said of a path may be the wrong part.
                Err(error) if error.kind() == ErrorKind::Limit => {
                    let mut gaps = Gaps::default();
                    gaps.add(|| error.to_string());
                    return Ok(Self { gaps, ..Self::default() });
                }
                Err(error) => return Err(error),
            }
        }
        sides.tell_unread(&mut claims.gaps);
        Ok(claims)
    }

    fn look_for(
        &mut self,
        packages: &OfDatabase,
        sides: &Sides<'_>,
        room: &mut Room,
        deadline: Deadline,
    ) -> Result<()> {
        each_located(sides.after, &packages.packages, |number, file, Located { path, by_layer }| {
            deadline.check()?;
            let (Some(owner), Some(node)) = (packages.owners.get(number), sides.after.tree.get(&path)) else {
                return Ok(());
            };
            let inode = node.inode();
            let layer = last_layer(node).max(by_layer.unwrap_or_default());
            if layer < sides.first_layer {
                return Ok(());
            }
            let OwnerOf { owner, is_in_base } = owner;
            let Some(holds) = holds(sides.after, owner.manager, file, &path, inode) else {
                return Ok(());
            };
            room.take(&path, inode, &file.packed)?;
            let is_of_base = *is_in_base && sides.is_told_by_base(&path, inode);
            let claim = self.claims.entry(path).or_default();
            match holds {
                Ok(()) => claim.hold(owner.manager),
                Err(differs) => claim.differ(Said {
                    layer,
                    owner: Arc::clone(owner),
                    told: file.packed.clone(),
                    is_config: file.is_config,
                    is_of_base,
                    differs,
                }),
            }
            Ok(())
        })
    }

    /// Asks for the digests of files that are wanted.
    pub fn want(&self, wanted: &mut Wanted) {
        self.claims.values().for_each(|claim| claim.want(wanted));
    }

    /// Holds the claims to the digests.
    pub fn settle(self, digests: &Digests) -> Verification {
        let mut verification = Verification { deviations: Vec::new(), gaps: self.gaps };
        for (path, claim) in self.claims {
            match claim.settle(&path, digests) {
                Settled::AsPackaged => {}
                Settled::Differs(deviation) => verification.deviations.push(*deviation),
                Settled::Unknown(owner) => verification.gaps.add(|| {
                    let name = escape_text(&owner.name);
                    format!("{path} of the package {name} could not be compared: none of its digests could be computed, or none is told")
                }),
            }
        }
        verification
    }
}

/// The tree that is looked at, and the base below it.
struct Sides<'a> {
    after: &'a Databases<'a>,
    base: Option<Base<'a>>,
    first_layer: usize,
}

/// The packages of one database.
struct OfDatabase {
    packages: Vec<Package>,
    /// For each of them.
    owners: Vec<OwnerOf>,
}

struct OwnerOf {
    owner: Arc<Owner>,
    /// Whether the base has the package in this version.
    is_in_base: bool,
}

impl Sides<'_> {
    /// The packages with their files; what cannot be known of them is told.
    fn packages_of(&self, database: &Database<'_>, gaps: &mut Gaps) -> OfDatabase {
        let place = &database.place;
        let is_just_so = self.base.as_ref().is_some_and(|base| base.has_just_so(database));
        let (mut packages, notes) =
            self.after.readable(database).unwrap_or_else(|reason| (Vec::new(), vec![reason]));
        if !self.is_theirs(is_just_so) {
            let untold = (!database.tells_files() && !packages.is_empty())
                .then(|| "it does not say which files its packages brought".to_owned());
            let notes = notes.into_iter().chain(untold);
            notes.for_each(|note| gaps.add(|| format!("{place}: {note}")));
        }
        let owner = |package: &Package| OwnerOf {
            owner: Arc::new(Owner::of(package, place)),
            is_in_base: is_just_so || self.base.as_ref().is_some_and(|base| base.has(package)),
        };
        let owners: Vec<_> = packages.iter().map(owner).collect();
        self.load_files(&mut packages, &owners, gaps);
        OfDatabase { packages, owners }
    }

    /// Adds the files of each package, and tells what cannot be known of that.
    fn load_files(&self, packages: &mut [Package], owners: &[OwnerOf], gaps: &mut Gaps) {
        let mut allowance = Allowance::default();
        for (package, owner) in packages.iter_mut().zip(owners) {
            let why = match self.after.load_files(package, &mut allowance) {
                Err(reason) => Some(reason),
                Ok(0) if self.after.lists_files(package) => None,
                Ok(0) => Some("there is no list of its files".to_owned()),
                Ok(lines) => not_understood(lines, "the lines of its lists of files"),
            };
            if let Some(why) = why.filter(|_| allowance.is_spent() || !self.is_theirs(owner.is_in_base)) {
                gaps.add(|| format!("package {}: {why}", escape_text(&package.name)));
            }
            if allowance.is_spent() {
                break;
            }
        }
    }

    /// What is wrong with databases that are as in the base, and with lists of its packages, is its owners' affair.
    fn is_theirs(&self, is_in_base: bool) -> bool {
        is_in_base && self.first_layer > 0
    }

    /// Whether comparing with the base tells what became of a file of a package that the base has.
    fn is_told_by_base(&self, path: &ImagePath, inode: &Inode) -> bool {
        let tells =
            |base: &Base<'_>| base.has_path(path) && (self.first_layer > 0 || !base.has_as(path, inode));
        self.base.as_ref().is_some_and(tells)
    }

    /// Databases that no reader here knows may say something of any file that came with them.
    fn tell_unread(&self, gaps: &mut Gaps) {
        let tree = self.after.tree;
        let has_dpkg = self.after.list().iter().any(|database| database.manager == Manager::Dpkg);
        for gap in unread::lists_of_files(tree, has_dpkg) {
            if tree.get(&gap.place).is_none_or(|node| is_written(node, self.first_layer)) {
                gaps.add(|| format!("{}: {}", gap.place, gap.reason));
            }
        }
    }
}

/// The last layer that brought a name or what it names.
fn last_layer(node: NodeRef<'_>) -> usize {
    node.origin().max(node.inode().origin).layer()
}

/// Whether this layer or a later one wrote to what is there or below it.
fn is_written(node: NodeRef<'_>, first_layer: usize) -> bool {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if last_layer(node) >= first_layer {
            return true;
        }
        waiting.extend(node.children());
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rootfs::tests::{file, tree};

    const STATUS: &[u8] = b"Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n";

    /// Two packages that own one file each, and one both: four that are compared.
    #[test]
    fn files_that_are_compared_are_held_to_verified_files_and_verified_path_bytes() {
        let tree = tree(&[
            file("usr/a", 0o644),
            file("usr/b", 0o644),
            file("usr/both", 0o644),
            file("usr/none", 0o644),
            file("var/lib/dpkg/status", 0o644),
            file("var/lib/dpkg/info/a.list", 0o644),
            file("var/lib/dpkg/info/b.list", 0o644),
        ]);
        let place = |path: &str| tree.get(&ImagePath::new(path)).unwrap().inode().origin;
        let contents = [
            ("var/lib/dpkg/status", STATUS),
            ("var/lib/dpkg/info/a.list", b"/usr\n/usr/a\n/usr/both\n/usr/gone\n"),
            ("var/lib/dpkg/info/b.list", b"/usr\n/usr/b\n/usr/both\n"),
        ]
        .map(|(path, bytes)| (place(path), Arc::<[u8]>::from(bytes)));
        let content = |inode: &Inode| {
            let found = contents.iter().find(|(origin, _)| *origin == inode.origin);
            found.map(|(_, bytes)| Arc::clone(bytes)).ok_or_else(|| "not there".to_owned())
        };
        let databases = Databases::new(&tree, &content);
        let scope = Scope { first_layer: 0, before: None };
        let compared = |files: usize, path_bytes: usize| {
            let mut room = Room::of(files, path_bytes);
            let claims = Claims::of(&databases, &scope, &mut room, Deadline::default()).unwrap();
            (claims.claims.len(), claims.settle(&Digests::new()))
        };
        let bytes = 2 * "usr/a".len() + 2 * "usr/both".len();
        let (paths, whole) = compared(4, bytes);
        assert_eq!((paths, whole.deviations.len()), (3, 0));
        assert!(whole.gaps.reason().unwrap().contains("could not be compared"), "{:?}", whole.gaps);
        for (files, bytes, name) in [(3, bytes, "VERIFIED_FILES"), (4, bytes - 1, "VERIFIED_PATH_BYTES")] {
            let (paths, cut) = compared(files, bytes);
            assert_eq!(paths, 0);
            let reason = cut.gaps.reason().unwrap();
            assert!(reason.contains(&format!("exceeds the limit {name} (")), "{reason}");
        }
        let late = Deadline::after(std::time::Instant::now(), std::time::Duration::ZERO);
        let late = Claims::of(&databases, &scope, &mut Room::default(), late);
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Timeout);
    }
}
