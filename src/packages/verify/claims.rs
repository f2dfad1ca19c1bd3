//! What packages say of the files in scope, and what of it is so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::base::Base;
use super::{Deviation, Found, Gaps, Owner, Scope, Verification};
use crate::error::Error;
use crate::limits::VERIFIED_FILES;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::packages::allowance::Allowance;
use crate::packages::owners::each_located;
use crate::packages::packed::{Digests, Need, Wanted, computed, is_packed, want};
use crate::packages::unread;
use crate::packages::{Database, Databases, FileDigest, Manager, Package, PackageFile, Packed};
use crate::rootfs::{Inode, Located, NodeRef};
use crate::scan::EntryKind;

/// What packages say of the files in scope, up to digests that are still to be computed.
#[derive(Debug, Default)]
pub struct Claims {
    claims: BTreeMap<ImagePath, Claim>,
    /// There are more than may be.
    is_over: bool,
    gaps: Gaps,
}

/// One path.
#[derive(Debug)]
struct Claim {
    layer: usize,
    /// It is what a package of these managers says.
    holds: BTreeSet<Manager>,
    said: Vec<Said>,
}

/// What one package says of a path, where that is not what is there, or not known to be.
#[derive(Debug)]
struct Said {
    owner: Arc<Owner>,
    told: Packed,
    is_config: bool,
    /// The base has the path and the package, so that what became of it is told by comparing with the base.
    is_of_base: bool,
    differs: Differs,
}

#[derive(Debug)]
enum Differs {
    /// As this is found.
    Yes(Found),
    /// Unless this digest is found.
    Unless(Need),
    /// Nobody can say.
    Unknown,
}

impl Claims {
    /// Reads the databases and looks for the files of all packages; `room` is how many files may be looked at yet.
    pub fn of(after: &Databases<'_>, scope: &Scope<'_>, room: &mut usize) -> Self {
        let mut claims = Self::default();
        let base = scope.before.map(Base::of);
        for database in after.list() {
            claims.add(after, &database, scope, base.as_ref(), room);
            if claims.is_over {
                // Part of what is said of a path may be the wrong part.
                let limit = VERIFIED_FILES as u64;
                let what = "the number of packaged files that are compared";
                let mut gaps = Gaps::default();
                gaps.add(|| Error::limit(what, "VERIFIED_FILES", limit).to_string());
                return Self { gaps, ..Self::default() };
            }
        }
        claims.tell_unread(after, scope);
        claims
    }

    /// Databases that no reader here knows may say something of any file that came with them.
    fn tell_unread(&mut self, after: &Databases<'_>, scope: &Scope<'_>) {
        let has_dpkg = after.list().iter().any(|database| database.manager == Manager::Dpkg);
        for gap in unread::gaps(after.tree, has_dpkg) {
            let node = after.tree.get(&gap.place);
            if node.is_none_or(|node| is_written(node, scope.first_layer)) {
                self.gaps.add(|| format!("{}: {}", gap.place, gap.reason));
            }
        }
    }

