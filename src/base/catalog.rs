//! `bases.json`: small, reviewable JSON that the platform team keeps in git.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, chain_id};
use crate::error::{Error, Result};
use crate::model::Platform;

/// The version of the catalog's format that this program reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Whose base it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The company's own.
    Official,
    /// A team's own, which extends an official one.
    Custom,
}

/// Whether a base may be built on; the better states come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may.
    Approved,
    /// It may still, and a newer one should be taken.
    Deprecated,
    /// It must not.
    Revoked,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Official => "official",
            Self::Custom => "custom",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approved => "approved",
            Self::Deprecated => "deprecated",
            Self::Revoked => "revoked",
        })
    }
}

/// One base for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogEntry {
    /// What people call it.
    pub name: String,
    /// Its version or tag.
    pub version: String,
    /// Whose it is.
    pub tier: Tier,
    /// `linux/amd64`.
    #[serde(with = "platform_text")]
    pub platform: Platform,
    /// Whether it may be built on.
    pub state: State,
    /// When it was added.
    pub added: jiff::civil::Date,
    /// When its state last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<jiff::civil::Date>,
    /// Why it is deprecated or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to build on instead: `name:version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// The chainID of all its layers: the identity of the base.
    pub chain_id: Digest,
    /// Lowest layer first.
    pub layers: Vec<CatalogLayer>,
}

/// One layer of a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogLayer {
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
    /// Every digest under which it is known to be stored, however compressed; sorted.
    pub blob_digests: BTreeSet<Digest>,
    /// SHA-256 of its facts file, where it has one ([`super::layer_facts`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Digest>,
}

impl CatalogEntry {
    /// The diffIDs, lowest layer first.
    pub fn diff_ids(&self) -> Vec<Digest> {
        self.layers.iter().map(|layer| layer.diff_id).collect()
    }

    /// `name:version`.
    pub fn title(&self) -> String {
        format!("{}:{}", self.name, self.version)
    }

    fn key(&self) -> (&str, &str, &Platform) {
        (&self.name, &self.version, &self.platform)
    }
}

/// The list of approved bases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Catalog {
    schema_version: u32,
    /// Sorted by name, version and platform.
    bases: Vec<CatalogEntry>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, bases: Vec::new() }
    }
}

impl Catalog {
    /// Reads and checks a catalog.
    ///
    /// # Errors
    /// What is no catalog of this version, with line and column; a chainID that is not that of the
    /// layers; a base without layers; two bases of one name, version and platform.
    pub fn parse(text: &str) -> Result<Self> {
        let broken = |error: serde_json::Error| {
            Error::usage(format!(
                "line {}, column {}: {}",
                error.line(),
                error.column(),
                without_place(&error)
            ))
        };
        let version: VersionOnly = serde_json::from_str(text).map_err(broken)?;
        if version.schema_version != SCHEMA_VERSION {
            let what = format!(
                "schemaVersion is {}, and this program reads {SCHEMA_VERSION}",
                version.schema_version
            );
            return Err(Error::usage(what).hint("use the ocicheck that wrote the catalog, or a newer one"));
        }
        let mut catalog: Self = serde_json::from_str(text).map_err(broken)?;
        for base in &catalog.bases {
            let place = || format!("{} ({})", base.title(), base.platform);
            match chain_id(&base.diff_ids()) {
                None => return Err(Error::usage("a base without layers matches every image").at(place())),
                Some(computed) if computed != base.chain_id => {
                    let what = format!("chainId is {}, and that of its layers is {computed}", base.chain_id);
                    return Err(Error::usage(what)
                        .hint("it was edited by hand; add the base anew")
                        .at(place()));
                }
                Some(_) => {}
            }
        }
        catalog.sort();
        let twice = catalog.bases.windows(2).find_map(|pair| match pair {
            [a, b] if a.key() == b.key() => Some(a),
            _ => None,
        });
        match twice {
            Some(base) => {
                Err(Error::usage(format!("{} ({}) stands in it twice", base.title(), base.platform)))
            }
            None => Ok(catalog),
        }
    }

    /// The catalog as it is kept in git: stable order, one value a line.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// All bases, sorted by name, version and platform.
    pub fn bases(&self) -> &[CatalogEntry] {
        &self.bases
    }

    /// Adds a base. The same base again adds the stored digests it comes with.
    ///
    /// # Errors
    /// Another base of the same name, version and platform is there, or it is not approved any more.
    pub fn add(&mut self, entry: CatalogEntry) -> Result<Added> {
        let Some(known) = self.bases.iter_mut().find(|base| base.key() == entry.key()) else {
            self.bases.push(entry);
            self.sort();
            return Ok(Added::New);
        };
        let place = format!("{} ({})", entry.title(), entry.platform);
        if known.chain_id != entry.chain_id {
            let what = format!("it is in the catalog with other layers: chainID {}", known.chain_id);
            return Err(Error::usage(what)
                .hint("a published base never changes; give it a new version")
                .at(place));
        }
        if known.state != State::Approved || known.tier != entry.tier {
            let what = format!("it is in the catalog as {} and {}", known.tier, known.state);
            return Err(Error::usage(what).hint("edit the catalog if that is to change").at(place));
        }
        let (mut new_blob_digests, mut new_facts) = (0, 0);
        for (known, layer) in known.layers.iter_mut().zip(entry.layers) {
            let before = known.blob_digests.len();
            known.blob_digests.extend(layer.blob_digests);
            new_blob_digests += known.blob_digests.len() - before;
            if layer.facts.is_some() && layer.facts != known.facts {
                known.facts = layer.facts;
                new_facts += 1;
            }
        }
        Ok(Added::Known { new_blob_digests, new_facts })
    }

