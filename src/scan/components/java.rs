//! Jars, and the jars in them: what Maven wrote into them (`pom.properties`), else their manifest and the name of
//! their file.
//!
//! A jar that took in others keeps their `pom.properties`, so each one is a component. Where none of them is the
//! jar's own, the manifest and the name are asked, as syft and Trivy do; what those two find by a jar's SHA-1 in an
//! index of Maven Central cannot be known offline. Zip archives are read as the JDK reads them
//! ([`crate::scan::archives`]).

use std::borrow::Cow;

use flate2::read::DeflateDecoder;

use super::found::Found;
use super::texts::{headers, lines, text_of};
use super::{Ecosystem, Evidence, Gap};
use crate::error::Result;
use crate::limits::{self, Deadline};
use crate::scan::archives::{self, Directory, Look, Member, Tail, directories};

/// How the names of Java archives end, in lower case.
const NAMES: [&[u8]; 12] = [
    b".jar", b".war", b".ear", b".sar", b".rar", b".par", b".nar", b".kar", b".jpi", b".hpi", b".lpkg",
    b".far",
];

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Whether a file of that name is taken for a Java archive, whatever it begins with.
pub(super) fn is_named_so(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.len() > end.len() && name.ends_with(end))
}

/// Finds the components of an archive; none where the file is none. `name` is the last part of its path where that
/// is one of a Java archive, else empty.
///
/// # Errors
/// The time is up.
pub(super) fn read(tail: &Tail<'_>, name: &[u8], found: &mut Found<'_>, deadline: Deadline) -> Result<()> {
    Jars { found, deadline }.archive(tail, name, &[], 1)
}

struct Jars<'f, 'a> {
    found: &'f mut Found<'a>,
    deadline: Deadline,
}

impl Jars<'_, '_> {
    /// `inside` is where it lies in the file's archive, empty for that one; `depth` is 1 there.
    fn archive(&mut self, tail: &Tail<'_>, name: &[u8], inside: &[u8], depth: usize) -> Result<()> {
        let directories = match directories(tail) {
            Ok(directories) => directories,
            Err(gap) => {
                let many = gap == archives::Gap::ManyEnds;
                self.found.gap(if many { Gap::ManyEnds } else { Gap::LargeFile });
                return Ok(());
            }
        };
        for directory in directories {
            // What the JDK does not open is no archive.
            if directory.members().all(|member| member.is_some()) {
                self.directory(Place { tail, directory, inside, depth }, name)?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, place: Place<'_, '_>, name: &[u8]) -> Result<()> {
        let mut poms = Vec::new();
        let mut manifest = None;
        for member in place.directory.members().flatten() {
            let Some(path) = member.name() else { continue };
            let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            if file == b"pom.properties" {
                self.deadline.check()?;
                let text = self.text(place, &member);
                poms.extend(text.and_then(|text| self.pom(&text, place.inside)));
            } else if path.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") {
                manifest.get_or_insert(member);
            } else if is_named_so(file) {
                self.deadline.check()?;
                self.nested(place, &member, path, file)?;
            }
        }
        self.own(place, name, &poms, manifest)
    }

    /// An archive that is a member.
    fn nested(&mut self, place: Place<'_, '_>, member: &Member<'_>, path: &[u8], file: &[u8]) -> Result<()> {
        if place.depth >= limits::COMPONENT_DEPTH {
            self.found.gap(Gap::DeepArchive);
            return Ok(());
        }
        let Some(bytes) = self.unpack(place, member, u64::MAX) else { return Ok(()) };
        let inside = match place.inside {
            [] => path.to_vec(),
            outer => [outer, b"!/", path].concat(),
        };
        let tail = Tail { bytes: &bytes, head: &bytes, size: bytes.len() as u64 };
        self.archive(&tail, file, &inside, place.depth + 1)
    }

    /// Adds what `pom.properties` says; its artifact and version, where there was room.
    fn pom(&mut self, text: &[u8], inside: &[u8]) -> Option<(String, String)> {
        let [group, artifact, version] = properties(text, ["groupId", "artifactId", "version"]);
        let artifact = artifact.filter(|artifact| !artifact.is_empty());
        let (Some(group), Some(artifact)) = (group.filter(|group| !group.is_empty()), artifact) else {
            self.found.gap(Gap::Unreadable);
            return None;
        };
        let version = version.unwrap_or_default();
        let kind = (Ecosystem::Maven, Evidence::PomProperties);
        let is_added = self.found.add(kind, format!("{group}:{artifact}"), version.clone(), inside);
        is_added.then_some((artifact, version))
    }

    /// Adds the archive itself, where no `pom.properties` is its own.
    fn own(
        &mut self,
        place: Place<'_, '_>,
        name: &[u8],
        poms: &[(String, String)],
        manifest: Option<Member<'_>>,
    ) -> Result<()> {
        let by_name = ByName::of(name);
        let is_own = |artifact: &str| {
            by_name.stem.strip_prefix(artifact).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if poms.iter().any(|(artifact, _)| is_own(artifact)) || name.is_empty() && manifest.is_none() {
            return Ok(());
        }
        self.deadline.check()?;
        let text = manifest.and_then(|member| self.text(place, &member)).unwrap_or_default();
        let Some(guess) = by_name.with(&text) else { return Ok(()) };
        let is_known = poms.iter().any(|(artifact, version)| {
            *artifact == guess.artifact && (*version == guess.version || guess.version.is_empty())
        });
        if !(is_known || guess.version.is_empty() && !poms.is_empty()) {
            let name = match &guess.group {
                Some(group) => format!("{group}:{}", guess.artifact),
                None => guess.artifact,
            };
            self.found.add((Ecosystem::Maven, guess.evidence), name, guess.version, place.inside);
        }
        Ok(())
    }

    /// A member that is a text.
    fn text<'t>(&mut self, place: Place<'t, '_>, member: &Member<'_>) -> Option<Cow<'t, [u8]>> {
        let text = self.unpack(place, member, limits::COMPONENT_TEXT_BYTES)?;
        if text.len() as u64 > limits::COMPONENT_TEXT_BYTES {
            self.found.gap(Gap::LargeText);
            return None;
        }
        Some(text)
    }

