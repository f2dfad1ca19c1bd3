//! `secret-env`: see the page beside this file.

use super::{judgement, of_text};
use crate::facts::Facts;
use crate::model::Config;
use crate::model::escape::escape_text;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::{in_assignment, in_words};

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
    variables.chain(labels).chain(commands)
}

fn of_assignment(what: &str, name: &str, value: &str) -> Vec<Finding> {
    let place = format!("the {what} {}", escape_text(name));
    in_assignment(name, value).iter().map(|found| of_text(found, &place, REMEDY)).collect()
}
