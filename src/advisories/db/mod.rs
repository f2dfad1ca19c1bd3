//! The database of advisories: one file that is made once, carried anywhere, opened in no time and read in place.
//!
//! [`format`] says what lies where. [`build`] gathers records, [`coverage`] says what they are a feed of, and [`write`] makes the file of them; [`read`] opens
//! it and reads no more of it than is asked for, each page held to its checksum; [`verify`] reads all of it.

pub(super) mod build;
mod coverage;
pub(super) mod format;
mod merge;
mod pages;
pub(super) mod read;
mod strings;
#[cfg(test)]
mod tests;
pub(super) mod verify;
pub(super) mod write;
