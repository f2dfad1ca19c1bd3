//! `secret-env`: see the page beside this file.

use serde_json::Value;

use super::{judgement, of_text};
use crate::facts::Facts;
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
    judgement(facts.image.configs.iter().flat_map(of_config))
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
    variables.chain(labels).chain(commands).chain(of_the_rest(config))
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
