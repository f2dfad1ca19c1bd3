use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::limits;
use crate::scan::tar::build::Tar;
use crate::scan::{LayerJob, scan_layers};

/// Knows the layers of these computed digests.
struct Knows(BTreeMap<Digest, Arc<TarFacts>>);

impl KnownLayers for Knows {
    fn may_know(&self, _: &Digest, _: bool) -> bool {
        true
    }

    fn tar_facts(&self, stored: &BlobDigests, _: Compression, _: &ScanOptions) -> Option<Arc<TarFacts>> {
        self.0.get(&stored.sha256).cloned()
    }
}

#[derive(Default)]
struct Count {
    expected: AtomicU64,
    read: AtomicU64,
}

impl Progress for Count {
    fn expect(&self, count: u64) {
        self.expected.fetch_add(count, Ordering::Relaxed);
    }

    fn add_bytes(&self, count: u64) {
        self.read.fetch_add(count, Ordering::Relaxed);
    }
}

fn facts_of(tar: &[u8]) -> Arc<TarFacts> {
    let facts = crate::scan::scan_layer(&Section::of_bytes(tar.to_vec()), &ScanOptions::default(), &());
    facts.unwrap().tar.unwrap()
}

/// Scans bytes with this hint; the facts, and how often each stored byte was read.
fn scan(bytes: &[u8], known: &Knows, hash_first: bool) -> (LayerFacts, u64) {
    let blob = Section::of_bytes(bytes.to_vec());
    let jobs = [LayerJob { blob, options: ScanOptions::default(), hash_first }];
    let count = Count::default();
    let facts = scan_layers(&jobs, known, &count).remove(0).unwrap();
    let (expected, read) = (count.expected.into_inner(), count.read.into_inner());
    assert_eq!(expected, read, "the progress bar ends at its end");
    (facts, read / bytes.len() as u64)
}

#[test]
fn a_known_layer_is_hashed_once_and_not_unpacked() {
    let tar = facts_of(&Tar::new().file("f", "x").end());
    let junk = b"no layer by any means";
    let known = Knows(BTreeMap::from([(Digest::sha256(junk), Arc::clone(&tar))]));
    let (facts, times) = scan(junk, &known, true);
    assert!(Arc::ptr_eq(&facts.tar.unwrap(), &tar));
    assert_eq!((facts.blob.sha256, facts.blob.size, times), (Digest::sha256(junk), 21, 1));
}

#[test]
fn what_is_not_said_to_be_known_is_read_in_one_pass() {
    let bytes = Tar::new().file("f", "x").end();
    let (facts, times) = scan(&bytes, &Knows(BTreeMap::new()), false);
    assert_eq!((facts.tar.unwrap().entries.len(), times), (1, 1));
}

#[test]
fn a_layer_wrongly_said_to_be_known_is_read_after_all() {
    let bytes = Tar::new().file("f", "x").end();
    let (facts, times) = scan(&bytes, &Knows(BTreeMap::new()), true);
    assert_eq!((facts.tar.unwrap().entries.len(), times), (1, 2));
}

#[test]
fn contents_are_kept_as_reading_would() {
    let big = limits::CAPTURED_FILE_BYTES as usize + 1;
    let tar =
        Tar::new().file("a", "aa").file("b", "bb").file("c", "cc").entry("big", b'0', &vec![0; big]).end();
    for wanted in [&[][..], &["a"], &["a", "c"], &["big", "b", "nosuch"]] {
        let mut plan = Plan::default();
        wanted.iter().for_each(|path| plan.capture(crate::model::ImagePath::new(path)));
        let options = ScanOptions { plan: Arc::new(plan.clone()), ..ScanOptions::default() };
        let read =
            crate::scan::scan_layer(&Section::of_bytes(tar.clone()), &options, &()).unwrap().tar.unwrap();
        let again = |plan: &Plan| {
            let more = [(0, b"aa"[..].into())].into_iter().chain(read.captured.clone()).collect();
            kept_again(&read.entries, more, plan, &Budget::default())
        };
        let Kept { captured, not_captured, beside } = again(&plan).unwrap();
        assert_eq!(captured, read.captured);
        assert_eq!(beside.len(), usize::from(!wanted.contains(&"a")), "what is not wanted waits beside");
        let told = |errors: &BTreeMap<usize, Error>| -> Vec<String> {
            errors.iter().map(|(index, error)| format!("{index} {error}")).collect()
        };
        assert_eq!(told(&not_captured), told(&read.not_captured));
        plan.capture(crate::model::ImagePath::new("c"));
        assert_eq!(again(&plan).is_some(), wanted.contains(&"c"));
    }
}
