//! Databases of package managers that no reader here knows: that they are there is seen, and what they hold is a gap, so
//! that an image of such a distribution is not taken for one without packages.

use super::inventory::Gap;
use crate::model::ImagePath;
use crate::rootfs::{ResolveError, Tree};
use crate::scan::EntryKind;

/// A file, or a directory that counts where something is in it, and whose it is.
const PLACES: [(&str, &str); 12] = [
    ("etc/cos-package-info.json", "Container-Optimized OS"),
    ("gnu/store", "Guix"),
    ("nix/store", "Nix"),
    ("usr/lib/opkg/status", "opkg"),
    ("usr/share/bottlerocket/application-inventory.json", "Bottlerocket"),
    ("var/db/pkg", "Portage, or FreeBSD's pkg"),
    ("var/db/xbps", "xbps"),
    ("var/lib/eopkg/package", "eopkg"),
    ("var/lib/opkg/status", "opkg"),
    ("var/lib/pacman/local", "pacman"),
    ("var/lib/pkgtools/packages", "pkgtools"),
    ("var/log/packages", "pkgtools"),
];

/// What chisel keeps of the parts of Debian's packages that it installs. Images that are made with a `status` of dpkg
/// have all of them there, too.
const CHISEL: (&str, &str) = ("var/lib/chisel/manifest.wall", "chisel");

/// Those of a tree; `has_dpkg` where dpkg's database is in it.
pub(super) fn gaps(tree: &Tree, has_dpkg: bool) -> impl Iterator<Item = Gap> + '_ {
    let chisel = (!has_dpkg).then_some(CHISEL);
    PLACES.into_iter().chain(chisel).filter_map(|(place, manager)| {
        let path = ImagePath::new(place);
        let found = match tree.resolve(&path) {
            Ok(found) => found,
            Err(ResolveError::Missing | ResolveError::NotADirectory) => return None,
            // What cannot be followed may lead to one.
            Err(error) => {
                let reason =
                    format!("whether {manager} says that something is installed is not known: {error}");
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
    })
}
