//! Lists of packages in the forms that others write them in, and our own as such a list.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use serde_json::Value;

use crate::harness::Room;
use crate::support::digest;

pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What is told of an image.
#[derive(Debug)]
pub(super) struct Told {
    /// `name version architecture source@version` of each package, sorted; `-` for what is not told.
    pub(super) lines: Vec<String>,
    /// The package URL of each.
    pub(super) purls: Vec<String>,
}

impl Told {
    pub(super) fn of(inventory: &Value) -> Self {
        let packages = inventory["packages"].as_array().unwrap();
        let mut lines: Vec<_> = packages.iter().map(line).collect();
        lines.sort();
        let purl = |package: &Value| package["purl"].as_str().unwrap().to_owned();
        Self { lines, purls: packages.iter().map(purl).collect() }
    }

    /// Without some that are there; one that is not is a difference.
    pub(super) fn without(&self, some: &[&str]) -> Self {
        let mut lines = self.lines.clone();
        for line in some {
            match lines.iter().position(|other| other == line) {
                Some(at) => drop(lines.remove(at)),
                None => lines.push(format!("(without {line})")),
            }
        }
        Self { lines, purls: Vec::new() }
    }

    /// Whether the packages are those of a cell of a table, and those that another reader tells; the difference, where
    /// they are not.
    pub(super) fn holds(&self, count: usize, list: &str, others: Option<&[String]>) -> Result<(), String> {
        if let Some(others) = others {
            self.same_as(others.iter().map(String::as_str).collect())?;
        }
        if list.starts_with("sha256:") {
            let same = self.lines.len() == count && digest_of(&self.lines) == list;
            let all =
                || format!("{} packages and not the {count} of {list}: {:#?}", self.lines.len(), self.lines);
            return if same { Ok(()) } else { Err(all()) };
        }
        let theirs: Vec<_> = list.split("; ").filter(|line| !line.is_empty()).collect();
        assert_eq!(theirs.len(), count, "{list}");
        self.same_as(theirs)
    }

    fn same_as(&self, theirs: Vec<&str>) -> Result<(), String> {
        if self.lines == theirs {
            return Ok(());
        }
        let ours: BTreeSet<_> = self.lines.iter().map(String::as_str).collect();
        let theirs: BTreeSet<_> = theirs.into_iter().collect();
        let only = |some: &BTreeSet<&str>, others: &BTreeSet<&str>| {
            some.difference(others).map(ToString::to_string).collect::<Vec<_>>()
        };
        Err(format!("only ours: {:#?}, only theirs: {:#?}", only(&ours, &theirs), only(&theirs, &ours)))
    }
}

/// The packages of a database as another reader has them, where there is one.
pub(super) fn read_otherwise(place: &str, by: &str, bytes: &[u8]) -> Option<Vec<String>> {
    match place {
        _ if place.ends_with("lib/apk/db/installed") => Some(apk(bytes)),
        _ if by.starts_with("dpkg-query") => dpkg_query(bytes),
        _ => None,
    }
}

/// Records with a line for each field, of which four count.
fn apk(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let record = |record: &str| {
        let field = |name: &str| record.lines().find_map(|line| line.strip_prefix(name));
        let (name, version) = (field("P:")?, field("V:")?);
        let (architecture, origin) = (field("A:").unwrap_or("-"), field("o:").unwrap_or(name));
        Some(format!("{name} {version} {architecture} {origin}@{version}"))
    };
    let mut lines: Vec<_> = text.split("\n\n").filter_map(record).collect();
    lines.sort();
    lines
}

/// What dpkg's own program says of a `status`; `None` where there is none.
fn dpkg_query(status: &[u8]) -> Option<Vec<String>> {
    let format =
        "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package}@${source:Version}\n";
    let room = Room::new();
    room.write("status", status);
    let output = std::process::Command::new("dpkg-query")
        .args(["--admindir", room.path("").to_str().unwrap(), "--show", "--showformat", format])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let installed = |line: &str| {
        let (state, package) = line.split_once(' ').unwrap();
        let is_installed = !matches!(state, "config-files" | "not-installed");
        is_installed.then(|| package.replacen("  ", " - ", 1))
    };
    let mut lines: Vec<_> = text.lines().filter_map(installed).collect();
    lines.sort();
    Some(lines)
}

