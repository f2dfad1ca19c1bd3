//! Which of two versions is newer, by the package manager's own order.

use std::cmp::Ordering;

use super::Manager;
use super::rpm::version::Evr;

/// Compares two versions of one manager; `None` where its order is not known.
pub fn compare(manager: Manager, a: &str, b: &str) -> Option<Ordering> {
    match manager {
        Manager::Dpkg => Some(dpkg(a, b)),
        Manager::Apk => Some(apk(a, b)),
        Manager::Rpm => Some(Evr::parse(a)?.compare(&Evr::parse(b)?)),
    }
}

/// deb-version(7): epoch, upstream version, revision.
fn dpkg(a: &str, b: &str) -> Ordering {
    let (a, b) = (dpkg_parts(a.trim()), dpkg_parts(b.trim()));
    let by_epoch = a.0.cmp(&b.0);
    by_epoch
        .then_with(|| dpkg_part(a.1.as_bytes(), b.1.as_bytes()))
        .then_with(|| dpkg_part(a.2.as_bytes(), b.2.as_bytes()))
}

fn dpkg_parts(text: &str) -> (u128, &str, &str) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(u128::MAX), upstream, revision)
}

/// Runs of other characters and of digits in turn. `~` comes before the end, letters before all else.
fn dpkg_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let weight = |text: &[u8]| match text.first() {
        None => 0,
        Some(digit) if digit.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    };
    let starts_otherwise = |text: &[u8]| text.first().is_some_and(|byte| !byte.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while starts_otherwise(a) || starts_otherwise(b) {
            let order = weight(a).cmp(&weight(b));
            if order.is_ne() {
                return order;
            }
            (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
        }
        let (left, right);
        (left, a) = digits(a);
        (right, b) = digits(b);
        let order = by_number(left, right);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Compares digits as numbers of any length.
fn by_number(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Digits without the zeros before them.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// The parts of an apk version in the order in which they may come; which part comes next tells
/// two versions apart, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    FirstNumber,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Commit,
    Revision,
    End,
    Invalid,
}

/// Before a release, and after it.
const BEFORE: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const AFTER: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

struct Parts<'a> {
    rest: &'a [u8],
    part: Part,
    value: &'a [u8],
    /// Of a suffix; below 0 where it comes before the release.
    rank: i32,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (value, rest) = digits(text.as_bytes());
        let part = if value.is_empty() { Part::Invalid } else { Part::FirstNumber };
        Self { rest, part, value, rank: 0 }
    }

    fn advance(&mut self) {
        self.part = self.next().unwrap_or(Part::Invalid);
    }

    /// apk-tools `src/version.c`; `None` for what may not stand here.
    fn next(&mut self) -> Option<Part> {
        let before = self.part;
        let Some((first, rest)) = self.rest.split_first() else { return Some(Part::End) };
        let (part, length, from) = match first {
            b'a'..=b'z' if before <= Part::Number => (Part::Letter, 1, self.rest),
            b'.' if before <= Part::Number => (Part::Number, digits(rest).0.len(), rest),
            b'0'..=b'9' if before <= Part::Number => (Part::Number, digits(self.rest).0.len(), self.rest),
            b'0'..=b'9' if before == Part::Suffix => {
                (Part::SuffixNumber, digits(self.rest).0.len(), self.rest)
            }
            b'_' if before <= Part::SuffixNumber => {
                let length = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
                self.rank = rank(rest.get(..length)?)?;
                (Part::Suffix, length, rest)
            }
            b'~' if before < Part::Commit => {
                let length =
                    rest.iter().take_while(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
                (Part::Commit, length.count(), rest)
            }
            b'-' if before < Part::Revision => {
                let rest = rest.strip_prefix(b"r")?;
                (Part::Revision, digits(rest).0.len(), rest)
            }
            _ => return None,
        };
        (self.value, self.rest) = from.split_at_checked(length)?;
        (length > 0).then_some(part)
    }
}

fn rank(suffix: &[u8]) -> Option<i32> {
    let place =
        |list: &[&[u8]]| list.iter().position(|known| *known == suffix).and_then(|at| i32::try_from(at).ok());
    place(&BEFORE).map(|at| at - 4).or_else(|| place(&AFTER).map(|at| at + 1))
}

fn apk(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Parts::of(a), Parts::of(b));
    while a.part == b.part && a.part < Part::End {
        let starts_with_zero = a.value.first() == Some(&b'0') || b.value.first() == Some(&b'0');
        let order = match a.part {
            // Behind a dot, `0.05` is before `0.1`.
            Part::Number if starts_with_zero => a.value.cmp(b.value),
            Part::Suffix => a.rank.cmp(&b.rank),
            Part::Letter | Part::Commit => a.value.cmp(b.value),
            _ => by_number(a.value, b.value),
        };
        if order.is_ne() {
            return order;
        }
        a.advance();
        b.advance();
    }
    let is_before = |parts: &Parts<'_>| parts.part == Part::Suffix && parts.rank < 0;
    match (is_before(&a), is_before(&b)) {
        _ if a.part == b.part => Ordering::Equal,
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        // What goes on is newer than what ends.
        _ => b.part.cmp(&a.part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(manager: Manager, a: &str, order: Ordering, b: &str) {
        assert_eq!(compare(manager, a, b), Some(order), "{a} {b}");
        assert_eq!(compare(manager, b, a), Some(order.reverse()), "{b} {a}");
    }

    #[test]
    fn dpkg_orders_as_deb_version_says() {
        for (a, b) in [
            ("1.0~rc1-1", "1.0-1"),
            ("1.0-1", "1.0-1+deb12u1"),
            ("1.0-1~bpo12+1", "1.0-1"),
            ("9:1", "10:0"),
            ("2.9", "2.10"),
            ("1.0a", "1.0+"),
            ("1.0-a-1", "1.0-a-2"),
            ("1", "1.1"),
            ("1.2.99999999999999999999999", "1.2.100000000000000000000000"),
        ] {
            holds(Manager::Dpkg, a, Ordering::Less, b);
        }
        for (a, b) in [("0:1", "1"), ("1.0", "1.00"), ("1-0", "1"), ("", "0")] {
            holds(Manager::Dpkg, a, Ordering::Equal, b);
        }
    }

    #[test]
    fn rpm_orders_as_rpm_does_and_what_is_no_version_has_no_place() {
        for (a, b) in
            [("5.1-1.el9", "5.1-1.el9_2"), ("9.9-9", "1:1.0-1"), ("1.0~rc1-1", "1.0-1"), ("1.9-1", "1.10-1")]
        {
            holds(Manager::Rpm, a, Ordering::Less, b);
        }
        holds(Manager::Rpm, "0:1.0-1", Ordering::Equal, "1.0-1");
        assert_eq!(compare(Manager::Rpm, "1.0-1", "1:2:3-1"), None);
    }

    #[test]
    fn apk_orders_as_apk_tools_do() {
        for (a, b) in [
            ("1.0_alpha", "1.0_beta"),
            ("1.0_rc2", "1.0"),
            ("1.0", "1.0_p1"),
            ("1.0_cvs", "1.0_git"),
            ("1.0-r1", "1.0-r10"),
            ("1.0", "1.0a"),
            ("1.0", "1.0.0"),
            ("0.05", "0.1"),
            ("1.9", "1.10"),
            ("1.0-r0", "1.0~12ab-r0"),
        ] {
            holds(Manager::Apk, a, Ordering::Less, b);
        }
        holds(Manager::Apk, "1.36.1-r5", Ordering::Equal, "1.36.1-r5");
    }
}
