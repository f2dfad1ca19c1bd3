//! The arguments, defined once: help, usage errors and defaults come from here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::db::DbCommand;
use crate::base::Tier;
use crate::digest::Digest;
use crate::limits;
use crate::model::Platform;
use crate::policy::Preset;
use crate::rules::Severity;

/// Check container images without network, daemon or root: is every byte what its digest says, does
/// the image stand on an approved base, and did anything above break the base or slip in privilege?
#[derive(Debug, Parser)]
#[command(name = "ocicheck", version = env!("OCICHECK_VERSION"), args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit status: 0 every image passes, 1 some image fails, 2 something could not be checked."
)]
pub struct Arguments {
    /// What to do; `check` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The arguments of `check`.
    #[command(flatten)]
    pub check: CheckArguments,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check images (the default command)
    Check(Box<CheckArguments>),
    /// Keep the catalog of approved bases
    Base {
        /// What to do with the catalog.
        #[command(subcommand)]
        command: BaseCommand,
    },
    /// Make and ask databases of advisories
    Db {
        /// What to do with one.
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Write or check a policy
    Policy {
        /// What to do with it.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Check images before git pushes
    Hook {
        /// What to do.
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Show what is in an image, unjudged
    Inspect(InspectArguments),
    /// Write what is installed in an image, as CycloneDX or SPDX
    Sbom(SbomArguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// The directory to write them to
        #[arg(value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
    /// Tell what is checked
    Rules {
        /// What to tell; the list where nothing is said.
        #[command(subcommand)]
        command: Option<RulesCommand>,
    },
}

/// What known vulnerabilities are told by, wherever images are judged.
#[derive(Debug, Clone, Default, Args)]
pub struct Vulnerabilities {
    /// Database of advisories (ocicheck db build): tells known vulnerabilities of what is installed
    #[arg(long, value_name = "FILE", env = "OCICHECK_ADVISORIES")]
    pub advisories: Option<PathBuf>,
    /// OpenVEX document: vulnerabilities that it says do not affect the image are accepted; may be repeated, beside
    /// those that the policy names
    #[arg(long, value_name = "FILE", env = "OCICHECK_VEX")]
    pub vex: Vec<PathBuf>,
}

/// `ocicheck check`.
#[derive(Debug, Default, Args)]
pub struct CheckArguments {
    /// Image archives (docker save, OCI; also compressed), OCI layout directories, or - for standard input
    #[arg(required_unless_present = "images_from", value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Check the images that FILE lists too, one path a line, or - for a list on standard input
    #[arg(long, value_name = "FILE")]
    pub images_from: Option<PathBuf>,
    /// Catalog of approved bases; without it only profiles that demand a base do so, and images are in error by them
    #[arg(long, value_name = "FILE", env = "OCICHECK_BASES")]
    pub bases: Option<PathBuf>,
    /// What known vulnerabilities are told by.
    #[command(flatten)]
    pub vulnerabilities: Vulnerabilities,
    /// Policy to judge by [default: ocicheck.toml in the current directory, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OCICHECK_POLICY")]
    pub policy: Option<PathBuf>,
    /// SHA-256 that the policy's file must have
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub policy_sha256: Option<Digest>,
    /// Way of publishing to judge by, one of the policy's; built in are default, standard, custom-base,
    /// custom and base-image [default: as the policy says]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// JSON report of before: what it found already is listed and does not fail
    #[arg(long, value_name = "REPORT")]
    pub baseline: Option<PathBuf>,
    /// Environment that the image is for: the policy says which services it requires and allows
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// The day of judgement, for waivers and ages [default: today, in UTC]
    #[arg(long, value_name = "DATE")]
    pub at: Option<jiff::civil::Date>,
    /// Format on standard output; by default text on a terminal, with -q or beside --output, else json
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write the report to FILE too, in the format of its extension (.json, .ndjson, .txt, .sarif, .xml for
    /// JUnit, .md, .html) or of GitLab's file names (gl-container-scanning-report.json,
    /// gl-code-quality-report.json); may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Check only images for this platform; by default all
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// Check only the image of this name or digest; by default all
    #[arg(long, value_name = "NAME|DIGEST")]
    pub image: Option<String>,
    /// Fail on findings of this severity or above [default: as the policy says; medium]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Directory of layers that were read before: the same layers again are hashed and not unpacked
    #[arg(long, value_name = "DIR", env = "OCICHECK_CACHE")]
    pub cache: Option<PathBuf>,
    /// How many bytes the cache may take, 1048576 or more [default: 2147483648]
    #[arg(long, value_name = "BYTES", requires = "cache",
        value_parser = clap::value_parser!(u64).range(limits::CACHE_LEAST_BYTES..))]
    pub cache_size: Option<u64>,
    /// How long reading and judging may take, as 90, 90s, 5m or 1h: what is not checked by then is an error [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time, env = "OCICHECK_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// How many threads to use, at most 256 [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Progress on standard error
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    pub progress: Progress,
    /// Colour in text
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// One line for each image
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Every path, and every rule that was not evaluated
    #[arg(short, long)]
    pub verbose: bool,
}

/// A time: whole seconds, or a number with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let seconds = match text.get(digits.len()..) {
        Some("" | "s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3_600),
        _ => None,
    };
    let number = digits.parse::<u64>().ok().filter(|number| *number > 0);
    let time = number.zip(seconds).and_then(|(number, seconds)| number.checked_mul(seconds));
    time.map(Duration::from_secs)
        .ok_or_else(|| "a time is a number above 0 with s, m or h behind it".to_owned())
}

/// A SHA-256: its digits, as `sha256sum` prints them, also with `sha256:` before them.
fn sha256(text: &str) -> Result<Digest, String> {
    let text = text.to_ascii_lowercase();
    let digits = text.strip_prefix("sha256:").unwrap_or(&text);
    format!("sha256:{digits}").parse().map_err(|_| {
        "a SHA-256 is 64 hexadecimal digits, as `sha256sum ocicheck.toml` prints them".to_owned()
    })
}

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs; its JSON Schema is in docs
    Json,
    /// A line of JSON for each image, and the summary last
    Ndjson,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML: an image is a suite, a rule a case
    Junit,
    /// A summary for a pull request
    Markdown,
    /// One file for an audit
    Html,
    /// GitLab's container scanning report
    Gitlab,
    /// GitLab's code quality report
    GitlabCodequality,
}

/// A form of what `inspect` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// For people
    Text,
    /// For programs; its JSON Schema is in docs
    Json,
}

