//! The products of a CSAF document: which package on which platform an id means.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::json::{Many, Object, Text};
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::purl::Purl;
use crate::limits;

/// Relationships from a package over its module to its platform are two; more are a circle.
const HOPS: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tree {
    branches: Many<Object<Branch>>,
    full_product_names: Many<Object<Product>>,
    relationships: Many<Object<Relationship>>,
}

/// A branch; serde_json bounds how deep they lie in each other.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Branch {
    branches: Many<Object<Branch>>,
    product: Object<Product>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Product {
    product_id: Text,
    product_identification_helper: Object<Helper>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Helper {
    cpe: Text,
    purl: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Relationship {
    product_reference: Text,
    relates_to_product_reference: Text,
    full_product_name: Object<Product>,
}

/// A package on a platform.
#[derive(Debug)]
pub(super) struct Package {
    /// The platform; as it is written where packages of an image come from no such one.
    pub(super) ecosystem: Result<Ecosystem, String>,
    pub(super) name: String,
    /// With the epoch; empty where none is told.
    pub(super) version: String,
    /// Empty where none is told; `src` for source packages.
    pub(super) arch: String,
    /// `nodejs:18`; empty outside modules.
    pub(super) module: String,
}

/// All products, by their ids.
#[derive(Debug, Default)]
pub(super) struct Products {
    helpers: BTreeMap<String, Helper>,
    /// What a product is made of: the component, and what it is a component of.
    parts: BTreeMap<String, (String, String)>,
}

impl Products {
    pub(super) fn of(tree: Tree) -> Self {
        let mut products = Self::default();
        let mut add = |product: Product| {
            if !product.product_id.0.is_empty() {
                products.helpers.insert(product.product_id.0, product.product_identification_helper.0);
            }
        };
        tree.full_product_names.0.into_iter().for_each(|Object(product)| add(product));
        let mut branches = tree.branches.0;
        while let Some(Object(branch)) = branches.pop() {
            add(branch.product.0);
            branches.extend(branch.branches.0);
        }
        for Object(relationship) in tree.relationships.0 {
            let id = relationship.full_product_name.0.product_id.0;
            let parts = (relationship.product_reference.0, relationship.relates_to_product_reference.0);
            products.parts.insert(id, parts);
        }
        products
    }

    /// The package that a product is; `None` where it is none, as an image or a jar is none.
    pub(super) fn package(&self, id: &str) -> Option<Package> {
        let (component, mut platform) =
            self.parts.get(id).map(|(component, platform)| (component, platform))?;
        let mut module = String::new();
        for _ in 0..HOPS {
            let Some((middle, below)) = self.parts.get(platform) else { break };
            module = self.module(middle).unwrap_or(module);
            platform = below;
        }
        let purl = self.helpers.get(component).map_or("", |helper| helper.purl.0.as_str());
        let mut package = Package {
            ecosystem: self.platform(platform),
            name: String::new(),
            version: String::new(),
            arch: String::new(),
            module,
        };
        if purl.is_empty() {
            // Old documents name what has no fix by its name alone.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
            let name = component.rsplit('/').next().unwrap_or_default();
            if name.is_empty() || !name.bytes().all(plain) {
                return None;
            }
            name.clone_into(&mut package.name);
            return Some(package);
        }
        let purl = parsed(purl).filter(|purl| purl.kind == "rpm")?;
        let stream = purl.qualifier("rpmmod");
        if !stream.is_empty() {
            package.module = name_and_stream(stream)?;
        } else if let Some((_, name)) = component.rsplit_once('/')
            && package.module.is_empty()
            && name == purl.name
        {
            // `go-toolset:rhel8/go-toolset`: the module stands before the package.
            package.module = component.split_once('/').and_then(|(module, _)| name_and_stream(module))?;
        }
        let epoch = purl.qualifier("epoch");
        package.arch = purl.qualifier("arch").to_owned();
        package.version = if epoch.is_empty() || epoch == "0" || purl.version.is_empty() {
            purl.version
        } else {
            format!("{epoch}:{}", purl.version)
        };
        package.name = purl.name;
        Some(package)
    }

    /// The stream of a component that is a module (`pkg:rpmmod/redhat/nodejs@18:…`, or an id that says it).
    fn module(&self, component: &str) -> Option<String> {
        let purl = self.helpers.get(component).and_then(|helper| parsed(&helper.purl.0));
        match purl {
            Some(purl) if purl.kind == "rpmmod" => {
                let stream = purl.version.split(':').next().filter(|stream| !stream.is_empty())?;
                Some(format!("{}:{stream}", purl.name))
            }
            _ => name_and_stream(component),
        }
    }

    /// The release that a platform's CPE names; as it is written where it is no one's of Red Hat's.
    fn platform(&self, id: &str) -> Result<Ecosystem, String> {
        let cpe = self.helpers.get(id).and_then(|helper| short(&helper.cpe.0)).unwrap_or_default();
        let told = || if cpe.is_empty() { id.to_owned() } else { cpe.to_owned() };
        let parts = cpe.strip_prefix("cpe:/").map(|rest| rest.split_once(':').map_or("", |(_, rest)| rest));
        let parts = parts.or_else(|| Some(cpe.strip_prefix("cpe:2.3:")?.split_once(':')?.1));
        let product = parts.and_then(|rest| rest.strip_prefix("redhat:")).ok_or_else(told)?;
        Ecosystem::parse(&format!("Red Hat:{product}")).map_err(|_| told())
    }
}

fn parsed(purl: &str) -> Option<Purl> {
    Purl::parse(short(purl)?).ok()
}

/// A text, unless it is longer than any that may be kept: all products of a document may be of one.
fn short(text: &str) -> Option<&str> {
    (text.len() <= limits::ADVISORY_TEXT_BYTES).then_some(text)
}

/// `nodejs:18` of `nodejs:18:8060020220930…:ad008a3a`.
fn name_and_stream(label: &str) -> Option<String> {
    let mut parts = short(label)?.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}
