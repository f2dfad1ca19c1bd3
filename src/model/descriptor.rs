//! Content descriptors (image-spec descriptor.md) and the media types that can stand in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use oci_spec::image::MediaType as OciMediaType;

use super::platform::Platform;
use crate::digest::Digest;

/// A reference to a blob: what it is, its digest and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What the blob claims to be.
    pub media_type: MediaType,
    /// The digest the blob is held to.
    pub digest: Digest,
    /// The size in bytes the blob is held to.
    pub size: u64,
    /// The platform an index claims for a manifest; a claim only.
    pub platform: Option<Platform>,
    /// The name an index gives a manifest: `io.containerd.image.name`, else `org.opencontainers.image.ref.name`.
    pub name: Option<String>,
    /// The latter where there are both: Podman and skopeo know no other.
    pub other_name: Option<String>,
    /// Places to fetch the blob from: foreign layers have them.
    pub urls: Vec<String>,
    /// What is noted of the blob.
    pub annotations: Annotations,
}

/// Annotations by name (image-spec annotations.md), as written. A thousand images may share those of one index.
pub type Annotations = Arc<BTreeMap<String, String>>;

/// What annotations say of a table of contents in a layer, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TocClaims {
    /// Of one of zstd:chunked.
    pub chunked: ChunkedClaim,
    /// The same under the names that containers/storage had before, as in skopeo 1.9.
    pub old_chunked: ChunkedClaim,
    /// The digest of an eStargz's table, uncompressed; the stargz snapshotter writes it for zstd:chunked, too.
    pub stargz_digest: Option<String>,
}

/// Where a table of zstd:chunked is, and what it is, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkedClaim {
    /// `offset:length:uncompressed length:type`.
    pub position: Option<String>,
    /// The digest of its stored bytes; without one, containers/storage does not look at it.
    pub digest: Option<String>,
}

impl TocClaims {
    /// Takes them from a descriptor's annotations: containers/storage, `pkg/chunked/internal/minimal`, and
    /// stargz-snapshotter, `estargz/types.go`.
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let one = |name: &str| annotations.get(name).cloned();
        Self {
            chunked: ChunkedClaim {
                position: one("io.github.containers.zstd-chunked.manifest-position"),
                digest: one("io.github.containers.zstd-chunked.manifest-checksum"),
            },
            old_chunked: ChunkedClaim {
                position: one("io.containers.zstd-chunked.manifest-position"),
                digest: one("io.containers.zstd-chunked.manifest-checksum"),
            },
            stargz_digest: one("containerd.io/snapshot/stargz/toc.digest"),
        }
    }

    /// Those of zstd:chunked.
    pub fn of_chunked(&self) -> impl Iterator<Item = &ChunkedClaim> {
        [&self.chunked, &self.old_chunked].into_iter().filter(|claim| claim.digest.is_some())
    }
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
    /// xz: no media type names it, but docker loads it.
    Xz,
    /// bzip2: no media type names it, but docker loads it.
    Bzip2,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// What a media type says a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// An image index or a docker manifest list.
    Index,
    /// An image manifest.
    Manifest,
    /// An image config.
    Config,
    /// A layer that can be judged, with the compression that is claimed.
    Layer(Compression),
    /// A layer that is to be fetched from elsewhere; with the compression that is claimed.
    ForeignLayer(Compression),
    /// An encrypted layer.
    EncryptedLayer,
    /// A layer in a file system format that is not a tar.
    FileSystemLayer,
    /// An attestation or signature payload.
    Attestation,
    /// Nothing that a container image holds.
    Other,
}

/// A media type as written; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct MediaType(String);

