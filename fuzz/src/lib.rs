//! The fuzz targets of ocicheck; docs/contributing.md says how to run them.

pub mod seeds;
#[path = "../../tests/support/mod.rs"]
mod support;
pub mod targets;
