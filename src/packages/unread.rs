//! Databases of package managers that no reader here knows: that they are there is seen, and what they hold is a gap, so
//! that an image of such a distribution is not taken for one without packages.

use super::inventory::Gap;
use crate::model::ImagePath;
use crate::rootfs::{NodeRef, ResolveError, Tree};
use crate::scan::EntryKind;

/// Whose it is, and the file, or directory that counts where something is in it, that shows it.
const PLACES: [(&str, &str); 10] = [
    ("Bottlerocket", "usr/share/bottlerocket/application-inventory.json"),
    ("Container-Optimized OS", "etc/cos-package-info.json"),
    ("Portage, or FreeBSD's pkg", "var/db/pkg"),
    ("eopkg", "var/lib/eopkg/package"),
    ("opkg", "usr/lib/opkg/status"),
    ("opkg", "var/lib/opkg/status"),
    ("pacman", "var/lib/pacman/local"),
    ("pkgtools", "var/lib/pkgtools/packages"),
    ("pkgtools", "var/log/packages"),
    ("xbps", "var/db/xbps"),
];

/// Managers whose packages lie in a store: the store is the packages, and says nothing of their files; a database elsewhere does, which
/// images seldom have.
const STORES: [Store; 2] = [
    Store { manager: "Guix", packages: "gnu/store", database: "var/guix/db" },
    Store { manager: "Nix", packages: "nix/store", database: "nix/var/nix/db" },
];

struct Store {
    manager: &'static str,
    packages: &'static str,
    database: &'static str,
}

/// What chisel keeps of the parts of Debian's packages that it installs. Images that are made with a `status` of dpkg
/// have all of them there, too.
const CHISEL: (&str, &str) = ("chisel", "var/lib/chisel/manifest.wall");

/// Where an environment of conda keeps a description of each of its packages; environments may be anywhere.
const CONDA: &[u8] = b"conda-meta";

/// What is installed in a tree and not known here; `has_dpkg` where dpkg's database is in it.
pub(super) fn packages(tree: &Tree, has_dpkg: bool) -> impl Iterator<Item = Gap> + '_ {
    let stores = STORES.into_iter().map(|store| (store.manager, store.packages));
    PLACES
        .into_iter()
        .chain(stores)
        .chain(chisel(has_dpkg))
        .filter_map(|place| gap(tree, place))
        .chain(conda(tree))
}

/// What says something of files in a tree and is not known here; `has_dpkg` as in [`packages`].
pub(super) fn lists_of_files(tree: &Tree, has_dpkg: bool) -> impl Iterator<Item = Gap> + '_ {
    let stores = STORES.into_iter().map(|store| (store.manager, store.database));
    PLACES.into_iter().chain(stores).chain(chisel(has_dpkg)).filter_map(|place| gap(tree, place))
}

/// The first environment of conda that has packages: of several the others say no more.
fn conda(tree: &Tree) -> Option<Gap> {
    let is_package =
        |node: NodeRef<'_>| node.name().ends_with(b".json") && node.inode().kind != EntryKind::Directory;
    let is_environment = |node: NodeRef<'_>| node.name() == CONDA && node.children().any(is_package);
    let (place, node) = tree.walk_where(is_environment).next()?;
    Some(Gap {
        place,
        layer: Some(node.inode().origin.layer()),
        reason: "what conda says is installed is not read".to_owned(),
    })
}

fn chisel(has_dpkg: bool) -> Option<(&'static str, &'static str)> {
    (!has_dpkg).then_some(CHISEL)
}

fn gap(tree: &Tree, (manager, place): (&str, &str)) -> Option<Gap> {
    let path = ImagePath::new(place);
    let found = match tree.resolve(&path) {
        Ok(found) => found,
        Err(ResolveError::Missing | ResolveError::NotADirectory) => return None,
        // What cannot be followed may lead to one.
        Err(error) => {
            let reason = format!("whether {manager} says that something is installed is not known: {error}");
            return Some(Gap { place: path, layer: None, reason });
        }
    };
    let inode = found.node.inode();
    let is_there = inode.kind == EntryKind::File || found.node.children().next().is_some();
    is_there.then(|| Gap {
        place: found.path(),
        layer: Some(inode.origin.layer()),
        reason: format!("what {manager} says is installed is not read"),
    })
}
