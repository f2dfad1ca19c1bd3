//! Layers applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use ocicheck::model::{Fault, ImagePath};
use ocicheck::rootfs::{Builder, HardLinks, Inode, Readings, Rootfs, Runtime, Tree};
use ocicheck::scan::{EntryKind, TarFacts};

use super::tools::scan;
use crate::support::{Entry, Layer};

/// Parts of paths: few, so that layers meet; what each means to some runtime.
const NAMES: [&str; 16] = [
    "a",
    "b",
    "c",
    "etc",
    "passwd",
    "a-",
    "lib",
    ".wh.a",
    ".wh.b",
    ".wh.etc",
    ".wh..wh..opq",
    ".wh..wh.plnk",
    ".wh..opq",
    ".wh.",
    "..",
    "",
];

/// Entries of one input; of more nothing is learnt.
const MOST: usize = 64;

/// Takes an input apart, byte by byte; behind its end there are zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = super::tools::first(self.0);
        self.0 = rest;
        first
    }

    /// A byte says how many parts, and each byte is two of them.
    fn path(&mut self) -> String {
        let shape = self.next();
        let mut path = String::from(if shape & 0x80 != 0 { "/" } else { "" });
        for number in 0..(shape & 3) + 1 {
            let byte = self.next();
            if number > 0 {
                path.push('/');
            }
            path.push_str(NAMES[usize::from(byte & 15)]);
        }
        if shape & 0x40 != 0 {
            path.push('/');
        }
        path
    }

    fn entry(&mut self, kind: u8) -> Entry {
        let (path, mode) = (self.path(), self.next());
        let entry = match kind & 7 {
            0 | 1 => Entry::file(&path, &[mode][..usize::from(mode & 1)]),
            2 | 3 => Entry::dir(&path),
            4 => Entry::symlink(&path, self.path()),
            5 => Entry::hardlink(&path, self.path()),
            6 if mode & 1 == 0 => Entry::char_device(&path, 0, u32::from(mode >> 4)),
            _ => Entry::fifo(&path),
        };
        let entry = match kind & 0x38 {
            0x08 => entry.xattr("trusted.overlay.opaque", "y"),
            0x10 => entry.xattr("trusted.overlay.redirect", "/etc"),
            0x18 => entry.xattr(
                "security.capability",
                [1, 0, 0, 2, mode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ),
            _ => entry,
        };
        match mode >> 5 {
            0 => entry,
            1 => entry.mode(0o4755),
            2 => entry.mode(0o1777),
            3 => entry.owner(1, 2),
            more => entry.mode(0o700 | u32::from(more)),
        }
    }
}

/// The layers that an input stands for, lowest first.
pub fn layers(data: &[u8]) -> Vec<Layer> {
    let mut bytes = Bytes(data);
    let mut layers = vec![Layer::new()];
    for _ in 0..MOST {
        if bytes.0.is_empty() {
            break;
        }
        match bytes.next() {
            kind if kind >= 0xe0 && layers.len() < 8 => layers.push(Layer::new()),
            kind => {
                let entry = bytes.entry(kind);
                let top = layers.pop().unwrap_or_default();
                layers.push(top.entry(entry));
            }
        }
    }
    layers
}

/// Layers of entries that meet in few paths. Trees are sound, whatever was applied; they are the same each time; where
/// nothing is told as ambiguous all runtimes have the same one; and a whiteout of all leaves nothing.
pub fn apply(data: &[u8]) {
    let scanned: Vec<_> = layers(data).iter().map(|layer| scan(&layer.tar())).collect();
    let tars: Vec<Arc<TarFacts>> = scanned.iter().filter_map(|facts| facts.tar.clone().ok()).collect();
    let tars: Vec<(usize, &TarFacts)> = tars.iter().map(|tar| &**tar).enumerate().collect();
    let base_len = tars.len() / 2;
    let rootfs = Readings::build(&tars, base_len).expect("far from all limits");
    assert!(same(&rootfs, &Readings::build(&tars, base_len).unwrap()), "applied again, it is otherwise");
    assert!(!rootfs.readings.is_empty());
    for reading in &rootfs.readings {
        assert!(!reading.runtimes.is_empty());
        is_sound(&reading.effective, tars.len());
        is_sound(&reading.base, base_len);
    }
    let below = Readings::build(&tars[..base_len], base_len).unwrap();
    assert!(below.readings[0].effective.same_as(&rootfs.readings[0].base), "upper layers change the base");
    agree_unless_ambiguous(&tars, &rootfs);
    for runtime in [Runtime::Vfs, Runtime::Overlay, Runtime::Umoci] {
        whiteouts_leave_nothing(runtime, &tars);
    }
}

