//! Each call of the operating system fails in turn.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::room::{Room, archives, check, engine, image, is_error, passes, told};
use crate::base::layer_facts::{directory_of, file_name};
use crate::base::{Catalog, Tier};
use crate::cache::{Cache, CacheSettings};
use crate::engine::{self, Checked, Engine, NewBase, Request};
use crate::host::fault::{Faults, Kind, MARK};
use crate::limits::{CACHE_BYTES, Limits};
use crate::source::{Input, Selection};

/// Lets each call of a check fail, alone and with all that follow, and demands that it is told.
fn each_call_fails(name: &str, run: impl Fn() -> Checked + Sync) {
    let sound = Faults::new(Kind::Nothing, 0);
    let checked = sound.within(1, &run);
    assert!(passes(&checked), "{name}: {:?} {}", checked.errors, told(&checked));
    assert!(sound.calls() > 10, "{name}: {} calls", sound.calls());
    for threads in [1, 2] {
        for kind in [Kind::Once, Kind::FromThenOn] {
            for call in 0..sound.calls() {
                let checked = Faults::new(kind.clone(), call).within(threads, &run);
                let place = format!("{name}, {kind:?} at call {call} on {threads} threads");
                assert!(is_error(&checked), "{place}: {} {:?}", told(&checked), checked.errors);
                for error in &checked.errors {
                    let said = error.to_string();
                    assert!(said.contains(MARK) && said.contains(name), "{place}: {said}");
                }
            }
        }
    }
}

/// Short reads, and signals between them, change nothing.
fn awkward_reads_change_nothing(name: &str, run: impl Fn() -> Checked + Sync) {
    let sound = run();
    for kind in [Kind::Short, Kind::Interrupted] {
        for threads in [1, 2] {
            let checked = Faults::new(kind.clone(), 0).within(threads, &run);
            assert_eq!(told(&checked), told(&sound), "{name}, {kind:?}: {:?}", checked.errors);
            assert!(checked.errors.is_empty() && checked.notes == sound.notes);
        }
    }
}

#[test]
fn every_call_on_an_archive_may_fail() {
    let (room, engine) = (Room::new(), engine());
    for (name, archive) in archives(&image()) {
        let path = room.write(name, archive);
        each_call_fails(name, || check(&engine, &path));
        awkward_reads_change_nothing(name, || check(&engine, &path));
    }
}

#[test]
fn every_call_on_a_directory_may_fail() {
    let (room, engine) = (Room::new(), engine());
    let path = room.path("layout");
    image().oci_dir(&path);
    each_call_fails("layout", || check(&engine, &path));
    awkward_reads_change_nothing("layout", || check(&engine, &path));
}

/// A pipe, which is what standard input is.
#[cfg(unix)]
#[test]
fn every_call_on_a_pipe_may_fail() {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
    let (room, engine) = (Room::new(), engine());
    let pipe = room.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let archive = Arc::new(image().oci_archive());
    let run = || {
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                // Whoever refuses early closes the pipe.
                let _ = std::fs::write(&pipe, &*archive);
            });
            let checked = check(&engine, &pipe);
            // Where it was not even opened, the writer still waits for a reader.
            let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
            let reader = std::fs::File::options().read(true).custom_flags(nonblocking).open(&pipe);
            while !writer.is_finished() {
                std::thread::yield_now();
                let _ = std::io::copy(&mut reader.as_ref().unwrap(), &mut std::io::sink());
            }
            checked
        })
    };
    each_call_fails("pipe", run);
    awkward_reads_change_nothing("pipe", run);
}

/// A symlink to what cannot be reached is not one to nothing: what it leads to might have been judged.
#[cfg(unix)]
#[test]
fn a_link_to_what_cannot_be_reached_is_an_error() {
    let (room, engine) = (Room::new(), engine());
    let path = room.path("layout");
    image().oci_dir(&path);
    std::fs::rename(path.join("blobs"), room.path("blobs")).unwrap();
    std::os::unix::fs::symlink(room.path("blobs"), path.join("blobs")).unwrap();
    assert!(passes(&check(&engine, &path)));
    // No name may be so long; as with a directory that may not be searched, which would not stop root.
    std::os::unix::fs::symlink("x".repeat(300), path.join("manifest.json")).unwrap();
    let checked = check(&engine, &path);
    assert!(is_error(&checked) && checked.errors[0].to_string().contains("cannot be listed"));
    std::fs::remove_file(path.join("manifest.json")).unwrap();
    for nothing in ["nosuch", "index.json/x", "loop"] {
        std::os::unix::fs::symlink(nothing, path.join("loop")).unwrap();
        assert!(passes(&check(&engine, &path)), "{nothing}");
        std::fs::remove_file(path.join("loop")).unwrap();
    }
}

