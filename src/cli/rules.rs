//! `ocicheck rules`.

use super::args::RulesCommand;
use super::exit::Exit;
use super::output;
use crate::error::{Error, Result};
use crate::rules::{RULES, table};

pub(super) fn run(command: &RulesCommand) -> Result<Exit> {
    let text = match command {
        RulesCommand::List => list(),
        RulesCommand::Explain { rule } => explain(rule)?,
    };
    output::to_stdout(&text)?;
    Ok(Exit::Passed)
}

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let lines =
        RULES.iter().map(|rule| format!("{:width$}  {:8}  {}\n", rule.id, rule.severity, rule.summary()));
    lines.collect()
}

fn explain(id: &str) -> Result<String> {
    let rule = table::find(id).ok_or_else(|| {
        let near = table::nearest(id).map(|near| format!("did you mean {near}? "));
        let hint = format!("{}`ocicheck rules list` shows all", near.unwrap_or_default());
        Error::usage(format!("there is no rule \"{id}\"")).hint(hint)
    })?;
    let summary = rule.summary();
    let severity = format!("{summary}\n\nDefault severity: {}", rule.severity);
    Ok(format!("{}\n", rule.page.trim_end().replacen(summary, &severity, 1)))
}
