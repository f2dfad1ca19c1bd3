//! Policy files → [`Draft`], with every mistake told at its place.

use std::collections::BTreeSet;

use super::document::{At, Document, Mistake, Table};
use super::draft::{demand, shown};
use super::options::add_options;
use super::patterns::{assignment_pattern, member_pattern, name_pattern, path_pattern};
use super::waiver::{Allowance, Waiver};
use super::{Draft, Hook, Preset, Profile, Required, RulePolicy, can_be_accepted, can_be_weakened};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::rules::{BaseDemand, Environment, Pattern, RULES, Rule, Service, Severity, table};

/// The form of policy files.
const VERSION: u64 = 1;

impl Draft {
    /// A preset.
    ///
    /// # Errors
    /// Never, as tests show: a preset has no mistakes.
    pub fn of_preset(preset: Preset) -> Result<Self> {
        Self::read_text(preset.text())
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()).at(preset.name()))
    }

    /// Reads a policy file, over the preset that it extends.
    ///
    /// # Errors
    /// All mistakes in it, each with line and column.
    pub fn read(text: &str) -> Result<Self> {
        Self::read_text(text)
    }

    fn read_text(text: &str) -> Result<Self> {
        let document = Document::new(text);
        let mut draft = Self::empty();
        if let Some(mut root) = document.root() {
            if let Some(preset) = extended(&mut root) {
                draft = Self::of_preset(preset)?;
            }
            draft.add(root);
        }
        match document.into_mistakes().as_slice() {
            [] => Ok(draft),
            mistakes => Err(told(mistakes)),
        }
    }

    fn add(&mut self, mut root: Table<'_>) {
        if let Some(version) = root.number("version").filter(|version| version.value != VERSION) {
            root.mistake(version.place, format!("version is {VERSION}; another is not known"));
        }
        if let Some(severity) = severity(&mut root, "fail_on") {
            self.fail_on = severity.value;
        }
        if let Some(flag) = root.flag("waivers_need_expiry") {
            self.waivers_need_expiry = flag.value;
        }
        let chosen = root.string("profile");
        if let Some(base) = root.inner("base") {
            self.add_base(base);
        }
        if let Some(limits) = root.inner("limits") {
            self.add_limits(limits);
        }
        for (name, rule) in root.inner("rules").map(|mut rules| rules.named()).unwrap_or_default() {
            self.add_rule(&name, rule);
        }
        for (name, profile) in root.inner("profiles").map(|mut all| all.named()).unwrap_or_default() {
            self.add_profile(name, profile);
        }
        if let Some(name) = chosen {
            if !self.profiles.contains_key(&name.value) {
                root.not_one_of(&name, "profile", self.profiles.keys().map(String::as_str));
            }
            self.profile = name.value;
        }
        for (name, service) in root.inner("services").map(|mut all| all.named()).unwrap_or_default() {
            self.add_service(name, service);
        }
        for (name, environment) in root.inner("environments").map(|mut all| all.named()).unwrap_or_default() {
            self.add_environment(name, environment);
        }
        if let Some(hook) = root.inner("hook") {
            self.hook = Hook::read(hook, &self.profiles, &self.environments);
        }
        for waiver in root.tables("waivers") {
            self.add_waiver(waiver);
        }
        root.end();
    }

    fn add_base(&mut self, mut base: Table<'_>) {
        let lists = [
            ("mutable", &mut self.mutable),
            ("immutable", &mut self.immutable),
            ("removable", &mut self.removable),
        ];
        for (key, list) in lists {
            for text in base.strings(key).unwrap_or_default() {
                if path_pattern(&base, &text).is_some() {
                    list.push(text.value);
                }
            }
        }
        base.end();
    }

    fn add_limits(&mut self, mut table: Table<'_>) {
        for (key, limit) in self.limits.by_name_mut() {
            let Some(set) = table.number(key) else { continue };
            if set.value == 0 {
                table.mistake(set.place, format!("{key} is at least 1"));
            }
            *limit = set.value;
        }
        table.end();
    }

    fn add_rule(&mut self, name: &At<String>, mut table: Table<'_>) {
        let Some(rule) = known_rule(&table, name) else { return };
        add_options(&mut self.options, rule, &mut table);
        let policy: &mut RulePolicy = self.rules.entry(rule.id).or_default();
        if let Some(set) = severity(&mut table, "severity") {
            if set.value < rule.severity && !can_be_weakened(rule) {
                let what = format!(
                    "{} cannot weigh less than {}: it says that the image is not what it seems",
                    rule.id, rule.severity
                );
                table.mistake(set.place, what);
            }
            policy.severity = Some((set.value, set.place));
        }
        for mut allowed in table.tables("allow") {
            let (path, reason) = (allowed.string("path"), allowed.string("reason"));
            let path = allowed.required("an allowed path", "path", path);
            let reason = allowed.required("an allowed path", "a reason", reason);
            if !can_be_accepted(rule) {
                allowed.mistake(allowed.place, format!("findings of {} cannot be allowed", rule.id));
            }
            let path = path.and_then(|path| path_pattern(&allowed, &path));
            if let (Some(path), Some(reason)) =
                (path, reason.and_then(|reason| words(&allowed, reason, "reason")))
            {
                policy.allow.push(Allowance { place: allowed.place, path, reason });
            }
            allowed.end();
        }
        table.end();
    }

    fn add_profile(&mut self, name: At<String>, mut table: Table<'_>) {
        let known = self.profiles.get(&name.value).cloned();
        let mut profile = known.unwrap_or_else(|| Profile::new(&name.value, BaseDemand::Either));
        if let Some(base) = table.string("base") {
            match demand(&base.value) {
                Some(demand) => profile.base = demand,
                None => table.not_one_of(&base, "base demand", BaseDemand::ALL.map(BaseDemand::name)),
            }
        }
        if let Some(required) = table.strings("require") {
            let (all, named): (Vec<_>, Vec<_>) = required.into_iter().partition(|name| name.value == "all");
            profile.require = Required { all: !all.is_empty(), named: rule_names(&table, &named) };
            for name in named.iter().filter(|_| profile.base == BaseDemand::None) {
                if table::find(&name.value).is_some_and(|rule| !profile.judges(self.options.needs(rule))) {
                    let what = format!("{} cannot be required where base is \"none\"", name.value);
                    table.mistake(name.place, what);
                }
            }
        }
        if let Some(told) = table.strings("tell") {
            for name in &told {
                if table::find(&name.value).is_some_and(|rule| !can_be_weakened(rule)) {
                    table.mistake(name.place, format!("{} cannot be only told", name.value));
                }
            }
            profile.tell = rule_names(&table, &told);
        }
        table.end();
        self.profiles.insert(name.value, profile);
    }

    fn add_service(&mut self, name: At<String>, mut table: Table<'_>) {
        let mut patterns = |key, read: fn(&Table<'_>, &At<String>) -> Option<Pattern>| {
            let texts = table.strings(key).unwrap_or_default();
            texts.iter().filter_map(|text| read(&table, text)).collect::<Vec<_>>()
        };
        let files = patterns("files", path_pattern);
        let inside = patterns("inside", member_pattern);
        let env = patterns("env", assignment_pattern);
        let arguments = patterns("arguments", name_pattern);
        let labels = patterns("labels", assignment_pattern);
        let description = table.string("description").map(|text| text.value);
        let service = Service { description, files, inside, env, arguments, labels };
        if service.has_no_sign() {
            let what = format!(
                "the service {} shows by nothing; it needs files, inside, env, arguments or labels",
                shown(&name.value)
            );
            table.mistake(name.place, what);
        }
        self.services.insert(name.value, service);
        table.end();
    }

    fn add_environment(&mut self, name: At<String>, mut table: Table<'_>) {
        let require = table.strings("require").unwrap_or_default();
        let require = self.known_services(&table, require);
        let allow = table.strings("allow").unwrap_or_default();
        let all = allow.iter().any(|name| name.value == "all");
        let allow = self.known_services(&table, allow.into_iter().filter(|name| name.value != "all"));
        let environment = Environment { name: name.value.clone(), require, allow: (!all).then_some(allow) };
        self.environments.insert(name.value, environment);
        table.end();
    }

    fn known_services(
        &self,
        table: &Table<'_>,
        names: impl IntoIterator<Item = At<String>>,
    ) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for name in names {
            if self.services.contains_key(&name.value) {
                known.insert(name.value);
            } else {
                table.not_one_of(&name, "service", self.services.keys().map(String::as_str));
            }
        }
        known
    }

    fn add_waiver(&mut self, mut table: Table<'_>) {
        let name = table.string("rule");
        let name = table.required("a waiver", "a rule", name);
        let rule = name.and_then(|name| Some((known_rule(&table, &name)?, name.place)));
        let path = table.string("path").and_then(|text| path_pattern(&table, &text));
        let image = table.string("image").and_then(|text| name_pattern(&table, &text));
        let digest = table.string("digest").and_then(|text| a_digest(&table, &text));
        let layer = table.string("layer").and_then(|text| a_digest(&table, &text));
        let fingerprint = table.string("fingerprint").and_then(|text| a_fingerprint(&table, text));
        let sha256 = table.string("sha256").and_then(|text| a_sha256(&table, text));
        let advisory = table.string("advisory");
        let package = table.string("package");
        let of_packages =
            [("advisory", &advisory, &["vulnerability"][..]), ("package", &package, &PACKAGE_RULES)];
        for (key, told, rules) in of_packages {
            if let (Some(told), Some((rule, _))) = (told, &rule)
                && !rules.contains(&rule.id)
            {
                table.mistake(told.place, format!("{key} is for waivers of {}", rules.join(" and ")));
            }
        }
        let package = package.and_then(|text| name_pattern(&table, &text));
        let advisory = advisory.map(|text| text.value);
        let (reason, owner) = (table.string("reason"), table.string("owner"));
        let reason =
            table.required("a waiver", "a reason", reason).and_then(|text| words(&table, text, "reason"));
        let owner =
            table.required("a waiver", "an owner", owner).and_then(|text| words(&table, text, "owner"));
        let says_when = table.has("expires");
        let expires = table.date("expires");
        // One that is no date is told already.
        if self.waivers_need_expiry && !says_when {
            let _ = table.required(
                "a waiver",
                "expires (or the policy waivers_need_expiry = false)",
                expires.as_ref(),
            );
        }
        if advisory.is_some() && !says_when {
            let _ = table.required("a waiver of an advisory", "expires: it is accepted for now", None::<()>);
        }
        let of_place = path.is_none() && layer.is_none() && fingerprint.is_none();
        if of_place && image.is_none() && digest.is_none() && advisory.is_none() && package.is_none() {
            let what = "a scope: path, image, digest, layer, fingerprint, advisory or package";
            let _ = table.required("a waiver", what, None::<()>);
        }
        if let Some((rule, place)) = rule.filter(|(rule, _)| !can_be_accepted(rule)) {
            table.mistake(place, format!("findings of {} cannot be waived", rule.id));
        }
        if let (Some((rule, _)), Some(reason), Some(owner)) = (rule, reason, owner) {
            let place = table.place;
            let expires = expires.map(|date| date.value);
            let rule = rule.id;
            let waiver = Waiver {
                place,
                rule,
                path,
                image,
                digest,
                layer,
                fingerprint,
                sha256,
                advisory,
                package,
                reason,
                owner,
                expires,
            };
            if let Some(other) = self.waivers.iter().find(|other| other.same_scope(&waiver)) {
                table.mistake(place, format!("the waiver of line {} covers the same", other.place.line));
            }
            self.waivers.push(waiver);
        }
        table.end();
    }
}

