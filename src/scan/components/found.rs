//! What was found of a layer so far, held to the limits of the layer and of the file at hand.

use std::ops::RangeInclusive;

use super::{Component, Components, Ecosystem, Evidence, Gap};
use crate::limits;
use crate::scan::room::{Budget, Turn};

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
    turn: Option<Turn<'a>>,
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
            turn: None,
        }
    }

    /// Where so many bytes of the file are held, waits until no other layer holds as many.
    pub(super) fn hold(&mut self, bytes: u64) {
        if bytes > limits::COMPONENT_AT_ONCE_BYTES && self.turn.is_none() {
            self.turn = Some(self.budget.turn());
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

    /// How many bytes of the file may still be unpacked.
    pub(super) fn room(&self) -> u64 {
        let of_file = limits::COMPONENT_UNPACKED_BYTES.saturating_sub(self.file_unpacked);
        of_file.min(limits::LAYER_COMPONENT_UNPACKED_BYTES.saturating_sub(self.unpacked))
    }

    /// There was no room for what is to be unpacked.
    pub(super) fn no_room(&mut self) {
        let of_file = limits::COMPONENT_UNPACKED_BYTES.saturating_sub(self.file_unpacked);
        let of_layer = limits::LAYER_COMPONENT_UNPACKED_BYTES.saturating_sub(self.unpacked);
        self.gap(if of_file <= of_layer { Gap::LargeContent } else { Gap::LargeLayer });
    }

    /// So many bytes were unpacked of the file.
    pub(super) fn unpacked(&mut self, bytes: u64) {
        self.file_unpacked = self.file_unpacked.saturating_add(bytes);
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.hold(self.file_unpacked);
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
