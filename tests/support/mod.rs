//! The one builder of test images: integration tests, benches and fuzz seeds all use it.
//!
//! Images are made by code, so a test says in a few lines what is special about its image, and spoils one thing at a
//! time. Everything is deterministic: the same calls give the same bytes. Nothing here uses the program under test, so
//! a fault in the program cannot hide in its own fixtures.
//!
//! | module | what |
//! |---|---|
//! | `entry`, `sparse`, `layer` | tar members and the layers made of them, well-formed or spoilt |
//! | `compress` | codecs, for layers and for whole archives |
//! | `image` | config, history, layers, manifest |
//! | `layout` | OCI layouts: directory, archive, nested index, attestation, signature, artifact |
//! | `docker` | every shape of a docker archive |
//! | `archive` | plain tar archives of named members, for last-minute edits |
//! | `packages` | a package and its upgrade, for dpkg, apk and rpm |
//! | `program` | ELF programs, with what Go and cargo-auditable put into them |
//! | `rpm` | rpm databases |
//! | `zip` | jars and other zip archives |
//! | `samples` | a small base, an application upon it, a random tree |
//!
//! Use it with `mod support;`, or from a bench with `#[path = "../tests/support/mod.rs"] mod support;`.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses another part")]
#![allow(unused_imports, reason = "the re-exports below are one list for all users")]
#![allow(
    unreachable_pub,
    reason = "`pub` marks what tests may use; the module itself is private to each binary"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: stopping on a broken expectation is right, and clippy.toml reaches only #[test] functions"
)]

mod archive;
mod compress;
mod digest;
mod docker;
mod entry;
pub mod feeds;
mod image;
mod layer;
mod layout;
mod packages;
mod program;
mod rpm;
mod samples;
mod sparse;
mod zip;

pub use archive::{Member, files_to_tar, members_to_tar, read_members, tar_members};
pub use compress::Compression;
pub use digest::{digest, sha256_hex};
pub use docker::{DockerArchive, DockerForm};
pub use entry::{Entry, LongNames, XattrStyle, pax_record};
pub use image::{Edit, Image};
pub use layer::{Layer, StoredLayer};
pub use layout::{Layout, cosign_payload};
pub use packages::{Manager, Package, md5, newer_sed, other, package, sed, unpacked_upgrade, upgrade};
pub use program::{OldGoBuildInfo, Program, cargo_auditable, go_build_info};
pub use rpm::{RpmFile, RpmPackage, rpm_database, rpm_database_of};
pub use samples::{CLEAN_USER, PASSWD, clean_app, elf, random_tree, small_base};
pub use sparse::SparseFormat;
pub use zip::{Zip, ZipParts};
