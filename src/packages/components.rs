//! Packages of languages in a tree: those components that layers have and no later one took away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::installed::Content;
use super::inventory::{Gap, Installed, Kind};
use super::linked::{Linked, Links, NOT_LOOKED_AT, place_of, tar_of};
use crate::limits;
use crate::model::ImagePath;
use crate::model::escape::escape_bytes;
use crate::rootfs::{Inode, Reading, Tree};
use crate::scan::LayerFacts;
use crate::scan::components::{self, Component, Components, Ecosystem, Evidence, Look};
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
    content: Content<'_>,
    gaps: &mut Vec<Gap>,
) -> Vec<Installed> {
    let mut installed = Vec::new();
    let mut told = BTreeSet::new();
    let written = Written::of(layers);
    for (layer, tar) in (0..layers.len()).filter_map(|layer| Some((layer, tar_of(layers, layer)?))) {
        let Some(components) = &tar.components else { continue };
        for (entry, of_file) in &components.found {
            let Some((place, _)) = seen(&reading.effective, tar, layer, *entry) else { continue };
            told.insert((layer, *entry));
            let below = in_base(&reading.base, layers, &place);
            for component in of_file {
                let unchanged = |known: &&(usize, &[Component])| has(known.1, component);
                let layer = below.as_ref().filter(unchanged).map_or(layer, |(layer, _)| *layer);
                let mut package = package(component, place.clone(), layer);
                package.first = written.first(&place, component).unwrap_or(layer);
                installed.push(package);
            }
        }
        for (entry, gap) in &components.gaps {
            if let Some((place, _)) = seen(&reading.effective, tar, layer, *entry) {
                told.insert((layer, *entry));
                gaps.push(Gap { place, layer: Some(layer), reason: gap.to_string() });
            }
        }
    }
    let links = Links::of(&reading.effective, layers);
    let mut behind = Behind { layers, content, told, texts: BTreeMap::new(), installed, gaps };
    behind.gaps.extend(links.gaps);
    let mut room = limits::LAYER_COMPONENT_BYTES;
    for link in links.files {
        if !behind.tell(link, &mut room) {
            break;
        }
    }
    behind.installed
}

/// Whether a file has a component. Those of a file are sorted, and there may be many, again in each layer.
fn has(of_file: &[Component], component: &Component) -> bool {
    of_file.binary_search(component).is_ok()
}

/// What the files of all layers have, by the paths that their entries name.
struct Written<'a>(BTreeMap<&'a ImagePath, Vec<(usize, &'a [Component])>>);

impl<'a> Written<'a> {
    fn of(layers: &'a [Option<Arc<LayerFacts>>]) -> Self {
        let mut written: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (layer, tar) in (0..layers.len()).filter_map(|layer| Some((layer, tar_of(layers, layer)?))) {
            for (entry, of_file) in tar.components.iter().flat_map(|components| &components.found) {
                if let Some(entry) = tar.entries.get(*entry) {
                    written.entry(&entry.path).or_default().push((layer, of_file.as_slice()));
                }
            }
        }
        Self(written)
    }

    /// The lowest layer that wrote a component to a path.
    fn first(&self, place: &ImagePath, component: &Component) -> Option<usize> {
        let of_place = self.0.get(place)?.iter();
        of_place.filter(|(_, of_file)| has(of_file, component)).map(|(layer, _)| *layer).min()
    }
}

/// A text: by layer and entry, and as what it is looked at.
type Text = ((usize, usize), Look);

/// What links lead to.
struct Behind<'a> {
    layers: &'a [Option<Arc<LayerFacts>>],
    content: Content<'a>,
    /// The files of which all was told, by layer and entry.
    told: BTreeSet<(usize, usize)>,
    texts: BTreeMap<Text, (Option<Component>, Option<components::Gap>)>,
    installed: Vec<Installed>,
    gaps: &'a mut Vec<Gap>,
}

impl Behind<'_> {
    /// Adds what a name of a file stands for; whether there was room.
    fn tell(&mut self, link: Linked<'_>, room: &mut usize) -> bool {
        let Some(file) = place_of(link.inode.origin) else { return true };
        let (found, gap) = match link.look {
            None if self.told.insert(file) => {
                let known = tar_of(self.layers, file.0).and_then(|tar| tar.components.as_ref());
                let found = known.and_then(|known| known.found.get(&file.1));
                (
                    found.map_or(&[][..], Vec::as_slice),
                    known.and_then(|known| known.gaps.get(&file.1).copied()),
                )
            }
            // One of its names was told.
            None => return true,
            Some(look) if look.is_text() => match (self.content)(link.inode) {
                Ok(bytes) => {
                    let (found, gap) = self.texts.entry((file, look)).or_insert_with(|| look.read(&bytes));
                    (found.as_slice(), *gap)
                }
                Err(reason) => {
                    self.gaps.push(gap_of(&link, format!("{NOT_LOOKED_AT}: {reason}")));
                    return true;
                }
            },
            Some(_) => {
                self.gaps.push(gap_of(&link, NOT_LOOKED_AT.to_owned()));
                return true;
            }
        };
        if let Some(gap) = gap {
            self.gaps.push(gap_of(&link, gap.to_string()));
        }
        for component in found {
            let bytes = component.name.len() + component.version.len() + link.place.as_bytes().len();
            let Some(left) = room.checked_sub(bytes + size_of::<Installed>()) else {
                let limit = "what links lead to takes more than the limit LAYER_COMPONENT_BYTES";
                self.gaps.push(gap_of(&link, limit.to_owned()));
                return false;
            };
            *room = left;
            self.installed.push(package(component, link.place.clone(), link.layer));
        }
        true
    }
}

fn gap_of(link: &Linked<'_>, reason: String) -> Gap {
    Gap { place: link.place.clone(), layer: Some(link.layer), reason }
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
        inside: component.inside.as_deref().map(escape_bytes),
        is_program: component.evidence == Evidence::GoProgram,
        is_guess: matches!(component.evidence, Evidence::Manifest | Evidence::FileName),
        ..Installed::new(component.ecosystem.into(), &component.name, &component.version, place, layer)
    }
}
