//! Texts while a database is made: each is kept once.

use std::collections::HashMap;

use super::format::{PAGE, Ref};
use crate::error::{Error, Result};
use crate::limits;

/// A text that is kept; 0 is the empty one.
pub(super) type Sym = u32;

/// Texts by their numbers. No order comes from the map: numbers are given in the order in which texts come.
#[derive(Debug)]
pub(super) struct Strings {
    numbers: HashMap<Box<str>, Sym>,
    texts: Vec<Box<str>>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { numbers: HashMap::from([("".into(), 0)]), texts: vec!["".into()] }
    }
}

impl Strings {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str) -> Sym {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // Memory ends long before the numbers do.
        let number = Sym::try_from(self.texts.len()).unwrap_or(Sym::MAX);
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    pub(super) fn text(&self, number: Sym) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// The section of strings, in the order in which they are asked for.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    strings: &'a Strings,
    /// By number, the offset; 0 for what is not there yet.
    offsets: Vec<Ref>,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(strings: &'a Strings) -> Self {
        // The empty string lies at 0: a length of 0.
        Self { strings, offsets: vec![0; strings.len()], bytes: vec![0, 0] }
    }

    /// Where a text lies.
    pub(super) fn place(&mut self, number: Sym) -> Result<Ref> {
        let text = self.strings.text(number);
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(offset) = self.offsets.get(number as usize).copied().filter(|offset| *offset > 0) {
            return Ok(offset);
        }
        let too_long = || {
            Error::limit("a text of an advisory", "ADVISORY_TEXT_BYTES", limits::ADVISORY_TEXT_BYTES as u64)
        };
        let length = u16::try_from(text.len()).ok().filter(|_| text.len() <= limits::ADVISORY_TEXT_BYTES);
        let length = length.ok_or_else(too_long)?;
        // None lies over the end of a page.
        let left = PAGE - self.bytes.len() % PAGE;
        if left < 2 + text.len() {
            self.bytes.resize(self.bytes.len() + left, 0);
        }
        let offset = Ref::try_from(self.bytes.len()).map_err(|_| {
            Error::limit(
                "the texts of the advisories",
                "ADVISORY_DATABASE_BYTES",
                limits::ADVISORY_DATABASE_BYTES,
            )
        })?;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(text.as_bytes());
        if let Some(known) = self.offsets.get_mut(number as usize) {
            *known = offset;
        }
        Ok(offset)
    }
}
