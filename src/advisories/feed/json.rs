//! JSON of feeds, read permissively: a field that is missing, null or of another type is empty, one object may
//! stand for a list of one. Real records have all of it, and a record that is thrown away for a field that
//! nobody needs is a vulnerability that nobody is told of.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::limits;

/// A text; numbers and truth values as they are written; empty for all else.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

/// A list; one element where it stands alone, none for null.
#[derive(Debug)]
pub(super) struct Many<T>(pub(super) Vec<T>);

/// An object; the default for what is none.
#[derive(Debug, Default)]
pub(super) struct Object<T>(pub(super) T);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Many<Text> {
    /// The texts that are not empty.
    pub(super) fn texts(self) -> Vec<String> {
        self.0.into_iter().map(|text| text.0.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    }
}

fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Text, A::Error> {
        skip_list(list).map(|()| Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        skip_map(map).map(|()| Text::default())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Many<T>, E> {
        let one: Result<T, E> = T::deserialize(StrDeserializer::new(text));
        Ok(Many(one.into_iter().collect()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = list.next_element()? {
            if all.len() >= limits::FEED_LIST_ITEMS {
                let limit = limits::FEED_LIST_ITEMS;
                return Err(A::Error::custom(format!("a list exceeds the limit FEED_LIST_ITEMS ({limit})")));
            }
            all.push(element);
        }
        Ok(Many(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
        Ok(Many(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Object<T>, A::Error> {
        skip_list(list).map(|()| Object::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Members of an object one after the other, without keeping them: feeds are larger than memory should be.
/// `each` gets the key and reads the value.
pub(super) struct Members<F>(pub(super) F);

impl<'de, T: Deserialize<'de>, F: FnMut(String, T) -> Result<(), String>> Visitor<'de>
    for Members<(PhantomData<T>, F)>
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<String, T>()? {
            (self.0.1)(key, value).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// The first keys of the object that a document is; `None` for what is no object.
pub(super) fn first_keys(document: &[u8], count: usize) -> Option<Vec<String>> {
    struct Keys<'a>(&'a mut Vec<String>, usize);
    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                self.0.push(key);
                if self.0.len() >= self.1 {
                    return Err(A::Error::custom("enough"));
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let start = document.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if *start != b'{' {
        return None;
    }
    let mut keys = Vec::new();
    // Broken JSON is told when it is read for what it is.
    let _ = serde_json::Deserializer::from_slice(document).deserialize_map(Keys(&mut keys, count));
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Thing {
        name: Text,
        list: Many<Text>,
        objects: Many<Object<Inner>>,
        object: Object<Inner>,
    }

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        x: Text,
    }

    #[test]
    fn fields_of_any_type_are_read_or_empty() {
        for (text, name, list, objects, object) in [
            (r#"{"name":"a","list":["b","c"],"objects":[{"x":1}],"object":{"x":"y"}}"#, "a", 2, 1, "y"),
            (r#"{"name":null,"list":null,"objects":null,"object":null}"#, "", 0, 0, ""),
            (r#"{"name":{"a":[1]},"list":"one","objects":{"x":2},"object":[1,{"x":3}]}"#, "", 1, 1, ""),
            (r#"{"name":1.5,"list":{"a":"b"},"objects":"x","object":"x"}"#, "1.5", 0, 1, ""),
            (
                r#"{"name":[[]],"list":[1,null,{"a":1}],"objects":[null,7,{"x":2}],"object":true}"#,
                "",
                1,
                3,
                "",
            ),
            ("{}", "", 0, 0, ""),
        ] {
            let thing: Thing = serde_json::from_str(text).unwrap();
            assert_eq!(thing.name.0, name, "{text}");
            assert_eq!(thing.list.texts().len(), list, "{text}");
            assert_eq!(thing.objects.0.len(), objects, "{text}");
            assert_eq!(thing.object.0.x.0, object, "{text}");
        }
    }

    #[test]
    fn a_list_is_held_to_feed_list_items() {
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        let within: Many<Object<()>> = serde_json::from_str(&list(limits::FEED_LIST_ITEMS)).unwrap();
        assert_eq!(within.0.len(), limits::FEED_LIST_ITEMS);
        let beyond = serde_json::from_str::<Many<Object<()>>>(&list(limits::FEED_LIST_ITEMS + 1));
        assert!(beyond.unwrap_err().to_string().contains("FEED_LIST_ITEMS"));
    }

    #[test]
    fn keys_are_told_of_objects_only() {
        assert_eq!(first_keys(br#" {"a":{"z":1},"b":[]} "#, 9).unwrap(), ["a", "b"]);
        assert_eq!(first_keys(br#"{"a":1,"b":2"#, 1).unwrap(), ["a"]);
        assert_eq!(first_keys(b"[1]", 9), None);
        assert_eq!(first_keys(b"", 9), None);
    }
}
