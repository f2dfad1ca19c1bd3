//! What findings and messages quote of an image: without the secrets that the rules on secrets tell of.
//!
//! A setting or a build step is masked as it stands, by `setting`, where a rule quotes it: what is only a part of it, or was
//! cut or escaped, is known for a secret no more. All that is told passes [`masked`] besides, as reports are made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::rule::Finding;
use crate::digest::Digest;
use crate::model::escape::{escape_bytes, escape_text};
use crate::scan::secrets::{Found, in_text, mask_text};

/// The user that an image runs as, and a group behind a colon.
pub(super) fn user(text: &str) -> String {
    escape_text(&masked(text.to_owned()))
}

/// A setting of the config or a build step, on one line.
pub(super) fn setting(text: &str) -> String {
    escape_text(&mask_text(text))
}

/// The parts of a setting that can be read where it is shown masked: that another one is a secret may be known by what stands around
/// it only.
pub(super) struct Shown(BTreeSet<String>);

impl Shown {
    /// Those of the masked setting.
    pub(super) fn of(parts: impl Iterator<Item = String>) -> Self {
        Self(parts.collect())
    }

    /// A part of the setting as it stands, as it may be shown.
    pub(super) fn part(&self, part: &str) -> String {
        let masked = mask_text(part);
        if masked != part || self.0.contains(part) { masked } else { "***".to_owned() }
    }
}

/// Bytes of a line that are shown: hostile ones are megabytes long.
const SHOWN: usize = 200;

/// Bytes of a longer one that are searched for a secret, of which the cut would leave what nobody knows for one.
const SEARCHED: usize = 4 << 10;

/// What is quoted of a line of a file.
pub(super) fn quoted(line: &[u8]) -> String {
    // As it stands: an escaped tab parts no words.
    let searched = String::from_utf8_lossy(line.get(..SEARCHED).unwrap_or(line));
    let safe = masked(searched.clone().into_owned());
    let begin = line.get(..SHOWN).filter(|_| line.len() > SHOWN);
    match (safe == searched, begin) {
        (true, None) => escape_bytes(line),
        (true, Some(begin)) => format!("{}…", escape_bytes(begin)),
        (false, None) => escape_text(&safe),
        (false, Some(_)) => format!("{}…", escape_text(&safe.chars().take(SHOWN).collect::<String>())),
    }
}

/// Adds a line of a file, or a part of one, as evidence. What is cut or masked of it is evidence too: who accepts the one accepts no other
/// that begins like it.
pub(super) fn line(finding: Finding, name: &'static str, line: &[u8]) -> Finding {
    let told = quoted(line);
    let is_whole = line.len() <= SHOWN && told == escape_bytes(line);
    let finding = finding.evidence(name, told);
    if is_whole {
        return finding;
    }
    finding.evidence("lineSha256", Digest::sha256(line).hex())
}

