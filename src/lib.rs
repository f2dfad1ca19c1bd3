//! ocicheck: an offline analyzer of OCI and Docker images.
//!
//! [`engine::Engine::check`] is what the command line calls: it reads an image archive or OCI
//! layout without network, daemon or root, and writes nothing but the cache that it may be given. It
//! verifies every digest by computing it, proves the base that the image stands on, and judges what was
//! built on it.
//!
//! The data flows one way, and each module imports its own floor or lower ones only:
//! [`source`] → [`model`] → [`scan`] → [`rootfs`] → [`facts`] → [`rules`] → [`report`].

pub mod advisories;
pub mod base;
pub mod cache;
pub mod cli;
pub mod codec;
pub mod digest;
pub mod engine;
pub mod error;
pub mod facts;
mod hook;
mod host;
pub mod limits;
pub mod model;
pub mod packages;
pub mod policy;
pub mod read;
pub mod report;
pub mod rootfs;
pub mod rules;
pub mod scan;
pub mod source;
