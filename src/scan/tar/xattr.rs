//! Extended attributes in PAX records: `SCHILY.xattr.<name>` holds the value's bytes as they are
//! (star, GNU tar, docker), `LIBARCHIVE.xattr.<url-encoded name>` holds them in base64.

use std::collections::BTreeMap;

use super::pax::{self, Records};

/// An entry's extended attributes by name.
pub(super) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Attributes by which the kernel grants or denies something.
const PRIVILEGED: [&[u8]; 3] = [b"security.", b"system.", b"trusted."];

/// Collects them from the global and the local records, the local ones last. Yields also the names
/// whose two forms disagree or cannot be decoded, and privileged ones that are there in libarchive's
/// form only: readers that know one form, as Go's `archive/tar` does, read another value.
pub(super) fn collect(global: &Records, local: Option<&Records>) -> (Xattrs, Vec<Vec<u8>>) {
    let mut all = Xattrs::new();
    let mut doubtful = Vec::new();
    for records in [Some(global), local].into_iter().flatten() {
        let mut libarchive = Xattrs::new();
        let mut schily = Xattrs::new();
        for (key, value) in records.iter() {
            if let Some(name) = key.strip_prefix(pax::SCHILY_XATTR) {
                schily.insert(name.to_vec(), value.to_vec());
            } else if let Some(name) = key.strip_prefix(pax::LIBARCHIVE_XATTR) {
                match (url_decode(name), base64_decode(value)) {
                    (Some(name), Some(value)) => drop(libarchive.insert(name, value)),
                    _ => doubtful.push(name.to_vec()),
                }
            }
        }
        for (name, value) in &libarchive {
            let privileged = PRIVILEGED.iter().any(|prefix| name.starts_with(prefix));
            if schily.get(name).map_or(privileged, |other| other != value) {
                doubtful.push(name.clone());
            }
        }
        all.extend(libarchive);
        all.extend(schily);
    }
    // An empty value takes a PAX record back (POSIX pax, "Extended Header"), so that Go's reader sets
    // no attribute: seen with umoci, podman and Docker. containerd sets an attribute of no bytes, on
    // which nothing hangs: no capability is empty.
    all.retain(|_, value| !value.is_empty());
    (all, doubtful)
}

fn url_decode(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next())? << 4 | digit(rest.next())?).ok()?,
            byte => *byte,
        });
    }
    Some(bytes)
}

/// Base64 with or without padding, as libarchive writes it (without).
pub(in crate::scan) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.get(..end)? {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_decoded() {
        assert_eq!(url_decode(b"user.a%20b%3d"), Some(b"user.a b=".to_vec()));
        assert_eq!(url_decode(b"user.%2"), None);
        for (text, bytes) in [
            (&b""[..], &b""[..]),
            (b"Zg", b"f"),
            (b"Zg==", b"f"),
            (b"Zm8", b"fo"),
            (b"Zm9vYmFy", b"foobar"),
            (b"AQAAAgAgAAAAAAAAAAAAAAAAAAA", b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ] {
            assert_eq!(base64_decode(text).as_deref(), Some(bytes));
        }
        assert_eq!(base64_decode(b"Zm9v!"), None);
    }

    #[test]
    fn an_empty_value_is_no_attribute() {
        let set =
            super::super::build::records(&[("SCHILY.xattr.user.a", b"1"), ("SCHILY.xattr.user.b", b"")]);
        let taken_back = super::super::build::records(&[("SCHILY.xattr.user.a", b"")]);
        let (global, local) = (Records::parse(&set).unwrap(), Records::parse(&taken_back).unwrap());
        assert_eq!(collect(&global, None).0.into_keys().collect::<Vec<_>>(), [b"user.a"]);
        assert!(collect(&global, Some(&local)).0.is_empty());
    }

    #[test]
    fn privileges_in_one_form_only_are_told() {
        for (key, told) in [
            ("LIBARCHIVE.xattr.security.capability", 1),
            ("SCHILY.xattr.security.capability", 0),
            ("LIBARCHIVE.xattr.user.a", 0),
        ] {
            let records = Records::parse(&super::super::build::records(&[(key, b"AQAA")])).unwrap();
            let (xattrs, doubtful) = collect(&Records::default(), Some(&records));
            assert_eq!((xattrs.len(), doubtful.len()), (1, told), "{key}");
        }
    }

    #[test]
    fn disagreeing_forms_are_told() {
        for (schily, told) in [(&b"f"[..], 0), (b"g", 1)] {
            let body = super::super::build::records(&[
                ("SCHILY.xattr.user.a", schily),
                ("LIBARCHIVE.xattr.user.a", b"Zg"),
            ]);
            let records = Records::parse(&body).unwrap();
            let (xattrs, doubtful) = collect(&Records::default(), Some(&records));
            assert_eq!(xattrs.get(&b"user.a"[..]).map(Vec::as_slice), Some(schily));
            assert_eq!(doubtful.len(), told);
        }
    }
}
