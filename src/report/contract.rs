//! Holding documents to their published schemas, for tests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// A published schema, with what it has against a document.
pub(crate) struct Contract {
    schema: Value,
    validator: jsonschema::Validator,
    /// Names of objects whose keys are the image's or the rule's, not ours.
    free: &'static [&'static str],
}

impl Contract {
    pub(crate) fn new(schema: &str, free: &'static [&'static str]) -> Self {
        let schema = serde_json::from_str(schema).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        Self { schema, validator, free }
    }

    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// What the schema has against a document.
    pub(crate) fn objections(&self, document: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(document);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Spoils a document in all ways at each place; the schema must see every one. With a document in
    /// which every field is filled, this forces every field into the schema.
    pub(crate) fn assert_sees_all(&self, whole: &Value) {
        assert_eq!(self.objections(whole), Vec::<String>::new());
        self.assert_sees_fields(whole);
        self.assert_sees_kinds(whole);
        self.assert_order(whole);
    }

    /// A field too few or too many.
    fn assert_sees_fields(&self, whole: &Value) {
        for place in self.objects(whole) {
            let mut more = whole.clone();
            more.pointer_mut(&place).unwrap()["anotherField"] = json!(1);
            assert_ne!(self.objections(&more), Vec::<String>::new(), "a field more in {place:?}");
            for name in keys(whole.pointer(&place).unwrap()) {
                let mut fewer = whole.clone();
                fewer.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(name);
                assert_ne!(self.objections(&fewer), Vec::<String>::new(), "{place:?} without {name}");
            }
        }
    }

    /// A value of another kind.
    fn assert_sees_kinds(&self, whole: &Value) {
        for place in places(whole) {
            let mut wrong = whole.clone();
            *wrong.pointer_mut(&place).unwrap() = json!({"of": ["another", {"kind": 1}]});
            assert_ne!(self.objections(&wrong), Vec::<String>::new(), "another kind of value at {place:?}");
        }
    }

    /// Fields come in the order in which the schema lists them.
    fn assert_order(&self, whole: &Value) {
        let places = places(&self.schema);
        let lists = places.iter().filter(|place| place.ends_with("/required"));
        let orders: BTreeSet<Vec<&str>> = lists
            .chain([&"/required".to_owned()])
            .filter_map(|place| self.schema.pointer(place)?.as_array())
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .collect();
        for place in self.objects(whole) {
            let keys = keys(whole.pointer(&place).unwrap());
            assert!(orders.contains(&keys), "the schema lists the fields of {place:?} otherwise: {keys:?}");
        }
    }

    /// Every property says what it means.
    pub(crate) fn assert_described(&self) {
        let places = places(&self.schema);
        let properties = places.iter().filter(|place| place.rsplit('/').nth(1) == Some("properties"));
        for place in properties {
            let described =
                self.schema.pointer(place).unwrap().get("description").is_some_and(Value::is_string);
            assert!(described, "{place} has no description");
        }
    }

    /// The objects whose keys are ours.
    fn objects(&self, document: &Value) -> Vec<String> {
        let mut all = places(document);
        all.push(String::new());
        let is_free = |place: &String| self.free.iter().any(|free| place.ends_with(&format!("/{free}")));
        all.retain(|place| document.pointer(place).is_some_and(Value::is_object) && !is_free(place));
        all
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Every place in a document but the top, as a JSON pointer.
fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    add_places(document, "", &mut found);
    found
}

fn add_places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut go = |key: &str, value: &Value| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        add_places(value, &place, found);
        found.push(place);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| go(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| go(&index.to_string(), value))
        }
        _ => {}
    }
}
