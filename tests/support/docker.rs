//! Docker archives, in every shape that is met.

use super::archive::{Member, members_to_tar};
use super::compress::Compression;
use super::digest::{digest, hex_of, sha256_hex};
use super::image::{CREATED, Edit, Image, split_name};
use super::layer::StoredLayer;
use super::layout::{Layout, blob_path};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The shapes. Layers are plain tars in all but [`DockerForm::Kaniko`], which stores them as the image does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DockerForm {
    /// `docker save`, versions 1.10 to 24: `<id>/{VERSION,json,layer.tar}`, `<hex>.json`, `manifest.json`,
    /// `repositories`. A layer that comes twice is a symlink to the first `layer.tar`.
    Legacy,
    /// podman, buildah, skopeo: `<diffID hex>.tar` with `<id>/layer.tar` as symlinks, the rest as `Legacy`.
    Podman,
    /// `docker save` since version 25: an OCI layout with `manifest.json` and `repositories` beside. Each layer's v1
    /// config lies among the blobs too, named by nothing, as docker leaves it there.
    Hybrid,
    /// The first 25.0 releases: as `Hybrid`, but the manifest that `index.json` names lists no layers (docker listed
    /// only foreign ones). `manifest.json` is complete.
    HybridNoLayers,
    /// `docker save` before version 1.10: `repositories` and `<id>/{VERSION,json,layer.tar}`, the ids chained by
    /// `parent`, the config in the topmost `json`. There is no `manifest.json` and there are no diffIDs.
    RepositoriesOnly,
    /// kaniko, crane, bazel: config named `sha256:<hex>`, layers `<blob hex>.tar.gz`, `manifest.json`, nothing else.
    Kaniko,
}

impl DockerForm {
    /// Each of them once.
    pub const ALL: [DockerForm; 6] = [
        DockerForm::Legacy,
        DockerForm::Podman,
        DockerForm::Hybrid,
        DockerForm::HybridNoLayers,
        DockerForm::RepositoriesOnly,
        DockerForm::Kaniko,
    ];
}

/// A docker archive of any number of images.
#[derive(Clone)]
pub struct DockerArchive {
    form: DockerForm,
    images: Vec<Image>,
    manifest_edits: Vec<Edit>,
}

impl DockerArchive {
    /// An archive without images.
    pub fn new(form: DockerForm) -> Self {
        DockerArchive { form, images: Vec::new(), manifest_edits: Vec::new() }
    }

    /// Adds an image. Without a name its `RepoTags` is null; `repositories` then calls it `unnamed:latest` in the form
    /// that has nothing else.
    pub fn image(mut self, image: &Image) -> Self {
        self.images.push(image.clone());
        self
    }

    /// Changes `manifest.json` before it is written.
    pub fn manifest_json(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.manifest_edits.push(Arc::new(edit));
        self
    }

    /// The archive.
    pub fn tar(&self) -> Vec<u8> {
        members_to_tar(self.members())
    }

    /// The members in the order in which that program writes them, to be edited and written by `members_to_tar`.
    pub fn members(&self) -> Vec<(String, Member)> {
        let mut out = Members::default();
        let mut items = Vec::new();
        let mut repositories = Map::new();
        for image in &self.images {
            let top = match self.form {
                DockerForm::Legacy | DockerForm::RepositoriesOnly => legacy(image, &mut out),
                DockerForm::Podman => podman(image, &mut out),
                DockerForm::Hybrid | DockerForm::HybridNoLayers => hybrid_v1(image, &mut out),
                DockerForm::Kaniko => kaniko(image, &mut out),
            };
            self.put_config(image, &mut out);
            items.push(self.manifest_item(image));
            let unnamed = ["unnamed:latest".to_string()];
            let names = match self.form {
                DockerForm::RepositoriesOnly if image.names().is_empty() => &unnamed,
                _ => image.names(),
            };
            for name in names {
                let (repository, tag) = split_name(name);
                let tags = repositories.entry(repository).or_insert_with(|| json!({}));
                tags[tag] = json!(top);
            }
        }
        let mut manifest = Value::Array(items);
        for edit in &self.manifest_edits {
            edit(&mut manifest);
        }
        match self.form {
            DockerForm::Hybrid | DockerForm::HybridNoLayers => self.put_layout(&mut out),
            DockerForm::Legacy | DockerForm::Podman | DockerForm::RepositoriesOnly | DockerForm::Kaniko => {}
        }
        if self.form != DockerForm::RepositoriesOnly {
            out.json("manifest.json", &manifest);
        }
        if self.form != DockerForm::Kaniko && !repositories.is_empty() {
            out.json("repositories", &Value::Object(repositories));
        }
        if self.form != DockerForm::Podman && self.form != DockerForm::Kaniko {
            // Docker packs a directory, in order of the names; the others write as they go.
            out.0.sort_by(|a, b| a.0.cmp(&b.0));
        }
        out.0
    }

