//! `sudoers(5)` and `doas.conf(5)`, as far as the question goes who is not asked for a password.

use crate::model::ImagePath;

/// What a sudoers file says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sudoers {
    /// Rules and defaults that ask for no password, each as one line, with whom they are for.
    pub(super) open: Vec<Open>,
    /// Further files, in their order.
    pub(super) includes: Vec<Include>,
}

/// A line that asks for no password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Number of its first line, from 1.
    pub(super) line: usize,
    /// The line, continuations joined.
    pub(super) text: Vec<u8>,
}

/// `@include` and `@includedir`, also with `#`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Include {
    File(Vec<u8>),
    Directory(Vec<u8>),
}

const ALIASES: [&[u8]; 5] = [b"User_Alias", b"Runas_Alias", b"Host_Alias", b"Cmnd_Alias", b"Cmd_Alias"];

pub(super) fn sudoers(content: &[u8]) -> Sudoers {
    let mut read = Sudoers::default();
    for (line, text) in logical_lines(content) {
        let first = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        if let Some(include) = include(&text) {
            read.includes.push(include);
        } else if !ALIASES.contains(&first)
            && match text.strip_prefix(b"Defaults") {
                Some(rest) if rest.first().is_some_and(|byte| b" \t@:!>".contains(byte)) => {
                    defaults_are_open(rest)
                }
                _ => spec_is_open(&text),
            }
        {
            read.open.push(Open { line, text });
        }
    }
    read
}

/// Whether sudo reads a file of that name in an included directory.
pub(super) fn is_read(name: &[u8]) -> bool {
    !name.contains(&b'.') && !name.ends_with(b"~")
}

/// The path of an included file or directory; relative ones start beside the file that names them.
pub(super) fn included_path(including: &ImagePath, path: &[u8]) -> ImagePath {
    if path.starts_with(b"/") {
        return ImagePath::new(path);
    }
    ImagePath::new([including.parent().as_bytes(), b"/", path].concat())
}

/// `permit nopass …` lines of a doas.conf, but for root's.
pub(super) fn doas(content: &[u8]) -> Vec<Open> {
    let lines = logical_lines(content).into_iter();
    lines.filter(|(_, text)| permits_without_password(text)).map(|(line, text)| Open { line, text }).collect()
}

fn permits_without_password(text: &[u8]) -> bool {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if words.next() != Some(b"permit") {
        return false;
    }
    let (mut is_open, mut in_braces) = (false, false);
    for word in words {
        if in_braces || word.starts_with(b"{") || word.starts_with(b"setenv") {
            in_braces = !word.contains(&b'}');
        } else if word == b"nopass" {
            is_open = true;
        } else if ![&b"nolog"[..], b"persist", b"keepenv"].contains(&word) {
            return is_open && word != b"root";
        }
    }
    false
}

/// Lines with continuations joined and comments cut off, trimmed; empty ones left out. A comment ends
/// with its line, whatever stands before the end.
fn logical_lines(content: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, Vec<u8>)> = None;
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (first, mut text) = pending.take().unwrap_or((index + 1, Vec::new()));
        let code = without_comment(line, text.is_empty());
        let is_whole = code.len() == line.len();
        // sudo takes blanks behind the backslash for none.
        match code.trim_ascii_end().strip_suffix(b"\\").filter(|_| is_whole) {
            Some(begun) => {
                text.extend_from_slice(begun);
                text.push(b' ');
                pending = Some((first, text));
            }
            None => {
                text.extend_from_slice(code);
                lines.push((first, text));
            }
        }
    }
    lines.extend(pending);
    lines.retain_mut(|(_, text)| {
        *text = text.trim_ascii().to_vec();
        !text.is_empty()
    });
    lines
}

