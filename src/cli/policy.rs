//! `ocicheck policy`, and finding the policy of `ocicheck check`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{CheckArguments, PolicyCommand};
use super::exit::Exit;
use super::output;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits;
use crate::policy::vex::{Documents, Named};
use crate::policy::{Baseline, Choice, Draft, Policy, Preset, Source};
use crate::rules::options::VexFile;

/// The policy that is found where none is named.
pub(super) const DISCOVERED: &str = "ocicheck.toml";

/// The current directory.
const HERE: &str = "";

pub(super) fn run(command: &PolicyCommand) -> Result<Exit> {
    match command {
        PolicyCommand::Init { preset, file } => init(*preset, file)?,
        PolicyCommand::Check { file } => {
            let draft = match found(file.as_deref(), Path::new(HERE))? {
                Some((source, text)) => Draft::read(&text).map_err(|error| error.at(source.name()))?,
                None => Draft::of_preset(Preset::Default)?,
            };
            vex(draft.vex(), &beside(file.as_deref(), Path::new(HERE)), &[], None)?;
            output::to_stdout(&draft.to_text())?;
        }
    }
    Ok(Exit::Passed)
}

/// The policy to judge by.
pub(super) fn load(arguments: &CheckArguments) -> Result<Policy> {
    let choice = Choice {
        profile: arguments.profile.as_deref(),
        environment: arguments.env.as_deref(),
        fail_on: arguments.fail_on,
        at: arguments.at,
    };
    let mut policy = match found(arguments.policy.as_deref(), Path::new(HERE))? {
        Some((source, text)) => Policy::read(&text, source, choice)?,
        None => Policy::built_in(choice)?,
    };
    if let Some(wanted) = &arguments.policy_sha256
        && *wanted != policy.sha256
    {
        let what = format!(
            "the policy {} has the SHA-256 {}, and --policy-sha256 says another",
            policy.source.name(),
            policy.sha256.hex()
        );
        return Err(Error::usage(what).hint("review the policy, and pin it anew if it is the right one"));
    }
    policy.baseline = arguments.baseline.as_deref().map(baseline).transpose()?;
    let directory = beside(arguments.policy.as_deref(), Path::new(HERE));
    let pinned = arguments.policy_sha256.is_some().then(|| policy.source.name());
    let files = &policy.settings.options.vulnerability.vex;
    policy.vex = Arc::new(vex(files, &directory, &arguments.vulnerabilities.vex, pinned)?);
    Ok(policy)
}

/// What files of a policy are relative to: the directory of its own file.
pub(super) fn beside(named: Option<&Path>, directory: &Path) -> PathBuf {
    named.map_or(directory, |path| path.parent().unwrap_or(directory)).to_owned()
}

/// Reads the VEX documents that a policy names, then those of the command line. `pinned` is the policy whose text the
/// caller has pinned: what it names must be pinned by it, or another could widen what it accepts.
pub(super) fn vex(
    files: &[VexFile],
    directory: &Path,
    named: &[PathBuf],
    pinned: Option<&str>,
) -> Result<Documents> {
    let mut documents = Documents::default();
    for VexFile { file, sha256, line } in files {
        let path = directory.join(file);
        let text = super::read_text(&path, "VEX_BYTES", limits::VEX_BYTES)?;
        let found = Digest::sha256(text.as_bytes());
        if let (Some(policy), None) = (pinned, sha256) {
            let what = format!(
                "{policy}:{line}: --policy-sha256 pins the policy, and not the VEX document {file} that it names"
            );
            let hint = format!("review it, and write sha256 = \"{}\" beside file", found.hex());
            return Err(Error::usage(what).hint(hint));
        }
        if sha256.is_some_and(|wanted| wanted != found) {
            let what = format!(
                "the VEX document {} has the SHA-256 {}, and line {line} of the policy says another",
                path.display(),
                found.hex()
            );
            return Err(Error::usage(what).hint("review it, and pin it anew if it is the right one"));
        }
        documents.add(&Named { source: file, text: &text })?;
    }
    for path in named {
        let text = super::read_text(path, "VEX_BYTES", limits::VEX_BYTES)?;
        documents.add(&Named { source: &path.display().to_string(), text: &text })?;
    }
    Ok(documents)
}

fn baseline(path: &Path) -> Result<Baseline> {
    let text = super::read_text(path, "USER_FILE_BYTES", limits::USER_FILE_BYTES)?;
    Baseline::read(&text, &path.display().to_string())
}

/// The text of the policy that is named, or else of the one in a directory.
pub(super) fn found(named: Option<&Path>, directory: &Path) -> Result<Option<(Source, String)>> {
    let (path, source) = match named {
        Some(path) => (path.to_owned(), Source::Named(path.display().to_string())),
        None => {
            let path = directory.join(DISCOVERED);
            if !path.try_exists().unwrap_or(true) {
                return Ok(None);
            }
            (path, Source::Discovered(DISCOVERED.to_owned()))
        }
    };
    let text = super::read_text(&path, "POLICY_BYTES", limits::POLICY_BYTES)?;
    Ok(Some((source, text)))
}

fn init(preset: Preset, file: &Path) -> Result<()> {
    if file.try_exists().unwrap_or(true) {
        let what = format!("{} is there already", file.display());
        return Err(Error::usage(what).hint("name another file, or remove it first"));
    }
    output::to_file(file, &Preset::starter(preset))?;
    output::tell(&format!("wrote {}; `ocicheck policy check` shows what is in force by it", file.display()));
    Ok(())
}
