//! Reading the small blobs (manifests and configs) and holding them to their descriptors.

use super::store::Store;
use crate::digest::Digest;
use crate::error::Result;
use crate::limits;
use crate::model::json::{self, Document, Shape};
use crate::model::{Anomaly, Descriptor, Fault};
use crate::read::Section;

/// A small blob, read and hashed.
#[derive(Debug)]
pub(super) struct SmallBlob {
    pub(super) bytes: Vec<u8>,
    /// Computed, by the algorithm of the descriptor.
    pub(super) digest: Digest,
}

/// Reads the blob that `descriptor` names; `None` where it is not there.
pub(super) fn read(
    store: &Store,
    descriptor: &Descriptor,
    what: &str,
    anomalies: &mut Vec<Anomaly>,
) -> Result<Option<SmallBlob>> {
    let Some(section) = store.blob(&descriptor.digest)? else { return Ok(None) };
    let blob = read_small(&section, &descriptor.digest)
        .map_err(|error| error.at(format!("{what} {}", descriptor.digest)))?;
    if let Some(anomaly) = mismatch(what, descriptor, blob.digest, section.size()) {
        anomalies.push(anomaly);
    }
    Ok(Some(blob))
}

/// Reads a blob and hashes it by the algorithm of `like`.
pub(super) fn read_small(section: &Section, like: &Digest) -> Result<SmallBlob> {
    let bytes = section.read_all(limits::JSON_BYTES, "JSON_BYTES")?;
    let digest = Digest::compute_like(like, &bytes);
    Ok(SmallBlob { bytes, digest })
}

/// What differs between a descriptor and the bytes it names.
fn mismatch(what: &str, descriptor: &Descriptor, computed: Digest, size: u64) -> Option<Anomaly> {
    let message = if computed != descriptor.digest {
        format!("the {what}'s bytes do not have the digest that its descriptor says")
    } else if size != descriptor.size {
        format!("the {what} has {size} bytes where its descriptor says {}", descriptor.size)
    } else {
        return None;
    };
    let anomaly = Anomaly::new(Fault::DigestMismatch, message)
        .evidence("declared", descriptor.digest)
        .evidence("computed", computed)
        .evidence("declaredSize", descriptor.size)
        .evidence("size", size);
    Some(anomaly)
}

/// Reads a blob's JSON; what is ambiguous in it becomes one anomaly.
pub(super) fn parse(
    store: &Store,
    bytes: &[u8],
    shape: &Shape,
    what: &str,
    anomalies: &mut Vec<Anomaly>,
) -> Result<Document> {
    let document = match json::parse(bytes, shape) {
        Ok(document) => document,
        Err(error) => {
            // Thousands of descriptors may lead to one blob.
            store.hold_bytes(bytes.len() as u64)?;
            return Err(error.at(what.to_owned()));
        }
    };
    store.hold(&document)?;
    if let Some(first) = document.ambiguities.first() {
        let more = match document.ambiguities.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let message = format!("the {what} is JSON that readers read differently: {first}{more}");
        let mut anomaly = Anomaly::new(Fault::AmbiguousJson, message).evidence("document", what);
        for ambiguity in document.ambiguities.iter().take(20) {
            anomaly = anomaly.evidence("ambiguity", ambiguity);
        }
        anomalies.push(anomaly);
    }
    Ok(document)
}
