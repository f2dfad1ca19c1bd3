use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::entry::HEAD_BYTES;
use super::key::MAC_BYTES;
use super::*;
use crate::error::ErrorKind;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::Plan;
use crate::scan::packed::VERSION;
use crate::scan::packed::tests::{more, sample};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn settings(directory: &TempDir, bytes: u64) -> CacheSettings {
    CacheSettings { directory: directory.path().to_owned(), bytes, key: None }
}

/// A cache for layers of any size.
fn open_with(settings: &CacheSettings) -> Cache {
    Cache { least: 0, ..Cache::open(settings).unwrap() }
}

fn open(directory: &TempDir) -> Cache {
    open_with(&settings(directory, limits::CACHE_BYTES))
}

fn ask(cache: &Cache, layer: &LayerFacts) -> Option<Arc<TarFacts>> {
    cache.tar_facts(&layer.blob, layer.compression, &ScanOptions::default())
}

/// The sample under another digest.
fn layer(number: usize) -> LayerFacts {
    let mut layer = sample();
    layer.blob.sha256 = Digest::sha256(number.to_string().as_bytes());
    layer
}

fn path(directory: &TempDir, layer: &LayerFacts) -> PathBuf {
    directory.path().join(entry::name(&layer.blob.sha256))
}

fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn wants(paths: &[&str], archives: bool) -> ScanOptions {
    let mut plan = Plan::default();
    paths.iter().for_each(|path| plan.capture(ImagePath::new(path)));
    if archives {
        plan.look_into_archives();
    }
    ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() }
}

fn components() -> ScanOptions {
    let mut plan = Plan::default();
    plan.look_for_components();
    ScanOptions { plan: Arc::new(plan), ..ScanOptions::default() }
}

#[test]
fn a_kept_layer_is_known_to_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let (layer, cache) = (sample(), open(&directory));
    assert!(!cache.may_know(&layer.blob.sha256, false) && ask(&cache, &layer).is_none());
    cache.keep(&layer, &more());
    let next = open(&directory);
    assert!(next.may_know(&layer.blob.sha256, false));
    let facts = next.tar_facts(&layer.blob, layer.compression, &wants(&["etc/passwd", "nosuch"], true));
    let (facts, tar) = (facts.unwrap(), layer.tar.as_ref().unwrap());
    assert_eq!((facts.diff_id, facts.size, &facts.entries), (tar.diff_id, tar.size, &tar.entries));
    assert_eq!((&facts.captured, &facts.beside), (&tar.captured, &more()));
    assert_eq!((&facts.secrets, &facts.archives), (&tar.secrets, &tar.archives));
    assert_eq!(facts.components, tar.components);
    assert!(next.take_notes().is_empty() && cache.take_notes().is_empty());
    // It is its owner's only: captured files may hold password hashes.
    assert_eq!(fs::metadata(path(&directory, &layer)).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn what_reading_would_yield_today_is_had_or_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut layer = sample();
    let tar = TarFacts { archives: None, components: None, ..TarFacts::clone(layer.tar.as_ref().unwrap()) };
    layer.tar = Ok(Arc::new(tar));
    let cache = open(&directory);
    cache.keep(&layer, &Contents::new());
    let ask = |options| cache.tar_facts(&layer.blob, layer.compression, &options);
    assert!(ask(wants(&[], false)).unwrap().archives.is_none());
    assert!(ask(wants(&[], true)).is_none(), "nobody had looked into archives");
    assert!(ask(wants(&[], false)).unwrap().components.is_none());
    assert!(ask(components()).is_none(), "nobody had looked for components");
    assert!(ask(wants(&["etc/group"], false)).is_none(), "its content was not kept");
    assert!(ask(wants(&["large"], false)).unwrap().not_captured[&9].to_string().contains("captured_file"));
    // What the second read brings is added, once.
    cache.keep(&layer, &more());
    assert!(ask(wants(&["etc/group"], false)).is_some());
    let before = fs::metadata(path(&directory, &layer)).unwrap().ino();
    cache.keep(&layer, &more());
    assert_eq!(fs::metadata(path(&directory, &layer)).unwrap().ino(), before);
    assert!(cache.take_notes().is_empty(), "stale is no fault");
}