/// The rules whose findings are about packages by name.
const PACKAGE_RULES: [&str; 3] = ["vulnerability", "package-forbidden", "package-file-tampered"];

/// The preset that the document extends: the default one where it says nothing, and none for `none`.
fn extended(root: &mut Table<'_>) -> Option<Preset> {
    const NOTHING: &str = "none";
    let Some(name) = root.string("extends") else { return Some(Preset::Default) };
    let preset = Preset::find(&name.value);
    if preset.is_none() && name.value != NOTHING {
        root.not_one_of(&name, "preset", Preset::names().chain([NOTHING]));
    }
    preset
}

pub(super) fn severity(table: &mut Table<'_>, key: &'static str) -> Option<At<Severity>> {
    let text = table.string(key)?;
    match text.value.parse() {
        Ok(value) => Some(At { place: text.place, value }),
        Err(_) => {
            table.not_one_of(&text, "severity", Severity::WORST_FIRST.map(Severity::name));
            None
        }
    }
}

fn known_rule(table: &Table<'_>, name: &At<String>) -> Option<&'static Rule> {
    let rule = table::find(&name.value);
    if rule.is_none() {
        table.not_one_of(name, "rule", RULES.iter().map(|rule| rule.id));
    }
    rule
}

fn rule_names(table: &Table<'_>, names: &[At<String>]) -> BTreeSet<&'static str> {
    names.iter().filter_map(|name| known_rule(table, name)).map(|rule| rule.id).collect()
}

fn a_digest(table: &Table<'_>, text: &At<String>) -> Option<Digest> {
    let digest = text.value.parse().ok();
    if digest.is_none() {
        table.mistake(
            text.place,
            format!("{} is no digest, as sha256: and 64 hexadecimal digits", shown(&text.value)),
        );
    }
    digest
}

/// A SHA-256, also without its algorithm before it.
pub(super) fn a_sha256(table: &Table<'_>, text: At<String>) -> Option<Digest> {
    let digest = if text.value.contains(':') { text.value.clone() } else { format!("sha256:{}", text.value) };
    a_digest(table, &At { value: digest, ..text })
}

fn a_fingerprint(table: &Table<'_>, text: At<String>) -> Option<String> {
    let fits = text.value.len() == 32 && text.value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !fits {
        table.mistake(
            text.place,
            format!("{} is no fingerprint: 32 hexadecimal digits, as reports show them", shown(&text.value)),
        );
    }
    fits.then(|| text.value.to_ascii_lowercase())
}

/// Words for people, which must say something.
pub(super) fn words(table: &Table<'_>, text: At<String>, what: &str) -> Option<String> {
    let empty = text.value.trim().is_empty();
    if empty {
        table.mistake(text.place, format!("the {what} is empty"));
    }
    (!empty).then_some(text.value)
}

/// All mistakes as one error.
fn told(mistakes: &[Mistake]) -> Error {
    let line =
        |mistake: &Mistake| format!("{}:{}: {}", mistake.place.line, mistake.place.column, mistake.message);
    let error = match mistakes {
        [one] => Error::usage(line(one)),
        many => many.iter().fold(Error::usage(format!("{} mistakes", many.len())), |error, mistake| {
            error.detail(line(mistake))
        }),
    };
    error.hint("`ocicheck policy init` writes a policy with its keys explained")
}
