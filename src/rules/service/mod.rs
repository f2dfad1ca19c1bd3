//! Services in an image, and what the environment says of them.

pub(super) mod service_missing;
pub(super) mod service_not_allowed;

use std::collections::{BTreeMap, BTreeSet};

use super::pattern::Pattern;
use super::rule::{Finding, Judgement};
use super::services::{Environment, Service, Services, words};
use super::settings::Settings;
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::rootfs::Rootfs;

/// Signs of one kind that are told of a service.
const TOLD: usize = 10;

/// Where a service shows.
#[derive(Debug, Default)]
struct Signs {
    /// Its files, with the layer that put each there.
    files: BTreeSet<(ImagePath, usize)>,
    /// Names of variables.
    env: BTreeSet<String>,
    /// Words of commands, with where they stand.
    arguments: BTreeSet<String>,
    /// Names of labels.
    labels: BTreeSet<String>,
}

impl Signs {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.env.is_empty() && self.arguments.is_empty() && self.labels.is_empty()
    }

    /// Adds them to a finding: the first file as its place, the rest as evidence.
    fn prove(&self, mut finding: Finding) -> Finding {
        if let Some((path, layer)) = self.files.first() {
            finding = finding.path(path).layer(*layer);
        }
        for (path, _) in &self.files {
            finding = finding.evidence("files", path);
        }
        let told = [("env", &self.env), ("arguments", &self.arguments), ("labels", &self.labels)];
        for (name, signs) in told {
            for sign in signs.iter().take(TOLD) {
                finding = finding.evidence(name, escape_text(sign));
            }
        }
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

/// Where each of some services shows, in any reading of the layers and of the config.
fn signs<'a>(
    services: impl Iterator<Item = (&'a String, &'a Service)>,
    facts: &Facts,
    rootfs: &Rootfs,
) -> BTreeMap<&'a str, Signs> {
    let services: Vec<_> = services.collect();
    let mut all: BTreeMap<&str, Signs> =
        services.iter().map(|(name, service)| (name.as_str(), in_settings(service, facts))).collect();
    // One walk for all of them; of a million files the first ones prove as much.
    for (path, node) in rootfs.readings.iter().flat_map(|reading| reading.effective.walk()) {
        let absolute = [b"/", path.as_bytes()].concat();
        for (name, service) in &services {
            if let Some(signs) = all.get_mut(name.as_str()).filter(|signs| signs.files.len() < TOLD)
                && service.files.iter().any(|pattern| pattern.matches_path(&absolute))
            {
                signs.files.insert((path.clone(), node.origin().layer()));
            }
        }
    }
    all
}

/// Where a service shows in any reading of the config.
fn in_settings(service: &Service, facts: &Facts) -> Signs {
    let mut signs = Signs::default();
    let any = |patterns: &[Pattern], word: &str| patterns.iter().any(|pattern| pattern.matches(word));
    for config in &facts.image.configs {
        for variable in &config.env {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            if any(&service.env, variable) {
                signs.env.insert(name.to_owned());
            }
            if holds_options(name) {
                let found = words(value).into_iter().filter(|word| any(&service.arguments, word));
                signs.arguments.extend(found.map(|word| format!("{name}: {word}")));
            }
        }
        for (place, command) in [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)] {
            // The shell form is one word that holds a whole command.
            for word in command.iter().flat_map(|word| words(word).into_iter().chain([word.clone()])) {
                if any(&service.arguments, &word) {
                    signs.arguments.insert(format!("{place}: {word}"));
                }
            }
        }
        for (name, value) in &config.labels {
            if any(&service.labels, &format!("{name}={value}")) {
                signs.labels.insert(name.clone());
            }
        }
    }
    signs
}

/// Variables that hold options of a program: those that the JVM reads itself (`JAVA_TOOL_OPTIONS`,
/// `JDK_JAVA_OPTIONS`, `_JAVA_OPTIONS`), and those of start scripts and other runtimes (`JAVA_OPTS`,
/// `CATALINA_OPTS`, `NODE_OPTIONS`, `RUBYOPT`, `PERL5OPT`).
fn holds_options(name: &str) -> bool {
    ["_OPTIONS", "_OPTS", "_ARGS", "OPT", "_FLAGS"].iter().any(|end| name.ends_with(end))
}
