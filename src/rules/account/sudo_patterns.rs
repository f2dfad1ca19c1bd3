//! The patterns of `toke.l` of sudo: how long what matches is, where a text begins with it.

/// sudo learnt to read more over time. An older one reads the same line otherwise, and images hold either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// To 1.9.2: no `CWD=`, no regular expressions; NUL and CR are bytes like others.
    First,
    /// From 1.9.3.
    Directories,
    /// From 1.9.10.
    Regexes,
}

impl Version {
    pub(super) const ALL: [Self; 3] = [Self::First, Self::Directories, Self::Regexes];

    /// Those that may read a file each in its way. Most files have nothing that any two read otherwise.
    pub(super) fn reading(content: &[u8]) -> &'static [Self] {
        let is_sign = |byte: &u8| b"\0\r\\^".contains(byte);
        // `CWD`, `CHROOT`, `APPARMOR_PROFILE`, `Cmd_Alias`
        let is_word = |begin: &[u8]| matches!(begin, b"CWD" | b"CHR" | b"APP" | b"Cmd");
        if content.iter().any(is_sign) || content.windows(3).any(is_word) {
            &Self::ALL
        } else {
            &[Self::Regexes]
        }
    }
}

pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(byte)).count()
}

/// Length of the end of a line.
pub(super) fn newline(text: &[u8], version: Version) -> Option<usize> {
    match text {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] if version > Version::First => Some(2),
        _ => None,
    }
}

/// Length of a backslash, blanks and the end of a line, behind which the line goes on.
pub(super) fn continuation(text: &[u8], version: Version) -> Option<usize> {
    let rest = text.strip_prefix(b"\\")?;
    let blanks = blanks(rest);
    Some(1 + blanks + newline(rest.get(blanks..)?, version)?)
}

/// Whether a byte ends what it stands in wherever no line may end.
fn ends_line(byte: u8, version: Version) -> bool {
    byte == b'\n' || byte == b'\r' && version > Version::First
}

pub(super) fn ends_argument(byte: u8, version: Version) -> bool {
    b"#:,".contains(&byte) || ends_line(byte, version)
}

/// Length of bytes that are none of `ends`, or that stand behind a backslash and are `escapable`.
fn run(text: &[u8], ends: &[u8], version: Version, escapable: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'\\' if text.get(at + 1).is_some_and(|next| escapable(*next)) => 2,
            b'\\' => return at,
            byte if ends.contains(byte) || ends_line(*byte, version) => return at,
            _ => 1,
        };
    }
    at
}

/// `WORD`
pub(super) fn word(text: &[u8], version: Version) -> usize {
    let is_escapable = |byte| byte != b'\n' && (byte != b'\t' || version == Version::First);
    run(text, b"#>!=:,() \t\"", version, is_escapable)
}

/// `PATH`
pub(super) fn path(text: &[u8], version: Version) -> usize {
    let Some(rest) = text.strip_prefix(b"/") else { return 0 };
    match run(rest, b",:= \t#", version, |byte| b",:= \t#".contains(&byte)) {
        0 => 0,
        length => 1 + length,
    }
}

/// `ENVAR`
pub(super) fn value(text: &[u8], version: Version) -> usize {
    if text.first() == Some(&b'!') {
        return 0;
    }
    run(text, b"#=, \t\"", version, |byte| byte != b'\n' && !ends_line(byte, version))
}

/// `ID`
pub(super) fn id(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"#")?;
    let number = rest.strip_prefix(b"-").unwrap_or(rest);
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| text.len() - number.len() + digits)
}

/// `%:` and a word, a group of another source.
pub(super) fn group(text: &[u8], version: Version) -> Option<usize> {
    let rest = text.strip_prefix(b"%:")?;
    let length = id(rest).unwrap_or_else(|| word(rest, version));
    (length > 0).then_some(2 + length)
}

/// An IPv6 network. The others are words.
pub(super) fn network(text: &[u8]) -> Option<usize> {
    let address = ipv6(text)?;
    let Some(mask) = text.get(address..).and_then(|rest| rest.strip_prefix(b"/")) else {
        return Some(address);
    };
    let digits = mask.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let mask = ipv6(mask).unwrap_or(digits);
    Some(if mask > 0 { address + 1 + mask } else { address })
}

fn ipv6(text: &[u8]) -> Option<usize> {
    let hex = |at: usize| {
        text.get(at..)
            .map_or(0, |rest| rest.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count())
    };
    let (mut at, mut groups) = (0, 0);
    while groups < 7 && text.get(at + hex(at)) == Some(&b':') {
        at += hex(at) + 1;
        groups += 1;
    }
    (groups >= 2).then(|| at + hex(at))
}

/// The sign behind `Defaults` that binds them, where a list follows, and the length to the list.
pub(super) fn binding(text: &[u8], version: Version) -> Option<(u8, usize)> {
    let sign = *text.first().filter(|byte| b":@>!".contains(byte))?;
    let length = 1 + blanks(text.get(1..)?);
    let list = text.get(length..)?;
    let marks = list.iter().take_while(|byte| **byte == b'!').count();
    let first = list.get(marks..)?;
    let first = first.strip_prefix(b"\"").unwrap_or(first);
    (id(first).is_some() || word(first, version) > 0).then_some((sign, length))
}

/// Length of a path to the first white space, but for blanks that a backslash stands before.
pub(super) fn include_path(text: &[u8]) -> usize {
    let mut before = 0;
    let is_end = |byte: &u8| {
        let is_escaped = std::mem::replace(&mut before, *byte) == b'\\' && is_blank(byte);
        // `[:space:]` has the vertical tab too, which Rust's white space has not.
        (byte.is_ascii_whitespace() || *byte == b'\x0b') && !is_escaped
    };
    text.iter().position(is_end).unwrap_or(text.len())
}

/// A word without its backslashes; `\x41` is `A`.
pub(super) fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = word;
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.strip_prefix(b"x").and_then(|hex| hex.first_chunk::<2>());
        let hex = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let (byte, length) = match (byte, hex, after.first()) {
            (b'\\', Some(byte), _) => (byte, 4),
            (b'\\', None, Some(byte)) => (*byte, 2),
            (byte, ..) => (*byte, 1),
        };
        text.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    text
}

/// What a string says: only quotes have a backslash before them, and a line that goes on leaves nothing of
/// its end, nor of the blanks behind that.
pub(super) fn unescaped_string(string: &[u8], version: Version) -> Vec<u8> {
    let mut text = Vec::with_capacity(string.len());
    let mut rest = string;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(length) = continuation(rest, version) {
            rest = rest.get(length..).unwrap_or_default();
            rest = rest.get(blanks(rest)..).unwrap_or_default();
            continue;
        }
        let is_quote = *byte == b'\\' && after.first() == Some(&b'"');
        text.push(if is_quote { b'"' } else { *byte });
        rest = if is_quote { after.get(1..).unwrap_or_default() } else { after };
    }
    text
}
