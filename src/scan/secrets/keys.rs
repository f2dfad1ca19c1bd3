//! Private keys: PEM and its like (RFC 7468, RFC 1421), OpenSSH's, PuTTY's, and keystores by their first bytes.

use super::kinds::{self, Kind};
use super::tokens::{base64, is_varied, run};
use super::{Gap, Match};
use crate::limits;
use crate::scan::tar::base64_decode;

/// What a PEM label may have before `PRIVATE KEY`.
const LABELS: [&[u8]; 8] =
    [b"-----BEGIN ", b"RSA ", b"EC ", b"DSA ", b"ENCRYPTED ", b"OPENSSH ", b"PGP ", b"ANY "];

/// The beginning of an OpenSSH key (`openssh-key-v1`), and of one that no passphrase protects.
const OPENSSH: &[u8] = b"b3BlbnNzaC1rZXktdjE";
const OPENSSH_OPEN: &[u8] = b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

/// The shortest body: an Ed25519 key takes 64 digits of base64.
const BODY: usize = 60;

/// The key whose label's `PRIVATE KEY` is at `at`.
pub(super) fn pem(data: &[u8], at: usize) -> Option<Match> {
    let before = data.get(at.saturating_sub(32)..at)?;
    let label = LABELS.iter().find(|label| before.ends_with(label))?;
    let begin = if label.starts_with(b"-") { label.to_vec() } else { [b"-----BEGIN ", *label].concat() };
    let start = at.checked_sub(begin.len()).filter(|_| before.ends_with(&begin))?;
    let rest = data.get(at + b"PRIVATE KEY".len()..)?;
    let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest).strip_prefix(b"-----")?;
    let (headers, body) = headers(rest);
    let (digits, length) = body_digits(body);
    let is = |part: &[u8]| digits.starts_with(part);
    let is_locked_pem = headers.windows(9).any(|window| window == b"ENCRYPTED");
    let kind: &'static Kind = match *label {
        b"OPENSSH " if !is(OPENSSH) => return None,
        b"OPENSSH " if is(OPENSSH_OPEN) => &kinds::PRIVATE_KEY,
        b"OPENSSH " => &kinds::ENCRYPTED_KEY,
        b"PGP " => &kinds::PGP_KEY,
        _ if is_locked_pem => &kinds::ENCRYPTED_KEY,
        _ if !is_sequence(&digits) => return None,
        b"ENCRYPTED " => &kinds::ENCRYPTED_KEY,
        _ if is_google(data, start) => &kinds::GCP_ACCOUNT,
        _ => &kinds::PRIVATE_KEY,
    };
    let begins = data.len() - body.len();
    (digits.len() >= BODY && is_varied(&digits)).then_some(Match {
        start,
        length: begins + length - start,
        kind,
    })
}

/// The key whose PEM is in base64 once more, from its first byte: as Kubernetes has it in Secrets and in its
/// clients' files.
pub(super) fn encoded_pem(data: &[u8], at: usize) -> Option<Match> {
    /// What tells a key: its label and the first lines of its body, with the headers before it.
    const LOOKED_AT: usize = 2_048;
    /// The longest label.
    const LABEL: usize = 64;
    let follows_digit =
        at.checked_sub(1).and_then(|before| data.get(before)).is_some_and(|byte| base64(*byte));
    if follows_digit {
        // First of all, so that of many clues in one word each costs no more than this look.
        return None;
    }
    let length = run(data, at, limits::SECRET_AHEAD_BYTES, base64);
    let digits = data.get(at..at + length.min(LOOKED_AT))?;
    let text = base64_decode(digits)?;
    let label = text.get(..text.len().min(LABEL))?;
    let found = label.windows(11).position(|window| window == b"PRIVATE KEY")?;
    pem(&text, found).map(|found| Match { start: at, length, kind: found.kind })
}

/// The key file of a service account has the key's id before the key.
fn is_google(data: &[u8], start: usize) -> bool {
    let before = data.get(start.saturating_sub(250)..start).unwrap_or_default();
    before.windows(16).any(|window| window == b"\"private_key_id\"")
}

/// DER's SEQUENCE, `30`, and a length of one byte or in so many bytes.
fn is_sequence(digits: &[u8]) -> bool {
    matches!(digits, [b'M', b'A'..=b'P', ..])
}

/// Parts the headers of RFC 1421 and OpenPGP from the body.
fn headers(data: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for _ in 0..8 {
        let blank = between_lines(data.get(at..).unwrap_or_default());
        let line = data.get(at + blank..data.len().min(at + blank + 200)).unwrap_or_default();
        let end = (0..line.len()).find(|end| line.get(*end..).is_some_and(ends_line)).unwrap_or(line.len());
        let line = line.get(..end).unwrap_or_default();
        if !line.windows(2).any(|window| window == b": ") {
            break;
        }
        at += blank + end;
    }
    data.split_at_checked(at).unwrap_or_default()
}

/// The first digits of base64 in the lines of a body, and the body's length to its end.
///
/// Of a key that does not end, what begins like one more line of it may be another secret: `ghp_…`.
fn body_digits(body: &[u8]) -> (Vec<u8>, usize) {
    let mut digits = Vec::new();
    let mut at = 0;
    // Where the lines before this one end.
    let mut lines = None;
    while let Some(byte) = body.get(at) {
        if base64(*byte) || *byte == b'=' {
            if digits.len() < 4 * BODY {
                digits.push(*byte);
            }
            at += 1;
        } else {
            match between_lines(body.get(at..).unwrap_or_default()) {
                0 => break,
                length => {
                    lines = Some(at);
                    at += length;
                }
            }
        }
    }
    let rest = body.get(at..).unwrap_or_default();
    let is_token = matches!(rest, [b'_' | b'-' | b'.', ..]) && !rest.starts_with(b"-----");
    (digits, lines.filter(|_| is_token).unwrap_or(at))
}

