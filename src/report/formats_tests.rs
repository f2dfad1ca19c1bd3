//! SARIF, JUnit, Markdown, GitLab's and line formats: what each says of the same reports, and that nothing in
//! an image is read as a part of the format.

use serde_json::{Value, json};

use super::fixture::{as_json, error, finding, full, image, report, sparse, with_errors, with_findings};
use super::stream::written;
use super::*;
use crate::rules::RULES;

/// An image's text that would be markup, steer a terminal, call people, or end what it stands in.
const HOSTILE: &str =
    "/a|b`c``d\"><script>x</script>]]>@all #1 [l](javascript:x) ![i](x)\u{1b}[2J\u{202e}&amp;\u{fffe}\\";

fn hostile() -> Report {
    let mut one = with_findings(
        image(),
        vec![
            finding("setuid-file", Severity::High, HOSTILE, HOSTILE),
            finding("user-root", Severity::Low, "", HOSTILE),
        ],
    );
    one.identity.source = HOSTILE.into();
    one.identity.names = vec![HOSTILE.into()];
    one.contents.config.user = Some(HOSTILE.into());
    let failed = ErrorReport { source: HOSTILE.into(), message: HOSTILE.into(), hint: Some(HOSTILE.into()) };
    with_errors(vec![one], vec![failed])
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn all() -> [Report; 5] {
    [full(), sparse(), hostile(), report(vec![image()]), report(Vec::new())]
}

mod in_sarif {
    use super::*;

    fn run(report: &Report) -> Value {
        let log = parsed(&written(|out| sarif::write(report, out)));
        assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&Value::from("2.1.0"), 1));
        log["runs"][0].clone()
    }

    #[test]
    fn every_rule_is_listed_with_its_help() {
        let run = run(&report(Vec::new()));
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), RULES.len());
        for (listed, rule) in rules.iter().zip(RULES) {
            assert_eq!(listed["id"], rule.id);
            assert!(listed["help"]["markdown"].as_str().unwrap().starts_with(&format!("# {}", rule.id)));
            assert!(listed["properties"]["security-severity"].as_str().unwrap().parse::<f64>().is_ok());
        }
        let user_root = rules.iter().find(|rule| rule["id"] == "user-root").unwrap();
        assert_eq!(user_root["name"], "UserRoot");
        let tags = user_root["properties"]["tags"].as_array().unwrap();
        assert!(tags.contains(&Value::from("CIS Docker Benchmark 4.1")), "{tags:?}");
    }

    #[test]
    fn a_finding_is_a_result_with_all_places() {
        for report in all() {
            let run = run(&report);
            let results = run["results"].as_array().unwrap();
            let findings: Vec<_> = report.images.iter().flat_map(|image| &image.findings).collect();
            assert_eq!(results.len(), findings.len());
            for (result, finding) in results.iter().zip(findings) {
                let index = result["ruleIndex"].as_u64().unwrap() as usize;
                assert_eq!(RULES[index].id, finding.rule);
                assert_eq!(result["partialFingerprints"]["ocicheck/v1"], finding.fingerprint);
                let location = &result["locations"][0];
                let physical = &location["physicalLocation"];
                let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
                let rest = uri.strip_prefix("file://").unwrap_or(uri);
                assert!(
                    !rest.is_empty() && !rest.starts_with("//") && !rest.contains([':', ' ', '|', '"', '<']),
                    "{uri}"
                );
                assert!(finding.path.is_none() || rest == uri && !uri.starts_with('/'), "{uri}: relative");
                assert!(physical["region"]["startLine"].as_u64().unwrap() >= 1);
                let base = physical["artifactLocation"].get("uriBaseId");
                assert_eq!(base.is_some(), finding.path.is_some());
                if let Some(base) = base {
                    assert!(run["originalUriBaseIds"].get(base.as_str().unwrap()).is_some());
                }
                assert_eq!(location.get("logicalLocations").is_some(), finding.layer.is_some());
                let waived = matches!(finding.status, FindingStatus::Waived | FindingStatus::Known);
                assert_eq!(result.get("suppressions").is_some(), waived);
            }
        }
    }

    #[test]
    fn what_was_not_judged_is_said_and_no_success() {
        let run = run(&full());
        let invocation = &run["invocations"][0];
        assert_eq!(
            (invocation["executionSuccessful"].as_bool(), invocation["exitCode"].as_u64()),
            (Some(false), Some(2))
        );
        let told = invocation["toolExecutionNotifications"].as_array().unwrap();
        let of = |rule: &str| told.iter().filter(|one| one["associatedRule"]["id"] == rule).count();
        assert_eq!((of("user-unknown"), told.len()), (1, 2), "{told:?}");
        let sound = super::in_sarif::run(&report(vec![image()]));
        assert_eq!(sound["invocations"][0]["executionSuccessful"], true);
    }

    #[test]
    fn the_line_that_proves_it_is_told() {
        let mut one = finding("secret-file", Severity::High, "/a", "a key");
        one.evidence.insert("line".into(), serde_json::json!(["17", "20"]));
        let run = run(&report(vec![with_findings(image(), vec![one])]));
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 17);
    }
}

