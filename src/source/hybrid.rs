//! An archive with `manifest.json` and `index.json` has two truths: docker loads the one, podman
//! and skopeo may load the other. Both are judged, and they must not tell of different images.

use crate::model::image::{Form, Image};
use crate::model::{Anomaly, Fault};

/// Brings both truths together: an image that both tell of is one image.
pub(super) fn merge(from_manifest: Vec<Image>, from_index: Vec<Image>) -> Vec<Image> {
    // docker wrote `"manifests": null` into index.json for a while: then there is one truth only.
    let mut images = from_index;
    images.retain(|image| !is_layerless_twin(image, &from_manifest));
    let both = !images.is_empty();
    let known_platforms: Vec<_> = from_manifest.iter().map(|image| image.platform().clone()).collect();
    let mut only_in_manifest = Vec::new();
    let mut told_twice = vec![false; images.len()];
    for mut image in from_manifest {
        let same = |(number, other): &(usize, &mut Image)| {
            !told_twice.get(*number).copied().unwrap_or(true) && same_image(&image, other)
        };
        match images.iter_mut().enumerate().find(same) {
            Some((number, other)) => {
                other.names.append(&mut image.names);
                other.names.sort();
                other.names.dedup();
                other.other_names.append(&mut image.other_names);
                other.anomalies.append(&mut image.anomalies);
                if let Some(told) = told_twice.get_mut(number) {
                    *told = true;
                }
            }
            None => {
                if both {
                    image.anomalies.push(differs("manifest.json", "index.json"));
                }
                only_in_manifest.push(image);
            }
        }
    }
    for (image, told_twice) in images.iter_mut().zip(told_twice) {
        // index.json may list more platforms than manifest.json, which has room for one.
        if !told_twice && known_platforms.iter().any(|platform| platform.same_as(image.platform())) {
            image.anomalies.push(differs("index.json", "manifest.json"));
        }
    }
    images.extend(only_in_manifest);
    for image in &mut images {
        image.form = Form::DockerArchiveHybrid;
    }
    images
}

/// Docker 25.0 wrote OCI manifests without layers beside a complete `manifest.json`: nothing can run
/// from them, and what can is judged.
fn is_layerless_twin(image: &Image, from_manifest: &[Image]) -> bool {
    image.layers.is_empty() && from_manifest.iter().any(|other| other.config_digest == image.config_digest)
}

/// The same config and, byte for byte, the same layers.
fn same_image(a: &Image, b: &Image) -> bool {
    let key = |image: &Image| -> Vec<_> {
        image.layers.iter().map(|layer| layer.blob.as_ref().map(crate::read::Section::key)).collect()
    };
    a.config_digest == b.config_digest && key(a) == key(b)
}

fn differs(here: &str, there: &str) -> Anomaly {
    let message =
        format!("{here} tells of this image and {there} does not: which one runs depends on the reader");
    Anomaly::new(Fault::AmbiguousJson, message).evidence("document", here).critical()
}
