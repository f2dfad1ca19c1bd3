//! Codecs for layers and for whole archives. All of them are deterministic (no times, no file names).

use std::io::Write;

/// How a blob is stored. `Copy`, so that a test can loop over a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// One gzip member, at level 0–9.
    Gzip(u32),
    /// Gzip in this many members one after another, as pigz, bgzip and stargz write it. A reader that stops at the
    /// first member sees a truncated layer.
    GzipMembers(usize),
    /// One zstd frame, at this level.
    Zstd(i32),
    /// Zstd in many frames.
    ZstdFrames {
        /// How many data frames.
        frames: usize,
        /// Put a skippable frame after each data frame, as zstd:chunked puts its table of contents.
        skippable: bool,
    },
    /// xz, preset 6.
    Xz,
    /// bzip2, block size 6.
    Bzip2,
}

impl Compression {
    /// One of each kind, for tests that must hold for every codec.
    pub const ALL: [Compression; 8] = [
        Compression::None,
        Compression::Gzip(6),
        Compression::GzipMembers(3),
        Compression::Zstd(3),
        Compression::ZstdFrames { frames: 3, skippable: false },
        Compression::ZstdFrames { frames: 3, skippable: true },
        Compression::Xz,
        Compression::Bzip2,
    ];

    /// `bytes` in this form.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Compression::None => bytes.to_vec(),
            Compression::Gzip(level) => gzip(bytes, level),
            Compression::GzipMembers(members) => {
                let mut out = Vec::new();
                for part in split(bytes, members) {
                    out.extend(gzip(part, 6));
                }
                out
            }
            Compression::Zstd(level) => zstd::encode_all(bytes, level).unwrap(),
            Compression::ZstdFrames { frames, skippable } => {
                let mut out = Vec::new();
                for part in split(bytes, frames) {
                    out.extend(zstd::encode_all(part, 3).unwrap());
                    if skippable {
                        out.extend(skippable_frame(b"a frame that decoders skip"));
                    }
                }
                out
            }
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Bzip2 => {
                let level = bzip2::Compression::new(6);
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    /// The media type of a layer stored so. The specs know no xz or bzip2 layer: those get an invented `+xz`/`+bzip2`.
    pub fn oci_layer_type(self) -> &'static str {
        match self {
            Compression::None => "application/vnd.oci.image.layer.v1.tar",
            Compression::Gzip(_) | Compression::GzipMembers(_) => {
                "application/vnd.oci.image.layer.v1.tar+gzip"
            }
            Compression::Zstd(_) | Compression::ZstdFrames { .. } => {
                "application/vnd.oci.image.layer.v1.tar+zstd"
            }
            Compression::Xz => "application/vnd.oci.image.layer.v1.tar+xz",
            Compression::Bzip2 => "application/vnd.oci.image.layer.v1.tar+bzip2",
        }
    }

    /// The same in docker's manifest schema 2.
    pub fn docker_layer_type(self) -> &'static str {
        match self {
            Compression::None => "application/vnd.docker.image.rootfs.diff.tar",
            Compression::Gzip(_) | Compression::GzipMembers(_) => {
                "application/vnd.docker.image.rootfs.diff.tar.gzip"
            }
            Compression::Zstd(_) | Compression::ZstdFrames { .. } => {
                "application/vnd.docker.image.rootfs.diff.tar.zstd"
            }
            Compression::Xz => "application/vnd.docker.image.rootfs.diff.tar.xz",
            Compression::Bzip2 => "application/vnd.docker.image.rootfs.diff.tar.bzip2",
        }
    }
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let level = flate2::Compression::new(level);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zstd skippable frame (RFC 8878, 3.1.2): magic, length, anything.
fn skippable_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = 0x184D_2A50_u32.to_le_bytes().to_vec();
    frame.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    frame.extend(payload);
    frame
}

/// `bytes` in `count` parts of nearly equal length; parts may be empty, so the count always holds.
fn split(bytes: &[u8], count: usize) -> Vec<&[u8]> {
    let count = count.max(1);
    let cut = |i: usize| bytes.len() * i / count;
    (0..count).map(|i| &bytes[cut(i)..cut(i + 1)]).collect()
}
