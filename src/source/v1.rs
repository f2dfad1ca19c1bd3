//! A docker archive of before Docker 1.10: no `manifest.json`, only `repositories`, and for each
//! layer a directory with `json` and `layer.tar` (moby `image/spec/v1.md`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::blobs;
use super::docker::layer_ref;
use super::layout::configs;
use super::store::{Referenced, Store, hold_name};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::model::ImagePath;
use crate::model::config::{Config, History};
use crate::model::escape::escape_text;
use crate::model::image::{Form, Image};
use crate::model::json;

/// Bytes of the v1 config that docker makes of a layer; it copies the image's config into the last.
const V1_CONFIG_BYTES: u64 = 64 << 10;

/// Reads the images that `repositories` lists; those that cannot be read go to `errors`.
pub(super) fn read(
    store: &Store,
    referenced: &mut Referenced,
    errors: &mut Vec<Error>,
) -> Result<Vec<Image>> {
    let Some(bytes) = store.document("repositories")? else {
        return Err(Error::invalid("repositories is missing"));
    };
    let mut anomalies = Vec::new();
    let document = blobs::parse(store, &bytes, &json::REPOSITORIES, "repositories", &mut anomalies)?;
    // Image id → the names that lead to it, of all readings.
    let mut tops: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for reading in &document.readings {
        let repositories =
            reading.as_object().ok_or_else(|| Error::invalid("not an object").at("repositories"))?;
        let mut count = 0;
        for (repository, tags) in repositories {
            for (tag, id) in tags.as_object().into_iter().flatten() {
                count += 1;
                if count > limits::MANIFESTS {
                    let limit = limits::MANIFESTS as u64;
                    return Err(
                        Error::limit("the number of tags listed", "MANIFESTS", limit).at("repositories")
                    );
                }
                hold_name(repository.len().saturating_add(tag.len()))
                    .map_err(|error| error.at("repositories"))?;
                let id = id
                    .as_str()
                    .ok_or_else(|| Error::invalid("an image id is not a string").at("repositories"))?;
                tops.entry(id.to_owned()).or_default().insert(format!("{repository}:{tag}"));
            }
        }
    }
    if tops.is_empty() {
        return Err(Error::invalid("it lists no image").at("repositories"));
    }
    let mut images = Vec::new();
    for (id, names) in tops {
        match image(store, &id, names, referenced) {
            Ok(mut image) => {
                image.anomalies.extend(anomalies.clone());
                images.push(image);
            }
            Err(error) if error.kind() == ErrorKind::Limit => return Err(error),
            Err(error) => errors.push(error),
        }
    }
    Ok(images)
}

fn image(store: &Store, top: &str, names: BTreeSet<String>, referenced: &mut Referenced) -> Result<Image> {
    let mut anomalies = Vec::new();
    let mut layers = Vec::new();
    let mut history = Vec::new();
    let mut config: Option<(Digest, Vec<Config>)> = None;
    let mut seen = BTreeSet::new();
    let mut next = Some(top.to_owned());
    while let Some(id) = next {
        if !seen.insert(id.clone()) {
            return Err(Error::invalid(format!("the parents of {} form a loop", escape_text(top))));
        }
        if seen.len() > limits::LAYERS {
            return Err(Error::limit("the number of layers", "LAYERS", limits::LAYERS as u64));
        }
        let name = format!("{id}/json");
        let bytes = store.document(&name)?;
        let bytes = bytes.ok_or_else(|| Error::invalid(format!("{} is missing", escape_text(&name))))?;
        let readings = configs(store, &bytes, &escape_text(&name), &mut anomalies)?;
        let first = readings.first().cloned().unwrap_or_default();
        history.push(History { created_by: container_command(&first.raw), ..History::default() });
        layers.push(layer_ref(store, &format!("{id}/layer.tar"), referenced)?);
        next = first.raw.get("parent").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
        if config.is_none() {
            config = Some((Digest::sha256(&bytes), readings));
        }
    }
    layers.reverse();
    history.reverse();
    let (config_digest, mut configs) = config.unwrap_or((Digest::sha256(b""), Vec::new()));
    for config in &mut configs {
        config.history.clone_from(&history);
    }
    Ok(Image {
        form: Form::DockerArchiveV1,
        names: names.into_iter().collect(),
        other_names: BTreeSet::new(),
        listed_for: BTreeSet::new(),
        listed_for_any: false,
        manifest_digest: None,
        index_digests: BTreeSet::new(),
        config_digest,
        configs,
        annotations: Vec::new(),
        layers,
        anomalies,
    })
}

/// The command that made a v1 layer.
fn container_command(raw: &Value) -> String {
    let words = raw.get("container_config").and_then(|config| config.get("Cmd")).and_then(Value::as_array);
    let words = words.into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

/// Docker 25 and later put each layer's v1 config into `blobs/` too, and nothing refers to it.
pub(super) fn is_left_over_config(store: &Store, path: &ImagePath) -> Result<bool> {
    // What is there twice is told.
    let Ok(Some(blob)) = store.get(path) else { return Ok(false) };
    if blob.size() > V1_CONFIG_BYTES {
        return Ok(false);
    }
    let bytes = blob.read_all(V1_CONFIG_BYTES, "V1_CONFIG_BYTES")?;
    let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let is_text = |name: &str| document.get(name).is_some_and(Value::is_string);
    Ok(is_text("id") && is_text("created"))
}
