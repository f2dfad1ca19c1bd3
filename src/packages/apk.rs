//! The database of apk, `installed`: lines of one letter, a colon and a value, an empty line
//! behind each package (apk-tools `src/database.c`). `F:` is a directory, `R:` a file in it, and
//! `Z:` the digest of that file, or of the target of that symlink.

use super::allowance::Allowance;
use super::{FileDigest, Manager, Package, PackageFile, Packed, Parsed, Source};
use crate::error::Result;
use crate::limits;
use crate::model::ImagePath;

/// Reads the whole database.
///
/// # Errors
/// Only limits: a directory stands once and is in the path of each of its files.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    parse_within(bytes, &mut Allowance::default())
}

fn parse_within(bytes: &[u8], allowance: &mut Allowance) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    let mut record = Record::default();
    for line in bytes.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        if line.is_empty() {
            let (package, broken) = std::mem::take(&mut record).into_package();
            parsed.broken += broken;
            parsed.packages.extend(package);
        } else {
            record.add(line, allowance)?;
        }
    }
    Ok(parsed)
}

#[derive(Default)]
struct Record {
    name: Option<String>,
    version: Option<String>,
    architecture: String,
    origin: Option<String>,
    directory: Option<ImagePath>,
    files: Vec<PackageFile>,
    /// A `Z:` belongs to the file before it.
    after_file: bool,
    lines: usize,
    broken: usize,
}

impl Record {
    fn add(&mut self, line: &[u8], allowance: &mut Allowance) -> Result<()> {
        self.lines += 1;
        let before = self.files.len();
        if self.read(line).is_none() {
            self.broken += 1;
        }
        let added = self.files.get(before..).unwrap_or_default();
        added.iter().try_for_each(|file| {
            allowance.take_files(1)?;
            allowance.take_path(file.path.as_bytes().len())
        })
    }

    /// `None` where the line means nothing.
    fn read(&mut self, line: &[u8]) -> Option<()> {
        let [letter, b':', value @ ..] = line else { return None };
        let text = || std::str::from_utf8(value).ok().filter(|text| !text.is_empty()).map(str::to_owned);
        match letter {
            b'P' => self.name = Some(text()?),
            b'V' => self.version = Some(text()?),
            b'A' => self.architecture = text()?,
            b'o' => self.origin = Some(text()?),
            b'F' => {
                self.after_file = false;
                let directory = is_path(value).then(|| ImagePath::new(value));
                self.directory = directory.clone();
                let path = directory?;
                if !path.is_root() {
                    self.files.push(untold(path, false));
                }
            }
            b'R' => {
                self.after_file = false;
                // A name without a directory, or one that is a path, is nothing that apk writes.
                let directory = self.directory.as_ref()?;
                let is_name = is_path(value) && !value.is_empty() && !value.contains(&b'/');
                if !is_name || matches!(value, b"." | b"..") {
                    return None;
                }
                let path = directory.join(value);
                // apk keeps changed files there, and puts the package's own beside them.
                let is_config = path.is_below(&ImagePath::new("etc"));
                self.files.push(untold(path, is_config));
                self.after_file = true;
            }
            b'Z' => {
                let file = self.files.last_mut().filter(|_| self.after_file)?;
                file.packed = Packed::Digest(digest(value)?);
            }
            _ => {}
        }
        Some(())
    }

    fn into_package(self) -> (Option<Package>, usize) {
        if self.lines == 0 {
            return (None, 0);
        }
        let (Some(name), Some(version)) = (self.name, self.version) else {
            return (None, self.broken + 1);
        };
        let source = self.origin.map(|name| Source { name, version: Some(version.clone()) });
        let package = Package {
            name,
            version,
            architecture: self.architecture,
            source,
            module: None,
            manager: Manager::Apk,
            files: self.files,
        };
        (Some(package), self.broken)
    }
}

fn untold(path: ImagePath, is_config: bool) -> PackageFile {
    PackageFile { path, packed: Packed::Untold, is_config, is_verified: true }
}

fn is_path(bytes: &[u8]) -> bool {
    bytes.len() <= limits::PATH_BYTES
}

