//! Services in an image, and what the environment says of them.

mod inside;
mod linked;
pub(super) mod service_missing;
pub(super) mod service_not_allowed;

use std::collections::{BTreeMap, BTreeSet};

use self::inside::Inside;
use self::linked::Linked;
use super::findings::Findings;
use super::pattern::{MemberPatterns, Pattern};
use super::quote::Shown;
use super::rule::{Finding, Judgement};
use super::services::{Environment, Service, Services, words};
use super::settings::Settings;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::model::escape::{escape_bytes, escape_text};
use crate::rootfs::Rootfs;
use crate::scan::secrets::{mask_assignment, mask_text, mask_words};

/// Signs of one kind that are told of a service.
const TOLD: usize = 10;

/// Where a service shows.
#[derive(Debug, Default)]
struct Signs {
    /// Its files, with the layer that put each there.
    files: BTreeSet<(ImagePath, usize)>,
    /// Archives with the layer that put each there and the first of its members.
    inside: BTreeSet<(ImagePath, usize, String)>,
    /// Names of variables.
    env: BTreeSet<String>,
    /// Words of commands, with where they stand.
    arguments: BTreeSet<String>,
    /// Names of labels.
    labels: BTreeSet<String>,
    /// Whether there are more files or archives than are kept.
    more: bool,
}

impl Signs {
    fn is_empty(&self) -> bool {
        let Self { files, inside, env, arguments, labels, more: _ } = self;
        files.is_empty() && inside.is_empty() && env.is_empty() && arguments.is_empty() && labels.is_empty()
    }

    /// Adds them to a finding: the first file or else archive as its place, the rest as evidence.
    fn prove(&self, mut finding: Finding) -> Finding {
        let file = self.files.first().map(|(path, layer)| (path, layer));
        if let Some((path, layer)) = file.or(self.inside.first().map(|(path, layer, _)| (path, layer))) {
            finding = finding.path(path).layer(*layer);
        }
        for (path, _) in self.files.iter().take(TOLD) {
            finding = finding.evidence("files", path);
        }
        for (path, _, member) in self.inside.iter().take(TOLD) {
            finding = finding.evidence("inside", format!("{path}: {member}"));
        }
        // Who accepts the finding accepts those that are not told, and no further ones.
        let mut others = String::new();
        let told = [("env", &self.env), ("arguments", &self.arguments), ("labels", &self.labels)];
        for (name, signs) in told {
            for sign in signs.iter().take(TOLD) {
                finding = finding.evidence(name, escape_text(sign));
            }
            finding.also.more |= !signs.is_empty();
            others.extend(signs.iter().skip(TOLD).map(|sign| format!("{name} {sign}\n")));
        }
        if !others.is_empty() {
            finding = finding.evidence("othersSha256", Digest::sha256(others.as_bytes()).hex());
        }
        let paths = self.files.iter().map(|(path, _)| path);
        let paths: BTreeSet<_> = paths.chain(self.inside.iter().map(|(path, _, _)| path)).collect();
        let first = finding.path.clone();
        for path in paths.into_iter().filter(|path| Some(*path) != first.as_ref()) {
            finding.add_path(path);
        }
        finding.also.more |= self.more;
        finding
    }
}

/// What the rules need: the services, the environment and the tree; or why they cannot be evaluated.
fn asked<'a>(
    facts: &'a Facts,
    settings: &'a Settings,
) -> Result<(&'a Services, &'a Environment, &'a Rootfs), Judgement> {
    let services = &settings.services;
    let Some(environment) = &services.environment else {
        return Err(Judgement::not_evaluated("no environment was named (--env)"));
    };
    match &facts.rootfs {
        Ok(rootfs) => Ok((services, environment, rootfs)),
        Err(reason) => Err(Judgement::not_evaluated(reason.clone())),
    }
}

/// What was found of some services.
#[derive(Debug)]
struct Found<'a> {
    /// Where each shows; all services that were asked for are there.
    signs: BTreeMap<&'a str, Signs>,
    /// Services that show by nothing that was looked at, and of which not all was.
    unknown: BTreeSet<&'a str>,
    /// Why not all was.
    gap: Option<String>,
}

impl Found<'_> {
    /// The judgement with these findings.
    fn judgement(self, findings: Findings<'_>) -> Judgement {
        Judgement::of(findings).incomplete(self.gap.filter(|_| !self.unknown.is_empty()))
    }
}

