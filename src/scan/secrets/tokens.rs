//! Tokens that begin with a prefix of their own.

use super::kinds::{Kind, Weight};
use super::{Match, kinds};
use crate::model::secret_values::is_placeholder;

/// The form of one kind of tokens.
pub(super) struct Token {
    pub(super) kind: Kind,
    /// What may follow the prefix, and how much of it.
    is_part: fn(u8) -> bool,
    min: usize,
    max: usize,
    /// What else holds of what follows the prefix.
    holds: fn(&[u8]) -> bool,
    /// For tokens that end in a checksum: what one is whose checksum is wrong.
    unchecked: Option<&'static Kind>,
}

/// A kind of tokens by its prefix, which a line feed ends here: else the linker may put another text of this program right
/// behind it, and both together look like a token.
const fn token(
    id: &'static str,
    what: &'static str,
    line: &'static str,
    (is_part, min, max): (fn(u8) -> bool, usize, usize),
) -> Token {
    let (prefix, _) = line.split_at(line.len() - 1);
    let kind = Kind { id, what, prefix, weight: Weight::Open };
    Token { kind, is_part, min, max, holds: |_| true, unchecked: None }
}

const fn with(token: Token, holds: fn(&[u8]) -> bool) -> Token {
    Token { holds, ..token }
}

