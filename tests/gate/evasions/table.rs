//! Holds the table of docs/security.md to the tests, rules and limits that it names.

use std::collections::BTreeSet;
use std::path::Path;

use ocicheck::rules::RULES;

const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A heading and what stands below it.
fn sections<'a>(text: &'a str, mark: &str) -> Vec<(&'a str, &'a str)> {
    let parts = text.split(mark).skip(1);
    parts.map(|part| part.split_once('\n').unwrap()).collect()
}

/// The rows below `## Evasions`, each with the heading of its table: evasion, peers, finding, tests.
fn rows(page: &str) -> Vec<(String, [String; 4])> {
    let (_, evasions) =
        sections(page, "\n## ").into_iter().find(|(heading, _)| *heading == "Evasions").unwrap();
    let mut rows = Vec::new();
    for (heading, table) in sections(evasions, "\n### ") {
        let lines = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| evasion "));
        for line in lines {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().into()).collect();
            let cells = cells.try_into().unwrap_or_else(|cells| panic!("{line}: {cells:?}"));
            rows.push((heading.to_owned(), cells));
        }
    }
    assert!(rows.len() > 60, "only {} rows", rows.len());
    rows
}

/// What stands between backquotes, and what follows each.
fn quoted(cell: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = cell.split('`').collect();
    parts[1..].chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default())).collect()
}

/// The names of the tests in a source text.
fn tests_in(source: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        match line.strip_prefix("fn ") {
            Some(function) if is_test => {
                names.insert(function.split('(').next().unwrap());
                is_test = false;
            }
            Some(_) => is_test = false,
            None => is_test |= line == "#[test]",
        }
    }
    names
}

#[test]
fn each_test_that_is_named_is_there() {
    for (heading, [evasion, _, _, tests]) in rows(&read("docs/security.md")) {
        let tests = quoted(&tests);
        assert!(!tests.is_empty() || heading == "What is not caught", "{evasion} has no test");
        for (test, _) in tests {
            let (path, name) = test.split_once("::").unwrap_or_else(|| panic!("{evasion}: {test}"));
            assert!(tests_in(&read(path)).contains(name), "{evasion}: there is no test {test}");
        }
    }
}

#[test]
fn each_test_here_is_named() {
    let rows = rows(&read("docs/security.md"));
    let named: BTreeSet<&str> =
        rows.iter().flat_map(|(_, cells)| quoted(&cells[3])).map(|(test, _)| test).collect();
    let directory = "tests/gate/evasions";
    let mut count = 0;
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        if file == "table.rs" {
            continue;
        }
        let path = format!("{directory}/{file}");
        for test in tests_in(&read(&path)) {
            count += 1;
            assert!(named.contains(&*format!("{path}::{test}")), "docs/security.md lacks {path}::{test}");
        }
    }
    assert!(count > 40, "only {count} tests");
}

#[test]
fn each_rule_is_named_with_its_severity() {
    let looks_like_rule = |text: &str| {
        let words: Vec<_> = text.split('-').collect();
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        words.len() > 1 && words.iter().all(is_word)
    };
    for (_, [evasion, _, finding, _]) in rows(&read("docs/security.md")) {
        for (id, after) in quoted(&finding).into_iter().filter(|(text, _)| looks_like_rule(text)) {
            let rule = RULES.iter().find(|rule| rule.id == id);
            let rule = rule.unwrap_or_else(|| panic!("{evasion}: there is no rule {id}"));
            let word =
                after.split([',', ';', '.']).next().unwrap().split_whitespace().next().unwrap_or_default();
            let own = word == rule.severity.to_string();
            let other = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
            assert!(own || other.is_some_and(|other| SEVERITIES.contains(&other)), "{evasion}: {id} {word}");
        }
    }
}

#[test]
fn each_limit_that_is_named_is_one() {
    let page = read("docs/security.md");
    let (_, limits) = sections(&page, "\n## ").into_iter().find(|(heading, _)| *heading == "Limits").unwrap();
    let constants = read("src/limits.rs");
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let named: Vec<_> = quoted(limits).into_iter().filter(|(text, _)| is_name(text)).collect();
    assert!(named.len() >= 8, "{}", named.len());
    for (name, _) in named {
        assert!(constants.contains(&format!("pub const {name}:")), "src/limits.rs has no {name}");
    }
}
