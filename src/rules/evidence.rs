//! What proves a finding, as reports have it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Named values, sorted by name; a name that came twice has a list. There may be as many as findings, and a map of two
/// or three values would take four times as much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(Vec<(Cow<'static, str>, Value)>);

impl Evidence {
    /// Of named values, in their order.
    pub fn of(named: Vec<(&'static str, String)>) -> Self {
        let mut evidence = Self(Vec::with_capacity(named.len()));
        for (name, value) in named {
            evidence.add(name, Value::String(value));
        }
        evidence
    }

    fn add(&mut self, name: &'static str, value: Value) {
        match self.place(name) {
            Err(place) => self.0.insert(place, (name.into(), value)),
            Ok(place) => match self.0.get_mut(place) {
                Some((_, Value::Array(list))) => list.push(value),
                Some((_, first)) => *first = Value::Array(vec![first.take(), value]),
                None => {}
            },
        }
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(self.place(name).ok()?).map(|(_, value)| value)
    }

    /// Sets the value of a name.
    pub fn insert(&mut self, name: Cow<'static, str>, value: Value) {
        match self.place(&name) {
            Ok(place) => self.0.get_mut(place).into_iter().for_each(|(_, known)| *known = value.clone()),
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Evidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = Map::deserialize(deserializer)?;
        let mut evidence = Self::default();
        named.into_iter().for_each(|(name, value)| evidence.insert(name.into(), value));
        Ok(evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_sorted_and_a_name_that_comes_twice_has_a_list() {
        let named = [("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("b", "5")];
        let evidence = Evidence::of(named.map(|(name, value)| (name, value.to_owned())).to_vec());
        let json = r#"{"a":"2","b":["1","3","5"],"c":"4"}"#;
        assert_eq!(serde_json::to_string(&evidence).unwrap(), json);
        assert_eq!(evidence, serde_json::from_str(json).unwrap());
        assert_eq!((evidence.get("a"), evidence.get("d")), (Some(&"2".into()), None));
    }
}
