//! The words and signs of sudoers, as `toke.l` of sudo takes them: which bytes belong together depends on what
//! stands before, and the longest match wins. A quote begins a string where a word could stand; among
//! the arguments of a command it is a byte like others.

use super::cursor::Cursor;
use super::sudo_patterns::{
    Version, binding, blanks, continuation, ends_argument, group, id, include_path, is_blank, network,
    newline, path, unescaped, unescaped_string, value, word,
};

/// What a line is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `Defaults`, with the sign that binds it to those in the list that follows.
    Defaults(Option<u8>),
    /// `User_Alias` and the like.
    Alias,
    /// `@include` and `#include`, with the path.
    Include(Vec<u8>),
    /// `@includedir` and `#includedir`, with the path.
    IncludeDirectory(Vec<u8>),
    /// `NOPASSWD:`
    NoPassword,
    /// `PASSWD:`
    Password,
    /// `ALL`, or a command, its arguments passed over.
    Command,
    /// The name of a default.
    Default(&'a [u8]),
    /// A name, an alias, a value, as written; of a string what is between the quotes.
    Word(&'a [u8]),
    /// One of `,:=()!`, or a byte that can stand nowhere.
    Sign(u8),
}

/// The start states of `toke.l`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a line: `INITIAL` where `^` matches.
    Begin,
    Initial,
    /// `GOTCMND`; whether an argument was seen.
    Arguments(bool),
    /// `GOTDEFS`: the list that defaults are bound to.
    Bound,
    /// `STARTDEFS`
    DefaultName,
    /// `INDEFS`
    DefaultValue,
    /// `EXPECTPATH`
    Directory,
    /// `WANTDIGEST`
    Digest,
}

