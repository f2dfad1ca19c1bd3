//! Which image or package a product of a statement is, and whether it is that which a finding is about.

use super::purls::Purls;
use crate::advisories::Purl;
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

impl<'a> Installed<'a> {
    fn purl(&self) -> Option<&'a Purl> {
        self.package.purl.as_ref()
    }

    fn programs(&self) -> &'a [Option<Purl>] {
        &self.package.programs
    }
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

    fn purl(self) -> Option<Purl> {
        match self {
            Self::Package(purl) => Some(*purl),
            _ => None,
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
}

/// What a statement says of one product: by what it may be known, and the parts of it that the statement is about, each by
/// what that may be known.
pub(super) type Read = (Vec<Identity>, Vec<Vec<Identity>>);

/// A product of a statement, without its package URLs.
#[derive(Debug, Clone)]
struct Product {
    /// Each of these is the image that it is.
    images: Vec<Identity>,
    is_package: bool,
    /// Whether the statement names parts of it, and is about these only.
    is_partial: bool,
    parts: Purls,
}

impl Product {
    /// Whether it may be something of this image: it is no other image.
    fn concerns(&self, image: &ImageId<'_>) -> bool {
        let of_images = |identity: &Identity| match identity {
            Identity::Digest(..) | Identity::Image(_) => true,
            Identity::Text(text) => is_name(text),
            Identity::Package(_) | Identity::Unknown => false,
        };
        !self.images.iter().any(of_images) || self.is_package || self.is_image(image)
    }

    fn is_image(&self, image: &ImageId<'_>) -> bool {
        self.images.iter().any(|identity| identity.is_image(image))
    }
}

/// The products of a statement. There may be thousands, and as many packages, so they are known by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Products {
    each: Vec<Product>,
    /// Those that are packages, by their indexes.
    packages: Purls,
    /// Whether the statement names parts of all of its products, in the forms before 0.2.0. They are kept once: products
    /// and parts may be many.
    is_partial: bool,
    parts: Purls,
}

impl Products {
    pub(super) fn new(each: Vec<Read>, parts: Vec<Vec<Identity>>) -> Self {
        let mut products = Self { is_partial: !parts.is_empty(), parts: purls(parts), ..Self::default() };
        let mut packages = Vec::new();
        for (number, (identities, parts)) in each.into_iter().enumerate() {
            let (purls, images): (Vec<_>, Vec<_>) =
                identities.into_iter().partition(|identity| matches!(identity, Identity::Package(_)));
            products.each.push(Product {
                images,
                is_package: !purls.is_empty(),
                is_partial: !parts.is_empty(),
                parts: self::purls(parts),
            });
            packages.extend(purls.into_iter().filter_map(|identity| Some((identity.purl()?, number))));
        }
        products.packages = Purls::new(packages);
        products
    }

    pub(super) fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Whether one may be something of this image.
    pub(super) fn concern(&self, image: &ImageId<'_>) -> bool {
        self.each.iter().any(|product| product.concerns(image))
    }

    /// Those that are an image, to be asked about many packages of it.
    pub(super) fn of_image(&self, image: &ImageId<'_>) -> OfImage<'_> {
        let whole = self.each.iter().filter(|product| product.is_image(image)).collect();
        OfImage { products: self, whole }
    }
}

/// The products of a statement, and which of them are the image.
pub(super) struct OfImage<'a> {
    products: &'a Products,
    whole: Vec<&'a Product>,
}

impl OfImage<'_> {
    /// Whether a package of the image is one of the products, or of one. Which package uses which others is known of programs
    /// of Go: parts of their modules are in the same file. Parts of other packages are nothing; what is said of the package
    /// itself holds, as in go-vex.
    pub(super) fn cover(&self, package: &Installed<'_>) -> bool {
        let Products { each, packages, is_partial, parts } = self.products;
        let is_part = |parts: &Purls| parts.has(package.purl(), package.release);
        if is_part(packages) {
            return true;
        }
        let mut programs = packages.of_all(package.programs(), package.release).peekable();
        if *is_partial && is_part(parts) {
            return !self.whole.is_empty() || programs.peek().is_some();
        }
        self.whole
            .iter()
            .any(|product| if product.is_partial { is_part(&product.parts) } else { !is_partial })
            || programs.any(|number| each.get(number).is_some_and(|product| is_part(&product.parts)))
    }
}

fn purls(parts: Vec<Vec<Identity>>) -> Purls {
    let purls = parts.into_iter().flatten().filter_map(Identity::purl);
    Purls::new(purls.map(|purl| (purl, 0)).collect())
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
