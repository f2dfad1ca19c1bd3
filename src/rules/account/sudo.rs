//! `sudoers(5)`, as far as the question goes who is not asked for a password.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Line;
use super::sudo_aliases::names;
use super::sudo_defaults::{Effect, effect};
use super::sudo_lexer::{Lexer, Token};
use super::sudo_patterns::Version;
use crate::limits;

/// What a sudoers file says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sudoers {
    /// Rules and defaults that ask for no password, with whom they are for: no more than are told.
    pub(super) open: Vec<Line>,
    /// Whether there are more.
    pub(super) more_open: bool,
    /// Lines that define aliases, up to [`limits::SUDOERS_NAMES`] names.
    pub(super) aliases: Vec<Line>,
    /// Whether there are more.
    pub(super) more_aliases: bool,
    /// Whether sudo believes a record of who gave a password that was made elsewhere or long ago.
    pub(super) keeps_records: bool,
    /// Further files: one more than may be named at most.
    pub(super) includes: BTreeSet<Include>,
}

/// `@include` and `@includedir`, also with `#`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Include {
    File(Vec<u8>),
    Directory(Vec<u8>),
}

/// What any version of sudo takes for open is open.
pub(super) fn sudoers(content: &[u8]) -> Sudoers {
    read_by(content, Version::reading(content))
}

/// Its includes, and perhaps what else it says.
pub(super) fn includes(content: &[u8]) -> Sudoers {
    let has_some = content.windows(7).any(|text| text == b"include");
    if has_some { sudoers(content) } else { Sudoers::default() }
}

fn read_by(content: &[u8], versions: &[Version]) -> Sudoers {
    let mut kept = Kept::default();
    for version in versions {
        let content = as_read(content, *version);
        let mut lexer = Lexer::new(&content, *version);
        while let Some(number) = lexer.line() {
            let statement = statement(&mut lexer);
            let text = lexer.end_line();
            kept.keep(number, text, statement);
        }
    }
    kept.sudoers()
}

/// What a line is.
enum Statement {
    Include(Include),
    Alias,
    Other(Effect),
}

fn statement(lexer: &mut Lexer<'_>) -> Statement {
    match lexer.next() {
        Some(Token::Include(path)) => Statement::Include(Include::File(path)),
        Some(Token::IncludeDirectory(path)) => Statement::Include(Include::Directory(path)),
        Some(Token::Alias) => Statement::Alias,
        Some(Token::Defaults(binding)) => Statement::Other(effect(binding, lexer)),
        Some(first) => Statement::Other(Effect { is_open: spec_is_open(&first, lexer), ..Effect::default() }),
        None => Statement::Other(Effect::default()),
    }
}

/// What is kept of a file while the versions read it, one after the other.
#[derive(Default)]
struct Kept {
    open: BTreeMap<usize, Vec<u8>>,
    aliases: BTreeSet<Line>,
    /// How many names are in these.
    names: usize,
    read: Sudoers,
}

impl Kept {
    fn keep(&mut self, number: usize, text: Vec<u8>, statement: Statement) {
        match statement {
            Statement::Include(include) => {
                if self.read.includes.len() <= limits::INCLUDED_FILES {
                    self.read.includes.insert(include);
                }
            }
            Statement::Alias if self.names > limits::SUDOERS_NAMES => self.read.more_aliases = true,
            Statement::Alias => {
                self.names = self.names.saturating_add(names(&text).count());
                self.aliases.insert(Line { number, text });
            }
            Statement::Other(effect) => {
                self.read.keeps_records |= effect.keeps_records;
                if effect.is_open && self.open.len() < limits::LINE_FINDINGS {
                    self.open.entry(number).or_insert(text);
                } else if effect.is_open && !self.open.contains_key(&number) {
                    self.read.more_open = true;
                }
            }
        }
    }

    fn sudoers(self) -> Sudoers {
        let open = self.open.into_iter().map(|(number, text)| Line { number, text });
        let aliases = self.aliases.into_iter();
        Sudoers { open: open.collect(), aliases: aliases.collect(), ..self.read }
    }
}

/// Of a line with a NUL sudo reads what stands before it, since 1.9.6.
fn as_read(content: &[u8], version: Version) -> Cow<'_, [u8]> {
    if version == Version::First || !content.contains(&0) {
        return Cow::Borrowed(content);
    }
    let lines = content.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.split(|byte| *byte == 0).next().unwrap_or_default());
    Cow::Owned(lines.collect::<Vec<_>>().join(&b'\n'))
}

/// Whether sudo reads a file of that name in an included directory.
pub(super) fn is_read(name: &[u8]) -> bool {
    !name.contains(&b'.') && !name.ends_with(b"~")
}

