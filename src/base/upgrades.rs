//! Changes of the base that come from its packages: upgraded, downgraded or removed by the layers
//! above, as their own package databases say.
//!
//! A changed path is explained where, in the *base's* database, it belongs to a package that is
//! there in another version now or not at all, and where it now is what the package says: of the
//! content whose digest the package tells, or gone and on no list. The first half is the base's
//! word; the second is the upper layers' own claim, and can be forged with the file. So an explained
//! change is told as that of its package, never as nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::differing::{Differing, PackageChange};
use super::{Change, ChangeKind, Comparison};
use crate::error::Result;
use crate::model::ImagePath;
use crate::packages::allowance::Allowance;
use crate::packages::alternatives::Alternative;
use crate::packages::owners::{Owners, below};
use crate::packages::packed::{Digests, Need, Wanted, computed, is_packed, want};
use crate::packages::{Databases, Packed};
use crate::rootfs::{NodeRef, ResolveError};
use crate::scan::EntryKind;

/// Why a change of the base is no tampering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// Its package was changed: the index in [`Upgrades::packages`].
    Package(usize),
    /// A link in `/etc/alternatives` leads where update-alternatives(1) would lead it, of what packages
    /// have registered. The text says so.
    Alternative(String),
}

/// What package managers did to the base, as the upper layers say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upgrades {
    /// By manager, then database, then name.
    pub packages: Vec<PackageChange>,
    /// For each of the comparison's changes.
    explanations: Vec<Option<Explanation>>,
    /// Files of the base whose other content is explained.
    upgraded: BTreeSet<ImagePath>,
    /// Why not all of it could be looked at.
    pub incomplete: Vec<String>,
}

impl Upgrades {
    /// Why the change of that index in [`Comparison::changes`] is no tampering.
    pub fn explanation(&self, change: usize) -> Option<&Explanation> {
        self.explanations.get(change).and_then(Option::as_ref)
    }

    /// Whether a file has other content than in the base because its package was changed.
    pub fn is_upgraded(&self, path: &ImagePath) -> bool {
        self.upgraded.contains(path)
    }
}

/// What would explain each change, up to digests that are still to be computed.
#[derive(Debug, Default)]
pub struct Claims {
    upgrades: Upgrades,
    claims: Vec<Claim>,
}

/// A change is explained if each of these files has its digest.
#[derive(Debug)]
struct Claim {
    change: usize,
    explanation: Explanation,
    needs: Vec<Need>,
    paths: Vec<ImagePath>,
}

/// The links that update-alternatives(1) keeps.
const ALTERNATIVES: &[u8] = b"etc/alternatives/";

impl Claims {
    /// Compares the databases of the base with those after all layers, and looks for an owner of each change.
    pub fn of(before: &Databases<'_>, after: &Databases<'_>, comparison: &Comparison) -> Self {
        let mut differing = Differing::of(before, after);
        for (databases, packages) in [(before, &mut differing.old), (after, &mut differing.new)] {
            let mut allowance = Allowance::default();
            for package in packages {
                if let Err(reason) = databases.load_files(package, &mut allowance) {
                    differing.incomplete.push(format!("package {}: {reason}", package.name));
                }
                if allowance.is_spent() {
                    break;
                }
            }
        }
        let mut claims = Self::default();
        claims.upgrades.packages = differing.changes;
        claims.upgrades.incomplete = differing.incomplete;
        let alternatives = Alternatives { before: before.alternatives(), after: after.alternatives() };
        let gone = deleted(before, comparison);
        let paths = interesting(after, comparison, &alternatives, &gone);
        claims.upgrades.explanations = vec![None; comparison.changes.len()];
        let owners = || -> Result<_> {
            let old = Owners::of(before, &differing.old, &paths)?;
            let new = Owners::of(after, &differing.new, &paths)?;
            Ok((old, new, Owners::of(after, &differing.kept, &gone)?))
        };
        match owners() {
            Ok((old, new, kept)) => {
                let finder = Finder { before, after, old, new, kept, alternatives };
                let changes = comparison.changes.iter().enumerate();
                claims.claims.extend(changes.filter_map(|(number, change)| finder.claim(number, change)));
            }
            // Without the owners nothing is explained.
            Err(error) => claims.upgrades.incomplete.push(error.to_string()),
        }
        claims
    }