    fn put_config(&self, image: &Image, out: &mut Members) {
        if self.form != DockerForm::RepositoriesOnly {
            out.file(config_name(self.form, image), image.config());
        }
    }

    fn manifest_item(&self, image: &Image) -> Value {
        let ids = v1_ids(image);
        let layers: Vec<String> = image
            .layers()
            .zip(&ids)
            .map(|(layer, id)| match self.form {
                DockerForm::Legacy | DockerForm::RepositoriesOnly => format!("{id}/layer.tar"),
                DockerForm::Podman => plain_name(layer),
                DockerForm::Hybrid | DockerForm::HybridNoLayers => blob_path(&digest(&layer.tar)),
                DockerForm::Kaniko => blob_name(layer),
            })
            .collect();
        let tags = match image.names() {
            [] => Value::Null,
            names => json!(names),
        };
        let mut item = json!({
            "Config": config_name(self.form, image),
            "RepoTags": tags,
            "Layers": layers,
        });
        if self.form == DockerForm::Hybrid {
            let sources: Map<String, Value> = image
                .layers()
                .map(|layer| {
                    let digest = digest(&layer.tar);
                    let source = json!({
                        "mediaType": Compression::None.oci_layer_type(),
                        "size": layer.tar.len(),
                        "digest": digest,
                    });
                    (digest, source)
                })
                .collect();
            item["LayerSources"] = Value::Object(sources);
        }
        item
    }

    /// The OCI half of a hybrid archive: the same images with plain layers.
    fn put_layout(&self, out: &mut Members) {
        let mut layout = Layout::new();
        for image in &self.images {
            let platform = image.platform_value();
            let no_layers = self.form == DockerForm::HybridNoLayers;
            let plain = image.clone().recompressed(Compression::None);
            let plain = plain.manifest_json(move |manifest| {
                manifest["config"]["platform"] = platform.clone();
                if no_layers {
                    manifest["layers"] = json!([]);
                }
            });
            layout = layout.image(&plain);
        }
        for (name, member) in layout.members() {
            out.put(name, member);
        }
    }
}

/// Archives of one image.
impl Image {
    /// As `docker save` wrote until version 24; see [`DockerForm::Legacy`].
    pub fn docker_archive_legacy(&self) -> Vec<u8> {
        self.docker_archive(DockerForm::Legacy)
    }

    /// As `podman save`, buildah and skopeo write; see [`DockerForm::Podman`].
    pub fn docker_archive_podman(&self) -> Vec<u8> {
        self.docker_archive(DockerForm::Podman)
    }

    /// As `docker save` writes since version 25; see [`DockerForm::Hybrid`].
    pub fn docker_archive_hybrid(&self) -> Vec<u8> {
        self.docker_archive(DockerForm::Hybrid)
    }

    /// As `docker save` wrote before version 1.10; see [`DockerForm::RepositoriesOnly`].
    pub fn docker_archive_repositories_only(&self) -> Vec<u8> {
        self.docker_archive(DockerForm::RepositoriesOnly)
    }

    /// As kaniko, crane and bazel write; see [`DockerForm::Kaniko`].
    pub fn docker_archive_kaniko(&self) -> Vec<u8> {
        self.docker_archive(DockerForm::Kaniko)
    }

    /// A docker archive in the given form.
    pub fn docker_archive(&self, form: DockerForm) -> Vec<u8> {
        DockerArchive::new(form).image(self).tar()
    }
}

/// What has been written so far; a name is written once.
#[derive(Default)]
struct Members(Vec<(String, Member)>);

impl Members {
    fn put(&mut self, name: impl Into<String>, member: Member) {
        let name = name.into();
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, member));
        }
    }

    fn file(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.put(name, Member::File(bytes.into()));
    }

    fn json(&mut self, name: impl Into<String>, document: &Value) {
        self.file(name, serde_json::to_vec(document).unwrap());
    }
}

