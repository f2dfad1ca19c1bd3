//! An OCI layout (image-spec image-layout.md): from `index.json` to every image that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::blobs::{self, SmallBlob};
use super::headers::may_be_tar;
use super::store::{self, Referenced, Store, hold_name};
use crate::digest::{BlobDigests, Digest};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::model::descriptor::{Annotations, MediaKind, MediaType};
use crate::model::image::{Form, Image, LayerRef};
use crate::model::json;
use crate::model::manifest::{Index, Manifest, ManifestOrIndex};
use crate::model::{Anomaly, Config, Descriptor, Fault, Platform};
use crate::read::{Section, SectionKey};

/// What an OCI layout holds.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) images: Vec<Image>,
    /// Things to know that are no fault: platforms listed and not here, attestations passed over.
    pub(super) notes: Vec<String>,
    /// Images that could not be read.
    pub(super) errors: Vec<Error>,
    /// What is wrong with no image in particular.
    pub(super) anomalies: Vec<Anomaly>,
}

/// Reads the layout that `store` holds.
pub(super) fn read(store: &Store, form: Form, referenced: &mut Referenced) -> Result<Layout> {
    let Some(bytes) = store.document("index.json")? else {
        return Err(Error::invalid("index.json is missing"));
    };
    let mut walk = Walk {
        store,
        form,
        referenced,
        layout: Layout::default(),
        seen: BTreeSet::new(),
        manifests: 0,
        documents: BTreeMap::new(),
        hashed: BTreeMap::new(),
    };
    walk.check_version()?;
    let mut anomalies = Vec::new();
    let document = blobs::parse(store, &bytes, &json::MANIFEST, "index.json", &mut anomalies)?;
    for reading in &document.readings {
        let read = ManifestOrIndex::from_value(reading).map_err(|error| error.at("index.json"))?;
        let Some(index) = read.index else {
            return Err(Error::invalid("not an image index: it has no manifests").at("index.json"));
        };
        walk.index(&index, &Inherited { anomalies: anomalies.clone(), ..Inherited::default() })?;
    }
    Ok(walk.layout)
}

/// What a manifest takes over from the indexes above it.
#[derive(Debug, Clone, Default)]
struct Inherited {
    listed: Listed,
    anomalies: Vec<Anomaly>,
    /// Of the index that lists it, and there.
    annotations: Vec<Annotations>,
    depth: usize,
}

/// As what a descriptor is met.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    names: Vec<String>,
    /// Names that only some readers know it by.
    other_names: BTreeSet<String>,
    platform: Option<Platform>,
    /// Whether an index that is a blob lists it without a platform.
    for_any: bool,
    /// Of the indexes above it those that have the digest they are listed by.
    indexes: BTreeSet<Digest>,
}

struct Walk<'a> {
    store: &'a Store,
    form: Form,
    referenced: &'a mut Referenced,
    layout: Layout,
    /// Descriptors on the way and done, with what they were met as: one manifest under two names is one image,
    /// and a loop ends.
    seen: BTreeSet<(Digest, Listed)>,
    manifests: usize,
    /// Blobs that are listed as something else, and whether they are a manifest or index all the same.
    documents: BTreeMap<Digest, bool>,
    /// Blobs of artifacts, hashed once: thousands of descriptors may lead to one of them.
    hashed: BTreeMap<SectionKey, BlobDigests>,
}

