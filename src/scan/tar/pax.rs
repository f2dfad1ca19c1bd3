//! PAX records (POSIX.1-2017, pax, "pax Extended Header"): `<length> <key>=<value>\n`.
//!
//! Records are taken by their lengths, never by lines: a value may hold newlines and NULs, and a file
//! capability (`SCHILY.xattr.security.capability`) does. What is refused is what Go's `parsePAX`
//! refuses.

use std::collections::BTreeMap;

pub(crate) const PATH: &[u8] = b"path";
pub(super) const LINK_PATH: &[u8] = b"linkpath";
pub(crate) const SIZE: &[u8] = b"size";
pub(super) const UID: &[u8] = b"uid";
pub(super) const GID: &[u8] = b"gid";
pub(super) const MTIME: &[u8] = b"mtime";
pub(super) const SCHILY_XATTR: &[u8] = b"SCHILY.xattr.";
pub(super) const LIBARCHIVE_XATTR: &[u8] = b"LIBARCHIVE.xattr.";
pub(super) const SPARSE: &[u8] = b"GNU.sparse.";
pub(super) const SPARSE_MAP: &[u8] = b"GNU.sparse.map";
const SPARSE_OFFSET: &[u8] = b"GNU.sparse.offset";
const SPARSE_NUMBYTES: &[u8] = b"GNU.sparse.numbytes";

/// The records of one extended header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records {
    map: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Keys that came twice with different values; the last one counts.
    pub(super) repeated: Vec<Vec<u8>>,
    /// Bytes of all keys and values, kept up as they come: global headers may be many.
    bytes: u64,
    /// Of these those of extended attributes.
    xattr_bytes: u64,
}

impl Records {
    /// Reads the body of an extended header; the error is a clause for people.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let mut records = Self::default();
        // Sparse format 0.0 repeats two keys in turn; it is turned into the list of format 0.1.
        let mut sparse: Vec<&[u8]> = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let (key, value, after) = record(rest)?;
            rest = after;
            if key == SPARSE_OFFSET || key == SPARSE_NUMBYTES {
                let expected = if sparse.len().is_multiple_of(2) { SPARSE_OFFSET } else { SPARSE_NUMBYTES };
                if key != expected || value.contains(&b',') {
                    return Err("its sparse map is out of order");
                }
                sparse.push(value);
            } else if let Some(old) = records.insert(key.to_vec(), value.to_vec())
                && old != value
            {
                records.repeated.push(key.to_vec());
            }
        }
        if !sparse.is_empty() {
            records.insert(SPARSE_MAP.to_vec(), sparse.join(&b','));
        }
        for key in [SIZE, UID, GID] {
            records.number(key)?;
        }
        for key in [&b"atime"[..], MTIME, b"ctime"] {
            records.time(key)?;
        }
        Ok(records)
    }

    /// The value of a key, where there is one that is not empty: an empty value means the header's
    /// own field.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// All records, by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.map.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// A decimal number.
    pub(crate) fn number(&self, key: &[u8]) -> Result<Option<i64>, &'static str> {
        self.get(key).map(|value| decimal(value).ok_or("a number in it does not parse")).transpose()
    }

    /// The seconds of a time.
    pub(super) fn time(&self, key: &[u8]) -> Result<Option<i64>, &'static str> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let mut parts = value.splitn(2, |byte| *byte == b'.');
        let seconds = parts.next().and_then(decimal);
        if parts.next().is_some_and(|fraction| !fraction.iter().all(u8::is_ascii_digit)) {
            return Err("a time in it does not parse");
        }
        seconds.map(Some).ok_or("a time in it does not parse")
    }

    /// Takes over what a later global header says of all entries: their names, owners and extended
    /// attributes. Its values count.
    pub(super) fn extend(&mut self, later: Records) {
        let applied = |key: &[u8]| [PATH, UID, GID].contains(&key) || is_xattr(key);
        for (key, value) in later.map.into_iter().filter(|(key, _)| applied(key)) {
            self.insert(key, value);
        }
    }

    /// The value that the key had before.
    fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) -> Option<Vec<u8>> {
        let is_xattr = is_xattr(&key);
        let (length, added) = (key.len() as u64, (key.len() + value.len()) as u64);
        let before = self.map.insert(key, value);
        let replaced = before.as_ref().map_or(0, |before| length + before.len() as u64);
        let sums = [Some(&mut self.bytes), is_xattr.then_some(&mut self.xattr_bytes)];
        for sum in sums.into_iter().flatten() {
            *sum = (*sum + added).saturating_sub(replaced);
        }
        before
    }

    /// Bytes of all keys and values.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of the extended attributes among them.
    pub(super) fn xattr_bytes(&self) -> u64 {
        self.xattr_bytes
    }

    /// The keys that readers act on beyond showing them.
    pub(super) fn effective_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.map.keys().map(Vec::as_slice).filter(|key| is_effective(key))
    }
}

