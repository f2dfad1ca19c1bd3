//! Making what an image says safe to show: its bytes must not steer a terminal, break a line or
//! turn text around.

use std::fmt::Write as _;

/// Bytes as text on one line: bytes that are not UTF-8, control and bidirectional characters as
/// `\xNN` (each byte of their UTF-8 form), a backslash as `\\`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            push_escaped(&mut out, char);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Text for people: as [`escape_bytes`], but a backslash stays itself, since it is common in
/// commands and nothing reads this text back.
pub fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => out.push('\\'),
            '\t' | '\n' => out.push(' '),
            _ => push_escaped(&mut out, char),
        }
    }
    out
}

fn push_escaped(out: &mut String, char: char) {
    if char == '\\' {
        out.push_str("\\\\");
    } else if is_unsafe_to_show(char) {
        let mut bytes = [0; 4];
        for byte in char.encode_utf8(&mut bytes).bytes() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    } else {
        out.push(char);
    }
}

/// Control characters, line separators, and all that changes direction or has no width.
fn is_unsafe_to_show(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_cannot_steer_a_terminal() {
        assert_eq!(escape_bytes(b"usr/bin/ls"), "usr/bin/ls");
        assert_eq!(escape_bytes(b"a\\b"), "a\\\\b");
        assert_eq!(escape_bytes(b"\x1b[2J\xff\n"), "\\x1b[2J\\xff\\x0a");
        assert_eq!(escape_bytes("a\u{202e}gpj".as_bytes()), "a\\xe2\\x80\\xaegpj");
        assert_eq!(escape_bytes("naïve".as_bytes()), "naïve");
        assert_eq!(escape_text("RUN a\\\n\tb\x07"), "RUN a\\  b\\x07");
    }
}
