//! The arguments of `ocicheck db`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::advisories::Ecosystem;
use crate::cli::args::InspectFormat;

/// `ocicheck db`.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Make a database of advisories out of feeds
    Build(BuildDb),
    /// Show what a database was made of, and what it holds
    Info(ReadDb),
    /// Read all of a database and check it
    Verify {
        /// The database
        #[arg(value_name = "FILE", env = "OCICHECK_ADVISORIES")]
        file: PathBuf,
    },
    /// Ask a database about packages
    Query(QueryDb),
}

/// `ocicheck db build`.
#[derive(Debug, Args)]
pub struct BuildDb {
    /// Feeds: zip archives, tar archives and directories of OSV records or CSAF documents, the Debian security
    /// tracker's JSON, secdb files; what each is, is told by its content
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Take an ecosystem or release (Debian:12, PyPI) for covered, though the sources do not look like a feed of it; may be
    /// repeated
    #[arg(long, value_name = "ECOSYSTEM", value_parser = Ecosystem::parse)]
    pub covers: Vec<Ecosystem>,
    /// The day to write into it as the one on which it was made; without it the same feeds make the same file
    #[arg(long, value_name = "DATE")]
    pub at: Option<jiff::civil::Date>,
}

/// `ocicheck db info`.
#[derive(Debug, Args)]
pub struct ReadDb {
    /// The database
    #[arg(value_name = "FILE", env = "OCICHECK_ADVISORIES")]
    pub file: PathBuf,
    /// Format on standard output; by default text on a terminal, else json
    #[arg(long, value_enum)]
    pub format: Option<InspectFormat>,
}

/// `ocicheck db query`.
#[derive(Debug, Args)]
pub struct QueryDb {
    /// The packages, as package URLs: pkg:deb/debian/openssl@3.0.11-1?distro=debian-12
    #[arg(required = true, value_name = "PURL")]
    pub purls: Vec<String>,
    /// The database
    #[arg(long, value_name = "FILE", env = "OCICHECK_ADVISORIES")]
    pub advisories: PathBuf,
    /// Tell also the advisories that a package is not affected by
    #[arg(short, long)]
    pub all: bool,
    /// Format on standard output; by default text on a terminal, else json
    #[arg(long, value_enum)]
    pub format: Option<InspectFormat>,
}
