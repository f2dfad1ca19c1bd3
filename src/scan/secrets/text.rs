//! Secrets in texts: variables, labels, command lines, build steps. And the texts without them.

use std::ops::Range;

use super::Match;
use super::kinds::{self, Kind};
use super::probe::search_all;
use crate::limits;
use crate::model::secret_names::{is_named_secret, is_secret_name};
use crate::model::secret_values::{is_no_secret, is_placeholder};

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: &'static Kind,
    /// The name that it is given, where it has one.
    pub name: Option<String>,
    /// Its first byte in the text.
    pub start: usize,
    /// Its bytes.
    pub length: usize,
}

impl Found {
    fn at(found: Match, name: Option<&str>) -> Self {
        Self { kind: found.kind, name: name.map(str::to_owned), start: found.start, length: found.length }
    }
}

/// How sure a name must make us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// A finding is to be right.
    Tell,
    /// Rather too much is hidden than too little.
    Hide,
}

impl Aim {
    fn is_secret(self, name: &str, value: &str) -> bool {
        match self {
            Self::Tell => is_named_secret(name, value),
            Self::Hide => {
                is_secret_name(name)
                    && !value.is_empty()
                    && !(is_placeholder(value) && value.starts_with(['$', '<']))
            }
        }
    }
}

/// The secrets in the value of a variable or label: by its name, else by its form.
pub fn in_assignment(name: &str, value: &str) -> Vec<Found> {
    let by_form = in_text(value);
    if by_form.is_empty() && Aim::Tell.is_secret(name, value) && value.len() <= limits::SECRET_VALUE_BYTES {
        let whole = Match { start: 0, length: value.len(), kind: &kinds::NAMED };
        return vec![Found::at(whole, Some(name))];
    }
    by_form.into_iter().map(|found| Found { name: Some(name.to_owned()), ..found }).collect()
}

/// The secrets in a command line or build step, in order, none within another.
pub fn in_text(text: &str) -> Vec<Found> {
    secrets(text, Aim::Tell)
}

/// The secrets in a command, by the number of the word.
pub fn in_words(words: &[String]) -> Vec<(usize, Found)> {
    words_secrets(words, Aim::Tell)
}

/// The value of a variable or label as it may be shown.
pub fn mask_assignment(name: &str, value: &str) -> String {
    if Aim::Hide.is_secret(name, value) { "***".to_owned() } else { mask_text(value) }
}

/// A command line or build step as it may be shown.
pub fn mask_text(text: &str) -> String {
    masked(text, &secrets(text, Aim::Hide))
}

/// A command as it may be shown.
pub fn mask_words(words: &[String]) -> Vec<String> {
    // In the order of the words.
    let found = words_secrets(words, Aim::Hide);
    let mut rest = found.as_slice();
    let word = |(number, word): (usize, &String)| {
        let (of_word, later) = rest.split_at(rest.partition_point(|(at, _)| *at <= number));
        rest = later;
        masked(word, of_word.iter().map(|(_, found)| found))
    };
    words.iter().enumerate().map(word).collect()
}

fn words_secrets(words: &[String], aim: Aim) -> Vec<(usize, Found)> {
    let mut found = Vec::new();
    let mut before = None;
    for (number, word) in words.iter().enumerate() {
        let mut of_word = secrets(word, aim);
        // What is only hidden elsewhere in the word does not say that this is none.
        if of_word.is_empty() || aim == Aim::Hide {
            let value = Word { text: word, start: 0 };
            of_word.extend(before.and_then(|flag| after_flag(flag, value, aim)));
            of_word.sort_by_key(|secret| secret.start);
            of_word = without_overlaps(of_word);
        }
        found.extend(of_word.into_iter().map(|found| (number, found)));
        before = Some(word.as_str());
    }
    found
}

