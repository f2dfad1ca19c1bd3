//! One image: config, history, layers, manifest.

use super::compress::Compression;
use super::digest::digest;
use super::layer::{Layer, StoredLayer};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The `created` of every image and history entry: fixed, so that digests are.
pub(super) const CREATED: &str = "2024-01-01T00:00:00Z";

/// A change to a JSON document before it is written. Shared, because images are cloned to make children.
pub type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
enum Step {
    Layer(Arc<StoredLayer>),
    Empty(String),
}

/// An image under construction. A child is a clone with more on top: `base.clone().layer(..)`. Edits are kept and are
/// applied to the child's documents as well.
#[derive(Clone)]
pub struct Image {
    steps: Vec<Step>,
    config: Map<String, Value>,
    platform: (String, String, Option<String>),
    names: Vec<String>,
    annotations: Map<String, Value>,
    docker_types: bool,
    config_edits: Vec<Edit>,
    config_bytes: Option<Vec<u8>>,
    manifest_edits: Vec<Edit>,
    manifest_bytes: Option<Vec<u8>>,
}

impl Default for Image {
    fn default() -> Self {
        Image::new()
    }
}

impl Image {
    /// An image for linux/amd64 without layers, names or settings.
    pub fn new() -> Self {
        Image {
            steps: Vec::new(),
            config: Map::new(),
            platform: ("linux".into(), "amd64".into(), None),
            names: Vec::new(),
            annotations: Map::new(),
            docker_types: false,
            config_edits: Vec::new(),
            config_bytes: None,
            manifest_edits: Vec::new(),
            manifest_bytes: None,
        }
    }

    // ---- layers and history

    /// Adds a gzip layer, made by a believable `COPY`.
    pub fn layer(self, layer: Layer) -> Self {
        self.layer_with(layer, "COPY . / # buildkit", Compression::Gzip(6))
    }

    /// Adds a layer with its history line and codec.
    pub fn layer_with(self, layer: Layer, created_by: &str, compression: Compression) -> Self {
        self.stored_layer(StoredLayer::new(&layer, created_by, compression))
    }

    /// Adds a layer that was prepared, or spoilt, by hand.
    pub fn stored_layer(mut self, layer: StoredLayer) -> Self {
        self.steps.push(Step::Layer(Arc::new(layer)));
        self
    }

    /// Changes the layer at `index` (0 is the lowest). The declared digest follows the blob, the diffID stays as the
    /// edit leaves it: so a changed blob gives a diffID mismatch. For a digest mismatch use
    /// `Layout::replace_blob`.
    pub fn edit_layer(mut self, index: usize, edit: impl FnOnce(&mut StoredLayer)) -> Self {
        let layers = self.steps.iter_mut().filter_map(|step| match step {
            Step::Layer(layer) => Some(layer),
            Step::Empty(_) => None,
        });
        let layer = Arc::make_mut(layers.into_iter().nth(index).expect("such a layer"));
        edit(layer);
        layer.digest = digest(&layer.blob);
        self
    }

    /// The same image with every layer stored by another codec: equal diffIDs, other digests.
    pub fn recompressed(mut self, compression: Compression) -> Self {
        for step in &mut self.steps {
            if let Step::Layer(layer) = step {
                let layer = Arc::make_mut(layer);
                layer.blob = compression.compress(&layer.tar);
                layer.digest = digest(&layer.blob);
                layer.compression = compression;
            }
        }
        self
    }

    /// A history entry that made no layer (`empty_layer: true`), such as `ENV A=b`.
    pub fn empty_history(mut self, created_by: &str) -> Self {
        self.steps.push(Step::Empty(created_by.into()));
        self
    }

    // ---- settings of a container

    /// `USER`.
    pub fn user(self, user: &str) -> Self {
        self.setting("User", json!(user))
    }

    /// One more `ENV`, as `NAME=value`.
    pub fn env(mut self, assignment: &str) -> Self {
        let list = self.config.entry("Env").or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(json!(assignment));
        self
    }

