//! `ocicheck hook`: putting the pre-push hook into a repository, and being it.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{CheckArguments, Format, HookCommand, InstallHook, Progress, RunHook};
use super::exit::Exit;
use super::policy::{DISCOVERED, beside, found, vex};
use super::{check, formats, output};
use crate::error::{Error, Result};
use crate::hook::{self, Destination, KEPT, Pushed, Repository, Wanted};
use crate::host;
use crate::policy::{Choice, Draft, Hook, Policy};
use crate::report::Verdict;

pub(super) fn run(command: &HookCommand) -> Result<Exit> {
    match command {
        HookCommand::Install(arguments) if arguments.uninstall => uninstall(arguments)?,
        HookCommand::Install(arguments) => install(arguments)?,
        HookCommand::Run(arguments) => return check_push(arguments),
    }
    Ok(Exit::Passed)
}

fn install(arguments: &InstallHook) -> Result<()> {
    let repository = Repository::here()?;
    let wanted = Wanted { chain: arguments.chain, shared: arguments.shared };
    let installed = hook::install(&repository, wanted)?;
    let first = if installed.kept { format!("; it calls {KEPT} first") } else { String::new() };
    output::tell(&format!("wrote {}{first}", installed.file.display()));
    if let Err(error) = settings(arguments.policy.as_deref(), &[], &repository) {
        output::tell_error(&error.at("pushes will be refused"));
    }
    Ok(())
}

fn uninstall(arguments: &InstallHook) -> Result<()> {
    let removed = hook::uninstall(&Repository::here()?, arguments.shared)?;
    let file = removed.file.display();
    output::tell(&match (removed.done, removed.kept) {
        (false, _) => format!("no hook of ocicheck is at {file}"),
        (true, true) => format!("{file} is the hook of before again"),
        (true, false) => format!("removed {file}"),
    });
    Ok(())
}

fn check_push(arguments: &RunHook) -> Result<Exit> {
    let pushed = if arguments.always { None } else { Some(pushed()?) };
    match pushed {
        Some(Pushed::Deletions) => {
            output::tell("ocicheck: nothing is pushed but deletions, so no image is checked");
            return Ok(Exit::Passed);
        }
        // Nobody knows whether there is something to check for, and an error is never a pass.
        Some(Pushed::Unsaid) => output::tell(
            "ocicheck: no line on standard input says what is pushed, so the images are checked: all is there already, \
             the remote takes nothing of it (`git push --no-verify` tells why), or what runs this hook does not hand on what \
             git says",
        ),
        Some(Pushed::Updates(_)) | None => {}
    }
    let repository = Repository::here()?;
    let (hook, policy) = settings(arguments.policy.as_deref(), &arguments.vulnerabilities.vex, &repository)?;
    let destination = Destination { remote: arguments.remote.as_deref(), url: arguments.url.as_deref() };
    if let Some(Pushed::Updates(updates)) = &pushed
        && !hook::is_relevant(&repository, &hook.when, destination, updates)?
    {
        output::tell("ocicheck: no file that `when` of [hook] names is pushed, so no image is checked");
        return Ok(Exit::Passed);
    }
    let images = hook::images(&repository, &hook, |line| output::tell(&format!("ocicheck: {line}")))?;
    let images: Vec<_> = images.into_iter().map(|image| named(&repository, image)).collect();
    let exit = judge(arguments, &repository, &hook, policy, images)?;
    if exit != Exit::Passed && !arguments.always {
        output::tell("ocicheck: nothing is pushed; `git push --no-verify` pushes without any check");
    }
    Ok(exit)
}

/// What git says is pushed.
fn pushed() -> Result<Pushed> {
    let by_hand = host::ask(|| Ok(std::io::stdin().is_terminal()));
    if by_hand.is_ok_and(|by_hand| by_hand) {
        let what = "git tells its hook on standard input what is pushed, and this is a terminal";
        let hint = "`ocicheck hook run --always` checks the images now; a program that runs hooks has to hand on what \
                    git says (in Lefthook: use_stdin)";
        return Err(Error::usage(what).hint(hint));
    }
    hook::read(host::Stream::new(std::io::stdin()))
}

/// What the policy says of the hook, and the policy to judge by, with more VEX documents.
fn settings(named: Option<&Path>, more: &[PathBuf], repository: &Repository) -> Result<(Hook, Policy)> {
    let hint = "`ocicheck policy init` writes a policy; its table [hook] names the images to check";
    let Some((source, text)) = found(named, &repository.top)? else {
        let what = format!("there is no {DISCOVERED} in {}", repository.top.display());
        return Err(Error::usage(what).hint(hint));
    };
    let draft = Draft::read(&text).map_err(|error| error.at(source.name()))?;
    let Some(hook) = draft.hook().cloned() else {
        let what = format!("the policy {} has no table [hook]", source.name());
        return Err(
            Error::usage(what).hint("say which images to check, as in [hook] images = [\"dist/*.tar\"]")
        );
    };
    let choice =
        Choice { profile: hook.profile.as_deref(), environment: hook.env.as_deref(), ..Choice::default() };
    let mut policy = Policy::read(&text, source, choice)?;
    let directory = beside(named, &repository.top);
    policy.vex = Arc::new(vex(&policy.settings.options.vulnerability.vex, &directory, more, None)?);
    Ok((hook, policy))
}

/// An image by the path that is shown: as the pattern has it where that leads there.
fn named(repository: &Repository, image: PathBuf) -> PathBuf {
    let is_here = std::env::current_dir().is_ok_and(|here| here == repository.top);
    // A file of the name - is no standard input.
    if is_here && image.as_os_str() != "-" { image } else { repository.top.join(image) }
}

fn judge(
    arguments: &RunHook,
    repository: &Repository,
    hook: &Hook,
    policy: Policy,
    images: Vec<PathBuf>,
) -> Result<Exit> {
    let of_hook = hook.bases.as_ref().map(|path| repository.top.join(path));
    let mut check = CheckArguments {
        bases: arguments.bases.clone().or(of_hook),
        vulnerabilities: arguments.vulnerabilities.clone(),
        cache: arguments.cache.clone(),
        timeout: arguments.timeout,
        progress: Progress::Never,
        ..CheckArguments::default()
    };
    let report = check::judge(&check, &images, policy)?;
    // Nobody reads on where all is well.
    check.quiet = report.verdict == Verdict::Pass;
    output::stream_to_stdout(|out| formats::write(&report, Format::Text, &check::style(&check), out))?;
    Ok(report.verdict.into())
}
