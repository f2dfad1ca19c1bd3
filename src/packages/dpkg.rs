//! The database of dpkg: paragraphs of `Name: value` lines (deb-control(5)) in `status`, behind it those of the
//! journal in `updates`, and beside it one list of paths and one of MD5 digests for each package. Distroless images have
//! a paragraph and a list of digests for each package in `status.d` instead.

use std::collections::BTreeMap;

use super::{FileDigest, Manager, Package, PackageFile, Packed, Parsed, Source, from_hex};
use crate::limits;
use crate::model::ImagePath;

/// The paragraphs of `status`, or of one file in `status.d`. Packages that left only their
/// configuration behind are not installed, and not told. Files are those that `Conffiles` names;
/// [`add_files`] adds the rest.
pub fn parse_status(bytes: &[u8]) -> Parsed {
    let mut records = Records::default();
    records.read(bytes);
    records.done()
}

/// What several files say is installed.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// By name and architecture: of two paragraphs on one package dpkg keeps the last.
    packages: ByName,
    broken: usize,
}

type ByName = BTreeMap<(String, String), Package>;

impl Records {
    /// Adds what [`parse_status`] tells.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.each(bytes, |packages, said| {
            if let Said::Installed(package, _) = said {
                insert(packages, *package);
            }
        });
    }

    /// Adds a file of dpkg's journal: what it says is not installed any more is not, and of a package that cannot be there
    /// for two architectures it replaces the one that is, whichever it is for.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.each(bytes, |packages, said| match said {
            Said::Installed(package, is_one_of_several) => {
                if !is_one_of_several {
                    remove(packages, &package.name);
                }
                insert(packages, *package);
            }
            Said::NotInstalled(name, architecture) => {
                let of_name = (name, architecture);
                if packages.remove(&of_name).is_none() && instances(packages, &of_name.0).count() == 1 {
                    remove(packages, &of_name.0);
                }
            }
            Said::Nothing => {}
        });
    }

    pub(super) fn done(self) -> Parsed {
        Parsed { packages: self.packages.into_values().collect(), broken: self.broken }
    }

    /// Hands over what each paragraph says.
    fn each(&mut self, bytes: &[u8], mut take: impl FnMut(&mut ByName, Said)) {
        let mut paragraph = Paragraph::default();
        for line in bytes.split(|byte| *byte == b'\n').chain([&b""[..]]) {
            if !line.trim_ascii().is_empty() {
                paragraph.add(line);
                continue;
            }
            let (said, faults) = std::mem::take(&mut paragraph).said();
            self.broken += faults;
            take(&mut self.packages, said);
        }
    }
}

fn insert(packages: &mut ByName, package: Package) {
    packages.insert((package.name.clone(), package.architecture.clone()), package);
}

/// The architectures that a package is there for.
fn instances<'p>(packages: &'p ByName, name: &'p str) -> impl Iterator<Item = &'p str> {
    let from = packages.range((name.to_owned(), String::new())..);
    from.map(|((of, architecture), _)| (of, architecture))
        .take_while(move |(of, _)| *of == name)
        .map(|(_, it)| it.as_str())
}

fn remove(packages: &mut ByName, name: &str) {
    let all: Vec<String> = instances(packages, name).map(str::to_owned).collect();
    for architecture in all {
        packages.remove(&(name.to_owned(), architecture));
    }
}

/// What a paragraph says.
enum Said {
    /// And whether it may be there for several architectures at once (`Multi-Arch: same`).
    Installed(Box<Package>, bool),
    /// A name and an architecture.
    NotInstalled(String, String),
    Nothing,
}

/// The words of `Status`, of which the last says whether the package is there (dpkg: `lib/dpkg/pkg-namevalue.c`).
const WANTED: [&str; 5] = ["unknown", "install", "hold", "deinstall", "purge"];
const FLAGS: [&str; 2] = ["ok", "reinstreq"];
const ABSENT: [&str; 2] = ["not-installed", "config-files"];
const PRESENT: [&str; 6] =
    ["half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed"];

