//! A whole check.

use ocicheck::report::{BaseState, ImageReport};

use super::tools::{check_twice, first, mended, parts};
use crate::support::{Compression, Image, StoredLayer, small_base};

/// A first byte for how. Even: an archive, as it is. Odd: an image made of parts, `config` of its config and then the
/// layers, plain or compressed, on the small base or on none. The report is the same with one thread and with two.
pub fn check(data: &[u8]) {
    let (how, rest) = first(data);
    if how % 2 == 0 {
        check_twice(&mended(rest));
        return;
    }
    let parts = parts(rest);
    let on_base = how & 2 != 0;
    let mut image = if on_base { small_base().unnamed() } else { Image::new() };
    for (number, part) in parts.iter().skip(1).enumerate() {
        let form = Compression::ALL[(usize::from(how >> 2) + number) % Compression::ALL.len()];
        let tar = mended(part);
        let mut layer = StoredLayer::opaque(form.compress(&tar), form.oci_layer_type(), "COPY . /");
        layer.diff_id = crate::support::digest(&tar);
        image = image.stored_layer(layer);
    }
    if let Ok(config @ serde_json::Value::Object(_)) = serde_json::from_slice(parts[0]) {
        image = image.config_json(move |whole| whole["config"] = config.clone());
    }
    let report = check_twice(&image.oci_archive());
    if on_base {
        let missing = |image: &ImageReport| image.contents.base.status == BaseState::Missing;
        assert!(!report.images.iter().any(missing), "the base is not seen");
    }
}
