//! `Defaults` of sudoers(5), as far as the question goes who is not asked for a password.

use super::sudo::is_root;
use super::sudo_lexer::{Lexer, Token};
use super::sudo_patterns::{Version, unescaped, unescaped_string};

/// What a line does to it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    /// Whether someone is asked for no password, or only once, or by something else than the system's PAM.
    pub(super) is_open: bool,
    /// Whether sudo believes a record of who gave a password that was made elsewhere or long ago.
    pub(super) keeps_records: bool,
}

impl Effect {
    const OPEN: Self = Self { is_open: true, keeps_records: false };
    const KEEPS: Self = Self { is_open: false, keeps_records: true };

    fn add(&mut self, other: Self) {
        self.is_open |= other.is_open;
        self.keeps_records |= other.keeps_records;
    }
}

/// Where sudo has its records if nothing else is said.
const RECORDS: [&[u8]; 4] = [b"/run/sudo", b"/var/run/sudo", b"/var/lib/sudo", b"/var/db/sudo"];

/// `PARAMETER, …`; versions before 1.9.8 take `+=` and `-=` for `=`. Those of root alone are no matter.
pub(super) fn effect(binding: Option<u8>, lexer: &mut Lexer<'_>) -> Effect {
    let first = lexer.next();
    let second = lexer.next();
    let mut effect = Effect::default();
    if binding == Some(b':') && first.as_ref().is_some_and(is_root) && second != Some(Token::Sign(b',')) {
        return effect;
    }
    let (mut name, mut is_negated): (Option<&[u8]>, bool) = (None, false);
    for token in first.into_iter().chain(second).chain(lexer) {
        match &token {
            Token::Default(default) => {
                name = Some(*default);
                effect.add(of_name(default, is_negated));
            }
            Token::Word(value) => effect.add(name.map_or(Effect::default(), |name| of_value(name, value))),
            Token::Sign(b',') => name = None,
            _ => {}
        }
        is_negated = token == Token::Sign(b'!');
    }
    effect
}

/// What a default does whatever its value is: a group that is not asked may be any.
fn of_name(name: &[u8], is_negated: bool) -> Effect {
    match name {
        b"authenticate" if is_negated => Effect::OPEN,
        b"exempt_group" if !is_negated => Effect::OPEN,
        b"tty_tickets" if is_negated => Effect::KEEPS,
        _ => Effect::default(),
    }
}

fn of_value(name: &[u8], value: &[u8]) -> Effect {
    let value = unescaped(&unescaped_string(value, Version::Regexes));
    let value = value.trim_ascii();
    let directory = value.strip_suffix(b"/").unwrap_or(value);
    let directory = directory.strip_suffix(b"/ts").unwrap_or(directory);
    match name {
        // Who gave a password once is never asked again.
        b"timestamp_timeout" if is_negative(value) => Effect { is_open: true, keeps_records: true },
        b"timestamp_type" if value == b"global" => Effect::KEEPS,
        b"timestampdir" if !RECORDS.contains(&directory) => Effect::OPEN,
        b"timestampowner" if !matches!(value, b"root" | b"#0") => Effect::OPEN,
        b"pam_service" | b"pam_login_service" | b"pam_askpass_service"
            if !matches!(value, b"sudo" | b"sudo-i") =>
        {
            Effect::OPEN
        }
        // Run as root, before anybody is asked. The two plugins are sudo's own.
        b"group_plugin" if !is_own_plugin(value) => Effect::OPEN,
        b"mailerpath" if !matches!(value, b"/usr/sbin/sendmail" | b"/usr/lib/sendmail") => Effect::OPEN,
        _ => Effect::default(),
    }
}

fn is_own_plugin(value: &[u8]) -> bool {
    let plugin = value.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    matches!(plugin, b"system_group.so" | b"group_file.so")
}

fn is_negative(number: &[u8]) -> bool {
    number.starts_with(b"-") && number.iter().any(|digit| matches!(digit, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::super::sudo::sudoers;

    #[test]
    fn defaults_that_open_or_keep_records_are_found() {
        for (text, is_open, keeps_records) in [
            ("Defaults timestamp_timeout=-1", true, true),
            ("Defaults:app timestamp_type=global, timestamp_timeout = -1", true, true),
            ("Defaults env_reset, timestamp_timeout=\"-0.5\"", true, true),
            ("Defaults timestamp_timeout=\\-1", true, true),
            ("Defaults timestamp_timeout=\"-\\\n  1\"", true, true),
            ("Defaults timestamp_timeout+=-1", true, true),
            ("Defaults timestamp_timeout=\\x2d1", true, true),
            ("Defaults:root timestamp_timeout=-1", false, false),
            ("Defaults timestamp_timeout=0, passwd_timeout=-1", false, false),
            ("Defaults timestamp_timeout=-0, !timestamp_timeout", false, false),
            ("Defaults timestamp_timeout=15", false, false),
            ("Defaults group_plugin=\"/opt/evil.so\"", true, false),
            ("Defaults group_plugin=\"group_file.so /etc/sudo-groups\"", false, false),
            ("Defaults mail_always, mailerpath=/opt/evil", true, false),
            ("Defaults mailerpath=/usr/sbin/sendmail", false, false),
            ("Defaults timestamp_type=global", false, true),
            ("Defaults timestamp_type=tty", false, false),
            ("Defaults !tty_tickets", false, true),
            ("Defaults tty_tickets", false, false),
            ("Defaults timestampdir=/opt/ts", true, false),
            ("Defaults timestampdir=/var/lib/sudo/ts/, timestampdir=\"/run/sudo\"", false, false),
            ("Defaults timestampowner=app", true, false),
            ("Defaults timestampowner=root", false, false),
            ("Defaults pam_service=other", true, false),
            ("Defaults pam_login_service=\"my-login\"", true, false),
            ("Defaults pam_askpass_service=x", true, false),
            ("Defaults pam_service=sudo, pam_login_service=sudo-i", false, false),
            ("Defaults lecture_file=\"timestamp_timeout=-1\"", false, false),
            ("Defaults badpass_message=\"a, timestampdir=/opt\", !pam_session", false, false),
        ] {
            let read = sudoers(text.as_bytes());
            assert_eq!((!read.open.is_empty(), read.keeps_records), (is_open, keeps_records), "{text}");
        }
    }
}