/// What is in archives and components are looked for each by itself; an entry has what the last run looked for.
#[test]
fn each_thing_that_was_looked_for_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let whole = sample();
    let facts = whole.tar.as_ref().unwrap();
    for (archives, components, known) in [
        (false, true, (false, true)),
        (true, false, (true, false)),
        (true, true, (true, true)),
        (true, false, (true, true)),
    ] {
        let archives = facts.archives.clone().filter(|_| archives);
        let found = facts.components.clone().filter(|_| components);
        let tar = TarFacts { archives, components: found, ..TarFacts::clone(facts) };
        open(&directory).keep(&LayerFacts { tar: Ok(Arc::new(tar)), ..sample() }, &Contents::new());
        let next = open(&directory);
        let had = |options| next.tar_facts(&whole.blob, whole.compression, &options).is_some();
        assert_eq!((had(wants(&[], true)), had(self::components())), known);
    }
}

#[test]
fn layers_that_are_not_sound_or_tiny_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory);
    let mut spoilt = sample();
    spoilt.anomalies.push(Anomaly::new(Fault::DuplicateEntry, "twice"));
    cache.keep(&spoilt, &Contents::new());
    let error = Error::invalid("no tar");
    let unread = LayerFacts { tar: Err(crate::scan::Unread { error, entries_read: 0 }), ..sample() };
    cache.keep(&unread, &Contents::new());
    Cache::open(&settings(&directory, 1 << 30)).unwrap().keep(&sample(), &Contents::new());
    assert_eq!(names(&directory), ["key"]);
    assert!(sample().blob.size < limits::CACHE_LAYER_BYTES);
}

/// Spoils the entry of the sample, and demands that it is noticed once, removed and made anew.
fn assert_noticed(directory: &TempDir, bytes: &[u8], what: &str) {
    let layer = sample();
    let path = path(directory, &layer);
    fs::write(&path, bytes).unwrap();
    let cache = open(directory);
    assert!(ask(&cache, &layer).is_none(), "{what}");
    let notes = cache.take_notes();
    assert_eq!(notes.len(), 1, "{what}: {notes:?}");
    assert!(notes[0].contains("is not used, and read anew: "), "{what}: {notes:?}");
    assert!(!path.exists() && ask(&cache, &layer).is_none() && cache.take_notes().is_empty(), "{what}");
}

#[test]
fn every_spoilt_entry_is_noticed_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let layer = sample();
    open(&directory).keep(&layer, &more());
    let good = fs::read(path(&directory, &layer)).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        assert_noticed(&directory, &bytes, &format!("byte {at} flipped"));
        assert_noticed(&directory, &good[..at], &format!("cut at {at}"));
    }
    assert_noticed(&directory, &[&*good, b"\0"].concat(), "longer");
    // Another layer's, under this name.
    open(&directory).keep(&self::layer(1), &more());
    assert_noticed(&directory, &fs::read(path(&directory, &self::layer(1))).unwrap(), "swapped");
    // Of another key.
    let elsewhere = tempfile::tempdir().unwrap();
    open(&elsewhere).keep(&layer, &more());
    assert_noticed(&directory, &fs::read(path(&elsewhere, &layer)).unwrap(), "of another key");
    // Of an image that says no digest, so that nobody asked for it first.
    fs::write(path(&directory, &layer), b"junk").unwrap();
    let cache = open(&directory);
    cache.keep(&layer, &more());
    assert_eq!((cache.take_notes().len(), fs::read(path(&directory, &layer)).unwrap()), (1, good.clone()));
    // Without any harm it is good still.
    fs::write(path(&directory, &layer), &good).unwrap();
    assert!(ask(&open(&directory), &layer).is_some());
}

