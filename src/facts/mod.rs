//! All that was read of one image, computed and put side by side. This is everything a rule sees.

pub mod user;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::advisories::Vulnerabilities;
use crate::base::{BaseStatus, Change, Comparison, Explanation, Upgrades};
use crate::digest::Digest;
use crate::model::{Anomaly, Image, ImagePath};
use crate::packages::Inventory;
use crate::packages::verify::{HeldLayers, Verification};
use crate::rootfs::{Inode, ResolveError, Resolved, Rootfs, Tree};
use crate::scan::packed;
use crate::scan::{Entry, EntryKind, LayerFacts};

pub use verify::verify;

/// Content of files, or why it could not be had, by layer and entry.
pub type Contents = BTreeMap<(usize, usize), Result<Arc<[u8]>, String>>;

/// The facts of one image.
#[derive(Debug)]
pub struct Facts {
    /// What the source says of it.
    pub image: Image,
    /// What was computed of each layer; `None` where its bytes are not there.
    pub layers: Vec<Option<Arc<LayerFacts>>>,
    /// All that is broken or ambiguous, in the order of the report.
    pub anomalies: Vec<Anomaly>,
    /// The layers applied; or why they could not be.
    pub rootfs: Result<Rootfs, String>,
    /// What the catalog says.
    pub base: BaseStatus,
    /// For each reading of the rootfs: what the upper layers changed of the base.
    pub changes: Vec<Comparison>,
    /// For each of `changes`: what of them comes from package managers.
    pub upgrades: Vec<Upgrades>,
    /// Which files are not what their packages say, where that is wanted and the layers could be applied.
    pub verified: Option<Verified>,
    /// What is installed, where that is wanted and the layers could be applied.
    pub inventory: Option<Inventory>,
    /// What advisories say of that, where some were given; or why they could not be asked.
    pub vulnerabilities: Option<Result<Vulnerabilities, String>>,
    /// Content of files that turned out to be wanted only when the tree was known.
    pub second_read: Contents,
}

/// Which files are not what their packages say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Of which layers.
    pub layers: HeldLayers,
    /// For each reading of the rootfs; none where only upper layers count and there is no base below them.
    pub readings: Vec<Verification>,
}

impl Facts {
    /// Why the content of layers is not known in full; `None` where it is.
    pub fn unread_layers(&self) -> Option<String> {
        /// Each rule repeats it, of each image.
        const NAMED: usize = 10;
        let is_unread =
            |layer: &Option<Arc<LayerFacts>>| layer.as_ref().is_none_or(|layer| layer.tar.is_err());
        let unread = self.layers.iter().enumerate().filter(|(_, layer)| is_unread(layer));
        let mut unread: Vec<_> = unread.map(|(index, _)| index.to_string()).collect();
        let more = unread.len().saturating_sub(NAMED);
        unread.truncate(NAMED);
        match (unread.as_slice(), more) {
            ([], _) => None,
            ([one], _) => Some(format!("layer {one} could not be read")),
            (many, 0) => Some(format!("layers {} could not be read", many.join(", "))),
            (many, more) => Some(format!("layers {} and {more} more could not be read", many.join(", "))),
        }
    }

    /// The computed diffIDs, lowest layer first; `None` where a layer could not be read.
    pub fn diff_ids(&self) -> Option<Vec<Digest>> {
        let diff_id = |layer: &Option<Arc<LayerFacts>>| Some(layer.as_ref()?.tar.as_ref().ok()?.diff_id);
        self.layers.iter().map(diff_id).collect()
    }

    /// The entries of a layer with their indexes; none where it could not be read.
    pub fn entries(&self, layer: usize) -> &[Entry] {
        let tar = self.layers.get(layer).and_then(Option::as_ref).and_then(|layer| layer.tar.as_ref().ok());
        tar.map_or(&[], |tar| &tar.entries)
    }

    /// Uncompressed bytes of a layer; 0 where it could not be read.
    pub fn uncompressed(&self, layer: usize) -> u64 {
        let tar = self.layers.get(layer).and_then(Option::as_ref).and_then(|layer| layer.tar.as_ref().ok());
        tar.map_or(0, |tar| tar.size)
    }

    /// Indexes of the layers above the base.
    pub fn upper_layers(&self) -> std::ops::Range<usize> {
        self.base.base_layers()..self.image.layers.len()
    }

