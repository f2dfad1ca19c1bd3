//! The test images themselves: what the builder writes must be what other programs take it for. The tar crate reads it
//! all back; skopeo, umoci and GNU tar, where they are installed, must accept it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code, also in the helpers between the tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod archives;
mod entries;
mod images;
mod judges;

use support::{Compression, Entry, Image, Layer, SparseFormat, clean_app, small_base};

/// The path of a blob in a layout.
pub(crate) fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// An image whose layers repeat, in two codecs, with two names.
pub(crate) fn rich_image() -> Image {
    let app = clean_app(&small_base());
    let again = Layer::new().file("again", "the same layer twice");
    app.name("localhost/other/name:2").layer(again.clone()).layer(again).layer_with(
        Layer::new().whiteout("again"),
        "RUN rm /again",
        Compression::None,
    )
}

/// One sparse file, named after its format, with enough segments for two extension blocks and a hole at the end.
pub(crate) fn sparse_entry(format: SparseFormat) -> Entry {
    let segments: Vec<(u64, &[u8])> = (0..30).map(|i| (i * 4096 + 512, DATA)).collect();
    Entry::sparse(&format!("{format:?}"), 30 * 4096 + 1000, &segments, format)
}

/// The bytes of [`sparse_entry`], holes filled.
pub(crate) fn sparse_content() -> Vec<u8> {
    let mut whole = vec![0; 30 * 4096 + 1000];
    for i in 0..30 {
        whole[i * 4096 + 512..][..DATA.len()].copy_from_slice(DATA);
    }
    whole
}

pub(crate) const DATA: &[u8] = &[b'd'; 512];