/// Whether a package is there by its `Status`; `None` where dpkg would refuse that.
fn is_installed(status: &[u8]) -> Option<bool> {
    let status = std::str::from_utf8(status).ok()?.to_ascii_lowercase();
    let words: Vec<&str> = status.split_ascii_whitespace().take(4).collect();
    let [wanted, flag, state] = words.as_slice() else { return None };
    let is_known = WANTED.contains(wanted) && FLAGS.contains(flag);
    match (is_known, PRESENT.contains(state), ABSENT.contains(state)) {
        (true, true, _) => Some(true),
        (true, _, true) => Some(false),
        _ => None,
    }
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

const FIELDS: [&str; 6] = ["Package", "Status", "Version", "Architecture", "Source", "Multi-Arch"];

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

    /// What it says, and how much of it could not be understood.
    fn said(mut self) -> (Said, usize) {
        if self.lines == 0 {
            return (Said::Nothing, 0);
        }
        // `status.d` has no Status: what is there is installed.
        let installed = self.values.get("Status").map_or(Some(true), |status| is_installed(status));
        self.broken += usize::from(installed.is_none());
        let architecture = self.text("Architecture").unwrap_or_default().to_owned();
        // What cannot be told may be there.
        if installed == Some(false) {
            let name = self.text("Package").unwrap_or_default().to_owned();
            return (Said::NotInstalled(name, architecture), self.broken);
        }
        let (Some(name), Some(version)) = (self.text("Package"), self.text("Version")) else {
            return (Said::Nothing, self.broken + 1);
        };
        let is_one_of_several =
            self.text("Multi-Arch").is_some_and(|value| value.eq_ignore_ascii_case("same"));
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture,
            source: self.text("Source").map(source),
            module: None,
            manager: Manager::Dpkg,
            files: self.conffiles,
        };
        (Said::Installed(Box::new(package), is_one_of_several), self.broken)
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

    /// dpkg refuses such a file as a whole: what is installed by it nobody knows, and no package is taken for absent.
    #[test]
    fn a_status_that_dpkg_refuses_is_broken_and_not_absent() {
        for (status, told, broken) in [
            ("install ok installed", 1, 0),
            ("INSTALL  reinstreq  Half-Installed", 1, 0),
            ("unknown ok not-installed", 0, 0),
            ("deinstall ok config-files", 0, 0),
            ("install ok", 1, 1),
            ("installed", 1, 1),
            ("", 1, 1),
            ("install ok installed extra", 1, 1),
            ("purge ok not-installed extra", 1, 1),
            ("some ok installed", 1, 1),
            ("install hold not-installed", 1, 1),
            ("install ok gone", 1, 1),
        ] {
            let text = format!("Package: a\nStatus: {status}\nVersion: 1\nArchitecture: all\n");
            let parsed = parse_status(text.as_bytes());
            assert_eq!((parsed.packages.len(), parsed.broken), (told, broken), "{status}");
        }
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

    /// As dpkg-query(1) tells what is installed by `status` and the journal.
    #[test]
    fn the_journal_replaces_a_package_whichever_architecture_it_was_for() {
        let paragraph = |name: &str, version: &str, architecture: &str, more: &str| {
            format!(
                "Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: {architecture}\n{more}\n"
            )
        };
        let same = "Multi-Arch: same\n";
        let status = [
            paragraph("bb", "1", "all", ""),
            paragraph("bbb", "1", "all", ""),
            paragraph("libz1", "1", "amd64", same),
            paragraph("libz1", "1", "i386", same),
        ];
        let told = |journal: &str| {
            let mut records = Records::default();
            records.read(status.concat().as_bytes());
            records.update(journal.as_bytes());
            let told =
                |package: Package| format!("{} {} {}", package.name, package.version, package.architecture);
            records.done().packages.into_iter().map(told).collect::<Vec<_>>()
        };
        let (bb, bbb) = ("bb 1 all", "bbb 1 all");
        let (amd64, i386) = ("libz1 1 amd64", "libz1 1 i386");
        assert_eq!(told(""), [bb, bbb, amd64, i386]);
        assert_eq!(told(&paragraph("bb", "2", "amd64", "")), ["bb 2 amd64", bbb, amd64, i386]);
        let newer = paragraph("libz1", "2", "amd64", same);
        assert_eq!(told(&newer), [bb, bbb, "libz1 2 amd64", i386]);
        let gone =
            |name: &str, more: &str| format!("Package: {name}\nStatus: purge ok not-installed\n{more}\n");
        assert_eq!(told(&gone("libz1", "Architecture: i386\n")), [bb, bbb, amd64]);
        assert_eq!(told(&gone("bb", "")), [bbb, amd64, i386]);
        // Which of the two is gone nobody says.
        assert_eq!(told(&gone("libz1", "")), [bb, bbb, amd64, i386]);
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