pub(super) struct Lexer<'a> {
    cursor: Cursor<'a>,
    version: Version,
    state: State,
    /// To where no string ends, and no regular expression: looked for once.
    no_string_before: usize,
    no_regex_before: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(content: &'a [u8], version: Version) -> Self {
        let cursor = Cursor::new(content);
        Self { cursor, version, state: State::Begin, no_string_before: 0, no_regex_before: 0 }
    }

    /// Number of the line whose words come next; `None` at the end of the file.
    pub(super) fn line(&self) -> Option<usize> {
        self.cursor.peek().map(|_| self.cursor.line())
    }

    /// Passes over what is left of the line, and says what stands in it.
    pub(super) fn end_line(&mut self) -> Vec<u8> {
        while self.next().is_some() {}
        self.state = State::Begin;
        self.cursor.end(newline(self.cursor.rest(), self.version).unwrap_or(0))
    }

    fn begin(&mut self) -> Option<Token<'a>> {
        self.state = State::Initial;
        let rest = self.cursor.rest();
        let indent = blanks(rest);
        let text = rest.get(indent..).unwrap_or_default();
        // Behind blanks the keyword need not end there; else the longer word wins.
        let is_keyword = |keyword: &[u8]| {
            text.starts_with(keyword) && (indent > 0 || word(text, self.version) == keyword.len())
        };
        let aliases: [&[u8]; 5] = [b"User_Alias", b"Runas_Alias", b"Host_Alias", b"Cmnd_Alias", b"Cmd_Alias"];
        // To the first versions `Cmd_Alias` is a user like others.
        let known = if self.version == Version::First { 4 } else { 5 };
        if let Some(keyword) = aliases.iter().take(known).find(|keyword| is_keyword(keyword)) {
            self.cursor.take(indent + keyword.len());
            return Some(Token::Alias);
        }
        let bound = text.strip_prefix(b"Defaults").and_then(|rest| binding(rest, self.version));
        if is_keyword(b"Defaults") || bound.is_some() {
            self.cursor.take(indent + b"Defaults".len() + bound.map_or(0, |(_, length)| length));
            self.state = State::Bound;
            return Some(Token::Defaults(bound.map(|(sign, _)| sign)));
        }
        self.include(indent, text)
    }

    fn include(&mut self, indent: usize, text: &'a [u8]) -> Option<Token<'a>> {
        let sign = *text.first()?;
        let name = text.get(1..)?.strip_prefix(b"include")?;
        let (path, is_directory) = match name.strip_prefix(b"dir") {
            Some(path) => (path, true),
            None => (name, false),
        };
        let is_include = match sign {
            b'@' => word(text, self.version) == text.len() - path.len(),
            b'#' => indent == 0 && blanks(path) > 0,
            _ => false,
        };
        if !is_include {
            return None;
        }
        self.cursor.take(indent + text.len() - path.len());
        // To versions before 1.9.1, which know no `@`, the path stands on the same line.
        let is_continued = sign == b'@' || self.version > Version::First;
        loop {
            self.cursor.take(blanks(self.cursor.rest()));
            match continuation(self.cursor.rest(), self.version).filter(|_| is_continued) {
                Some(length) => self.cursor.join(length),
                None => break,
            }
        }
        let path = if self.cursor.peek() == Some(b'"') {
            unescaped_string(self.string()?, self.version)
        } else {
            unescaped(self.cursor.take(include_path(self.cursor.rest())))
        };
        if path.is_empty() {
            return None;
        }
        Some(if is_directory { Token::IncludeDirectory(path) } else { Token::Include(path) })
    }

    /// What stands between the quote that comes next and its end on this line.
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.cursor.at() < self.no_string_before {
            return None;
        }
        let rest = self.cursor.rest();
        let mut at = 1;
        loop {
            let text = rest.get(at..).unwrap_or_default();
            match text.first() {
                Some(b'"') => break,
                Some(b'\\') => {
                    at += continuation(text, self.version).unwrap_or(match text.get(1) {
                        Some(b'"') => 2,
                        _ => 1,
                    })
                }
                Some(_) if newline(text, self.version).is_none() => at += 1,
                _ => {
                    self.no_string_before = self.cursor.at() + at;
                    return None;
                }
            }
        }
        let version = self.version;
        self.cursor.pass(at + 1, |text| continuation(text, version));
        rest.get(1..at)
    }

    /// Length of a regular expression that begins here.
    fn regex(&mut self) -> Option<usize> {
        let rest = self.cursor.rest();
        if self.version < Version::Regexes
            || rest.first() != Some(&b'^')
            || self.cursor.at() < self.no_regex_before
        {
            return None;
        }
        let mut length = None;
        let mut before = b'^';
        for (at, byte) in rest.iter().enumerate().skip(1) {
            if *byte == b'$' {
                length = Some(at + 1);
            }
            if matches!(byte, b'\r' | b'\n') || matches!(byte, b'$' | b'#') && before != b'\\' {
                if length.is_none() {
                    self.no_regex_before = self.cursor.at() + at;
                }
                return length;
            }
            before = *byte;
        }
        if length.is_none() {
            self.no_regex_before = self.cursor.at() + rest.len();
        }
        length
    }

    /// A word, command, sign or string, as in `INITIAL` and the states that share its rules.
    fn item(&mut self) -> Token<'a> {
        let rest = self.cursor.rest();
        let first = rest.first().copied().unwrap_or_default();
        let state = self.state;
        if state != State::Bound {
            self.state = State::Initial;
        }
        if first == b'"'
            && let Some(string) = self.string()
        {
            return Token::Word(string);
        }
        if state == State::Digest {
            let is_digest = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            let length = rest.iter().take_while(|byte| is_digest(byte)).count();
            if length > 0 {
                return Token::Word(self.cursor.take(length));
            }
        }
        let length = word(rest, self.version);
        let command = if first == b'/' { path(rest, self.version) } else { self.regex().unwrap_or(0) };
        if command >= length.max(1) {
            let command = self.cursor.take(command);
            if state == State::Directory {
                return Token::Word(command);
            }
            // A directory has no arguments.
            if self.state != State::Bound && (first != b'/' || !command.ends_with(b"/")) {
                self.state = State::Arguments(false);
            }
            return Token::Command;
        }
        if let Some(length) = network(rest).or_else(|| group(rest, self.version)).or_else(|| id(rest)) {
            return Token::Word(self.cursor.take(length));
        }
        if length == 0 {
            // `:` and `=` stand between what asks for a path or a digest, and that.
            if matches!(state, State::Directory | State::Digest) && matches!(first, b':' | b'=') {
                self.state = state;
            }
            let sign = self.sign();
            if self.state == State::Bound && sign == Token::Sign(b',') {
                self.cursor.take(blanks(self.cursor.rest()));
            }
            return sign;
        }
        let word = self.cursor.take(length);
        self.keyword(word).unwrap_or(Token::Word(word))
    }

    fn keyword(&mut self, word: &[u8]) -> Option<Token<'a>> {
        match word {
            b"NOPASSWD" if self.colon() => return Some(Token::NoPassword),
            b"PASSWD" if self.colon() => return Some(Token::Password),
            b"ALL" => return Some(Token::Command),
            _ if self.state == State::Bound => {}
            b"sudoedit" => {
                self.state = State::Arguments(false);
                return Some(Token::Command);
            }
            b"sha224" | b"sha256" | b"sha384" | b"sha512" => self.state = State::Digest,
            b"CWD" | b"CHROOT" | b"APPARMOR_PROFILE" if self.version > Version::First => {
                self.state = State::Directory;
            }
            _ => {}
        }
        None
    }

    /// Reads the colon that makes a tag of a word; sudo-rs takes it on the next line too.
    fn colon(&mut self) -> bool {
        let (rest, version) = (self.cursor.rest(), self.version);
        let mut at = blanks(rest);
        while let Some(length) = rest.get(at..).and_then(|text| continuation(text, version)) {
            at += length;
            at += rest.get(at..).map_or(0, blanks);
        }
        let is_tag = rest.get(at) == Some(&b':');
        if is_tag {
            self.cursor.pass(at + 1, |text| continuation(text, version));
        }
        is_tag
    }

    /// Reads over a part of a command's arguments, or leaves them.
    fn argument(&mut self, seen: bool) {
        let rest = self.cursor.rest();
        self.state = State::Arguments(true);
        match rest.first() {
            Some(b'\\') => {
                let is_escaped = rest.get(1).is_some_and(|byte| b":\\,= \t#".contains(byte));
                self.cursor.take(if is_escaped { 2 } else { 1 });
            }
            Some(b'^') if !seen && self.version >= Version::Regexes => self.regex_of_arguments(),
            // sudo ends them at a `=` of its own too, and then at an error; sudo-rs does not.
            Some(byte) if ends_argument(*byte, self.version) => self.state = State::Initial,
            _ => {
                let is_end = |byte: &u8| b"\\ \t".contains(byte) || ends_argument(*byte, self.version);
                let length = rest.iter().position(is_end);
                self.cursor.take(length.unwrap_or(rest.len()));
            }
        }
    }

    fn regex_of_arguments(&mut self) {
        self.state = State::Initial;
        loop {
            let rest = self.cursor.rest();
            if let Some(length) = continuation(rest, self.version) {
                self.cursor.join(length);
                continue;
            }
            match (rest.first(), rest.get(1)) {
                (None | Some(b'#' | b'\r' | b'\n'), _) => return,
                (Some(b'$'), _) => {
                    self.cursor.take(1);
                    return;
                }
                (Some(b'\\'), Some(next)) if !b"\r\n".contains(next) => _ = self.cursor.take(2),
                _ => _ = self.cursor.take(1),
            }
        }
    }

    fn default_name(&mut self) -> Token<'a> {
        let rest = self.cursor.rest();
        let is_name = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        match rest.iter().take_while(|byte| is_name(byte)).count() {
            0 => self.sign(),
            length => {
                self.state = State::DefaultValue;
                Token::Default(self.cursor.take(length))
            }
        }
    }

    fn default_value(&mut self) -> Token<'a> {
        let rest = self.cursor.rest();
        match rest.first() {
            Some(b',') => self.state = State::DefaultName,
            Some(b'+' | b'-') if rest.get(1) == Some(&b'=') => _ = self.cursor.take(1),
            Some(b'"') => {
                if let Some(string) = self.string() {
                    return Token::Word(string);
                }
            }
            _ => {}
        }
        match value(self.cursor.rest(), self.version) {
            0 => self.sign(),
            length => Token::Word(self.cursor.take(length)),
        }
    }

    fn sign(&mut self) -> Token<'a> {
        let rest = self.cursor.rest();
        let marks = rest.iter().take_while(|byte| **byte == b'!').count();
        let sign = self.cursor.take(marks.max(1)).first().copied().unwrap_or_default();
        // `!!` says nothing.
        Token::Sign(if marks > 0 && marks % 2 == 0 { b' ' } else { sign })
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    /// The next of the line; `None` at its end.
    fn next(&mut self) -> Option<Token<'a>> {
        if self.state == State::Begin
            && let Some(token) = self.begin()
        {
            return Some(token);
        }
        loop {
            let rest = self.cursor.rest();
            let first = rest.first()?;
            if newline(rest, self.version).is_some() {
                return None;
            }
            if let Some(length) = continuation(rest, self.version) {
                self.cursor.join(length);
                continue;
            }
            if is_blank(first) {
                let after = self.cursor.take(blanks(rest)).len();
                if self.state == State::Bound && rest.get(after) != Some(&b',') {
                    self.state = State::DefaultName;
                }
                continue;
            }
            if *first == b'#' && id(rest).is_none() {
                self.cursor.comment();
                continue;
            }
            match self.state {
                State::Arguments(seen) => self.argument(seen),
                State::DefaultName => return Some(self.default_name()),
                State::DefaultValue => return Some(self.default_value()),
                _ => return Some(self.item()),
            }
        }
    }
}
