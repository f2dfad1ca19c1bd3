//! Which packages package URLs name.
//!
//! They match as vexctl, Trivy and Grype match them (go-vex, `PurlMatches`): what the statement's says must be so in the
//! package's, and what it does not say may be anything.

use crate::advisories::{Ecosystem, Purl};

/// Package URLs of a statement, each with a number, to be searched by halving.
#[derive(Debug, Clone, Default)]
pub(super) struct Purls(Vec<(Key, Purl, usize)>);

/// What has to be the same: the type, the name as it is compared, and the version, empty for all.
type Key = (String, String, String);

fn key(purl: &Purl, version: &str) -> Key {
    (purl.kind.clone(), name(purl), version.to_owned())
}

impl Purls {
    pub(super) fn new(purls: Vec<(Purl, usize)>) -> Self {
        let mut all: Vec<(Key, Purl, usize)> =
            purls.into_iter().map(|(purl, number)| (key(&purl, version(&purl)), purl, number)).collect();
        all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Self(all)
    }

    /// Whether one is an installed package.
    pub(super) fn has(&self, installed: Option<&Purl>, release: Option<&str>) -> bool {
        installed.is_some_and(|installed| self.of(installed, release).next().is_some())
    }

    /// The numbers of those that are all of these; none where there is none of these.
    pub(super) fn of_all<'a>(
        &'a self,
        installed: &'a [Option<Purl>],
        release: Option<&'a str>,
    ) -> impl Iterator<Item = usize> + 'a {
        let first = installed.first().and_then(Option::as_ref);
        let is = move |purl: &Purl, other: &Option<Purl>| {
            other.as_ref().is_some_and(|other| matches(purl, other, release))
        };
        let of_first = first.into_iter().flat_map(move |first| self.of(first, release));
        of_first
            .filter(move |(purl, _)| installed.iter().all(|other| is(purl, other)))
            .map(|(_, number)| number)
    }

    /// Those that are an installed package, with their numbers.
    fn of<'a>(
        &'a self,
        installed: &'a Purl,
        release: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Purl, usize)> + 'a {
        let own = version(installed);
        let all = if own.is_empty() { None } else { Some(key(installed, "")) };
        let equal = [Some(key(installed, own)), all].into_iter().flatten().flat_map(|key| {
            let first = self.0.partition_point(|(known, ..)| *known < key);
            let rest = self.0.get(first..).unwrap_or_default();
            rest.iter().take_while(move |(known, ..)| *known == key)
        });
        equal
            .filter(move |(_, purl, _)| matches(purl, installed, release))
            .map(|(_, purl, number)| (purl, *number))
    }
}

/// Whether all that a statement's package URL says holds of the package's.
fn matches(said: &Purl, installed: &Purl, release: Option<&str>) -> bool {
    said.kind == installed.kind
        && is_same_namespace(said, installed)
        && name(said) == name(installed)
        && (said.version.is_empty() || version(said) == version(installed))
        && said.qualifiers.iter().all(|(key, value)| {
            let own = installed.qualifier(key);
            match key.as_str() {
                // Tools tell it in ways of their own, and it is no other package for that.
                "upstream" => true,
                // Trivy names the release of Alpine alone.
                "distro" => own == value || !own.is_empty() && release == Some(value),
                "epoch" if value == "0" => own.is_empty() || own == "0",
                // What it is where nothing else is said.
                "type" if said.kind == "maven" => value == "jar",
                _ => own == value,
            }
        })
}

fn is_same_namespace(said: &Purl, installed: &Purl) -> bool {
    let lower = |purl: &Purl| match purl.kind.as_str() {
        // As the specification says of these types.
        "deb" | "apk" | "rpm" | "golang" | "npm" => purl.namespace.to_lowercase(),
        _ => purl.namespace.clone(),
    };
    let (said_in, installed_in) = (lower(said), lower(installed));
    said_in == installed_in || Ecosystem::is_one_distribution(&said.kind, &said_in, &installed_in)
}

fn name(purl: &Purl) -> String {
    match purl.kind.as_str() {
        "pypi" => purl.name.to_lowercase().replace(['_', '.'], "-"),
        "deb" | "apk" | "golang" | "npm" => purl.name.to_lowercase(),
        _ => purl.name.clone(),
    }
}

/// Modules of Go have a `v` that some tools leave out.
fn version(purl: &Purl) -> &str {
    let without = (purl.kind == "golang").then(|| purl.version.strip_prefix('v')).flatten();
    without.unwrap_or(&purl.version)
}