    /// The bases that a reference means: `name:version`, or `name` alone for all versions.
    pub fn find(&self, reference: &str) -> Vec<&CatalogEntry> {
        self.bases.iter().filter(|base| is_meant(base, reference)).collect()
    }

    /// As [`Catalog::find`], to be changed.
    pub fn find_mut(&mut self, reference: &str) -> Vec<&mut CatalogEntry> {
        self.bases.iter_mut().filter(|base| is_meant(base, reference)).collect()
    }

    fn sort(&mut self) {
        self.bases.sort_by(|a, b| a.key().cmp(&b.key()));
    }
}

/// What adding a base did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there.
    New,
    /// It was there with the same layers.
    Known {
        /// Stored digests that were not known before.
        new_blob_digests: usize,
        /// Facts files that were not known before.
        new_facts: usize,
    },
}

fn is_meant(base: &CatalogEntry, reference: &str) -> bool {
    base.name == reference || base.title() == reference || base.chain_id.to_string() == reference
}

/// serde_json's message ends with the place, which stands before it here.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionOnly {
    schema_version: u32,
}

/// A platform as text in the catalog.
mod platform_text {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::Platform;

    pub(super) fn serialize<S: Serializer>(platform: &Platform, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(platform)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A diffID for each letter.
    pub(crate) fn ids(layers: &str) -> Vec<Digest> {
        layers.bytes().map(|byte| Digest::sha256(&[byte])).collect()
    }

    pub(crate) fn amd64() -> Platform {
        "linux/amd64".parse().unwrap()
    }

    /// A base whose layers are the digests of these letters.
    pub(crate) fn base(name: &str, tier: Tier, state: State, layers: &str) -> CatalogEntry {
        let layers: Vec<_> = layers
            .bytes()
            .map(|byte| CatalogLayer {
                diff_id: Digest::sha256(&[byte]),
                blob_digests: BTreeSet::new(),
                facts: None,
            })
            .collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
        CatalogEntry {
            name: name.into(),
            version: "1".into(),
            tier,
            platform: "linux/amd64".parse().unwrap(),
            state,
            added: jiff::civil::date(2026, 1, 2),
            changed: None,
            reason: None,
            successor: None,
            chain_id: chain_id(&diff_ids).unwrap(),
            layers,
        }
    }

    pub(crate) fn catalog(bases: impl IntoIterator<Item = CatalogEntry>) -> Catalog {
        let mut catalog = Catalog::default();
        for base in bases {
            catalog.add(base).unwrap();
        }
        catalog
    }

    #[test]
    fn a_catalog_reads_back_as_written() {
        let catalog = catalog([
            base("b", Tier::Official, State::Approved, "xy"),
            base("a", Tier::Custom, State::Approved, "xyz"),
        ]);
        assert_eq!(Catalog::parse(&catalog.to_text()).unwrap(), catalog);
        assert_eq!(catalog.bases()[0].name, "a");
    }

    #[test]
    fn a_published_base_never_changes() {
        let mut catalog = catalog([base("b", Tier::Official, State::Approved, "x")]);
        let error = catalog.add(base("b", Tier::Official, State::Approved, "y")).unwrap_err();
        assert!(error.to_string().contains("other layers"), "{error}");
        let mut again = base("b", Tier::Official, State::Approved, "x");
        again.layers[0].blob_digests.insert(Digest::sha256(b"stored"));
        let known = |new_blob_digests, new_facts| Added::Known { new_blob_digests, new_facts };
        assert_eq!(catalog.add(again.clone()).unwrap(), known(1, 0));
        again.layers[0].facts = Some(Digest::sha256(b"facts"));
        assert_eq!(catalog.add(again.clone()).unwrap(), known(0, 1));
        again.layers[0].facts = None;
        assert_eq!(catalog.add(again).unwrap(), known(0, 0));
        assert_eq!(catalog.bases()[0].layers[0].facts, Some(Digest::sha256(b"facts")));
        assert_eq!(Catalog::parse(&catalog.to_text()).unwrap(), catalog);
    }

    #[test]
    fn a_spoilt_catalog_is_refused_with_its_place() {
        let good = catalog([base("b", Tier::Official, State::Approved, "x")]).to_text();
        let chain = Digest::sha256(b"x").to_string();
        for (text, words) in [
            (good.replace("\"official\"", "\"offical\""), "line 7, column"),
            (good.replace("\"name\"", "\"nmae\""), "unknown field `nmae`"),
            (good.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2"), "schemaVersion is 2"),
            (good.replacen(&chain, &Digest::sha256(b"z").to_string(), 1), "that of its layers is"),
            (String::new(), "line 1, column 0: EOF"),
        ] {
            let error = Catalog::parse(&text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
