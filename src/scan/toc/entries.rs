//! The entries of a table of contents, one after another: its JSON as its readers take it.
//!
//! Both readers are written in Go and match keys without regard to case; which of two wins is not the same in
//! all of them. Honest tables have neither, so a key that is spelt otherwise or stands twice is an error.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};
use crate::limits;
use crate::model::escape::escape_text;
use crate::model::json;

/// One entry as written; what it does not say is empty or 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TocEntry {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) link: String,
    pub(super) mode: i64,
    pub(super) size: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) device: (i64, i64),
    /// Values in base64.
    pub(super) xattrs: BTreeMap<String, String>,
    pub(super) digest: String,
    pub(super) piece_offset: i64,
    pub(super) piece_size: i64,
    pub(super) piece_digest: String,
}

/// The keys of an entry, and those of both forms that say nothing of the file that it becomes.
const KEYS: [&str; 25] = [
    "type",
    "name",
    "linkName",
    "mode",
    "size",
    "uid",
    "gid",
    "devMajor",
    "devMinor",
    "xattrs",
    "digest",
    "chunkOffset",
    "chunkSize",
    "chunkDigest",
    "chunkType",
    "modtime",
    "accesstime",
    "changetime",
    "offset",
    "endOffset",
    "innerOffset",
    "userName",
    "groupName",
    "NumLink",
    "numLink",
];

/// Hands out all entries of a table.
///
/// # Errors
/// What is no such table, and what two readers would read as two.
pub(super) fn read(text: &[u8], mut each: impl FnMut(TocEntry) -> Result<()>) -> Result<()> {
    let mut refused = None;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let top = Top { each: &mut each, refused: &mut refused };
    let read = top.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (refused, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => {
            Err(Error::invalid(format!("it is no table of contents: {}", shown(&error.to_string()))))
        }
        (None, Ok(())) => Ok(()),
    }
}

fn shown(text: &str) -> String {
    escape_text(&text.chars().take(200).collect::<String>())
}

/// Which of the known keys it is; `None` for one that readers pass over.
fn known<E: serde::de::Error>(
    key: &str,
    keys: &[&'static str],
    seen: &mut Vec<&'static str>,
) -> std::result::Result<Option<&'static str>, E> {
    // Go's strings.ToLower makes an i of this one, too.
    let folded = json::fold(&key.replace('\u{130}', "i"));
    let Some(name) = keys.iter().find(|name| json::fold(name) == folded) else {
        return if key.is_empty() { Err(E::custom("a key is empty")) } else { Ok(None) };
    };
    if key != *name && !keys.contains(&key) {
        return Err(E::custom(format!("the key {name} is spelt {}", shown(key))));
    }
    if seen.contains(name) {
        return Err(E::custom(format!("the key {name} stands twice")));
    }
    seen.push(name);
    Ok(Some(name))
}

struct Top<'a, F> {
    each: &'a mut F,
    refused: &'a mut Option<Error>,
}

impl<'de, F: FnMut(TocEntry) -> Result<()>> DeserializeSeed<'de> for Top<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(TocEntry) -> Result<()>> Visitor<'de> for Top<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<(), A::Error> {
        let mut seen = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            match known(&key, &["version", "entries", "tarSplitDigest"], &mut seen)? {
                Some("entries") => {
                    let list = List { each: &mut *self.each, refused: &mut *self.refused };
                    access.next_value_seed(list)?;
                }
                _ => drop(access.next_value::<IgnoredAny>()?),
            }
        }
        if !seen.contains(&"entries") {
            return Err(A::Error::custom("it has no entries"));
        }
        Ok(())
    }
}

struct List<'a, F> {
    each: &'a mut F,
    refused: &'a mut Option<Error>,
}

impl<'de, F: FnMut(TocEntry) -> Result<()>> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, F: FnMut(TocEntry) -> Result<()>> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    /// Go writes an empty list so.
    fn visit_none<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> std::result::Result<(), A::Error> {
        while let Some(entry) = access.next_element_seed(One)? {
            if let Err(error) = (self.each)(entry) {
                *self.refused = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

struct One;

impl<'de> DeserializeSeed<'de> for One {
    type Value = TocEntry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<TocEntry, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = TocEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<TocEntry, A::Error> {
        let mut entry = TocEntry::default();
        let mut seen = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            let text = match known(&key, &KEYS, &mut seen)? {
                Some("type") => &mut entry.kind,
                Some("name") => &mut entry.name,
                Some("linkName") => &mut entry.link,
                Some("digest") => &mut entry.digest,
                Some("chunkDigest") => &mut entry.piece_digest,
                Some("xattrs") => {
                    entry.xattrs = access.next_value_seed(Attributes)?;
                    continue;
                }
                key => {
                    let number = match key {
                        Some("mode") => &mut entry.mode,
                        Some("size") => &mut entry.size,
                        Some("uid") => &mut entry.uid,
                        Some("gid") => &mut entry.gid,
                        Some("devMajor") => &mut entry.device.0,
                        Some("devMinor") => &mut entry.device.1,
                        Some("chunkOffset") => &mut entry.piece_offset,
                        Some("chunkSize") => &mut entry.piece_size,
                        _ => {
                            access.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *number = access.next_value::<Option<i64>>()?.unwrap_or_default();
                    continue;
                }
            };
            *text = access.next_value::<Option<String>>()?.unwrap_or_default();
        }
        if entry.name.len().max(entry.link.len()) > limits::PATH_BYTES {
            return Err(A::Error::custom(format!(
                "a path is longer than {} bytes (PATH_BYTES)",
                limits::PATH_BYTES
            )));
        }
        Ok(entry)
    }
}

/// Extended attributes, each once.
struct Attributes;

impl<'de> DeserializeSeed<'de> for Attributes {
    type Value = BTreeMap<String, String>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Attributes {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("extended attributes")
    }

    fn visit_none<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Self::Value, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some((name, value)) = access.next_entry::<String, Option<String>>()? {
            if name.is_empty() || attributes.insert(name, value.unwrap_or_default()).is_some() {
                return Err(A::Error::custom("an extended attribute has no name, or stands twice"));
            }
        }
        Ok(attributes)
    }
}