fn masked<'a>(text: &str, found: impl IntoIterator<Item = &'a Found>) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for secret in found {
        shown.push_str(text.get(at..secret.start).unwrap_or_default());
        shown.push_str(&secret.kind.masked());
        at = secret.start + secret.length;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

fn secrets(text: &str, aim: Aim) -> Vec<Found> {
    let mut found = Vec::new();
    search_all(text.as_bytes(), |secret| found.push(Found::at(secret, None)));
    for (start, length) in url_passwords(text) {
        found.push(Found::at(Match { start, length, kind: &kinds::URL_PASSWORD }, None));
    }
    in_command(Word { text, start: 0 }, 0, aim, &mut found);
    // By form rather than by name, and each byte once.
    found.sort_by_key(|secret| (secret.start, secret.kind == &kinds::NAMED));
    let by_form = spans(found.iter().filter(|secret| secret.kind != &kinds::NAMED));
    let mut end = 0;
    found.retain(|secret| {
        let (from, to) = (secret.start, secret.start + secret.length);
        let is_second = aim == Aim::Tell
            && secret.kind == &kinds::NAMED
            && by_form
                .get(by_form.partition_point(|span| span.end <= from))
                .is_some_and(|span| span.start < to);
        let keep = !is_second && (from >= end || to > end);
        if keep {
            end = end.max(to);
        }
        keep
    });
    without_overlaps(found)
}

/// What is covered by some, which come in order: spans apart from each other, in order.
fn spans<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for secret in found {
        let (from, to) = (secret.start, secret.start + secret.length);
        match spans.last_mut().filter(|last| from <= last.end) {
            Some(last) => last.end = last.end.max(to),
            None => spans.push(from..to),
        }
    }
    spans
}

/// Cuts what an earlier one has already.
fn without_overlaps(found: Vec<Found>) -> Vec<Found> {
    let mut end = 0;
    let cut = |mut secret: Found| {
        let to = secret.start + secret.length;
        secret.start = secret.start.max(end);
        secret.length = to.saturating_sub(secret.start);
        end = end.max(to);
        (secret.length > 0).then_some(secret)
    };
    found.into_iter().filter_map(cut).collect()
}

/// A word of a command line, without its quotes.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Word<'a> {
    fn all(self, kind: &'static Kind) -> Match {
        Match { start: self.start, length: self.text.len(), kind }
    }

    /// Without quotes around all of it, or what ends a command.
    fn bare(self) -> Self {
        let text = self.text.trim_start_matches(['"', '\'', '[', '(', '{', '`']);
        let start = self.start + (self.text.len() - text.len());
        Word { text: text.trim_end_matches(['"', '\'', ',', ')', ']', '}', '`', '\\']), start }
    }

    fn from(self, at: usize) -> Self {
        Word { text: self.text.get(at..).unwrap_or_default(), start: self.start + at }
    }
}

/// Commands within commands that are looked into: `sh -c "su -c 'curl …'"`.
const DEPTH: usize = 3;

/// The secrets that names and flags tell in a command line.
fn in_command(text: Word<'_>, depth: usize, aim: Aim, found: &mut Vec<Found>) {
    let mut before: [&str; 2] = ["", ""];
    for word in split(text, depth < DEPTH) {
        match told(word, before, aim) {
            Some(secret) => found.push(secret),
            None => {
                let bare = word.bare();
                if bare.text.contains(parts) && depth <= DEPTH {
                    let depth = if bare.text.len() == text.text.len() { DEPTH } else { depth };
                    in_command(bare, depth + 1, aim, found);
                } else {
                    found.extend(parameters(bare, aim));
                }
            }
        }
        before = [before[1], word.text];
    }
}

/// The secret that a word is, with the two words before it.
fn told(word: Word<'_>, before: [&str; 2], aim: Aim) -> Option<Found> {
    let [first, flag] = before;
    if let Some(found) = assigned(word, aim).or_else(|| after_flag(flag, word, aim)) {
        return Some(found);
    }
    let word = word.bare();
    let is_header =
        first.ends_with("uthorization:") && matches!(flag, "Bearer" | "Basic" | "token" | "bearer");
    if is_header && word.text.len() >= 8 && !is_placeholder(word.text) {
        return Some(Found::at(word.all(&kinds::NAMED), Some("Authorization")));
    }
    // The old form, `ENV NAME value`.
    let is_env = matches!(first, "ENV" | "LABEL") && !flag.contains('=') && aim.is_secret(flag, word.text);
    is_env.then(|| Found::at(word.all(&kinds::NAMED), Some(flag)))
}