fn facts_directory(room: &Room) -> PathBuf {
    directory_of(&room.path("bases.json"))
}

/// A catalog that has the image's first layer, with its facts file.
fn catalog_with_facts(room: &Room) -> Catalog {
    let base = super::room::support::Image::new().stored_layer(image().layers().next().unwrap().clone());
    let input = Input::Path(room.write("base.tar", base.oci_archive()));
    let (selection, plan) = (Selection::default(), engine::whole_plan(Limits::default()));
    let request = Request {
        input: &input,
        selection: &selection,
        bases: None,
        cache: None,
        advisories: None,
        read_before: None,
        plan,
        held: None,
    };
    let gathered = engine::gather(&request, &()).unwrap();
    let new = NewBase {
        name: "base".into(),
        version: "1".into(),
        tier: Tier::Official,
        added: jiff::civil::date(2026, 1, 1),
        with_facts: true,
    };
    let mut catalog = Catalog::default();
    let enrolled = engine::enroll(&mut catalog, &gathered.images[0], &new).unwrap();
    let directory = facts_directory(room);
    std::fs::create_dir_all(&directory).unwrap();
    for file in enrolled.files {
        std::fs::write(directory.join(file_name(&file.digest)), file.bytes).unwrap();
    }
    catalog
}

/// Runs checks whose calls fail one after another, where a failure may be none of the verdict's business.
/// How many were told, and how many were not.
fn errors_or_the_same(
    kind: &Kind,
    run: impl Fn() -> (Checked, Vec<String>) + Sync,
    prepare: impl Fn(),
) -> (usize, usize) {
    prepare();
    let counted = Faults::new(Kind::Nothing, 0);
    let (sound, notes) = counted.within(1, &run);
    assert!(passes(&sound) && notes.is_empty(), "{:?} {notes:?} {}", sound.errors, told(&sound));
    let (mut errors, mut same) = (0, 0);
    for call in 0..counted.calls() {
        prepare();
        let (checked, notes) = Faults::new(kind.clone(), call).within(1, &run);
        if is_error(&checked) {
            errors += 1;
            continue;
        }
        same += 1;
        assert_eq!(told(&checked), told(&sound), "{kind:?} at call {call}");
        let said = checked.notes.iter().chain(&notes).any(|note| note.contains(MARK));
        assert!(said, "{kind:?} at call {call}: {:?} {notes:?}", checked.notes);
    }
    (errors, same)
}

#[test]
fn a_facts_file_that_cannot_be_read_is_a_note_and_the_layer_read() {
    let room = Room::new();
    let path = room.write("app.tar", image().oci_archive());
    let catalog = catalog_with_facts(&room);
    let run = || {
        // Anew each time, for what was read once is kept.
        let files = engine::facts_files(&catalog, &facts_directory(&room), Limits::default());
        let engine = Engine { catalog: Some(catalog.clone()), facts_files: Some(files), ..engine() };
        (check(&engine, &path), Vec::new())
    };
    let (errors, same) = errors_or_the_same(&Kind::Once, run, || ());
    assert!(errors > 10 && same >= 3, "{errors} errors, {same} notes");
}

#[cfg(unix)]
#[test]
fn a_cache_that_fails_is_told_and_spoils_no_verdict() {
    let room = Room::new();
    let path = room.write("app.tar", image().oci_archive());
    let directory = room.path("cache");
    let run = || {
        let settings = CacheSettings { directory: directory.clone(), bytes: CACHE_BYTES, key: None };
        match Cache::open(&settings) {
            Ok(cache) => {
                let engine = Engine { cache: Some(cache.for_any_layer()), ..engine() };
                let checked = check(&engine, &path);
                (checked, engine.cache.as_ref().map(Cache::take_notes).unwrap_or_default())
            }
            // As the command line does.
            Err(error) => (check(&engine(), &path), vec![error.to_string()]),
        }
    };
    let empty = || {
        let _ = std::fs::remove_dir_all(&directory);
    };
    let (errors, same) = errors_or_the_same(&Kind::Once, run, empty);
    assert!(errors > 10 && same > 10, "writing: {errors} errors, {same} notes");
    assert_eq!(leftovers(&directory), 0);
    let filled = || {
        let (_, notes) = run();
        assert!(notes.is_empty(), "{notes:?}");
    };
    let (errors, same) = errors_or_the_same(&Kind::Once, run, filled);
    assert!(errors > 10 && same > 5, "reading: {errors} errors, {same} notes");
    assert_eq!(leftovers(&directory), 0);
}

#[cfg(unix)]
fn leftovers(directory: &Path) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().starts_with('.')).count()
}
