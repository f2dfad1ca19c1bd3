//! The database of dpkg: paragraphs of `Name: value` lines (deb-control(5)) in `status`, and beside
//! it one list of paths and one of MD5 digests for each package. Distroless images have a paragraph
//! and a list of digests for each package in `status.d` instead.

use std::collections::BTreeMap;

use super::{FileDigest, Manager, Package, PackageFile, Packed, Parsed, Source, from_hex};
use crate::limits;
use crate::model::ImagePath;

/// The paragraphs of `status`, or of one file in `status.d`. Packages that left only their
/// configuration behind are not installed, and not told. Files are those that `Conffiles` names;
/// [`add_files`] adds the rest.
pub fn parse_status(bytes: &[u8]) -> Parsed {
    // Of two paragraphs on one package dpkg keeps the last.
    let mut packages = BTreeMap::new();
    let mut broken = 0;
    let mut paragraph = Paragraph::default();
    for line in bytes.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        if line.trim_ascii().is_empty() {
            let (package, faults) = std::mem::take(&mut paragraph).into_package();
            broken += faults;
            if let Some(package) = package {
                packages.insert((package.name.clone(), package.architecture.clone()), package);
            }
        } else {
            paragraph.add(line);
        }
    }
    Parsed { packages: packages.into_values().collect(), broken }
}

/// The values of one paragraph that count.
#[derive(Default)]
struct Paragraph<'a> {
    values: BTreeMap<&'static str, &'a [u8]>,
    conffiles: Vec<PackageFile>,
    /// The field that continued lines belong to.
    in_conffiles: bool,
    broken: usize,
    lines: usize,
}

const FIELDS: [&str; 5] = ["Package", "Status", "Version", "Architecture", "Source"];

impl<'a> Paragraph<'a> {
    fn add(&mut self, line: &'a [u8]) {
        self.lines += 1;
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if self.in_conffiles {
                match conffile(line.trim_ascii()) {
                    Some(file) => self.conffiles.push(file),
                    None => self.broken += 1,
                }
            }
            return;
        }
        self.in_conffiles = false;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            self.broken += 1;
            return;
        };
        let (name, value) = line.split_at(colon);
        self.in_conffiles = name.eq_ignore_ascii_case(b"Conffiles");
        let field = FIELDS.into_iter().find(|field| name.eq_ignore_ascii_case(field.as_bytes()));
        if let Some(field) = field {
            // dpkg refuses a field that comes twice.
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            self.broken += usize::from(self.values.insert(field, value).is_some());
        }
    }

    fn text(&self, field: &str) -> Option<&'a str> {
        let value = self.values.get(field)?;
        std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
    }

    fn into_package(self) -> (Option<Package>, usize) {
        if self.lines == 0 {
            return (None, 0);
        }
        // `status.d` has no Status: what is there is installed.
        let state = self
            .text("Status")
            .map_or("installed", |status| status.split_ascii_whitespace().nth(2).unwrap_or("not-installed"));
        if matches!(state, "config-files" | "not-installed") {
            return (None, self.broken);
        }
        let (Some(name), Some(version)) = (self.text("Package"), self.text("Version")) else {
            return (None, self.broken + 1);
        };
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: self.text("Architecture").unwrap_or_default().to_owned(),
            source: self.text("Source").map(source),
            module: None,
            manager: Manager::Dpkg,
            files: self.conffiles,
        };
        (Some(package), self.broken)
    }
}

/// `name` or `name (version)`.
fn source(value: &str) -> Source {
    let (name, rest) = value.split_once(' ').unwrap_or((value, ""));
    let version = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    Source { name: name.to_owned(), version: version.map(|version| version.trim().to_owned()) }
}

/// `/etc/x <md5>`, with `obsolete` or `remove-on-upgrade` behind it; `newconffile` stands for a
/// digest that is not known yet.
fn conffile(line: &[u8]) -> Option<PackageFile> {
    let mut rest = line;
    let mut is_verified = true;
    loop {
        let space = rest.iter().rposition(|byte| *byte == b' ')?;
        let (before, word) = (rest.get(..space)?.trim_ascii_end(), rest.get(space + 1..)?);
        if matches!(word, b"obsolete" | b"remove-on-upgrade") {
            (rest, is_verified) = (before, false);
            continue;
        }
        let digest = from_hex(word).map(FileDigest::Md5);
        let is_known = digest.is_some() || word == b"newconffile";
        return (is_known && is_path(before)).then(|| PackageFile {
            path: ImagePath::new(before),
            packed: digest.map_or(Packed::Untold, Packed::Digest),
            is_config: true,
            is_verified,
        });
    }
}

fn is_path(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len() <= limits::PATH_BYTES
}

