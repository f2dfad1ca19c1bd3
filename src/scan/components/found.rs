//! What was found of a layer so far, held to the limits of the layer and of the file at hand.

use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Component, Components, Ecosystem, Evidence, Gap};
use crate::error::Result;
use crate::limits::{self, Party, Turn};
use crate::scan::room::Budget;

/// What is unpacked counts as at least, and so does each component of it: so their number is bounded too. Lists unpack to
/// a thousand times their bytes, and each component of one takes its time, even where it stands there again and again.
pub(super) const LEAST_BYTES: u64 = 4 << 10;

/// Collects what was found.
#[derive(Debug)]
pub(super) struct Found<'a> {
    budget: &'a Budget,
    pub(super) components: Components,
    /// Bytes of all components, which is held to [`limits::LAYER_COMPONENT_BYTES`].
    pub(super) bytes: usize,
    /// Bytes unpacked of the layer.
    pub(super) unpacked: u64,
    // Of the file at hand.
    file: Vec<Component>,
    file_bytes: usize,
    pub(super) file_unpacked: u64,
    gap: Option<Gap>,
    pub(super) party: Arc<Party>,
    turn: Option<Turn>,
}

impl<'a> Found<'a> {
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self {
            budget,
            components: Components::default(),
            bytes: 0,
            unpacked: 0,
            file: Vec::new(),
            file_bytes: 0,
            file_unpacked: 0,
            gap: None,
            party: budget.party(),
            turn: None,
        }
    }

    /// Where so many bytes of the file are held, waits until no other layer holds as many.
    pub(super) fn hold(&mut self, bytes: u64) {
        if bytes > limits::COMPONENT_AT_ONCE_BYTES && self.turn.is_none() {
            self.turn = Some(self.party.turn());
        }
    }

    /// Adds a component of the file; whether there was room.
    pub(super) fn add(
        &mut self,
        (ecosystem, evidence): (Ecosystem, Evidence),
        name: impl Into<Box<str>>,
        version: impl Into<Box<str>>,
        inside: &[u8],
    ) -> bool {
        if !self.count(LEAST_BYTES) {
            return false;
        }
        let inside = (!inside.is_empty()).then(|| inside.into());
        let component = Component { ecosystem, name: name.into(), version: version.into(), evidence, inside };
        let after = self.file_bytes.saturating_add(component.memory());
        if self.bytes.saturating_add(after) > limits::LAYER_COMPONENT_BYTES {
            self.gap(Gap::ManyComponents);
            return false;
        }
        self.file_bytes = after;
        self.file.push(component);
        true
    }

    /// Something of the file is not known. The first reason is told.
    pub(super) fn gap(&mut self, gap: Gap) {
        self.gap.get_or_insert(gap);
    }

    /// Reads what is unpacked, of which no more than `limit` is wanted; one byte more shows that it goes on. `None` where
    /// there is no room for it.
    pub(super) fn unpack(&mut self, packed: impl Read, limit: u64) -> Option<(Vec<u8>, io::Result<usize>)> {
        let mut content = Vec::new();
        let most = limit.min(self.room()).saturating_add(1);
        let read = packed.take(most).read_to_end(&mut content);
        self.count(content.len() as u64).then_some((content, read))
    }

    /// Counts what was unpacked of the file; whether there was room for it.
    pub(super) fn count(&mut self, bytes: u64) -> bool {
        if bytes > self.room() {
            self.no_room();
            return false;
        }
        self.unpacked(bytes.max(LEAST_BYTES));
        true
    }

    /// How many bytes of the file may still be unpacked.
    pub(super) fn room(&self) -> u64 {
        let of_file = limits::COMPONENT_UNPACKED_BYTES.saturating_sub(self.file_unpacked);
        of_file.min(limits::LAYER_COMPONENT_UNPACKED_BYTES.saturating_sub(self.unpacked))
    }

    /// There was no room for what is to be unpacked.
    fn no_room(&mut self) {
        let of_file = limits::COMPONENT_UNPACKED_BYTES.saturating_sub(self.file_unpacked);
        let of_layer = limits::LAYER_COMPONENT_UNPACKED_BYTES.saturating_sub(self.unpacked);
        self.gap(if of_file <= of_layer { Gap::LargeContent } else { Gap::LargeLayer });
    }

    /// So many bytes were unpacked of the file.
    fn unpacked(&mut self, bytes: u64) {
        self.budget.unpack(bytes);
        self.file_unpacked = self.file_unpacked.saturating_add(bytes);
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.hold(self.file_unpacked);
    }

    /// Whether all layers together may go on.
    ///
    /// # Errors
    /// They may not: see [`Budget::exceeded`].
    pub(super) fn check(&self) -> Result<()> {
        self.budget.exceeded().map_or(Ok(()), Err)
    }

    /// Ends the file, which is these entries.
    pub(super) fn finish(&mut self, entries: RangeInclusive<usize>) {
        let mut file = std::mem::take(&mut self.file);
        file.sort_unstable();
        file.dedup();
        let bytes: usize = file.iter().map(Component::memory).sum();
        for entry in entries {
            if !file.is_empty() {
                let after = self.bytes.saturating_add(bytes);
                if after <= limits::LAYER_COMPONENT_BYTES {
                    self.bytes = after;
                    self.components.found.insert(entry, file.clone());
                } else {
                    self.gap(Gap::ManyComponents);
                }
            }
            if let Some(gap) = self.gap {
                self.components.gaps.insert(entry, gap);
            }
        }
        (self.file_bytes, self.file_unpacked, self.gap, self.turn) = (0, 0, None, None);
    }
}