mod in_junit {
    use super::*;

    /// How many elements of a name there are, and the sum of an attribute of the suites.
    fn counts(text: &str) -> [usize; 4] {
        let document = roxmltree::Document::parse(text).unwrap();
        let root = document.root_element();
        let names = ["testcase", "failure", "error", "skipped"];
        let attributes = ["tests", "failures", "errors", "skipped"];
        let counted = names.map(|name| document.descendants().filter(|node| node.has_tag_name(name)).count());
        let claimed =
            attributes.map(|attribute| root.attribute(attribute).unwrap().parse::<usize>().unwrap());
        let of_suites = attributes.map(|attribute| {
            let suites = root.children().filter(|node| node.has_tag_name("testsuite"));
            suites.map(|suite| suite.attribute(attribute).unwrap().parse::<usize>().unwrap()).sum::<usize>()
        });
        assert_eq!((counted, counted), (claimed, of_suites));
        counted
    }

    #[test]
    fn an_image_is_a_suite_and_a_rule_a_case() {
        for report in all() {
            let rules = report.images.iter().flat_map(|image| &image.rules);
            let failed = rules.clone().filter(|rule| rule.outcome == Outcome::Fail).count();
            let skipped = rules.clone().filter(|rule| rule.outcome == Outcome::NotEvaluated).count();
            let errors = report.errors.len();
            assert_eq!(
                counts(&written(|out| junit::write(&report, out))),
                [rules.count() + errors, failed, errors, skipped]
            );
        }
    }

    #[test]
    fn a_required_rule_that_was_not_evaluated_is_an_error() {
        let mut one = image();
        one.rules.push(RuleReport {
            required: true,
            ..super::super::fixture::outcome(
                "user-unknown",
                Outcome::NotEvaluated,
                Some("layer 2 is not read"),
            )
        });
        let text = written(|out| junit::write(&report(vec![one]), out));
        assert_eq!(counts(&text), [9, 0, 1, 0]);
        assert!(text.contains("layer 2 is not read"));
    }

    #[test]
    fn text_is_read_as_it_was_written() {
        let text = written(|out| junit::write(&hostile(), out));
        let document = roxmltree::Document::parse(&text).unwrap();
        let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
        assert!(failure.attribute("message").unwrap().contains("\"><script>x</script>]]>@all"));
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
    }
}

mod in_markdown {
    use super::*;

    /// A line without its code spans and escaped characters.
    fn bare(line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(char) = rest.chars().next() {
            if char == '`' {
                let fence = rest.len() - rest.trim_start_matches('`').len();
                let (ticks, inside) = rest.split_at(fence);
                // A span ends at a run of just as many.
                let mut end = 0;
                let close = loop {
                    let Some(at) = inside[end..].find('`') else { panic!("a span without an end: {line}") };
                    let run = inside[end + at..].len() - inside[end + at..].trim_start_matches('`').len();
                    if run == ticks.len() {
                        break end + at + run;
                    }
                    end += at + run;
                };
                rest = &inside[close..];
            } else if char == '\\' {
                rest = &rest[1 + rest[1..].chars().next().map_or(0, char::len_utf8)..];
            } else {
                out.push(char);
                rest = &rest[char.len_utf8()..];
            }
        }
        out
    }

