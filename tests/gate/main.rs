//! The gate from outside: the program is run as its users run it, on images that the tests build.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: stopping on a broken expectation is right, and clippy.toml reaches only #[test] functions"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../../src/read/corpus_tests.rs"]
#[allow(dead_code, reason = "the library's own tests use the rest of it")]
mod foreign;

mod accounts;
mod advisories;
mod asked;
mod bad_input;
mod base;
mod baseline;
mod cache;
mod cache_directory;
mod changes;
mod command_line;
mod corpus;
mod db;
mod documented;
mod evasions;
mod facts_files;
mod forms;
mod harness;
mod hook;
mod hygiene;
mod inspect;
mod integrity;
mod inventories;
mod inventory;
mod limits;
mod listed;
mod outputs;
mod packages;
mod policy;
mod report;
mod rpm;
mod secrets;
mod services;
mod services_inside;
mod shown;
mod tampered;
mod testdata;
mod timeout;
mod two_truths;
mod users;
mod verdicts;
mod vex;
mod waivers;
