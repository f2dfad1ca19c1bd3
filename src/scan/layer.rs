//! One layer's stored bytes → [`LayerFacts`], in one pass.
//!
//! Whatever is wrong with the content, the blob's digest is of *all* stored bytes: a broken layer is
//! still known by name. An empty blob is an empty layer (docker and containerd say so in
//! `DecompressStream`, for old builders wrote such `layer.tar` files).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::archives;
use super::components;
use super::crew::Crew;
use super::entries::Entries;
use super::facts::{LayerFacts, TarFacts, Unread};
use super::meter::Meter;
use super::pipeline::Progress;
use super::plan::Plan;
use super::relay::Relay;
use super::room::Budget;
use super::stored::Stored;
use super::tar::TarReader;
use crate::codec::{self, HEAD_BYTES, Undecoded};
use crate::digest::{BlobDigests, BlobHasher};
use crate::error::{Error, ErrorKind, Result};
use crate::model::descriptor::Compression;
use crate::model::{Anomaly, Fault};
use crate::read::Section;

/// What is wanted of a layer.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// The files whose content is to be kept.
    pub plan: Arc<Plan>,
    /// What all layers that are read together may keep of them.
    pub budget: Arc<Budget>,
    /// A descriptor names the blob by SHA-512.
    pub blob_sha512: bool,
    /// A config names the diffID by SHA-512.
    pub diff_id_sha512: bool,
}

/// Reads one layer.
///
/// An error is the host's (the file could not be read): broken content is in
/// [`LayerFacts::tar`], and the blob's digests hold even then.
pub fn scan_layer(blob: &Section, options: &ScanOptions, progress: &dyn Progress) -> Result<LayerFacts> {
    scan_with(blob, options, None, progress)
}

/// As [`scan_layer`], decoded by one of `crew` once that has nothing to do.
pub(super) fn scan_with(
    blob: &Section,
    options: &ScanOptions,
    crew: Option<&Crew>,
    progress: &dyn Progress,
) -> Result<LayerFacts> {
    let head = blob.head(HEAD_BYTES).map_err(|error| Error::io("the layer cannot be read", error))?;
    let compression = codec::detect(&head);
    let plain = compression == Compression::None;
    let stored = Stored::new((!plain).then(|| BlobHasher::new(options.blob_sha512)));
    // Without compression the two digests are one, and the bytes are hashed once: by the meter.
    let content = BlobHasher::new(options.diff_id_sha512 || plain && options.blob_sha512);
    let mut entries = Entries::new(&options.plan, &options.budget);
    let decoder = codec::decoder_of(&entries.party(), compression, stored.tap(blob.reader()))?;
    let relay = Relay::new(decoder, crew, Arc::clone(&stored), progress);
    let meter = Meter::new(relay, Some(content), blob.size(), options.plan.limits());

    let mut reader = TarReader::new(meter);
    let mut outcome = entries.read(&mut reader);
    let (mut meter, anomalies) = reader.into_parts();
    // The error of all layers together, if any, stands for what went wrong with this one.
    entries.settle(anomalies.memory())?;
    let mut anomalies = anomalies.into_vec();
    if plain && outcome.is_err() {
        // Without limits, so that only the host can fail.
        let _ = host(meter.hash_rest())?;
    }
    match host(meter.drain_stored())? {
        Ok(0) => {}
        Ok(_) if outcome.is_err() => {}
        Ok(count) => anomalies.push(trailing(compression, count)),
        Err(error) => outcome = outcome.and(Err(error)),
    }
    if outcome.is_ok() {
        anomalies.extend(undecoded(compression, meter.undecoded()));
    }
    let content = meter.into_hasher().map(BlobHasher::finish);
    let Some(content) = content else {
        return Err(Error::new(ErrorKind::Internal, "the layer was not hashed"));
    };
    let blob = stored.finish().unwrap_or(content);
    let tar = match host(outcome)? {
        Ok(()) => Ok(Arc::new(tar_facts(&content, options, entries))),
        Err(error) => Err(Unread { error, entries_read: entries.entries.len() }),
    };
    Ok(LayerFacts {
        blob: BlobDigests { sha512: blob.sha512.filter(|_| options.blob_sha512), ..blob },
        compression,
        tar,
        anomalies,
    })
}

fn tar_facts(content: &BlobDigests, options: &ScanOptions, mut entries: Entries<'_>) -> TarFacts {
    entries.entries.shrink_to_fit();
    TarFacts {
        diff_id: content.sha256,
        diff_id_sha512: content.sha512.filter(|_| options.diff_id_sha512),
        size: content.size,
        entries: entries.entries,
        captured: entries.captured,
        not_captured: entries.not_captured,
        beside: BTreeMap::new(),
        secrets: entries.probe.into_secrets(),
        archives: entries.archives.map(archives::Probe::into_archives),
        components: entries.components.map(components::Probe::into_components),
    }
}

/// Parts errors of the host (outer) from those of the content (inner).
fn host<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if error.is_of_the_host() || error.kind() == ErrorKind::Internal => Err(error),
        result => Ok(result),
    }
}

/// Honest tools write such bytes, too, but for whoever reads the layer they are not there.
fn undecoded(compression: Compression, undecoded: Undecoded) -> Option<Anomaly> {
    let Undecoded { bytes, table_of_contents } = undecoded;
    let message = match table_of_contents {
        Some(form) => format!(
            "{bytes} bytes of the layer's {compression} decode to nothing, with the table of contents of {form}, or \
             where it is, among them: partial pulls go by it"
        ),
        None => {
            format!("{bytes} bytes of the layer's {compression} decode to nothing, and nobody unpacks them")
        }
    };
    let anomaly = Anomaly::new(Fault::UnreadData, message)
        .evidence("bytes", bytes)
        .evidence("compression", compression);
    (bytes > 0).then(|| match table_of_contents {
        Some(form) => anomaly.evidence("tableOfContents", form),
        None => anomaly,
    })
}

fn trailing(compression: Compression, count: u64) -> Anomaly {
    Anomaly::new(
        Fault::TrailingData,
        format!("{count} bytes that are no {compression} data follow the layer's last {compression} member"),
    )
    .evidence("bytes", count)
    .evidence("compression", compression)
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