/// `#` begins a comment, but for `#1000` (a uid) and `#include` at the start.
fn without_comment(line: &[u8], at_start: bool) -> &[u8] {
    if at_start && include(line.trim_ascii()).is_some() {
        return line;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => {
                let rest = line.get(at + 1..).unwrap_or_default();
                let number = rest.strip_prefix(b"-").unwrap_or(rest);
                if !number.first().is_some_and(u8::is_ascii_digit) {
                    return line.get(..at).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    line
}

fn include(text: &[u8]) -> Option<Include> {
    let rest = text.strip_prefix(b"#").or_else(|| text.strip_prefix(b"@"))?.strip_prefix(b"include")?;
    let (is_directory, rest) = match rest.strip_prefix(b"dir") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let first = rest.first()?;
    let is_quoted = *first == b'"' && text.starts_with(b"@");
    if !first.is_ascii_whitespace() && !is_quoted {
        return None;
    }
    let path = path_of(rest.trim_ascii());
    Some(if is_directory { Include::Directory(path) } else { Include::File(path) })
}

/// A path in quotes, or to the first blank that no backslash stands before.
fn path_of(text: &[u8]) -> Vec<u8> {
    if let Some(rest) = text.strip_prefix(b"\"") {
        return rest.split(|byte| *byte == b'"').next().unwrap_or_default().to_vec();
    }
    let (mut path, mut escaped) = (Vec::new(), false);
    for byte in text {
        match byte {
            b'\\' if !escaped => escaped = true,
            byte if byte.is_ascii_whitespace() && !escaped => break,
            byte => {
                escaped = false;
                path.push(*byte);
            }
        }
    }
    path
}

/// `Defaults[@:!>LIST] PARAMETER, …` with `!authenticate`, or with a group that is not asked
/// (`exempt_group`); that of root alone is no matter.
fn defaults_are_open(rest: &[u8]) -> bool {
    let bound = rest.first().is_some_and(|byte| b"@:!>".contains(byte));
    let (list, parameters) =
        rest.split_at(if bound { 1 + list_length(rest.get(1..).unwrap_or_default()) } else { 0 });
    let is_open = parameters.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|parameter| {
        let name = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
        if name.trim_ascii_end() == b"exempt_group" {
            return true;
        }
        let before = parameter.strip_suffix(b"authenticate").map(<[u8]>::trim_ascii_end);
        before.is_some_and(|before| before.iter().rev().take_while(|byte| **byte == b'!').count() % 2 == 1)
    });
    is_open && list.trim_ascii_end() != b":root"
}

/// Bytes of a list at the start of a text: to a blank that no comma stands beside.
fn list_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_ascii_start().len();
        let item = rest.get(blanks..).unwrap_or_default();
        let length = word_length(item, |byte| byte.is_ascii_whitespace() || byte == b',');
        at += blanks + length;
        let after = item.get(length..).unwrap_or_default();
        let rest = after.trim_ascii_start();
        if !rest.starts_with(b",") {
            return at;
        }
        at += after.len() - rest.len() + 1;
    }
}

/// `USERS HOSTS = (RUNAS) TAGS: COMMANDS` with a command that `NOPASSWD:` holds for.
fn spec_is_open(text: &[u8]) -> bool {
    let (users, _) = text.split_at(list_length(text));
    if users == b"root" || users == b"#0" {
        return false;
    }
    let mut is_open = false;
    let mut rest = text;
    loop {
        let start = rest.iter().position(|byte| !is_separator(*byte)).unwrap_or(rest.len());
        rest = rest.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        let (word, after) = rest.split_at(word_length(rest, is_separator));
        let is_tag = after.trim_ascii_start().starts_with(b":")
            && word.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
        match (word, is_tag) {
            (b"NOPASSWD", true) => is_open = true,
            (b"PASSWD", true) => is_open = false,
            (_, true) => {}
            (_, false) if is_open => return true,
            (_, false) => {}
        }
        rest = after;
    }
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b":=,()".contains(&byte)
}

/// Bytes to the end of a word: to a separator outside quotes that no backslash stands before.
fn word_length(text: &[u8], is_separator: impl Fn(u8) -> bool) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            byte if !quoted && is_separator(*byte) => return at,
            _ => {}
        }
    }
    text.len()
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
        ] {
            assert!(is_open(text), "{text}");
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
            "",
            "\\",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn includes_are_read_in_all_their_forms() {
        let text = "#includedir /etc/sudoers.d\n@include \"a b\"\n  @include a\\ b c\n@include\"a b\"\n#include\"c\"\n#includes\n@include\n# include x";
        let expected = [
            Include::Directory(b"/etc/sudoers.d".to_vec()),
            Include::File(b"a b".to_vec()),
            Include::File(b"a b".to_vec()),
            Include::File(b"a b".to_vec()),
        ];
        assert_eq!(sudoers(text.as_bytes()).includes, expected);
        let sudoers = ImagePath::new("etc/sudoers");
        assert_eq!(included_path(&sudoers, b"more/x").as_bytes(), b"etc/more/x");
        assert_eq!(included_path(&sudoers, b"/opt/x").as_bytes(), b"opt/x");
        assert!(is_read(b"90-app") && !is_read(b"app.conf") && !is_read(b"app~"));
    }

    #[test]
    fn doas_is_read_too() {
        let is_open = |text: &str| !doas(text.as_bytes()).is_empty();
        for text in [
            "permit nopass :wheel",
            "permit nolog nopass setenv { A B=c } app as root",
            "permit \\\nnopass app",
        ] {
            assert!(is_open(text), "{text}");
        }
        for text in [
            "permit persist :wheel",
            "deny nopass app",
            "permit nopass root",
            "# permit nopass app",
            "permit app cmd nopass",
        ] {
            assert!(!is_open(text), "{text}");
        }
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
            let _ = (sudoers(text.as_bytes()), doas(text.as_bytes()));
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}
