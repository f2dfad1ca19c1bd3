//! What is said of an image whether it is judged or only shown: which it is, and what it is made of.
//! Two structs, since the verdict stands between them in the report's JSON.

use std::collections::BTreeMap;

use serde::Serialize;

/// Which image it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIdentity {
    /// The input it came from, as given on the command line.
    pub source: String,
    /// The form of the input.
    pub form: String,
    /// Its tags and names.
    pub names: Vec<String>,
    /// Computed; null where the form has no manifest.
    pub manifest_digest: Option<String>,
    /// Computed; of the indexes that list it.
    pub index_digests: Vec<String>,
    /// Computed.
    pub config_digest: String,
    /// What the config says.
    pub platform: PlatformReport,
}

/// What an image is made of.
#[derive(Debug, Clone, Serialize)]
pub struct ImageContents {
    /// What it stands on.
    pub base: BaseReport,
    /// What it runs, and as whom.
    pub config: ConfigReport,
    /// Lowest first.
    pub layers: Vec<LayerReport>,
}

/// A platform.
#[derive(Debug, Clone, Serialize)]
pub struct PlatformReport {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `v8`; null where there is none.
    pub variant: Option<String>,
}

/// What an image stands on.
#[derive(Debug, Clone, Serialize)]
pub struct BaseReport {
    /// Whether it stands on a catalogued base.
    pub status: BaseState,
    /// Why it was not evaluated.
    pub reason: Option<String>,
    /// The bases it stands on, the lowest first.
    pub lineage: Vec<LineageReport>,
    /// The base it comes nearest to, where it stands on none.
    pub nearest: Option<NearestReport>,
}

/// Whether an image stands on a catalogued base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseState {
    /// On at least one.
    Verified,
    /// On none.
    Missing,
    /// Not known.
    NotEvaluated,
}

/// A base that an image stands on.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineageReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `official` or `custom`.
    pub tier: String,
    /// `approved`, `deprecated` or `revoked`.
    pub state: String,
    /// How many layers it has.
    pub layers: usize,
    /// The chainID of these layers.
    pub chain_id: String,
}

/// The base that an image comes nearest to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearestReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many layers it has.
    pub layers: usize,
    /// With how many of them the image begins.
    pub layers_agreed: usize,
    /// The first layer that differs.
    pub breaks_at: Option<BreakReport>,
    /// All its layers are there, from this layer of the image on.
    pub found_at: Option<usize>,
    /// It is for another platform.
    pub other_platform: bool,
    /// How much of its content is in the image, from half on; null where that is not known.
    pub content: Option<ContentReport>,
    /// All of that in one sentence.
    pub explanation: String,
}

/// How much of a base's content an image has, without its layers.
#[derive(Debug, Clone, Serialize)]
pub struct ContentReport {
    /// Regular files of the base that are not empty.
    pub files: usize,
    /// Those that the image has at the same path with the same content.
    pub equal: usize,
}

/// Where the chain of layers breaks.
#[derive(Debug, Clone, Serialize)]
pub struct BreakReport {
    /// Index of the layer.
    pub layer: usize,
    /// The base's diffID there.
    pub expected: String,
    /// The image's diffID there; null where the image has no more layers.
    pub found: Option<String>,
}

/// What an image runs, and as whom.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigReport {
    /// `USER` as written.
    pub user: Option<String>,
    /// The uid it means in the final image; null where it is not known.
    pub effective_uid: Option<i64>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub cmd: Vec<String>,
    /// `WORKDIR`.
    pub working_dir: String,
    /// `ENV`; values that look like secrets are masked.
    pub env: Vec<String>,
    /// `EXPOSE`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// When it was made, as written.
    pub created: Option<String>,
}

/// A layer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// From 0, the lowest.
    pub index: usize,
    /// Digest as stored, computed; null where the blob is not there.
    pub digest: Option<String>,
    /// Digest of the uncompressed bytes, computed; null where it could not be read.
    pub diff_id: Option<String>,
    /// Identity of this layer and all below it; null where one could not be read.
    pub chain_id: Option<String>,
    /// As declared; null in docker archives.
    pub media_type: Option<String>,
    /// By its bytes; null where the blob is not there.
    pub compression: Option<String>,
    /// Bytes as stored.
    pub size: Option<u64>,
    /// Bytes uncompressed.
    pub uncompressed_size: Option<u64>,
    /// Whether it is the base's.
    pub origin: Origin,
    /// The build step that made it.
    pub created_by: Option<String>,
    /// How many entries it has.
    pub entries: Option<usize>,
}

/// Whose a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The base's.
    Base,
    /// Above the base.
    Upper,
}

impl Origin {
    /// As in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Upper => "upper",
        }
    }

    /// Of a layer, where the first `base_layers` of its image are the base's.
    pub fn of(layer: usize, base_layers: usize) -> Self {
        if layer < base_layers { Self::Base } else { Self::Upper }
    }
}
