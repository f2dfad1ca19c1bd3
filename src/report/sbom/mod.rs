//! What is installed in one image, as other tools read it: a software bill of materials in CycloneDX or SPDX.
//!
//! The same image gives the same bytes: there is no time in it but the image's own, and what names the document
//! is made of digests.

pub mod cyclonedx;
pub mod spdx;

use std::collections::BTreeMap;

use super::build::{contents, identity};
use super::inventory::{InventoryReport, PackageReport};
use super::{BaseState, ImageContents, ImageIdentity, Tool};
use crate::digest::Digest;
use crate::facts::Facts;

/// What goes into a bill of materials.
#[derive(Debug)]
pub struct Bill<'facts> {
    identity: ImageIdentity,
    contents: ImageContents,
    inventory: InventoryReport<'facts>,
    /// When the image was made, as its config says.
    created: Option<jiff::Timestamp>,
}

impl<'facts> Bill<'facts> {
    /// That of an image; `source` is the input as given on the command line. `None` where its layers could not
    /// be applied, so that nobody knows what is installed.
    pub fn of(source: &str, facts: &'facts Facts) -> Option<Self> {
        let inventory = facts.inventory.as_ref()?;
        let created = facts.image.configs.first().and_then(|config| config.created.as_deref());
        Some(Self {
            identity: identity(source, facts),
            contents: contents(facts),
            inventory: InventoryReport::of(inventory, facts.base.base_layers()),
            created: created.and_then(|time| time.parse().ok()),
        })
    }

    /// What the image is called: the first of its names, else its digest.
    fn name(&self) -> String {
        self.identity.names.first().cloned().unwrap_or_else(|| self.digest().to_owned())
    }

    /// The digest that the image is known by: of its manifest, else of its config.
    fn digest(&self) -> &str {
        self.identity.manifest_digest.as_ref().unwrap_or(&self.identity.config_digest)
    }

    /// 32 hexadecimal digits for this document: another image, version of this program or format has others.
    fn fingerprint(&self, format: &str) -> String {
        let Tool { name, version } = Tool::this();
        let layers = self.contents.layers.iter().filter_map(|layer| layer.diff_id.as_deref());
        let words = [format, name, version, self.digest(), &self.identity.config_digest];
        let text = words.into_iter().chain(layers).collect::<Vec<_>>().join("\n");
        Digest::sha256(text.as_bytes()).hex().chars().take(32).collect()
    }

    /// What is told of a package beside its name: where it is, and which layer brought it.
    fn properties(&self, package: &PackageReport<'_>) -> Vec<(&'static str, String)> {
        let layer = self.contents.layers.get(package.layer);
        let diff_id = layer.and_then(|layer| layer.diff_id.clone());
        // Without a base every layer counts as above it.
        let on_base = self.contents.base.status == BaseState::Verified;
        let told = [
            ("path", Some(package.place.clone())),
            ("inside", package.inside.map(str::to_owned)),
            ("layer:index", Some(package.layer.to_string())),
            ("layer:diffId", diff_id),
            ("origin", on_base.then(|| package.origin.name().to_owned())),
            ("owner", package.owner.map(str::to_owned)),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The packages, each with a name of its own in the document: the same one may be there several times.
    fn references(&self) -> impl Iterator<Item = (String, &PackageReport<'facts>)> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        self.inventory.packages.iter().map(move |package| {
            let times = seen.entry(&package.purl).or_default();
            *times += 1;
            let reference = match times {
                1 => package.purl.clone(),
                more => format!("{}#{more}", package.purl),
            };
            (reference, package)
        })
    }
}

/// A time to the second, as both formats write it.
fn seconds(time: &jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
