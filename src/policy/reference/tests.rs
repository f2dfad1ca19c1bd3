//! `docs/policy-reference.md`, made of the parser and the rows of `keys.rs`: which keys there are and what each takes
//! is asked of the parser itself, by keys and values that are wrong everywhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::keys::{Absent, Key, SECTIONS, Section, Table};
use crate::host::document;
use crate::limits::Limits;
use crate::policy::{Draft, Preset};
use crate::rules::{BaseDemand, RULES, Severity};

/// No key is called so, nor nearly so.
const NO_KEY: &str = "0000000000";

/// What no key takes: a time of day.
const NO_VALUE: &str = "07:32:00";

fn tables() -> impl Iterator<Item = &'static Table> {
    SECTIONS.iter().flat_map(|section| section.tables)
}

/// All that is told of a text with mistakes, a line each.
fn mistakes(text: &str) -> Vec<String> {
    let Err(error) = Draft::read(text) else { return Vec::new() };
    std::iter::once(error.to_string()).chain(error.details().iter().cloned()).collect()
}

/// The keys that the parser takes in a table, as it tells them for one that it does not.
fn taken(header: &str) -> BTreeSet<String> {
    let told = mistakes(&format!("{header}\n{NO_KEY} = 1\n"));
    let told = told.iter().find_map(|line| line.split_once(&format!("\"{NO_KEY}\" here; allowed are ")));
    let (_, allowed) = told.unwrap_or_else(|| panic!("{header} takes every key"));
    assert!(!allowed.contains(" more"), "not all keys of {header} are told: {allowed}");
    allowed.split(", ").map(str::to_owned).collect()
}

/// What the parser wants of a key, as it tells it for what no key takes.
fn kind(table: &Table, key: &Key) -> String {
    let told = mistakes(&format!("{}\n{} = {NO_VALUE}\n", table.header, key.name));
    let wanted = |line: &String| {
        let (_, rest) = line.split_once(&format!(": {} is ", key.name))?;
        Some(rest.split_once(", and this is ")?.0.to_owned())
    };
    let wanted = told.iter().find_map(wanted);
    wanted.unwrap_or_else(|| panic!("{}.{} takes anything: {told:?}", table.at, key.name))
}

/// The example of a table, with one of its keys left out or another value for it.
fn example(table: &Table, change: Option<(&str, Option<&str>)>) -> String {
    let mut text = format!("{}\n", table.header);
    for key in table.keys {
        let value = match change {
            Some((name, value)) if name == key.name => value,
            _ => key.example,
        };
        if let Some(value) = value {
            let _ = writeln!(text, "{} = {value}", key.name);
        }
    }
    text.trim_start().to_owned()
}

