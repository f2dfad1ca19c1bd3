//! Packages of languages in a tree: those components that layers have and no later one took away.

use std::sync::Arc;

use super::inventory::{Gap, Installed, Kind};
use crate::model::ImagePath;
use crate::model::escape::escape_bytes;
use crate::rootfs::{Inode, Reading, Tree};
use crate::scan::LayerFacts;
use crate::scan::components::{Component, Components, Ecosystem, Evidence};
use crate::scan::facts::TarFacts;

impl From<Ecosystem> for Kind {
    fn from(ecosystem: Ecosystem) -> Self {
        match ecosystem {
            Ecosystem::PyPi => Self::PyPi,
            Ecosystem::Npm => Self::Npm,
            Ecosystem::Maven => Self::Maven,
            Ecosystem::Go => Self::Go,
            Ecosystem::Cargo => Self::Cargo,
            Ecosystem::Gem => Self::Gem,
        }
    }
}

/// Those of a reading's tree. A file that was written again with the same components as in the base belongs to the
/// base's layer.
pub(super) fn found(
    reading: &Reading,
    layers: &[Option<Arc<LayerFacts>>],
    gaps: &mut Vec<Gap>,
) -> Vec<Installed> {
    let mut installed = Vec::new();
    for (layer, tar) in (0..layers.len()).filter_map(|layer| Some((layer, tar_of(layers, layer)?))) {
        let Some(components) = &tar.components else { continue };
        for (entry, of_file) in &components.found {
            let Some((place, _)) = seen(&reading.effective, tar, layer, *entry) else { continue };
            let below = in_base(&reading.base, layers, &place);
            for component in of_file {
                let unchanged = |known: &&(usize, &[Component])| known.1.contains(component);
                let layer = below.as_ref().filter(unchanged).map_or(layer, |(layer, _)| *layer);
                installed.push(package(component, place.clone(), layer));
            }
        }
        for (entry, gap) in &components.gaps {
            if let Some((place, _)) = seen(&reading.effective, tar, layer, *entry) {
                gaps.push(Gap { place, layer: Some(layer), reason: gap.to_string() });
            }
        }
    }
    installed
}

fn tar_of(layers: &[Option<Arc<LayerFacts>>], layer: usize) -> Option<&TarFacts> {
    layers.get(layer)?.as_ref()?.tar.as_deref().ok()
}

/// Where a tree has an entry of a layer; `None` where a later one hides it.
fn seen<'a>(tree: &'a Tree, tar: &TarFacts, layer: usize, entry: usize) -> Option<(ImagePath, &'a Inode)> {
    let found = tree.resolve_no_follow(&tar.entries.get(entry)?.path).ok()?;
    let inode = found.node.inode();
    let is_it = inode.origin.layer() == layer && inode.origin.entry() == Some(entry);
    is_it.then(|| (found.path(), inode))
}

/// What the file at a path has in the base, and its layer.
fn in_base<'a>(
    base: &Tree,
    layers: &'a [Option<Arc<LayerFacts>>],
    place: &ImagePath,
) -> Option<(usize, &'a [Component])> {
    let origin = base.get(place)?.inode().origin;
    let components: &Components = tar_of(layers, origin.layer())?.components.as_ref()?;
    Some((origin.layer(), components.found.get(&origin.entry()?)?))
}

fn package(component: &Component, place: ImagePath, layer: usize) -> Installed {
    Installed {
        kind: component.ecosystem.into(),
        name: component.name.to_string(),
        version: component.version.to_string(),
        architecture: None,
        source: None,
        module: None,
        place,
        inside: component.inside.as_deref().map(escape_bytes),
        layer,
        files: Vec::new(),
        owner: None,
        is_program: component.evidence == Evidence::GoProgram,
    }
}
