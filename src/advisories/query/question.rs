//! What is asked.

use std::borrow::Cow;

use super::super::ecosystem::{By, Ecosystem, NoEcosystem};
use super::super::order::Order;
use super::super::purl::{NoPurl, Purl};
use super::own::Epoch;
use crate::packages::rpm::version::Evr;

/// One package, as it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// Its name: `libssl3`, `org.apache.logging.log4j:log4j-core` (Maven), `@scope/name` (npm), the path of a Go module
    /// (`stdlib` for Go itself).
    pub name: Cow<'a, str>,
    /// Its version, of rpm with epoch and release (`1:1.1.1k-6.el8`).
    pub version: Cow<'a, str>,
    /// The source package that it was built from, where it has another name.
    pub source: Option<Cow<'a, str>>,
    /// The source package's version, where it is another one. Of rpm's it has an epoch, be it 0, where that is known: the name of
    /// a source's file has none.
    pub source_version: Option<Cow<'a, str>>,
    /// As the package manager writes it; `None` where it is not known.
    pub arch: Option<Cow<'a, str>>,
    /// Which module stream it belongs to.
    pub module: Modularity<'a>,
}

/// A name by which feeds speak of a package, and what is compared with what they say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::advisories) struct Asked<'a> {
    pub(in crate::advisories) name: Cow<'a, str>,
    pub(in crate::advisories) version: &'a str,
    pub(in crate::advisories) epoch: Epoch,
    /// Only what is said of source packages counts ([`SOURCE`](super::super::record::SOURCE)), or only what is not.
    pub(in crate::advisories) of_sources: bool,
}

/// Which module stream an rpm belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Modularity<'a> {
    /// Nobody says. Whether it is of a module at all shows in the release.
    #[default]
    Unknown,
    /// To none: the package has no `MODULARITYLABEL`, nor a release as of a module.
    None,
    /// The label, of which name and stream count: `nodejs:18:8060…:ad008a3a`.
    Stream(Cow<'a, str>),
}

/// Why a package URL is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// It is none.
    #[error(transparent)]
    Purl(#[from] NoPurl),
    /// Without a version nothing can be compared.
    #[error("no version: write it behind the name, as `@1.2.3`")]
    NoVersion,
    /// Which release of the distribution?
    #[error(
        "no release of the distribution: add it, as `?distro=debian-12`; advisories differ between releases"
    )]
    NoRelease,
    /// No feed speaks of such packages.
    #[error("no feed is known that speaks of packages of the type `{0}`")]
    Unknown(String),
}

impl<'a> Question<'a> {
    /// A package of which no more is known than this.
    pub fn new(ecosystem: Ecosystem, name: &'a str, version: &'a str) -> Self {
        Self {
            ecosystem,
            name: Cow::Borrowed(name),
            version: Cow::Borrowed(version),
            source: None,
            source_version: None,
            arch: None,
            module: Modularity::Unknown,
        }
    }