const fn checked(token: Token, unchecked: &'static Kind) -> Token {
    Token { unchecked: Some(unchecked), ..token }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word_(byte: u8) -> bool {
    word(byte) || byte == b'_'
}

pub(super) fn url64(byte: u8) -> bool {
    word_(byte) || byte == b'-'
}

fn dotted(byte: u8) -> bool {
    url64(byte) || byte == b'.'
}

fn dashed(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

fn hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn base32(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

/// Letters of one case in a row that make a word.
const WORD_LETTERS: usize = 7;

/// Programs have their texts one behind the other, so a prefix that they know has words behind it. Of 24 random letters and
/// digits one in a thousand has no digit and as many letters of one case in a row; today's keys are far longer.
fn is_no_text(rest: &[u8]) -> bool {
    let is_word = |of_case: fn(&u8) -> bool| {
        rest.split(|byte| !of_case(byte)).any(|letters| letters.len() >= WORD_LETTERS)
    };
    rest.iter().any(u8::is_ascii_digit)
        || !(is_word(u8::is_ascii_lowercase) || is_word(u8::is_ascii_uppercase))
}

fn is_send_grid(rest: &[u8]) -> bool {
    rest.len() == 66 && rest.get(22) == Some(&b'.') && rest.iter().filter(|byte| **byte == b'.').count() == 1
}

/// `xoxb-` and the like: numbers first, then what is secret.
fn is_slack(rest: &[u8]) -> bool {
    let first = rest.iter().position(|byte| *byte == b'-').unwrap_or(rest.len());
    rest.get(..first).is_some_and(|part| part.iter().any(u8::is_ascii_digit)) && rest.len() > first + 10
}

/// By prefix; each prefix is a clue.
pub(super) static TOKENS: [Token; 33] = [
    checked(token("github-token", "a GitHub token", "ghp_\n", (word, 36, 251)), &kinds::GITHUB_LIKE),
    checked(token("github-token", "a GitHub token", "gho_\n", (word, 36, 251)), &kinds::GITHUB_LIKE),
    checked(token("github-token", "a GitHub token", "ghu_\n", (word, 36, 251)), &kinds::GITHUB_LIKE),
    checked(token("github-token", "a GitHub token", "ghs_\n", (word_, 36, 1_024)), &kinds::GITHUB_LIKE),
    checked(token("github-token", "a GitHub token", "ghr_\n", (word, 36, 251)), &kinds::GITHUB_LIKE),
    token("github-token", "a GitHub token", "github_pat_\n", (word_, 60, 255)),
    token("gitlab-token", "a GitLab token", "glpat-\n", (dotted, 20, 300)),
    token("gitlab-token", "a GitLab token", "gldt-\n", (dotted, 20, 300)),
    token("gitlab-token", "a GitLab token", "glrt-\n", (dotted, 20, 300)),
    with(token("slack-token", "a Slack token", "xoxb-\n", (dashed, 20, 255)), is_slack),
    with(token("slack-token", "a Slack token", "xoxa-\n", (dashed, 20, 255)), is_slack),
    with(token("slack-token", "a Slack token", "xoxp-\n", (dashed, 20, 255)), is_slack),
    with(token("slack-token", "a Slack token", "xoxr-\n", (dashed, 20, 255)), is_slack),
    with(token("slack-token", "a Slack token", "xoxs-\n", (dashed, 20, 255)), is_slack),
    checked(token("npm-token", "an npm token", "npm_\n", (word, 36, 36)), &kinds::NPM_LIKE),
    token("pypi-token", "a PyPI token", "pypi-AgE\n", (url64, 50, 1_024)),
    with(token("stripe-key", "a Stripe key", "sk_live_\n", (word, 20, 255)), is_no_text),
    with(token("stripe-key", "a Stripe key", "rk_live_\n", (word, 20, 255)), is_no_text),
    with(token("sendgrid-key", "a SendGrid key", "SG.\n", (dotted, 66, 66)), is_send_grid),
    token("google-api-key", "a Google API key", "AIza\n", (url64, 35, 35)),
    token("docker-token", "a Docker Hub token", "dckr_pat_\n", (url64, 27, 64)),
    token("vault-token", "a HashiCorp Vault token", "hvs.\n", (url64, 24, 300)),
    token("vault-token", "a HashiCorp Vault token", "hvb.\n", (url64, 100, 400)),
    with(token("anthropic-key", "an Anthropic key", "sk-ant-\n", (url64, 40, 255)), is_no_text),
    with(token("openai-key", "an OpenAI key", "sk-proj-\n", (url64, 40, 255)), is_no_text),
    with(token("openai-key", "an OpenAI key", "sk-svcacct-\n", (url64, 40, 255)), is_no_text),
    token("digitalocean-token", "a DigitalOcean token", "dop_v1_\n", (hex, 64, 64)),
    token("digitalocean-token", "a DigitalOcean token", "doo_v1_\n", (hex, 64, 64)),
    token("databricks-token", "a Databricks token", "dapi\n", (hex, 32, 32)),
    token("huggingface-token", "a Hugging Face token", "hf_\n", (word, 34, 34)),
    token("aws-access-key-id", "an AWS access key id", "AKIA\n", (base32, 16, 16)),
    token("aws-access-key-id", "an AWS access key id", "ASIA\n", (base32, 16, 16)),
    token("age-secret-key", "an age secret key", "AGE-SECRET-KEY-1\n", (word, 58, 58)),
];

impl Token {
    /// The token whose prefix begins at `at`.
    pub(super) fn read(&'static self, data: &[u8], at: usize) -> Option<Match> {
        if !starts_here(data, at) {
            // First of all, so that of many prefixes in one word each costs no more than this look.
            return None;
        }
        let from = at + self.kind.prefix.len();
        let length = run(data, from, self.max + 1, self.is_part);
        let mut rest = data.get(from..from + length)?;
        while let Some((b'.', before)) = rest.split_last() {
            // The end of a sentence.
            rest = before;
        }
        let ends = data.get(from + length).is_none_or(|byte| !word_(*byte));
        let fits = (self.min..=self.max).contains(&rest.len()) && ends;
        (fits && is_random(rest) && (self.holds)(rest)).then(|| Match {
            start: at,
            length: self.kind.prefix.len() + rest.len(),
            kind: self.unchecked.filter(|_| has_wrong_checksum(rest)).unwrap_or(&self.kind),
        })
    }
}

/// Whether the last six of 36 letters and digits are not the checksum of the others: their CRC-32 (that of
/// gzip) in base 62, digits before capitals before small letters, filled up with `0`.
///
/// GitHub tells it in "Behind GitHub's new authentication token formats" (2021), and npm took it over. Tokens
/// of other lengths are of other forms.
fn has_wrong_checksum(rest: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((lot, checksum)) = rest.split_last_chunk::<6>().filter(|(lot, _)| lot.len() == 30) else {
        return false;
    };
    let told = checksum.iter().try_fold(0_u64, |sum, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        Some(sum * 62 + digit as u64)
    });
    told != Some(u64::from(crc32fast::hash(lot)))
}

/// How many bytes from `from` on are such, at most `most`.
pub(super) fn run(data: &[u8], from: usize, most: usize, is_part: fn(u8) -> bool) -> usize {
    let rest = data.get(from..).unwrap_or_default();
    rest.iter().take(most).take_while(|byte| is_part(**byte)).count()
}

/// Whether a word begins at `at`: what stands before is no part of one, or an escape (`\n`, `%3D`).
pub(super) fn starts_here(data: &[u8], at: usize) -> bool {
    let before = data.get(at.saturating_sub(3)..at).unwrap_or_default();
    match *before {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [b'%', a, b] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit() || !url64(b),
        [.., last] => !url64(last),
        [] => true,
    }
}

/// Whether bytes could have been drawn by lot: many of them differ, and none says that it is an example.
pub(super) fn is_random(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(256)).unwrap_or_default());
    is_varied(bytes) && !is_placeholder(&text)
}