/// Whether to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// When standard error is a terminal
    #[default]
    Auto,
    /// Not at all
    Never,
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// When standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// In any case
    Always,
    /// Not at all
    Never,
}

/// The catalog file.
#[derive(Debug, Args)]
pub struct CatalogFile {
    /// Catalog of approved bases
    #[arg(long, value_name = "FILE", env = "OCICHECK_BASES", default_value = "bases.json")]
    pub bases: PathBuf,
}

/// `ocicheck base`.
#[derive(Debug, Subcommand)]
pub enum BaseCommand {
    /// Verify an image and add it to the catalog
    Add(AddBase),
    /// List the bases of the catalog
    List {
        /// The catalog.
        #[command(flatten)]
        catalog: CatalogFile,
    },
    /// Show all that the catalog says of a base, as JSON
    Show {
        /// The catalog.
        #[command(flatten)]
        catalog: CatalogFile,
        /// NAME:VERSION (all its platforms), NAME (all its versions) or chainID
        #[arg(value_name = "BASE")]
        base: String,
    },
    /// Mark a base as one to move away from
    Deprecate(ChangeBase),
    /// Mark a base as one that must not be used any more
    Revoke(ChangeBase),
}

/// `ocicheck base add`.
#[derive(Debug, Args)]
pub struct AddBase {
    /// Image archive or OCI layout directory of the base, or - for standard input
    #[arg(value_name = "IMAGE")]
    pub image_file: PathBuf,
    /// The catalog.
    #[command(flatten)]
    pub catalog: CatalogFile,
    /// What the base is called
    #[arg(long)]
    pub name: String,
    /// Which version of it this is
    #[arg(long = "version", value_name = "VERSION")]
    pub base_version: String,
    /// Whose base it is: the company's, or a team's that extends an official one
    #[arg(long, value_enum, default_value_t = Tier::Official)]
    pub tier: Tier,
    /// Add only images for this platform; by default all
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// Add only the image of this name or digest; by default all
    #[arg(long, value_name = "NAME|DIGEST")]
    pub image: Option<String>,
    /// Make no facts files, which stand beside the catalog and let `check` hash the base's layers
    /// instead of unpacking them
    #[arg(long)]
    pub no_facts: bool,
    /// How long reading and verifying may take, as 90, 90s, 5m or 1h: nothing is added then [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time, env = "OCICHECK_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// The day it is added [default: today, in UTC]
    #[arg(long, value_name = "DATE")]
    pub at: Option<jiff::civil::Date>,
}

/// `ocicheck base deprecate` and `revoke`.
#[derive(Debug, Args)]
pub struct ChangeBase {
    /// NAME:VERSION (all its platforms), NAME (all its versions) or chainID
    #[arg(value_name = "BASE")]
    pub base: String,
    /// The catalog.
    #[command(flatten)]
    pub catalog: CatalogFile,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// What to build on instead
    #[arg(long, value_name = "NAME:VERSION")]
    pub successor: Option<String>,
    /// The day of the change [default: today, in UTC]
    #[arg(long, value_name = "DATE")]
    pub at: Option<jiff::civil::Date>,
}

/// `ocicheck policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Write a policy to start from, with its keys explained
    Init {
        /// What to start from
        #[arg(long, value_enum, default_value_t = Preset::Default)]
        preset: Preset,
        /// The file to write; it must not be there yet
        #[arg(value_name = "FILE", default_value = "ocicheck.toml")]
        file: PathBuf,
    },
    /// Read a policy, and print the whole of what is in force by it
    Check {
        /// The policy [default: ocicheck.toml in the current directory, else the built-in one]
        #[arg(value_name = "FILE", env = "OCICHECK_POLICY")]
        file: Option<PathBuf>,
    },
}