    /// A package as its package URL says it; the qualifiers `arch`, `distro`, `epoch`, `rpmmod` and `upstream` count.
    ///
    /// # Errors
    /// [`NoQuestion`].
    pub fn of_purl(text: &str) -> Result<Question<'static>, NoQuestion> {
        let purl = Purl::parse(text)?;
        let ecosystem = ecosystem(&purl)?;
        if purl.version.is_empty() {
            return Err(NoQuestion::NoVersion);
        }
        let (mut source, mut source_version) = (None, None);
        let upstream = purl.qualifier("upstream");
        if !upstream.is_empty() {
            // A source rpm is named by its file: `openssl-1.1.1k-6.el8.src.rpm`.
            let (name, version) = match upstream.strip_suffix(".src.rpm") {
                Some(file) => {
                    let name = file.rsplitn(3, '-').nth(2).unwrap_or(file);
                    let version = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
                    (name, version)
                }
                None => {
                    upstream.split_once('@').map_or((upstream, None), |(name, version)| (name, Some(version)))
                }
            };
            source = Some(Cow::Owned(name.to_owned()));
            source_version = version.map(|version| Cow::Owned(version.to_owned()));
        }
        let label = purl.qualifier("rpmmod");
        let module = match label {
            "" => Modularity::Unknown,
            label => Modularity::Stream(Cow::Owned(label.to_owned())),
        };
        let arch = Some(purl.qualifier("arch"))
            .filter(|arch| !arch.is_empty() && *arch != "src" && *arch != "source");
        let arch = arch.map(|arch| Cow::Owned(arch.to_owned()));
        let version = match purl.qualifier("epoch") {
            "" | "0" => purl.version.clone(),
            epoch => format!("{epoch}:{}", purl.version),
        };
        let name = Cow::Owned(name(&purl));
        Ok(Question { ecosystem, name, version: Cow::Owned(version), source, source_version, arch, module })
    }

    /// The names and versions to ask by: the package's own, its source's, or both, the one that counts most first.
    pub(in crate::advisories) fn asked(&self) -> Vec<Asked<'_>> {
        match self.ecosystem.family().by {
            By::Binary if self.ecosystem.order() == Order::Rpm => {
                vec![self.by_own_name(), self.by_unfixed_source()]
            }
            By::Binary => vec![self.by_own_name()],
            By::Source => vec![self.by_source()],
            By::Both if self.source.as_deref().is_none_or(|source| source == self.name) => {
                vec![self.by_own_name()]
            }
            By::Both => vec![self.by_own_name(), self.by_source()],
        }
    }

    fn by_own_name(&self) -> Asked<'_> {
        let name = self.ecosystem.package_name(&self.name);
        Asked { name, version: &self.version, epoch: Epoch::Written, of_sources: false }
    }

    /// Who names the packages that are installed may name what has no fix by its source: Red Hat does. No version is
    /// compared then.
    fn by_unfixed_source(&self) -> Asked<'_> {
        let name = self.ecosystem.package_name(self.source.as_deref().unwrap_or(&self.name));
        Asked { name, of_sources: true, ..self.by_own_name() }
    }

    fn by_source(&self) -> Asked<'_> {
        let name = self.ecosystem.package_name(self.source.as_deref().unwrap_or(&self.name));
        let version = self.source_version.as_deref().unwrap_or(&self.version);
        if self.ecosystem.order() != Order::Rpm {
            return Asked { name, version, epoch: Epoch::Written, of_sources: false };
        }
        // What is no version has no epoch, and is found to be none when it is compared.
        let epoch = |version| Evr::parse(version).map_or(0, |evr| evr.epoch);
        let (_, own) = self.version.split_once(':').unwrap_or(("", &self.version));
        let version = if version == own { &self.version } else { version };
        // The same version has the same epoch.
        if version.contains(':') || version == self.version {
            let plain = version.strip_prefix("0:").unwrap_or(version);
            let epoch = Epoch::OfSource(epoch(version));
            return Asked { name, version: plain, epoch, of_sources: false };
        }
        Asked { name, version, epoch: Epoch::Unknown(epoch(&self.version)), of_sources: false }
    }
}

/// The name as the ecosystem writes it.
fn name(purl: &Purl) -> String {
    let separator = match purl.kind.as_str() {
        "maven" => ":",
        "npm" | "golang" | "composer" | "swift" | "githubactions" | "github" => "/",
        _ => return purl.name.clone(),
    };
    if purl.namespace.is_empty() {
        purl.name.clone()
    } else {
        format!("{}{separator}{}", purl.namespace, purl.name)
    }
}

fn ecosystem(purl: &Purl) -> Result<Ecosystem, NoQuestion> {
    let unknown = || {
        let space = if purl.namespace.is_empty() { String::new() } else { format!("/{}", purl.namespace) };
        NoQuestion::Unknown(format!("{}{space}", purl.kind))
    };
    let told = |error: NoEcosystem| match error {
        NoEcosystem::Unknown => unknown(),
        NoEcosystem::NoRelease => NoQuestion::NoRelease,
    };
    let namespace = purl.namespace.to_ascii_lowercase();
    let distro = purl.qualifier("distro");
    if !["deb", "apk", "rpm"].contains(&purl.kind.as_str()) || distro.is_empty() {
        return Ecosystem::of_purl(&purl.kind, &namespace, "").map_err(told);
    }
    // `debian-12`, `opensuse-leap-15.5`, `bookworm`, `12`.
    let (id, release) = match distro.rsplit_once('-') {
        Some((id, release)) if !release.is_empty() => (id, release),
        _ => ("", distro),
    };
    if !id.is_empty()
        && let Ok(ecosystem) = Ecosystem::of_distribution(id, release)
    {
        return Ok(ecosystem);
    }
    Ecosystem::of_purl(&purl.kind, &namespace, release).map_err(told)
}