    fn add(
        &mut self,
        after: &Databases<'_>,
        database: &Database<'_>,
        scope: &Scope<'_>,
        base: Option<&Base<'_>>,
        room: &mut usize,
    ) {
        let place = &database.place;
        let is_just_so = base.is_some_and(|base| base.has_just_so(database));
        // What is wrong with databases that are as in the base, and with lists of its packages, is its owners' affair.
        let is_theirs = |is_in_base| is_in_base && scope.first_layer > 0;
        let (mut packages, notes) = match after.readable(database) {
            Ok(read) => read,
            Err(reason) => (Vec::new(), vec![reason]),
        };
        if !is_theirs(is_just_so) {
            notes.into_iter().for_each(|note| self.gaps.add(|| format!("{place}: {note}")));
        }
        let is_in_base = |package| is_just_so || base.is_some_and(|base| base.has(package));
        let in_base: Vec<_> = packages.iter().map(is_in_base).collect();
        let is_in_base = |number: usize| in_base.get(number).is_some_and(|is| *is);
        self.load_files(after, &mut packages, |number| is_theirs(is_in_base(number)));
        let owners: Vec<_> = packages.iter().map(|package| Arc::new(Owner::of(package, place))).collect();
        each_located(after, &packages, |number, file, Located { path, by_layer }| {
            let (Some(owner), Some(node)) = (owners.get(number), after.tree.get(&path)) else { return };
            let inode = node.inode();
            let layer = node.origin().max(inode.origin).layer().max(by_layer.unwrap_or_default());
            if layer < scope.first_layer {
                return;
            }
            let Some(holds) = holds(after, owner.manager, file, &path, inode) else { return };
            let Some(left) = room.checked_sub(1) else {
                self.is_over = true;
                return;
            };
            *room = left;
            let told_by_base = |base: &Base<'_>| {
                base.has_path(&path) && (scope.first_layer > 0 || !base.has_as(&path, inode))
            };
            let is_of_base = is_in_base(number) && base.is_some_and(told_by_base);
            let claim = self.claims.entry(path).or_insert_with(|| Claim {
                layer,
                holds: BTreeSet::new(),
                said: Vec::new(),
            });
            let manager = owner.manager;
            match holds {
                Ok(()) if claim.holds.insert(manager) => {
                    claim.said.retain(|said| said.owner.manager != manager);
                }
                Ok(()) => {}
                Err(_) if claim.holds.contains(&manager) => {}
                Err(differs) => claim.said.push(Said {
                    owner: Arc::clone(owner),
                    told: file.packed.clone(),
                    is_config: file.is_config,
                    is_of_base,
                    differs,
                }),
            }
        });
    }

    /// Adds the files of each package, and tells what cannot be known of that, but for packages that are `theirs`.
    fn load_files(
        &mut self,
        after: &Databases<'_>,
        packages: &mut [Package],
        is_theirs: impl Fn(usize) -> bool,
    ) {
        let mut allowance = Allowance::default();
        for (number, package) in packages.iter_mut().enumerate() {
            let why = match after.load_files(package, &mut allowance) {
                Err(reason) => Some(reason),
                Ok(0) if after.lists_files(package) => None,
                Ok(0) => Some("there is no list of its files".to_owned()),
                Ok(lines) => Some(format!("{lines} lines of its lists of files could not be understood")),
            };
            if let Some(why) = why.filter(|_| allowance.is_spent() || !is_theirs(number)) {
                self.gaps.add(|| format!("package {}: {why}", escape_text(&package.name)));
            }
            if allowance.is_spent() {
                break;
            }
        }
    }

    /// Asks for the digests of files that are wanted.
    pub fn want(&self, wanted: &mut Wanted) {
        for claim in self.claims.values().filter(|claim| claim.said.iter().any(|said| !said.is_of_base)) {
            for said in &claim.said {
                if let Differs::Unless(need) = said.differs {
                    want(wanted, need);
                }
            }
        }
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

enum Settled {
    AsPackaged,
    Differs(Box<Deviation>),
    Unknown(Arc<Owner>),
}

impl Claim {
    /// No manager's database is believed for another's: what one wrote nobody else can vouch for.
    fn settle(self, path: &ImagePath, digests: &Digests) -> Settled {
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
                layer: self.layer,
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
fn holds(
    after: &Databases<'_>,
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
        Packed::Directory(_) => match after.tree.resolve(path) {
            Ok(found) if found.node.inode().is_directory() => None,
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

/// Whether this layer or a later one wrote to what is there or below it.
fn is_written(node: NodeRef<'_>, first_layer: usize) -> bool {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if node.origin().max(node.inode().origin).layer() >= first_layer {
            return true;
        }
        waiting.extend(node.children());
    }
    false
}

fn found_as(inode: &Inode) -> Found {
    match inode.kind {
        EntryKind::Symlink => Found::Link(inode.link().into()),
        kind => Found::Other(kind),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rootfs::tests::{file, tree};

    const STATUS: &[u8] = b"Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n";

    /// Two packages that own one file each, and one both: four that are compared.
    #[test]
    fn files_that_are_compared_are_held_to_verified_files() {
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
        let compared = |mut room: usize| {
            let claims = Claims::of(&databases, &scope, &mut room);
            (claims.claims.len(), claims.settle(&Digests::new()))
        };
        let (paths, whole) = compared(4);
        assert_eq!((paths, whole.deviations.len()), (3, 0));
        assert!(whole.gaps.reason().unwrap().contains("could not be compared"), "{:?}", whole.gaps);
        let (paths, cut) = compared(3);
        assert_eq!(paths, 0);
        let reason = cut.gaps.reason().unwrap();
        assert!(reason.contains("exceeds the limit VERIFIED_FILES ("), "{reason}");
    }
}
