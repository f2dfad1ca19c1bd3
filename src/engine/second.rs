//! The second read: files that turned out to be wanted only once the tree was known, or once other
//! files that name them were read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allowance::Allowance;
use crate::error::{Error, Result};
use crate::facts::{Contents, Facts};
use crate::limits::{FURTHER_READS, Limits, SECOND_READ_KEPT_BYTES};
use crate::model::ImagePath;
use crate::packages::linked;
use crate::read::SectionKey;
use crate::rootfs::{Steps, Tree};
use crate::rules::FURTHER;
use crate::scan::{Budget, Ceiling, EntryKind, Plan, known_entries, read_entries};

/// Entries by layer.
type Wanted = BTreeMap<usize, BTreeMap<usize, Ceiling>>;

/// What was read again of each stored layer: images of one input share layers, and what they want of them.
#[derive(Debug, Default)]
pub(super) struct SecondReads {
    kept: BTreeMap<SectionKey, BTreeMap<usize, Arc<[u8]>>>,
    /// How long that is together.
    bytes: usize,
}

impl SecondReads {
    /// Reads the wanted files that turned out to be elsewhere, behind a symlink or hard link to a file
    /// that the plan did not name, and those that found no room before, and what says of components behind links; then
    /// those that files name.
    ///
    /// # Errors
    /// Only the host's: a layer that could not be read again.
    pub(super) fn read(&mut self, facts: &mut Facts, plan: &Plan, allowance: &mut Allowance) -> Result<()> {
        let limits = plan.limits();
        let budget = Budget::new(limits);
        let mut planned = wanted(facts, plan);
        if plan.looks_for_components() {
            want_linked(facts, &mut planned, Ceiling::component_text(limits));
        }
        facts.second_read = self.contents(facts, planned, &budget, limits, allowance)?;
        for _ in 0..FURTHER_READS {
            let further = further(facts, limits);
            if further.is_empty() {
                return Ok(());
            }
            let read = self.contents(facts, further, &budget, limits, allowance)?;
            facts.second_read.extend(read);
        }
        let limit = Error::limit("how often files include others", "FURTHER_READS", FURTHER_READS as u64);
        let beyond = further(facts, limits).into_iter().flat_map(|(layer, entries)| {
            let places = entries.into_keys().map(move |entry| (layer, entry));
            places.collect::<Vec<_>>()
        });
        let beyond: Vec<_> = beyond.map(|place| (place, Err(limit.to_string()))).collect();
        facts.second_read.extend(beyond);
        Ok(())
    }

    fn contents(
        &mut self,
        facts: &Facts,
        wanted: Wanted,
        budget: &Budget,
        limits: &Limits,
        allowance: &mut Allowance,
    ) -> Result<Contents> {
        let mut contents = Contents::new();
        for (layer, mut entries) in wanted {
            let Some(blob) = facts.image.layers.get(layer).and_then(|layer| layer.blob.as_ref()) else {
                continue;
            };
            let tar = facts.layers.get(layer).and_then(|layer| layer.as_ref()?.tar.as_ref().ok());
            let Some(tar) = tar else { continue };
            if let Some(kept) = self.kept.get(&blob.key()) {
                let known = entries.keys().filter_map(|entry| Some((*entry, Arc::clone(kept.get(entry)?))));
                contents.extend(known.map(|(entry, content)| ((layer, entry), Ok(content))));
                entries.retain(|entry, _| !kept.contains_key(entry));
            }
            if entries.is_empty() {
                continue;
            }
            let known = known_entries(tar, &entries, budget);
            let read = known.map_or_else(
                || {
                    allowance.read_again(tar.size)?;
                    read_entries(blob, &tar.entries, &entries, budget, limits)
                },
                Ok,
            );
            match read {
                Ok(read) => {
                    self.keep(blob.key(), &read);
                    let told = |(entry, content): (usize, Result<Arc<[u8]>>)| {
                        ((layer, entry), content.map_err(|error| error.to_string()))
                    };
                    contents.extend(read.into_iter().map(told));
                }
                Err(error) if error.is_of_the_host() => return Err(error),
                Err(error) => {
                    contents
                        .extend(entries.into_keys().map(|entry| ((layer, entry), Err(error.to_string()))));
                }
            }
        }
        Ok(contents)
    }