fn same(a: &Rootfs, b: &Rootfs) -> bool {
    let trees = |(a, b): (&ocicheck::rootfs::Reading, &ocicheck::rootfs::Reading)| {
        a.runtimes == b.runtimes && a.base.same_as(&b.base) && a.effective.same_as(&b.effective)
    };
    a.anomalies == b.anomalies
        && a.refusals == b.refusals
        && a.implied_resets == b.implied_resets
        && a.readings.len() == b.readings.len()
        && a.readings.iter().zip(&b.readings).all(trees)
}

/// Walked in order, each name once, all found again where they say they are.
fn is_sound(tree: &Tree, layers: usize) {
    let mut links = HardLinks::default();
    let mut last: Option<ImagePath> = None;
    let mut count = 0;
    for (path, node) in tree.walk() {
        count += 1;
        assert!(last.is_none_or(|last| last < path), "{path} is out of order");
        assert_eq!(node.path(), path);
        assert!(tree.get(&path).is_some_and(|found| found.path() == path));
        let inode = node.inode();
        assert_ne!(inode.kind, EntryKind::HardLink);
        assert!(inode.kind == EntryKind::Directory || node.children().next().is_none());
        assert!(path.is_root() || node.origin().layer() < layers, "{path} is of no layer");
        assert!(links.first_name(&path, node).is_none() || node.names() > 1);
        // Whatever it leads to is in the tree too.
        if let Ok(found) = tree.resolve(&path) {
            assert!(tree.get(&found.path()).is_some());
        }
        last = Some(path);
    }
    assert_eq!(count, tree.len());
}

fn read_by(runtime: Runtime, tars: &[(usize, &TarFacts)]) -> Builder {
    let mut builder = Builder::new(runtime);
    for (index, tar) in tars {
        builder.apply(*index, tar).expect("far from all limits");
    }
    builder
}

fn agree_unless_ambiguous(tars: &[(usize, &TarFacts)], rootfs: &Rootfs) {
    // A hard link that no unpacker makes is told as well, and made where that is possible.
    let told = |fault| matches!(fault, Fault::AmbiguousEntry | Fault::BrokenHardlink);
    if rootfs.anomalies.iter().any(|anomaly| told(anomaly.fault)) {
        return;
    }
    for runtime in [Runtime::Overlay, Runtime::Umoci] {
        let other = read_by(runtime, tars);
        if other.refusal().is_none() {
            assert_eq!(
                listing(other.tree()),
                listing(&rootfs.readings[0].effective),
                "{runtime} differs, and nobody is told"
            );
        }
    }
}

/// All that a tree has below its root. An ordinary root is set by some runtimes and not by others, and that is no matter (see
/// `rootfs::apply`).
fn listing(tree: &Tree) -> Vec<String> {
    let mut links = HardLinks::default();
    let names = tree.walk().skip(1).map(|(path, node)| {
        let Inode { kind, mode, uid, gid, size, content, extras, origin: _ } = node.inode();
        let first = links.first_name(&path, node);
        format!("{path} {kind:?} {mode:o} {uid}:{gid} {size} {content:?} {extras:?} {first:?}")
    });
    names.collect()
}

/// A layer that whites out every name of the root leaves the root alone.
fn whiteouts_leave_nothing(runtime: Runtime, tars: &[(usize, &TarFacts)]) {
    let mut builder = read_by(runtime, tars);
    let root: BTreeMap<Vec<u8>, ()> =
        builder.tree().root().children().map(|child| (child.name().to_vec(), ())).collect();
    // A name that is a whiteout's itself can only be hidden otherwise.
    if root.keys().any(|name| name.starts_with(b".wh.")) {
        return;
    }
    let over = root.keys().fold(Layer::new(), |layer, name| layer.whiteout(name));
    let facts = scan(&over.tar());
    builder.apply(tars.len(), facts.tar.as_ref().expect("a sound layer")).expect("far from all limits");
    let left: Vec<ImagePath> = builder.tree().walk().map(|(path, _)| path).collect();
    assert_eq!(left, [ImagePath::root()], "{runtime}");
}
