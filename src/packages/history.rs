//! What package databases were after each layer: which layer brought a package in the version it has.
//!
//! A layer that installs one package writes the whole database again, so the last layer that wrote it
//! is that of none of the others. A package belongs to the lowest layer from which on the database has had
//! it in this version without a break: what was removed and installed again is new.

use std::collections::{BTreeMap, BTreeSet};

use super::installed::Part;
use super::inventory::Gap;
use super::{Database, Databases, Manager, Package};
use crate::digest::ContentId;
use crate::error::Error;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{Inode, Tree};

/// The states of each database, lowest layer first.
#[derive(Debug)]
pub struct History {
    databases: BTreeMap<Key, Vec<State>>,
    /// The files of dpkg's `status.d` that there ever were, by content, with the last layer that had each.
    single: BTreeMap<ContentId, State>,
    /// How many of these files may still be looked at.
    files_left: usize,
}

impl Default for History {
    fn default() -> Self {
        Self::within(limits::HISTORY_FILES)
    }
}

/// Which database: of a manager, at a place.
type Key = (Manager, ImagePath);

fn key(database: &Database<'_>) -> Key {
    (database.manager, database.place.clone())
}

/// A database from one layer on, up to the next state.
#[derive(Debug)]
struct State {
    layer: usize,
    manager: Manager,
    place: ImagePath,
    /// None where it is not there.
    parts: Vec<(ImagePath, Result<Inode, String>)>,
}

impl State {
    fn of(layer: usize, database: &Database<'_>) -> Self {
        let part = |part: &Part<'_>| (part.path.clone(), part.inode.clone().cloned());
        let parts = database.parts.iter().map(part).collect();
        Self { layer, manager: database.manager, place: database.place.clone(), parts }
    }

    fn gone(layer: usize, manager: Manager, place: ImagePath) -> Self {
        Self { layer, manager, place, parts: Vec::new() }
    }

    /// What its files hold; `None` of one that cannot be found.
    fn contents(&self) -> Vec<Option<ContentId>> {
        self.parts.iter().map(|(_, inode)| inode.as_ref().ok().map(|inode| inode.content)).collect()
    }

    fn database(&self) -> Database<'_> {
        let parts = self
            .parts
            .iter()
            .map(|(path, inode)| Part { path: path.clone(), inode: inode.as_ref().map_err(Clone::clone) });
        Database { manager: self.manager, place: self.place.clone(), parts: parts.collect() }
    }
}

impl History {
    /// Of layers that have so many files in `status.d` together at most.
    fn within(files_left: usize) -> Self {
        Self { databases: BTreeMap::new(), single: BTreeMap::new(), files_left }
    }

    /// Looks at the tree after a layer; at none once [`limits::HISTORY_FILES`] is exceeded.
    pub fn see(&mut self, layer: usize, tree: &Tree) {
        if self.incomplete().is_some() {
            return;
        }
        let nothing = |_: &Inode| Err("it is not read".to_owned());
        let databases = Databases::new(tree, &nothing);
        self.see_single(layer, &databases);
        let there = databases.whole();
        let keys: BTreeSet<_> = there.iter().map(key).collect();
        let gone: Vec<_> = self.live().filter(|key| !keys.contains(key)).cloned().collect();
        for database in &there {
            let key = key(database);
            if !self.live().any(|live| *live == key)
                && let Some(states) = self.moved(&gone, &key)
            {
                self.databases.insert(key.clone(), states);
            }
            let states = self.databases.entry(key).or_default();
            if states.last().is_none_or(|last| !last.database().same_as(database)) {
                states.push(State::of(layer, database));
            }
        }
        for key in gone {
            let (manager, place) = key.clone();
            self.databases.entry(key).or_default().push(State::gone(layer, manager, place));
        }
    }

    fn see_single(&mut self, layer: usize, databases: &Databases<'_>) {
        let single = databases.single();
        self.files_left = self.files_left.saturating_sub(single.len());
        for database in single {
            let content = database.parts.iter().find_map(|part| Some(part.inode.as_ref().ok()?.content));
            let Some(content) = content else { continue };
            let state = self.single.entry(content).or_insert_with(|| State::of(layer, &database));
            state.layer = layer;
        }
    }

    /// Why it does not know all layers; `None` where it does.
    pub(super) fn incomplete(&self) -> Option<String> {
        let limit = limits::HISTORY_FILES as u64;
        let error =
            Error::limit("how often files of status.d are there after a layer", "HISTORY_FILES", limit);
        (self.files_left == 0).then(|| format!("which layer brought a package is not known: {error}"))
    }