    #[test]
    fn nothing_of_an_image_is_markup() {
        let text = written(|out| markdown::write(&hostile(), out));
        for line in text.lines() {
            let bare = bare(line);
            for tag in ["<details>", "<summary>", "</summary>", "</details>", "<sub>", "</sub>"] {
                assert!(bare.replace(tag, "").len() <= bare.len());
            }
            let without_ours = ["<details>", "<summary>", "</summary>", "</details>", "<sub>", "</sub>"]
                .iter()
                .fold(bare.clone(), |line, tag| line.replace(tag, ""));
            assert!(!without_ours.contains(['<', '[', '@', '!']), "{line}\n{bare}");
            if line.starts_with("| ") && !line.contains("| rule |") {
                // Of tables, a pipe in a code span counts, too, unless it is escaped.
                let cells = line.replace("\\|", "").matches('|').count();
                assert_eq!(cells, 6, "{line}");
            }
        }
    }

    #[test]
    fn what_fails_comes_first_and_all_else_is_folded() {
        let text = written(|out| markdown::write(&full(), out));
        assert!(text.starts_with("## ocicheck: ⚠️"), "{text}");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        assert!(place("**Fails:") < place("<summary>Told only"));
        assert!(place("<summary>Told only") < place("<summary>Accepted:"));
        assert!(place("Not evaluated, so not passed: 1") < place("### Could not be checked"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn long_lists_have_an_end() {
        let many = (0..1_000)
            .map(|number| finding("setuid-file", Severity::High, &format!("/{number}"), &"x".repeat(999)));
        let text = written(|out| markdown::write(&report(vec![with_findings(image(), many.collect())]), out));
        assert!(text.contains("and 950 more") && text.chars().count() < 60_000, "{}", text.len());
    }
}

mod in_gitlab {
    use super::*;

    fn scanning(report: &Report) -> Value {
        parsed(&written(|out| gitlab::write_container_scanning(report, out)))
    }

    #[test]
    fn both_hold_what_is_not_accepted() {
        for report in all() {
            let open = report.images.iter().flat_map(|image| &image.findings);
            let open = open.filter(|finding| finding.status != FindingStatus::Waived).count();
            let scan = scanning(&report);
            let quality = parsed(&written(|out| gitlab::write_code_quality(&report, out)));
            assert_eq!(scan["vulnerabilities"].as_array().unwrap().len(), open);
            assert_eq!(quality.as_array().unwrap().len(), open);
            let failed = report.verdict == Verdict::Error;
            assert_eq!(scan["scan"]["status"] == "failure", failed);
        }
    }

    /// GitLab takes what has the same first identifier on the same dependency of an image for one.
    #[test]
    fn two_advisories_on_a_package_are_two_by_their_own_names() {
        let of = |advisory: &str, alias: Value| {
            let mut finding = finding("vulnerability", Severity::High, "/var/lib/dpkg/status", advisory);
            for (name, value) in [("advisory", json!(advisory)), ("alias", alias), ("package", json!("sed"))]
            {
                finding.evidence.insert(name.into(), value);
            }
            finding.evidence.insert("version".into(), json!("4.9-1"));
            finding
        };
        let ids: Vec<_> = (0..30).map(|number| format!("CVE-2026-{number:04}")).collect();
        let findings = vec![of("CVE-2026-0001", json!("GHSA-x")), of("ALSA-2026:1", json!(ids))];
        let scan = scanning(&report(vec![with_findings(image(), findings)]));
        let one = &scan["vulnerabilities"][0];
        let known: Vec<_> =
            one["identifiers"].as_array().unwrap().iter().map(|id| (&id["type"], &id["value"])).collect();
        assert_eq!(
            known,
            [
                (&json!("cve"), &json!("CVE-2026-0001")),
                (&json!("ghsa"), &json!("GHSA-x")),
                (&json!("ocicheck_rule"), &json!("vulnerability"))
            ]
        );
        assert_eq!(one["name"], "CVE-2026-0001");
        assert_eq!(
            one["location"]["dependency"],
            json!({ "package": { "name": "sed" }, "version": "4.9-1" })
        );
        let other = scan["vulnerabilities"][1]["identifiers"].as_array().unwrap();
        assert_eq!((other.len(), &other[0]["value"]), (20, &json!("CVE-2026-0000")));
        // Files of one package are no advisories on it.
        let of_file = |path: &str| {
            let mut finding = finding("package-file-tampered", Severity::High, path, "x");
            for (name, value) in [("package", "sed"), ("version", "4.9-1")] {
                finding.evidence.insert(name.into(), json!(value));
            }
            finding
        };
        let files = vec![of_file("/bin/sed"), of_file("/usr/lib/sed")];
        let scan = scanning(&report(vec![with_findings(image(), files)]));
        let names = ["0", "1"].map(|number| {
            scan.pointer(&format!("/vulnerabilities/{number}/location/dependency/package/name")).cloned()
        });
        assert_eq!(names, [Some(json!("/bin/sed")), Some(json!("/usr/lib/sed"))]);
    }

    #[test]
    fn a_finding_is_known_again_and_told_from_that_of_another_image() {
        let one = || with_findings(image(), vec![finding("setuid-file", Severity::High, "/a", "x")]);
        let mut other = one();
        other.identity.names = vec!["other:1".into()];
        let ids = |report: &Report| {
            let scan = scanning(report);
            let quality = parsed(&written(|out| gitlab::write_code_quality(report, out)));
            let ids = |list: &Value, name: &str| -> Vec<String> {
                list.as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
            };
            [ids(&scan["vulnerabilities"], "id"), ids(&quality, "fingerprint")]
        };
        let both = ids(&report(vec![one(), other]));
        assert_eq!(both[0].len(), 2);
        assert!(both.iter().all(|ids| ids[0] != ids[1]), "{both:?}");
        assert_eq!(both.map(|ids| ids[0].clone()), ids(&report(vec![one()])).map(|ids| ids[0].clone()));
        // RFC 9562: 8-4-4-4-12, version 8, variant 10.
        let id = &ids(&report(vec![one()]))[0][0];
        let shape: String = id.chars().map(|char| if char == '-' { '-' } else { 'x' }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!((&id[14..15], &id[19..20]), ("8", "a"));
    }
}

#[test]
fn lines_of_json_hold_what_the_report_holds() {
    for report in all() {
        let text = written(|out| ndjson::write(&report, out));
        let lines: Vec<Value> = text.lines().map(parsed).collect();
        let whole = as_json(&report);
        let without_type = |kind: &str| -> Vec<Value> {
            let of_kind = lines.iter().filter(|line| line["type"] == kind).cloned();
            of_kind
                .map(|mut line| {
                    line.as_object_mut().unwrap().remove("type");
                    line
                })
                .collect()
        };
        for (kind, list) in [("image", "images"), ("error", "errors"), ("note", "notes")] {
            assert_eq!(Value::Array(without_type(kind)), whole[list], "{kind}");
        }
        let end = lines.last().unwrap();
        for key in ["schemaVersion", "tool", "policy", "verdict", "summary", "run"] {
            assert_eq!(end[key], whole[key], "{key}");
        }
    }
}

#[test]
fn an_error_is_in_every_format() {
    let report = with_errors(vec![image()], vec![error()]);
    for text in [
        written(|out| sarif::write(&report, out)),
        written(|out| junit::write(&report, out)),
        written(|out| markdown::write(&report, out)),
        written(|out| html::write(&report, out)),
        written(|out| ndjson::write(&report, out)),
        written(|out| gitlab::write_container_scanning(&report, out)),
    ] {
        assert!(text.contains("missing.tar"), "{text}");
    }
}
