//! Texts that say of themselves which component they stand for: what pip, npm and gem leave where they install.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::found::Found;
use super::{Ecosystem, Evidence, Gap};
use crate::model::ImagePath;

/// A text that is known by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Text {
    /// `X.dist-info/METADATA`, `X.egg-info/PKG-INFO`, `X.egg/EGG-INFO/PKG-INFO`, and `X.egg-info` where that is
    /// a file (Python's core metadata, and what came before it).
    Python,
    /// `node_modules/NAME/package.json` and `node_modules/@SCOPE/NAME/package.json`: the root of a package, and
    /// not any directory of one. Debian's packages have theirs in `nodejs` of `/usr/share` and `/usr/lib`.
    Npm,
    /// `specifications/X.gemspec`, and those of the gems that Ruby brings in `specifications/default`.
    Gem,
}

impl Text {
    pub(super) fn of(path: &ImagePath) -> Option<Self> {
        let mut parts = path.parts().rev();
        let name = parts.next()?;
        let directory = parts.next().unwrap_or_default();
        let above = parts.next().unwrap_or_default();
        let is_named = |part: &[u8], end: &[u8]| part.len() > end.len() && part.ends_with(end);
        match name {
            b"METADATA" if is_named(directory, b".dist-info") => Some(Self::Python),
            b"PKG-INFO" if is_named(directory, b".egg-info") => Some(Self::Python),
            b"PKG-INFO" if directory == b"EGG-INFO" && is_named(above, b".egg") => Some(Self::Python),
            b"package.json" => {
                let scope = above.first() == Some(&b'@');
                let modules = if scope { parts.next().unwrap_or_default() } else { above };
                let is_package = !matches!(directory.first(), None | Some(b'.' | b'@'));
                let is_modules = modules == b"node_modules" || modules == b"nodejs" && is_debians(parts);
                (is_modules && is_package).then_some(Self::Npm)
            }
            name if is_named(name, b".egg-info") => Some(Self::Python),
            name if is_named(name, b".gemspec") => {
                let is_default = directory == b"default" && above == b"specifications";
                (is_default || directory == b"specifications").then_some(Self::Gem)
            }
            _ => None,
        }
    }

    /// Whether files of that name may be such a text, in some directory.
    pub(super) fn is_for(name: &[u8]) -> bool {
        matches!(name, b"METADATA" | b"PKG-INFO" | b"package.json")
            || name.ends_with(b".egg-info")
            || name.ends_with(b".gemspec")
    }

    /// Reads it; `is_cut` where it goes on beyond what is kept.
    pub(super) fn read(self, text: &[u8], is_cut: bool, found: &mut Found<'_>) {
        let (kind, read) = match self {
            Self::Python => ((Ecosystem::PyPi, Evidence::PythonMetadata), python(text)),
            Self::Npm if is_cut => return found.gap(Gap::LargeText),
            Self::Npm => ((Ecosystem::Npm, Evidence::PackageJson), npm(text)),
            Self::Gem => ((Ecosystem::Gem, Evidence::GemSpecification), gem(text)),
        };
        match read {
            Said::Component { name, version } => {
                found.add(kind, name, version, &[]);
            }
            Said::Nothing => {}
            Said::Broken => found.gap(if is_cut { Gap::LargeText } else { Gap::Unreadable }),
        }
    }
}

/// Whether Debian's Node.js looks for packages below a directory: `/usr/share`, `/usr/lib` or one of an architecture in
/// that. `parts` are those of its path, the last one first.
fn is_debians<'p>(mut parts: impl Iterator<Item = &'p [u8]>) -> bool {
    let [first, second, third, fourth] = std::array::from_fn(|_| parts.next());
    match (first, second, third) {
        (Some(b"share" | b"lib"), Some(b"usr"), None) => true,
        (Some(_), Some(b"lib"), Some(b"usr")) => fourth.is_none(),
        _ => false,
    }
}

/// What a text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Component {
        name: String,
        version: String,
    },
    /// It stands for no component.
    Nothing,
    Broken,
}

/// A component by its name; broken without one.
fn said(name: Option<String>, version: Option<String>) -> Said {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Said::Component { name, version: version.unwrap_or_default() },
        None => Said::Broken,
    }
}

fn python(text: &[u8]) -> Said {
    let [name, version] = headers(text, ["Name", "Version"]);
    said(name, version)
}

/// The first value of some headers of a message (RFC 822): before the first empty line, names in any case, values
/// that go on in lines that begin with a space.
pub(super) fn headers<const N: usize>(text: &[u8], wanted: [&str; N]) -> [Option<String>; N] {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut values = [const { None }; N];
    let mut open: Option<usize> = None;
    for line in lines(text) {
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(value) = open.and_then(|at| values.get_mut(at)) {
                Vec::extend_from_slice(value.get_or_insert_default(), line.get(1..).unwrap_or_default());
            }
            continue;
        }
        open = None;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let at =
            wanted.iter().position(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name.trim_ascii_end()));
        if let Some(slot) = at.and_then(|at| values.get_mut(at)).filter(|slot| slot.is_none()) {
            *slot = Some(value.to_vec());
            open = at;
        }
    }
    values.map(|value| value.map(|value| text_of(&value)))
}

/// The lines of a text, without what ends them: a line feed, a carriage return, or both.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.strip_prefix(b"\r\n").unwrap_or(after.get(1..).unwrap_or_default());
        Some(line)
    })
}

/// Bytes as a text, without spaces around it.
pub(super) fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn npm(text: &[u8]) -> Said {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut json = serde_json::Deserializer::from_slice(text);
    let Ok(Strings([name, version])) =
        json.deserialize_any(Wanted(["name", "version"])).and_then(|strings| json.end().map(|()| strings))
    else {
        return Said::Broken;
    };
    match (name, version) {
        (Some(name), Some(version)) if !name.is_empty() => Said::Component { name, version },
        // As in directories of a package that only say how their files are to be taken.
        _ => Said::Nothing,
    }
}

/// Strings of a JSON object by their keys; of several with one key the last, as in JavaScript.
struct Strings<const N: usize>([Option<String>; N]);

/// Which ones are wanted.
struct Wanted<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Wanted<N> {
    type Value = Strings<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut strings = [const { None }; N];
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.0.iter().position(|wanted| **wanted == *key).and_then(|at| strings.get_mut(at)) {
                Some(slot) => *slot = map.next_value::<MaybeString>()?.0,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Strings(strings))
    }
}

/// A string, or `None` for any other value.
struct MaybeString(Option<String>);

impl<'de> serde::Deserialize<'de> for MaybeString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = MaybeString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(MaybeString(Some(value.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(MaybeString(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(MaybeString(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(MaybeString(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(MaybeString(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(MaybeString(None))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeString(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeString(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Specifications are programs; those of installed gems are written by `Gem::Specification#to_ruby`, which has a
/// line for each field: `s.name = "rake".freeze`.
fn gem(text: &[u8]) -> Said {
    let mut fields = [const { None }; 2];
    for line in lines(text) {
        let line = line.trim_ascii_start();
        for (field, start) in fields.iter_mut().zip([&b"s.name = "[..], b"s.version = "]) {
            if field.is_none() {
                *field = line.strip_prefix(start).and_then(quoted);
            }
        }
    }
    let [name, version] = fields;
    said(name, version)
}

/// What stands between the quotes that a value begins with.
fn quoted(value: &[u8]) -> Option<String> {
    let value = value.strip_prefix(b"Gem::Version.new(").unwrap_or(value);
    let (quote, rest) = value.split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let end = rest.iter().position(|byte| byte == quote)?;
    Some(text_of(rest.get(..end)?))
}
