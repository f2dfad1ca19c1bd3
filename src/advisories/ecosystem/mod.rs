//! Where a package comes from: a language's registry, or a release of a distribution.
//!
//! The names are OSV's (`Debian:12`, `PyPI`), brought to one form each: Ubuntu's feed writes `22.04:LTS` where
//! os-release has `22.04`, Alpine's `v3.18`, and Red Hat's has the ends of CPEs.

mod table;

use std::borrow::Cow;
use std::fmt;

use self::table::FAMILIES;
pub use self::table::{By, Family, Names, Release};
use super::order::Order;

/// An ecosystem and, of a distribution, its release.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ecosystem {
    family: Known,
    /// Empty where there is none; `Pro:22.04` and `rhel_eus:9.2` are channels beside the release.
    release: String,
}

/// An entry of the table; two are the same if their names are.
#[derive(Clone, Copy)]
struct Known(&'static Family);

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Known {}

impl std::hash::Hash for Known {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

/// Why a name is no ecosystem that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoEcosystem {
    /// No such name is known.
    #[error("no ecosystem that packages of an image come from")]
    Unknown,
    /// A distribution, but which release?
    #[error("a distribution without a release")]
    NoRelease,
}

/// Channels of Ubuntu Pro with builds for FIPS: a certified build has no update in the second, and may have one in the first.
const FIPS_CHANNELS: [&str; 3] = ["Pro:FIPS-updates", "Pro:FIPS", "Pro:FIPS-preview"];

impl Ecosystem {
    /// A name as OSV's records write it.
    ///
    /// # Errors
    /// [`NoEcosystem`].
    pub fn parse(name: &str) -> Result<Self, NoEcosystem> {
        let (family, release) = name.split_once(':').unwrap_or((name, ""));
        let family = FAMILIES.iter().find(|known| known.name == family).ok_or(NoEcosystem::Unknown)?;
        Self::of(family, release)
    }

    /// A release of a distribution as its os-release has it (`ID`, `VERSION_ID`); code names will do.
    ///
    /// # Errors
    /// [`NoEcosystem`]: distributions that no feed speaks of, too.
    pub fn of_distribution(id: &str, version: &str) -> Result<Self, NoEcosystem> {
        let id = id.to_lowercase();
        let family = FAMILIES.iter().find(|known| known.ids.contains(&id.as_str()));
        let family = family.ok_or(NoEcosystem::Unknown)?;
        // SUSE's releases are products, and are named as such in its feed.
        let version = match id.as_str() {
            "opensuse-leap" => Cow::Owned(format!("Leap {version}")),
            "sles" => Cow::Owned(match version.split_once('.') {
                Some((major, pack)) => format!("Linux Enterprise Server {major} SP{pack}"),
                None => format!("Linux Enterprise Server {version}"),
            }),
            _ => Cow::Borrowed(version),
        };
        Self::of(family, &version)
    }

    /// What packages of a purl of this type and namespace come from, with the release of a distribution.
    ///
    /// # Errors
    /// [`NoEcosystem`].
    pub(super) fn of_purl(kind: &str, namespace: &str, release: &str) -> Result<Self, NoEcosystem> {
        let known = |family: &&Family| {
            family
                .purls
                .iter()
                .any(|(known, space)| *known == kind && (space.is_empty() || *space == namespace))
        };
        let family = FAMILIES.iter().find(known).ok_or(NoEcosystem::Unknown)?;
        Self::of(family, release)
    }

    /// Whether two namespaces of package URLs are of the same distribution: Red Hat's packages go by `redhat` and `rhel`.
    pub fn is_one_distribution(kind: &str, one: &str, two: &str) -> bool {
        let has = |family: &Family, namespace| family.purls.contains(&(kind, namespace));
        FAMILIES.iter().any(|family| has(family, one) && has(family, two))
    }

    fn of(family: &'static Family, release: &str) -> Result<Self, NoEcosystem> {
        let release = canonical(family, release);
        if family.release == Release::None {
            return Ok(Self { family: Known(family), release: String::new() });
        }
        if release.is_empty() {
            return Err(NoEcosystem::NoRelease);
        }
        Ok(Self { family: Known(family), release })
    }

    /// What is known of it, whatever the release.
    pub fn family(&self) -> &'static Family {
        self.family.0
    }

    /// How its versions are ordered.
    pub fn order(&self) -> Order {
        self.family.0.order
    }

    /// The release; empty for languages.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The same with more in front of the release.
    fn channel(&self, channel: &str) -> Self {
        Self { family: self.family, release: format!("{channel}:{}", self.release) }
    }

    /// The ecosystems whose advisories count for a version of a package, the one that counts most first.
    ///
    /// Ubuntu's ESM (Pro) is a channel of its own: who has a package of it is told by that channel whether it
    /// has the fix, which the plain one never has. To who has none it tells what nobody else mends any more. Builds for
    /// FIPS have channels of theirs.
    pub(super) fn asked(&self, version: &str) -> Vec<Cow<'_, Self>> {
        if self.family.0.name != "Ubuntu" || self.release.contains(':') {
            return vec![Cow::Borrowed(self)];
        }
        let mut asked = vec![Cow::Borrowed(self), Cow::Owned(self.channel("Pro"))];
        if version.contains("esm") {
            asked.reverse();
        }
        let fips = FIPS_CHANNELS.iter().filter(|_| self.plain_of_fips(version).is_some());
        fips.map(|channel| Cow::Owned(self.channel(channel))).chain(asked).collect()
    }

    /// The version that a build of Ubuntu for FIPS was made anew of: `1.1.1f-1ubuntu2` of `1.1.1f-1ubuntu2.fips.2.8`. `None`
    /// where it is no such build, or the ecosystem is a channel of them.
    pub(super) fn plain_of_fips<'a>(&self, version: &'a str) -> Option<&'a str> {
        if self.family.0.name != "Ubuntu" || self.release.contains("FIPS") {
            return None;
        }
        let at = version.as_bytes().windows(4).position(|word| word.eq_ignore_ascii_case(b"fips"))?;
        Some(version.get(..at)?.trim_end_matches(['.', '+', '~', '-']))
    }

    /// A name as the ecosystem compares it.
    pub fn package_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.family.0.names {
            Names::Exact => Cow::Borrowed(name),
            Names::Lower => {
                if name.chars().any(char::is_uppercase) {
                    Cow::Owned(name.to_lowercase())
                } else {
                    Cow::Borrowed(name)
                }
            }
            Names::Python => python_name(name),
        }
    }
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
pub fn python_name(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separated = |pair: &[u8]| pair.iter().all(|byte| *byte == b'-');
    if name.bytes().all(|byte| is_plain(byte) || byte == b'-') && !name.as_bytes().windows(2).any(separated) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        if !matches!(char, '-' | '_' | '.') {
            out.extend(char.to_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    Cow::Owned(out)
}

/// A release in the one form that is compared.
fn canonical(family: &Family, release: &str) -> String {
    let release = release.trim();
    let coded = table::CODE_NAMES.iter().find(|(of, code, _)| *of == family.name && *code == release);
    if let Some((_, _, number)) = coded {
        return (*number).to_owned();
    }
    match family.name {
        // `22.04:LTS`, `Pro:14.04:LTS`, `Pro:FIPS-updates:20.04:LTS`.
        "Ubuntu" => {
            let parts = release.split(':').filter(|part| *part != "LTS");
            parts.collect::<Vec<_>>().join(":")
        }
        "Red Hat" => red_hat(release),
        "Alpine" => numbers(release.strip_prefix('v').unwrap_or(release), 2),
        _ => match family.release {
            Release::Major => numbers(release, 1),
            Release::Minor => numbers(release, 2),
            Release::Whole | Release::None => release.to_owned(),
        },
    }
}

/// The first so many numbers of a release; one that is no number stays as it is.
fn numbers(release: &str, count: usize) -> String {
    if release.starts_with(|char: char| char.is_ascii_digit()) {
        release.split(['.', '_', '-', ':']).take(count).collect::<Vec<_>>().join(".")
    } else {
        release.to_owned()
    }
}

/// The end of a CPE (`enterprise_linux:9::appstream`, `rhel_eus:8.6::baseos`, `openshift:4.16::el9`) as a
/// release: that of the distribution itself is its first number; all else are channels of their own.
fn red_hat(release: &str) -> String {
    let mut parts = release.split(':');
    let product = parts.next().unwrap_or_default();
    let version = parts.next().unwrap_or_default();
    match product {
        "enterprise_linux" => numbers(version, 1),
        _ if version.is_empty() => numbers(product, 1),
        _ => format!("{product}:{version}"),
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family.0.name)?;
        if self.release.is_empty() { Ok(()) } else { write!(f, ":{}", self.release) }
    }
}

impl fmt::Debug for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn named(name: &str) -> String {
        Ecosystem::parse(name).map_or_else(|error| error.to_string(), |ecosystem| ecosystem.to_string())
    }

    /// The feed says `22.04:LTS`, os-release `22.04`; ESM is a channel of its own.
    #[test]
    fn a_release_of_ubuntu_is_one_whether_lts_or_not() {
        for (name, expected) in [
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:23.10", "Ubuntu:23.10"),
            ("Ubuntu:Pro:14.04:LTS", "Ubuntu:Pro:14.04"),
            ("Ubuntu:Pro:FIPS-updates:20.04:LTS", "Ubuntu:Pro:FIPS-updates:20.04"),
        ] {
            assert_eq!(named(name), expected);
        }
        let ubuntu = Ecosystem::of_distribution("ubuntu", "22.04").unwrap();
        assert_eq!(ubuntu, Ecosystem::parse("Ubuntu:22.04:LTS").unwrap());
        let asked: Vec<String> = ubuntu.asked("1.0-1ubuntu1+esm2").iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["Ubuntu:Pro:22.04", "Ubuntu:22.04"]);
        let asked: Vec<String> = ubuntu.asked("1.0-1ubuntu1").iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["Ubuntu:22.04", "Ubuntu:Pro:22.04"]);
        assert_eq!(ubuntu.asked("3.0.2-0ubuntu1.10+Fips1").len(), 5);
        assert_eq!(ubuntu.plain_of_fips("3.0.2-0ubuntu1.10+Fips1"), Some("3.0.2-0ubuntu1.10"));
    }

    #[test]
    fn cpes_of_red_hat_are_releases_and_channels() {
        for (name, expected) in [
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:9"),
            ("Red Hat:enterprise_linux:10.0", "Red Hat:10"),
            ("Red Hat:rhel_eus:8.6::baseos", "Red Hat:rhel_eus:8.6"),
            ("Red Hat:openshift:4.16::el9", "Red Hat:openshift:4.16"),
        ] {
            assert_eq!(named(name), expected);
        }
        assert_eq!(Ecosystem::of_distribution("rhel", "9.4").unwrap().to_string(), "Red Hat:9");
    }

    /// `Debian` alone would mean every release at once.
    #[test]
    fn a_distribution_has_a_release_and_a_language_none() {
        for name in ["Debian", "Alpine", "Ubuntu", "Red Hat", "AlmaLinux"] {
            assert_eq!(Ecosystem::parse(name).unwrap_err(), NoEcosystem::NoRelease, "{name}");
        }
        for name in ["Android", "GIT", "OSS-Fuzz", "Linux", "", "debian:12"] {
            assert_eq!(Ecosystem::parse(name).unwrap_err(), NoEcosystem::Unknown, "{name}");
        }
        assert_eq!(named("PyPI"), "PyPI");
        assert_eq!(named("Maven:https://repo.example.com"), "Maven");
        assert_eq!(named("Wolfi"), "Wolfi");
    }

    #[test]
    fn releases_of_os_release_are_those_of_the_feeds() {
        for (id, version, expected) in [
            ("debian", "12", "Debian:12"),
            ("debian", "bookworm", "Debian:12"),
            ("debian", "12.5", "Debian:12"),
            ("debian", "sid", "Debian:sid"),
            ("ubuntu", "jammy", "Ubuntu:22.04"),
            ("alpine", "3.18.4", "Alpine:3.18"),
            ("almalinux", "8.10", "AlmaLinux:8"),
            ("rocky", "9.3", "Rocky Linux:9"),
            ("photon", "4.0", "Photon OS:4.0"),
            ("wolfi", "20230201", "Wolfi"),
            ("opensuse-leap", "15.5", "openSUSE:Leap 15.5"),
            ("sles", "15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ] {
            assert_eq!(Ecosystem::of_distribution(id, version).unwrap().to_string(), expected);
        }
        assert_eq!(Ecosystem::parse("Alpine:v3.18"), Ecosystem::of_distribution("alpine", "3.18.4"));
        assert!(Ecosystem::of_distribution("arch", "").is_err());
        assert_eq!(Ecosystem::of_distribution("debian", ""), Err(NoEcosystem::NoRelease));
    }

    #[test]
    fn names_are_compared_as_each_registry_does() {
        let name = |ecosystem: &str, name: &str| {
            Ecosystem::parse(ecosystem).unwrap().package_name(name).into_owned()
        };
        assert_eq!(name("PyPI", "Zope._Interface"), "zope-interface");
        assert_eq!(name("PyPI", "a--b"), "a-b");
        assert_eq!(name("NuGet", "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(name("npm", "@Scope/x"), "@Scope/x");
        assert_eq!(name("Go", "github.com/Azure/x"), "github.com/Azure/x");
    }

    #[test]
    fn each_name_of_the_table_is_of_one_family() {
        let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for pick in [
            |family: &Family| family.ids.to_vec(),
            |family: &Family| {
                family
                    .purls
                    .iter()
                    .map(|(kind, space)| if space.is_empty() { *kind } else { *space })
                    .collect()
            },
        ] {
            let all: Vec<&str> = FAMILIES.iter().flat_map(pick).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        }
    }
}
