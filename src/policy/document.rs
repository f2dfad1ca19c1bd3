//! A TOML text read key by key: what is read is known, so whatever is left over is a mistake, and each
//! mistake is told with its line and column, all at once.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits;
use crate::model::spelling;

/// Where something stands in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Something wrong in a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mistake {
    /// Where.
    pub(super) place: Place,
    /// What is wrong, and what is allowed there.
    pub(super) message: String,
}

/// The text, and the mistakes found so far.
#[derive(Debug)]
struct Text {
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    text: String,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Text {
    fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..at).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }

    fn mistake(&self, place: Place, message: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < limits::POLICY_MISTAKES {
            mistakes.push(Mistake { place, message });
        }
    }
}

/// A whole document.
#[derive(Debug)]
pub(super) struct Document {
    text: Rc<Text>,
}

impl Document {
    pub(super) fn new(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text: Rc::new(Text { lines, text: text.to_owned(), mistakes: RefCell::default() }) }
    }

    /// The outermost table; `None`, with a mistake, where the text is no TOML.
    pub(super) fn root(&self) -> Option<Table<'_>> {
        match DeTable::parse(&self.text.text) {
            Ok(table) => Some(self.table(table)),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.text.mistake(self.text.place(at), error.message().to_owned());
                None
            }
        }
    }

    fn table<'a>(&self, table: Spanned<DeTable<'a>>) -> Table<'a> {
        let place = self.text.place(table.span().start);
        Table { text: Rc::clone(&self.text), place, table: table.into_inner(), known: Vec::new() }
    }

    /// All mistakes, in the order of the text.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.text.mistakes.take();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }
}

/// A table, whose keys are taken out one by one.
pub(super) struct Table<'a> {
    text: Rc<Text>,
    /// Where it begins.
    pub(super) place: Place,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

impl<'a> Table<'a> {
    /// Tells a mistake at a place.
    pub(super) fn mistake(&self, place: Place, message: impl Into<String>) {
        self.text.mistake(place, message.into());
    }

    /// A word that is none of those allowed.
    pub(super) fn not_one_of<'n>(
        &self,
        at: &At<String>,
        what: &str,
        allowed: impl IntoIterator<Item = &'n str>,
    ) {
        let allowed: Vec<_> = allowed.into_iter().collect();
        let hint = advice(&at.value, &allowed);
        self.mistake(at.place, format!("there is no {what} \"{}\"; {hint}", at.value.escape_debug()));
    }

    /// Whether a key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn take<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        convert: impl FnOnce(DeValue<'a>) -> Option<T>,
    ) -> Option<At<T>> {
        self.known.push(key);
        let value = self.table.remove(key)?;
        let (place, found) = (self.place_of(value.span()), kind_of(value.get_ref()));
        match convert(value.into_inner()) {
            Some(value) => Some(At { place, value }),
            None => {
                self.mistake(place, format!("{key} is {wanted}, and this is {found}"));
                None
            }
        }
    }

    fn place_of(&self, span: Range<usize>) -> Place {
        self.text.place(span.start)
    }

    pub(super) fn string(&mut self, key: &'static str) -> Option<At<String>> {
        self.take(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        self.take(key, "true or false", |value| value.as_bool())
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<At<u64>> {
        self.take(key, "a whole number that is not negative", |value| {
            let number = value.as_integer()?;
            u64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A date: `2026-12-31`, in quotes or not.
    pub(super) fn date(&mut self, key: &'static str) -> Option<At<jiff::civil::Date>> {
        self.take(key, "a date that exists, as 2026-12-31", |value| {
            let text = match &value {
                DeValue::String(text) => text.to_string(),
                DeValue::Datetime(date) if date.time.is_none() => date.to_string(),
                _ => return None,
            };
            text.parse().ok()
        })
    }

    /// A list of strings; empty where there is none.
    pub(super) fn strings(&mut self, key: &'static str) -> Option<Vec<At<String>>> {
        let array = self.take(key, "a list of strings", |value| match value {
            DeValue::Array(array) => Some(array),
            _ => None,
        })?;
        let mut strings = Vec::new();
        for item in array.value {
            let place = self.place_of(item.span());
            match item.get_ref().as_str() {
                Some(text) => strings.push(At { place, value: text.to_owned() }),
                None => {
                    let found = item.get_ref().type_str();
                    self.mistake(place, format!("{key} is a list of strings, and this is a TOML {found}"));
                }
            }
        }
        Some(strings)
    }

    /// A table in this one.
    pub(super) fn inner(&mut self, key: &'static str) -> Option<Table<'a>> {
        let At { place, value } = self.take(key, "a table", |value| match value {
            DeValue::Table(table) => Some(table),
            _ => None,
        })?;
        Some(Table { text: Rc::clone(&self.text), place, table: value, known: Vec::new() })
    }

    /// A list of tables: `[[key]]`, or a list of inline tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let array = self.take(key, "a list of tables", |value| match value {
            DeValue::Array(array) => Some(array),
            _ => None,
        });
        let mut tables = Vec::new();
        for item in array.into_iter().flat_map(|array| array.value) {
            let place = self.place_of(item.span());
            match item.into_inner() {
                DeValue::Table(table) => {
                    tables.push(Table { text: Rc::clone(&self.text), place, table, known: Vec::new() });
                }
                other => {
                    let found = other.type_str();
                    self.mistake(place, format!("{key} is a list of tables, and this is a TOML {found}"));
                }
            }
        }
        tables
    }

    /// All keys of a table whose keys are names that the user gives, each with its table.
    pub(super) fn named(&mut self) -> Vec<(At<String>, Table<'a>)> {
        let mut named = Vec::new();
        for (key, value) in std::mem::take(&mut self.table) {
            let name = At { place: self.place_of(key.span()), value: key.get_ref().to_string() };
            match value.into_inner() {
                DeValue::Table(table) => {
                    let text = Rc::clone(&self.text);
                    named.push((name.clone(), Table { text, place: name.place, table, known: Vec::new() }));
                }
                other => {
                    let what = format!("{} is a table, and this is a TOML {}", name.value, other.type_str());
                    self.mistake(name.place, what);
                }
            }
        }
        named
    }

    /// A key that must be there.
    pub(super) fn required<T>(&self, what: &str, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none()
            && !self.text.mistakes.borrow().iter().any(|told| told.place.line == self.place.line)
        {
            self.mistake(self.place, format!("{what} needs {key}"));
        }
        value
    }

    /// Whatever was not taken is a mistake.
    pub(super) fn end(self) {
        for key in self.table.keys() {
            let name = key.get_ref().to_string();
            let hint = advice(&name, &self.known);
            let place = self.text.place(key.span().start);
            self.text.mistake(place, format!("there is no key \"{}\" here; {hint}", name.escape_debug()));
        }
    }
}

/// What a value is, for who wrote another than is wanted.
fn kind_of(value: &DeValue<'_>) -> String {
    match value.as_integer() {
        Some(number) if number.as_str().starts_with('-') => "a negative number".to_owned(),
        _ => format!("a TOML {}", value.type_str()),
    }
}

/// What is allowed instead of a word.
fn advice(word: &str, allowed: &[&str]) -> String {
    match spelling::nearest(word, allowed.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if allowed.is_empty() => "nothing is allowed there".to_owned(),
        None if allowed.len() <= 16 => format!("allowed are {}", allowed.join(", ")),
        None => {
            let first = allowed.get(..8).unwrap_or_default();
            format!("allowed are {} and {} more", first.join(", "), allowed.len() - first.len())
        }
    }
}