    /// The content of a member, of which no more than `limit` is wanted; one byte more shows that it goes on.
    fn unpack<'t>(&mut self, place: Place<'t, '_>, member: &Member<'_>, limit: u64) -> Option<Cow<'t, [u8]>> {
        let stored = match place.directory.stored(place.tail, member) {
            Look::At(stored) => stored,
            Look::NotKept => {
                self.found.gap(Gap::LargeFile);
                return None;
            }
            Look::NotInFile => {
                self.found.gap(Gap::Unreadable);
                return None;
            }
        };
        match member.method {
            STORED => {
                let most = limit.min(self.found.room()).saturating_add(1);
                let content = stored.get(..most as usize).unwrap_or(stored);
                // It is not unpacked, but looked through; many members may be the same bytes.
                self.found.count(content.len() as u64).then_some(Cow::Borrowed(content))
            }
            DEFLATED => {
                let (content, read) = self.found.unpack(DeflateDecoder::new(stored), limit)?;
                if read.is_err() {
                    self.found.gap(Gap::Unreadable);
                }
                Some(Cow::Owned(content))
            }
            _ => {
                self.found.gap(Gap::Unreadable);
                None
            }
        }
    }
}

/// Where something is looked for.
#[derive(Clone, Copy)]
struct Place<'t, 'p> {
    tail: &'p Tail<'t>,
    directory: Directory<'t>,
    inside: &'p [u8],
    depth: usize,
}

/// What an archive is taken for without its `pom.properties`.
#[derive(Debug, PartialEq, Eq)]
struct Guess {
    group: Option<String>,
    artifact: String,
    version: String,
    evidence: Evidence,
}

/// What the name of a file says: `artifact-version.jar`.
#[derive(Debug, PartialEq, Eq)]
struct ByName {
    /// Without what shows its kind.
    stem: String,
    artifact: String,
    version: Option<String>,
}

impl ByName {
    fn of(name: &[u8]) -> Self {
        let name = text_of(name);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let (artifact, version) = match split_version(stem) {
            Some((artifact, version)) => (artifact, Some(without_classifier(version).to_owned())),
            None => (stem, None),
        };
        Self { stem: stem.to_owned(), artifact: artifact.to_owned(), version }
    }

