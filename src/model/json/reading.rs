//! From one text to each way it can be read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::Shape;
use super::tree::{self, Tree};
use crate::error::Result;
use crate::model::escape::escape_text;

/// A JSON document with all its readings.
#[derive(Debug, Clone)]
pub struct Document {
    /// Every distinct reading, at least one; the first is Go's, which the runtimes use. Known
    /// fields have their canonical spelling.
    pub readings: Vec<Value>,
    /// What makes it ambiguous, one clause each; empty where all readers agree.
    pub ambiguities: Vec<String>,
    /// Roughly what the readings take of memory, in bytes.
    pub memory: u64,
}

/// Reads a document of a known shape.
///
/// # Errors
/// What is no JSON, is nested deeper than 128, or has more than [`crate::limits::JSON_VALUES`] values.
pub fn parse(bytes: &[u8], shape: &Shape) -> Result<Document> {
    let mut ambiguities = Vec::new();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            // Go puts U+FFFD in its place and reads on; others refuse.
            ambiguities.push("a text that is not UTF-8".to_owned());
            String::from_utf8_lossy(bytes)
        }
    };
    let (tree, values) = tree::parse(&text)?;
    let mut found = Ambiguities { told: Vec::new(), more: 0 };
    find_ambiguities(&tree, shape, &Place::Top, &mut found);
    ambiguities.append(&mut found.told);
    if found.more > 0 {
        ambiguities.push(format!("{} more of the kind", found.more));
    }
    let mut readings = vec![folded(&tree, shape, Repeated::LastWins)];
    if !ambiguities.is_empty() {
        let others = [
            as_exact(&tree, Repeated::LastWins),
            as_exact(&tree, Repeated::FirstWins),
            folded(&tree, shape, Repeated::FirstWins),
        ];
        for reading in others {
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
    }
    // Keys and texts are in the text; a value in an object has its key's place, too.
    let each = values.saturating_mul(2 * size_of::<Value>()).saturating_add(text.len());
    let memory = readings.len().saturating_mul(each) as u64;
    Ok(Document { readings, ambiguities, memory })
}

/// Go's `encoding/json` folds case by Unicode's simple folding: two letters outside ASCII fold into it.
pub fn fold(key: &str) -> String {
    key.chars()
        .map(|char| match char {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            _ => char.to_ascii_lowercase(),
        })
        .collect()
}

/// The field of a struct that Go gives a key to.
fn field_of(fields: &'static [(&'static str, Shape)], key: &str) -> Option<&'static (&'static str, Shape)> {
    let exact = fields.iter().find(|(name, _)| *name == key);
    exact.or_else(|| {
        let folded = fold(key);
        fields.iter().find(|(name, _)| fold(name) == folded)
    })
}

/// Ambiguities that are told one by one; of more only the number.
const TOLD: usize = 20;

/// Characters of a key that is shown. Of a longer one only its length is: a part of it may be one of a secret, which nobody would know
/// for one.
const SHOWN: usize = 60;