fn line(package: &Value) -> String {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let source = match &package["source"] {
        // What dpkg and apk do not tell is the package itself.
        Value::Null if matches!(package["kind"].as_str(), Some("deb" | "apk")) => format!("{name}@{version}"),
        Value::Null => "-".to_owned(),
        source => format!("{}@{}", text(&source["name"]), source["version"].as_str().unwrap_or(&version)),
    };
    format!("{name} {version} {} {source}", text(&package["architecture"]))
}

/// Of sorted lines.
pub(super) fn digest_of(lines: &[String]) -> String {
    digest(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())
}

/// What a package URL has to say of a package in an image of Debian 12, whoever installed it there.
pub(super) fn hold_purl(purl: &str, place: &str) {
    let kind = match place {
        _ if place.starts_with("var/lib/dpkg/") => "pkg:deb/debian/",
        _ if place.ends_with("lib/apk/db/installed") => "pkg:apk/debian/",
        _ if place.starts_with("var/lib/rpm/") => "pkg:rpm/debian/",
        _ => {
            return assert!(
                purl.starts_with("pkg:maven/com.fasterxml.jackson.core/jackson-annotations@2.15.0-rc2")
            );
        }
    };
    assert!(purl.starts_with(kind) && purl.contains("distro=debian-12"), "{purl}");
}

/// A file of the corpus, or a part of one of its txtar archives.
pub(super) fn content(files: &Files, name: &str) -> Vec<u8> {
    let (file, part) = name.split_once('!').map_or((name, None), |(file, part)| (file, Some(part)));
    let bytes = files.get(file).unwrap_or_else(|| panic!("{file} is not in the corpus"));
    part.map_or_else(|| bytes.clone(), |part| txtar(bytes, part))
}

/// A part of a txtar archive: what stands between its line and that of the next part.
fn txtar(archive: &[u8], part: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let mut is_it = false;
    for line in archive.split_inclusive(|byte| *byte == b'\n') {
        let begins = line.strip_prefix(b"-- ").and_then(|rest| rest.trim_ascii_end().strip_suffix(b" --"));
        match begins {
            Some(name) => is_it = name == part.as_bytes(),
            None if is_it => content.extend_from_slice(line),
            None => {}
        }
    }
    content
}

/// What is not in gzip or zstd as it is.
pub(super) fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let read = match bytes {
        [0x1f, 0x8b, ..] => flate2::bufread::MultiGzDecoder::new(bytes).read_to_end(&mut content),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut content),
        _ => return bytes.to_vec(),
    };
    read.unwrap();
    content
}

/// The tar that a Debian package unpacks to: `data.tar` in an archive of ar(5).
pub(super) fn deb_content(deb: &[u8]) -> Vec<u8> {
    let mut rest = deb.strip_prefix(b"!<arch>\n").unwrap();
    loop {
        let (header, body) = rest.split_at(60);
        let length: usize = std::str::from_utf8(&header[48..58]).unwrap().trim().parse().unwrap();
        if header.starts_with(b"data.tar") {
            return unpacked(&body[..length]);
        }
        rest = &body[length.next_multiple_of(2)..];
    }
}

/// go-rpmdb's: epoch, name, version, release, architecture and source package, with tabs between them.
pub(super) fn tsv(list: &[u8]) -> Vec<String> {
    let lines = std::str::from_utf8(list).unwrap().lines();
    let mut lines: Vec<String> = lines
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let [epoch, name, version, release, architecture, source] =
                line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{line}")
            };
            let epoch = if epoch.is_empty() { String::new() } else { format!("{epoch}:") };
            let source = source.strip_suffix(".src.rpm").unwrap();
            let (rest, source_release) = source.rsplit_once('-').unwrap();
            let (source, source_version) = rest.rsplit_once('-').unwrap();
            format!(
                "{name} {epoch}{version}-{release} {architecture} {source}@{source_version}-{source_release}"
            )
        })
        .collect();
    lines.sort();
    lines
}

/// Trivy's, of packages without epochs and releases of their own.
pub(super) fn golden(list: &[u8]) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_slice(list).unwrap();
    let line = |package: &Value| {
        let field = |name: &str| package[name].as_str().unwrap().to_owned();
        format!(
            "{} {} {} {}@{}",
            field("Name"),
            field("Version"),
            field("Arch"),
            field("SrcName"),
            field("SrcVersion")
        )
    };
    list.iter().map(line).collect()
}