    /// Keeps what was read, while there is room.
    fn keep(&mut self, layer: SectionKey, read: &BTreeMap<usize, Result<Arc<[u8]>>>) {
        let contents = read.iter().filter_map(|(entry, content)| Some((*entry, content.as_ref().ok()?)));
        for (entry, content) in contents {
            if self.bytes.saturating_add(content.len()) > SECOND_READ_KEPT_BYTES {
                continue;
            }
            self.bytes += content.len();
            self.kept.entry(layer).or_default().insert(entry, Arc::clone(content));
        }
    }
}

/// What rules want of what was read so far.
fn further(facts: &Facts, limits: &Limits) -> Wanted {
    let mut plan = Plan::new(*limits);
    for further in FURTHER {
        further(facts, &mut plan);
    }
    wanted(facts, &plan)
}

/// Files of the trees that a plan wants, whose content is not known and was not asked for yet.
fn wanted(facts: &Facts, plan: &Plan) -> Wanted {
    let mut wanted = Wanted::new();
    let Ok(rootfs) = &facts.rootfs else { return wanted };
    // What is not found for want of them is not evaluated by who needs it.
    let steps = Steps::default();
    for tree in rootfs.readings.iter().flat_map(|reading| [&reading.base, &reading.effective]) {
        for path in plan.paths().cloned().chain(wanted_in_directories(plan, tree)) {
            let Ok(found) = steps.resolve(tree, &path) else { continue };
            let inode = found.node.inode();
            if inode.kind == EntryKind::File && facts.content(inode).is_err() {
                let Some(entry) = inode.origin.entry() else { continue };
                let Some(ceiling) = plan.wants(&path) else { continue };
                let layer = inode.origin.layer();
                if facts.second_read.contains_key(&(layer, entry)) {
                    continue;
                }
                let known = wanted.entry(layer).or_default().entry(entry).or_insert(ceiling);
                *known = ceiling.max(*known);
            }
        }
    }
    wanted
}

/// Adds the texts that say what a component is and that links lead to.
fn want_linked(facts: &Facts, wanted: &mut Wanted, ceiling: Ceiling) {
    let Ok(rootfs) = &facts.rootfs else { return };
    for reading in &rootfs.readings {
        for (layer, entry) in linked::texts(&reading.effective, &facts.layers) {
            let captured = facts.entry_content(layer, entry).is_some();
            if !captured {
                wanted.entry(layer).or_default().entry(entry).or_insert(ceiling);
            }
        }
    }
}

/// What the plan wants of whole directories, as a tree has it.
fn wanted_in_directories(plan: &Plan, tree: &Tree) -> Vec<ImagePath> {
    let mut paths = Vec::new();
    for directory in plan.directories() {
        let Ok(found) = tree.resolve(directory) else { continue };
        let named = found.node.children().map(|child| directory.join(child.name()));
        paths.extend(named.filter(|path| plan.wants(path).is_some()));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Section;

    #[test]
    fn what_is_kept_for_other_images_is_held_to_second_read_kept_bytes() {
        let mut second = SecondReads::default();
        let key = Section::of_bytes(Vec::new()).key();
        let content: Arc<[u8]> = vec![0; SECOND_READ_KEPT_BYTES / 2].into();
        let read = (0..3).map(|entry| (entry, Ok(Arc::clone(&content)))).collect();
        second.keep(key, &read);
        assert_eq!((second.kept[&key].len(), second.bytes), (2, SECOND_READ_KEPT_BYTES));
        second.keep(key, &BTreeMap::from([(7, Ok(Arc::from([1])))]));
        assert_eq!(second.kept[&key].len(), 2);
    }
}
