//! `doas.conf(5)`, as far as the question goes who is not asked for a password.

use super::Line;
use super::cursor::Cursor;

/// `permit nopass …` rules of a doas.conf, but for root's.
pub(super) fn doas(content: &[u8], mut each: impl FnMut(Line)) {
    let mut lexer = Lexer(Cursor::new(content));
    while lexer.0.peek().is_some() {
        let number = lexer.0.line();
        let is_open = permits_without_password(&mut lexer);
        while lexer.next().is_some() {}
        let text = lexer.0.end(1);
        if is_open {
            each(Line { number, text });
        }
    }
}

fn permits_without_password(rule: &mut Lexer<'_>) -> bool {
    if !rule.next().is_some_and(|token| token.is_keyword(b"permit")) {
        return false;
    }
    let mut is_open = false;
    while let Some(token) = rule.next() {
        if token.is_keyword(b"nopass") {
            is_open = true;
        } else if token.is_keyword(b"setenv") {
            rule.find(|token| *token == Token::Brace(b'}'));
        } else if !["nolog", "persist", "keepenv"].iter().any(|option| token.is_keyword(option.as_bytes())) {
            return is_open && !matches!(token, Token::Word { text, .. } if text == b"root");
        }
    }
    false
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Brace(u8),
    Word {
        text: Vec<u8>,
        /// Quoted words are none, nor what a continued line begins with.
        may_be_keyword: bool,
    },
}

impl Token {
    fn is_keyword(&self, keyword: &[u8]) -> bool {
        matches!(self, Self::Word { text, may_be_keyword: true } if text == keyword)
    }
}

/// The tokens of a line, as `yylex` of doas takes them; a backslash takes from the next byte what it means,
/// but a keyword remains one.
struct Lexer<'a>(Cursor<'a>);

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let mut may_be_keyword = true;
        loop {
            match self.0.peek()? {
                b'\n' => return None,
                b' ' | b'\t' => _ = self.0.take(1),
                b'#' => self.0.comment(),
                brace @ (b'{' | b'}') => {
                    self.0.take(1);
                    return Some(Token::Brace(brace));
                }
                _ => {
                    let (text, is_quoted) = self.word(&mut may_be_keyword);
                    // A continued line before a blank is no word.
                    if is_quoted || !text.is_empty() {
                        return Some(Token::Word { text, may_be_keyword });
                    }
                }
            }
        }
    }
}

impl Lexer<'_> {
    fn word(&mut self, may_be_keyword: &mut bool) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let (mut in_quotes, mut is_quoted) = (false, false);
        while let Some(byte) = self.0.peek() {
            match byte {
                b'\\' => match self.0.rest().get(1) {
                    Some(b'\n') => {
                        *may_be_keyword = false;
                        self.0.join(2);
                        continue;
                    }
                    escaped => {
                        text.extend(escaped);
                        self.0.take(2);
                        continue;
                    }
                },
                b'"' => {
                    in_quotes = !in_quotes;
                    is_quoted = true;
                    *may_be_keyword = false;
                }
                b'\n' => break,
                b'{' | b'}' | b'#' | b' ' | b'\t' if !in_quotes => break,
                0 => {}
                byte => text.push(byte),
            }
            self.0.take(1);
        }
        (text, is_quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<Line> {
        let mut told = Vec::new();
        doas(text.as_bytes(), |line| told.push(line));
        told
    }

    fn is_open(text: &str) -> bool {
        !told(text).is_empty()
    }

    /// Each was shown to doas, which says `permit nopass` to the user that it names.
    #[test]
    fn rules_without_a_password_are_found() {
        for text in [
            "permit nopass :wheel",
            "permit nolog nopass setenv { A B=c } app as root",
            "permit setenv { A }nopass app",
            "permit setenv {A}nopass app",
            "permit setenv { \"}\" } nopass app",
            "permit nopass setenvapp",
            "permit nop\\ass app",
            "permit nopass app#x",
            "permit nopass \\\napp",
            "permit nopass \"persist\"",
            "permit nopass \\\npersist",
            "# a comment \\\npermit nopass app",
        ] {
            assert!(is_open(text), "{text}");
        }
    }

    #[test]
    fn what_looks_like_it_is_none() {
        for text in [
            "permit persist :wheel",
            "deny nopass app",
            "permit nopass root",
            "permit nopass ro\\ot",
            "# permit nopass app",
            "permit app cmd nopass",
            "permit \"nopass\"",
            "permit \\\n nopass",
            "permit nopass#x",
            "permit setenv { nopass } app",
            "permit nopass",
            "",
            "\\",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }

    #[test]
    fn a_rule_is_told_with_its_line() {
        let told = told("permit app\n\npermit \\\n persist\npermit nopass  \\\n app # why\n");
        assert_eq!(told, [Line { number: 5, text: b"permit nopass    app".to_vec() }]);
    }
}