    /// The databases of lower layers that had packages, of managers of which no database has any now: which packages are
    /// still there nobody says then. `known` are the managers that have some.
    pub(super) fn lost(&self, databases: &Databases<'_>, known: &BTreeSet<Manager>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        // Layers can bring the same bytes back any number of times.
        let mut empty = BTreeSet::new();
        let mut had_packages = |state: &State| {
            let contents = state.contents();
            if contents.is_empty() || empty.contains(&contents) {
                return false;
            }
            // What could not be read may have had some.
            let had =
                databases.readable(&state.database()).map_or(true, |(packages, _)| !packages.is_empty());
            if !had {
                empty.insert(contents);
            }
            had
        };
        let unsaid = self.databases.iter().filter(|((manager, _), _)| !known.contains(manager));
        for ((_, place), states) in unsaid {
            let followed = states.windows(2).rev().filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
            if let Some((_, next)) = followed.into_iter().find(|(state, _)| had_packages(state)) {
                gaps.push(lost(place.clone(), next.layer.saturating_sub(1)));
            }
        }
        if !known.contains(&Manager::Dpkg) {
            let single = self.single.values().filter(|state| had_packages(state));
            if let Some(last) = single.max_by_key(|state| state.layer) {
                gaps.push(lost(last.place.parent(), last.layer));
            }
        }
        gaps
    }

    /// The databases that are there, as of the last layer.
    fn live(&self) -> impl Iterator<Item = &Key> {
        let is_there = |states: &[State]| states.last().is_some_and(|last| !last.parts.is_empty());
        self.databases.iter().filter(move |(_, states)| is_there(states)).map(|(key, _)| key)
    }

    /// What is known of a database that a layer moved to this place, as when `/lib` becomes a part of `/usr`: the one of
    /// its manager that is gone with that layer, if there is just one. It goes with it, as what stood at a place before the
    /// database was gone from there counts no more; a copy at each place of each layer would be a square.
    fn moved(&mut self, gone: &[Key], to: &Key) -> Option<Vec<State>> {
        let mut of_manager = gone.iter().filter(|(manager, _)| *manager == to.0);
        let from = of_manager.next().filter(|_| of_manager.next().is_none())?;
        self.databases.get_mut(from).map(std::mem::take).filter(|states| !states.is_empty())
    }

    /// The layer of each package of a database, in their order; `None` where this history does not know the
    /// database. What could not be read of its earlier states goes to `notes`: packages may be older than told then.
    pub(super) fn layers_of(
        &self,
        databases: &Databases<'_>,
        database: &Database<'_>,
        packages: &[Package],
        notes: &mut Vec<String>,
    ) -> Option<Vec<usize>> {
        let states = self.databases.get(&key(database))?;
        let (last, before) = states.split_last()?;
        let mut layers = vec![last.layer; packages.len()];
        let mut open: Vec<usize> = (0..packages.len()).collect();
        // Layers can bring the same bytes back any number of times: what is still open is in all that was read.
        let mut read = BTreeSet::from([last.contents()]);
        for state in before.iter().rev() {
            if open.is_empty() {
                break;
            }
            let contents = state.contents();
            let is_found = contents.iter().all(Option::is_some);
            if is_found && !read.insert(contents) {
                for number in &open {
                    if let Some(layer) = layers.get_mut(*number) {
                        *layer = state.layer;
                    }
                }
                continue;
            }
            let there = match databases.readable(&state.database()) {
                Ok((there, _)) => there,
                Err(reason) => {
                    notes.push(format!(
                        "as it was after layer {}, it could not be read, so packages may be older than told: {reason}",
                        state.layer
                    ));
                    break;
                }
            };
            let there: BTreeSet<_> = there.iter().map(identity).collect();
            open.retain(|number| {
                let same = packages.get(*number).is_some_and(|package| there.contains(&identity(package)));
                if let Some(layer) = layers.get_mut(*number).filter(|_| same) {
                    *layer = state.layer;
                }
                same
            });
        }
        Some(layers)
    }
}

fn lost(place: ImagePath, layer: usize) -> Gap {
    let reason = format!(
        "the database had packages up to layer {layer}, and none since: which of them are still installed is not known"
    );
    Gap { place, layer: Some(layer), reason }
}

/// What makes a package this one.
fn identity(package: &Package) -> (&str, &str, &str) {
    (&package.name, &package.architecture, &package.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{file, tree};

    /// Each layer adds what it changed, wherever the database stands then: else an image of all layers that there may be
    /// takes gigabytes.
    #[test]
    fn a_database_that_each_layer_moves_has_one_history() {
        let places = ["var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"];
        let mut history = History::default();
        let layers = 40;
        for layer in 0..layers {
            history.see(layer, &tree(&[file(places[layer % 2], 0o644)]));
        }
        let states: usize = history.databases.values().map(Vec::len).sum();
        assert!(states <= 3 * layers, "{states}");
        let live: Vec<_> = history.live().cloned().collect();
        assert_eq!(live.len(), 1);
        let first = history.databases[&live[0]].first().map(|state| state.layer);
        assert_eq!(first, Some(0), "moved there and back");
    }

    #[test]
    fn files_of_layers_are_held_to_history_files() {
        let tree = tree(&[file("var/lib/dpkg/status.d/a", 0o644), file("var/lib/dpkg/status.d/b", 0o644)]);
        let seen = |layers: usize| {
            let mut history = History::within(11);
            (0..layers).for_each(|layer| history.see(layer, &tree));
            history.incomplete()
        };
        assert_eq!(seen(5), None);
        assert!(seen(6).unwrap().contains("HISTORY_FILES"));
        assert_eq!(seen(6), seen(7));
    }
}
