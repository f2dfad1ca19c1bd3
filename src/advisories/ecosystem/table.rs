//! The ecosystems that are known: how OSV names them, how versions are ordered, which name a feed asks by.

use super::super::order::Order;

/// By which name feeds speak of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The package as it is installed.
    Binary,
    /// The source package that it is built from; advisories count for all that is built of it.
    Source,
    /// Some records name sources, and others what is installed.
    Both,
}

/// How an ecosystem tells its releases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Not at all: languages, and distributions that roll.
    None,
    /// By the first number: `8` of `8.10`.
    Major,
    /// By the first two numbers: `3.18` of `3.18.4`.
    Minor,
    /// As it is written.
    Whole,
}

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// By their bytes.
    Exact,
    /// Without regard to case.
    Lower,
    /// As PyPI does (PEP 503).
    Python,
}

/// What is known of an ecosystem.
#[derive(Debug)]
pub struct Family {
    /// OSV's name, before the colon.
    pub name: &'static str,
    /// How versions are ordered.
    pub order: Order,
    /// Which name is asked for.
    pub by: By,
    /// How releases are told apart.
    pub release: Release,
    /// How names are compared.
    pub names: Names,
    /// `ID` of os-release, where it is a distribution.
    pub ids: &'static [&'static str],
    /// Type and namespace of purls; the namespace is empty where any will do.
    pub purls: &'static [(&'static str, &'static str)],
}

const fn distribution(
    name: &'static str,
    order: Order,
    by: By,
    release: Release,
    ids: &'static [&'static str],
    purls: &'static [(&'static str, &'static str)],
) -> Family {
    Family { name, order, by, release, names: Names::Exact, ids, purls }
}

const fn language(
    name: &'static str,
    order: Order,
    names: Names,
    purls: &'static [(&'static str, &'static str)],
) -> Family {
    Family { name, order, by: By::Binary, release: Release::None, names, ids: &[], purls }
}

use By::{Binary, Both, Source};
use Order::{Apk, Dpkg, Rpm};
use Release::{Major, Minor, Whole};

/// All, by name.
pub(super) static FAMILIES: &[Family] = &[
    distribution("AlmaLinux", Rpm, Binary, Major, &["almalinux"], &[("rpm", "almalinux")]),
    distribution("Alpaquita", Apk, Source, Whole, &["alpaquita"], &[("apk", "alpaquita")]),
    distribution("Alpine", Apk, Source, Minor, &["alpine"], &[("apk", "alpine")]),
    distribution(
        "Azure Linux",
        Rpm,
        Source,
        Major,
        &["azurelinux", "mariner"],
        &[("rpm", "azurelinux"), ("rpm", "mariner")],
    ),
    distribution(
        "BellSoft Hardened Containers",
        Apk,
        Source,
        Whole,
        &["bellsoft-hardened-containers"],
        &[("apk", "bellsoft-hardened-containers")],
    ),
    language("Bitnami", Order::Semver, Names::Exact, &[("bitnami", "")]),
    distribution("Chainguard", Apk, Source, Release::None, &["chainguard"], &[("apk", "chainguard")]),
    language("CRAN", Order::Semver, Names::Exact, &[("cran", "")]),
    distribution("Debian", Dpkg, Source, Major, &["debian"], &[("deb", "debian")]),
    language("GitHub Actions", Order::Semver, Names::Lower, &[("githubactions", ""), ("github", "")]),
    language("Go", Order::Go, Names::Exact, &[("golang", "")]),
    language("Hex", Order::Semver, Names::Lower, &[("hex", "")]),
    distribution("Mageia", Rpm, Source, Whole, &["mageia"], &[("rpm", "mageia")]),
    language("Maven", Order::Maven, Names::Exact, &[("maven", "")]),
    distribution("MinimOS", Apk, Source, Release::None, &["minimos"], &[("apk", "minimos")]),
    language("NuGet", Order::Semver, Names::Lower, &[("nuget", "")]),
    language("Packagist", Order::Unknown, Names::Lower, &[("composer", "")]),
    distribution("Photon OS", Rpm, Binary, Minor, &["photon"], &[("rpm", "photon"), ("rpm", "vmware")]),
    language("Pub", Order::Semver, Names::Exact, &[("pub", "")]),
    language("PyPI", Order::Pep440, Names::Python, &[("pypi", "")]),
    distribution("Red Hat", Rpm, Binary, Major, &["rhel", "redhat"], &[("rpm", "redhat"), ("rpm", "rhel")]),
    // OSV's schema says that its records name sources.
    distribution("Rocky Linux", Rpm, Both, Major, &["rocky"], &[("rpm", "rocky"), ("rpm", "rocky-linux")]),
    language("RubyGems", Order::Gem, Names::Exact, &[("gem", "")]),
    distribution("SUSE", Rpm, Binary, Whole, &["sles", "suse"], &[("rpm", "suse")]),
    language("SwiftURL", Order::Semver, Names::Exact, &[("swift", "")]),
    distribution("Ubuntu", Dpkg, Source, Minor, &["ubuntu"], &[("deb", "ubuntu")]),
    distribution("Wolfi", Apk, Source, Release::None, &["wolfi"], &[("apk", "wolfi")]),
    language("crates.io", Order::Semver, Names::Exact, &[("cargo", "")]),
    language("npm", Order::Semver, Names::Exact, &[("npm", "")]),
    distribution("openEuler", Rpm, Source, Whole, &["openeuler"], &[("rpm", "openeuler")]),
    distribution("openSUSE", Rpm, Binary, Whole, &["opensuse-leap", "opensuse"], &[("rpm", "opensuse")]),
];

/// Code names of releases, as purls and the Debian tracker have them; those of a distribution that go by two
/// numbers have them here.
pub(super) const CODE_NAMES: &[(&str, &str, &str)] = &[
    ("Debian", "wheezy", "7"),
    ("Debian", "jessie", "8"),
    ("Debian", "stretch", "9"),
    ("Debian", "buster", "10"),
    ("Debian", "bullseye", "11"),
    ("Debian", "bookworm", "12"),
    ("Debian", "trixie", "13"),
    ("Debian", "forky", "14"),
    ("Debian", "duke", "15"),
    ("Debian", "sid", "sid"),
    ("Debian", "unstable", "sid"),
    ("Ubuntu", "trusty", "14.04"),
    ("Ubuntu", "xenial", "16.04"),
    ("Ubuntu", "bionic", "18.04"),
    ("Ubuntu", "focal", "20.04"),
    ("Ubuntu", "jammy", "22.04"),
    ("Ubuntu", "noble", "24.04"),
    ("Ubuntu", "plucky", "25.04"),
    ("Ubuntu", "questing", "25.10"),
    ("Alpine", "edge", "edge"),
];
