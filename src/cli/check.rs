//! `ocicheck check`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::args::{CheckArguments, Color, Format, Vulnerabilities};
use super::exit::Exit;
use super::progress::Bar;
use super::{catalog, formats, output, policy, watch};
use crate::advisories::Advisories;
use crate::base::layer_facts::directory_of;
use crate::cache::{Cache, CacheSettings};
use crate::engine::{self, Engine, ReadBefore};
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::limits::{CACHE_BYTES, USER_FILE_BYTES};
use crate::policy::Policy;
use crate::report::text::{Style, Verbosity};
use crate::report::{self, Report};
use crate::source::{Input, Selection};

pub(super) fn run(arguments: &CheckArguments) -> Result<Exit> {
    let outputs = outputs(&arguments.output)?;
    let images = images(arguments)?;
    refuse_overwriting(arguments, &images, &outputs)?;
    let policy = policy::load(arguments)?;
    refuse_overwriting_vex(arguments, &policy, &outputs)?;
    let report = judge(arguments, &images, policy)?;
    for (path, format) in &outputs {
        let style = Style { color: false, width: 100, verbosity: verbosity(arguments) };
        output::stream_to_file(path, |out| formats::write(&report, *format, &style, out))?;
    }
    let format = format(arguments);
    if format != Format::Text || arguments.quiet {
        report.errors.iter().for_each(|error| output::tell_error(&told_again(error)));
    }
    output::stream_to_stdout(|out| formats::write(&report, format, &style(arguments), out))?;
    Ok(report.verdict.into())
}

/// The report on images, by a policy. From here on the time runs that they may take.
pub(super) fn judge(arguments: &CheckArguments, images: &[PathBuf], mut policy: Policy) -> Result<Report> {
    policy.limits.deadline = super::deadline(arguments.timeout);
    let Vulnerabilities { advisories, vex } = &arguments.vulnerabilities;
    if advisories.is_none() && !vex.is_empty() {
        output::tell(
            "note: without advisories (--advisories) no vulnerability is found that VEX documents could be about",
        );
    }
    let catalog = arguments.bases.as_deref().map(catalog::read).transpose()?;
    let facts_files = (catalog.as_ref().zip(arguments.bases.as_deref()))
        .map(|(catalog, path)| engine::facts_files(catalog, &directory_of(path), policy.limits));
    let cache = cache(arguments)?;
    let engine = Engine {
        policy,
        catalog,
        facts_files,
        advisories: advisories.as_deref().map(Advisories::open).transpose()?,
        // A cache hands layers from one input to the next, too.
        read_before: (images.len() > 1 && cache.is_none()).then(ReadBefore::default),
        cache,
        selection: Selection { platform: arguments.platform.clone(), image: arguments.image.clone() },
    };
    let inputs: Vec<_> = images.iter().map(|image| Input::from_argument(image)).collect();
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(Error::usage("standard input (-) can be read only once"));
    }
    let engine = Arc::new(engine);
    let report = check(&engine, inputs, arguments)?;
    for note in engine.cache.iter().flat_map(Cache::take_notes) {
        output::tell(&format!("ocicheck: {note}"));
    }
    Ok(report)
}