/// Whoever has the key, as an older version has, is not believed more than their bytes are worth.
#[test]
fn a_right_mac_does_not_make_an_entry() {
    let directory = tempfile::tempdir().unwrap();
    let (layer, cache) = (sample(), open(&directory));
    cache.keep(&layer, &more());
    let good = fs::read(path(&directory, &layer)).unwrap();
    let (head, packed) = (&good[..HEAD_BYTES], &good[HEAD_BYTES + MAC_BYTES..]);
    let sealed = |head: &[u8], packed: &[u8]| {
        let mac = cache.key.mac(&[head, layer.blob.sha256.hex().as_bytes(), packed]);
        [head, &mac, packed].concat()
    };
    assert_eq!(sealed(head, packed), good);
    let mut other = head.to_vec();
    other[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    assert_noticed(&directory, &sealed(&other, packed), "another version");
    for length in 0..packed.len() {
        assert_noticed(&directory, &sealed(head, &packed[..length]), &format!("cut at {length}"));
    }
    assert_noticed(&directory, &sealed(head, b"no zstd at all"), "junk");
}

#[test]
fn what_is_no_file_is_not_read() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let layer = sample();
    open(&directory).keep(&layer, &more());
    let (entry, moved) = (path(&directory, &layer), elsewhere.path().join("moved"));
    fs::rename(&entry, &moved).unwrap();
    symlink(&moved, &entry).unwrap();
    let cache = open(&directory);
    assert!(!cache.may_know(&layer.blob.sha256, false));
    assert!(ask(&cache, &layer).is_none() && !entry.exists() && moved.exists());
    // A link in its place is replaced, and what it leads to is not written.
    symlink(elsewhere.path().join("nosuch"), &entry).unwrap();
    cache.keep(&layer, &more());
    assert!(fs::symlink_metadata(&entry).unwrap().is_file() && !elsewhere.path().join("nosuch").exists());
    // A pipe is not waited for.
    fs::remove_file(&entry).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&entry).status().unwrap().success());
    let cache = open(&directory);
    assert!(!cache.may_know(&layer.blob.sha256, false) && ask(&cache, &layer).is_none());
    assert_eq!(cache.take_notes().len(), 1);
}

