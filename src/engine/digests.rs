//! One more read of those layers that hold files of which a package tells an MD5 or SHA-1.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::allowance::Allowance;
use crate::error::Result;
use crate::facts::Facts;
use crate::limits::Limits;
use crate::packages::packed::{Digests, Wanted};
use crate::read::{Section, SectionKey};
use crate::scan::{OldAlgorithms, OldDigests, hash_entries};

/// What was computed of the files of each stored layer: images of one input share layers, and their wishes.
#[derive(Debug, Default)]
pub(super) struct FileDigests(BTreeMap<SectionKey, BTreeMap<usize, OldDigests>>);

impl FileDigests {
    /// The wanted digests of an image's files: each layer is read once, as many at a time as there are threads. What could
    /// not be hashed is left out.
    ///
    /// # Errors
    /// Only the host's: a layer that could not be read again.
    pub(super) fn of(
        &mut self,
        facts: &Facts,
        wanted: &Wanted,
        limits: &Limits,
        allowance: &mut Allowance,
    ) -> Result<Digests> {
        let blob = |layer: usize| facts.image.layers.get(layer)?.blob.as_ref();
        let mut unknown: BTreeMap<usize, (&Section, BTreeMap<usize, OldAlgorithms>)> = BTreeMap::new();
        for (&(layer, entry), &algorithms) in wanted {
            let Some(blob) = blob(layer) else { continue };
            let known = self.0.get(&blob.key()).and_then(|known| known.get(&entry));
            if !known.is_some_and(|known| known.have(algorithms)) {
                unknown.entry(layer).or_insert_with(|| (blob, BTreeMap::new())).1.insert(entry, algorithms);
            }
        }
        unknown.retain(|layer, _| allowance.read_again(facts.uncompressed(*layer)).is_ok());
        let turns = Arc::default();
        let read = |(layer, (blob, wanted)): (usize, (&Section, BTreeMap<usize, OldAlgorithms>))| {
            let read = match hash_entries(blob, facts.entries(layer), &wanted, &turns, limits) {
                Ok(read) => read,
                Err(error) if error.is_of_the_host() => return Err(error.at(format!("layer {layer}"))),
                Err(_) => BTreeMap::new(),
            };
            Ok((blob.key(), read))
        };
        let read: Vec<_> = unknown.into_par_iter().map(read).collect::<Result<_>>()?;
        for (key, read) in read {
            let digests = read.into_iter().filter_map(|(entry, digests)| Some((entry, digests.ok()?)));
            self.0.entry(key).or_default().extend(digests);
        }
        let found = wanted.keys().filter_map(|&(layer, entry)| {
            let digests = self.0.get(&blob(layer)?.key())?.get(&entry)?;
            Some(((layer, entry), *digests))
        });
        Ok(found.collect())
    }
}
