//! An image as its source describes it: claims, and the places of its bytes.

use std::collections::BTreeSet;
use std::fmt;

use super::anomaly::Anomaly;
use super::config::{Config, History};
use super::descriptor::{Annotations, Descriptor};
use super::platform::Platform;
use crate::digest::Digest;
use crate::read::Section;

/// The form an image came in, detected from content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A `docker save` archive with `manifest.json`.
    DockerArchive,
    /// A `docker save` archive of before Docker 1.10, with `repositories` only.
    DockerArchiveV1,
    /// A `docker save` archive that is an OCI layout too (Docker 25 and later).
    DockerArchiveHybrid,
    /// An OCI layout in a tar.
    OciArchive,
    /// An OCI layout in a directory.
    OciDirectory,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DockerArchive => "docker-archive",
            Self::DockerArchiveV1 => "docker-archive-v1",
            Self::DockerArchiveHybrid => "docker-archive-hybrid",
            Self::OciArchive => "oci-archive",
            Self::OciDirectory => "oci-directory",
        })
    }
}

/// A layer as the manifest names it.
#[derive(Debug, Clone)]
pub struct LayerRef {
    /// How people find it: the digest, or the member's name in a docker archive.
    pub name: String,
    /// What the manifest claims; docker archives claim nothing of their layers.
    pub declared: Option<Descriptor>,
    /// Its bytes; `None` where the blob is not there.
    pub blob: Option<Section>,
}

/// One image: one manifest with its config and layers.
#[derive(Debug, Clone)]
pub struct Image {
    /// The form of the archive or directory it is in.
    pub form: Form,
    /// Tags and reference names, as written, sorted.
    pub names: Vec<String>,
    /// Names by which some readers find it beside those that it is called by: a tag alone, the name of an index that lists it.
    pub other_names: BTreeSet<String>,
    /// The platforms that indexes list it for: runtimes choose by these.
    pub listed_for: BTreeSet<Platform>,
    /// Whether an index for several platforms lists it without one. Podman and skopeo take it where none is listed for the platform
    /// in just the spelling that they look for, whatever its config says.
    pub listed_for_any: bool,
    /// Computed digest of the manifest; `None` in docker archives, which have none.
    pub manifest_digest: Option<Digest>,
    /// Computed digests of the indexes that list it, themselves or by way of others: what people pin an image of several
    /// platforms by. A layout's own `index.json` is none of them.
    pub index_digests: BTreeSet<Digest>,
    /// Computed digest of the config.
    pub config_digest: Digest,
    /// Every reading of the config, at least one; more where its JSON is ambiguous.
    pub configs: Vec<Config>,
    /// What manifest and index note of it, and of its config.
    pub annotations: Vec<Annotations>,
    /// Lowest first.
    pub layers: Vec<LayerRef>,
    /// What was broken or ambiguous on the way here.
    pub anomalies: Vec<Anomaly>,
}

impl Image {
    /// The first reading of the config: the one that is shown.
    pub fn config(&self) -> &Config {
        static EMPTY: std::sync::LazyLock<Config> = std::sync::LazyLock::new(Config::default);
        self.configs.first().unwrap_or(&EMPTY)
    }

    /// The platform that the config says.
    pub fn platform(&self) -> &Platform {
        &self.config().platform
    }

    /// Whether somebody who wants this platform may get the image: by the index, or by any reading of the
    /// config.
    pub fn is_for(&self, wanted: &Platform) -> bool {
        let mut said = self.configs.iter().map(|config| &config.platform).chain(&self.listed_for);
        self.listed_for_any || said.any(|platform| platform.matches(wanted))
    }

    /// The build step that made each layer, by position: the n-th history entry that is not
    /// `empty_layer`. Empty where history and layers do not fit together.
    pub fn build_steps(&self) -> Vec<&History> {
        let steps: Vec<_> = self.config().history.iter().filter(|step| !step.empty_layer).collect();
        if steps.len() == self.layers.len() { steps } else { Vec::new() }
    }

    /// The computed digests that it is known by.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        self.manifest_digest.into_iter().chain([self.config_digest]).chain(self.index_digests.iter().copied())
    }

    /// What people call it: a name, else the digest.
    pub fn title(&self) -> String {
        let digest = self.manifest_digest.unwrap_or(self.config_digest);
        self.names.first().cloned().unwrap_or_else(|| digest.to_string())
    }
}
