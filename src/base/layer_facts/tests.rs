use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::base::Catalog;
use crate::base::catalog::tests::{base, catalog};
use crate::base::{State, Tier};
use crate::digest::BlobDigests;
use crate::model::descriptor::Compression;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::packed::tests::{more, sample};
use crate::scan::{KnownLayers, Plan, ScanOptions, TarFacts};

/// A catalog with one layer that has this facts file, and a directory with it.
struct Known {
    directory: tempfile::TempDir,
    catalog: Catalog,
}

impl Known {
    fn new(file: &FactsFile) -> Self {
        let mut base = base("b", Tier::Official, State::Approved, "x");
        base.layers[0].blob_digests.insert(sample().blob.sha256);
        base.layers[0].facts = Some(file.digest);
        let known = Self { directory: tempfile::tempdir().unwrap(), catalog: catalog([base]) };
        known.write(file, &file.bytes);
        known
    }

    fn write(&self, file: &FactsFile, bytes: &[u8]) {
        std::fs::write(self.directory.path().join(file_name(&file.digest)), bytes).unwrap();
    }

    fn files(&self, wanted: &[&str]) -> FactsFiles {
        let mut plan = Plan::default();
        wanted.iter().for_each(|path| plan.capture(ImagePath::new(path)));
        FactsFiles::new(&self.catalog, self.directory.path(), Arc::new(plan))
    }
}

fn ask(files: &FactsFiles) -> Option<Arc<TarFacts>> {
    files.tar_facts(&sample().blob, Compression::Gzip, &ScanOptions::default())
}

#[test]
fn a_file_holds_the_packed_facts() {
    let layer = sample();
    let file = FactsFile::of(&layer, &more()).unwrap();
    assert_eq!(FactsFile::of(&layer, &more()), Some(file.clone()), "the same facts give the same bytes");
    assert_eq!(FactsFile::read(&file.bytes).unwrap(), Some(Unpacked::read(&file.bytes[12..]).unwrap()));
}

#[test]
fn a_known_layer_has_the_facts_of_its_file() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    let files = known.files(&["etc/passwd", "nosuch"]);
    assert!(files.may_know(&sample().blob.sha256, false));
    let (facts, tar) = (ask(&files).unwrap(), sample().tar.unwrap());
    assert_eq!(facts.entries, tar.entries);
    assert_eq!(facts.captured, tar.captured);
    assert_eq!(facts.secrets, tar.secrets);
    assert_eq!((&facts.archives, &facts.components), (&tar.archives, &tar.components));
    assert!(Arc::ptr_eq(&facts, &ask(&files).unwrap()), "images share the facts of their base");
    // Plain bytes whose digest is the diffID are the layer, whether that form was seen or not.
    let plain = BlobDigests { sha256: Digest::sha256(b"x"), sha512: None, size: 1 };
    assert!(files.tar_facts(&plain, Compression::None, &ScanOptions::default()).is_some());
    assert!(files.tar_facts(&plain, Compression::Gzip, &ScanOptions::default()).is_none());
    let other = BlobDigests { sha256: Digest::sha256(b"y"), ..plain };
    assert!(files.tar_facts(&other, Compression::None, &ScanOptions::default()).is_none());
    assert!(files.take_notes().is_empty());
}

#[test]
fn a_file_that_lacks_what_is_wanted_today_is_not_used() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    assert!(ask(&known.files(&["etc/group"])).is_none());
    // What is too large to be kept is told again, as reading would.
    let facts = ask(&known.files(&["large", "pipe"])).unwrap();
    assert!(facts.not_captured[&9].to_string().contains("captured_file_bytes"));
    let mut older = file.bytes.clone();
    older[8] += 1;
    let older = FactsFile { digest: Digest::sha256(&older), bytes: older };
    let files = Known::new(&older).files(&[]);
    assert!(ask(&files).is_none());
    assert!(files.take_notes().is_empty(), "stale is no fault");
}