    /// `ENTRYPOINT` in its list form.
    pub fn entrypoint(self, words: &[&str]) -> Self {
        self.setting("Entrypoint", json!(words))
    }

    /// `CMD` in its list form.
    pub fn cmd(self, words: &[&str]) -> Self {
        self.setting("Cmd", json!(words))
    }

    /// `WORKDIR`.
    pub fn working_dir(self, path: &str) -> Self {
        self.setting("WorkingDir", json!(path))
    }

    /// One more `LABEL`.
    pub fn label(self, key: &str, value: &str) -> Self {
        self.setting_in("Labels", key, json!(value))
    }

    /// One more `EXPOSE`, as `8080/tcp`.
    pub fn exposed_port(self, port: &str) -> Self {
        self.setting_in("ExposedPorts", port, json!({}))
    }

    /// `HEALTHCHECK` in its list form, without intervals.
    pub fn health_check(self, words: &[&str]) -> Self {
        let test: Vec<&str> = ["CMD"].iter().chain(words).copied().collect();
        self.setting("Healthcheck", json!({"Test": test}))
    }

    /// One more `VOLUME`.
    pub fn volume(self, path: &str) -> Self {
        self.setting_in("Volumes", path, json!({}))
    }

    /// Any key of the inner `config`: `Healthcheck`, `OnBuild`, `StopSignal`, or one misspelt on purpose.
    pub fn setting(mut self, key: &str, value: Value) -> Self {
        self.config.insert(key.into(), value);
        self
    }

    fn setting_in(mut self, map: &str, key: &str, value: Value) -> Self {
        let map = self.config.entry(map).or_insert_with(|| json!({}));
        map.as_object_mut().unwrap().insert(key.into(), value);
        self
    }

    // ---- identity

    /// The platform; an empty variant is left out.
    pub fn platform(mut self, os: &str, architecture: &str, variant: &str) -> Self {
        let variant = (!variant.is_empty()).then(|| variant.into());
        self.platform = (os.into(), architecture.into(), variant);
        self
    }

    /// One more name, as `example.com/app:1`.
    pub fn name(mut self, name: &str) -> Self {
        self.names.push(name.into());
        self
    }

    /// Takes the names away: a child should not carry those of its base.
    pub fn unnamed(mut self) -> Self {
        self.names.clear();
        self
    }