    /// Of those with the same content the last: a layer that is listed thousands of times says no more than once.
    pub fn upper_contents(&self) -> impl Iterator<Item = usize> + use<> {
        self.last_of_each_content(self.upper_layers()).into_iter()
    }

    /// Of layers with the same content the last ones, lowest first.
    pub fn last_of_each_content(&self, layers: std::ops::Range<usize>) -> Vec<usize> {
        let tar = |layer: usize| self.layers.get(layer)?.as_ref()?.tar.as_ref().ok();
        let mut seen = BTreeSet::new();
        let mut last: Vec<_> =
            layers.rev().filter(|layer| tar(*layer).is_some_and(|tar| seen.insert(tar.diff_id))).collect();
        last.reverse();
        last
    }

    /// What the upper layers changed of the base in any reading, and why it is no tampering where that is known.
    pub fn explained_changes(&self) -> impl Iterator<Item = (&Change, Option<&Explanation>)> {
        self.changes.iter().enumerate().flat_map(|(reading, comparison)| {
            let upgrades = self.upgrades.get(reading);
            let changes = comparison.changes.iter().enumerate();
            changes.map(move |(number, change)| {
                (change, upgrades.and_then(|upgrades| upgrades.explanation(number)))
            })
        })
    }

    /// The content of a file, where the plan or the second read brought it.
    ///
    /// # Errors
    /// Why it is not known: a rule that needs it is not evaluated.
    pub fn content(&self, inode: &Inode) -> Result<Arc<[u8]>, String> {
        let layer = inode.origin.layer();
        let entry = inode.origin.entry().ok_or("no entry holds it")?;
        if let Some(content) = self.second_read.get(&(layer, entry)) {
            return content.clone();
        }
        let tar = self.layers.get(layer).and_then(Option::as_ref).and_then(|layer| layer.tar.as_ref().ok());
        let tar = tar.ok_or_else(|| format!("layer {layer} could not be read"))?;
        if let Some(content) = tar.captured.get(&entry) {
            return Ok(Arc::clone(content));
        }
        Err(match tar.not_captured.get(&entry) {
            Some(error) => error.to_string(),
            None => "its content was not captured".to_owned(),
        })
    }

    /// The content of the file at a path of a tree, symlinks followed as programs in the container do; `None` where
    /// there is none.
    ///
    /// # Errors
    /// Why it is not known: a rule that needs it is not evaluated.
    pub fn file_content(&self, tree: &Tree, path: impl AsRef<[u8]>) -> Result<Option<Arc<[u8]>>, String> {
        let path = ImagePath::new(path);
        self.content_of(tree.resolve(&path), &path)
    }

    /// As [`Facts::file_content`], as runtimes find the file before they start anything.
    ///
    /// # Errors
    /// As there.
    pub fn content_before_start(
        &self,
        tree: &Tree,
        path: impl AsRef<[u8]>,
    ) -> Result<Option<Arc<[u8]>>, String> {
        let path = ImagePath::new(path);
        self.content_of(tree.resolve_unmounted(&path), &path)
    }

    /// The content of a file that was looked for at a path; `None` where there is none.
    ///
    /// # Errors
    /// As [`Facts::file_content`].
    pub fn content_of(
        &self,
        found: Result<Resolved<'_>, ResolveError>,
        path: &ImagePath,
    ) -> Result<Option<Arc<[u8]>>, String> {
        match found {
            Ok(found) => {
                let inode = found.node.inode();
                if inode.kind != EntryKind::File {
                    return Err(format!("{path} is no regular file"));
                }
                self.content(inode).map(Some).map_err(|reason| format!("{path}: {reason}"))
            }
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }

    /// Contents of a layer's files that the second read brought.
    pub fn second_read_of(&self, layer: usize) -> packed::Contents {
        let contents = self.second_read.range((layer, 0)..(layer + 1, 0));
        contents.filter_map(|((_, entry), read)| Some((*entry, Arc::clone(read.as_ref().ok()?)))).collect()
    }

    /// The content of an entry of a layer, where the plan asked for it and it could be kept.
    pub fn entry_content(&self, layer: usize, entry: usize) -> Option<Arc<[u8]>> {
        let tar = self.layers.get(layer)?.as_ref()?.tar.as_ref().ok()?;
        tar.captured.get(&entry).cloned()
    }
}
