//! Files that are looked at under the name of a link to them: pnpm links each file of a package from its store, and a
//! symlink may lead from any such name to any file. A layer is read once, and by the names that it has for what it holds,
//! so what these links lead to is known only with the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::inventory::Gap;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{Inode, NodeRef, Origin, Tree};
use crate::scan::components::Look;
use crate::scan::facts::{Entry, TarFacts};
use crate::scan::{EntryKind, LayerFacts};

/// What of a directory is looked at because of the directory's name.
const IN_DIRECTORIES: [&str; 3] = ["METADATA", "PKG-INFO", "EGG-INFO/PKG-INFO"];

/// What stands for any package in directories that hold packages, and what is there of it.
const IN_LISTS: [&str; 2] = ["x/package.json", "x.gemspec"];

/// Why a component may be missing.
pub(super) const NOT_LOOKED_AT: &str = "its metadata is a link to a file that was not looked at";

/// A name of a file that is not the name it came under.
#[derive(Debug)]
pub(super) struct Linked<'a> {
    pub(super) place: ImagePath,
    pub(super) inode: &'a Inode,
    /// The layer that made it so.
    pub(super) layer: usize,
    /// As what it is to be looked at; `None` where it was looked at under its own name, or for what it begins with.
    pub(super) look: Option<Look>,
}

/// Those of a tree, by path.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    pub(super) files: Vec<Linked<'a>>,
    /// Links to what is not looked at.
    pub(super) gaps: Vec<Gap>,
}

/// The texts that links of a tree lead to, by the entry that holds each: to be read once more.
pub fn texts(tree: &Tree, layers: &[Option<Arc<LayerFacts>>]) -> Vec<(usize, usize)> {
    let files = Links::of(tree, layers).files.into_iter();
    let texts = files.filter(|linked| linked.look.is_some_and(Look::is_text));
    texts.filter_map(|linked| place_of(linked.inode.origin)).collect()
}

/// Layer and entry.
pub(super) fn place_of(origin: Origin) -> Option<(usize, usize)> {
    Some((origin.layer(), origin.entry()?))
}

pub(super) fn tar_of(layers: &[Option<Arc<LayerFacts>>], layer: usize) -> Option<&TarFacts> {
    layers.get(layer)?.as_ref()?.tar.as_deref().ok()
}

impl<'a> Links<'a> {
    pub(super) fn of(tree: &'a Tree, layers: &[Option<Arc<LayerFacts>>]) -> Self {
        Self::within(tree, layers, limits::COMPONENT_LINKS, limits::COMPONENT_LINK_STEPS)
    }

    fn within(tree: &'a Tree, layers: &[Option<Arc<LayerFacts>>], most: usize, steps: u64) -> Self {
        let mut search = Search { tree, layers, steps, lists: BTreeMap::new(), links: Self::default() };
        for (path, node) in tree.walk_where(may_be_link) {
            if node.inode().kind == EntryKind::Symlink {
                search.symlink(path, node);
            } else {
                search.file(path, node.inode(), node.origin());
            }
            let links = &mut search.links;
            let beyond = match () {
                () if links.files.len() + links.gaps.len() > most => "COMPONENT_LINKS",
                () if search.steps == 0 => "COMPONENT_LINK_STEPS",
                () => continue,
            };
            let reason =
                format!("what links behind it lead to was not looked at: they exceed the limit {beyond}");
            links.gaps.push(Gap { place: node.path(), layer: Some(node.origin().layer()), reason });
            break;
        }
        search.links
    }
}

/// Symlinks, further names of files, and what may have come under another path.
fn may_be_link(node: NodeRef<'_>) -> bool {
    match node.inode().kind {
        EntryKind::Symlink => true,
        EntryKind::File => node.origin() != node.inode().origin || Look::is_for(node.name()),
        _ => false,
    }
}

struct Search<'a, 'l> {
    tree: &'a Tree,
    layers: &'l [Option<Arc<LayerFacts>>],
    /// How many parts of paths may still be followed.
    steps: u64,
    /// Directories that links lead to, and whether they hold packages.
    lists: BTreeMap<ImagePath, bool>,
    links: Links<'a>,
}