/// Whether many bytes differ. In hundreds of digits that were drawn by lot, short words are nothing rare.
pub(super) fn is_varied(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different >= (bytes.len() / 3).clamp(5, 9)
}

/// `secret_access_key = …`, and what stands for the `=`.
pub(super) fn aws_secret(data: &[u8], after: usize) -> Option<Match> {
    let start = after
        + run(data, after, 16, |byte| {
            matches!(byte, b'"' | b'\'' | b' ' | b'\t' | b':' | b'=' | b'>' | b'\\')
        });
    let is_part = |byte| word(byte) || matches!(byte, b'/' | b'+');
    let length = run(data, start, 41, is_part);
    let value = data.get(start..start + length)?;
    let mixed = value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    (start > after && length == 40 && mixed && is_random(value)).then_some(Match {
        start,
        length,
        kind: &kinds::AWS_SECRET,
    })
}

pub(super) fn base64(byte: u8) -> bool {
    word(byte) || matches!(byte, b'/' | b'+')
}

/// `AccountKey=` and 64 bytes, `SharedAccessKey=` and 32, as base64.
pub(super) fn azure_key(data: &[u8], after: usize, bytes: usize, kind: &'static Kind) -> Option<Match> {
    let digits = (bytes * 4).div_ceil(3);
    let length = run(data, after, digits + 1, base64);
    let value = data.get(after..after + length)?;
    let padded = data.get(after + length) == Some(&b'=');
    (length == digits && padded && is_random(value)).then_some(Match { start: after, length, kind })
}

/// `sig=` in a URL with the version of a shared access signature.
pub(super) fn azure_sas(data: &[u8], after: usize) -> Option<Match> {
    let length = run(data, after, 64, |byte| base64(byte) || byte == b'%');
    let value = data.get(after..after + length)?;
    let fits = (43..60).contains(&length) && is_random(value);
    let around = data.get(after.saturating_sub(250)..data.len().min(after + 250))?;
    let has = |part: &[u8]| around.windows(part.len()).any(|window| window == part);
    (fits && has(b"sv=20") && (has(b"sr=") || has(b"ss="))).then_some(Match {
        start: after,
        length,
        kind: &kinds::AZURE_SAS,
    })
}

/// `abc8Q~…`: three characters, `7Q~` or `8Q~`, and 34 (31 with the former) more.
pub(super) fn azure_client(data: &[u8], at: usize) -> Option<Match> {
    let start = at.checked_sub(3)?;
    let is_part = |byte| dotted(byte) || byte == b'~';
    let after = run(data, at + 3, 36, is_part);
    let value = data.get(start..at + 3 + after)?;
    let before = data.get(start..at)?;
    let fits = (31..=34).contains(&after) && before.iter().all(|byte| is_part(*byte));
    (fits && starts_here(data, start) && is_random(value)).then_some(Match {
        start,
        length: value.len(),
        kind: &kinds::AZURE_CLIENT,
    })
}

/// Three parts with dots between; the second is an object too.
pub(super) fn jwt(data: &[u8], at: usize) -> Option<Match> {
    if !starts_here(data, at) {
        return None;
    }
    let header = run(data, at, 1_024, url64);
    let payload_at = at + header + 1;
    let payload = run(data, payload_at, 4_096, url64);
    let signature_at = payload_at + payload + 1;
    let signature = run(data, signature_at, 1_024, url64);
    let dots = data.get(payload_at - 1) == Some(&b'.') && data.get(signature_at - 1) == Some(&b'.');
    let object = data.get(payload_at..).is_some_and(|rest| rest.starts_with(b"eyJ"));
    (dots && object && signature >= 40).then_some(Match {
        start: at,
        length: signature_at + signature - at,
        kind: &kinds::JWT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_github_and_npm() {
        // Taken out of a token that GitHub made, and revoked, for an article on its form.
        let published = ["zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert!(!has_wrong_checksum(published.as_bytes()));
        let at_fault = ["zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ", "0mLq18"].concat();
        assert!(has_wrong_checksum(at_fault.as_bytes()));
        // Other lengths are other forms; no digit of base 62 is no checksum.
        assert!(!has_wrong_checksum(&published.as_bytes()[1..]));
        assert!(has_wrong_checksum(at_fault.replace('8', "_").as_bytes()));
    }
}