impl Walk<'_> {
    fn check_version(&mut self) -> Result<()> {
        let Some(bytes) = self.store.document("oci-layout")? else {
            self.layout
                .notes
                .push("the layout has no oci-layout file, which the image spec demands".to_owned());
            return Ok(());
        };
        let document =
            blobs::parse(self.store, &bytes, &json::OCI_LAYOUT, "oci-layout", &mut self.layout.anomalies)?;
        let version =
            document.readings.first().and_then(|reading| reading.get("imageLayoutVersion")?.as_str());
        match version {
            Some(version) if version.starts_with("1.") => Ok(()),
            other => {
                let version = crate::model::escape::escape_text(other.unwrap_or("(none)"));
                Err(Error::unsupported(format!("imageLayoutVersion is {version}, and 1.x is known"))
                    .at("oci-layout"))
            }
        }
    }

    fn index(&mut self, index: &Index, from: &Inherited) -> Result<()> {
        if from.depth > limits::INDEX_DEPTH {
            let limit = limits::INDEX_DEPTH as u64;
            return Err(Error::limit("the depth of indexes in indexes", "INDEX_DEPTH", limit));
        }
        for descriptor in &index.manifests {
            self.manifests += 1;
            if self.manifests > limits::MANIFESTS {
                let limit = limits::MANIFESTS as u64;
                return Err(Error::limit("the number of manifests listed", "MANIFESTS", limit));
            }
            let mut inherited = from.clone();
            inherited.depth += 1;
            inherited.annotations = [&index.annotations, &descriptor.annotations].map(Arc::clone).into();
            let names = descriptor.name.iter().chain(&descriptor.other_name);
            names.clone().try_for_each(|name| hold_name(name.len()))?;
            if let Some(name) = &descriptor.name {
                // Who asks for the index by its name gets what it lists, whatever that is called.
                let above = std::mem::replace(&mut inherited.listed.names, vec![name.clone()]);
                inherited.listed.other_names.extend(above);
            }
            inherited.listed.other_names.extend(descriptor.other_name.clone());
            // In a layout's own index one chooses by name.
            inherited.listed.for_any = from.depth > 0 && descriptor.platform.is_none();
            if descriptor.platform.is_some() {
                inherited.listed.platform.clone_from(&descriptor.platform);
            }
            if self.is_passed_over(descriptor)? {
                continue;
            }
            if !self.seen.insert((descriptor.digest, inherited.listed.clone())) {
                continue;
            }
            match self.descriptor(descriptor, inherited) {
                Ok(()) => {}
                // Over a limit is an error of the whole, not of one image among many.
                Err(error) if matches!(error.kind(), ErrorKind::Limit | ErrorKind::Timeout) => {
                    return Err(error);
                }
                Err(error) => self.layout.errors.push(error),
            }
        }
        Ok(())
    }

    /// What is listed as something else, and is something else: Podman and skopeo choose in an index by platforms and not by
    /// media types, and take a manifest that is the only one of a layout whatever it is listed as.
    fn is_passed_over(&mut self, descriptor: &Descriptor) -> Result<bool> {
        let kind = descriptor.media_type.kind();
        if matches!(kind, MediaKind::Index | MediaKind::Manifest) || descriptor.media_type.is_empty() {
            return Ok(false);
        }
        let known = self.documents.get(&descriptor.digest).copied();
        let is_image = known.map_or_else(|| self.is_image_document(&descriptor.digest), Ok)?;
        self.documents.insert(descriptor.digest, is_image);
        if is_image {
            return Ok(false);
        }
        self.layout.notes.push(format!(
            "passed over {}: {} is no image manifest",
            descriptor.digest,
            crate::model::escape::escape_text(descriptor.media_type.as_str())
        ));
        self.referenced.add_blob(&descriptor.digest);
        Ok(true)
    }

    /// Whether a blob is a manifest or index of some kind, or may be one to those who read more than can be read here.
    fn is_image_document(&self, digest: &Digest) -> Result<bool> {
        // What is there and cannot be read here is an error to who takes it for a manifest.
        let Some(section) = self.store.blob(digest)? else { return Ok(self.store.may_hold(digest)) };
        let head = section.head(512).map_err(|error| Error::io("cannot be read", error))?;
        // Blanks may stand before it.
        if head.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first != b'{') {
            return Ok(false);
        }
        let blob = blobs::read_small(&section, digest).map_err(|error| error.at(format!("blob {digest}")))?;
        let Ok(document) = json::parse(&blob.bytes, &json::MANIFEST) else {
            // Who takes it for a manifest says what is wrong with it.
            return Ok(!blob.bytes.trim_ascii().is_empty());
        };
        self.store.hold(&document)?;
        let fields = ["config", "layers", "manifests", "fsLayers"];
        let is_one = |reading: &Value| fields.iter().any(|field| reading.get(field).is_some());
        Ok(document.readings.iter().any(is_one))
    }

    fn descriptor(&mut self, descriptor: &Descriptor, mut inherited: Inherited) -> Result<()> {
        let kind = descriptor.media_type.kind();
        let what = if kind == MediaKind::Index { "index" } else { "manifest" };
        let Some(blob) = blobs::read(self.store, descriptor, what, &mut inherited.anomalies)? else {
            if self.store.may_hold(&descriptor.digest) {
                return Err(store::unreadable().at(format!("blob {}", descriptor.digest)));
            }
            let platform = descriptor.platform.as_ref().map(|platform| format!(" ({platform})"));
            let platform = crate::model::escape::escape_text(&platform.unwrap_or_default());
            self.layout.notes.push(format!("{}{platform} is listed and not here", descriptor.digest));
            return Ok(());
        };
        self.referenced.add_blob(&descriptor.digest);
        let place = format!("{what} {}", descriptor.digest);
        let document =
            blobs::parse(self.store, &blob.bytes, &json::MANIFEST, what, &mut inherited.anomalies)?;
        let mut read: Vec<ManifestOrIndex> = Vec::new();
        for reading in &document.readings {
            let reading = ManifestOrIndex::from_value(reading).map_err(|error| error.at(place.clone()))?;
            if !read.contains(&reading) {
                read.push(reading);
            }
        }
        for ManifestOrIndex { manifest, index } in read {
            let mut inherited = inherited.clone();
            let own_type = manifest.as_ref().map(|m| &m.media_type).or(index.as_ref().map(|i| &i.media_type));
            inherited.anomalies.extend(type_mismatch(
                descriptor,
                own_type,
                manifest.is_some(),
                index.is_some(),
            ));
            if let Some(index) = &index {
                let mut inherited = inherited.clone();
                if blob.digest == descriptor.digest {
                    inherited.listed.indexes.insert(blob.digest);
                }
                self.index(index, &inherited)?;
            }
            if let Some(manifest) = &manifest {
                self.manifest(manifest, descriptor, &blob, inherited)
                    .map_err(|error| error.at(place.clone()))?;
            }
        }
        Ok(())
    }

    fn manifest(
        &mut self,
        manifest: &Manifest,
        listed: &Descriptor,
        blob: &SmallBlob,
        inherited: Inherited,
    ) -> Result<()> {
        self.referenced.add_blob(&manifest.config.digest);
        for layer in &manifest.layers {
            self.referenced.add_blob(&layer.digest);
        }
        if manifest.layers.len() > limits::LAYERS {
            return Err(Error::limit("the number of layers", "LAYERS", limits::LAYERS as u64));
        }
        if let Some(what) = self.not_an_image(manifest, listed)? {
            self.layout.notes.push(format!("passed over {what} {}", blob.digest));
            return self.verify_artifact(manifest, inherited);
        }
        let same = |image: &&mut Image| {
            image.manifest_digest == Some(blob.digest)
                && image.layers.len() == manifest.layers.len()
                && image.layers.iter().zip(&manifest.layers).all(|(a, b)| a.declared.as_ref() == Some(b))
        };
        if let Some(known) = self.layout.images.iter_mut().find(same) {
            known.names.extend(inherited.listed.names);
            known.other_names.extend(inherited.listed.other_names);
            known.names.sort();
            known.names.dedup();
            known.anomalies.extend(inherited.anomalies);
            known.anomalies.extend(platform_mismatch(inherited.listed.platform.as_ref(), &known.configs));
            known.listed_for.extend(inherited.listed.platform);
            known.listed_for_any |= inherited.listed.for_any;
            known.index_digests.extend(inherited.listed.indexes);
            known.anomalies.sort();
            known.anomalies.dedup();
            return Ok(());
        }
        let image = self.image(manifest, blob.digest, inherited)?;
        self.layout.images.push(image);
        Ok(())
    }

    fn image(&self, manifest: &Manifest, digest: Digest, inherited: Inherited) -> Result<Image> {
        let mut anomalies = inherited.anomalies;
        let config =
            blobs::read(self.store, &manifest.config, "config", &mut anomalies)?.ok_or_else(|| {
                let what = format!(
                    "the config {} is not there, so the image cannot be judged",
                    manifest.config.digest
                );
                Error::invalid(what).hint("save the image again, with all its blobs")
            })?;
        let config_kind = manifest.config.media_type.kind();
        if config_kind != MediaKind::Config {
            let message = "the config's media type is not that of an image config";
            let anomaly = Anomaly::new(Fault::MediaTypeMismatch, message);
            anomalies.push(anomaly.evidence("declared", escaped(&manifest.config.media_type)));
        }
        let configs = configs(self.store, &config.bytes, "config", &mut anomalies)?;
        anomalies.extend(platform_mismatch(inherited.listed.platform.as_ref(), &configs));
        let mut layers = Vec::with_capacity(manifest.layers.len());
        for descriptor in &manifest.layers {
            layers.push(LayerRef {
                name: descriptor.digest.to_string(),
                blob: self.store.blob(&descriptor.digest)?,
                declared: Some(descriptor.clone()),
            });
        }
        let mut names = inherited.listed.names;
        names.sort();
        let mut annotations = inherited.annotations;
        annotations.extend([&manifest.annotations, &manifest.config.annotations].map(Arc::clone));
        Ok(Image {
            form: self.form,
            names,
            other_names: inherited.listed.other_names,
            listed_for: inherited.listed.platform.into_iter().collect(),
            listed_for_any: inherited.listed.for_any,
            manifest_digest: Some(digest),
            index_digests: inherited.listed.indexes,
            config_digest: config.digest,
            configs,
            annotations,
            layers,
            anomalies,
        })
    }

    /// What a manifest is when it is no image: known by the media types of its config and layers,
    /// never by an annotation or a platform, which cost an attacker nothing.
    fn not_an_image(&self, manifest: &Manifest, listed: &Descriptor) -> Result<Option<&'static str>> {
        // Of a manifest of Docker's, Podman and skopeo ask neither the config's media type nor those of layers.
        let is_docker =
            [&manifest.media_type, &listed.media_type].into_iter().any(MediaType::is_docker_manifest);
        if is_docker || manifest.layers.iter().any(|layer| layer.media_type.is_of_layer()) {
            return Ok(None);
        }
        let config = &manifest.config.media_type;
        if config.kind() != MediaKind::Config && !config.is_empty() {
            return Ok(Some("an artifact"));
        }
        let mut kinds = manifest.layers.iter().map(|layer| layer.media_type.kind());
        if manifest.layers.is_empty() || !kinds.all(|kind| kind == MediaKind::Attestation) {
            return Ok(None);
        }
        // Podman looks at the bytes of a layer and not at its media type; so do we.
        for layer in &manifest.layers {
            let Some(blob) = self.store.blob(&layer.digest)? else { continue };
            let head = blob.head(512).map_err(|error| Error::io("cannot be read", error))?;
            if could_be_layer(&head) {
                return Ok(None);
            }
        }
        Ok(Some("an attestation or signature"))
    }

    fn hash(&mut self, blob: &Section) -> Result<BlobDigests> {
        if let Some(known) = self.hashed.get(&blob.key()) {
            return Ok(*known);
        }
        let failed = |error| Error::io("the blob cannot be read", error);
        let computed = BlobDigests::of(blob.reader(), true).map_err(failed)?;
        self.hashed.insert(blob.key(), computed);
        Ok(computed)
    }

    /// Holds the blobs of what is no image to their descriptors too.
    fn verify_artifact(&mut self, manifest: &Manifest, inherited: Inherited) -> Result<()> {
        self.layout.anomalies.extend(inherited.anomalies);
        for descriptor in manifest.layers.iter().chain([&manifest.config]) {
            let Some(blob) = self.store.blob(&descriptor.digest)? else {
                let message = "a blob of an attestation or artifact is not there";
                let anomaly = Anomaly::new(Fault::BlobMissing, message).evidence("digest", descriptor.digest);
                self.layout.anomalies.push(anomaly);
                continue;
            };
            let computed = self.hash(&blob).map_err(|error| error.at(descriptor.digest.to_string()))?;
            if computed.like(&descriptor.digest) != Some(descriptor.digest)
                || computed.size != descriptor.size
            {
                let message = "a blob of an attestation or artifact is not what its descriptor says";
                let anomaly = Anomaly::new(Fault::DigestMismatch, message)
                    .evidence("declared", descriptor.digest)
                    .evidence("computed", computed.sha256);
                self.layout.anomalies.push(anomaly);
            }
        }
        Ok(())
    }
}