/// What is told, as it may be shown.
pub fn masked(text: String) -> String {
    if is_number(&text) {
        return text;
    }
    let found = in_text(&text);
    if found.iter().all(|found| is_behind_colon(&text, found)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in found.iter().filter(|found| !is_behind_colon(&text, found)) {
        shown.push_str(text.get(at..secret.start).unwrap_or_default());
        shown.push_str(&secret.kind.masked());
        at = secret.start + secret.length;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// Most evidence is modes, owners, sizes and digests.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b':'))
}

/// Whether only a name and a colon make it a secret. So do packages (`com.auth0:java-jwt`), images (`auth:1.4`), users
/// (`auth:auth`) and sudo (`NOPASSWD:ALL`) write what is none.
pub(super) fn is_behind_colon(text: &str, found: &Found) -> bool {
    let before = text.get(..found.start).unwrap_or_default().trim_end_matches([' ', '\'', '"', '\\']);
    found.kind.id == "named-secret"
        && before.strip_suffix(':').is_some_and(|name| !name.ends_with(['"', '\'']))
}

/// A finding as it may be shown: its words and what proves it. Paths stay as they are, for they say where it is. What is made of
/// it, a fingerprint too, is made of this.
pub fn without_secrets(mut finding: Finding) -> Finding {
    let words = |text: Cow<'static, str>| match text {
        // Of this program.
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(text) => Cow::Owned(masked(text)),
    };
    finding.message = words(finding.message);
    finding.remediation = words(finding.remediation);
    for (name, value) in &mut finding.evidence {
        let told = std::mem::take(value);
        // Nobody names a place by a secret, so more may be hidden.
        *value = if *name == "url" { mask_text(&told) } else { masked(told) };
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that no scanner takes this source for a leak.
    fn token() -> String {
        ["gl", "pat-", "Xk29dkq9sLmz7wQ01nB2"].concat()
    }

    #[test]
    fn what_is_told_has_no_secrets() {
        let token = token();
        for (text, shown) in [
            (format!("the step {token} fails"), "the step glpat-… fails"),
            ("ADD https://ci:Tr0ub4dor3xyz@h/a.tgz /".into(), "ADD https://ci:***@h/a.tgz /"),
            (
                "the program DB_PASSWORD=hunter2x on the host".into(),
                "the program DB_PASSWORD=*** on the host",
            ),
            ("/data?password=Tr0ub4dor3xyz".into(), "/data?password=***"),
            ("curl -u me:hunter2x h".into(), "curl -u me:*** h"),
            ("a {\"password\":\"hunter2x\"} b".into(), "a {\"password\":\"***\"} b"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_a_reader_needs_stays() {
        for text in [
            "",
            "4755",
            "0:0",
            &Digest::sha256(b"x").to_string(),
            "com.auth0:java-jwt 3.19.0 is affected by CVE-2022-23529; io.jsonwebtoken:jjwt is not",
            "pkg:deb/debian/passwd@1:4.13+dfsg1-1?arch=amd64",
            "a file of the package passwd 1:4.13 has other content than the package says",
            "the name auth:1.4 says no version",
            "sudo asks for no password: app ALL=(ALL) NOPASSWD:ALL, /usr/bin/passwd",
            "sudo asks for no password: Defaults passwd_tries=3, !authenticate",
            "USER is \"auth:auth\"",
            "user_token, group auth: 10 -> 0",
            "/run/secrets/token:/x",
        ] {
            assert_eq!(masked(text.to_owned()), text);
        }
    }

    #[test]
    fn a_finding_is_told_without_secrets_and_with_its_places() {
        let path = crate::model::ImagePath::new("srv/password=hunter2x");
        let finding = Finding::new(format!("x {}", token()), "static")
            .path(&path)
            .evidence("url", "https://h/x?token=hunter2x")
            .evidence("mode", "4755");
        let told = without_secrets(finding);
        assert_eq!(told.message, "x glpat-…");
        assert_eq!(told.path, Some(path));
        let evidence: Vec<_> = told.evidence.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(evidence, [("url", "https://h/x?token=***"), ("mode", "4755")]);
    }

    #[test]
    fn a_part_is_shown_where_the_whole_shows_it() {
        let parts = |text: &str| Shown::of(text.split(' ').map(str::to_owned));
        let shown = parts(&mask_text("run --password hunter2x URL=https://u:hunter3x@h/"));
        let all = ["run", "hunter2x", "URL=https://u:hunter3x@h/"].map(|part| shown.part(part));
        assert_eq!(all, ["run", "***", "URL=https://u:***@h/"]);
    }

    #[test]
    fn a_setting_is_masked_before_it_is_escaped() {
        // A vertical tab parts words, and once it is escaped it is a part of one.
        assert_eq!(setting("x --token\x0bhunter2x"), "x --token\\x0b***");
    }

    #[test]
    fn a_secret_that_the_cut_would_part_is_not_shown() {
        let line = format!("{} {}", "a".repeat(180), token());
        let shown = quoted(line.as_bytes());
        assert!(shown.ends_with(" glpat-……") && !shown.contains("Xk29"), "{shown}");
        assert_eq!(quoted("é".repeat(200).as_bytes()), format!("{}…", "é".repeat(100)));
        assert_eq!(quoted(&[b'a'; 200]), "a".repeat(200));
    }

    #[test]
    fn a_line_is_masked_before_it_is_escaped() {
        assert_eq!(
            quoted(b"app\tALL=(ALL)\tNOPASSWD:\t/x\t--password=hunter2xq"),
            "app ALL=(ALL) NOPASSWD: /x --password=***"
        );
        let told = |text: &[u8]| line(Finding::new("x", "y"), "text", text).evidence;
        assert_ne!(told(b"--password=hunter2xq"), told(b"--password=hunter2xr"));
    }

    #[test]
    fn what_is_cut_of_a_line_is_evidence() {
        let told = |text: &[u8]| line(Finding::new("x", "y"), "text", text).evidence;
        assert_eq!(told(&[b'a'; 200]), [("text", "a".repeat(200))]);
        let (one, other) = (told(&[b'a'; 201]), told(&[b'a'; 202]));
        assert_eq!(one.first(), other.first());
        assert_ne!(one, other);
        assert_eq!(one.get(1).map(|(name, _)| *name), Some("lineSha256"));
    }

    /// As many findings as one image may have in practice; each takes a few microseconds, in a release a tenth of that.
    #[test]
    fn masking_costs_little() {
        let started = std::time::Instant::now();
        for number in 0..20_000 {
            let message =
                format!("the file usr/lib/x86_64-linux-gnu/a-{number}.so of the base has other content");
            let finding = Finding::new(message, "x")
                .evidence("mode", "0755")
                .evidence("owner", "0:0")
                .evidence("sha256", "0a".repeat(32))
                .evidence("files", format!("/usr/lib/x86_64-linux-gnu/a-{number}.so"));
            let _ = without_secrets(finding);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
