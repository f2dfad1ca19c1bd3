//! Which image or package a product of a statement is, and whether it is that which a finding is about.
//!
//! Package URLs match as vexctl, Trivy and Grype match them (go-vex, `PurlMatches`): what the statement's says must be so
//! in the package's, and what it does not say may be anything.

use crate::advisories::{Ecosystem, Purl};
use crate::digest::Digest;

/// By what a statement may know an image.
#[derive(Debug, Clone, Copy)]
pub struct ImageId<'a> {
    /// Its names, as the archive has them.
    pub names: &'a [String],
    /// Computed digests of manifest and config.
    pub digests: &'a [Digest],
    /// The architecture of its platform.
    pub architecture: &'a str,
}

/// A package that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `None` where no package URL is known: then nothing is said of it.
    purl: Option<Purl>,
    /// The modules whose programs it is a part of: several where there are several readings of one place.
    programs: Vec<Option<Purl>>,
}

impl Package {
    /// Of its package URL, and those of all modules whose programs it may be a part of.
    pub fn new<'a>(purl: &str, programs: impl IntoIterator<Item = &'a str>) -> Self {
        let read = |purl: &str| Purl::parse(purl).ok();
        Self { purl: read(purl), programs: programs.into_iter().map(read).collect() }
    }
}

/// A package as it is installed in the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed<'a> {
    pub(super) package: &'a Package,
    /// The release of the distribution.
    pub(super) release: Option<&'a str>,
}

/// A product of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Product {
    /// Each of these is it.
    pub(super) identities: Vec<Identity>,
    /// The parts of it that the statement is about, each by its identities; all of it where neither it nor the statement
    /// names one.
    pub(super) subcomponents: Vec<Vec<Identity>>,
}

/// One way to say which software it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// A package, all versions of it where the package URL has none.
    Package(Box<Purl>),
    /// The image of this digest; of an architecture, where that is said.
    Digest(Digest, Option<String>),
    /// Images of a name.
    Image(Box<Purl>),
    /// Images that have just this name, as Grype knows them; or an IRI, which is the name of none.
    Text(String),
    /// What is not known here: it is nothing of the image's.
    Unknown,
}

impl Identity {
    /// Of an `@id`, or of the identifier `purl`.
    pub(super) fn of(text: &str) -> Self {
        let is_purl = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkg:"));
        if !is_purl {
            return match Self::of_digest(text.rsplit_once('@').map_or(text, |(_, digest)| digest)) {
                Self::Unknown => Self::Text(text.to_owned()),
                digest => digest,
            };
        }
        // A part of a package is less than the package.
        let Ok(purl) = Purl::parse(text) else { return Self::Unknown };
        match (purl.kind.as_str(), purl.version.as_str()) {
            _ if text.contains('#') => Self::Unknown,
            ("oci", "") => Self::Image(Box::new(purl)),
            ("oci", version) => match version.parse() {
                Ok(digest) => Self::Digest(digest, purl.qualifiers.get("arch").cloned()),
                Err(_) => Self::Unknown,
            },
            _ => Self::Package(Box::new(purl)),
        }
    }

    /// Of a digest with its algorithm, or the bare digits of a SHA-256.
    pub(super) fn of_digest(text: &str) -> Self {
        let digest = text.parse().or_else(|_| format!("sha256:{text}").parse());
        digest.map_or(Self::Unknown, |digest| Self::Digest(digest, None))
    }

    fn is_image(&self, image: &ImageId<'_>) -> bool {
        match self {
            Self::Digest(digest, arch) => {
                image.digests.contains(digest) && arch.as_ref().is_none_or(|arch| arch == image.architecture)
            }
            Self::Image(purl) => is_named(purl, image),
            Self::Text(name) => image.names.contains(name),
            Self::Package(_) | Self::Unknown => false,
        }
    }

    fn is_package(&self, installed: &Installed<'_>) -> bool {
        self.is(installed.package.purl.as_ref(), installed.release)
    }

    /// Whether it is the module whose program the package is a part of, in each reading.
    fn is_program_of(&self, installed: &Installed<'_>) -> bool {
        let programs = &installed.package.programs;
        !programs.is_empty() && programs.iter().all(|program| self.is(program.as_ref(), installed.release))
    }

    fn is(&self, installed: Option<&Purl>, release: Option<&str>) -> bool {
        match (self, installed) {
            (Self::Package(purl), Some(installed)) => matches(purl, installed, release),
            _ => false,
        }
    }
}