/// Attestations and signatures are JSON. A name in a tar may begin as JSON does.
fn could_be_layer(head: &[u8]) -> bool {
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_json = matches!(first, Some(b'{' | b'[' | b'"')) && !head.contains(&0);
    !is_json || may_be_tar(head)
}

/// Every reading of a config that the runtimes would take.
pub(super) fn configs(
    store: &Store,
    bytes: &[u8],
    what: &str,
    anomalies: &mut Vec<Anomaly>,
) -> Result<Vec<Config>> {
    let document = blobs::parse(store, bytes, &json::CONFIG, what, anomalies)?;
    let read: Vec<_> = document.readings.into_iter().map(Config::from_value).collect();
    let first_error = read.iter().find_map(|reading| reading.as_ref().err().cloned());
    let configs: Vec<Config> = read.into_iter().flatten().collect();
    match first_error {
        Some(error) if configs.is_empty() => Err(error),
        _ => Ok(configs),
    }
}

fn escaped(media_type: &MediaType) -> String {
    crate::model::escape::escape_text(media_type.as_str())
}

/// Runtimes choose among the images of an index by the platforms that it lists, and run what its config
/// says: who looks at one of the two alone takes the image for another than it is.
fn platform_mismatch(listed: Option<&Platform>, configs: &[Config]) -> Option<Anomaly> {
    let listed = listed?;
    let config = configs.iter().find(|config| config.platform.contradicts(listed))?;
    let shown = |platform: &Platform| crate::model::escape::escape_text(&platform.to_string());
    let message = "the index lists the image for another platform than its config says";
    Some(
        Anomaly::new(Fault::AmbiguousJson, message)
            .evidence("index", shown(listed))
            .evidence("config", shown(&config.platform)),
    )
}

/// The descriptor, the document's own `mediaType` and its fields must all say the same.
fn type_mismatch(
    descriptor: &Descriptor,
    own: Option<&MediaType>,
    is_manifest: bool,
    is_index: bool,
) -> Option<Anomaly> {
    if is_manifest && is_index {
        let message = "the document is both a manifest and an index: readers differ on which image it is";
        return Some(
            Anomaly::new(Fault::AmbiguousJson, message).evidence("digest", descriptor.digest).critical(),
        );
    }
    let is = if is_manifest { MediaKind::Manifest } else { MediaKind::Index };
    let lies = |media_type: &&MediaType| !media_type.is_empty() && media_type.kind() != is;
    let lie = [Some(&descriptor.media_type), own].into_iter().flatten().find(lies)?;
    let what = if is_manifest { "a manifest" } else { "an index" };
    let message = format!("the document is {what}, and its media type says otherwise");
    Some(
        Anomaly::new(Fault::MediaTypeMismatch, message)
            .evidence("digest", descriptor.digest)
            .evidence("declared", escaped(lie)),
    )
}
