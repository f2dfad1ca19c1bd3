//! JSON as several readers read it.
//!
//! RFC 8259 leaves open what a repeated key means. Go, which docker, podman and containerd are
//! written in, moreover matches the fields of a struct without regard to case and lets a later key
//! fill in what an earlier one left. So one text can be two configs: `{"User":"10001","user":"0"}`
//! is user 0 to them and 10001 to most others. Here every reading is produced, to be judged.

mod reading;
mod tree;

pub use reading::{Document, fold, parse};

/// How a Go reader would decode an object: what decides whether case counts.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A struct with these fields: keys match without regard to case, others are ignored.
    Struct(&'static [(&'static str, Shape)]),
    /// A map with values of this shape: keys match exactly.
    Map(&'static Shape),
    /// A list of such values.
    List(&'static Shape),
    /// A text, a number, or an object that nobody here looks into.
    Any,
}

const ANY: Shape = Shape::Any;
const MAP: Shape = Shape::Map(&ANY);

const PLATFORM: Shape = Shape::Struct(&[
    ("architecture", ANY),
    ("os", ANY),
    ("os.version", ANY),
    ("os.features", ANY),
    ("variant", ANY),
    ("features", ANY),
]);

const DESCRIPTOR: Shape = Shape::Struct(&[
    ("mediaType", ANY),
    ("digest", ANY),
    ("size", ANY),
    ("urls", ANY),
    ("annotations", MAP),
    ("data", ANY),
    ("platform", PLATFORM),
    ("artifactType", ANY),
]);

/// Both an index and a manifest, for which of the two a document is must not be asked of it alone
/// (image-spec image-index.md, manifest.md; CVE-2021-41190).
pub const MANIFEST: Shape = Shape::Struct(&[
    ("schemaVersion", ANY),
    ("mediaType", ANY),
    ("artifactType", ANY),
    ("manifests", Shape::List(&DESCRIPTOR)),
    ("config", DESCRIPTOR),
    ("layers", Shape::List(&DESCRIPTOR)),
    ("subject", DESCRIPTOR),
    ("annotations", MAP),
    ("fsLayers", ANY),
    ("history", ANY),
    ("signatures", ANY),
]);

const RUN_CONFIG: Shape = Shape::Struct(&[
    ("Hostname", ANY),
    ("Domainname", ANY),
    ("User", ANY),
    ("AttachStdin", ANY),
    ("AttachStdout", ANY),
    ("AttachStderr", ANY),
    ("ExposedPorts", MAP),
    ("Tty", ANY),
    ("OpenStdin", ANY),
    ("StdinOnce", ANY),
    ("Env", ANY),
    ("Cmd", ANY),
    ("Healthcheck", HEALTHCHECK),
    ("ArgsEscaped", ANY),
    ("Image", ANY),
    ("Volumes", MAP),
    ("WorkingDir", ANY),
    ("Entrypoint", ANY),
    ("NetworkDisabled", ANY),
    ("MacAddress", ANY),
    ("OnBuild", ANY),
    ("Labels", MAP),
    ("StopSignal", ANY),
    ("StopTimeout", ANY),
    ("Shell", ANY),
    ("Memory", ANY),
    ("MemorySwap", ANY),
    ("CpuShares", ANY),
]);

const HEALTHCHECK: Shape = Shape::Struct(&[
    ("Test", ANY),
    ("Interval", ANY),
    ("Timeout", ANY),
    ("StartPeriod", ANY),
    ("StartInterval", ANY),
    ("Retries", ANY),
]);

/// An image config (image-spec config.md) with docker's own fields, and docker's v1 `<id>/json`.
pub const CONFIG: Shape = Shape::Struct(&[
    ("id", ANY),
    ("parent", ANY),
    ("comment", ANY),
    ("created", ANY),
    ("author", ANY),
    ("architecture", ANY),
    ("variant", ANY),
    ("os", ANY),
    ("os.version", ANY),
    ("os.features", ANY),
    ("config", RUN_CONFIG),
    ("container", ANY),
    ("container_config", RUN_CONFIG),
    ("docker_version", ANY),
    ("throwaway", ANY),
    ("Size", ANY),
    ("rootfs", Shape::Struct(&[("type", ANY), ("diff_ids", ANY)])),
    (
        "history",
        Shape::List(&Shape::Struct(&[
            ("created", ANY),
            ("created_by", ANY),
            ("author", ANY),
            ("comment", ANY),
            ("empty_layer", ANY),
        ])),
    ),
]);

/// `manifest.json` of a docker archive.
pub const DOCKER_MANIFEST: Shape = Shape::List(&Shape::Struct(&[
    ("Config", ANY),
    ("RepoTags", ANY),
    ("Layers", ANY),
    ("Parent", ANY),
    ("LayerSources", Shape::Map(&DESCRIPTOR)),
]));

/// `repositories` of a docker archive: name → tag → image id.
pub const REPOSITORIES: Shape = Shape::Map(&MAP);

/// `oci-layout` (image-spec image-layout.md).
pub const OCI_LAYOUT: Shape = Shape::Struct(&[("imageLayoutVersion", ANY)]);