/// `Q1` and SHA-1, or `Q2` and SHA-256, in base64.
fn digest(value: &[u8]) -> Option<FileDigest> {
    match value {
        [b'Q', b'1', text @ ..] => from_base64(text).map(FileDigest::Sha1),
        [b'Q', b'2', text @ ..] => from_base64(text).map(FileDigest::Sha256),
        _ => None,
    }
}

/// `N` bytes in padded standard base64.
fn from_base64<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    let mut bytes = [0; N];
    let mut out = bytes.iter_mut();
    let (mut bits, mut count) = (0_u32, 0);
    for char in text.iter().take_while(|char| **char != b'=') {
        let six = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            *out.next()? = u8::try_from(bits >> count & 0xff).ok()?;
        }
    }
    out.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: &[u8] = b"C:Q1sn5JoBzBm0G0DPZyMOzd9yqVzQw=\nP:busybox\nV:1.36.1-r5\nA:x86_64\n\
        o:busybox\nF:\nR:.dot\nF:bin\nR:busybox\na:0:0:755\nZ:Q1LRo1FJDKGHZXOYDuEE3kSlDEjCE=\nR:sh\n\
        Z:Q1pcfTfDNEbNKQc2s1tia7da05M8Q=\nF:etc\nM:0:0:755\nR:securetty\nZ:Q1mB95Hq2NUTZ599RDiSsj9w5FrOU=\n\
        R:a/b\nR:..\nZ:Q1bad\n\nP:half\nA:x86_64\n\nP:last\nV:1";

    /// Two bytes and a name made a path of four thousand each time.
    #[test]
    fn the_files_of_a_database_are_held_to_package_files_and_package_path_bytes() {
        // Five paths: a directory of three bytes, its two files, and another of those.
        let database = b"P:a\nV:1\nF:usr\nR:a\nR:bc\n\nP:b\nV:1\nF:usr\nR:d\n";
        let bytes = 3 + 5 + 6 + 3 + 5;
        let read = |files, bytes| parse_within(database, &mut Allowance::of(files, bytes));
        assert_eq!(read(5, bytes).unwrap().packages.len(), 2);
        for (outcome, name) in [(read(4, bytes), "PACKAGE_FILES"), (read(5, bytes - 1), "PACKAGE_PATH_BYTES")]
        {
            let error = outcome.err().unwrap().to_string();
            assert!(error.contains(&format!("exceeds the limit {name} (")), "{error}");
        }
        let long = [b"P:a\nV:1\nF:", &*b"d".repeat(4_000), b"\n", &b"R:f\n".repeat(80_000)].concat();
        assert!(parse(&long).err().unwrap().to_string().contains("PACKAGE_PATH_BYTES"));
    }

    #[test]
    fn packages_and_files_are_read_and_broken_lines_counted() {
        let parsed = parse(INSTALLED).unwrap();
        let told: Vec<_> =
            parsed.packages.iter().map(|package| (&*package.name, &*package.version)).collect();
        assert_eq!(told, [("busybox", "1.36.1-r5"), ("last", "1")]);
        // `a/b`, `..`, a digest without a file, and a package without a version.
        assert_eq!(parsed.broken, 4);
        let files: Vec<_> = parsed.packages[0]
            .files
            .iter()
            .map(|file| (file.path.to_string(), file.packed.digest().is_some(), file.is_config))
            .collect();
        let expected = [
            ("/.dot", false, false),
            ("/bin", false, false),
            ("/bin/busybox", true, false),
            ("/bin/sh", true, false),
            ("/etc", false, false),
            ("/etc/securetty", true, true),
        ];
        assert_eq!(files, expected.map(|(path, digest, config)| (path.to_owned(), digest, config)));
    }

    #[test]
    fn a_digest_is_taken_only_whole() {
        // SHA-1 of nothing.
        let empty = b"Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=";
        assert!(matches!(digest(empty), Some(FileDigest::Sha1([0xda, 0x39, 0xa3, ..]))));
        for text in
            [&b""[..], b"Q1", b"Q12jmj7l5rSw0yVb/vlWAYkK/YBw==", b"Q12jmj7l5rSw0yVb/vlWAYkK/YBw!=", b"Q3"]
        {
            assert_eq!(digest(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
