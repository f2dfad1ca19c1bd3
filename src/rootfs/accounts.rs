//! `/etc/passwd` and `/etc/group` as moby/sys/user reads them (`user/user.go`), which Docker,
//! containerd, podman and runc use: liberal to a degree that matters, since a line with missing
//! fields, or an uid that is no number, is uid 0.

use crate::error::{Error, Result};
use crate::limits;

/// Go's `bufio.Scanner` fails on a longer line of passwd.
const PASSWD_LINE: usize = 64 << 10;

/// What moby/sys/user sets the scanner to for group, whose member lists grow long.
const GROUP_LINE: usize = 1 << 20;

/// One line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: Box<[u8]>,
    /// The password field: `x` where shadow holds it, empty where none is asked for.
    pub password: Box<[u8]>,
    /// User id; 0 where the line has none or it is no number.
    pub uid: i64,
    /// Group id; 0 likewise.
    pub gid: i64,
    /// Home directory.
    pub home: Box<[u8]>,
    /// Shell.
    pub shell: Box<[u8]>,
    /// Line number, from 1.
    pub line: usize,
    /// The line as written, without its end.
    pub raw: Box<[u8]>,
}

/// One line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Group name.
    pub name: Box<[u8]>,
    /// Group id; 0 where the line has none or it is no number.
    pub gid: i64,
    /// Names of the members.
    pub members: Vec<Box<[u8]>>,
    /// Line number, from 1.
    pub line: usize,
    /// The line as written, without its end.
    pub raw: Box<[u8]>,
}

/// The accounts of a passwd file, in its order; comments are not known there.
///
/// # Errors
///
/// A line too long for the scanner, with which no runtime starts a container.
pub fn parse_passwd(bytes: &[u8]) -> Result<Vec<Account>> {
    let mut accounts = Vec::new();
    for line in lines(bytes, PASSWD_LINE, "passwd") {
        let (line, raw, trimmed) = line?;
        let mut fields = trimmed.split(|byte| *byte == b':');
        let mut field = || fields.next().unwrap_or_default();
        let (name, password, uid, gid) = (field(), field(), field(), field());
        let (_gecos, home, shell) = (field(), field(), field());
        accounts.push(Account {
            name: name.into(),
            password: password.into(),
            uid: lenient(uid),
            gid: lenient(gid),
            home: home.into(),
            shell: shell.into(),
            line,
            raw: raw.into(),
        });
    }
    Ok(accounts)
}

/// The groups of a group file, in its order, without comments.
///
/// # Errors
///
/// A line too long for the scanner.
pub fn parse_group(bytes: &[u8]) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for line in lines(bytes, GROUP_LINE, "group") {
        let (line, raw, trimmed) = line?;
        if trimmed.first() == Some(&b'#') {
            continue;
        }
        let mut fields = trimmed.split(|byte| *byte == b':');
        let mut field = || fields.next().unwrap_or_default();
        let (name, _password, gid, members) = (field(), field(), field(), field());
        let members = if members.is_empty() {
            Vec::new()
        } else {
            members.split(|byte| *byte == b',').map(Into::into).collect()
        };
        groups.push(Group { name: name.into(), gid: lenient(gid), members, line, raw: raw.into() });
    }
    Ok(groups)
}

/// Lines as Go's `bufio.ScanLines` gives them, trimmed, with their numbers; empty ones are left out.
/// An end of `\r\n` counts as `\n`.
fn lines<'a>(
    bytes: &'a [u8],
    limit: usize,
    file: &'static str,
) -> impl Iterator<Item = Result<(usize, &'a [u8], &'a [u8])>> {
    let mut kept = 0;
    bytes.split(|byte| *byte == b'\n').enumerate().filter_map(move |(index, line)| {
        // The scanner gives up when its buffer is full and there is no end of line in it.
        if line.len() >= limit {
            let what = format!("line {} is too long for a runtime to read", index + 1);
            return Some(Err(Error::invalid(what).at(file)));
        }
        let raw = line.strip_suffix(b"\r").unwrap_or(line);
        let trimmed = trim_space(raw);
        if trimmed.is_empty() {
            return None;
        }
        kept += 1;
        if kept > limits::ACCOUNT_LINES {
            return Some(Err(
                Error::limit("the number of lines", "ACCOUNT_LINES", limits::ACCOUNT_LINES).at(file)
            ));
        }
        Some(Ok((index + 1, raw, trimmed)))
    })
}

/// Go's `bytes.TrimSpace`: Unicode white space where it is UTF-8.
fn trim_space(line: &[u8]) -> &[u8] {
    // `char::is_whitespace` and Go's `unicode.IsSpace` are the same property.
    let leading = |bytes: &[u8]| {
        let mut chunks = bytes.utf8_chunks();
        let valid = chunks.next().map(|chunk| chunk.valid()).unwrap_or_default();
        valid.len() - valid.trim_start().len()
    };
    let line = line.get(leading(line)..).unwrap_or_default();
    let mut end = line.len();
    while let Some(head) = line.get(..end) {
        let Some(width) = last_char(head).filter(|char| char.is_whitespace()).map(char::len_utf8) else {
            break;
        };
        end -= width;
    }
    line.get(..end).unwrap_or_default()
}

/// The last character, where the bytes end in valid UTF-8.
fn last_char(bytes: &[u8]) -> Option<char> {
    (1..=4).find_map(|width| {
        let tail = bytes.get(bytes.len().checked_sub(width)?..)?;
        let text = std::str::from_utf8(tail).ok()?;
        text.chars().next()
    })
}

