//! The facts of one image: its layers held to what is declared, applied, compared with the base, and what is
//! installed in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allowance::Allowance;
use super::digests::FileDigests;
use super::likenesses::Likenesses;
use super::second::SecondReads;
use super::{Bases, packaged};
use crate::advisories::{Advisories, Vulnerabilities};
use crate::base::{BaseStatus, Comparison, Nearest};
use crate::error::{Error, Result};
use crate::facts::{self, Facts};
use crate::host;
use crate::limits::{Deadline, IMAGE_ANOMALIES, Limits};
use crate::model::anomaly::Anomalies;
use crate::model::descriptor::{Compression, TocClaims};
use crate::model::{Anomaly, Fault, Image};
use crate::packages::verify::HeldLayers;
use crate::packages::{History, Inventory};
use crate::rootfs::{Inode, Readings, Rootfs, Tree};
use crate::scan::{LayerFacts, Opinions, Plan, Tables};

/// What is computed of a stored layer once, however many images have it, and what they may cost together.
pub(super) struct Shared {
    pub(super) allowance: Allowance,
    pub(super) opinions: Opinions,
    pub(super) tables: Tables,
    pub(super) digests: FileDigests,
    pub(super) second: SecondReads,
    pub(super) likenesses: Likenesses,
}

/// Puts together what was read of one image.
pub(super) fn image_facts(
    image: Image,
    layers: Vec<Option<Arc<LayerFacts>>>,
    bases: Option<Bases<'_>>,
    plan: &Plan,
    held: Option<HeldLayers>,
    shared: &mut Shared,
) -> Result<Facts> {
    let deadline = plan.limits().deadline;
    shared.allowance.list(&layers)?;
    let mut told = Anomalies::of_image();
    told.extend(image.anomalies.iter().cloned())?;
    facts::verify(&image, &layers, &mut told)?;
    let mut facts = Facts {
        image,
        layers,
        anomalies: Vec::new(),
        rootfs: Err(String::new()),
        base: BaseStatus::NotEvaluated { reason: "no catalog of bases was given (--bases)".to_owned() },
        changes: Vec::new(),
        upgrades: Vec::new(),
        verified: None,
        inventory: None,
        vulnerabilities: None,
        second_read: BTreeMap::new(),
    };
    if let Some(Bases { catalog, .. }) = bases {
        facts.base = match facts.diff_ids() {
            Some(diff_ids) => BaseStatus::of(catalog, facts.image.platform(), &diff_ids),
            None => BaseStatus::NotEvaluated { reason: facts.unread_layers().unwrap_or_default() },
        };
    }
    ask_again(&facts, told.as_slice(), &mut shared.opinions)?;
    hold_tables(&facts, &mut shared.tables, plan.limits(), &mut told)?;
    facts.anomalies = told.into_vec();
    host::step();
    let mut history = History::default();
    let seen = plan.looks_for_components().then_some(&mut history);
    facts.rootfs = apply(&mut facts, deadline, seen)?;
    if let Some(bases) = bases {
        look_for_content(&mut facts, bases, deadline, &mut shared.likenesses);
    }
    deadline.check()?;
    host::step();
    compare(&mut facts);
    deadline.check()?;
    shared.second.read(&mut facts, plan, &mut shared.allowance)?;
    deadline.check()?;
    packaged::look(&mut facts, held, plan.limits(), shared)?;
    if plan.looks_for_components() {
        deadline.check()?;
        facts.inventory = inventory(&facts, &history);
    }
    facts.anomalies.sort();
    facts.anomalies.dedup();
    if facts.anomalies.len() > IMAGE_ANOMALIES {
        let limit = IMAGE_ANOMALIES as u64;
        return Err(Error::limit("the number of anomalies", "IMAGE_ANOMALIES", limit));
    }
    Ok(facts)
}

