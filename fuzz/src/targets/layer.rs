//! One layer's stored bytes.

use std::collections::BTreeMap;

use ocicheck::digest::Digest;
use ocicheck::limits::PATH_BYTES;
use ocicheck::model::ImagePath;
use ocicheck::model::descriptor::Compression as Form;
use ocicheck::read::Section;
use ocicheck::scan::packed::{Unpacked, pack};
use ocicheck::scan::{EntryKind, KnownLayers, LayerFacts, LayerJob, scan_layers};

use super::tools::{mended, options, scan, shown};
use crate::support::Compression;

/// A layer, compressed or not; a plain one also with right checksums. Its digests are those of its bytes, whatever is wrong
/// with it; it is the same when read again, on several threads, compressed, and from its packed facts.
pub fn layer(data: &[u8]) {
    let facts = holds(data);
    if facts.compression == Form::None {
        let mended = mended(data);
        if mended != data {
            holds(&mended);
        }
    }
}

fn holds(blob: &[u8]) -> LayerFacts {
    let facts = scan(blob);
    assert_eq!((facts.blob.sha256, facts.blob.size), (Digest::sha256(blob), blob.len() as u64));
    assert!(same(&facts, &read_by_two(blob)), "two threads read it otherwise");
    if facts.compression == Form::None && blob.len() < 1 << 16 {
        // An empty blob is an empty layer, and is none in a compressed form either.
        let compressed = scan(&Compression::Gzip(1).compress(blob));
        assert_eq!(reading(&facts), reading(&compressed), "compressed, it is otherwise");
    }
    let Ok(tar) = &facts.tar else { return facts };
    if facts.compression == Form::None {
        assert_eq!((tar.diff_id, tar.size), (facts.blob.sha256, facts.blob.size));
    }
    for entry in &tar.entries {
        assert!(entry.path.as_bytes().len() <= PATH_BYTES && entry.mode <= 0o7777);
        assert_eq!(ImagePath::new(entry.path.as_bytes()), entry.path, "a path that is not clean");
        assert!(entry.kind == EntryKind::File || entry.size == 0 && entry.elf.is_none());
    }
    for (index, content) in &tar.captured {
        let entry = &tar.entries[*index];
        assert_eq!(
            (entry.size, Digest::Sha256(entry.content)),
            (content.len() as u64, Digest::sha256(content))
        );
    }
    for secret in &tar.secrets.found {
        assert!(secret.offset + secret.length <= tar.entries[secret.entry].size);
    }
    assert!(tar.secrets.found.is_sorted_by_key(|secret| (secret.entry, secret.offset)));
    if facts.anomalies.is_empty() {
        let packed = pack(tar, &BTreeMap::new(), |_| 1).expect("a small layer");
        let unpacked = Unpacked::read(&packed).expect("what was just packed");
        let again = unpacked.into_facts(&options().plan, &options().budget).expect("all that the plan wants");
        assert_eq!(shown(tar), shown(&again), "packed, it is otherwise");
    }
    facts
}

/// Nobody knows any layer.
struct Nobody;

impl KnownLayers for Nobody {
    fn may_know(&self, _: &Digest, _: bool) -> bool {
        false
    }

    fn tar_facts(
        &self,
        _: &ocicheck::digest::BlobDigests,
        _: Form,
        _: &ocicheck::scan::ScanOptions,
    ) -> Option<std::sync::Arc<ocicheck::scan::TarFacts>> {
        None
    }
}

/// As an image's only layer, with a thread that has nothing to do but to help.
fn read_by_two(blob: &[u8]) -> LayerFacts {
    static POOL: std::sync::LazyLock<rayon::ThreadPool> =
        std::sync::LazyLock::new(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    let job = LayerJob { blob: Section::of_bytes(blob.to_vec()), options: options(), hash_first: false };
    let mut read = POOL.install(|| scan_layers(&[job], &Nobody, &()));
    read.remove(0).expect("memory can be read, and reading does not panic")
}

fn same(a: &LayerFacts, b: &LayerFacts) -> bool {
    a.blob == b.blob && a.compression == b.compression && reading(a) == reading(b)
}

/// What was read, however it was stored.
fn reading(facts: &LayerFacts) -> (Result<String, (String, usize)>, String) {
    let tar = match &facts.tar {
        Ok(tar) => Ok(shown(tar)),
        Err(unread) => Err((unread.error.to_string(), unread.entries_read)),
    };
    (tar, format!("{:?}", facts.anomalies))
}
