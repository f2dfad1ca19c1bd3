//! Names and attributes that are not content but orders to whoever unpacks a layer: whiteouts
//! (image-spec layer.md, "Whiteouts"), what AUFS left behind, and overlayfs's own marks.

use crate::model::ImagePath;
use crate::scan::facts::Xattr;
use crate::scan::{Entry, EntryKind};

const WHITEOUT: &[u8] = b".wh.";
const META: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Where AUFS kept the content of hard-linked files.
pub(super) const PSEUDO_LINKS: &[u8] = b".wh..wh.plnk";

/// What an entry's path says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark<'path> {
    /// Content.
    None,
    /// The root directory itself.
    Root,
    /// Hides this name in the entry's directory.
    Whiteout(&'path [u8]),
    /// Hides all that lower layers hold in the entry's directory.
    Opaque,
    /// `.wh.`, `.wh..` and `.wh...`: a whiteout of nothing, of the directory itself, of its parent.
    OddWhiteout,
    /// A leftover of AUFS at the root; it means nothing.
    Leftover,
    /// Content below a leftover of AUFS.
    BelowLeftover,
    /// Content below a directory whose name is a whiteout's.
    BelowWhiteout,
}

pub(super) fn mark(path: &ImagePath) -> Mark<'_> {
    if path.is_root() {
        return Mark::Root;
    }
    let (directory, name) = path.split();
    if !directory.is_empty() {
        if directory.starts_with(META) {
            return Mark::BelowLeftover;
        }
        if directory.split(|byte| *byte == b'/').any(|part| part.starts_with(WHITEOUT)) {
            return Mark::BelowWhiteout;
        }
    }
    if name == OPAQUE {
        return Mark::Opaque;
    }
    if directory.is_empty() && name.starts_with(META) {
        return Mark::Leftover;
    }
    match name.strip_prefix(WHITEOUT) {
        None => Mark::None,
        Some(b"" | b"." | b"..") => Mark::OddWhiteout,
        Some(hidden) => Mark::Whiteout(hidden),
    }
}

/// Whether overlayfs takes this entry for a whiteout where the layer's directory is mounted.
pub(super) fn is_overlay_whiteout(kind: EntryKind, device: (u32, u32)) -> bool {
    kind == EntryKind::CharDevice && device == (0, 0)
}

/// What begins the attributes by which overlayfs is steered, fuse-overlayfs (which podman uses without
/// root), and what stands in for owners and modes where nobody may set them: `user.containers.override_stat`,
/// and `user.rootlesscontainers`, which umoci obeys.
const STEERING: [&[u8]; 6] = [
    b"trusted.overlay.",
    b"user.overlay.",
    b"user.fuseoverlayfs.",
    b"security.fuseoverlayfs.",
    b"user.containers.",
    b"user.rootlesscontainers",
];

/// The first extended attribute by which a storage driver would be steered.
pub(super) fn steering_xattr(entry: &Entry) -> Option<&[u8]> {
    let steers = |name: &[u8]| STEERING.iter().any(|prefix| name.starts_with(prefix));
    entry.xattrs().iter().map(|(name, _)| &**name).find(|name| steers(name))
}

/// Whether overlayfs or fuse-overlayfs takes a directory with these attributes for opaque.
pub(super) fn is_overlay_opaque(xattrs: &[Xattr]) -> bool {
    xattrs.iter().any(|(name, value)| {
        let opaque: [&[u8]; 3] =
            [b"trusted.overlay.opaque", b"user.overlay.opaque", b"user.fuseoverlayfs.opaque"];
        opaque.contains(&&**name) && &**value == b"y"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (path, expected) in [
            ("", Mark::Root),
            ("a/b", Mark::None),
            ("a/.whx", Mark::None),
            ("a/.wh.b", Mark::Whiteout(b"b")),
            (".wh..wh..opq", Mark::Opaque),
            ("a/.wh..wh..opq", Mark::Opaque),
            (".wh..wh.aufs", Mark::Leftover),
            (".wh..wh.plnk", Mark::Leftover),
            (".wh..wh.plnk/12.34", Mark::BelowLeftover),
            ("a/.wh..wh.aufs", Mark::Whiteout(b".wh.aufs")),
            (".wh.a/b", Mark::BelowWhiteout),
            ("a/.wh..wh..opq/b", Mark::BelowWhiteout),
            ("a/.wh.", Mark::OddWhiteout),
            ("a/.wh..", Mark::OddWhiteout),
            ("a/.wh...", Mark::OddWhiteout),
            ("a/.wh....", Mark::Whiteout(b"...")),
        ] {
            assert_eq!(mark(&ImagePath::new(path)), expected, "{path}");
        }
    }
}
