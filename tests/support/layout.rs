//! OCI layouts: any number of images, indexes and artifacts.

use super::archive::{Member, members_to_tar};
use super::digest::{digest, hex_of};
use super::image::{Edit, Image, split_name};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The config of artifacts that need none (OCI image spec, "Guidance for an Empty Descriptor").
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// An OCI layout under construction: blobs, and the descriptors of its `index.json`.
#[derive(Clone, Default)]
pub struct Layout {
    blobs: BTreeMap<String, Vec<u8>>,
    descriptors: Vec<Value>,
    index_edits: Vec<Edit>,
}

impl Layout {
    /// A layout without images.
    pub fn new() -> Self {
        Layout::default()
    }

    /// An image, listed once for each of its names as containerd and docker do; once when it has none.
    pub fn image(mut self, image: &Image) -> Self {
        self.put_image(image);
        let plain = descriptor(image.manifest_type(), &image.manifest());
        let plain = with(plain, "platform", image.platform_value());
        if image.names().is_empty() {
            return self.descriptor(plain);
        }
        for name in image.names() {
            let annotations = json!({
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": split_name(name).1,
            });
            self = self.descriptor(with(plain.clone(), "annotations", annotations));
        }
        self
    }

    /// An index blob that lists `images`, as a build for many platforms makes it.
    pub fn nested_index(self, images: &[Image]) -> Self {
        self.nested(images.iter().fold(Layout::new(), Layout::image))
    }

    /// Everything in `inner`, its index as a blob of this layout. So buildkit nests an image with its attestation:
    /// `Layout::new().nested(Layout::new().image(&app).attestation_for(&app))`.
    pub fn nested(mut self, inner: Layout) -> Self {
        let index = inner.index();
        self.blobs.extend(inner.blobs);
        self.manifest(INDEX, index)
    }

