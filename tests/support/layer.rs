//! A layer: an uncompressed tar in the making, and what is stored of it.

use super::compress::Compression;
use super::digest::digest;
use super::entry::{Entry, pax_record, write_extension};
use serde_json::{Map, Value};

/// A layer's tar. Members are written in the order of the calls, and nothing is checked: a duplicate, an escape or a
/// dangling link is the test's own business. Parents are not implied either.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    body: Vec<u8>,
    open_ended: bool,
    trailing: Vec<u8>,
}

impl Layer {
    /// An empty layer. Written at once it is docker's well-known empty layer: 1,024 zero bytes.
    pub fn new() -> Self {
        Layer::default()
    }

    /// Any member.
    pub fn entry(mut self, entry: Entry) -> Self {
        entry.write_to(&mut self.body);
        self
    }

    /// Many members.
    pub fn entries(self, entries: impl IntoIterator<Item = Entry>) -> Self {
        entries.into_iter().fold(self, Layer::entry)
    }

    /// A directory owned by root.
    pub fn dir(self, path: impl AsRef<[u8]>, mode: u32) -> Self {
        self.entry(Entry::dir(path).mode(mode))
    }

    /// A regular file, mode 0644, owned by root.
    pub fn file(self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::file(path, bytes))
    }

    /// A regular file with the given permission bits, owned by root.
    pub fn file_mode(self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>, mode: u32) -> Self {
        self.entry(Entry::file(path, bytes).mode(mode))
    }

    /// A symbolic link.
    pub fn symlink(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::symlink(path, target))
    }

    /// A hard link to `target`, a path from the root of the layer.
    pub fn hardlink(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::hardlink(path, target))
    }

    /// Deletes `path` of a lower layer: `etc/x` becomes the empty file `etc/.wh.x`.
    pub fn whiteout(self, path: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref();
        let name = path.iter().rposition(|&b| b == b'/').map_or(0, |i| i + 1);
        let (parent, name) = path.split_at(name);
        self.entry(Entry::file([parent, b".wh.", name].concat(), b""))
    }

    /// Hides all that lower layers hold in the directory `path` (an empty path: in the root).
    pub fn opaque(self, path: impl AsRef<[u8]>) -> Self {
        let mut path = path.as_ref().to_vec();
        if !path.is_empty() && !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend(b".wh..wh..opq");
        self.entry(Entry::file(path, b""))
    }

    /// A PAX global header: its records hold for all members that follow.
    pub fn pax_global(mut self, records: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let body = records
            .into_iter()
            .flat_map(|(key, value)| pax_record(key.as_bytes(), value.as_bytes()))
            .collect();
        write_extension(&mut self.body, b'g', b"pax_global_header", body);
        self
    }

    /// Bytes put into the tar as they are, unpadded: spoilt headers, half members, zero blocks in the middle.
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body.extend(bytes.as_ref());
        self
    }

    /// Leaves out the two zero blocks at the end, as some writers do.
    pub fn no_end_marker(mut self) -> Self {
        self.open_ended = true;
        self
    }

    /// Bytes after the end of the archive.
    pub fn trailing(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.trailing.extend(bytes.as_ref());
        self
    }

    /// The uncompressed tar.
    pub fn tar(&self) -> Vec<u8> {
        let mut tar = self.body.clone();
        if !self.open_ended {
            tar.extend([0; 1024]);
        }
        tar.extend(&self.trailing);
        tar
    }

    /// The digest of the uncompressed tar: `sha256:<hex>`.
    pub fn diff_id(&self) -> String {
        digest(&self.tar())
    }
}

/// A layer as it lies in an image.
#[derive(Clone, Debug)]
pub struct StoredLayer {
    /// The uncompressed tar, which docker's archives hold.
    pub tar: Vec<u8>,
    /// The blob that OCI layouts hold.
    pub blob: Vec<u8>,
    /// The codec of the blob; chooses the media type.
    pub compression: Compression,
    /// The media type to declare instead: a lie, an encrypted, a foreign or a squashfs layer.
    pub media_type: Option<String>,
    /// The diffID that the config declares.
    pub diff_id: String,
    /// The digest of `blob` that the manifest declares; computed anew after each `Image::edit_layer`.
    pub digest: String,
    /// Annotations of the layer's descriptor.
    pub annotations: Map<String, Value>,
    /// The step of the build history.
    pub created_by: String,
}

impl StoredLayer {
    /// A true layer of `layer`.
    pub fn new(layer: &Layer, created_by: &str, compression: Compression) -> Self {
        let tar = layer.tar();
        let blob = compression.compress(&tar);
        StoredLayer {
            diff_id: digest(&tar),
            digest: digest(&blob),
            tar,
            blob,
            compression,
            media_type: None,
            annotations: Map::new(),
            created_by: created_by.into(),
        }
    }

    /// A blob of any bytes, which need not be a tar, under any media type. Its diffID is that of the bytes.
    pub fn opaque(blob: impl Into<Vec<u8>>, media_type: &str, created_by: &str) -> Self {
        let blob = blob.into();
        StoredLayer {
            diff_id: digest(&blob),
            digest: digest(&blob),
            tar: blob.clone(),
            blob,
            compression: Compression::None,
            media_type: Some(media_type.into()),
            annotations: Map::new(),
            created_by: created_by.into(),
        }
    }
}
