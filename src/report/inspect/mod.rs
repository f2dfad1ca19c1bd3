//! What is in an image, unjudged: which it is, what it is made of, the effective tree, one layer as
//! it is. It is what a person uses to believe a finding, and a contract of its own
//! (`docs/inspect.schema.json`).

mod listing;
#[cfg(test)]
mod tests;
pub mod text;

use serde::Serialize;

pub use listing::{Attributes, EntryReport, LayerListing, NodeReport, TreeListing};

use super::build::{contents, identity};
use super::inventory::InventoryReport;
use super::{ErrorReport, ImageContents, ImageIdentity, Note, Tool};
use crate::facts::Facts;
use crate::model::Anomaly;
use crate::rootfs::{Rootfs, Tree};
use crate::rules::quote::masked;

/// The version of this format.
pub const SCHEMA_VERSION: u32 = 1;

/// What to show beside the image itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing more.
    Image,
    /// The effective tree, in every reading.
    Tree,
    /// The entries of one layer, in the order of its tar.
    Layer(usize),
    /// What is installed.
    Packages,
}

/// All that was inspected.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection<'facts> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// In the order of the archive.
    pub images: Vec<InspectedImage<'facts>>,
    /// Inputs and images that could not be read.
    pub errors: Vec<ErrorReport>,
    /// Things to know that are no fault.
    pub notes: Vec<Note>,
}

impl<'facts> Inspection<'facts> {
    /// An inspection of these images.
    pub fn new(images: Vec<InspectedImage<'facts>>, errors: Vec<ErrorReport>, notes: Vec<Note>) -> Self {
        Self { schema_version: SCHEMA_VERSION, tool: Tool::this(), images, errors, notes }
    }
}

/// One image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedImage<'facts> {
    /// Which image it is.
    #[serde(flatten)]
    pub identity: ImageIdentity,
    /// What it is made of.
    #[serde(flatten)]
    pub contents: ImageContents,
    /// What is broken or ambiguous.
    pub anomalies: Vec<AnomalyReport>,
    /// Why the layers could not be applied; null where they could.
    pub unread: Option<String>,
    /// Each way that runtimes read the layers; null where they could not be applied.
    pub readings: Option<Vec<ReadingReport<'facts>>>,
    /// Runtimes that would not unpack the image; null where the layers could not be applied.
    pub refusals: Option<Vec<Refusal>>,
    /// The entries of the layer that is wanted; null where none is, or where it could not be read.
    pub entries: Option<LayerListing<'facts>>,
    /// What is installed; null where that is not wanted, or the layers could not be applied.
    pub inventory: Option<InventoryReport<'facts>>,
}

/// Something broken or ambiguous.
#[derive(Debug, Clone, Serialize)]
pub struct AnomalyReport {
    /// The rule that tells of it.
    pub rule: &'static str,
    /// Index of the layer.
    pub layer: Option<usize>,
    /// Absolute in the image.
    pub path: Option<String>,
    /// One clause.
    pub message: String,
}

/// One way to read the layers.
#[derive(Debug, Serialize)]
pub struct ReadingReport<'facts> {
    /// Who reads them so.
    pub runtimes: Vec<String>,
    /// What they see; null where the tree is not wanted.
    pub tree: Option<TreeListing<'facts>>,
}

/// A runtime that would not unpack the image.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// Which.
    pub runtime: String,
    /// Why.
    pub reason: String,
}

/// Shows one image; `source` is the input as given on the command line.
pub fn inspect<'facts>(source: &str, facts: &'facts Facts, wanted: Wanted) -> InspectedImage<'facts> {
    let rootfs = facts.rootfs.as_ref();
    let is_read =
        |layer: usize| facts.layers.get(layer).and_then(Option::as_ref).is_some_and(|it| it.tar.is_ok());
    InspectedImage {
        identity: identity(source, facts),
        contents: contents(facts),
        anomalies: facts.anomalies.iter().map(anomaly_report).collect(),
        unread: rootfs.err().cloned().map(masked),
        readings: rootfs.ok().map(|rootfs| readings(rootfs, facts.base.base_layers(), wanted)),
        refusals: rootfs.ok().map(refusals),
        entries: match wanted {
            Wanted::Layer(layer) if is_read(layer) => Some(LayerListing::of(facts.entries(layer))),
            _ => None,
        },
        inventory: (facts.inventory.as_ref().filter(|_| wanted == Wanted::Packages))
            .map(|inventory| InventoryReport::of(inventory, facts.base.base_layers())),
    }
}

fn anomaly_report(anomaly: &Anomaly) -> AnomalyReport {
    AnomalyReport {
        rule: anomaly.fault.name(),
        layer: anomaly.layer,
        path: anomaly.path.as_ref().map(ToString::to_string),
        message: masked(anomaly.message.clone()),
    }
}

/// The readings by what they show of the whole image. Readings of the base alone can differ beyond
/// that, and upper layers can hide where.
fn readings(rootfs: &Rootfs, base_layers: usize, wanted: Wanted) -> Vec<ReadingReport<'_>> {
    let mut told: Vec<(&Tree, Vec<String>)> = Vec::new();
    for reading in &rootfs.readings {
        let runtimes = reading.runtimes.iter().map(ToString::to_string);
        match told.iter_mut().find(|(tree, _)| tree.same_as(&reading.effective)) {
            Some((_, known)) => known.extend(runtimes),
            None => told.push((&reading.effective, runtimes.collect())),
        }
    }
    let report = |(tree, runtimes)| ReadingReport {
        runtimes,
        tree: (wanted == Wanted::Tree).then(|| TreeListing::of(tree, base_layers)),
    };
    told.into_iter().map(report).collect()
}

fn refusals(rootfs: &Rootfs) -> Vec<Refusal> {
    let refusals = rootfs.refusals.iter();
    refusals
        .map(|(runtime, reason)| Refusal { runtime: runtime.to_string(), reason: masked(reason.clone()) })
        .collect()
}