/// What Go's `strconv.Atoi` makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Atoi {
    /// A number.
    Number(i64),
    /// A number too large for 64 bits; Go gives the nearest that fits, with an error.
    OutOfRange(i64),
    /// No number.
    Syntax,
}

/// Decimal digits with at most one sign; no blanks, no underscores.
pub(super) fn atoi(text: &[u8]) -> Atoi {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Atoi::Syntax;
    }
    let value = digits.iter().try_fold(0_i64, |value, digit| {
        let digit = i64::from(digit - b'0');
        value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    });
    match value {
        Some(value) => Atoi::Number(value),
        None => Atoi::OutOfRange(if negative { i64::MIN } else { i64::MAX }),
    }
}

/// A number of a file: errors are passed over, and what `Atoi` gave beside them is kept.
fn lenient(text: &[u8]) -> i64 {
    match atoi(text) {
        Atoi::Number(value) | Atoi::OutOfRange(value) => value,
        Atoi::Syntax => 0,
    }
}

/// Every uid that some reader takes a field for, as the kernel gets it (32 bits): moby/sys/user, for
/// which what is no number is 0; glibc, which passes blanks over and stops at a zero byte; and musl and
/// busybox, whose digits run over.
pub fn uid_readings(field: &[u8]) -> [u32; 3] {
    let kernel_id = |id: i64| (id & 0xffff_ffff) as u32;
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let wrapped =
        digits.fold(0_u32, |value, digit| value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')));
    let glibc = kernel_id(lenient(text.trim_ascii_start()));
    // A sign stops musl at once, and it then takes the line for broken.
    let musl = if text.first().is_some_and(u8::is_ascii_digit) { wrapped } else { glibc };
    [kernel_id(lenient(field)), glibc, musl]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(text: &str) -> Vec<(String, i64)> {
        let name = |account: Account| (String::from_utf8_lossy(&account.name).into_owned(), account.uid);
        parse_passwd(text.as_bytes()).unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn a_line_is_read_as_liberally_as_go_reads_it() {
        let expected =
            [("root", 0), ("a", 0), ("b", 0), ("c", 0), ("d", 7), ("e", i64::MAX), ("f", -1), ("#g", 5)];
        let text = "root:x:0:0::/root:/bin/sh\n\n  \na\nb:x\nc:x:12x:3\n \td:x:+7:8:::\r\n\
                    e:x:99999999999999999999:1\nf:x:-1:1\n#g:x:5:5";
        assert_eq!(uids(text), expected.map(|(name, uid)| (name.to_owned(), uid)));
        let accounts = parse_passwd(text.as_bytes()).unwrap();
        assert_eq!(accounts.first().unwrap().shell, (*b"/bin/sh").into());
        assert_eq!(
            accounts.iter().map(|account| account.line).collect::<Vec<_>>(),
            [1, 4, 5, 6, 7, 8, 9, 10]
        );
        assert_eq!(&*accounts[4].raw, b" \td:x:+7:8:::");
    }

    #[test]
    fn blanks_are_those_of_unicode() {
        assert_eq!(trim_space("\u{a0} x\u{2003}\u{85}".as_bytes()), b"x");
        assert_eq!(trim_space(b"\xa0x\xff "), b"\xa0x\xff");
        assert_eq!(trim_space(b" \t"), b"");
    }

    #[test]
    fn groups_know_comments_and_members() {
        let groups = parse_group(b"# x:x:1:\n #y\nadm:x:4:a,b\nempty:x:9:\nroot\n").unwrap();
        let got: Vec<_> = groups.iter().map(|group| (&*group.name, group.gid, group.members.len())).collect();
        assert_eq!(got, [(&b"adm"[..], 4, 2), (b"empty", 9, 0), (b"root", 0, 0)]);
    }

    #[test]
    fn a_line_too_long_for_the_scanner_is_an_error() {
        let line = |length: usize| vec![b'a'; length];
        assert!(parse_passwd(&line(PASSWD_LINE - 1)).is_ok());
        assert!(parse_passwd(&line(PASSWD_LINE)).is_err());
        assert!(parse_group(&line(PASSWD_LINE)).is_ok());
        assert!(parse_group(&line(GROUP_LINE)).is_err());
    }

    #[test]
    fn lines_are_held_to_account_lines() {
        let count = |count: u64| {
            // Empty lines are no accounts.
            let file = "a\n".repeat(count as usize) + "\n\n";
            lines(file.as_bytes(), PASSWD_LINE, "passwd")
                .collect::<Result<Vec<_>>>()
                .map(|lines| lines.len() as u64)
        };
        assert_eq!(count(limits::ACCOUNT_LINES).unwrap(), limits::ACCOUNT_LINES);
        let error = count(limits::ACCOUNT_LINES + 1).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Limit);
        assert!(error.to_string().contains("exceeds the limit ACCOUNT_LINES ("), "{error}");
    }

    #[test]
    fn numbers_are_those_of_atoi() {
        for (text, expected) in [
            ("00", Atoi::Number(0)),
            ("+0", Atoi::Number(0)),
            ("-0", Atoi::Number(0)),
            ("9223372036854775807", Atoi::Number(i64::MAX)),
            ("-9223372036854775808", Atoi::Number(i64::MIN)),
            ("9223372036854775808", Atoi::OutOfRange(i64::MAX)),
            ("-9223372036854775809", Atoi::OutOfRange(i64::MIN)),
            ("1_000", Atoi::Syntax),
            ("0x0", Atoi::Syntax),
            (" 0", Atoi::Syntax),
            ("+-0", Atoi::Syntax),
            ("+", Atoi::Syntax),
            ("", Atoi::Syntax),
        ] {
            assert_eq!(atoi(text.as_bytes()), expected, "{text:?}");
        }
    }
}
