//! Limits on what layers may make of a tree.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::limits::{
    ENTRIES, FOLLOWED_STEPS, IMAGE_ANOMALIES, IMAGE_ANOMALY_BYTES, LAYER_VISITS, PATH_BYTES, SYMLINK_HOPS,
};
use crate::rootfs::tree::Tree;

fn exceeds(error: &Error, name: &str) {
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

fn apply(layers: &[&[Entry]], prepare: impl Fn(&mut Builder)) -> Vec<crate::error::Result<usize>> {
    let outcome = |runtime| {
        let mut builder = Builder::new(runtime);
        prepare(&mut builder);
        for (number, entries) in layers.iter().enumerate() {
            builder.apply(number, &layer(entries))?;
        }
        Ok(builder.tree().len())
    };
    [Runtime::Vfs, Runtime::Overlay, Runtime::Umoci].map(outcome).into()
}

#[test]
fn the_names_of_an_image_are_held_to_entries_over_all_layers() {
    let layers: [&[Entry]; 3] = [&[file("a/b", 1)], &[file(".wh.a", 1)], &[file("c", 1), file("d", 1)]];
    // The root, a directory and its file, which count although they are gone, and two files.
    for outcome in apply(&layers, |builder| builder.tree.most = 5) {
        assert_eq!(outcome.unwrap(), 3);
    }
    for outcome in apply(&layers, |builder| builder.tree.most = 4) {
        exceeds(&outcome.unwrap_err(), "ENTRIES");
    }
    assert_eq!(Tree::new().most, ENTRIES);
}

#[test]
fn steps_are_held_to_layer_visits_over_all_layers() {
    let layers: [&[Entry]; 2] = [&[file("a/b/c", 1)], &[file("a/b/d", 1)]];
    let mut taken = Builder::new(Runtime::Vfs);
    layers.iter().enumerate().for_each(|(number, entries)| taken.apply(number, &layer(entries)).unwrap());
    assert!(taken.visits > 0);
    let left = |left: u64| move |builder: &mut Builder| builder.visits = LAYER_VISITS - left;
    for outcome in apply(&layers, left(taken.visits)) {
        assert!(outcome.is_ok());
    }
    exceeds(apply(&layers, left(taken.visits - 1)).remove(0).as_ref().unwrap_err(), "LAYER_VISITS");
}

#[test]
fn what_is_ambiguous_is_held_to_image_anomalies_over_all_layers() {
    // One for each file, none for the directory.
    let ambiguous = |from: usize, to: usize| -> Vec<Entry> {
        let whiteouts = (from..to).map(|number| file(&format!(".wh.x{number}/f"), 1));
        whiteouts.collect()
    };
    let half = IMAGE_ANOMALIES / 2;
    let (first, second) = (ambiguous(0, half), ambiguous(half, IMAGE_ANOMALIES));
    let more = ambiguous(IMAGE_ANOMALIES, IMAGE_ANOMALIES + 1);
    let mut builder = Builder::new(Runtime::Vfs);
    builder.apply(0, &layer(&first)).unwrap();
    builder.apply(1, &layer(&second)).unwrap();
    assert_eq!(builder.anomalies().len(), IMAGE_ANOMALIES);
    exceeds(&builder.apply(2, &layer(&more)).unwrap_err(), "IMAGE_ANOMALIES");
}

/// Symlinks into ever deeper directories made a tree as deep as there were entries, whose paths could not
/// be told any more.
#[test]
fn a_path_behind_symlinks_is_held_to_path_bytes() {
    // `l` leads to a directory whose path has so many bytes, in parts of 100.
    let long = |bytes: usize| {
        let path = "d".repeat(99) + "/";
        path.repeat(bytes / 100) + &"e".repeat(bytes % 100)
    };
    for more in [0, 1] {
        let deep = long(PATH_BYTES - 60);
        let name = "n".repeat(59 + more);
        let layer: &[Entry] = &[dir(&deep), symlink("l", &format!("/{deep}")), file(&format!("l/{name}"), 1)];
        for outcome in apply(&[layer], |_| {}) {
            match outcome {
                Ok(names) => assert!(more == 0 && names > 40, "{names}"),
                Err(error) => {
                    assert_eq!(more, 1);
                    exceeds(&error, "PATH_BYTES");
                }
            }
        }
        // In directories that no entry names, too.
        let deep = long(PATH_BYTES - 101);
        let layer: &[Entry] = &[
            dir(&deep),
            symlink("l", &format!("/{deep}")),
            file(&format!("l/{}/{}", "m".repeat(40), name), 1),
        ];
        let outcomes = apply(&[layer], |_| {});
        assert_eq!(outcomes.iter().all(Result::is_ok), more == 0, "{outcomes:?}");
    }
    // A thousand steps, each a thousand directories deeper.
    let path = "a/".repeat(1_000);
    let mut entries = vec![dir(&path), symlink("l0", &path)];
    for step in 1..1_000 {
        entries.push(dir(&format!("l{}/{path}", step - 1)));
        entries.push(symlink(&format!("l{step}"), &format!("l{}/{path}", step - 1)));
    }
    for outcome in apply(&[&entries], |_| {}) {
        exceeds(&outcome.unwrap_err(), "PATH_BYTES");
    }
}

#[test]
fn symlinks_are_followed_up_to_symlink_hops() {
    let link = |number: usize| symlink(&format!("l{number}"), &format!("l{}", number - 1));
    let mut entries: Vec<Entry> = (1..=SYMLINK_HOPS + 1).map(link).collect();
    entries.push(file("l0", 1));
    let rootfs = build(&[&entries]);
    let resolve = |number: usize| {
        let path = ImagePath::new(format!("l{number}"));
        rootfs.readings[0].effective.resolve(&path).map(|found| found.hops)
    };
    assert_eq!(resolve(SYMLINK_HOPS), Ok(SYMLINK_HOPS));
    let error = resolve(SYMLINK_HOPS + 1).unwrap_err();
    assert_eq!(error.to_string(), "it leads through more than 40 symlinks (SYMLINK_HOPS)");
}

/// One entry in the deepest of many directories told of all of them, for each of its layers.
#[test]
fn directories_that_layers_do_not_name_are_held_to_image_anomaly_bytes() {
    let path = |depth: usize| vec!["d".repeat(99); depth].join("/");
    let lower: Vec<Entry> = (1..=40).map(|depth| Entry { mode: 0o700, ..dir(&path(depth)) }).collect();
    let upper = layer(&[file(&format!("{}/f", path(40)), 1)]);
    let mut builder = Builder::new(Runtime::Vfs);
    builder.apply(0, &layer(&lower)).unwrap();
    let of_layer: usize = (1..=40).map(|depth| path(depth).len() + size_of::<(usize, ImagePath)>()).sum();
    let fitting = IMAGE_ANOMALY_BYTES as usize / of_layer;
    (1..=fitting).for_each(|number| builder.apply(number, &upper).unwrap());
    assert_eq!(builder.implied_resets().len(), 40 * fitting);
    exceeds(&builder.apply(fitting + 1, &upper).unwrap_err(), "IMAGE_ANOMALY_BYTES");
}

#[test]
fn paths_are_followed_up_to_followed_steps() {
    let long = "./".repeat(2_000) + "f";
    let mut builder = Builder::new(Runtime::Vfs);
    builder.apply(0, &layer(&[file("f", 1), symlink("l", &long)])).unwrap();
    let (tree, path) = (builder.tree(), ImagePath::new("l"));
    let mut left = u64::MAX;
    tree.resolve_within(path.as_bytes(), &mut left).unwrap();
    let each = u64::MAX - left;
    let (steps, fit) = (Steps::default(), FOLLOWED_STEPS.div_ceil(each));
    for _ in 0..fit {
        assert!(steps.resolve(tree, &path).is_ok());
    }
    assert_eq!(steps.resolve(tree, &path).err(), Some(ResolveError::TooFar));
    assert_eq!(steps.locate(tree, &path).err(), Some(ResolveError::TooFar));
}
