//! Taking a verified image into the catalog as a base.

use std::collections::BTreeSet;

use crate::base::catalog::Added;
use crate::base::catalog::CatalogLayer;
use crate::base::{BaseStatus, Catalog, CatalogEntry, FactsFile, State, Tier};
use crate::digest::chain_id;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::model::{Anomaly, Fault};

/// What a base is called, and by whom it is answered for.
#[derive(Debug, Clone)]
pub struct NewBase {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whose it is.
    pub tier: Tier,
    /// The day it is added.
    pub added: jiff::civil::Date,
    /// Whether facts files are made of its layers.
    pub with_facts: bool,
}

/// What taking a base into the catalog gave.
#[derive(Debug)]
pub struct Enrolled {
    /// What it did to the catalog.
    pub added: Added,
    /// The facts files that the catalog names now; to be written before the catalog is.
    pub files: Vec<FactsFile>,
}

/// Adds the image to the catalog.
///
/// # Errors
/// The image is not what it says, has no layers, could not be read in full, is a custom base that
/// stands on no official one, or clashes with a base that is there.
pub fn enroll(catalog: &mut Catalog, facts: &Facts, new: &NewBase) -> Result<Enrolled> {
    for (what, text) in [("name", &new.name), ("version", &new.version)] {
        let odd = |char: char| char.is_whitespace() || char.is_control() || what == "version" && char == ':';
        if text.is_empty() || text.chars().any(odd) {
            return Err(Error::usage(format!("\"{}\" is no {what} for a base", text.escape_debug())));
        }
    }
    let spoilt = facts.anomalies.iter().find(|anomaly| forbids(anomaly));
    if let Some(anomaly) = spoilt {
        let place = anomaly.layer.map(|layer| format!("layer {layer}: ")).unwrap_or_default();
        let path = anomaly.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
        let what = format!("it is not fit to be a base: {place}{path}{}", anomaly.message);
        return Err(
            Error::invalid(what).hint("run `ocicheck check --profile base-image` on it to see all findings")
        );
    }
    let diff_ids = match facts.diff_ids() {
        Some(diff_ids) => diff_ids,
        None => return Err(Error::invalid(facts.unread_layers().unwrap_or_default())),
    };
    let Some(chain_id) = chain_id(&diff_ids) else {
        return Err(Error::invalid("it has no layers, and so every image would stand on it"));
    };
    let platform = facts.image.platform().clone();
    if platform.os.is_empty() || platform.architecture.is_empty() {
        return Err(Error::invalid("its config does not say for which platform it is"));
    }
    if new.tier == Tier::Custom && !BaseStatus::of(catalog, &platform, &diff_ids).is_official() {
        let what = "a custom base must stand on an official base of the catalog, and this one does not";
        return Err(Error::usage(what).hint("add the official base first, or build the custom base on one"));
    }
    let mut files = Vec::new();
    let layers = diff_ids.into_iter().zip(facts.layers.iter().flatten()).enumerate();
    let layers = layers
        .map(|(index, (diff_id, layer))| {
            let file = if new.with_facts { FactsFile::of(layer, &facts.second_read_of(index)) } else { None };
            let digest = file.as_ref().map(|file| file.digest);
            files.extend(file);
            CatalogLayer { diff_id, blob_digests: BTreeSet::from([layer.blob.sha256]), facts: digest }
        })
        .collect();
    let added = catalog.add(CatalogEntry {
        name: new.name.clone(),
        version: new.version.clone(),
        tier: new.tier,
        platform,
        state: State::Approved,
        added: new.added,
        changed: None,
        reason: None,
        successor: None,
        chain_id,
        layers,
    })?;
    Ok(Enrolled { added, files })
}

/// A base must be what it says, and the same to every reader.
fn forbids(anomaly: &Anomaly) -> bool {
    !matches!(anomaly.fault, Fault::UnreferencedBlob | Fault::HistoryMismatch)
}
