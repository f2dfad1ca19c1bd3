//! Package URLs (package-url.github.io, ECMA-427): `pkg:type/namespace/name@version?qualifiers#subpath`.

use std::collections::BTreeMap;

/// A package URL in its parts, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    /// In lower case: `deb`, `pypi`.
    pub kind: String,
    /// `debian`, `@scope`, `org.apache`, `github.com/user`; empty where there is none.
    pub namespace: String,
    /// Never empty.
    pub name: String,
    /// Empty where there is none.
    pub version: String,
    /// By their keys, in lower case; those without a value are left out, as the specification says.
    pub qualifiers: BTreeMap<String, String>,
}

/// Why a text is no package URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPurl {
    /// It begins otherwise.
    #[error("a package URL begins with `pkg:`")]
    Scheme,
    /// No letters before the first slash.
    #[error("a package URL has a type behind `pkg:`, and a slash behind that")]
    Type,
    /// Nothing is left for the name.
    #[error("a package URL has a name")]
    Name,
    /// A percent sign without two hexadecimal digits, or what it stands for is no UTF-8.
    #[error("a percent sign is followed by two hexadecimal digits, and all of them are UTF-8")]
    Percent,
    /// Qualifiers are pairs, and each key is there once.
    #[error("qualifiers are pairs of key=value with `&` between them, each key once")]
    Qualifier,
}

impl Purl {
    /// Parses from the right to the left, as the specification has it: the name may hold what separates.
    ///
    /// # Errors
    /// [`NoPurl`].
    pub fn parse(text: &str) -> Result<Self, NoPurl> {
        let text = text.trim();
        let scheme = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("pkg:"));
        let rest = scheme.and_then(|_| text.get(4..)).ok_or(NoPurl::Scheme)?;
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        // `pkg://type/…` is the same.
        let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or(NoPurl::Type)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".+-".contains(&byte);
        if !kind.starts_with(|char: char| char.is_ascii_alphabetic()) || !kind.bytes().all(known) {
            return Err(NoPurl::Type);
        }
        let rest = rest.trim_matches('/');
        // An `@` that begins a part is a scope's, not the version's.
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !path.is_empty() && !path.ends_with('/') => (path, version),
            _ => (rest, ""),
        };
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parts = namespace.split('/').filter(|part| !part.is_empty()).map(decode);
        let purl = Self {
            kind: kind.to_ascii_lowercase(),
            namespace: parts.collect::<Result<Vec<_>, _>>()?.join("/"),
            name: decode(name)?,
            version: decode(version)?,
            qualifiers: pairs(qualifiers)?,
        };
        if purl.name.is_empty() { Err(NoPurl::Name) } else { Ok(purl) }
    }

    /// A qualifier; empty where it is not there.
    pub fn qualifier(&self, key: &str) -> &str {
        self.qualifiers.get(key).map_or("", String::as_str)
    }
}

fn pairs(text: &str) -> Result<BTreeMap<String, String>, NoPurl> {
    let mut pairs = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(NoPurl::Qualifier)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if key.is_empty() || !key.bytes().all(known) {
            return Err(NoPurl::Qualifier);
        }
        let value = decode(value)?;
        if !value.is_empty() && pairs.insert(key.to_ascii_lowercase(), value).is_some() {
            return Err(NoPurl::Qualifier);
        }
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String, NoPurl> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(NoPurl::Percent) };
        let (high, low) = (digit(*high).ok_or(NoPurl::Percent)?, digit(*low).ok_or(NoPurl::Percent)?);
        bytes.push(high << 4 | low);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| NoPurl::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String, String, String) {
        let purl = Purl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (purl.kind, purl.namespace, purl.name, purl.version)
    }

    fn of(kind: &str, namespace: &str, name: &str, version: &str) -> (String, String, String, String) {
        (kind.to_owned(), namespace.to_owned(), name.to_owned(), version.to_owned())
    }

    #[test]
    fn the_parts_are_found_from_the_right() {
        for (text, expected) in [
            (
                "pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12",
                of("deb", "debian", "openssl", "3.0.11-1"),
            ),
            ("pkg:npm/%40angular/animation@12.3.1", of("npm", "@angular", "animation", "12.3.1")),
            ("pkg:npm/@angular/animation@12.3.1", of("npm", "@angular", "animation", "12.3.1")),
            ("pkg:npm/@scope/x", of("npm", "@scope", "x", "")),
            (
                "pkg:golang/github.com/moby/moby@v24.0.0%2Bincompatible#cmd",
                of("golang", "github.com/moby", "moby", "v24.0.0+incompatible"),
            ),
            (
                "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar",
                of("maven", "org.apache.logging.log4j", "log4j-core", "2.14.1"),
            ),
            ("PKG:PyPI/Django@1.11.1", of("pypi", "", "Django", "1.11.1")),
            ("pkg://rpm/fedora//curl@7%3A1-1/", of("rpm", "fedora", "curl", "7:1-1")),
            ("pkg:generic/a%2Fb@1", of("generic", "", "a/b", "1")),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn qualifiers_are_pairs_by_lower_case_keys() {
        let purl =
            Purl::parse("pkg:rpm/almalinux/x@1-1?Epoch=1&distro=almalinux-8&rpmmod=nodejs%3A18&empty=")
                .unwrap();
        assert_eq!(purl.qualifier("epoch"), "1");
        assert_eq!(purl.qualifier("rpmmod"), "nodejs:18");
        assert_eq!(purl.qualifiers.len(), 3);
    }

    #[test]
    fn what_is_no_purl_says_why() {
        for (text, error) in [
            ("", NoPurl::Scheme),
            ("openssl", NoPurl::Scheme),
            ("pkg:deb", NoPurl::Type),
            ("pkg:1x/y", NoPurl::Type),
            ("pkg:deb/", NoPurl::Name),
            ("pkg:deb/%2", NoPurl::Percent),
            ("pkg:deb/x@%ff", NoPurl::Percent),
            ("pkg:deb/x@%zz", NoPurl::Percent),
            ("pkg:deb/x?a", NoPurl::Qualifier),
            ("pkg:deb/x?a=1&A=2", NoPurl::Qualifier),
            ("pkg:deb/x?%61=1", NoPurl::Qualifier),
            ("pk\u{e9}:x", NoPurl::Scheme),
        ] {
            assert_eq!(Purl::parse(text), Err(error), "{text}");
        }
    }
}
