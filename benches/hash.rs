//! SHA-256 of one stream, and of two that share their bytes.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ocicheck::digest::Sha256;

fn main() {
    divan::main();
}

/// A file's content or header, and a decoder's whole buffer.
const SIZES: [usize; 3] = [512, 16 << 10, 128 << 10];

/// Hashes pieces of `size` bytes, all from the cache.
fn run(bencher: Bencher<'_, '_>, size: usize, mut take: impl FnMut(&[u8])) {
    let bytes = vec![7; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| take(black_box(&bytes)));
}

/// One hash.
#[divan::bench(args = SIZES)]
fn single(bencher: Bencher<'_, '_>, size: usize) {
    let mut hasher = Sha256::default();
    run(bencher, size, |bytes| hasher.update(bytes));
}

/// Two hashes, block by block.
#[divan::bench(args = SIZES)]
fn both(bencher: Bencher<'_, '_>, size: usize) {
    let (mut first, mut second) = (Sha256::default(), Sha256::default());
    run(bencher, size, |bytes| first.update_both(&mut second, bytes));
}

/// Two hashes, one after another.
#[divan::bench(args = SIZES)]
fn each(bencher: Bencher<'_, '_>, size: usize) {
    let (mut first, mut second) = (Sha256::default(), Sha256::default());
    run(bencher, size, |bytes| {
        first.update(bytes);
        second.update(bytes);
    });
}
