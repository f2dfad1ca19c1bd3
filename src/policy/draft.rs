//! A policy as its files say it, before one profile of it is chosen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::options::push_options;
use super::{Hook, Profile, RulePolicy, Waiver};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::model::escape::escape_text;
use crate::rules::options::VexFile;
use crate::rules::{BaseDemand, Environment, Options, Pattern, Service, Services, Settings, Severity};

/// All that a policy says, over the preset that it extends.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) fail_on: Severity,
    pub(super) profile: String,
    pub(super) waivers_need_expiry: bool,
    pub(super) mutable: Vec<String>,
    pub(super) immutable: Vec<String>,
    pub(super) removable: Vec<String>,
    pub(super) limits: Limits,
    pub(super) options: Options,
    pub(super) rules: BTreeMap<&'static str, RulePolicy>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) environments: BTreeMap<String, Environment>,
    pub(super) waivers: Vec<Waiver>,
    pub(super) hook: Option<Hook>,
}

impl Draft {
    /// Says nothing yet; the default preset says all.
    pub(super) fn empty() -> Self {
        Self {
            fail_on: Severity::Medium,
            profile: "default".to_owned(),
            waivers_need_expiry: true,
            mutable: Vec::new(),
            immutable: Vec::new(),
            removable: Vec::new(),
            limits: Limits::default(),
            options: Options::default(),
            rules: BTreeMap::new(),
            profiles: BTreeMap::new(),
            services: BTreeMap::new(),
            environments: BTreeMap::new(),
            waivers: Vec::new(),
            hook: None,
        }
    }

    /// What the git hook is told, if anything.
    pub fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }

    /// The VEX documents that it names.
    pub fn vex(&self) -> &[VexFile] {
        &self.options.vulnerability.vex
    }

    /// What rules are told under a profile, in an environment, on a day.
    pub(super) fn settings(
        &self,
        profile: &Profile,
        environment: Option<Environment>,
        at: jiff::civil::Date,
    ) -> Result<Settings> {
        let settings = Settings::new(&self.mutable, &self.immutable, &self.removable);
        // Each pattern was tried when it was read.
        let mut settings = settings.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        settings.base = profile.base;
        settings.at = at;
        settings.options = self.options.clone();
        settings.services = Services { known: self.services.clone(), environment };
        Ok(settings)
    }

    /// The whole policy as TOML that extends nothing.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "version = 1\nextends = \"none\"\nfail_on = \"{}\"\nprofile = {}\nwaivers_need_expiry = {}\n",
            self.fail_on,
            quoted(&self.profile),
            self.waivers_need_expiry
        );
        text.push_str("\n[base]\n");
        for (key, list) in
            [("mutable", &self.mutable), ("immutable", &self.immutable), ("removable", &self.removable)]
        {
            push_list(&mut text, key, list.iter().map(String::as_str));
        }
        text.push_str("\n[limits]\n");
        for (key, value) in self.limits.by_name() {
            let _ = writeln!(text, "{key} = {value}");
        }
        for (rule, policy) in &self.rules {
            let _ = writeln!(text, "\n[rules.{rule}]");
            push_options(&mut text, rule, &self.options);
            if let Some((severity, _)) = policy.severity {
                let _ = writeln!(text, "severity = \"{severity}\"");
            }
            if !policy.allow.is_empty() {
                text.push_str("allow = [\n");
                for allowed in &policy.allow {
                    let (path, reason) = (quoted(&allowed.path.text), quoted(&allowed.reason));
                    let _ = writeln!(text, "    {{ path = {path}, reason = {reason} }},");
                }
                text.push_str("]\n");
            }
        }
        for (name, profile) in &self.profiles {
            let _ = writeln!(text, "\n[profiles.{}]\nbase = \"{}\"", quoted(name), profile.base.name());
            let required = &profile.require;
            if !required.all || !required.named.is_empty() {
                let all = required.all.then_some("all");
                push_list(&mut text, "require", all.into_iter().chain(required.named.iter().copied()));
            }
            if !profile.tell.is_empty() {
                push_list(&mut text, "tell", profile.tell.iter().copied());
            }
        }
        for (name, service) in &self.services {
            push_service(&mut text, name, service);
        }
        for (name, environment) in &self.environments {
            let _ = writeln!(text, "\n[environments.{}]", quoted(name));
            push_list(&mut text, "require", environment.require.iter().map(String::as_str));
            if let Some(allowed) = &environment.allow {
                push_list(&mut text, "allow", allowed.iter().map(String::as_str));
            }
        }
        if let Some(hook) = &self.hook {
            hook.push(&mut text);
        }
        for waiver in &self.waivers {
            push_waiver(&mut text, waiver);
        }
        text
    }
}

pub(super) fn push_list<'a>(text: &mut String, key: &str, items: impl Iterator<Item = &'a str>) {
    let items: Vec<_> = items.map(quoted).collect();
    if items.len() < 4 {
        let _ = writeln!(text, "{key} = [{}]", items.join(", "));
        return;
    }
    let lines: String = items.iter().map(|item| format!("    {item},\n")).collect();
    let _ = writeln!(text, "{key} = [\n{lines}]");
}

fn push_service(text: &mut String, name: &str, service: &Service) {
    let _ = writeln!(text, "\n[services.{}]", quoted(name));
    if let Some(description) = &service.description {
        let _ = writeln!(text, "description = {}", quoted(description));
    }
    for (key, patterns) in service.signs() {
        if !patterns.is_empty() {
            push_list(text, key, patterns.iter().map(|pattern| pattern.text.as_str()));
        }
    }
}

fn push_waiver(text: &mut String, waiver: &Waiver) {
    let digest = |digest: Option<crate::digest::Digest>| digest.map(|digest| digest.to_string());
    let pattern = |pattern: &Option<Pattern>| pattern.as_ref().map(|pattern| pattern.text.clone());
    let _ = writeln!(text, "\n[[waivers]]\nrule = \"{}\"", waiver.rule);
    for (key, value) in [
        ("path", pattern(&waiver.path)),
        ("image", pattern(&waiver.image)),
        ("digest", digest(waiver.digest)),
        ("layer", digest(waiver.layer)),
        ("fingerprint", waiver.fingerprint.clone()),
        ("sha256", waiver.sha256.map(|digest| digest.hex())),
        ("advisory", waiver.advisory.clone()),
        ("package", pattern(&waiver.package)),
        ("reason", Some(waiver.reason.clone())),
        ("owner", Some(waiver.owner.clone())),
        ("expires", waiver.expires.map(|date| date.to_string())),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quoted(&value));
        }
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Used where a word of the policy is shown to people.
pub(super) fn shown(text: &str) -> String {
    format!("\"{}\"", escape_text(text))
}

/// The demands by their names.
pub(super) fn demand(name: &str) -> Option<BaseDemand> {
    BaseDemand::ALL.into_iter().find(|demand| demand.name() == name)
}