impl MediaType {
    /// Takes a media type as written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the document says none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a runtime would unpack the blob as a layer, whatever is written behind the name of a layer's
    /// media type: containerd 1.6 does so with `…layer.v1.tar+x+gzip`.
    pub fn is_of_layer(&self) -> bool {
        const LAYERS: [&str; 2] =
            ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];
        let name = self.0.trim().to_ascii_lowercase();
        LAYERS.iter().any(|layer| name.starts_with(layer))
            || matches!(
                self.kind(),
                MediaKind::Layer(_)
                    | MediaKind::ForeignLayer(_)
                    | MediaKind::EncryptedLayer
                    | MediaKind::FileSystemLayer
            )
    }

    /// Whether it says that the blob is a manifest of Docker's (schema 2).
    pub fn is_docker_manifest(&self) -> bool {
        let name = self.0.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/vnd.docker.distribution.manifest.v2+json")
    }

    /// What it says the blob is. Parameters (`; charset=…`) and case do not count.
    pub fn kind(&self) -> MediaKind {
        let name = self.0.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match OciMediaType::from(name.as_str()) {
            OciMediaType::ImageIndex => MediaKind::Index,
            OciMediaType::ImageManifest => MediaKind::Manifest,
            OciMediaType::ImageConfig => MediaKind::Config,
            OciMediaType::ImageLayer => MediaKind::Layer(Compression::None),
            OciMediaType::ImageLayerGzip => MediaKind::Layer(Compression::Gzip),
            OciMediaType::ImageLayerZstd => MediaKind::Layer(Compression::Zstd),
            OciMediaType::ImageLayerNonDistributable => MediaKind::ForeignLayer(Compression::None),
            OciMediaType::ImageLayerNonDistributableGzip => MediaKind::ForeignLayer(Compression::Gzip),
            OciMediaType::ImageLayerNonDistributableZstd => MediaKind::ForeignLayer(Compression::Zstd),
            _ => other_kind(&name),
        }
    }
}

/// The media types that oci-spec does not know: docker's own, encrypted layers, attestations.
fn other_kind(name: &str) -> MediaKind {
    if name.ends_with("+encrypted") {
        return MediaKind::EncryptedLayer;
    }
    if name.contains("squashfs") || name.contains("erofs") {
        return MediaKind::FileSystemLayer;
    }
    match name {
        "application/vnd.docker.distribution.manifest.list.v2+json" => MediaKind::Index,
        "application/vnd.docker.distribution.manifest.v2+json" => MediaKind::Manifest,
        "application/vnd.docker.container.image.v1+json" => MediaKind::Config,
        "application/vnd.docker.image.rootfs.diff.tar" => MediaKind::Layer(Compression::None),
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaKind::Layer(Compression::Gzip),
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => MediaKind::Layer(Compression::Zstd),
        "application/vnd.docker.image.rootfs.foreign.diff.tar" => MediaKind::ForeignLayer(Compression::None),
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => {
            MediaKind::ForeignLayer(Compression::Gzip)
        }
        "application/vnd.in-toto+json"
        | "application/vnd.dsse.envelope.v1+json"
        | "application/vnd.dev.cosign.simplesigning.v1+json"
        | "application/vnd.dev.sigstore.bundle.v0.3+json"
        | "application/vnd.cncf.notary.signature"
        | "application/vnd.cyclonedx+json"
        | "application/spdx+json"
        | "text/spdx+json" => MediaKind::Attestation,
        _ if name.starts_with("application/vnd.dev.sigstore.bundle") => MediaKind::Attestation,
        _ => MediaKind::Other,
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_say_what_a_blob_is() {
        for (text, kind) in [
            ("application/vnd.oci.image.layer.v1.tar+gzip", MediaKind::Layer(Compression::Gzip)),
            ("application/vnd.oci.image.layer.v1.tar+zstd", MediaKind::Layer(Compression::Zstd)),
            ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", MediaKind::EncryptedLayer),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", MediaKind::Layer(Compression::Gzip)),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                MediaKind::ForeignLayer(Compression::Gzip),
            ),
            ("application/vnd.docker.distribution.manifest.list.v2+json", MediaKind::Index),
            ("Application/vnd.OCI.image.manifest.v1+json; x=y", MediaKind::Manifest),
            ("application/vnd.in-toto+json", MediaKind::Attestation),
            ("application/vnd.sylabs.image.layer.v1.squashfs", MediaKind::FileSystemLayer),
            ("application/vnd.oci.empty.v1+json", MediaKind::Other),
            ("", MediaKind::Other),
        ] {
            assert_eq!(MediaType::new(text).kind(), kind, "{text}");
        }
    }
}