/// Puts the paths of `NAME.list` and the digests of `NAME.md5sums` together with the configuration
/// that the package has already; how many lines could not be understood.
///
/// Digests of paths that the list does not name count only where there is no list, as in `status.d`.
pub fn add_files(package: &mut Package, list: Option<&[u8]>, md5sums: Option<&[u8]>) -> usize {
    let mut broken = 0;
    let mut files: BTreeMap<ImagePath, PackageFile> = BTreeMap::new();
    let file =
        |path: ImagePath| PackageFile { path, packed: Packed::Untold, is_config: false, is_verified: true };
    for line in lines(list.unwrap_or_default()) {
        if is_path(line) {
            let path = ImagePath::new(line);
            files.insert(path.clone(), file(path));
        } else {
            broken += 1;
        }
    }
    for line in lines(md5sums.unwrap_or_default()) {
        let Some((digest, path)) = md5sum(line) else {
            broken += 1;
            continue;
        };
        if list.is_none() {
            files.entry(path.clone()).or_insert_with(|| file(path.clone()));
        }
        if let Some(file) = files.get_mut(&path) {
            file.packed = Packed::Digest(FileDigest::Md5(digest));
        }
    }
    for file in package.files.drain(..) {
        files.insert(file.path.clone(), file);
    }
    files.remove(&ImagePath::root());
    package.files = files.into_values().collect();
    broken
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// A line of md5sum(1): digest, a space, a space or `*`, the path without a leading slash.
fn md5sum(line: &[u8]) -> Option<([u8; 16], ImagePath)> {
    let digest = from_hex(line.get(..32)?)?;
    let path = line.get(32..)?.strip_prefix(b" ")?;
    let path = path.strip_prefix(b" ").or_else(|| path.strip_prefix(b"*")).unwrap_or(path);
    is_path(path).then(|| (digest, ImagePath::new(path)))
}

/// One file that a package or an administrator put aside for another (dpkg-divert(1)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion {
    /// The path that other packages mean.
    pub from: ImagePath,
    /// Where their file is instead.
    pub to: ImagePath,
    /// Whose own file is at `from`; `None` where all packages are diverted.
    pub by: Option<String>,
}

/// The file `diversions`: three lines for each, of which the third is `:` for a local one.
pub fn parse_diversions(bytes: &[u8]) -> Vec<Diversion> {
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let (triples, _) = lines.as_chunks::<3>();
    let diversion = |[from, to, by]: &[&[u8]; 3]| {
        let by = String::from_utf8(by.to_vec()).ok()?;
        (is_path(from) && is_path(to)).then(|| Diversion {
            from: ImagePath::new(from),
            to: ImagePath::new(to),
            by: Some(by).filter(|by| by != ":"),
        })
    };
    triples.iter().filter_map(diversion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Package: base-files\nEssential: yes\nStatus: install ok installed\n\
        Architecture: amd64\nVersion: 12.4\nConffiles:\n /etc/issue 349d61a0e072d678e3e94923f0c3ce0e\n \
        /etc/old 349d61a0e072d678e3e94923f0c3ce0e obsolete\n /etc/new newconffile\n /etc/bad xyz\n\
        Description: base\n Version: 99\n .\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n\n\
        Package: libz1\nstatus: install ok half-configured\nSource: zlib (1:1.2)\nArchitecture: amd64\nVERSION:1:1.2+b1\n\n\
        Package: lame\nStatus: install ok installed\n\nno colon\n\n\
        Package: twice\nStatus: install ok installed\nVersion: 1\nVersion: 2";

    #[test]
    fn installed_packages_are_read_and_broken_ones_counted() {
        let parsed = parse_status(STATUS);
        let told: Vec<_> =
            parsed.packages.iter().map(|package| (&*package.name, &*package.version)).collect();
        assert_eq!(told, [("base-files", "12.4"), ("libz1", "1:1.2+b1"), ("twice", "2")]);
        // A conffile without a digest, no version, no colon (which is no package either), a field twice.
        assert_eq!(parsed.broken, 5);
        let source = parsed.packages[1].source.clone().unwrap();
        assert_eq!((&*source.name, source.version.as_deref()), ("zlib", Some("1:1.2")));
        let conffiles: Vec<_> = parsed.packages[0].files.iter().map(|file| file.path.to_string()).collect();
        assert_eq!(conffiles, ["/etc/issue", "/etc/old", "/etc/new"]);
        assert_eq!(parsed.packages[0].files[2].packed, Packed::Untold);
        let verified: Vec<_> = parsed.packages[0].files.iter().map(|file| file.is_verified).collect();
        assert_eq!(verified, [true, false, true]);
    }

    #[test]
    fn files_come_from_the_list_and_digests_from_md5sums() {
        let mut package = parse_status(STATUS).packages.remove(0);
        let list = b"/.\n/bin\n/bin/a b\n/etc\n/etc/issue\n\n/bin/c\n";
        let sums = b"0123456789abcdef0123456789abcdef  bin/a b\n0123456789abcdef0123456789abcdef *not/listed\nshort x\n";
        assert_eq!(add_files(&mut package, Some(list), Some(sums)), 1);
        let told: Vec<_> = package
            .files
            .iter()
            .map(|file| (file.path.to_string(), file.packed.digest().is_some(), file.is_config))
            .collect();
        let told: Vec<_> = told.iter().map(|(path, digest, config)| (&**path, *digest, *config)).collect();
        assert_eq!(
            told,
            [
                ("/bin", false, false),
                ("/bin/a b", true, false),
                ("/bin/c", false, false),
                ("/etc", false, false),
                ("/etc/issue", true, true),
                ("/etc/new", false, true),
                ("/etc/old", true, true),
            ]
        );
        let mut distroless = parse_status(b"Package: tzdata\nVersion: 1\n").packages.remove(0);
        add_files(&mut distroless, None, Some(b"0123456789abcdef0123456789abcdef  usr/x\n"));
        assert_eq!(distroless.files.len(), 1);
    }

    #[test]
    fn diversions_are_triples() {
        let read =
            parse_diversions(b"/usr/bin/perf\n/usr/bin/perf.wrapper\nlinux-perf\n/bin/x\n/bin/y\n:\n/half\n");
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].to.to_string(), read[0].by.as_deref()),
            ("/usr/bin/perf.wrapper".to_owned(), Some("linux-perf"))
        );
        assert_eq!(read[1].by, None);
    }
}
