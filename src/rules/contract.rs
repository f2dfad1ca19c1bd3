//! What is promised of each rule: its name, what it weighs, and where the CIS Docker Benchmark asks for it. The table
//! below is the contract; rules, pages, handbook and README are held to it, and it to them.

use std::collections::{BTreeMap, BTreeSet};

use super::RULES;
use super::severity::Severity::{self, Critical, High, Low, Medium};

/// Name, default severity, recommendations of the CIS Docker Benchmark.
const CONTRACT: [(&str, Severity, &[&str]); 59] = [
    ("account-no-password", High, &[]),
    ("account-uid-zero", High, &[]),
    ("add-instruction", Low, &["4.9"]),
    ("advisories-stale", Medium, &["4.4"]),
    ("ambiguous-entry", High, &[]),
    ("ambiguous-header", High, &[]),
    ("ambiguous-json", High, &[]),
    ("architecture-mismatch", Medium, &[]),
    ("base-account-changed", High, &["4.1"]),
    ("base-deprecated", Medium, &["4.4"]),
    ("base-file-deleted", High, &["4.2"]),
    ("base-file-modified", High, &["4.2"]),
    ("base-file-replaced", High, &["4.2"]),
    ("base-metadata-changed", Medium, &["4.2", "4.8"]),
    ("base-not-official", Critical, &["4.2"]),
    ("base-package-changed", Medium, &["4.4"]),
    ("base-revoked", Critical, &["4.2", "4.4"]),
    ("blob-missing", Critical, &[]),
    ("broken-hardlink", Medium, &[]),
    ("device-node", High, &[]),
    ("diff-id-mismatch", Critical, &[]),
    ("digest-mismatch", Critical, &[]),
    ("distribution-eol", Medium, &[]),
    ("duplicate-entry", Medium, &[]),
    ("file-capability", High, &[]),
    ("healthcheck-missing", Low, &["4.6"]),
    ("history-mismatch", Low, &[]),
    ("image-size", Low, &[]),
    ("label-missing", Low, &[]),
    ("layer-count", Low, &[]),
    ("layer-count-mismatch", Critical, &[]),
    ("layer-unsupported", High, &[]),
    ("ld-so-preload", High, &[]),
    ("media-type-mismatch", Medium, &[]),
    ("package-cache-left", Low, &[]),
    ("package-file-tampered", High, &[]),
    ("package-forbidden", High, &["4.3"]),
    ("path-env-unsafe", Medium, &[]),
    ("path-escapes-root", High, &[]),
    ("port-privileged", Low, &["5.8"]),
    ("privileged-label", Medium, &["5.5"]),
    ("secret-env", High, &["4.10"]),
    ("secret-file", High, &["4.10"]),
    ("secret-history", High, &["4.10"]),
    ("service-missing", Medium, &[]),
    ("service-not-allowed", High, &["4.3"]),
    ("setgid-file", Medium, &["4.8"]),
    ("setuid-file", High, &["4.8"]),
    ("sudo-nopasswd", High, &[]),
    ("tag-latest", Low, &[]),
    ("trailing-data", Medium, &[]),
    ("unread-data", Low, &[]),
    ("unreferenced-blob", Low, &[]),
    ("user-root", High, &["4.1"]),
    ("user-unknown", Medium, &["4.1"]),
    ("vulnerability", Medium, &["4.4"]),
    ("workdir-unsafe", High, &[]),
    ("world-writable-directory", Medium, &[]),
    ("world-writable-file", Medium, &[]),
];

/// The recommendations that rules refer to, as their pages word them.
const BENCHMARK: [(&str, &str); 10] = [
    ("4.1", "a user for the container has been created"),
    ("4.2", "containers use only trusted base images"),
    ("4.3", "unnecessary packages are not installed in the container"),
    ("4.4", "images are scanned and rebuilt to include security patches"),
    ("4.6", "HEALTHCHECK instructions have been added to container images"),
    ("4.8", "setuid and setgid permissions are removed"),
    ("4.9", "COPY is used instead of ADD"),
    ("4.10", "secrets are not stored in Dockerfiles"),
    ("5.5", "privileged containers are not used (5.4 before version 1.6)"),
    ("5.8", "privileged ports are not mapped within containers (5.7 before version 1.6)"),
];

const CIS: &str = "CIS Docker Benchmark";

const HANDBOOK: &str = include_str!("../../docs/rules.md");
const README: &str = include_str!("../../README.md");

/// The rows of a Markdown table whose second cell is a severity: first cell and second cell.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let cells = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?, cells.next()?))
    });
    let names = Severity::WORST_FIRST.map(Severity::name);
    cells.filter(|(_, severity)| names.iter().any(|name| severity.starts_with(name))).collect()
}

#[test]
fn the_rules_are_those_of_the_contract_and_weigh_what_it_says() {
    let rules: Vec<_> = RULES.iter().map(|rule| (rule.id, rule.severity)).collect();
    assert_eq!(rules, CONTRACT.map(|(id, severity, _)| (id, severity)));
}

#[test]
fn each_page_refers_to_the_recommendations_of_the_contract_and_to_no_other() {
    for (rule, (id, _, numbers)) in RULES.into_iter().zip(CONTRACT) {
        let of_page: Vec<_> =
            rule.references().into_iter().filter(|reference| reference.starts_with(CIS)).collect();
        let wording = |number: &&str| {
            let text = BENCHMARK.iter().find(|(known, _)| known == number).unwrap().1;
            format!("{CIS} {number}: {text}")
        };
        assert_eq!(of_page, numbers.iter().map(wording).collect::<Vec<_>>(), "{id}");
        // What a finding carries is the list; a number elsewhere on the page would reach no one.
        assert_eq!(rule.page.matches(CIS).count(), numbers.len(), "{id}");
    }
}

#[test]
fn each_recommendation_is_referred_to() {
    let referred: BTreeSet<_> = CONTRACT.iter().flat_map(|(_, _, numbers)| *numbers).copied().collect();
    assert_eq!(referred, BENCHMARK.iter().map(|(number, _)| *number).collect());
}

#[test]
fn each_rule_has_something_further_to_read() {
    for rule in RULES {
        assert!(!rule.references().is_empty(), "{}", rule.id);
    }
}

#[test]
fn the_handbook_says_of_each_rule_what_the_contract_does() {
    let links = CONTRACT.map(|(id, severity, _)| (format!("[{id}](#{id})"), severity.name()));
    let written: Vec<_> =
        rows(HANDBOOK).into_iter().map(|(rule, severity)| (rule.to_owned(), severity)).collect();
    assert_eq!(written, links);
    for (id, severity, numbers) in CONTRACT {
        let section = HANDBOOK.split(&format!("\n## {id}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        assert!(section.starts_with(&format!("\nSeverity: {severity}\n")), "{id}");
        for number in numbers {
            assert!(section.contains(&format!("\n- {CIS} {number}: ")), "{id}: {number}");
        }
    }
}

#[test]
fn the_readme_names_each_rule_once_with_its_severity() {
    let mut named = BTreeMap::new();
    for (rules, severity) in rows(README) {
        for rule in rules.split('`').skip(1).step_by(2) {
            assert_eq!(named.insert(rule, severity), None, "{rule} stands in two rows");
        }
    }
    assert_eq!(named.keys().copied().collect::<Vec<_>>(), CONTRACT.map(|(id, _, _)| id));
    for (id, severity, _) in CONTRACT {
        assert!(named[id].contains(severity.name()), "{id}: {} in README.md", named[id]);
    }
}
