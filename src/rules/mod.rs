//! The rules. Each is one file and its page beside it, and one line in [`table`]. A rule sees facts
//! and settings only; it never touches an archive.

mod account;
mod base;
mod config;
pub mod contents;
#[cfg(test)]
mod contract;
pub mod evidence;
pub mod findings;
mod hygiene;
mod integrity;
pub mod options;
mod package;
pub mod pattern;
mod platform;
mod privilege;
pub mod quote;
pub mod rule;
mod secrets;
mod service;
pub mod services;
pub mod settings;
pub mod severity;
pub mod table;
mod user;

pub use evidence::Evidence;
pub use findings::{Findings, Full, Left, Room};
pub use hygiene::is_hygiene;
pub use options::Options;
pub use pattern::Pattern;
pub use rule::{Also, Finding, Judged, Judgement, Needs, Rule};
pub use services::{Environment, Service, Services};
pub use settings::{BaseDemand, Settings};
pub use severity::Severity;
pub use table::{FURTHER, PACKAGE_FILE_TAMPERED, RULES};
