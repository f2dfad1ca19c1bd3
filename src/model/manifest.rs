//! Image manifests and indexes (image-spec manifest.md, image-index.md), read liberally.

use std::sync::Arc;

use serde_json::Value;

use super::config::Fields;
use super::descriptor::{Annotations, Descriptor, MediaKind, MediaType};
use super::platform::Platform;
use crate::error::{Error, Result};

/// Annotations by which an index names an image, the better one first: docker and containerd write
/// the whole name into the one, and then only the tag into the other.
const NAME_ANNOTATIONS: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// An image manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the document says it is; often nothing.
    pub media_type: MediaType,
    /// The config.
    pub config: Descriptor,
    /// Lowest first.
    pub layers: Vec<Descriptor>,
    /// What is noted of the image.
    pub annotations: Annotations,
}

/// An image index.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// What the document says it is; often nothing.
    pub media_type: MediaType,
    /// In the order of the document.
    pub manifests: Vec<Descriptor>,
    /// What is noted of all of them.
    pub annotations: Annotations,
}

/// One reading of a document that is a manifest, an index, or both at once (CVE-2021-41190).
#[derive(Debug, Clone, PartialEq)]
pub struct ManifestOrIndex {
    /// The manifest in it.
    pub manifest: Option<Manifest>,
    /// The index in it.
    pub index: Option<Index>,
}

impl ManifestOrIndex {
    /// Reads one reading of the document.
    ///
    /// # Errors
    /// What is neither, has a field of another type than the spec says, or a digest that is none.
    pub fn from_value(value: &Value) -> Result<Self> {
        let top = Fields::of(value, "manifest")?;
        let media_type = MediaType::new(top.text("mediaType")?.unwrap_or_default());
        if top.get("fsLayers").is_some() {
            return Err(Error::unsupported("an image manifest of schema 1, which has no config")
                .hint("push or save the image with a Docker newer than 1.10"));
        }
        let annotations = Arc::new(top.map("annotations")?);
        let manifest = match top.get("config") {
            None if top.get("layers").is_none() => None,
            None => return Err(Error::invalid("the manifest has layers and no config")),
            Some(config) => Some(Manifest {
                media_type: media_type.clone(),
                config: descriptor(config, "config")?,
                layers: descriptors(&top, "layers")?,
                annotations: Arc::clone(&annotations),
            }),
        };
        let index = match top.get("manifests") {
            None => None,
            Some(_) => {
                let annotations = Arc::clone(&annotations);
                Some(Index { media_type, manifests: descriptors(&top, "manifests")?, annotations })
            }
        };
        // docker writes `"manifests": null`: an index of nothing, but an index.
        let says_index =
            top.text("mediaType")?.is_some_and(|text| MediaType::new(text).kind() == MediaKind::Index);
        let null_list = value.get("manifests").is_some_and(Value::is_null);
        let index = match index {
            None if manifest.is_none() && (says_index || null_list) => {
                Some(Index { media_type: MediaType::default(), manifests: Vec::new(), annotations })
            }
            other => other,
        };
        if manifest.is_none() && index.is_none() {
            return Err(Error::invalid(
                "neither an image manifest (config, layers) nor an index (manifests)",
            ));
        }
        Ok(Self { manifest, index })
    }
}

fn descriptors(top: &Fields<'_>, name: &str) -> Result<Vec<Descriptor>> {
    let items = top.list(name)?.iter().enumerate();
    items.map(|(number, item)| descriptor(item, &format!("{name}[{number}]"))).collect()
}

fn descriptor(value: &Value, place: &str) -> Result<Descriptor> {
    let fields = Fields::of(value, place)?;
    let digest = fields.text("digest")?.unwrap_or_default();
    let digest = digest.parse().map_err(|error| {
        Error::invalid(format!("{place}.digest \"{}\": {error}", super::escape::escape_text(&digest)))
    })?;
    let size = match fields.get("size") {
        Some(size) => {
            size.as_u64().ok_or_else(|| Error::invalid(format!("{place}.size is not a number of bytes")))?
        }
        None => return Err(Error::invalid(format!("{place}.size is missing"))),
    };
    let platform = match fields.get("platform") {
        None => None,
        Some(platform) => {
            let fields = Fields::of(platform, "platform")?;
            Some(Platform {
                os: fields.text("os")?.unwrap_or_default(),
                architecture: fields.text("architecture")?.unwrap_or_default(),
                variant: fields.text("variant")?.unwrap_or_default(),
            })
        }
    };
    let annotations = fields.map("annotations")?;
    let mut names = NAME_ANNOTATIONS.iter().filter_map(|name| annotations.get(*name).cloned());
    Ok(Descriptor {
        media_type: MediaType::new(fields.text("mediaType")?.unwrap_or_default()),
        digest,
        size,
        platform,
        name: names.next(),
        other_name: names.next(),
        urls: fields.texts("urls")?.unwrap_or_default(),
        annotations: Arc::new(annotations),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_can_be_both_manifest_and_index() {
        let descriptor = json!({"digest": crate::digest::Digest::sha256(b""), "size": 0});
        let both = json!({"config": descriptor, "layers": [], "manifests": [descriptor]});
        let read = ManifestOrIndex::from_value(&both).unwrap();
        assert!(read.manifest.is_some() && read.index.is_some());
    }

    #[test]
    fn what_is_neither_is_refused_with_its_reason() {
        for (document, words) in [
            (json!({}), "neither an image manifest"),
            (json!([]), "manifest is a list"),
            (json!({"fsLayers": []}), "schema 1"),
            (json!({"config": {"digest": "../x", "size": 1}}), "config.digest \"../x\": not a digest"),
            (
                json!({"manifests": [{"digest": crate::digest::Digest::sha256(b""), "size": -1}]}),
                "manifests[0].size",
            ),
        ] {
            let error = ManifestOrIndex::from_value(&document).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(ManifestOrIndex::from_value(&json!({"manifests": null})).unwrap().index.is_some());
    }
}
