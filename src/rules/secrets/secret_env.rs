//! `secret-env`: see the page beside this file.

use serde_json::Value;

use super::{judge_texts, tell_of};
use crate::facts::Facts;
use crate::model::Config;
use crate::model::escape::escape_text;
use crate::rules::findings::{Findings, Full, UpTo};
use crate::rules::quote::is_behind_colon;
use crate::rules::rule::{Judged, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::{Found, in_assignment, in_text, in_words, mask_text};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-env",
    severity: Severity::High,
    page: include_str!("secret-env.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

const REMEDY: &str = "replace the secret, for it must count as known; then give it to the container when it starts (a mounted file, the orchestrator's secrets)";

fn judge(facts: &Facts, findings: Findings<'_>) -> Judged {
    let image = &facts.image;
    let of_layers = image.layers.iter().filter_map(|layer| Some(&layer.declared.as_ref()?.annotations));
    let annotations = image.annotations.iter().chain(of_layers).flat_map(|annotations| annotations.iter());
    judge_texts(findings, |told| {
        for config in &image.configs {
            look_into_config(told, config)?;
        }
        for (name, value) in annotations {
            tell_of(told, in_text(name), "the name of an annotation", REMEDY)?;
            look_into_assignment(told, "annotation", name, value)?;
        }
        Ok(())
    })
}

fn look_into_config(told: &mut UpTo<'_, '_>, config: &Config) -> Result<(), Full> {
    for variable in &config.env {
        let (name, value) = variable.split_once('=').unwrap_or(("", variable));
        look_into_assignment(told, "variable", name, value)?;
    }
    for (name, value) in &config.labels {
        look_into_assignment(told, "label", name, value)?;
    }
    look_into_words(told, [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)])?;
    look_into_the_rest(told, config)?;
    look_into_other_fields(told, config)
}

fn look_into_words<'a>(
    told: &mut UpTo<'_, '_>,
    lists: impl IntoIterator<Item = (&'static str, &'a Vec<String>)>,
) -> Result<(), Full> {
    let mut lists = lists.into_iter();
    lists.try_for_each(|(place, words)| {
        tell_of(told, in_words(words).into_iter().map(|(_, found)| found), place, REMEDY)
    })
}

/// What nobody runs as it stands, or reads: the names of labels, and fields beside the specification's.
fn look_into_the_rest(told: &mut UpTo<'_, '_>, config: &Config) -> Result<(), Full> {
    let field = |name: &str| config.raw.get("config").and_then(|run| run.get(name));
    let words = |value: Option<&Value>| -> Vec<String> {
        let words = value.and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (on_build, shell) = (words(field("OnBuild")), words(field("Shell")));
    look_into_words(
        told,
        [("HEALTHCHECK", &config.health_check), ("ONBUILD", &on_build), ("SHELL", &shell)],
    )?;
    let author = config.raw.get("author").and_then(Value::as_str).unwrap_or_default();
    tell_of(told, in_text(author), "the author", REMEDY)?;
    let mut names = config.labels.keys();
    names.try_for_each(|name| tell_of(told, in_text(name), "the name of a label", REMEDY))
}

/// Fields that are looked at above, or by `secret-history`; and those of digests.
const KNOWN: [&str; 11] = [
    "author",
    "config/Cmd",
    "config/Entrypoint",
    "config/Env",
    "config/Healthcheck",
    "config/Labels",
    "config/OnBuild",
    "config/Shell",
    // Docker's record of the last step, which the history has too.
    "container_config/Cmd",
    "history",
    "rootfs",
];

/// What no reader knows, or keeps for other uses: names of volumes, the hostname, comments.
fn look_into_other_fields(told: &mut UpTo<'_, '_>, config: &Config) -> Result<(), Full> {
    let settings = config.raw.get("config").unwrap_or(&Value::Null);
    let mut pending = vec![(String::new(), &config.raw)];
    while let Some((place, value)) = pending.pop() {
        if told.are_more() {
            break;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let here = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
                    // Of a container that was built, Docker keeps the same settings once more.
                    let is_again = || place == "container_config" && settings.get(name) == Some(value);
                    if KNOWN.contains(&here.as_str()) || is_again() {
                        continue;
                    }
                    tell_of(told, in_text(name), "the name of a field", REMEDY)?;
                    match value {
                        // A user and a group, whatever they are called.
                        Value::String(user) if name == "User" => {
                            let found =
                                in_text(user).into_iter().filter(|found| !is_behind_colon(user, found));
                            tell_of(told, found, "the user", REMEDY)?;
                        }
                        Value::String(text) => look_into_assignment(told, "field", name, text)?,
                        // What is told is the name alone, so no more of the way there is kept.
                        Value::Object(_) if place.is_empty() => pending.push((here, value)),
                        _ => pending.push((format!("{OTHER}/{name}"), value)),
                    }
                }
            }
            Value::Array(items) => pending.extend(items.iter().map(|item| (OTHER.to_owned(), item))),
            Value::String(text) => tell_of(told, in_text(text), "a list of the config", REMEDY)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    Ok(())
}

/// Stands for the way to a field that is none of [`KNOWN`].
const OTHER: &str = "…";

fn look_into_assignment(told: &mut UpTo<'_, '_>, what: &str, name: &str, value: &str) -> Result<(), Full> {
    let found = in_assignment(name, value);
    if found.is_empty() {
        return Ok(());
    }
    // The name may be one itself.
    let shown = mask_text(name);
    let place = format!("the {what} {}", escape_text(&shown));
    let masked =
        found.into_iter().map(|found| Found { name: found.name.map(|name| mask_text(&name)), ..found });
    tell_of(told, masked, &place, REMEDY)
}