    /// An annotation of the manifest.
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.into(), json!(value));
        self
    }

    /// Uses docker's media types (manifest schema 2) in manifests.
    pub fn docker_types(mut self) -> Self {
        self.docker_types = true;
        self
    }

    // ---- spoiling

    /// Changes the config before it is written; every digest follows.
    pub fn config_json(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.config_edits.push(Arc::new(edit));
        self
    }

    /// The config's text itself, where a [`Value`] cannot say it (repeated keys); start from [`Image::config_value`].
    /// Layers added afterwards do not change it.
    pub fn config_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.config_bytes = Some(bytes.into());
        self
    }

    /// Changes the manifest before it is written; every digest follows. Docker archives but the hybrid have none.
    pub fn manifest_json(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.manifest_edits.push(Arc::new(edit));
        self
    }

    /// The manifest's text itself; start from [`Image::manifest_value`].
    pub fn manifest_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.manifest_bytes = Some(bytes.into());
        self
    }

    // ---- documents

    /// The config as it would be written, edits included.
    pub fn config_value(&self) -> Value {
        let (os, architecture, variant) = &self.platform;
        let history: Vec<Value> = self.steps.iter().map(Step::history).collect();
        let mut config = json!({
            "created": CREATED,
            "architecture": architecture,
            "os": os,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids()},
            "history": history,
        });
        if let Some(variant) = variant {
            config["variant"] = json!(variant);
        }
        for edit in &self.config_edits {
            edit(&mut config);
        }
        config
    }

    /// The config blob.
    pub fn config(&self) -> Vec<u8> {
        match &self.config_bytes {
            Some(bytes) => bytes.clone(),
            None => serde_json::to_vec(&self.config_value()).unwrap(),
        }
    }

    /// The digest of the config blob, also called the image ID.
    pub fn config_digest(&self) -> String {
        digest(&self.config())
    }

    /// The manifest as it would be written, edits included.
    pub fn manifest_value(&self) -> Value {
        let config = self.config();
        let layers: Vec<Value> = self.layers().map(|l| self.layer_descriptor(l)).collect();
        let config_type = if self.docker_types {
            "application/vnd.docker.container.image.v1+json"
        } else {
            "application/vnd.oci.image.config.v1+json"
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": self.manifest_type(),
            "config": {"mediaType": config_type, "digest": digest(&config), "size": config.len()},
            "layers": layers,
        });
        if !self.annotations.is_empty() {
            manifest["annotations"] = Value::Object(self.annotations.clone());
        }
        for edit in &self.manifest_edits {
            edit(&mut manifest);
        }
        manifest
    }

    /// The manifest blob.
    pub fn manifest(&self) -> Vec<u8> {
        match &self.manifest_bytes {
            Some(bytes) => bytes.clone(),
            None => serde_json::to_vec(&self.manifest_value()).unwrap(),
        }
    }

    /// The digest of the manifest blob. Hybrid archives hold another manifest: that of the image with plain layers.
    pub fn manifest_digest(&self) -> String {
        digest(&self.manifest())
    }

    /// The media type of the manifest.
    pub fn manifest_type(&self) -> &'static str {
        if self.docker_types {
            "application/vnd.docker.distribution.manifest.v2+json"
        } else {
            "application/vnd.oci.image.manifest.v1+json"
        }
    }

    /// The platform object of a descriptor that names this image.
    pub fn platform_value(&self) -> Value {
        let (os, architecture, variant) = &self.platform;
        let mut platform = json!({"architecture": architecture, "os": os});
        if let Some(variant) = variant {
            platform["variant"] = json!(variant);
        }
        platform
    }

    fn layer_descriptor(&self, layer: &StoredLayer) -> Value {
        let natural = if self.docker_types {
            layer.compression.docker_layer_type()
        } else {
            layer.compression.oci_layer_type()
        };
        let mut descriptor = json!({
            "mediaType": layer.media_type.as_deref().unwrap_or(natural),
            "digest": layer.digest,
            "size": layer.blob.len(),
        });
        if !layer.annotations.is_empty() {
            descriptor["annotations"] = Value::Object(layer.annotations.clone());
        }
        descriptor
    }

    // ---- what it is made of

    /// The layers, lowest first.
    pub fn layers(&self) -> impl Iterator<Item = &StoredLayer> {
        self.steps.iter().filter_map(|step| match step {
            Step::Layer(layer) => Some(&**layer),
            Step::Empty(_) => None,
        })
    }

    /// The names, as given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The diffIDs that the config declares (before [`Image::config_json`]), lowest first.
    pub fn diff_ids(&self) -> Vec<String> {
        self.layers().map(|layer| layer.diff_id.clone()).collect()
    }

    /// The chainIDs of [`Image::diff_ids`]: the first is the diffID, each next `sha256(chain + " " + diffID)`.
    pub fn chain_ids(&self) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        for diff_id in self.diff_ids() {
            chain.push(match chain.last() {
                Some(below) => digest(format!("{below} {diff_id}").as_bytes()),
                None => diff_id,
            });
        }
        chain
    }

    /// The stored layers, lowest first: digest and bytes.
    pub fn layer_blobs(&self) -> Vec<(String, Vec<u8>)> {
        self.layers().map(|layer| (layer.digest.clone(), layer.blob.clone())).collect()
    }
}

impl Step {
    fn history(&self) -> Value {
        match self {
            Step::Layer(layer) => json!({"created": CREATED, "created_by": layer.created_by}),
            Step::Empty(created_by) => {
                json!({"created": CREATED, "created_by": created_by, "empty_layer": true})
            }
        }
    }
}

/// A name in its two parts, `example.com/app` and `1`; the tag is `latest` when none is given.
pub(super) fn split_name(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}