/// `USERS HOSTS = (RUNAS) TAGS: COMMANDS : HOSTS = …` with a command that `NOPASSWD:` holds for.
///
/// What stands between is not held to the grammar, which grows: at worst a line is told that only denies.
fn spec_is_open(first: &Token<'_>, lexer: &mut Lexer<'_>) -> bool {
    let second = lexer.next();
    if is_root(first) && second != Some(Token::Sign(b',')) {
        return false;
    }
    let (mut is_open, mut is_denied) = (false, false);
    let commands = second.into_iter().chain(lexer).skip_while(|token| *token != Token::Sign(b'='));
    for token in commands {
        match token {
            Token::NoPassword => is_open = true,
            Token::Password => is_open = false,
            Token::Command if is_open && !is_denied => return true,
            // An alias may deny what it is made of, so that its denial permits.
            Token::Word(_) if is_open => return true,
            _ => {}
        }
        is_denied = token == Token::Sign(b'!');
    }
    false
}

pub(super) fn is_root(token: &Token<'_>) -> bool {
    matches!(token, Token::Word(b"root" | b"#0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(text: &str) -> bool {
        !sudoers(text.as_bytes()).open.is_empty()
    }

    #[test]
    fn rules_without_a_password_are_found() {
        for text in [
            "app ALL=(ALL) NOPASSWD: ALL",
            "app ALL=(ALL:ALL) NOPASSWD:ALL",
            "%wheel\tALL = NOPASSWD : SETENV: /bin/x, PASSWD: /bin/y",
            "app ALL = PASSWD: /bin/y, NOPASSWD: /bin/x",
            "app ALL = \\\n  (root) NOPASSWD: \\\n  /bin/x",
            "User_Alias OPS = a, b\nOPS ALL = NOPASSWD: ALL # all of it",
            "#1000 ALL=(#0) NOPASSWD: ALL",
            "app H = /bin/a : G = NOPASSWD: /bin/b",
            "Defaults !authenticate",
            "Defaults:app env_reset, ! authenticate",
            "Defaults>root,app !authenticate",
            "Defaults:a, b !authenticate",
            "Defaults:root ,app !authenticate",
            "Defaults env_reset, \\ \t\n !authenticate",
            "Defaults env_reset, exempt_group = app",
            "root ,app ALL=(ALL) NOPASSWD: ALL",
            "root, app ALL=(ALL) NOPASSWD: ALL",
            "#0 , app ALL=(ALL) NOPASSWD: ALL",
            "root\\ ,app ALL=(ALL) NOPASSWD: ALL",
            "# a comment \\\napp ALL=NOPASSWD: ALL",
            "app ALL = /bin/echo \", NOPASSWD: ALL",
            "app ALL = /bin/echo a\"b, (ALL) NOPASSWD: ALL",
            "app ALL = /bin/ls\" : ALL = NOPASSWD: ALL",
            "app ALL = (A\\\"LL) NOPASSWD: ALL",
            "\"a#b\" ALL = NOPASSWD: ALL",
            "User_Alias X = a\\ \napp ALL = NOPASSWD: ALL",
            "User_Alias X = a\\\\\napp ALL = NOPASSWD: ALL",
            "app ALL = NOPASSWD: !/bin/sh, /bin/ls",
            "app ALL = NOPASSWD: !SHELLS",
            "app ALL = NOPASSWD: !/bin/sh, (ops:ops) sha224:/AB= /bin/ls",
            "app ALL = NOPASSWD: !/bin/sh, CWD=/ /bin/ls",
            "app fe80::/10 = NOPASSWD: ALL",
            "%:/x ALL = NOPASSWD: ALL",
            "app ALL = CWD=/tmp NOPASSWD: ALL",
            "app ALL = sha224:/AB+/w== /bin/x, NOPASSWD: ALL",
            "app ALL = /bin/, NOPASSWD: ALL",
            "app ALL = ^/bin/[a,b]\"$, NOPASSWD: ALL",
            "app ALL = NOPASSWD: ALL : \"",
            "app ALL = NOPASSWD: ALL\0 \"",
            "Defaults@,app ALL = NOPASSWD: ALL",
            "Defaults exempt_group-=app",
            "Defaults lecture=\"a\\\", b\", !authenticate",
            // Before 1.9.3, before 1.9.6, before 1.9.10, and without CR at ends of lines.
            "app CWD = /bin/echo \", NOPASSWD: ALL",
            "app ALL = /bin/echo \0, NOPASSWD: /bin/sh",
            "app ALL = /bin/echo ^a, NOPASSWD: /bin/sh x$",
            "User_Alias X = a, \\\r\napp ALL = NOPASSWD: ALL",
            // sudo-rs.
            "app ALL = NOPASSWD \\\n: ALL",
            "app ALL = /bin/echo = \"x, NOPASSWD: ALL",
        ] {
            assert!(is_open(text), "{text}");
            // What one version alone would not read otherwise, no other does.
            assert_eq!(sudoers(text.as_bytes()), read_by(text.as_bytes(), &Version::ALL), "{text}");
        }
    }

    #[test]
    fn what_looks_like_it_is_none() {
        for text in [
            "app ALL=(ALL) ALL",
            "# app ALL=(ALL) NOPASSWD: ALL",
            "root ALL=(ALL) NOPASSWD: ALL",
            "app ALL = NOPASSWD: PASSWD: ALL",
            "app ALL = /bin/echo NOPASSWD\\: x",
            "app ALL = \"/bin/NOPASSWD: x\"",
            "Cmnd_Alias NOPASSWD = /bin/x",
            "app ALL = ALL # NOPASSWD: ALL",
            "Defaults authenticate, !!authenticate",
            "Defaults:root !authenticate",
            "Defaults:root  env_reset, !authenticate",
            "Defaults !exempt_group",
            "#0 ALL=(ALL) NOPASSWD: ALL",
            "Defaults secure_path=\"/bin, !authenticate\"",
            "DefaultsX !authenticate",
            "app ALL = NOPASSWD:",
            "app ALL = NOPASSWD: !ALL, !/bin/sh",
            "app ALL = /bin/echo \\, NOPASSWD\\: ALL",
            "app ALL = /bin/echo \", PASSWD: ALL",
            "Defaults lecture=\"a\\\", !authenticate, b\"",
            "Defaults passprompt=\"[sudo] #%u: \", env_reset",
            "\"a, b\" ALL = ALL",
            "",
            "\\",
        ] {
            assert!(!is_open(text), "{text}");
            assert_eq!(sudoers(text.as_bytes()), read_by(text.as_bytes(), &Version::ALL), "{text}");
        }
    }

    #[test]
    fn includes_are_read_in_all_their_forms() {
        let text = r##"#includedir /etc/sudoers.d
@include "a b"
  @include a\ b c
@include"a b"
#include"d"
#includes
@include
# include x
 #include x
@includes x
@include \x63
@include "a\"b"
@include \
 e
#includedir \
\
	f
@include "g\	
  h"
"##;
        let text = format!("{text}@include i\x0bj\n@include\\\nk\n#include \\\r\nl\n");
        let expected = [
            Include::File(b"a b".to_vec()),
            Include::File(b"a\"b".to_vec()),
            Include::File(b"c".to_vec()),
            Include::File(b"e".to_vec()),
            Include::File(b"gh".to_vec()),
            Include::File(b"i".to_vec()),
            Include::File(b"k".to_vec()),
            Include::File(b"l".to_vec()),
            // As versions before 1.9.1 read it.
            Include::File(b"\\".to_vec()),
            Include::Directory(b"/etc/sudoers.d".to_vec()),
            Include::Directory(b"\\".to_vec()),
            Include::Directory(b"f".to_vec()),
        ];
        assert_eq!(sudoers(text.as_bytes()).includes, expected.into());
        assert!(is_read(b"90-app") && !is_read(b"app.conf") && !is_read(b"app~"));
    }

    #[test]
    fn hostile_files_cost_no_more_than_their_length() {
        let started = std::time::Instant::now();
        let long = "app ALL = NOPASSWD".repeat(100_000);
        for text in [
            long.clone(),
            "\\\n".repeat(1 << 20),
            "\"#".repeat(1 << 20),
            "A:".repeat(1 << 20),
            "Defaults:a,".repeat(1 << 18),
            ", ".repeat(1 << 20),
        ] {
            let _ = sudoers(text.as_bytes());
            crate::rules::account::doas::doas(text.as_bytes(), |_| ());
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    #[test]
    fn what_is_kept_of_a_file_is_what_may_be_told() {
        let kept = |open: usize| {
            let read = sudoers("a A=NOPASSWD:b\n".repeat(open).as_bytes());
            (read.open.len(), read.more_open)
        };
        assert_eq!(kept(limits::LINE_FINDINGS), (limits::LINE_FINDINGS, false));
        assert_eq!(kept(limits::LINE_FINDINGS + 1), (limits::LINE_FINDINGS, true));
        let includes = (0..2 * limits::INCLUDED_FILES).map(|number| format!("@include /{number}\n"));
        let read = sudoers(includes.collect::<String>().as_bytes());
        assert_eq!(read.includes.len(), limits::INCLUDED_FILES + 1);
    }
}