/// Writes `<id>/…` of every layer; the id of the topmost is returned.
fn legacy(image: &Image, out: &mut Members) -> String {
    let ids = v1_ids(image);
    let layers: Vec<&StoredLayer> = image.layers().collect();
    for (i, layer) in layers.iter().enumerate() {
        let id = &ids[i];
        out.put(format!("{id}/"), Member::Dir);
        out.file(format!("{id}/VERSION"), "1.0");
        out.json(format!("{id}/json"), &v1_config(image, &ids, i));
        let first = layers.iter().position(|other| other.tar == layer.tar);
        let member = match first {
            Some(first) if first < i => Member::Symlink(format!("../{}/layer.tar", ids[first])),
            _ => Member::File(layer.tar.clone()),
        };
        out.put(format!("{id}/layer.tar"), member);
    }
    ids.last().cloned().unwrap_or_default()
}

fn podman(image: &Image, out: &mut Members) -> String {
    let ids = v1_ids(image);
    for layer in image.layers() {
        out.file(plain_name(layer), layer.tar.clone());
    }
    // Before the directories, as skopeo's own archives have it; `put` keeps the first.
    out.file(config_name(DockerForm::Podman, image), image.config());
    for (i, layer) in image.layers().enumerate() {
        let id = &ids[i];
        out.put(format!("{id}/layer.tar"), Member::Symlink(format!("../{}", plain_name(layer))));
        out.file(format!("{id}/VERSION"), "1.0");
        out.json(format!("{id}/json"), &v1_config(image, &ids, i));
    }
    ids.last().cloned().unwrap_or_default()
}

/// The v1 configs among the blobs of a hybrid archive; its `repositories` names the topmost layer's digest.
fn hybrid_v1(image: &Image, out: &mut Members) -> String {
    let ids = v1_ids(image);
    let mut top = String::new();
    for (i, layer) in image.layers().enumerate() {
        let config = serde_json::to_vec(&v1_config(image, &ids, i)).unwrap();
        out.file(blob_path(&digest(&config)), config);
        top = sha256_hex(&layer.tar);
    }
    top
}

fn kaniko(image: &Image, out: &mut Members) -> String {
    // The config comes first, and `put` keeps the first.
    out.file(config_name(DockerForm::Kaniko, image), image.config());
    for layer in image.layers() {
        out.file(blob_name(layer), layer.blob.clone());
    }
    String::new()
}

fn config_name(form: DockerForm, image: &Image) -> String {
    let digest = image.config_digest();
    match form {
        DockerForm::Hybrid | DockerForm::HybridNoLayers => blob_path(&digest),
        DockerForm::Kaniko => digest,
        DockerForm::Legacy | DockerForm::Podman | DockerForm::RepositoriesOnly => {
            format!("{}.json", hex_of(&digest))
        }
    }
}

fn plain_name(layer: &StoredLayer) -> String {
    format!("{}.tar", hex_of(&layer.diff_id))
}

fn blob_name(layer: &StoredLayer) -> String {
    format!("{}.tar.gz", hex_of(&layer.digest))
}

/// The v1 id of each layer. Docker hashes the v1 config, of which only uniqueness along the chain matters here; the
/// topmost depends on the whole config, as there.
fn v1_ids(image: &Image) -> Vec<String> {
    let mut chain = image.chain_ids();
    if let Some(top) = chain.last_mut() {
        top.push_str(&image.config_digest());
    }
    chain.iter().map(|id| sha256_hex(format!("v1 {id}").as_bytes())).collect()
}

/// The `json` of layer `index`: a stub but for the topmost, which carries the image's settings.
fn v1_config(image: &Image, ids: &[String], index: usize) -> Value {
    let config = image.config_value();
    let mut v1 = json!({"id": ids[index]});
    if index > 0 {
        v1["parent"] = json!(ids[index - 1]);
    }
    if index + 1 < ids.len() {
        v1["created"] = json!("1970-01-01T00:00:00Z");
        v1["container_config"] = json!({"Cmd": [""]});
    } else {
        v1["created"] = json!(CREATED);
        for key in ["config", "architecture", "variant"] {
            if let Some(value) = config.get(key) {
                v1[key] = value.clone();
            }
        }
    }
    v1["os"] = config.get("os").cloned().unwrap_or(json!("linux"));
    v1
}
