//! An inspection as text.

use super::inspect::{Attributes, EntryReport, InspectedImage, Inspection, ReadingReport};
use super::{LayerReport, PlatformReport};
use crate::model::escape::escape_text;

/// The whole inspection. What comes from the image is escaped.
pub fn render(inspection: &Inspection) -> String {
    let mut text = String::new();
    for image in &inspection.images {
        render_image(&mut text, image);
    }
    for note in &inspection.notes {
        line(&mut text, &format!("note: {}: {}", note.source, note.message));
    }
    text
}

/// Adds one line, escaped.
fn line(text: &mut String, content: &str) {
    text.push_str(escape_text(content).trim_end());
    text.push('\n');
}

fn render_image(text: &mut String, image: &InspectedImage) {
    if let Some(entries) = &image.entries {
        entries.iter().for_each(|entry| line(text, &entry_line(entry)));
        return;
    }
    if let Some(readings) = &image.readings {
        render_readings(text, image, readings);
        return;
    }
    line(
        text,
        &format!(
            "{}: {}, {}",
            image.identity.source,
            image.identity.form,
            platform(&image.identity.platform)
        ),
    );
    for name in &image.identity.names {
        line(text, &format!("  name      {name}"));
    }
    if let Some(digest) = &image.identity.manifest_digest {
        line(text, &format!("  manifest  {digest}"));
    }
    line(text, &format!("  config    {}", image.identity.config_digest));
    let config = &image.contents.config;
    let uid = config.effective_uid.map_or("unknown".to_owned(), |uid| uid.to_string());
    let user = config.user.as_deref().map_or("unset".to_owned(), |user| format!("\"{user}\""));
    line(text, &format!("  user      {user}, uid {uid}"));
    for (what, words) in [
        ("entry", &config.entrypoint),
        ("command", &config.cmd),
        ("env", &config.env),
        ("ports", &config.exposed_ports),
    ] {
        if !words.is_empty() {
            line(text, &format!("  {what:8}  {}", words.join(" ")));
        }
    }
    line(text, &format!("  layers    {}", image.contents.layers.len()));
    for layer in &image.contents.layers {
        render_layer(text, layer);
    }
    if let Some(reason) = &image.unread {
        line(text, &format!("  no tree: {reason}"));
    }
    for anomaly in &image.anomalies {
        let layer = anomaly.layer.map(|layer| format!("layer {layer}: ")).unwrap_or_default();
        let path = anomaly.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
        line(text, &format!("  {}: {layer}{path}{}", anomaly.rule, anomaly.message));
    }
}

fn render_layer(text: &mut String, layer: &LayerReport) {
    let unread = || "not read".to_owned();
    let size = |size: Option<u64>| size.map_or_else(unread, |size| size.to_string());
    let entries = layer.entries.map_or_else(unread, |entries| format!("{entries} entries"));
    let compression = layer.compression.as_deref().unwrap_or("missing");
    line(
        text,
        &format!("  {:>4}  {}", layer.index, layer.created_by.as_deref().unwrap_or("(no build step)")),
    );
    line(
        text,
        &format!(
            "        {entries}, {compression} {} bytes, {} uncompressed",
            size(layer.size),
            size(layer.uncompressed_size)
        ),
    );
    for (what, digest) in
        [("digest", &layer.digest), ("diffID", &layer.diff_id), ("chainID", &layer.chain_id)]
    {
        if let Some(digest) = digest {
            line(text, &format!("        {what:8} {digest}"));
        }
    }
}

fn render_readings(text: &mut String, image: &InspectedImage, readings: &[ReadingReport]) {
    for refusal in image.refusals.iter().flatten() {
        line(text, &format!("# {} would not unpack it: {}", refusal.runtime, refusal.reason));
    }
    for reading in readings {
        if readings.len() > 1 {
            line(text, &format!("# as read by {}", reading.runtimes.join(", ")));
        }
        for node in &reading.tree {
            let shown = attributes(&node.attributes);
            line(text, &format!("{shown} {:>3}  {}{}", node.layer, node.path, target(&node.attributes)));
        }
    }
}

fn entry_line(entry: &EntryReport) -> String {
    let raw = entry.raw_path.as_deref().map(|raw| format!("  (written {raw})")).unwrap_or_default();
    format!("{}  {}{}{raw}", attributes(&entry.attributes), entry.path, target(&entry.attributes))
}

fn attributes(attributes: &Attributes) -> String {
    let size = attributes.device.clone().unwrap_or_else(|| attributes.size.to_string());
    let owner = format!("{}:{}", attributes.uid, attributes.gid);
    let content: String = attributes.sha256.as_deref().unwrap_or("-").chars().take(12).collect();
    format!("{:12} {} {owner:>11} {size:>10} {content:12}", attributes.kind, attributes.mode)
}

fn target(attributes: &Attributes) -> String {
    let target = attributes.target.as_deref().map(|target| format!(" -> {target}")).unwrap_or_default();
    let xattrs = attributes.xattrs.iter().map(|(name, value)| format!("  {name}={value}"));
    xattrs.fold(target, |text, xattr| text + &xattr)
}

fn platform(platform: &PlatformReport) -> String {
    let variant = platform.variant.as_deref().map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{}/{}{variant}", platform.os, platform.architecture)
}