/// Has gzip layers with a wrong diffID read by another decoder: the fault may be ours.
fn ask_again(facts: &Facts, told: &[Anomaly], opinions: &mut Opinions) -> Result<()> {
    let accused = told.iter().filter(|anomaly| anomaly.fault == Fault::DiffIdMismatch);
    for index in accused.filter_map(|anomaly| anomaly.layer) {
        let blob = facts.image.layers.get(index).and_then(|layer| layer.blob.as_ref());
        let read = facts.layers.get(index).and_then(Option::as_ref);
        let read = read.filter(|layer| layer.compression == Compression::Gzip);
        if let (Some(blob), Some(read)) = (blob, read) {
            opinions.of(blob, read).map_err(|error| error.at(format!("layer {index}")))?;
        }
    }
    Ok(())
}

/// Holds tables of contents in layers to the layers.
fn hold_tables(facts: &Facts, tables: &mut Tables, limits: &Limits, anomalies: &mut Anomalies) -> Result<()> {
    for (index, (layer, read)) in facts.image.layers.iter().zip(&facts.layers).enumerate() {
        let (Some(blob), Some(read)) = (&layer.blob, read) else { continue };
        let claims = layer.declared.as_ref().map(|declared| TocClaims::of(&declared.annotations));
        let claims = claims.unwrap_or_default();
        let told = tables.hold(blob, read, &claims, limits);
        let told = told.map_err(|error| error.at(format!("layer {index}")))?;
        anomalies.extend(told.into_iter().map(|anomaly| anomaly.layer(index)))?;
    }
    Ok(())
}

fn apply(
    facts: &mut Facts,
    deadline: Deadline,
    mut history: Option<&mut History>,
) -> Result<std::result::Result<Rootfs, String>> {
    if let Some(reason) = facts.unread_layers() {
        return Ok(Err(reason));
    }
    let tars: Vec<_> =
        (facts.layers.iter().flatten()).filter_map(|layer| layer.tar.as_deref().ok()).enumerate().collect();
    let see = |layer, tree: &Tree| {
        if let Some(history) = &mut history {
            history.see(layer, tree);
        }
    };
    let mut rootfs = Readings::build_seen(&tars, facts.base.base_layers(), deadline, see)?;
    facts.anomalies.append(&mut rootfs.anomalies);
    Ok(Ok(rootfs))
}

/// Asks again which base is the nearest, now that the image's files are known.
fn look_for_content(facts: &mut Facts, bases: Bases<'_>, deadline: Deadline, likenesses: &mut Likenesses) {
    let (BaseStatus::Missing { carried, .. }, Some(files)) = (&facts.base, bases.files) else { return };
    let Some(reading) = facts.rootfs.as_ref().ok().and_then(Rootfs::first) else { return };
    let Some(diff_ids) = facts.diff_ids() else { return };
    let alike = |base: &_| likenesses.of(base, |base| files.tree(base), &reading.effective, deadline);
    let nearest = Nearest::of(bases.catalog, facts.image.platform(), &diff_ids, alike);
    let carried = carried.clone();
    facts.base = BaseStatus::Missing { carried, nearest: nearest.map(Box::new) };
}

fn compare(facts: &mut Facts) {
    let Ok(rootfs) = &facts.rootfs else { return };
    if facts.base.base_layers() == 0 {
        return;
    }
    let upper = || facts.upper_layers().map(|layer| (layer, facts.entries(layer)));
    facts.changes = rootfs
        .readings
        .iter()
        .map(|reading| Comparison::of(&reading.base, &reading.effective, upper()))
        .collect();
}

/// What advisories say of what is installed; `None` where that is not known.
pub(super) fn vulnerabilities(
    facts: &Facts,
    advisories: &Advisories,
    deadline: Deadline,
) -> Option<std::result::Result<Vulnerabilities, String>> {
    let inventory = facts.inventory.as_ref()?;
    Some(Vulnerabilities::of(inventory, advisories, deadline).map_err(|error| error.to_string()))
}

/// What is installed in the image; `None` where its layers could not be applied.
fn inventory(facts: &Facts, history: &History) -> Option<Inventory> {
    let rootfs = facts.rootfs.as_ref().ok()?;
    Some(Inventory::of(rootfs, &facts.layers, history, &|inode: &Inode| facts.content(inode)))
}
