//! Faults of this program, wherever they show, are errors of the image, and nothing waits for ever.

use std::collections::BTreeSet;

use super::room::support::{Compression, Image, Layer, Layout, random_tree};
use super::room::{Room, archives, check, engine, image, is_error, passes, told};
use crate::engine::{Checked, Engine, ReadBefore};
use crate::host::fault::{Faults, Kind};
use crate::rules::RULES;

const FAULT: &str = "by a fault of this program";

/// Lets each step of a check panic; what came of each.
fn each_step_panics(
    name: &str,
    threads: usize,
    run: impl Fn() -> Checked + Sync,
    mut told: impl FnMut(&Checked),
) -> BTreeSet<String> {
    // None is that far: all are counted.
    let counted = Faults::new(Kind::Panic, usize::MAX);
    counted.within(threads, &run);
    let mut said = BTreeSet::new();
    for step in 0..counted.calls() {
        let faults = Faults::new(Kind::Panic, step);
        let checked = faults.within(threads, &run);
        if faults.calls() <= step {
            // One step less, for no thread had time to help another.
            assert!(threads > 1 && passes(&checked));
            continue;
        }
        assert!(is_error(&checked), "{name}: step {step} of {} on {threads} threads", counted.calls());
        for error in &checked.errors {
            let error = error.to_string();
            assert!(error.contains(FAULT) && error.contains(name), "{name}: step {step}: {error}");
            // Without the image, whose name differs.
            said.insert(error.rsplit(": ").take(2).collect::<Vec<_>>().join(" < "));
        }
        told(&checked);
    }
    said
}

#[test]
fn a_panic_at_any_step_is_an_error_of_the_image() {
    let (room, engine) = (Room::new(), engine());
    let layout = room.path("layout");
    image().oci_dir(&layout);
    let mut paths = vec![("layout", layout)];
    for (name, archive) in archives(&image()) {
        paths.push((name, room.write(name, archive)));
    }
    for (name, path) in paths {
        let sound = told(&check(&engine, &path));
        for threads in [1, 2] {
            let run = || check(&engine, &path);
            let said = each_step_panics(name, threads, run, |checked| assert!(checked.images.is_empty()));
            for place in ["reading it failed", "reading its layers failed", "reading the image failed"] {
                assert!(said.iter().any(|said| said.contains(place)), "{name}: {place}: {said:#?}");
            }
            assert!(said.iter().any(|said| said.contains("reading the layer failed")), "{said:#?}");
            let rules = said.iter().filter(|said| said.contains("rule ")).count();
            // With several threads it is another one each time.
            assert!(rules > 20, "{rules} rules: {said:#?}");
        }
        // Nothing stays behind in the engine.
        assert_eq!(told(&check(&engine, &path)), sound);
    }
}

/// A large layer is decoded on one thread and judged on another; whichever is gone, the other wakes up.
#[test]
fn a_panic_on_either_side_of_a_relay_is_an_error() {
    let (room, engine) = (Room::new(), engine());
    for (compression, threads) in
        [(Compression::Gzip(1), 2), (Compression::Zstd(1), 4), (Compression::None, 2)]
    {
        let image = Image::new().layer_with(random_tree(1, 40, 15_000), "COPY . /", compression).user("1");
        let path = room.write("large.tar", image.oci_archive());
        let run = || check(&engine, &path);
        assert!(passes(&run()));
        let counted = Faults::new(Kind::Panic, usize::MAX);
        counted.within(threads, run);
        // Rules come last, and are none of the relay's business.
        for step in 0..counted.calls() - RULES.len() {
            let faults = Faults::new(Kind::Panic, step);
            let checked = faults.within(threads, run);
            if faults.calls() <= step {
                continue;
            }
            let errors: Vec<_> = checked.errors.iter().map(ToString::to_string).collect();
            assert!(errors.len() == 1 && errors[0].contains(FAULT), "step {step}: {errors:?}");
        }
    }
}

#[test]
fn a_panic_spares_the_other_images() {
    let (room, two) = (Room::new(), Engine { read_before: Some(ReadBefore::default()), ..engine() });
    let other = Image::new().layer(Layer::new().file("b", "y")).user("1").name("example.com/other:1");
    let path = room.write("two.tar", Layout::new().image(&image()).image(&other).archive());
    let sound = check(&two, &path);
    assert!(passes(&sound) && sound.images.len() == 2);
    let mut spared = 0;
    each_step_panics(
        "two.tar",
        2,
        || check(&two, &path),
        |checked| {
            assert!(checked.images.len() < 2);
            for image in &checked.images {
                assert!(sound.images.iter().any(|sound| {
                    serde_json::to_string(sound).unwrap() == serde_json::to_string(image).unwrap()
                }));
                spared += 1;
            }
        },
    );
    assert!(spared > 20, "{spared}");
}
