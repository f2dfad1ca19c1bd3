//! Random layers. Where nothing is ambiguous, all runtimes must agree, with each other and with a
//! model that follows the specification's words and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Path to kind, mode and symlink target.
type Model = BTreeMap<Vec<u8>, (EntryKind, u32, Vec<u8>)>;

fn remove_below(model: &mut Model, path: &[u8], with_itself: bool) {
    let below =
        |name: &[u8]| path.is_empty() || name.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"));
    model.retain(|name, _| !(below(name) || with_itself && name == path));
}

fn implied() -> (EntryKind, u32, Vec<u8>) {
    (EntryKind::Directory, 0o755, Vec::new())
}

/// A path whose parents are followed through symlinks. The targets here are relative and without dots.
fn followed(model: &Model, path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    for _ in 0..40 {
        let ends: Vec<usize> = (0..path.len()).filter(|at| path[*at] == b'/').collect();
        let link = ends.into_iter().find_map(|end| {
            let (kind, _, target) = model.get(&path[..end])?;
            (*kind == EntryKind::Symlink).then_some((end, target))
        });
        let Some((end, target)) = link else { break };
        path = ImagePath::new(&path[..end]).parent().join(target).join(&path[end + 1..]).as_bytes().to_vec();
    }
    path
}

/// Whiteouts first, for they concern lower layers only; then what the layer adds, in order.
fn apply(model: &mut Model, entries: &[Entry]) {
    for entry in entries {
        let (directory, name) = entry.path.split();
        if name == b".wh..wh..opq" {
            remove_below(model, directory, false);
        } else if let Some(hidden) = name.strip_prefix(b".wh.") {
            remove_below(model, entry.path.parent().join(hidden).as_bytes(), true);
        }
    }
    for entry in entries.iter().filter(|entry| !entry.path.file_name().starts_with(b".wh.")) {
        let path = &*followed(model, entry.path.as_bytes());
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            model.entry(path[..at].to_vec()).or_insert_with(implied);
        }
        let stays = entry.kind == EntryKind::Directory
            && model.get(path).is_some_and(|(kind, ..)| *kind == EntryKind::Directory);
        if !stays {
            remove_below(model, path, true);
        }
        model.insert(path.to_vec(), (entry.kind, entry.mode, entry.link().to_vec()));
    }
}

fn arbitrary_path() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["a", "b", "a-", "c"], 1..4).prop_map(|parts| parts.join("/"))
}

fn arbitrary_entry(with_links: bool) -> impl Strategy<Value = Entry> {
    let links = u32::from(with_links);
    prop_oneof![
        4 => (arbitrary_path(), 0_u32..8).prop_map(|(path, mode)| file(&path, mode)),
        4 => (arbitrary_path(), 0o750_u32..0o752).prop_map(|(path, mode)| entry(&path, EntryKind::Directory, mode)),
        1 => (arbitrary_path(), arbitrary_path()).prop_map(|(path, target)| symlink(&path, &target)),
        2 => arbitrary_path().prop_map(|path| {
            let path = ImagePath::new(path);
            let name = [b".wh.", path.file_name()].concat();
            Entry { path: path.parent().join(&name), ..file("x", 0) }
        }),
        1 => arbitrary_path().prop_map(|path| file(&format!("{path}/.wh..wh..opq"), 0)),
        2 * links => (arbitrary_path(), arbitrary_path(), 0_u32..2)
            .prop_map(|(path, target, mode)| hard_link(&path, &target, mode)),
        links => arbitrary_path().prop_map(|path| entry(&path, EntryKind::CharDevice, 0o600)),
    ]
}

fn arbitrary_layers(with_links: bool) -> impl Strategy<Value = Vec<Vec<Entry>>> {
    proptest::collection::vec(proptest::collection::vec(arbitrary_entry(with_links), 0..6), 1..4)
}

fn read_by(runtime: Runtime, layers: &[Vec<Entry>]) -> Builder {
    let mut builder = Builder::new(runtime);
    for (index, entries) in layers.iter().enumerate() {
        builder.apply(index, &layer(entries)).unwrap();
    }
    builder
}

fn is_ambiguous(builder: &Builder) -> bool {
    builder.anomalies().iter().any(|anomaly| anomaly.fault == Fault::AmbiguousEntry)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn unambiguous_layers_are_what_the_specification_says(layers in arbitrary_layers(false)) {
        let vfs = read_by(Runtime::Vfs, &layers);
        prop_assume!(!is_ambiguous(&vfs));
        let mut model = Model::new();
        layers.iter().for_each(|entries| apply(&mut model, entries));
        let got: Model = vfs.tree().walk().skip(1).map(|(path, node)| {
            let inode = node.inode();
            (path.as_bytes().to_vec(), (inode.kind, inode.mode, inode.link().to_vec()))
        }).collect();
        prop_assert_eq!(got, model);
    }

    #[test]
    fn where_runtimes_differ_an_entry_is_ambiguous(layers in arbitrary_layers(true)) {
        let vfs = read_by(Runtime::Vfs, &layers);
        prop_assume!(!is_ambiguous(&vfs) && vfs.anomalies().is_empty());
        for runtime in [Runtime::Overlay, Runtime::Umoci] {
            let other = read_by(runtime, &layers);
            prop_assert_eq!(other.refusal(), None);
            prop_assert_eq!(show(other.tree()), show(vfs.tree()));
            prop_assert!(other.tree().same_as(vfs.tree()));
        }
    }

    #[test]
    fn a_walk_is_sorted_and_whole(layers in arbitrary_layers(true)) {
        for runtime in [Runtime::Vfs, Runtime::Overlay, Runtime::Umoci] {
            let builder = read_by(runtime, &layers);
            let paths: Vec<ImagePath> = builder.tree().walk().map(|(path, _)| path).collect();
            prop_assert!(paths.is_sorted());
            prop_assert_eq!(paths.len(), builder.tree().len());
            let names = names_by_inode(builder.tree());
            let mut links = HardLinks::default();
            for (path, node) in builder.tree().walk() {
                prop_assert_eq!(node.path(), path.clone());
                let names = &names[&node.inode_id()];
                prop_assert_eq!(names.len(), node.names());
                let first = names.first().filter(|first| **first != path);
                prop_assert_eq!(links.first_name(&path, node), first);
            }
        }
    }
}