/// What is read is not written over.
fn refuse_overwriting(
    arguments: &CheckArguments,
    images: &[PathBuf],
    outputs: &[(&Path, Format)],
) -> Result<()> {
    let others = [
        &arguments.vulnerabilities.advisories,
        &arguments.bases,
        &arguments.policy,
        &arguments.baseline,
        &arguments.images_from,
    ];
    let inputs: Vec<PathBuf> = images
        .iter()
        .chain(others.into_iter().flatten())
        .chain(&arguments.vulnerabilities.vex)
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let facts = arguments.bases.as_deref().and_then(|bases| directory_of(bases).canonicalize().ok());
    for (path, _) in outputs {
        let told = |what| Err(taken(path, what));
        if path.canonicalize().is_ok_and(|path| inputs.contains(&path)) {
            return told(READ);
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let Ok(directory) = directory.unwrap_or(Path::new(".")).canonicalize() else { continue };
        if inputs.iter().any(|input| directory.starts_with(input)) {
            return told("inside an image that is read");
        }
        if facts.as_ref().is_some_and(|facts| directory.starts_with(facts)) {
            return told("among the facts files of the catalog");
        }
    }
    Ok(())
}

/// What is wrong with a file of `--output` that is read.
const READ: &str = "read, and would be overwritten by --output";

fn taken(path: &Path, what: &str) -> Error {
    Error::usage(format!("{} is {what}", path.display())).hint("name another file for the report")
}

/// As [`refuse_overwriting`], of the documents that only the policy names.
fn refuse_overwriting_vex(
    arguments: &CheckArguments,
    policy: &Policy,
    outputs: &[(&Path, Format)],
) -> Result<()> {
    let directory = policy::beside(arguments.policy.as_deref(), Path::new(""));
    let files = policy.settings.options.vulnerability.vex.iter();
    let files: Vec<_> = files.filter_map(|it| directory.join(&it.file).canonicalize().ok()).collect();
    let is_read = |path: &Path| path.canonicalize().is_ok_and(|path| files.contains(&path));
    match outputs.iter().find(|(path, _)| is_read(path)) {
        Some((path, _)) => Err(taken(path, READ)),
        None => Ok(()),
    }
}

/// The images that are named, then those of the list.
fn images(arguments: &CheckArguments) -> Result<Vec<PathBuf>> {
    let mut images = arguments.images.clone();
    let Some(list) = &arguments.images_from else { return Ok(images) };
    let stdin = Path::new("-");
    if list == stdin && images.iter().any(|image| image == stdin) {
        return Err(Error::usage("standard input (-) is an image or the list of them, not both"));
    }
    let text = if list == stdin {
        super::read_text_from(
            host::Stream::new(std::io::stdin()),
            Path::new("standard input"),
            "USER_FILE_BYTES",
            USER_FILE_BYTES,
        )?
    } else {
        super::read_text(list, "USER_FILE_BYTES", USER_FILE_BYTES)?
    };
    // Editors on Windows begin a file with it. A path that does is written with ./ before it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    images.extend(
        text.lines()
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| !line.is_empty())
            .map(PathBuf::from),
    );
    if images.is_empty() {
        let what = format!("{} lists no image", list.display());
        return Err(Error::usage(what).hint("write one path a line"));
    }
    Ok(images)
}

/// The cache that is asked for. One that cannot be used is told, and images are checked without it: what
/// the report says does not depend on it.
fn cache(arguments: &CheckArguments) -> Result<Option<Cache>> {
    let Some(directory) = &arguments.cache else { return Ok(None) };
    let key = std::env::var_os("OCICHECK_CACHE_KEY").map(|key| key.into_encoded_bytes());
    if key.as_ref().is_some_and(Vec::is_empty) {
        // As CI systems set a secret that a job may not see. A key from the directory would be another's.
        return Err(Error::usage("OCICHECK_CACHE_KEY is empty, and the cache is guarded by it").hint(
            "a job that may not see the key is run without a cache: leave out --cache and OCICHECK_CACHE",
        ));
    }
    let bytes = arguments.cache_size.unwrap_or(CACHE_BYTES);
    match Cache::open(&CacheSettings { directory: directory.clone(), bytes, key }) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) if error.kind() == ErrorKind::Usage => Err(error),
        Err(error) => {
            output::tell_error(&error.at("the cache is not used"));
            Ok(None)
        }
    }
}

fn check(engine: &Arc<Engine>, inputs: Vec<Input>, arguments: &CheckArguments) -> Result<Report> {
    let started_at = jiff::Timestamp::now();
    let clock = Instant::now();
    let progress = Arc::new(Bar::new(arguments.progress));
    let mut report = report::Builder::new(&engine.policy);
    let jobs = watch::check(engine, inputs, arguments.jobs.map(usize::from), &progress, &mut report);
    progress.finish();
    Ok(report.finish(started_at.to_string(), clock.elapsed(), jobs?))
}

/// The files to write with their formats; each once.
fn outputs(paths: &[std::path::PathBuf]) -> Result<Vec<(&Path, Format)>> {
    let mut outputs: Vec<(&Path, Format)> = Vec::new();
    for path in paths {
        let format = formats::of_file(path)?;
        if outputs.iter().any(|(other, _)| other == path) {
            return Err(Error::usage(format!("{} is named twice as output", path.display())));
        }
        outputs.push((path, format));
    }
    Ok(outputs)
}

fn format(arguments: &CheckArguments) -> Format {
    let for_people = output::is_terminal() || !arguments.output.is_empty() || arguments.quiet;
    arguments.format.unwrap_or(if for_people { Format::Text } else { Format::Json })
}

pub(super) fn style(arguments: &CheckArguments) -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = match arguments.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => output::is_terminal() && !no_color,
    };
    Style { color, width: output::width(), verbosity: verbosity(arguments) }
}

fn verbosity(arguments: &CheckArguments) -> Verbosity {
    match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

fn told_again(error: &report::ErrorReport) -> Error {
    Error::invalid(error.message.clone()).hint(error.hint.clone().unwrap_or_default())
}