/// Where a value is in its document; made into text only where there is something to tell.
enum Place<'a> {
    Top,
    Key(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(above, key) => write!(f, "{above}.{}", shown(key)),
            Self::Item(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

fn shown(key: &str) -> String {
    if key.chars().nth(SHOWN).is_some() {
        return format!("(a name of {} bytes)", key.len());
    }
    escape_text(key)
}

/// What was found so far.
struct Ambiguities {
    told: Vec<String>,
    more: usize,
}

impl Ambiguities {
    fn add(&mut self, place: &Place<'_>, what: impl fmt::Display) {
        if self.told.len() < TOLD {
            self.told.push(format!("{place}: {what}"));
        } else {
            self.more += 1;
        }
    }
}

/// Recursion ends where serde_json ended it: at a depth of 128.
fn find_ambiguities(tree: &Tree, shape: &Shape, place: &Place<'_>, found: &mut Ambiguities) {
    match tree {
        Tree::Object(members) => {
            let mut seen: BTreeMap<Cow<'_, str>, &str> = BTreeMap::new();
            for (key, value) in members {
                let here = Place::Key(place, key);
                let (name, inner) = match shape {
                    Shape::Struct(fields) => match field_of(fields, key) {
                        Some((name, inner)) => {
                            if name != key {
                                found.add(&here, format_args!("the key {name} spelt in another case"));
                            }
                            (Cow::Borrowed(*name), inner)
                        }
                        None => (Cow::Owned(fold(key)), &Shape::Any),
                    },
                    Shape::Map(inner) => (Cow::Borrowed(key.as_str()), *inner),
                    Shape::List(_) | Shape::Any => (Cow::Borrowed(key.as_str()), &Shape::Any),
                };
                match seen.insert(name, key) {
                    Some(before) if before == key => found.add(&here, "the key stands twice"),
                    Some(before) => found.add(&here, format_args!("equal to {} but for case", shown(before))),
                    None => {}
                }
                find_ambiguities(value, inner, &here, found);
            }
        }
        Tree::List(items) => {
            let inner = if let Shape::List(inner) = shape { inner } else { &Shape::Any };
            for (index, item) in items.iter().enumerate() {
                find_ambiguities(item, inner, &Place::Item(place, index), found);
            }
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
    }
}

#[derive(Clone, Copy)]
enum Repeated {
    FirstWins,
    LastWins,
}

/// As readers that match keys exactly.
fn as_exact(tree: &Tree, repeated: Repeated) -> Value {
    match tree {
        Tree::Object(members) => {
            let mut map = Map::new();
            for (key, value) in members {
                if matches!(repeated, Repeated::LastWins) || !map.contains_key(key) {
                    map.insert(key.clone(), as_exact(value, repeated));
                }
            }
            Value::Object(map)
        }
        Tree::List(items) => Value::Array(items.iter().map(|item| as_exact(item, repeated)).collect()),
        other => scalar(other),
    }
}

/// As readers that match the keys of structs without regard to case. The last wins in Go's
/// `encoding/json`: a later key fills in what an earlier one left, and null changes nothing.
fn folded(tree: &Tree, shape: &Shape, repeated: Repeated) -> Value {
    match tree {
        Tree::Object(members) => {
            let mut map = Map::new();
            for (key, value) in members {
                let (name, inner) = match shape {
                    Shape::Struct(fields) => field_of(fields, key)
                        .map_or((key.as_str(), &Shape::Any), |(name, inner)| (*name, inner)),
                    Shape::Map(inner) => (key.as_str(), *inner),
                    Shape::List(_) | Shape::Any => (key.as_str(), &Shape::Any),
                };
                let value = folded(value, inner, repeated);
                match (map.get_mut(name), repeated) {
                    (Some(_), Repeated::FirstWins) => {}
                    (Some(before), Repeated::LastWins) => merge(before, value, inner),
                    (None, _) => {
                        map.insert(name.to_owned(), value);
                    }
                }
            }
            Value::Object(map)
        }
        Tree::List(items) => {
            let inner = if let Shape::List(inner) = shape { inner } else { &Shape::Any };
            Value::Array(items.iter().map(|item| folded(item, inner, repeated)).collect())
        }
        other => scalar(other),
    }
}

fn merge(before: &mut Value, later: Value, shape: &Shape) {
    match (before, later, shape) {
        // Into a struct, pointer or map Go decodes on top of what is there.
        (Value::Object(before), Value::Object(later), Shape::Struct(fields)) => {
            for (key, value) in later {
                let inner = field_of(fields, &key).map_or(&Shape::Any, |(_, inner)| inner);
                match before.get_mut(&key) {
                    Some(slot) => merge(slot, value, inner),
                    None => {
                        before.insert(key, value);
                    }
                }
            }
        }
        (Value::Object(before), Value::Object(later), Shape::Map(_)) => before.extend(later),
        (_, Value::Null, _) => {}
        (before, later, _) => *before = later,
    }
}

fn scalar(tree: &Tree) -> Value {
    match tree {
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Number(value) => Value::Number(value.clone()),
        Tree::String(value) => Value::String(value.clone()),
        Tree::Null | Tree::List(_) | Tree::Object(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::CONFIG;
    use super::*;
    use crate::error::ErrorKind;
    use crate::limits::JSON_VALUES;

    fn users(text: &str) -> Vec<Value> {
        let document = parse(text.as_bytes(), &CONFIG).unwrap();
        let mut users: Vec<_> =
            document.readings.iter().map(|reading| reading["config"]["User"].clone()).collect();
        users.dedup();
        users
    }

    #[test]
    fn an_ordinary_document_has_one_reading() {
        let text =
            r#"{"config":{"User":"1","Labels":{"a":"1","A":"2"},"ExposedPorts":{"80/tcp":{}}},"os":"linux"}"#;
        let document = parse(text.as_bytes(), &CONFIG).unwrap();
        assert_eq!(document.ambiguities, Vec::<String>::new());
        assert_eq!(document.readings, [serde_json::from_str::<Value>(text).unwrap()]);
    }

    #[test]
    fn keys_equal_but_for_case_are_read_both_ways() {
        assert_eq!(users(r#"{"config":{"User":"10001","user":"0"}}"#), [json!("0"), json!("10001")]);
        // The long s and the Kelvin sign fold into ASCII.
        assert_eq!(users("{\"config\":{\"User\":\"1\",\"u\u{17f}er\":\"0\"}}"), [json!("0"), json!("1")]);
    }

    #[test]
    fn a_repeated_key_is_read_first_and_last() {
        assert_eq!(users(r#"{"config":{"User":"0","User":"1"}}"#), [json!("1"), json!("0")]);
    }

    #[test]
    fn a_key_in_another_case_alone_is_ambiguous() {
        let document = parse(br#"{"config":{"uSER":"1"}}"#, &CONFIG).unwrap();
        assert_eq!(document.ambiguities, [".config.uSER: the key User spelt in another case"]);
        assert_eq!(users(r#"{"config":{"uSER":"1"}}"#), [json!("1"), Value::Null]);
    }

    #[test]
    fn go_fills_in_what_an_earlier_object_left() {
        let text = r#"{"config":{"User":"0"},"config":{"User":null,"Env":["A=b"]}}"#;
        assert_eq!(users(text), [json!("0"), Value::Null, json!("0")]);
        let document = parse(text.as_bytes(), &CONFIG).unwrap();
        assert_eq!(document.readings[0]["config"], json!({"User":"0","Env":["A=b"]}));
    }

    #[test]
    fn what_is_told_of_a_hostile_document_stays_small() {
        let (key, members) = ("k".repeat(1 << 20), vec![r#""a":1"#; 2_000].join(","));
        let document = parse(format!(r#"{{"{key}":{{{members}}}}}"#).as_bytes(), &CONFIG).unwrap();
        assert_eq!(document.ambiguities.len(), TOLD + 1);
        assert_eq!(document.ambiguities.last().unwrap(), "1979 more of the kind");
        assert!(document.ambiguities.iter().map(String::len).sum::<usize>() < 4_000);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "[".repeat(200_000);
        for text in ["", "{", "nul", "{} {}", deep.as_str()] {
            let error = parse(text.as_bytes(), &CONFIG).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_document_is_held_to_json_values() {
        // The list is a value, too.
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        let document = parse(list(JSON_VALUES - 1).as_bytes(), &CONFIG).unwrap();
        assert_eq!(document.readings[0].as_array().unwrap().len(), JSON_VALUES - 1);
        assert!(document.memory >= (JSON_VALUES * size_of::<Value>()) as u64);
        let members = |count: usize| format!("{{{}\"b\":0}}", "\"a\":0,".repeat(count - 1));
        for text in [list(JSON_VALUES), members(JSON_VALUES)] {
            let error = parse(text.as_bytes(), &CONFIG).unwrap_err();
            assert_eq!(error.to_string(), "the number of values exceeds the limit JSON_VALUES (400000)");
            assert_eq!(error.kind(), ErrorKind::Limit);
        }
    }
}
