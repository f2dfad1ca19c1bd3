//! Taking a verified image into the catalog as a base.

use std::collections::BTreeSet;

use crate::base::catalog::Added;
use crate::base::catalog::CatalogLayer;
use crate::base::{BaseStatus, Catalog, CatalogEntry, State, Tier};
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
}

/// Adds the image to the catalog.
///
/// # Errors
/// The image is not what it says, has no layers, could not be read in full, is a custom base that
/// stands on no official one, or clashes with a base that is there.
pub fn enroll(catalog: &mut Catalog, facts: &Facts, new: &NewBase) -> Result<Added> {
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
    let stored = facts.layers.iter().flatten().map(|layer| layer.blob.sha256);
    let layers = diff_ids
        .into_iter()
        .zip(stored)
        .map(|(diff_id, stored)| CatalogLayer { diff_id, blob_digests: BTreeSet::from([stored]) })
        .collect();
    catalog.add(CatalogEntry {
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
    })
}

/// A base must be what it says, and the same to every reader.
fn forbids(anomaly: &Anomaly) -> bool {
    !matches!(anomaly.fault, Fault::UnreferencedBlob | Fault::HistoryMismatch)
}