    /// With what a manifest says. A name with a version is that of the artifact, as repositories have it; any other
    /// was chosen by whoever put the file there.
    fn with(&self, manifest: &[u8]) -> Option<Guess> {
        let fields = headers(
            manifest,
            [
                "Implementation-Vendor-Id",
                "Implementation-Title",
                "Implementation-Version",
                "Bundle-SymbolicName",
                "Bundle-Version",
                "Automatic-Module-Name",
                "Specification-Version",
            ],
        );
        let [vendor, title, version, bundle, bundle_version, module, specified] =
            fields.map(|field| field.filter(|field| !field.is_empty()));
        let group = vendor.filter(|group| is_name(group));
        let by_manifest = |own: Option<String>| {
            // `name; singleton:=true`
            let bundle = bundle.as_deref().and_then(|bundle| bundle.split(';').next()).map(str::trim);
            let title = title.filter(|title| is_name(title));
            let other = || bundle.map(str::to_owned).filter(|name| is_name(name)).or(module);
            title.or(own).or_else(other)
        };
        let own = Some(self.artifact.clone()).filter(|artifact| !artifact.is_empty());
        let artifact = if self.version.is_some() { own.clone() } else { by_manifest(own.clone()) }?;
        let said = version.or(bundle_version).or(specified);
        let is_named = group.is_none() && own.as_ref() == Some(&artifact);
        let evidence = match (&self.version, &said) {
            (Some(_), _) | (None, None) if is_named => Evidence::FileName,
            _ => Evidence::Manifest,
        };
        let version = self.version.clone().or(said).unwrap_or_default();
        Some(Guess { group, artifact, version, evidence })
    }
}

/// Whether a title could be the name of a group or an artifact.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Artifact and version: parted before the last part that begins with a digit, or before the one that it is a
/// build or a qualifier of (`1.0-beta-2`, `1.0-20240101.1-1`). OSGi writes an underscore.
fn split_version(stem: &str) -> Option<(&str, &str)> {
    const QUALIFIERS: [&str; 7] = ["alpha", "beta", "rc", "cr", "m", "pre", "snapshot"];
    let at = |separator: char, within: &str| {
        within
            .rmatch_indices(separator)
            .map(|(at, _)| at)
            .find(|at| within.get(at + 1..).is_some_and(begins) && *at > 0)
    };
    let Some(mut split) = at('-', stem) else {
        let split = at('_', stem)?;
        return Some((stem.get(..split)?, stem.get(split + 1..)?));
    };
    loop {
        let before = stem.get(..split)?;
        let Some((rest, last)) = before.rsplit_once('-') else { break };
        let is_qualifier = QUALIFIERS.iter().any(|qualifier| last.eq_ignore_ascii_case(qualifier));
        let next = if begins(last) {
            rest.len()
        } else if is_qualifier && rest.rsplit_once('-').is_some_and(|(_, version)| begins(version)) {
            rest.rfind('-')?
        } else {
            break;
        };
        if next == 0 {
            break;
        }
        split = next;
    }
    Some((stem.get(..split)?, stem.get(split + 1..)?))
}

/// Whether a part of a name begins a version.
fn begins(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_digit())
}

/// A version without what tells apart several files of it: `4.1.100.Final-linux-x86_64`.
fn without_classifier(version: &str) -> &str {
    const CLASSIFIERS: [&str; 13] = [
        "-linux",
        "-osx",
        "-macos",
        "-windows",
        "-sources",
        "-javadoc",
        "-tests",
        "-shaded",
        "-all",
        "-exec",
        "-uber",
        "-fat",
        "-jar-with-dependencies",
    ];
    let cut = CLASSIFIERS.iter().filter_map(|classifier| version.find(classifier)).min();
    cut.and_then(|cut| version.get(..cut)).unwrap_or(version)
}

/// The values of some keys of a Java properties file, as far as names and versions need it: `key=value`,
/// `key:value`, lines of comments, and backslashes before signs.
fn properties<const N: usize>(text: &[u8], wanted: [&str; N]) -> [Option<String>; N] {
    let mut values = [const { None }; N];
    for line in lines(text) {
        let line = line.trim_ascii_start();
        if matches!(line.first(), None | Some(b'#' | b'!')) {
            continue;
        }
        let Some(end) = line.iter().position(|byte| matches!(byte, b'=' | b':')) else { continue };
        let (key, value) = (line.get(..end).unwrap_or_default(), line.get(end + 1..).unwrap_or_default());
        let at = wanted.iter().position(|wanted| wanted.as_bytes() == key.trim_ascii());
        if let Some(slot) = at.and_then(|at| values.get_mut(at)) {
            let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'\\').collect();
            *slot = Some(text_of(&value));
        }
    }
    values
}

#[cfg(test)]
#[path = "java_tests.rs"]
mod tests;