#[test]
fn the_key_is_random_and_its_owners() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = |directory: &TempDir| {
        open(directory);
        fs::read_to_string(directory.path().join("key")).unwrap()
    };
    assert_eq!(key(&one), key(&one));
    assert_ne!(key(&one), key(&other));
    assert_eq!((key(&one).len(), names(&one)), (65, vec!["key".to_owned()]));
    assert_eq!(fs::metadata(one.path().join("key")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_key_that_others_know_or_can_change_is_refused() {
    let refused = |spoil: &dyn Fn(&TempDir), told: &str| {
        let directory = tempfile::tempdir().unwrap();
        open(&directory);
        spoil(&directory);
        let error = Cache::open(&settings(&directory, 1 << 30)).unwrap_err();
        assert!(error.kind() != ErrorKind::Usage && error.to_string().contains(told), "{told}: {error}");
        // With a key from elsewhere none of it matters.
        let key = Some(SECRET.to_vec());
        assert!(Cache::open(&CacheSettings { key, ..settings(&directory, 1 << 30) }).is_ok());
    };
    let set_mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let key = |directory: &TempDir| directory.path().join("key");
    refused(&|directory| set_mode(directory.path(), 0o770), "others may write to it");
    refused(&|directory| set_mode(directory.path(), 0o1777), "(mode 1777)");
    refused(&|directory| set_mode(&key(directory), 0o640), "others may read or write the key (mode 0640)");
    refused(&|directory| set_mode(&key(directory), 0o602), "others may read or write the key");
    refused(&|directory| fs::write(key(directory), "").unwrap(), "not a key that this program made");
    refused(&|directory| fs::write(key(directory), [b'x'; 65]).unwrap(), "not a key");
    refused(&|directory| fs::write(key(directory), [b'a'; 66]).unwrap(), "not a key");
    refused(&|directory| fs::write(key(directory), [b'a'; 65]).unwrap(), "not a key");
    refused(&|directory| fs::write(key(directory), [b' '; 65]).unwrap(), "not a key");
    let short = [&[b'a'; 32][..], &[b'\n'; 33]].concat();
    refused(&|directory| fs::write(key(directory), &short).unwrap(), "not a key");
    let linked = |directory: &TempDir| {
        fs::rename(key(directory), directory.path().join("moved")).unwrap();
        symlink("moved", key(directory)).unwrap();
    };
    refused(&linked, "the key cannot be read");
    let pipe = |directory: &TempDir| {
        fs::remove_file(key(directory)).unwrap();
        std::process::Command::new("mkfifo").arg(key(directory)).status().unwrap();
    };
    refused(&pipe, "no regular file");
}

#[test]
fn a_secret_text_is_the_key_and_no_file_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let with = |key: &[u8]| CacheSettings { key: Some(key.to_vec()), ..settings(&directory, 1 << 30) };
    let layer = sample();
    open_with(&with(SECRET)).keep(&layer, &more());
    assert!(ask(&open_with(&with(&[SECRET, b"\n"].concat())), &layer).is_some());
    assert_eq!(names(&directory), [entry::name(&layer.blob.sha256)]);
    assert!(ask(&open_with(&with(&[SECRET, b"x"].concat())), &layer).is_none());
    for short in [&b""[..], &SECRET[1..], &[&SECRET[1..], b"    "].concat()] {
        let error = Cache::open(&with(short)).unwrap_err();
        assert!(error.kind() == ErrorKind::Usage && error.to_string().contains("at least 32"), "{error}");
    }
}

#[test]
fn what_is_no_directory_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let at = |path: PathBuf| CacheSettings { directory: path, ..settings(&directory, 1 << 30) };
    assert_eq!(Cache::open(&at(file.clone())).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(Cache::open(&at(file.join("below"))).unwrap_err().kind(), ErrorKind::Io);
    let new = directory.path().join("a/b");
    assert!(Cache::open(&at(new.clone())).is_ok());
    assert_eq!(fs::metadata(new).unwrap().mode() & 0o7777, 0o700);
}

fn age(path: &std::path::Path, hours: i64) {
    let by = Duration::from_secs(hours.unsigned_abs() * 3600);
    let now = SystemTime::now();
    let to = if hours < 0 { now + by } else { now - by };
    fs::File::options().write(true).open(path).unwrap().set_modified(to).unwrap();
}

#[test]
fn the_longest_unused_are_removed_first() {
    let directory = tempfile::tempdir().unwrap();
    let limit = 20 * limits::CACHE_BLOCK_BYTES;
    let small = settings(&directory, limit);
    let cache = open_with(&small);
    for number in 0..20 {
        cache.keep(&layer(number), &more());
        age(&path(&directory, &layer(number)), 40 - number as i64);
    }
    fs::write(directory.path().join("precious"), vec![0; 1 << 20]).unwrap();
    fs::write(directory.path().join(".new-thesis"), "x").unwrap();
    age(&directory.path().join(".new-thesis"), 25);
    fs::write(directory.path().join(".ocicheck-new-of-now"), "x").unwrap();
    fs::write(directory.path().join(".ocicheck-new-of-old"), "x").unwrap();
    age(&directory.path().join(".ocicheck-new-of-old"), 25);
    let older = directory.path().join(format!("{}.v1", layer(99).blob.sha256.hex()));
    fs::write(&older, "of an older version").unwrap();
    age(&older, 100);
    // From a day to come, as a clock that went wrong writes it, or somebody who wants it to stay.
    age(&path(&directory, &layer(7)), -48);
    assert!(ask(&cache, &layer(0)).is_some(), "used again");
    open_with(&small).keep(&layer(20), &more());
    let there = |number| path(&directory, &layer(number)).exists();
    let gone: Vec<_> = (0..21).filter(|number| !there(*number)).collect();
    // 22 counted, of which one tenth less than 19 may stay: the old version and these.
    assert_eq!((gone.as_slice(), older.exists()), (&[1, 2, 3, 7][..], false));
    let names = names(&directory);
    assert!(["precious", ".new-thesis"].iter().all(|other| names.contains(&(*other).to_owned())));
    assert!(names.contains(&".ocicheck-new-of-now".to_owned()));
    assert!(!names.contains(&".ocicheck-new-of-old".to_owned()));
    // While another run removes, none waits; nor is more written than there is room for.
    let lock = files::open_lock(&directory.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let busy = open_with(&small);
    (30..50).for_each(|number| busy.keep(&layer(number), &more()));
    let entries = || self::names(&directory).iter().filter(|name| entry::is_name(name)).count();
    assert_eq!((entries(), busy.take_notes()), (19, Vec::new()));
    drop(lock);
    busy.keep(&layer(50), &more());
    assert!(path(&directory, &layer(50)).exists() && entries() < 20);
    // Larger than the whole cache.
    let tiny = open_with(&settings(&directory, 1));
    tiny.keep(&layer(60), &more());
    assert!(!path(&directory, &layer(60)).exists() && tiny.take_notes().is_empty());
}

#[test]
fn what_other_runs_write_counts() {
    let directory = tempfile::tempdir().unwrap();
    let small = settings(&directory, 32 * limits::CACHE_BLOCK_BYTES);
    let runs: Vec<_> = (0..4).map(|_| open_with(&small)).collect();
    for number in 0..200 {
        runs[number % 4].keep(&layer(number), &more());
        let entries = names(&directory).iter().filter(|name| entry::is_name(name)).count();
        assert!(entries <= 32 + 3 * 2, "{entries} after {number}");
    }
    assert!(path(&directory, &layer(199)).exists());
}

#[test]
fn a_failed_write_is_told_once_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory);
    cache.keep(&layer(0), &more());
    let away = directory.path().with_extension("away");
    fs::rename(directory.path(), &away).unwrap();
    cache.keep(&layer(1), &more());
    let notes = cache.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("cannot be written to"), "{notes:?}");
    fs::rename(&away, directory.path()).unwrap();
    cache.keep(&layer(2), &more());
    assert!(cache.take_notes().is_empty() && ask(&cache, &layer(0)).is_some(), "it is read all the same");
    assert_eq!(names(&directory), [entry::name(&layer(0).blob.sha256), "key".to_owned()]);
}