impl Product {
    /// Whether a package of an image is it, or of it. Which package uses which others is known of programs of Go: parts of
    /// their modules are in the same file. Parts of other packages are nothing; what is said of the package itself holds,
    /// as in go-vex. `of_all` is whether the package is among the parts that the statement names for all of its products, if
    /// it names some.
    fn covers(&self, image: &ImageId<'_>, package: &Installed<'_>, of_all: Option<bool>) -> bool {
        if self.identities.iter().any(|identity| identity.is_package(package)) {
            return true;
        }
        let is_image = self.identities.iter().any(|identity| identity.is_image(image));
        if self.subcomponents.is_empty() && of_all.is_none() {
            return is_image;
        }
        let is_whole = is_image || self.identities.iter().any(|identity| identity.is_program_of(package));
        is_whole && (of_all == Some(true) || is_any(&self.subcomponents, package))
    }

    /// Whether it may be something of this image: it is no other image.
    fn concerns(&self, image: &ImageId<'_>) -> bool {
        let of_images = |identity: &Identity| match identity {
            Identity::Digest(..) | Identity::Image(_) => true,
            Identity::Text(text) => is_name(text),
            Identity::Package(_) | Identity::Unknown => false,
        };
        !self.identities.iter().any(of_images)
            || self.identities.iter().any(|identity| identity.is_image(image))
            || self.identities.iter().any(|identity| matches!(identity, Identity::Package(_)))
    }
}

/// The products of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Products {
    /// In its order.
    pub(super) each: Vec<Product>,
    /// Parts of each of them, in the forms before 0.2.0. They are kept once: products and parts may be many.
    pub(super) subcomponents: Vec<Vec<Identity>>,
}

impl Products {
    /// Whether a package of an image is one of them, or of one.
    pub(super) fn cover(&self, image: &ImageId<'_>, package: &Installed<'_>) -> bool {
        let of_all = (!self.subcomponents.is_empty()).then(|| is_any(&self.subcomponents, package));
        self.each.iter().any(|product| product.covers(image, package, of_all))
    }

    /// Whether one may be something of this image.
    pub(super) fn concern(&self, image: &ImageId<'_>) -> bool {
        self.each.iter().any(|product| product.concerns(image))
    }
}

fn is_any(subcomponents: &[Vec<Identity>], package: &Installed<'_>) -> bool {
    subcomponents.iter().flatten().any(|identity| identity.is_package(package))
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

/// Whether an image has a name that a package URL without a digest says. What else it says of the image is not known.
fn is_named(purl: &Purl, image: &ImageId<'_>) -> bool {
    let path = match purl.namespace.as_str() {
        "" => purl.name.to_lowercase(),
        namespace => format!("{namespace}/{}", purl.name).to_lowercase(),
    };
    let has = |name: &String| {
        let (repository, tag) = parted(name);
        let repository = whole(&repository);
        let of_path = repository.strip_suffix(path.as_str()).is_some_and(|before| before.ends_with('/'));
        of_path
            && purl.qualifiers.iter().all(|(key, value)| match key.as_str() {
                "arch" => value == image.architecture,
                "tag" => Some(value.as_str()) == tag,
                // Of the repository, as the specification has it, or of what it is in, as Grype writes it.
                "repository_url" => {
                    let said = whole(value);
                    let before = repository.strip_suffix(path.as_str()).unwrap_or_default();
                    said == repository || said == before.trim_end_matches('/')
                }
                _ => false,
            })
    };
    image.names.iter().any(has)
}

/// Repository and tag of an image's name. What is one word is a repository: a bare tag, as layouts may have, is none.
fn parted(name: &str) -> (String, Option<&str>) {
    let name = name.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.rsplit_once(':') {
        Some((_, tag)) => {
            (name.strip_suffix(tag).unwrap_or(name).trim_end_matches(':').to_owned(), Some(tag))
        }
        None => (name.to_owned(), None),
    }
}

/// Whether a text has the form of an image's whole name, `[REGISTRY[:PORT]/]PATH[:TAG]`: no IRI, CPE or single word.
fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let (repository, tag) = parted(text);
    match repository.split_once('/') {
        None => tag.is_some_and(is_word) && is_word(&repository),
        Some((first, rest)) => {
            let (registry, port) = first.split_once(':').unwrap_or((first, "443"));
            is_word(registry)
                && port.parse::<u16>().is_ok()
                && rest.split('/').all(is_word)
                && tag.is_none_or(is_word)
        }
    }
}

/// A repository with its registry: Docker Hub's where it has none, by the name that people write.
fn whole(repository: &str) -> String {
    let repository = repository.to_lowercase();
    let repository = repository.strip_prefix("https://").unwrap_or(&repository).trim_end_matches('/');
    let (first, rest) = repository.split_once('/').unwrap_or((repository, ""));
    match first {
        "index.docker.io" | "registry-1.docker.io" | "docker.io" if rest.is_empty() => "docker.io".to_owned(),
        "index.docker.io" | "registry-1.docker.io" | "docker.io" => format!("docker.io/{rest}"),
        _ if first.contains(['.', ':']) || first == "localhost" => repository.to_owned(),
        _ if rest.is_empty() => format!("docker.io/library/{repository}"),
        _ => format!("docker.io/{repository}"),
    }
}