/// Whether a key changes what is unpacked. Times, names of owners and comments do not.
pub(super) fn is_effective(key: &[u8]) -> bool {
    [PATH, LINK_PATH, SIZE, UID, GID].contains(&key) || is_xattr(key) || key.starts_with(SPARSE)
}

fn is_xattr(key: &[u8]) -> bool {
    [SCHILY_XATTR, LIBARCHIVE_XATTR].iter().any(|prefix| key.starts_with(prefix))
}

/// A record's key and value, and what follows it.
type Split<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn record(bytes: &[u8]) -> Result<Split<'_>, &'static str> {
    const LENGTH: &str = "the length of a record is wrong";
    let space = bytes.iter().position(|byte| *byte == b' ').ok_or(LENGTH)?;
    let length = bytes.get(..space).and_then(decimal).ok_or(LENGTH)?;
    let length = usize::try_from(length).ok().filter(|length| *length >= 5).ok_or(LENGTH)?;
    let (record, rest) = bytes.split_at_checked(length).ok_or(LENGTH)?;
    let content = record.get(space + 1..).and_then(|record| record.strip_suffix(b"\n")).ok_or(LENGTH)?;
    let equals = content.iter().position(|byte| *byte == b'=').ok_or("a record has no key")?;
    let (key, value) = content.split_at(equals);
    let value = value.get(1..).unwrap_or_default();
    if key.is_empty() {
        return Err("a record has no key");
    }
    let textual = [PATH, LINK_PATH, b"uname", b"gname"].contains(&key);
    if key.contains(&0) || textual && value.contains(&0) {
        return Err("a name in it holds a NUL byte");
    }
    Ok((key, value, rest))
}

/// A decimal number with an optional sign, as Go's `strconv.ParseInt` reads it.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_by_length() {
        let records = Records::parse(b"13 a=\nb=c\0\n\n\n12 path=abc\n").unwrap();
        assert_eq!(records.get(b"a"), Some(&b"\nb=c\0\n\n"[..]));
        assert_eq!(records.get(PATH), Some(&b"abc"[..]));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in [
            &b"x"[..],
            b"12 path=abc",
            b"13 path=abc\n",
            b"11 path=abc\n",
            b"9999999999999999999999 path=abc\n",
            b"-12 path=abc\n",
            b"4 =\n",
            b"5 a\n\n",
            b"6 =ab\n",
            b"12 path=a\0c\n",
            b"12 pa\0h=abc\n",
            b"9 uid=x\n",
            b"13 mtime=1.x\n",
            b"12 path=abc\n\0\0\0",
            b"23 GNU.sparse.offset=1\n23 GNU.sparse.offset=1\n",
        ] {
            assert!(Records::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn a_repeated_key_is_told() {
        let records = Records::parse(b"10 path=a\n10 path=b\n").unwrap();
        assert_eq!((records.get(PATH), records.repeated.len()), (Some(&b"b"[..]), 1));
        assert!(Records::parse(b"10 path=a\n10 path=a\n").unwrap().repeated.is_empty());
    }

    #[test]
    fn the_oldest_sparse_form_becomes_a_list() {
        let records = Records::parse(
            b"23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=5\n25 GNU.sparse.numbytes=3\n",
        )
        .unwrap();
        assert_eq!(records.get(SPARSE_MAP), Some(&b"1,2,5,3"[..]));
    }
}