/// The examples of all tables, with a change in one of them.
fn whole(changed: &Table, change: Option<(&str, Option<&str>)>) -> String {
    let of = |table: &Table| example(table, change.filter(|_| table.at == changed.at));
    tables().map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_key_that_the_parser_takes_has_a_row() {
    for table in tables() {
        let listed: BTreeSet<String> = table.keys.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(listed.len(), table.keys.len(), "{} lists a key twice", table.at);
        let mut taken = taken(table.header);
        // What every rule takes has a table of its own.
        if table.at != "rules.RULE" && table.at.starts_with("rules.") && !table.at.ends_with("[]") {
            assert!(taken.remove("severity") && taken.remove("allow"), "{}", table.at);
        }
        assert_eq!(listed, taken, "keys of {}", if table.at.is_empty() { "the file" } else { table.at });
    }
}

#[test]
fn each_rule_takes_no_more_than_has_a_row() {
    for rule in RULES {
        let at = format!("rules.{}", rule.id);
        let own = tables().find(|table| table.at == at).into_iter().flat_map(|table| table.keys);
        let listed: BTreeSet<String> =
            own.map(|key| key.name).chain(["severity", "allow"]).map(str::to_owned).collect();
        assert_eq!(taken(&format!("[{at}]")), listed, "{at}");
    }
}

#[test]
fn the_parser_takes_each_row() {
    for table in tables() {
        assert_eq!(mistakes(&whole(table, None)), Vec::<String>::new());
        for key in table.keys {
            assert!(!kind(table, key).is_empty());
        }
    }
}

#[test]
fn each_default_is_what_holds_without_the_key() {
    let in_force = |text: &str| {
        Draft::read(text).map(|draft| draft.to_text()).map_err(|error| format!("{error}\n{text}"))
    };
    let mut defaults = 0;
    for table in tables() {
        for key in table.keys {
            let without = whole(table, Some((key.name, None)));
            match key.absent {
                Absent::Is(value) => {
                    let with = whole(table, Some((key.name, Some(value))));
                    assert_eq!(in_force(&with), in_force(&without), "{}.{}", table.at, key.name);
                    let other = in_force(&whole(table, None));
                    assert!(
                        key.example == Some(value) || other != in_force(&without),
                        "the example of {} shows nothing",
                        key.name
                    );
                    defaults += 1;
                }
                Absent::Limit => {
                    let value = limit(key.name).to_string();
                    let with = whole(table, Some((key.name, Some(&value))));
                    assert_eq!(in_force(&with), in_force(&without), "{}.{}", table.at, key.name);
                    defaults += 1;
                }
                Absent::Mistake => {
                    let told = mistakes(&without).join("\n");
                    assert!(
                        told.contains(&format!("needs {}", key.name))
                            || told.contains(&format!(" {}", key.name)),
                        "{}.{}: {told}",
                        table.at,
                        key.name
                    );
                }
                Absent::Nothing => assert!(in_force(&without).is_ok(), "{}.{}", table.at, key.name),
            }
        }
    }
    assert!(defaults >= 20, "only {defaults} defaults were tried");
}

fn limit(name: &str) -> u64 {
    Limits::default().by_name().into_iter().find(|(key, _)| *key == name).expect(name).1
}

/// Words that the code knows, in the place of their names.
fn filled(text: &str) -> String {
    let words =
        |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    text.replace("{severities}", &words(Severity::WORST_FIRST.map(Severity::name).to_vec()))
        .replace("{demands}", &words(BaseDemand::ALL.map(BaseDemand::name).to_vec()))
        .replace("{presets}", &words(Preset::names().collect()))
}

fn row(table: &Table, key: &Key) -> String {
    let dot = if table.at.is_empty() { "" } else { "." };
    let absent = match key.absent {
        Absent::Is(value) => format!("`{value}`"),
        Absent::Limit => format!("`{}`", limit(key.name)),
        Absent::Mistake => "required".to_owned(),
        Absent::Nothing => String::new(),
    };
    let meaning = filled(key.meaning).replace('|', "\\|");
    format!("| `{}{dot}{}` | {} | {absent} | {meaning} |\n", table.at, key.name, kind(table, key))
}

const HEAD: &str = "# Keys of the policy

Made from the parser and `src/policy/reference/keys.rs`; do not edit it, but run
`UPDATE_DOCS=1 cargo test --lib policy::reference`. [policy.md](policy.md) explains how the parts work together.

The file is TOML 1.0. Any other key, rule, severity, profile or service is a mistake, told with its line and column, and the run ends with
exit status 2. `ocicheck policy check FILE` tells all mistakes of a file, or prints the whole of what is in force by it.

In patterns of paths `*` stays within one directory, and `**` does not; elsewhere `*` matches everything.
";

fn reference() -> String {
    let mut text = HEAD.to_owned();
    for Section { heading, about, tables } in &SECTIONS {
        let _ = write!(text, "\n## {heading}\n\n");
        if !about.is_empty() {
            let _ = write!(text, "{about}\n\n");
        }
        text += "| key | takes | default | meaning |\n|---|---|---|---|\n";
        let rows = tables.iter().flat_map(|table| table.keys.iter().map(move |key| row(table, key)));
        text.extend(rows);
        let examples: Vec<_> = tables.iter().map(|table| example(table, None)).collect();
        let _ = write!(text, "\n```toml\n{}```\n", examples.join("\n"));
    }
    text
}

#[test]
fn the_reference_is_in_step_with_the_parser() {
    document::hold("policy-reference.md", &reference());
}
