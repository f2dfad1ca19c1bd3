//! The order of rpm versions (rpm: `rpmio/rpmvercmp.cc`, `rpmio/rpmver.cc`).

use std::cmp::Ordering;

/// Compares two versions, or two releases, as `rpmvercmp` does.
///
/// Both are cut into segments of digits or of ASCII letters; all else only separates. Digits are
/// compared as numbers of any length and are newer than letters. `~` is older than the end, `^` newer
/// than the end but older than anything else.
pub fn rpmvercmp(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        (a, b) = (without_separators(a), without_separators(b));
        match (a.split_first(), b.split_first()) {
            (Some((b'~', rest_a)), Some((b'~', rest_b))) => (a, b) = (rest_a, rest_b),
            (Some((b'~', _)), _) => return Ordering::Less,
            (_, Some((b'~', _))) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (Some((b'^', rest_a)), Some((b'^', rest_b))) => (a, b) = (rest_a, rest_b),
            (Some((b'^', _)), None) => return Ordering::Greater,
            (None, Some((b'^', _))) => return Ordering::Less,
            (Some((b'^', _)), _) => return Ordering::Less,
            (_, Some((b'^', _))) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some((first, _)), Some(_)) => {
                let is_number = first.is_ascii_digit();
                let (segment_a, rest_a) = segment(a, is_number);
                let (segment_b, rest_b) = segment(b, is_number);
                let order = if segment_b.is_empty() {
                    if is_number { Ordering::Greater } else { Ordering::Less }
                } else if is_number {
                    compare_numbers(segment_a, segment_b)
                } else {
                    segment_a.cmp(segment_b)
                };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
        }
    }
}

fn without_separators(text: &[u8]) -> &[u8] {
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^');
    text.get(text.iter().position(counts).unwrap_or(text.len())..).unwrap_or_default()
}

/// The digits or letters that a text begins with, and the rest.
fn segment(text: &[u8], is_number: bool) -> (&[u8], &[u8]) {
    let belongs = |byte: &u8| if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    let end = text.iter().position(|byte| !belongs(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or_default()
}

fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant =
        |digits: &'_ [u8]| digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let (a, b) = (a.get(significant(a)..).unwrap_or_default(), b.get(significant(b)..).unwrap_or_default());
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A whole version: `epoch:version-release`, the epoch and the release where they are told.
///
/// It has no [`Ord`], for versions may be written differently and compare as equal.
#[derive(Debug, Clone, Copy)]
pub struct Evr<'a> {
    /// 0 where it is not told.
    pub epoch: u32,
    /// Never empty.
    pub version: &'a str,
    /// `None` where it is not told.
    pub release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Parses a version; `None` for what rpm would not take, and which so has no place in any order: an
    /// empty version or release, an epoch that is no number, characters that versions may not have.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
                (epoch.parse().ok()?, rest)
            }
            Some(_) => return None,
            None => (0, text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        let allowed = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~^".contains(&byte);
            !text.is_empty() && text.bytes().all(known)
        };
        (allowed(version) && release.is_none_or(allowed)).then_some(Self { epoch, version, release })
    }

    /// Epoch, then version, then release; a release that is not told comes before all others, as in
    /// rpm's `rpmverCmp`.
    pub fn compare(&self, other: &Evr<'_>) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| rpmvercmp(self.version, other.version))
            .then_with(|| rpmvercmp(self.release.unwrap_or_default(), other.release.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_decide_from_the_left() {
        for (older, newer) in [
            ("1.9", "1.10"),
            ("1.0", "1.0.0"),
            ("1.0a", "1.0.1"),
            ("a", "1"),
            ("A", "a"),
            ("1.0~rc1", "1.0"),
            ("1.0~rc1", "1.0~rc2"),
            ("1.0~~", "1.0~"),
            ("1.0", "1.0^git1"),
            ("1.0^git1", "1.0.1"),
            ("1.0~rc1^git1", "1.0"),
            ("1.0^git1~pre", "1.0^git1"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(rpmvercmp(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(rpmvercmp(newer, older), Ordering::Greater, "{newer} {older}");
        }
    }

    #[test]
    fn separators_and_leading_zeros_say_nothing() {
        for (a, b) in
            [("1.0", "1_0"), ("1.0.", "1.0"), ("1.0010", "1.10"), ("2a", "2.a"), ("", ""), ("é", "")]
        {
            assert_eq!(rpmvercmp(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn the_epoch_comes_first_and_the_release_last() {
        for (older, newer) in [
            ("9.9-9", "1:1.0-1"),
            ("0:1.0-1", "1.0-2"),
            ("1.0", "1.0-1"),
            ("1.0-1.el9", "1.0-1.el9_2"),
            ("2:1.0-9", "10:1.0-1"),
        ] {
            let (older, newer) = (Evr::parse(older).unwrap(), Evr::parse(newer).unwrap());
            assert_eq!(older.compare(&newer), Ordering::Less, "{older:?} {newer:?}");
            assert_eq!(newer.compare(&older), Ordering::Greater, "{older:?} {newer:?}");
        }
        let told = Evr::parse("0:1.0-1").unwrap();
        assert_eq!(told.compare(&Evr::parse("1.0-1").unwrap()), Ordering::Equal);
    }

    #[test]
    fn what_is_no_version_has_no_order() {
        for text in ["", "-1", "1-", "x:1-1", ":1-1", "99999999999:1", "1:2:3-1", "1 0-1", "1-2-3", "(none)"]
        {
            assert!(Evr::parse(text).is_none(), "{text}");
        }
    }
}
