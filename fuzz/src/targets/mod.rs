//! What each fuzz target holds: one body a target, run by libFuzzer (`fuzz/run`) and by `cargo test` on every input that is
//! kept (`tests/fuzz.rs`).
//!
//! A body takes any bytes and panics where something does not hold. That nothing panics, hangs or eats memory is held
//! everywhere; what else, each body says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation stops it"
)]
#![allow(unreachable_pub, reason = "one list for the fuzzers and for the tests")]

pub mod accounts;
pub mod advisories;
pub mod apply;
pub mod check;
pub mod codecs;
pub mod components;
pub mod documents;
pub mod facts;
pub mod jars;
pub mod layer;
pub mod packages;
pub mod secrets;
pub mod source;
pub mod toc;
pub mod tools;
pub mod vex;
pub mod written;

/// A target and its body.
pub struct Target {
    /// As the fuzzer, its dictionary and its inputs are called.
    pub name: &'static str,
    /// The body.
    pub run: fn(&[u8]),
}

/// Every target, in alphabetical order.
pub const TARGETS: [Target; 25] = [
    Target { name: "accounts", run: accounts::accounts },
    Target { name: "advisories", run: advisories::advisories },
    Target { name: "apk", run: packages::apk },
    Target { name: "apply", run: apply::apply },
    Target { name: "cache_entry", run: facts::cache_entry },
    Target { name: "catalog", run: written::catalog },
    Target { name: "check", run: check::check },
    Target { name: "codecs", run: codecs::codecs },
    Target { name: "components", run: components::components },
    Target { name: "docker_manifest", run: documents::docker_manifest },
    Target { name: "dpkg", run: packages::dpkg },
    Target { name: "facts", run: facts::facts },
    Target { name: "feeds", run: advisories::feeds },
    Target { name: "image_config", run: documents::image_config },
    Target { name: "inflate", run: codecs::inflate },
    Target { name: "jars", run: jars::jars },
    Target { name: "layer", run: layer::layer },
    Target { name: "oci_layout", run: documents::oci_layout },
    Target { name: "policy", run: written::policy },
    Target { name: "rpm", run: packages::rpm },
    Target { name: "secrets", run: secrets::secrets },
    Target { name: "source", run: source::source },
    Target { name: "toc", run: toc::toc },
    Target { name: "versions", run: packages::versions },
    Target { name: "vex", run: vex::vex },
];