/// The bytes that part two lines, as they are, as JSON writes them (`\n`), also within JSON (`\\n`), or as programs put
/// texts together: `\n" + "`.
fn between_lines(data: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest @ [byte, ..]) = data.get(at..) {
        let blank = byte.is_ascii_whitespace().then_some(1);
        match blank.or_else(|| escaped_end(rest)).or_else(|| between_texts(rest)) {
            Some(length) => at += length,
            None => break,
        }
    }
    at
}

fn ends_line(rest: &[u8]) -> bool {
    rest.first() == Some(&b'\n') || escaped_end(rest).or_else(|| between_texts(rest)).is_some()
}

/// Backslashes that one text within another has at most: each level doubles them.
const BACKSLASHES: usize = 16;

/// The end of a line as an escape: `\n`, `\r`, or a backslash before the end itself.
fn escaped_end(data: &[u8]) -> Option<usize> {
    let escapes = run(data, 0, BACKSLASHES, |byte| byte == b'\\');
    (escapes > 0 && matches!(data.get(escapes), Some(b'n' | b'r' | b'\n' | b'\r'))).then_some(escapes + 1)
}

/// From the quote that ends a text to behind the one that begins the next, where only what joins them is between.
fn between_texts(data: &[u8]) -> Option<usize> {
    const JOINED: usize = 80;
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'`');
    let open = run(data, 0, BACKSLASHES, |byte| byte == b'\\');
    let quote = data.get(open).copied().filter(|byte| is_quote(*byte))?;
    let from = open + 1;
    let joins = run(data, from, JOINED, |byte| {
        byte.is_ascii_whitespace() || matches!(byte, b'+' | b'.' | b',' | b'&' | b'_' | b'\\')
    });
    (data.get(from + joins) == Some(&quote)).then_some(from + joins + 1)
}

/// The key whose `PuTTY-User-Key-File-` ends at `after`; its second line says how it is protected.
pub(super) fn putty(data: &[u8], at: usize, after: usize) -> Option<Match> {
    let rest = data.get(after..data.len().min(after + 160))?;
    let rest = rest.strip_prefix(b"2: ").or_else(|| rest.strip_prefix(b"3: "))?;
    let line = rest.iter().position(|byte| *byte == b'\n')?;
    let encryption = rest.get(line + 1..)?.strip_prefix(b"Encryption: ")?;
    let kind = if encryption.starts_with(b"none") { &kinds::PUTTY_KEY } else { &kinds::PUTTY_LOCKED };
    Some(Match { start: at, length: after + 3 + line - at, kind })
}

/// The keystore that a file's first bytes begin, where it holds a private key; `whole` where these are all.
pub(super) fn keystore(head: &[u8], whole: bool) -> Result<Option<Match>, Gap> {
    let kind = match head {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => match java_key(head) {
            Java::Key => &kinds::JAVA_KEYSTORE,
            Java::Cut if !whole => return Err(Gap::LargeKeystore),
            Java::Cut | Java::NoKey => return Ok(None),
        },
        [0x30, ..] if is_pkcs12(head) => &kinds::PKCS12,
        _ => return Ok(None),
    };
    Ok(Some(Match { start: 0, length: head.len(), kind }))
}

enum Java {
    Key,
    NoKey,
    Cut,
}

/// Magic, version, count; then each entry's tag (1 a private key, 2 a certificate, 3 a secret key), alias, date.
fn java_key(head: &[u8]) -> Java {
    let u16_at =
        |at: usize| head.get(at..at + 2).and_then(|b| <[u8; 2]>::try_from(b).ok()).map(u16::from_be_bytes);
    let u32_at =
        |at: usize| head.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(u32::from_be_bytes);
    let (Some(version), Some(count)) = (u32_at(4), u32_at(8)) else { return Java::NoKey };
    if !matches!(version, 1 | 2) {
        return Java::NoKey;
    }
    let mut at = 12_usize;
    for _ in 0..count {
        let step = || {
            let tag = u32_at(at)?;
            let alias = usize::from(u16_at(at + 4)?);
            let mut next = at + 6 + alias + 8;
            if tag == 2 {
                if version == 2 {
                    next += 2 + usize::from(u16_at(next)?);
                }
                next = next.checked_add(4 + u32_at(next)? as usize)?;
            }
            Some((tag, next))
        };
        match step() {
            Some((1 | 3, _)) => return Java::Key,
            Some((2, next)) => at = next,
            Some(_) => return Java::NoKey,
            None => return Java::Cut,
        }
    }
    Java::NoKey
}

/// A PFX (RFC 7292) of version 3 whose content is PKCS#7, with a bag for keys outside what is encrypted.
/// Stores of certificates alone have none.
fn is_pkcs12(head: &[u8]) -> bool {
    const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    const KEY_BAG: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
    let has = |within: &[u8], part: &[u8]| within.windows(part.len()).any(|window| window == part);
    let start = head.get(..head.len().min(40)).unwrap_or_default();
    let key =
        head.windows(KEY_BAG.len() + 1).any(|w| w.starts_with(KEY_BAG) && matches!(w.last(), Some(1 | 2)));
    has(start.get(..12).unwrap_or_default(), &[0x02, 0x01, 0x03, 0x30]) && has(start, PKCS7) && key
}
