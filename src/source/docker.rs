//! A docker archive: `manifest.json` and what it names
//! (moby `image/spec/v1.2.md`, as docker, podman, buildah, skopeo, kaniko and bazel write it).

use std::collections::BTreeSet;

use serde_json::Value;

use super::blobs;
use super::layout::configs;
use super::store::{Referenced, Store, digest_of_blob_path, hold_name};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::model::descriptor::{Annotations, MediaType};
use crate::model::escape::escape_text;
use crate::model::image::{Form, Image, LayerRef};
use crate::model::json;
use crate::model::{Anomaly, Descriptor, Fault, ImagePath};

/// Reads the images that `manifest.json` lists; those that cannot be read go to `errors`.
pub(super) fn read(
    store: &Store,
    form: Form,
    referenced: &mut Referenced,
    errors: &mut Vec<Error>,
) -> Result<Vec<Image>> {
    let Some(bytes) = store.document("manifest.json")? else {
        return Err(Error::invalid("manifest.json is missing"));
    };
    let mut anomalies = Vec::new();
    let document = blobs::parse(store, &bytes, &json::DOCKER_MANIFEST, "manifest.json", &mut anomalies)?;
    let mut items: Vec<Item> = Vec::new();
    for reading in &document.readings {
        let list = Item::list(reading).map_err(|error| error.at("manifest.json"))?;
        if list.len() > limits::MANIFESTS {
            return Err(Error::limit("the number of images listed", "MANIFESTS", limits::MANIFESTS as u64));
        }
        for item in list {
            if !items.contains(&item) {
                items.push(item);
            }
        }
    }
    if items.is_empty() {
        return Err(Error::invalid("it lists no image").at("manifest.json"));
    }
    let mut images = Vec::new();
    for item in items {
        match item.image(store, form, referenced, anomalies.clone()) {
            Ok(image) => images.push(image),
            // Over a limit is an error of the whole, not of one image among many.
            Err(error) if error.kind() == ErrorKind::Limit => return Err(error.at("manifest.json")),
            Err(error) => errors.push(error.at("manifest.json")),
        }
    }
    Ok(images)
}

/// One image of `manifest.json`.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    config: String,
    names: Vec<String>,
    layers: Vec<String>,
}

impl Item {
    fn list(document: &Value) -> Result<Vec<Self>> {
        match document {
            Value::Array(items) => {
                items.iter().enumerate().map(|(number, item)| Self::from_value(number, item)).collect()
            }
            Value::Null => Ok(Vec::new()),
            _ => Err(Error::invalid("not a list of images")),
        }
    }

    fn from_value(number: usize, item: &Value) -> Result<Self> {
        let texts = |name: &str| match item.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let text = |item: &Value| item.as_str().map(str::to_owned);
                let wrong = || Error::invalid(format!("[{number}].{name} is not a list of strings"));
                items.iter().map(text).collect::<Option<Vec<_>>>().ok_or_else(wrong)
            }
            Some(_) => Err(Error::invalid(format!("[{number}].{name} is not a list of strings"))),
        };
        let config = item.get("Config").and_then(Value::as_str);
        let config =
            config.ok_or_else(|| Error::invalid(format!("[{number}].Config is missing or not a string")))?;
        Ok(Self { config: config.to_owned(), names: texts("RepoTags")?, layers: texts("Layers")? })
    }

    fn image(
        self,
        store: &Store,
        form: Form,
        referenced: &mut Referenced,
        mut anomalies: Vec<Anomaly>,
    ) -> Result<Image> {
        if self.layers.len() > limits::LAYERS {
            return Err(Error::limit("the number of layers", "LAYERS", limits::LAYERS as u64));
        }
        self.names.iter().try_for_each(|name| hold_name(name.len()))?;
        let name = ImagePath::new(&self.config);
        referenced.add(store.stored_name(&name).clone());
        let section = store.get(&name)?.ok_or_else(|| {
            let what = format!("the config \"{}\" is not in the archive", escape_text(&self.config));
            Error::invalid(what).hint("save the image again")
        })?;
        let claimed = claimed_digest(&self.config);
        let like = claimed.unwrap_or(Digest::Sha256([0; 32]));
        let blob = blobs::read_small(&section, &like).map_err(|error| error.at(escape_text(&self.config)))?;
        if claimed.is_some_and(|claimed| claimed != blob.digest) {
            let message = "the config's bytes do not have the digest that its name says";
            let anomaly = Anomaly::new(Fault::DigestMismatch, message)
                .evidence("declared", like)
                .evidence("computed", blob.digest);
            anomalies.push(anomaly);
        }
        let configs = configs(store, &blob.bytes, "config", &mut anomalies)
            .map_err(|error| error.at(escape_text(&self.config)))?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            layers.push(layer_ref(store, layer, referenced)?);
        }
        let mut names = self.names;
        names.sort();
        names.dedup();
        Ok(Image {
            form,
            names,
            other_names: BTreeSet::new(),
            listed_for: BTreeSet::new(),
            listed_for_any: false,
            manifest_digest: None,
            index_digests: BTreeSet::new(),
            config_digest: blob.digest,
            configs,
            annotations: Vec::new(),
            layers,
            anomalies,
        })
    }
}

/// Layer names claim nothing, but for those in an OCI layout's `blobs/`.
pub(super) fn layer_ref(store: &Store, name: &str, referenced: &mut Referenced) -> Result<LayerRef> {
    let path = ImagePath::new(name);
    let blob = store.get(&path)?;
    let claim = |digest| {
        let size = blob.as_ref().map_or(0, crate::read::Section::size);
        let media_type = MediaType::default();
        let (urls, annotations) = (Vec::new(), Annotations::default());
        Descriptor {
            media_type,
            digest,
            size,
            platform: None,
            name: None,
            other_name: None,
            urls,
            annotations,
        }
    };
    let declared = digest_of_blob_path(&path).map(claim);
    referenced.add(store.stored_name(&path).clone());
    Ok(LayerRef { name: name.to_owned(), declared, blob })
}

/// The digest that a config's name claims: `<64 hex>.json`, `sha256:<64 hex>`, or a blob's path.
fn claimed_digest(name: &str) -> Option<Digest> {
    if let Some(digest) = digest_of_blob_path(&ImagePath::new(name)) {
        return Some(digest);
    }
    let file = name.rsplit('/').next().unwrap_or(name);
    let file = file.strip_suffix(".json").unwrap_or(file);
    file.parse().or_else(|_| format!("sha256:{file}").parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_name_may_claim_a_digest() {
        let digest = Digest::sha256(b"");
        let hex = digest.hex();
        for name in [
            format!("{hex}.json"),
            digest.to_string(),
            format!("./{hex}.json"),
            format!("blobs/sha256/{hex}"),
        ] {
            assert_eq!(claimed_digest(&name), Some(digest), "{name}");
        }
        for name in ["config.json", "0123.json", ""] {
            assert_eq!(claimed_digest(name), None, "{name}");
        }
    }
}
