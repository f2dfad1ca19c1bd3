//! The manifest of a distroless image of CBL-Mariner and Azure Linux (`container-manifest-2`), which it has instead of a
//! database: one line for each package, as `rpm -qa --qf` prints it when the image is made.
//!
//! `NAME`, `VERSION-RELEASE`, `INSTALLTIME`, `BUILDTIME`, `VENDOR`, `EPOCH` or `(none)`, `SIZE`, `ARCH`, `EPOCHNUM`,
//! `SOURCERPM`, with tabs between them. It names no files.

use super::bytes::Notes;
use super::header::Header;
use crate::error::{Error, Result};
use crate::limits;

const FIELDS: usize = 10;

/// Whether a file is such a list, by its first line.
pub(super) fn is_one(file: &[u8]) -> bool {
    lines(file).next().is_some_and(|line| line.split(|byte| *byte == b'\t').count() == FIELDS)
}

/// The packages of a list; lines that are none are noted.
pub(super) fn read(file: &[u8], notes: &mut Notes) -> Result<Vec<Header>> {
    let mut headers = Vec::new();
    for line in lines(file) {
        if headers.len() == limits::PACKAGES {
            return Err(Error::limit("the packages of a manifest", "PACKAGES", limits::PACKAGES as u64));
        }
        match header(line) {
            Some(header) => headers.push(header),
            None => notes.add(|| "a line of the manifest that could not be understood".into()),
        }
    }
    Ok(headers)
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

fn header(line: &[u8]) -> Option<Header> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').take(FIELDS + 1).collect();
    let [name, version, _, _, vendor, _, _, arch, epoch, source] = fields.as_slice() else { return None };
    if [name, version, vendor, arch, source].iter().any(|text| text.len() > limits::PACKAGE_TEXT_BYTES) {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    let told = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty() && text != "(none)");
    let (version, release) = std::str::from_utf8(version).ok()?.rsplit_once('-')?;
    Some(Header {
        name: told(name)?,
        epoch: Some(std::str::from_utf8(epoch).ok()?.parse().ok()?),
        version: told(version.as_bytes())?,
        release: told(release.as_bytes())?,
        arch: told(arch),
        source_rpm: told(source),
        vendor: told(vendor),
        modularity_label: None,
        files: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_package_or_is_noted() {
        let line = b"a\t1-2\t0\t0\tX\t(none)\t0\tnoarch\t3\ta-1-2.src.rpm";
        let header = header(line).unwrap();
        assert_eq!((&*header.evr(), header.source_rpm.as_deref()), ("3:1-2", Some("a-1-2.src.rpm")));
        for broken in [
            &b"a\t1-2\t0\t0\tX\t(none)\t0\tnoarch\t3"[..],
            b"a\t1-2\t0\t0\tX\t(none)\t0\tnoarch\t3\ta\tb",
            b"a\t1\t0\t0\tX\t(none)\t0\tnoarch\t3\ta",
            b"a\t1-\t0\t0\tX\t(none)\t0\tnoarch\t3\ta",
            b"\t1-2\t0\t0\tX\t(none)\t0\tnoarch\t3\ta",
            b"a\t1-2\t0\t0\tX\t(none)\t0\tnoarch\tmany\ta",
        ] {
            assert_eq!(super::header(broken), None);
            let mut notes = Notes::default();
            let file = [line, broken].join(&b'\n');
            assert_eq!(read(&file, &mut notes).unwrap().len(), 1);
            assert_eq!(notes.into_vec().len(), 1);
            assert!(is_one(&file));
        }
        assert!(!is_one(b"") && !is_one(b"a\tb\n"));
    }
}
