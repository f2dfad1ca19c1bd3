//! Time that is up is an error, wherever it is noticed.

use std::time::{Duration, Instant};

use super::room::support::{Compression, Entry, Layer, SparseFormat};
use super::room::{Room, archives, check, engine, image, is_error, passes, told};
use crate::engine::Engine;
use crate::host::fault::{Faults, Kind};
use crate::limits::Deadline;

fn engine_with(time: Duration) -> Engine {
    let mut engine = engine();
    engine.policy.limits.deadline = Deadline::after(Instant::now(), time);
    engine
}

#[test]
fn nothing_begins_when_the_time_is_up() {
    let room = Room::new();
    let mut paths: Vec<_> =
        archives(&image()).into_iter().map(|(name, archive)| room.write(name, archive)).collect();
    paths.push(room.path("layout"));
    image().oci_dir(&room.path("layout"));
    for path in paths {
        let faults = Faults::new(Kind::Nothing, 0);
        let checked = faults.within(1, || check(&engine_with(Duration::ZERO), &path));
        assert!(checked.images.is_empty() && faults.calls() == 0);
        let said = checked.errors[0].to_string();
        assert!(said.contains("--timeout 0s") && said.contains(path.to_str().unwrap()), "{said}");
        assert!(passes(&check(&engine_with(Duration::from_secs(600)), &path)));
    }
}

/// Each read in turn takes longer than there is time; what follows it notices.
#[test]
fn time_that_ends_at_any_read_is_an_error() {
    let room = Room::new();
    for name in ["docker", "gzip", "layout"] {
        let path = room.path(name);
        match archives(&image()).into_iter().find(|(form, _)| *form == name) {
            Some((_, archive)) => drop(room.write(name, archive)),
            None => image().oci_dir(&path),
        }
        let counted = Faults::new(Kind::Nothing, 0);
        let sound = counted.within(1, || check(&engine(), &path));
        let mut noticed = 0;
        for call in 0..counted.calls() {
            let run = || check(&engine_with(Duration::from_millis(40)), &path);
            let checked = Faults::new(Kind::Slow(41), call).within(1, run);
            if is_error(&checked) {
                noticed += 1;
                for error in &checked.errors {
                    assert!(error.to_string().contains("--timeout 0.04s"), "{name}, call {call}: {error}");
                }
            } else {
                // It was another call than a read, which cannot be slow here.
                assert_eq!(told(&checked), told(&sound), "{name}, call {call}");
            }
        }
        assert!(noticed * 3 > counted.calls(), "{name}: {noticed} of {}", counted.calls());
    }
}

/// Few stored bytes may become very many, without a read between them.
#[test]
fn what_is_large_only_when_unpacked_is_left_in_time() {
    let room = Room::new();
    let time = Duration::from_millis(30);
    let zeros = Layer::new().file("zeros", vec![0; 64 << 20]);
    let hole = Entry::sparse("hole", 1 << 40, &[(0, b"x")], SparseFormat::Pax10);
    for (name, layer) in [("zeros", zeros), ("hole", Layer::new().entry(hole))] {
        let image =
            super::room::support::Image::new().layer_with(layer, "COPY . /", Compression::Zstd(1)).user("1");
        let path = room.write(name, image.oci_archive());
        let mut engine = engine_with(time);
        engine.policy.limits.layer_bytes = u64::MAX;
        engine.policy.limits.ratio = u64::MAX;
        let started = Instant::now();
        let checked = check(&engine, &path);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        assert!(
            is_error(&checked) && checked.errors[0].to_string().contains("--timeout"),
            "{name}: {:?} {}",
            checked.errors,
            told(&checked)
        );
    }
}