impl<'a> Search<'a, '_> {
    /// A file's name in the tree.
    fn file(&mut self, place: ImagePath, inode: &'a Inode, name: Origin) {
        let Some((layer, entry)) = place_of(inode.origin) else { return };
        let Some(tar) = tar_of(self.layers, layer) else { return };
        let Some(path) = tar.entries.get(entry).map(|Entry { path, .. }| path) else { return };
        if name == inode.origin && *path == place {
            return;
        }
        let own = Look::of(path);
        let look = Look::of(&place);
        let is_known = look.is_none() || own == look;
        // What is known as such a text is one under such a name only.
        let counts = look.is_some() || !own.is_some_and(Look::is_text);
        let has_any = tar
            .components
            .as_ref()
            .is_some_and(|known| known.found.contains_key(&entry) || known.gaps.contains_key(&entry));
        if counts && (has_any || !is_known) {
            let layer = name.layer().max(layer);
            self.links.files.push(Linked { place, inode, layer, look: look.filter(|_| !is_known) });
        }
    }

    fn symlink(&mut self, place: ImagePath, node: NodeRef<'a>) {
        let within = IN_DIRECTORIES.map(|within| place.join(within.as_bytes()));
        let is_package = place.join(b"package.json");
        let texts = within.into_iter().chain([is_package.clone()]).filter(|path| Look::of(path).is_some());
        let texts: Vec<_> = texts.collect();
        let holds_packages = IN_LISTS.iter().any(|of| Look::of(&place.join(of.as_bytes())).is_some());
        if Look::of(&place).is_none() && texts.is_empty() && !holds_packages {
            return;
        }
        let Ok(found) = self.tree.resolve_within(place.as_bytes(), &mut self.steps) else { return };
        let inode = found.node.inode();
        match inode.kind {
            EntryKind::File if Look::of(&place).is_some() => self.file(place, inode, node.origin()),
            EntryKind::Directory => {
                let target = found.path();
                let in_modules = target.parts().any(|part| part == b"node_modules");
                // A package that is linked from elsewhere is the developer's own.
                for text in texts.into_iter().filter(|text| *text != is_package || in_modules) {
                    if let Ok(found) = self.tree.resolve_within(text.as_bytes(), &mut self.steps)
                        && found.node.inode().kind == EntryKind::File
                    {
                        self.file(text, found.node.inode(), node.origin());
                    }
                }
                if holds_packages && self.is_list(&target, found.node) {
                    let layer = Some(node.origin().layer());
                    let reason = "it is a link to a directory of packages that were not looked at".to_owned();
                    self.links.gaps.push(Gap { place, layer, reason });
                }
            }
            _ => {}
        }
    }

    /// Whether a directory has packages in it that are not looked at there.
    fn is_list(&mut self, target: &ImagePath, directory: NodeRef<'_>) -> bool {
        if IN_LISTS.iter().any(|of| Look::of(&target.join(of.as_bytes())).is_some()) {
            return false;
        }
        if let Some(known) = self.lists.get(target) {
            return *known;
        }
        let is_list = directory.children().any(|child| self.is_package(child));
        self.lists.insert(target.clone(), is_list);
        is_list
    }

    /// Whether a directory's child is a package, or holds some: it may be a link, too.
    fn is_package(&mut self, child: NodeRef<'_>) -> bool {
        let name = child.name();
        if name.ends_with(b".gemspec") || name.starts_with(b"@") {
            return true;
        }
        // Gems of Ruby's own.
        let of_default = || child.children().any(|below| below.name().ends_with(b".gemspec"));
        if name == b"default" && of_default() {
            return true;
        }
        let manifest = child.path().join(b"package.json");
        self.tree.resolve_within(manifest.as_bytes(), &mut self.steps).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{dir, file, symlink, tree};

    #[test]
    fn links_are_held_to_component_links_and_component_link_steps() {
        let tree = tree(&[
            dir("deps"),
            dir("deps/a"),
            file("deps/a/package.json", 0o644),
            symlink("1/node_modules", "/deps"),
            symlink("2/node_modules", "/deps"),
        ]);
        let find = |most, steps| {
            let links = Links::within(&tree, &[], most, steps);
            links.gaps.into_iter().map(|gap| (gap.place.to_string(), gap.reason)).collect::<Vec<_>>()
        };
        let all = find(2, 1_000);
        assert!(all.len() == 2 && all.iter().all(|(_, reason)| reason.contains("a directory of packages")));
        let links = ["/1/node_modules", "/2/node_modules"];
        let beyond = |found: Vec<(String, String)>, limit: &str| {
            let (place, reason) = found.last().unwrap();
            assert!(reason.ends_with(&format!("exceed the limit {limit}")), "{found:?}");
            links.iter().position(|link| place.ends_with(link.trim_start_matches('/')))
        };
        assert_eq!(beyond(find(1, 1_000), "COMPONENT_LINKS"), Some(1));
        assert_eq!(beyond(find(2, 1), "COMPONENT_LINK_STEPS"), Some(0));
    }
}