    /// Asks for the digests of files that are wanted.
    pub fn want(&self, wanted: &mut Wanted) {
        self.claims.iter().flat_map(|claim| &claim.needs).for_each(|need| want(wanted, *need));
    }

    /// Holds the claims to the digests; a file without any is not what its package says.
    pub fn settle(self, comparison: &Comparison, digests: &Digests) -> Upgrades {
        let mut upgrades = self.upgrades;
        let mut layers: BTreeMap<usize, usize> = BTreeMap::new();
        for claim in self.claims {
            let holds = claim.needs.iter().all(|need| computed(digests, *need) == Some(need.1));
            let Some(change) = comparison.changes.get(claim.change).filter(|_| holds) else { continue };
            if let Explanation::Package(number) = claim.explanation
                && let Some(package) = upgrades.packages.get_mut(number)
            {
                let last = layers.entry(number).or_default();
                *last = change.layer.unwrap_or_default().max(*last);
                package.explained.extend(claim.paths);
                if matches!(change.kind, ChangeKind::Modified { .. }) {
                    upgrades.upgraded.insert(change.path.clone());
                }
            }
            if let Some(told) = upgrades.explanations.get_mut(claim.change) {
                *told = Some(claim.explanation);
            }
        }
        for (number, package) in upgrades.packages.iter_mut().enumerate() {
            // The database may have been written again since.
            package.layer = layers.get(&number).copied().or(package.layer);
            package.explained.sort();
            package.explained.dedup();
        }
        upgrades
    }
}

/// All paths that are gone, or were once. What was below a directory that was put back is not asked for.
fn deleted(before: &Databases<'_>, comparison: &Comparison) -> BTreeSet<ImagePath> {
    let mut gone = BTreeSet::new();
    for change in &comparison.changes {
        let ChangeKind::Deleted { below: count, .. } = change.kind else { continue };
        if count > 0 {
            gone.extend(below(before.tree, &change.path));
        }
        gone.insert(change.path.clone());
    }
    gone
}

/// All paths whose owners must be known.
fn interesting(
    after: &Databases<'_>,
    comparison: &Comparison,
    alternatives: &Alternatives,
    gone: &BTreeSet<ImagePath>,
) -> BTreeSet<ImagePath> {
    let mut paths = gone.clone();
    for change in &comparison.changes {
        if let Some((alternative, place)) = alternatives.after_all(&change.path) {
            let targets = alternative.best().flat_map(|choice| [choice.program(), choice.target(*place)]);
            let found = targets.flatten().filter_map(|target| Some(after.resolve(&target).ok()?.path()));
            paths.extend(found);
        }
        paths.insert(change.path.clone());
        if !matches!(change.kind, ChangeKind::Deleted { .. }) {
            paths.extend(after.resolve(&change.path).map(|found| found.path()));
        }
    }
    paths
}

/// What may explain a change.
struct Finder<'a> {
    before: &'a Databases<'a>,
    after: &'a Databases<'a>,
    /// Of the base's packages that differ; numbered as [`Upgrades::packages`].
    old: Owners<'a>,
    /// Of the packages that are new or of another version.
    new: Owners<'a>,
    /// Of those that are as in the base, where their files are known; of paths that are gone.
    kept: Owners<'a>,
    alternatives: Alternatives,
}

