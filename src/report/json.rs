//! The report as JSON: the contract.

use super::Report;

/// The whole report, indented, with a line break at the end. `run` comes last, and all before it is
/// byte-identical for the same input.
pub fn render(report: &Report) -> String {
    // A report holds strings, numbers and maps with string keys: nothing that cannot be serialized.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::{Value, json};

    use super::super::fixture::{as_json, full, image, report, sparse};

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap()
    }

    /// What the schema has against a report.
    fn objections(report: &Value) -> Vec<String> {
        static VALIDATOR: LazyLock<jsonschema::Validator> =
            LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());
        VALIDATOR.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Every place in a document, with the key or index that leads to it.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        let mut go = |key: String, value: &Value| {
            let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            places(value, &place, found);
            found.push(place);
        };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| go(key.clone(), value)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| go(index.to_string(), value))
            }
            _ => {}
        }
    }

    /// Objects whose keys are the image's or the rule's, not ours.
    fn is_free(place: &str) -> bool {
        ["/evidence", "/labels"].iter().any(|free| place.ends_with(free))
    }

    #[test]
    fn the_schema_is_one() {
        assert!(jsonschema::draft202012::meta::is_valid(&schema()));
    }

    #[test]
    fn every_report_keeps_to_the_schema() {
        for report in [full(), sparse(), report(vec![image()]), report(Vec::new())] {
            assert_eq!(objections(&as_json(&report)), Vec::<String>::new());
        }
    }

    #[test]
    fn a_field_too_few_or_too_many_is_seen_everywhere() {
        let whole = as_json(&full());
        let mut all = vec![String::new()];
        places(&whole, "", &mut all);
        let objects = all.iter().filter(|place| whole.pointer(place).is_some_and(Value::is_object));
        for place in objects.filter(|place| !is_free(place)) {
            let mut more = whole.clone();
            more.pointer_mut(place).unwrap()["anotherField"] = json!(1);
            assert_ne!(objections(&more), Vec::<String>::new(), "a field more in {place:?}");
            let names: Vec<_> = whole.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect();
            for name in names {
                let mut fewer = whole.clone();
                fewer.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(&name);
                assert_ne!(objections(&fewer), Vec::<String>::new(), "{place:?} without {name}");
            }
        }
    }

    #[test]
    fn a_value_of_another_kind_is_seen_everywhere() {
        let whole = as_json(&full());
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        for place in all {
            let mut wrong = whole.clone();
            *wrong.pointer_mut(&place).unwrap() = json!({"of": ["another", {"kind": 1}]});
            assert_ne!(objections(&wrong), Vec::<String>::new(), "another kind of value at {place:?}");
        }
    }

    #[test]
    fn every_property_is_described() {
        let schema = schema();
        let mut all = Vec::new();
        places(&schema, "", &mut all);
        let properties = all.iter().filter(|place| {
            let mut parts = place.rsplit('/').skip(1);
            parts.next() == Some("properties")
        });
        for place in properties {
            let described = schema.pointer(place).unwrap().get("description").is_some_and(Value::is_string);
            assert!(described, "{place} has no description");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_comes_last() {
        let text = super::render(&full());
        let keys: Vec<_> = as_json(&full()).as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.last().map(String::as_str), Some("run"));
        assert!(text.ends_with("}\n"));
    }
}
