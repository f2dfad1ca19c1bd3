//! `secret-env`: see the page beside this file.

use serde_json::Value;

use super::{judgement, of_text};
use crate::facts::Facts;
use crate::limits;
use crate::model::Config;
use crate::model::escape::escape_text;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::{Found, in_assignment, in_text, in_words, mask_text};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-env",
    severity: Severity::High,
    page: include_str!("secret-env.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _| judge(facts),
};

const REMEDY: &str = "replace the secret, for it must count as known; then give it to the container when it starts (a mounted file, the orchestrator's secrets)";

fn judge(facts: &Facts) -> Judgement {
    let image = &facts.image;
    let of_layers = image.layers.iter().filter_map(|layer| Some(&layer.declared.as_ref()?.annotations));
    let annotations = image.annotations.iter().chain(of_layers).flat_map(|annotations| annotations.iter());
    let annotations = annotations.flat_map(|(name, value)| of_named("annotation", name, value));
    judgement(image.configs.iter().flat_map(of_config).chain(annotations))
}

fn of_config(config: &Config) -> impl Iterator<Item = Finding> + '_ {
    let variables = config.env.iter().flat_map(|variable| {
        let (name, value) = variable.split_once('=').unwrap_or(("", variable));
        of_assignment("variable", name, value)
    });
    let labels = config.labels.iter().flat_map(|(name, value)| of_assignment("label", name, value));
    let commands = [("ENTRYPOINT", &config.entrypoint), ("CMD", &config.cmd)];
    let commands = commands.into_iter().flat_map(|(place, words)| {
        in_words(words).into_iter().map(move |(_, found)| of_text(&found, place, REMEDY))
    });
    variables.chain(labels).chain(commands).chain(of_the_rest(config)).chain(of_other_fields(config))
}

/// What nobody runs as it stands, or reads: the names of labels, and fields beside the specification's.
fn of_the_rest(config: &Config) -> Vec<Finding> {
    let field = |name: &str| config.raw.get("config").and_then(|run| run.get(name));
    let words = |value: Option<&Value>| -> Vec<String> {
        let words = value.and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let lists = [
        ("HEALTHCHECK", config.health_check.clone()),
        ("ONBUILD", words(field("OnBuild"))),
        ("SHELL", words(field("Shell"))),
    ];
    let lists = lists.iter().flat_map(|(place, words)| {
        in_words(words).into_iter().map(move |(_, found)| of_text(&found, place, REMEDY))
    });
    let author = config.raw.get("author").and_then(Value::as_str).unwrap_or_default();
    let texts = std::iter::once(("the author", author))
        .chain(config.labels.keys().map(|name| ("the name of a label", name.as_str())));
    let texts = texts
        .flat_map(|(place, text)| in_text(text).into_iter().map(move |found| of_text(&found, place, REMEDY)));
    lists.chain(texts).collect()
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
fn of_other_fields(config: &Config) -> Vec<Finding> {
    let settings = config.raw.get("config").unwrap_or(&Value::Null);
    let mut found = Vec::new();
    let mut pending = vec![(String::new(), &config.raw)];
    while let Some((place, value)) = pending.pop() {
        if found.len() > limits::CONFIG_SECRETS {
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
                    let of_name = |found| of_text(&found, "the name of a field", REMEDY);
                    found.extend(in_text(name).into_iter().map(of_name));
                    match value {
                        Value::String(text) => found.extend(of_assignment("field", name, text)),
                        // What is told is the name alone, so no more of the way there is kept.
                        Value::Object(_) if place.is_empty() => pending.push((here, value)),
                        _ => pending.push((format!("{OTHER}/{name}"), value)),
                    }
                }
            }
            Value::Array(items) => pending.extend(items.iter().map(|item| (OTHER.to_owned(), item))),
            Value::String(text) => {
                found.extend(
                    in_text(text).into_iter().map(|found| of_text(&found, "a list of the config", REMEDY)),
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found
}

/// Stands for the way to a field that is none of [`KNOWN`].
const OTHER: &str = "…";

/// As [`of_assignment`], with secrets in the name, too.
fn of_named(what: &str, name: &str, value: &str) -> Vec<Finding> {
    let place = format!("the name of an {what}");
    let of_name = in_text(name).into_iter().map(|found| of_text(&found, &place, REMEDY));
    of_name.chain(of_assignment(what, name, value)).collect()
}

fn of_assignment(what: &str, name: &str, value: &str) -> Vec<Finding> {
    // The name may be one itself.
    let shown = mask_text(name);
    let place = format!("the {what} {}", escape_text(&shown));
    let told = |mut found: Found| {
        found.name = found.name.map(|name| mask_text(&name));
        of_text(&found, &place, REMEDY)
    };
    in_assignment(name, value).into_iter().map(told).collect()
}