#[test]
fn an_entry_is_held_to_cache_entry_bytes_and_to_the_size_of_its_layer() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory);
    let mut layer = sample();
    layer.blob.size = u64::MAX;
    let of_size = |layer: &LayerFacts, size: u64| {
        let file = fs::File::create(path(&directory, layer)).unwrap();
        file.set_len(size).unwrap();
        assert!(ask(&cache, layer).is_none());
        cache.take_notes().concat()
    };
    // It is read whole, and found to be no entry.
    assert!(of_size(&layer, limits::CACHE_ENTRY_BYTES).contains("none of this version"));
    let told = of_size(&layer, limits::CACHE_ENTRY_BYTES + 1);
    assert!(told.contains("exceeds the limit CACHE_ENTRY_BYTES ("), "{told}");
    layer.blob.size = 1000;
    let most = (1 << 20) + limits::CACHE_ENTRY_RATIO * 1000;
    assert!(of_size(&layer, most).contains("none of this version"));
    let told = of_size(&layer, most + 1);
    assert!(told.contains("exceeds the limit CACHE_ENTRY_RATIO ("), "{told}");
}

/// Whoever may write to the directory could fill the memory otherwise, by files without a block on the disk.
#[test]
fn large_entries_are_held_one_at_a_time_beyond_cache_at_once_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory);
    let mut layer = sample();
    layer.blob.size = 1 << 30;
    let ends_meanwhile = |bytes: u64| {
        fs::File::create(path(&directory, &layer)).unwrap().set_len(bytes).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let large = lock(&cache.large);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(ask(&cache, &layer).is_none());
                tell.send(()).unwrap();
            });
            let ended = told.recv_timeout(Duration::from_secs(if bytes > limits::CACHE_AT_ONCE_BYTES {
                1
            } else {
                60
            }));
            drop(large);
            ended.is_ok()
        })
    };
    assert!(ends_meanwhile(limits::CACHE_AT_ONCE_BYTES));
    assert!(!ends_meanwhile(limits::CACHE_AT_ONCE_BYTES + 1));
}

#[test]
fn layers_are_kept_from_cache_layer_bytes_on() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(&settings(&directory, 1 << 30)).unwrap();
    for (size, kept) in [(limits::CACHE_LAYER_BYTES - 1, 0), (limits::CACHE_LAYER_BYTES, 1)] {
        let mut layer = sample();
        layer.blob.size = size;
        cache.keep(&layer, &Contents::new());
        assert_eq!(names(&directory).iter().filter(|name| entry::is_name(name)).count(), kept);
    }
}