/// Where each of some services shows, in any reading of the layers and of the config.
fn find<'a>(
    services: impl Iterator<Item = (&'a String, &'a Service)>,
    facts: &'a Facts,
    rootfs: &Rootfs,
) -> Found<'a> {
    let services: Vec<_> = services.collect();
    let mut all: BTreeMap<&str, Signs> =
        services.iter().map(|(name, service)| (name.as_str(), in_settings(service, facts))).collect();
    let mut archives = Inside::new(&services, facts);
    let named = services.iter().flat_map(|(name, service)| service.files.iter().map(|p| (name.as_str(), p)));
    let patterns = MemberPatterns::new(named);
    let shown = |path: &[u8]| -> Vec<&str> {
        match &patterns {
            Ok(together) => together.owners(path).collect(),
            // Too many for one expression.
            Err(_) => {
                let shows =
                    |service: &Service| service.files.iter().any(|pattern| pattern.matches_path(path));
                services.iter().filter(|(_, service)| shows(service)).map(|(name, _)| name.as_str()).collect()
            }
        }
    };
    // One walk for all of them, and none for none.
    let readings = rootfs.readings.iter().filter(|_| !services.is_empty());
    for (path, node) in readings.flat_map(|reading| reading.effective.walk()) {
        let absolute = [b"/", path.as_bytes()].concat();
        for name in shown(&absolute) {
            if let Some(signs) = all.get_mut(name) {
                add(&mut signs.files, &mut signs.more, (path.clone(), node.origin().layer()));
            }
        }
        for (name, member) in archives.of(node.inode()) {
            if let Some(signs) = all.get_mut(name) {
                let place = (path.clone(), node.origin().layer(), escape_bytes(member));
                add(&mut signs.inside, &mut signs.more, place);
            }
        }
    }
    let mut linked = Linked::new(&services);
    for reading in &rootfs.readings {
        linked.find(&reading.effective, |name, path, node| {
            if let Some(signs) = all.get_mut(name) {
                add(&mut signs.files, &mut signs.more, (path.clone(), node.origin().layer()));
            }
        });
    }
    let may_show = |service: &Service| {
        archives.gap.is_some() && !service.inside.is_empty()
            || linked.gap.is_some() && !service.files.is_empty()
    };
    let unknown = services
        .iter()
        .filter(|(_, service)| may_show(service))
        .map(|(name, _)| name.as_str())
        .filter(|name| all.get(name).is_none_or(Signs::is_empty))
        .collect();
    Found { signs: all, unknown, gap: archives.gap.or(linked.gap) }
}

/// Adds a place, as long as there is room.
fn add<T: Ord>(places: &mut BTreeSet<T>, more: &mut bool, place: T) {
    if places.len() < limits::FINDING_PATHS {
        places.insert(place);
    } else {
        *more |= !places.contains(&place);
    }
}

/// Where a service shows in any reading of the config.
fn in_settings(service: &Service, facts: &Facts) -> Signs {
    let mut signs = Signs::default();
    let any = |patterns: &[Pattern], word: &str| patterns.iter().any(|pattern| pattern.matches(word));
    for config in &facts.image.configs {
        let commands =
            [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd), ("HEALTHCHECK", &config.health_check)];
        let named = commands.iter().flat_map(|(_, command)| command.iter()).flat_map(|word| variables(word));
        let named: BTreeSet<_> = named.collect();
        for variable in &config.env {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            if any(&service.env, variable) {
                signs.env.insert(mask_text(name));
            }
            if holds_options(name) || named.contains(name) {
                let found: Vec<_> =
                    words(value).into_iter().filter(|word| any(&service.arguments, word)).collect();
                let shown = shown(&found, || vec![mask_assignment(name, value)]);
                signs.arguments.extend(found.iter().map(|word| format!("{name}: {}", shown.part(word))));
            }
        }
        for (place, command) in commands {
            // The shell form is one word that holds a whole command.
            let all = command.iter().flat_map(|word| words(word).into_iter().chain([word.clone()]));
            let found: Vec<_> = all.filter(|word| any(&service.arguments, word)).collect();
            let shown = shown(&found, || mask_words(command));
            signs.arguments.extend(found.iter().map(|word| format!("{place}: {}", shown.part(word))));
        }
        for (name, value) in &config.labels {
            if any(&service.labels, &format!("{name}={value}")) {
                signs.labels.insert(mask_text(name));
            }
        }
    }
    signs
}

/// How the words that were found may be shown, of a command or value that is shown as `masked`.
fn shown(found: &[String], masked: impl FnOnce() -> Vec<String>) -> Shown {
    let masked = if found.is_empty() { Vec::new() } else { masked() };
    Shown::of(masked.iter().flat_map(|text| words(text).into_iter().chain([text.clone()])))
}

/// The names of the variables that a command says: `$NAME`, `${NAME}`.
fn variables(word: &str) -> impl Iterator<Item = &str> {
    let name = |behind: &'_ str| -> usize {
        behind.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(behind.len())
    };
    word.split('$').skip(1).filter_map(move |behind| {
        let behind = behind.strip_prefix('{').unwrap_or(behind);
        behind.get(..name(behind)).filter(|name| !name.is_empty())
    })
}

/// Variables that hold options of a program: those that the JVM reads itself (`JAVA_TOOL_OPTIONS`,
/// `JDK_JAVA_OPTIONS`, `_JAVA_OPTIONS`), and those of start scripts and other runtimes (`JAVA_OPTS`,
/// `JAVA_OPTS_APPEND`, `CATALINA_OPTS`, `NODE_OPTIONS`, `RUBYOPT`, `PERL5OPT`).
fn holds_options(name: &str) -> bool {
    let ends = ["OPTIONS", "OPTS", "OPT", "ARGS", "ARGUMENTS", "FLAGS", "PARAMS", "PARAMETERS"];
    name.to_ascii_uppercase().split(['_', '.', '-']).any(|part| ends.iter().any(|end| part.ends_with(end)))
}
