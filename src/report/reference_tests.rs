//! `docs/report-reference.md` and `docs/inspect-reference.md`: the schemas as people read them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::host::document;

const REPORT: &str = include_str!("../../docs/report.schema.json");
const INSPECTION: &str = include_str!("../../docs/inspect.schema.json");

/// What a value is, as the schema says it.
fn kind(schema: &Map<String, Value>, titles: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap();
        let title = titles[name]["title"].as_str().unwrap();
        return format!("[{title}](#{})", title.to_lowercase().replace(' ', "-"));
    }
    if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
        let kinds: Vec<_> = options.iter().map(|option| kind(option.as_object().unwrap(), titles)).collect();
        return kinds.join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().unwrap()],
    };
    let of = |key: &str| schema.get(key).and_then(Value::as_object).map(|inner| kind(inner, titles));
    let named = |kind: &&str| match *kind {
        "array" => format!("list of {}", of("items").unwrap()),
        "object" => of("additionalProperties").map_or("object".to_owned(), |of| format!("object of {of}")),
        other => other.to_owned(),
    };
    kinds.iter().map(named).collect::<Vec<_>>().join(" or ")
}

fn described(schema: &Map<String, Value>) -> String {
    schema["description"].as_str().unwrap().replace('|', "\\|")
}

/// The fields of an object, a row each; those of an object within it below them.
fn push_fields(text: &mut String, within: &str, schema: &Map<String, Value>, titles: &Value) {
    for (name, field) in schema["properties"].as_object().unwrap() {
        let field = field.as_object().unwrap();
        let _ = writeln!(text, "| `{within}{name}` | {} | {} |", kind(field, titles), described(field));
        if field.contains_key("properties") {
            push_fields(text, &format!("{within}{name}."), field, titles);
        }
    }
}

fn reference(schema: &str, heading: &str, file: &str, explained: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let (whole, titles) = (schema.as_object().unwrap(), &schema["$defs"]);
    let mut text = format!(
        "# {heading}\n\nMade from [{file}]({file}); do not edit it, but run `UPDATE_DOCS=1 cargo test --lib report::reference`.\n\
        [{explained}]({explained}) explains what one can rely on.\n\n{}\n\nAll fields are always there, in this order.\n\n\
        | field | value | meaning |\n|---|---|---|\n",
        described(whole)
    );
    push_fields(&mut text, "", whole, titles);
    for definition in titles.as_object().unwrap().values() {
        let definition = definition.as_object().unwrap();
        let _ = write!(text, "\n## {}\n\n{}\n", definition["title"].as_str().unwrap(), described(definition));
        if definition.contains_key("properties") {
            text += "\n| field | value | meaning |\n|---|---|---|\n";
            push_fields(&mut text, "", definition, titles);
        } else if let Some(pattern) = definition.get("pattern").and_then(Value::as_str) {
            let _ = writeln!(text, "\nA {} that matches `{pattern}`.", kind(definition, titles));
        } else {
            let _ = writeln!(text, "\nOne of {}.", kind(definition, titles));
        }
    }
    text
}

#[test]
fn the_references_are_in_step_with_the_schemas() {
    let report = reference(REPORT, "Fields of the report", "report.schema.json", "report.md");
    document::hold("report-reference.md", &report);
    let inspection = reference(INSPECTION, "Fields of an inspection", "inspect.schema.json", "inspect.md");
    document::hold("inspect-reference.md", &inspection);
}

#[test]
fn every_link_of_a_reference_has_its_heading() {
    for schema in [REPORT, INSPECTION] {
        let text = reference(schema, "", "", "");
        let links: Vec<_> = text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() >= 10, "{links:?}");
        let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        for link in links {
            assert!(
                headings.iter().any(|heading| heading.to_lowercase().replace(' ', "-") == link),
                "{link}"
            );
        }
    }
}