impl Finder<'_> {
    fn claim(&self, number: usize, change: &Change) -> Option<Claim> {
        let by_package = self.by_package(change);
        let (explanation, needs, paths) = by_package.or_else(|| self.by_alternative(change))?;
        Some(Claim { change: number, explanation, needs, paths })
    }

    fn by_package(&self, change: &Change) -> Option<(Explanation, Vec<Need>, Vec<ImagePath>)> {
        let path = &change.path;
        let owner = self.old.of_path(path).next().map(|owned| Explanation::Package(owned.package));
        let mut paths = vec![path.clone()];
        let needs = match &change.kind {
            ChangeKind::Deleted { by_replacement, below: count } => {
                if *count > 0 {
                    paths.extend(below(self.before.tree, path));
                }
                if *by_replacement {
                    paths.remove(0);
                }
                let gone =
                    |path: &ImagePath| self.old.has(path) && !self.new.has(path) && !self.kept.has(path);
                paths.iter().all(gone).then(Vec::new)?
            }
            // More than the base allowed is told, whoever did it: no list says what a mode should be.
            ChangeKind::Metadata { adds_privilege: true, .. } => return None,
            ChangeKind::Modified { .. }
            | ChangeKind::Retargeted { .. }
            | ChangeKind::Replaced { .. }
            | ChangeKind::Metadata { .. } => self.is_as_packaged(path, self.after.tree.get(path)?)?,
        };
        Some((owner.or_else(|| self.owner_below(&paths))?, needs, paths))
    }

    /// What is gone with a directory that became something else belongs to who owned it.
    fn owner_below(&self, paths: &[ImagePath]) -> Option<Explanation> {
        let owned = paths.first().and_then(|path| self.old.of_path(path).next());
        owned.map(|owned| Explanation::Package(owned.package))
    }

    /// What must hold for a path to be what one of the changed packages says of it; `None` where
    /// nothing makes it so.
    fn is_as_packaged(&self, path: &ImagePath, node: NodeRef<'_>) -> Option<Vec<Need>> {
        let inode = node.inode();
        let mut listed = false;
        for owned in self.new.of_path(path) {
            listed = true;
            if let Some(need) = is_packed(inode, owned.packed) {
                return Some(need);
            }
        }
        // dpkg tells nothing of a symlink: it may lead to what is the base's or a package's.
        let is_link = listed && inode.kind == EntryKind::Symlink;
        let is_untold = self.new.of_path(path).all(|owned| *owned.packed == Packed::Untold);
        if is_link && is_untold { self.is_packaged(path) } else { None }
    }

    /// What must hold for a path, symlinks followed, to lead to what is the base's, or one of the
    /// changed packages' as it says.
    fn is_packaged(&self, path: &ImagePath) -> Option<Vec<Need>> {
        let found = self.after.resolve(path).ok()?;
        let (path, inode) = (found.path(), found.node.inode());
        let is_of_base = self.before.tree.get(&path).is_some_and(|node| node.inode().same_as(inode));
        if is_of_base {
            return Some(Vec::new());
        }
        if inode.kind == EntryKind::Directory {
            return self.new.of_path(&path).next().map(|_| Vec::new());
        }
        self.new.of_path(&path).find_map(|owned| is_packed(inode, owned.packed))
    }

    fn by_alternative(&self, change: &Change) -> Option<(Explanation, Vec<Need>, Vec<ImagePath>)> {
        let ChangeKind::Retargeted { is, .. } = &change.kind else { return None };
        let is_auto = |known: &&(Arc<Alternative>, usize)| known.0.is_auto;
        let (before, _) = self.alternatives.in_base(&change.path).filter(is_auto)?;
        let (alternative, place) = self.alternatives.after_all(&change.path).filter(is_auto)?;
        // A name goes with one other: update-alternatives gives it to no second one.
        if alternative.names.first() != before.names.first() {
            return None;
        }
        let best = alternative.best().find(|choice| choice.targets.get(*place) == Some(is))?;
        let program = best.program()?;
        let mut needs = self.is_packaged(&program)?;
        // A page of a manual that was left out leads to nothing, which is no program.
        let target = best.target(*place)?;
        if self.after.resolve(&target).err() != Some(ResolveError::Missing) {
            needs.extend(self.is_packaged(&target)?);
        }
        let text = format!("the alternative of the highest priority that packages offer is {program}");
        Some((Explanation::Alternative(text), needs, Vec::new()))
    }
}

/// By the names of their links.
type Links = BTreeMap<Box<[u8]>, (Arc<Alternative>, usize)>;

struct Alternatives {
    before: Links,
    after: Links,
}

impl Alternatives {
    fn in_base(&self, path: &ImagePath) -> Option<&(Arc<Alternative>, usize)> {
        self.before.get(path.as_bytes().strip_prefix(ALTERNATIVES)?)
    }

    fn after_all(&self, path: &ImagePath) -> Option<&(Arc<Alternative>, usize)> {
        self.after.get(path.as_bytes().strip_prefix(ALTERNATIVES)?)
    }
}
