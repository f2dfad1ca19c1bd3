//! Holding what was computed to what was declared. From here on only computed digests count.

use std::sync::Arc;

use crate::digest::Digest;
use crate::error::Result;
use crate::model::anomaly::Anomalies;
use crate::model::descriptor::{Compression, MediaKind};
use crate::model::escape::escape_text;
use crate::model::image::LayerRef;
use crate::model::{Anomaly, Config, Fault, Image};
use crate::scan::LayerFacts;

/// Tells everything that the image says of its layers and that is not so.
///
/// # Errors
/// More anomalies than of one image are told: a layer's come again each time that the image lists it.
pub fn verify(image: &Image, layers: &[Option<Arc<LayerFacts>>], told: &mut Anomalies) -> Result<()> {
    for (index, (layer, facts)) in image.layers.iter().zip(layers).enumerate() {
        let of_layer =
            |anomaly: Anomaly| if anomaly.layer.is_none() { anomaly.layer(index) } else { anomaly };
        let Some(facts) = facts else {
            told.extend(missing(layer).into_iter().map(of_layer))?;
            continue;
        };
        let of_blob = blob(layer, facts).into_iter().chain(media_type(layer, facts));
        told.extend(of_blob.chain(facts.anomalies.iter().cloned()).map(of_layer))?;
    }
    for config in &image.configs {
        told.extend(diff_ids(image, config, layers))?;
        told.extend(history(image, config))?;
    }
    Ok(())
}

fn missing(layer: &LayerRef) -> Vec<Anomaly> {
    let name = escape_text(&layer.name);
    let kind = layer.declared.as_ref().map(|declared| declared.media_type.kind());
    let (fault, message) = match kind {
        Some(MediaKind::ForeignLayer(_)) => (
            Fault::LayerUnsupported,
            "a foreign layer, to be fetched from elsewhere: it is not here to be judged",
        ),
        _ => (Fault::BlobMissing, "the layer is not in the archive"),
    };
    let mut anomaly = Anomaly::new(fault, message).evidence("layer", name);
    for url in layer.declared.iter().flat_map(|declared| &declared.urls).take(8) {
        anomaly = anomaly.evidence("url", escape_text(url));
    }
    vec![anomaly]
}

/// The blob against its descriptor, and whether it could be read.
fn blob(layer: &LayerRef, facts: &LayerFacts) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    if let Some(declared) = &layer.declared {
        let computed = facts.blob.like(&declared.digest);
        if computed != Some(declared.digest) || facts.blob.size != declared.size {
            let message = if computed == Some(declared.digest) {
                format!("the layer has {} bytes where its descriptor says {}", facts.blob.size, declared.size)
            } else {
                "the layer's bytes do not have the digest that its descriptor says".to_owned()
            };
            let anomaly = Anomaly::new(Fault::DigestMismatch, message)
                .evidence("declared", declared.digest)
                .evidence("computed", computed.unwrap_or(facts.blob.sha256))
                .evidence("declaredSize", declared.size)
                .evidence("size", facts.blob.size);
            anomalies.push(anomaly);
        }
    }
    if let Err(unread) = &facts.tar {
        let kind = layer.declared.as_ref().map(|declared| declared.media_type.kind());
        let what = match kind {
            Some(MediaKind::EncryptedLayer) => "an encrypted layer",
            Some(MediaKind::FileSystemLayer) => "a layer that is a file system image and not a tar",
            _ => "the layer",
        };
        let message = format!("{what} could not be read, and so was not judged: {}", unread.error);
        let anomaly =
            Anomaly::new(Fault::LayerUnsupported, message).evidence("entriesRead", unread.entries_read);
        anomalies.push(anomaly);
    }
    anomalies
}

/// The media type against the bytes.
fn media_type(layer: &LayerRef, facts: &LayerFacts) -> Option<Anomaly> {
    let declared = layer.declared.as_ref().filter(|declared| !declared.media_type.is_empty())?;
    let written = escape_text(declared.media_type.as_str());
    let claimed = match declared.media_type.kind() {
        MediaKind::Layer(compression) => compression,
        MediaKind::ForeignLayer(_) => {
            let message = "a foreign layer: runtimes may fetch it from elsewhere, although it is here";
            let mut anomaly = Anomaly::new(Fault::LayerUnsupported, message).evidence("declared", written);
            for url in declared.urls.iter().take(8) {
                anomaly = anomaly.evidence("url", escape_text(url));
            }
            return Some(anomaly);
        }
        // What could not be read is told as such; its media type was right then.
        MediaKind::EncryptedLayer | MediaKind::FileSystemLayer if facts.tar.is_err() => return None,
        _ => {
            let message = "the layer's media type is not that of a layer";
            return Some(Anomaly::new(Fault::MediaTypeMismatch, message).evidence("declared", written));
        }
    };
    if claimed == facts.compression {
        return None;
    }
    let is = match facts.compression {
        Compression::None => "not compressed".to_owned(),
        other => format!("compressed with {other}"),
    };
    let message = format!("the layer is {is}, and its media type says otherwise");
    Some(Anomaly::new(Fault::MediaTypeMismatch, message).evidence("declared", written))
}

/// The uncompressed bytes against the config's diffIDs, by position.
fn diff_ids(image: &Image, config: &Config, layers: &[Option<Arc<LayerFacts>>]) -> Vec<Anomaly> {
    let Some(declared) = &config.diff_ids else {
        // docker's v1 images have none to hold the layers to.
        if image.layers.is_empty() || image.form == crate::model::Form::DockerArchiveV1 {
            return Vec::new();
        }
        let message = format!("the config lists no diffIDs for {} layers", image.layers.len());
        return vec![Anomaly::new(Fault::LayerCountMismatch, message)];
    };
    let mut anomalies = Vec::new();
    if declared.len() != layers.len() {
        let message =
            format!("the manifest lists {} layers and the config {} diffIDs", layers.len(), declared.len());
        anomalies.push(Anomaly::new(Fault::LayerCountMismatch, message));
    }
    for (index, (declared, facts)) in declared.iter().zip(layers).enumerate() {
        let Some(tar) = facts.as_ref().and_then(|facts| facts.tar.as_ref().ok()) else { continue };
        let parsed: Option<Digest> = declared.parse().ok();
        let computed = match parsed {
            Some(Digest::Sha512(_)) => tar.diff_id_sha512.unwrap_or(tar.diff_id),
            _ => tar.diff_id,
        };
        if parsed != Some(computed) {
            let message = "the layer's uncompressed bytes do not have the diffID that the config says";
            let anomaly = Anomaly::new(Fault::DiffIdMismatch, message)
                .layer(index)
                .evidence("declared", escape_text(declared))
                .evidence("computed", computed);
            anomalies.push(anomaly);
        }
    }
    anomalies
}

fn history(image: &Image, config: &Config) -> Option<Anomaly> {
    if config.history.is_empty() {
        return None;
    }
    let steps = config.history.iter().filter(|step| !step.empty_layer).count();
    if steps == image.layers.len() {
        return None;
    }
    let message = format!(
        "the history tells of {steps} steps that made a layer, and there are {} layers",
        image.layers.len()
    );
    Some(Anomaly::new(Fault::HistoryMismatch, message))
}