    /// A provenance attestation as buildkit writes it: a manifest whose layer is an in-toto statement, listed for the
    /// platform unknown/unknown.
    pub fn attestation_for(self, image: &Image) -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "_", "digest": {"sha256": hex_of(&image.manifest_digest())}}],
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
        });
        let statement = serde_json::to_vec(&statement).unwrap();
        let config = json!({
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(&statement)]},
        });
        let config = serde_json::to_vec(&config).unwrap();
        let layer = with(
            descriptor("application/vnd.in-toto+json", &statement),
            "annotations",
            json!({"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}),
        );
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [layer],
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let listed = with(
            with(
                descriptor(MANIFEST, &manifest),
                "annotations",
                json!({
                    "vnd.docker.reference.digest": image.manifest_digest(),
                    "vnd.docker.reference.type": "attestation-manifest",
                }),
            ),
            "platform",
            json!({"architecture": "unknown", "os": "unknown"}),
        );
        self.extra_blob(statement).extra_blob(config).extra_blob(manifest).descriptor(listed)
    }

    /// A cosign signature in its old shape (tag `sha256-<hex>.sig`). The signature itself is nonsense.
    pub fn cosign_signature_for(self, image: &Image) -> Self {
        let payload = cosign_payload(image, image.names().first().map_or("", |name| name));
        self.cosign_signature(image, payload, "bm90IGEgc2lnbmF0dXJl")
    }

    /// The same with the given payload and base64 signature, for tests that hold a real key.
    pub fn cosign_signature(self, image: &Image, payload: Vec<u8>, signature: &str) -> Self {
        // Cosign gives its signatures the config type of an image: only the layer's type tells them apart.
        let config = json!({
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(&payload)]},
        });
        let config = serde_json::to_vec(&config).unwrap();
        let layer = with(
            descriptor("application/vnd.dev.cosign.simplesigning.v1+json", &payload),
            "annotations",
            json!({"dev.cosignproject.cosign/signature": signature}),
        );
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [layer],
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let tag = image.manifest_digest().replace(':', "-") + ".sig";
        let listed = with(
            descriptor(MANIFEST, &manifest),
            "annotations",
            json!({"org.opencontainers.image.ref.name": tag}),
        );
        self.extra_blob(payload).extra_blob(config).extra_blob(manifest).descriptor(listed)
    }

    /// An artifact that is no image, known by its config's media type (a Helm chart, a WebAssembly module …).
    pub fn artifact(self, config_media_type: &str) -> Self {
        let (config, layer) = (b"{}".to_vec(), b"artifact".to_vec());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": config_media_type,
            "config": descriptor(config_media_type, &config),
            "layers": [descriptor("application/octet-stream", &layer)],
        });
        self.extra_blob(config).extra_blob(layer).manifest(MANIFEST, manifest)
    }

    /// An artifact with the spec's empty config, of the given `artifactType`, about `image` (its `subject`): how SBOMs
    /// and newer signatures are attached.
    pub fn referrer(self, image: &Image, artifact_type: &str, layer_type: &str, layer: Vec<u8>) -> Self {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(EMPTY, b"{}"),
            "layers": [descriptor(layer_type, &layer)],
            "subject": descriptor(image.manifest_type(), &image.manifest()),
        });
        self.extra_blob(b"{}".to_vec()).extra_blob(layer).manifest(MANIFEST, manifest)
    }

    /// Adds a document as a blob and lists it; whatever the methods above do not know.
    pub fn manifest(self, media_type: &str, document: Value) -> Self {
        let bytes = serde_json::to_vec(&document).unwrap();
        let listed = descriptor(media_type, &bytes);
        self.extra_blob(bytes).descriptor(listed)
    }

    /// Lists a descriptor in `index.json` without a blob (a platform that is not there).
    pub fn descriptor(mut self, descriptor: Value) -> Self {
        self.descriptors.push(descriptor);
        self
    }

    /// Adds a blob that nothing names.
    pub fn extra_blob(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.put(bytes.into());
        self
    }

    /// Takes a blob away; what names it stays.
    pub fn drop_blob(mut self, digest: &str) -> Self {
        self.blobs.remove(digest).expect("a blob of this digest");
        self
    }

    /// Puts other bytes under a digest: a digest mismatch, and a size mismatch when the length differs.
    pub fn replace_blob(mut self, digest: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let blob = self.blobs.get_mut(digest).expect("a blob of this digest");
        *blob = bytes.into();
        self
    }

    /// Changes `index.json` before it is written.
    pub fn index_json(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.index_edits.push(Arc::new(edit));
        self
    }

    /// The document of `index.json`, edits included.
    pub fn index(&self) -> Value {
        let mut index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": self.descriptors,
        });
        for edit in &self.index_edits {
            edit(&mut index);
        }
        index
    }

    /// The files by path: `oci-layout`, `index.json`, `blobs/sha256/<hex>`.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, Vec<u8>> =
            self.blobs.iter().map(|(digest, bytes)| (blob_path(digest), bytes.clone())).collect();
        files.insert("index.json".into(), serde_json::to_vec(&self.index()).unwrap());
        files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        files
    }

    /// The layout as a tar, with its directories, names without `./`.
    pub fn archive(&self) -> Vec<u8> {
        members_to_tar(self.members())
    }

    /// The layout as `tar -C dir -c .` writes it: `./` before every name, and a first member `./`.
    pub fn archive_dotted(&self) -> Vec<u8> {
        let root = ("./".to_string(), Member::Dir);
        let rest = self.members().into_iter();
        let rest = rest.map(|(name, member)| (format!("./{name}"), member));
        members_to_tar(std::iter::once(root).chain(rest))
    }

    /// Writes the layout into the directory `path`, which is created.
    pub fn write_dir(&self, path: &Path) {
        for (name, bytes) in self.files() {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
    }

    /// The members of [`Layout::archive`], to be edited and written by `members_to_tar`.
    pub fn members(&self) -> Vec<(String, Member)> {
        let dirs = ["blobs/", "blobs/sha256/"].map(|dir| (dir.to_string(), Member::Dir));
        let files = self.files().into_iter();
        let files = files.map(|(name, bytes)| (name, Member::File(bytes)));
        dirs.into_iter().chain(files).collect()
    }

    fn put_image(&mut self, image: &Image) {
        for layer in image.layers() {
            self.blobs.insert(layer.digest.clone(), layer.blob.clone());
        }
        self.put(image.config());
        self.put(image.manifest());
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.blobs.insert(digest(&bytes), bytes);
    }
}

/// Layouts of one image.
impl Image {
    /// The files of an OCI layout, by path.
    pub fn oci_layout_files(&self) -> BTreeMap<String, Vec<u8>> {
        Layout::new().image(self).files()
    }

    /// An OCI layout as a tar.
    pub fn oci_archive(&self) -> Vec<u8> {
        Layout::new().image(self).archive()
    }

    /// An OCI layout as `tar -C dir -c .` writes it: `./` before every name.
    pub fn oci_archive_dotted(&self) -> Vec<u8> {
        Layout::new().image(self).archive_dotted()
    }

    /// Writes an OCI layout into the directory `path`, which is created.
    pub fn oci_dir(&self, path: &Path) {
        Layout::new().image(self).write_dir(path);
    }
}

/// What cosign signs: the "simple signing" payload for `image` under the name `reference`.
pub fn cosign_payload(image: &Image, reference: &str) -> Vec<u8> {
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": image.manifest_digest()},
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    serde_json::to_vec(&payload).unwrap()
}

/// The descriptor of `bytes` as a blob.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// `blobs/sha256/<hex>` for `sha256:<hex>`.
pub(super) fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn with(mut document: Value, key: &str, value: Value) -> Value {
    document[key] = value;
    document
}