/// The words of a text: parted by blanks, where `quoted` outside quotes only, and by what parts commands.
fn split(text: Word<'_>, quoted: bool) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.text.get(at..)?;
        let begin = rest.find(|char| !parts(char))?;
        let word = rest.get(begin..)?;
        let mut quote = None;
        let mut escaped = false;
        let end = word.find(|char| {
            if std::mem::take(&mut escaped) {
                return false;
            }
            match (quote, char) {
                (_, '\\') => escaped = true,
                (Some(open), char) if open == char => quote = None,
                (None, '"' | '\'') if quoted => quote = Some(char),
                (None, char) if parts(char) => return true,
                _ => {}
            }
            false
        });
        let end = end.unwrap_or(word.len());
        let start = at + begin;
        at = start + end;
        Some(Word { text: word.get(..end)?, start: text.start + start })
    })
}

fn parts(char: char) -> bool {
    char.is_whitespace() || matches!(char, ';' | '|' | '&')
}

/// `NAME=value`, `--name=value`, `name:value`.
fn assigned(word: Word<'_>, aim: Aim) -> Option<Found> {
    let word = word.bare();
    let equals = word.text.find(['=', ':'])?;
    let name = word.text.get(..equals)?.trim_start_matches('-').trim_matches(['"', '\'']);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(is_part) {
        return None;
    }
    let value = word.from(equals + 1).bare();
    let indent = value.text.len() - value.text.trim_start().len();
    let value = value.from(indent);
    if name.eq_ignore_ascii_case("build-arg") {
        return assigned(value, aim);
    }
    let is_secret = aim.is_secret(name, value.text) && value.text.len() <= limits::SECRET_VALUE_BYTES;
    is_secret.then(|| Found::at(value.all(&kinds::NAMED), Some(name)))
}

/// What else a word assigns: `?password=…` of a URL, `…,password=…` and the like of others, JSON.
fn parameters(word: Word<'_>, aim: Aim) -> impl Iterator<Item = Found> + '_ {
    let begins = |char: char| matches!(char, '?' | '&' | ';' | '#' | ',' | '{' | '[');
    let mut at = word.text.find(begins);
    std::iter::from_fn(move || {
        loop {
            let start = at? + 1;
            let rest = word.text.get(start..)?;
            at = rest.find(begins).map(|length| start + length);
            let parameter =
                Word { text: word.text.get(start..at.unwrap_or(word.text.len()))?, ..word.from(start) };
            // A colon parts names from values in JSON only: `image:tag` is none.
            let is_assigned = parameter.text.contains('=') || parameter.text.contains("\":");
            if let Some(found) = is_assigned.then(|| assigned(parameter, aim)).flatten() {
                return Some(found);
            }
        }
    })
}

/// What follows `--password`, `-u`.
fn after_flag(flag: &str, word: Word<'_>, aim: Aim) -> Option<Found> {
    let word = word.bare();
    if matches!(flag, "-u" | "--user" | "--proxy-user" | "-U") {
        let colon = word.text.find(':')?;
        let (user, password) = (word.text.get(..colon)?, word.from(colon + 1));
        let is_user =
            !user.is_empty() && !user.contains('/') && user.bytes().any(|byte| !byte.is_ascii_digit());
        let told = is_user && !is_no_secret(password.text) && !is_group(password.text);
        return told.then(|| Found::at(password.all(&kinds::USER_PASSWORD), None));
    }
    let name = flag.strip_prefix('-')?.trim_start_matches('-');
    let is_flag = !flag.contains('=') && !word.text.starts_with('-');
    (is_flag && aim.is_secret(name, word.text)).then(|| Found::at(word.all(&kinds::NAMED), Some(name)))
}

/// `--user app:app`, `-u root:root`: a group, not a password.
fn is_group(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(
            text,
            "root" | "app" | "node" | "www-data" | "nobody" | "nogroup" | "daemon" | "users" | "staff"
        )
}

/// Where in a text the passwords of `scheme://user:password@host` are.
pub(super) fn url_passwords(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|char: char| {
            matches!(char, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`') || char.is_whitespace()
        });
        let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let password = || {
            let (user_info, _) = authority.rsplit_once('@')?;
            let (user, password) = user_info.split_once(':')?;
            (!is_no_secret(password)).then_some((start + user.len() + 1, password.len()))
        };
        found.extend(password());
    }
    found
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