#[test]
fn a_missing_file_is_no_fault() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let known = Known::new(&file);
    std::fs::remove_file(known.directory.path().join(file_name(&file.digest))).unwrap();
    let files = known.files(&[]);
    assert!(ask(&files).is_none() && files.take_notes().is_empty());
    std::fs::create_dir(known.directory.path().join(file_name(&file.digest))).unwrap();
    assert!(ask(&files).is_none());
    assert!(files.take_notes()[0].contains("no regular file"));
}

#[test]
fn every_spoilt_file_is_refused_and_told() {
    let file = FactsFile::of(&sample(), &more()).unwrap();
    let known = Known::new(&file);
    let refused = |bytes: &[u8], what: &str| {
        known.write(&file, bytes);
        let files = known.files(&[]);
        assert!(ask(&files).is_none(), "{what}");
        let notes = files.take_notes();
        assert!(notes.len() == 1 && notes[0].contains("does not have the digest"), "{what}: {notes:?}");
        assert!(files.take_notes().is_empty());
    };
    for length in 0..file.bytes.len() {
        refused(&file.bytes[..length], &format!("cut at {length}"));
    }
    for at in 0..file.bytes.len() {
        let mut bytes = file.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(&bytes, &format!("byte {at} flipped"));
    }
    refused(&[&*file.bytes, b"\0"].concat(), "longer");
}

#[test]
fn a_file_of_another_layer_is_refused() {
    let mut layer = sample();
    let tar = TarFacts { diff_id: Digest::sha256(b"other"), ..TarFacts::clone(layer.tar.as_ref().unwrap()) };
    layer.tar = Ok(Arc::new(tar));
    let known = Known::new(&FactsFile::of(&layer, &BTreeMap::new()).unwrap());
    let files = known.files(&[]);
    assert!(ask(&files).is_none());
    assert!(files.take_notes()[0].contains("of another layer"));
}

#[test]
fn a_stored_digest_that_stands_for_two_layers_stands_for_none() {
    let file = FactsFile::of(&sample(), &BTreeMap::new()).unwrap();
    let mut known = Known::new(&file);
    let mut other = base("other", Tier::Official, State::Approved, "y");
    other.layers[0].blob_digests.insert(sample().blob.sha256);
    known.catalog.add(other).unwrap();
    let files = known.files(&[]);
    assert!(!files.may_know(&sample().blob.sha256, false) && ask(&files).is_none());
}

#[test]
fn a_layer_that_is_not_sound_has_no_file() {
    let mut layer = sample();
    layer.anomalies.push(Anomaly::new(Fault::DuplicateEntry, "twice"));
    assert_eq!(FactsFile::of(&layer, &more()), None);
    // Whose archives nobody looked into, or whose components nobody looked for.
    let layer = sample();
    let tar = || TarFacts::clone(layer.tar.as_ref().unwrap());
    for tar in [TarFacts { archives: None, ..tar() }, TarFacts { components: None, ..tar() }] {
        assert_eq!(FactsFile::of(&LayerFacts { tar: Ok(Arc::new(tar)), ..sample() }, &more()), None);
    }
}

#[test]
fn the_directory_stands_beside_the_catalog() {
    for (catalog, directory) in
        [("a/bases.json", "a/bases.facts"), ("bases", "bases.facts"), ("a/b.facts", "a/b.facts.facts")]
    {
        assert_eq!(directory_of(Path::new(catalog)), Path::new(directory));
    }
}

#[test]
fn a_facts_file_is_held_to_its_size() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("x.facts");
    std::fs::write(&path, "12345").unwrap();
    assert_eq!(super::known::read_up_to(&path, 5).unwrap(), b"12345");
    let error = super::known::read_up_to(&path, 4).unwrap_err();
    assert!(error.to_string().contains("exceeds the limit FACTS_FILE_BYTES ("), "{error}");
}
