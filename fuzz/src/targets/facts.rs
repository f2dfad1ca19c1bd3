//! Packed facts: what facts files and entries of the cache hold.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, LazyLock};

use ocicheck::cache::{Cache, CacheSettings};
use ocicheck::limits::CACHE_LEAST_BYTES;
use ocicheck::scan::packed::{Unpacked, pack};
use ocicheck::scan::{KnownLayers as _, LayerFacts, TarFacts};

use super::tools::{first, options, scan, shown};
use crate::support::{Layer, random_tree};

/// A first byte for whether the rest is a zstd frame (odd) or what is in one. What can be read is packed as the same
/// facts again.
pub fn facts(data: &[u8]) {
    let (how, rest) = first(data);
    let frame = if how % 2 == 0 { zstd::bulk::compress(rest, 1).unwrap() } else { rest.to_vec() };
    if how % 2 == 1 && unpacks_to_much(rest) {
        // Whoever reads facts knows by a digest or a MAC who packed them.
        return;
    }
    let Ok(read) = Unpacked::read(&frame) else { return };
    let contents = read.contents.clone();
    let Some(packed) = pack(&read.clone().without_contents(), &contents, |_| 1) else {
        panic!("facts that were read cannot be packed: {read:?}");
    };
    assert_eq!(Unpacked::read(&packed).expect("what was just packed"), read);
    read.into_facts(&options().plan, &options().budget);
}

fn unpacks_to_much(frame: &[u8]) -> bool {
    use std::io::Read as _;
    let Ok(decoder) = zstd::stream::read::Decoder::new(frame) else { return false };
    let mut bytes = Vec::new();
    let _ = decoder.take(1 << 20).read_to_end(&mut bytes);
    bytes.len() == 1 << 20
}

struct Kept {
    layer: LayerFacts,
    cache: Cache,
    entry: std::path::PathBuf,
    sound: Vec<u8>,
}

static KEPT: LazyLock<std::sync::Mutex<Kept>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap().keep();
    let settings = CacheSettings {
        directory: directory.clone(),
        bytes: CACHE_LEAST_BYTES,
        key: Some(b"0123456789abcdef0123456789abcdef".to_vec()),
    };
    let cache = Cache::open(&settings).unwrap();
    let layer = scan(&random_layer().tar());
    cache.keep(&layer, &BTreeMap::new());
    let mut files = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
    let is_entry = |path: &std::path::PathBuf| path.to_string_lossy().contains(".v");
    let entry = files.find(is_entry).expect("an entry was written");
    let sound = fs::read(&entry).unwrap();
    std::sync::Mutex::new(Kept { layer, cache, entry, sound })
});

/// A layer that is worth an entry.
fn random_layer() -> Layer {
    random_tree(1, 8, 600).file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
}

/// The entry that `cache_entry` spoils: a seed.
pub fn sound_entry() -> Vec<u8> {
    KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner).sound.clone()
}

/// An entry of the cache, written by whom one likes. It is the layer's own, or it is not used.
pub fn cache_entry(data: &[u8]) {
    let kept = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Kept { layer, cache, entry, sound } = &*kept;
    let ask = || -> Option<Arc<TarFacts>> { cache.tar_facts(&layer.blob, layer.compression, &options()) };
    fs::write(entry, data).unwrap();
    let told = ask();
    let expected = layer.tar.as_ref().expect("a sound layer");
    match told {
        Some(told) => {
            assert!(data == *sound && shown(&told) == shown(expected), "a spoilt entry is believed")
        }
        None => assert!(data != *sound, "a sound entry is not used: {:?}", cache.take_notes()),
    }
    cache.take_notes();
}