/// `ocicheck hook`.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Have git check images before each push from this repository
    Install(InstallHook),
    /// Check the images that [hook] of the policy names, as git's pre-push hook
    Run(RunHook),
}

/// `ocicheck hook install`.
#[derive(Debug, Args)]
pub struct InstallHook {
    /// Keep a pre-push hook that is there, and call it first
    #[arg(long, conflicts_with = "uninstall")]
    pub chain: bool,
    /// Write to a directory of hooks outside of the repository, which others may use too
    #[arg(long)]
    pub shared: bool,
    /// Remove the hook, and put back what --chain kept
    #[arg(long)]
    pub uninstall: bool,
    /// Policy that the hook will go by, for a warning where it names no image [default: ocicheck.toml at the top
    /// of the work tree]
    #[arg(long, value_name = "FILE", env = "OCICHECK_POLICY")]
    pub policy: Option<PathBuf>,
}

/// `ocicheck hook run`.
#[derive(Debug, Args)]
pub struct RunHook {
    /// Name of the remote, as git gives it
    #[arg(value_name = "REMOTE")]
    pub remote: Option<OsString>,
    /// Where the remote is, as git gives it
    #[arg(value_name = "URL")]
    pub url: Option<OsString>,
    /// Check whatever is pushed; standard input is not read
    #[arg(long)]
    pub always: bool,
    /// Policy to go and judge by [default: ocicheck.toml at the top of the work tree]
    #[arg(long, value_name = "FILE", env = "OCICHECK_POLICY")]
    pub policy: Option<PathBuf>,
    /// Catalog of approved bases [default: as [hook] says; without it no base is demanded]
    #[arg(long, value_name = "FILE", env = "OCICHECK_BASES")]
    pub bases: Option<PathBuf>,
    /// What known vulnerabilities are told by.
    #[command(flatten)]
    pub vulnerabilities: Vulnerabilities,
    /// Directory of layers that were read before
    #[arg(long, value_name = "DIR", env = "OCICHECK_CACHE")]
    pub cache: Option<PathBuf>,
    /// How long reading and judging the images may take, as 90, 90s, 5m or 1h: what is not checked by then is an error. What a
    /// build takes does not count [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time, env = "OCICHECK_TIMEOUT")]
    pub timeout: Option<Duration>,
}

/// `ocicheck inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Image archive, OCI layout directory, or - for standard input
    #[arg(value_name = "IMAGE")]
    pub image_file: PathBuf,
    /// List the tree that a runtime would see, with the layer that put each path there
    #[arg(long)]
    pub tree: bool,
    /// List one layer as it is, counted from 0
    #[arg(long, value_name = "N", conflicts_with = "tree")]
    pub layer: Option<usize>,
    /// List what is installed, with the layer that brought each package in its version
    #[arg(long, conflicts_with_all = ["tree", "layer"])]
    pub packages: bool,
    /// Catalog of approved bases: tells which layers, and so which paths, are the base's
    #[arg(long, value_name = "FILE", env = "OCICHECK_BASES")]
    pub bases: Option<PathBuf>,
    /// Show only images for this platform; by default all
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// Show only the image of this name or digest; by default all
    #[arg(long, value_name = "NAME|DIGEST")]
    pub image: Option<String>,
    /// How long reading may take, as 90, 90s, 5m or 1h: what is not read by then is an error [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time, env = "OCICHECK_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// Format on standard output; by default text on a terminal, else json
    #[arg(long, value_enum)]
    pub format: Option<InspectFormat>,
}

/// `ocicheck sbom`.
#[derive(Debug, Args)]
pub struct SbomArguments {
    /// Image archive, OCI layout directory, or - for standard input
    #[arg(value_name = "IMAGE")]
    pub image_file: PathBuf,
    /// Format of the bill of materials
    #[arg(long, value_enum, default_value_t = SbomFormat::Cyclonedx)]
    pub format: SbomFormat,
    /// Write it to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Catalog of approved bases: tells which packages are the base's
    #[arg(long, value_name = "FILE", env = "OCICHECK_BASES")]
    pub bases: Option<PathBuf>,
    /// The image for this platform, where there are several
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// The image of this name or digest, where there are several
    #[arg(long, value_name = "NAME|DIGEST")]
    pub image: Option<String>,
    /// How long reading may take, as 90, 90s, 5m or 1h: what is not read by then is an error [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time, env = "OCICHECK_TIMEOUT")]
    pub timeout: Option<Duration>,
}

/// A form of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SbomFormat {
    /// CycloneDX 1.6, JSON
    Cyclonedx,
    /// SPDX 2.3, JSON
    Spdx,
}

/// `ocicheck rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List all rules
    List,
    /// Show the page of a rule
    Explain {
        /// The rule's name
        #[arg(value_name = "RULE")]
        rule: String,
    },
}

#[cfg(test)]
mod tests;
