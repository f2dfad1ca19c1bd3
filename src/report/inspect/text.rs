//! An inspection as text.

use std::cmp::Ordering;
use std::io::{self, Write};

use super::{
    AnomalyReport, Attributes, EntryReport, InspectedImage, Inspection, NodeReport, ReadingReport, Refusal,
    TreeListing,
};
use crate::model::Fault;
use crate::model::escape::escape_text;
use crate::report::inventory::{InventoryReport, PackageReport};
use crate::report::text::{platform, stands_on, title};
use crate::report::{BaseState, LayerReport, Origin};

/// Anomalies of one kind that are told; JSON has all.
const TOLD: usize = 20;

/// Characters of an extended attribute's value that are shown; JSON has all.
const VALUE: usize = 64;

/// The whole inspection, written as it is made. What comes from the image is escaped.
///
/// # Errors
/// Those of `out`.
pub fn write(inspection: &Inspection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Lines { out };
    let several = inspection.images.len() > 1;
    for (number, image) in inspection.images.iter().enumerate() {
        if number > 0 {
            page.line("")?;
        }
        let readings = image.readings.as_deref().unwrap_or_default();
        let trees: Vec<_> = readings.iter().filter_map(|reading| Some((reading, reading.tree?))).collect();
        if several && (image.entries.is_some() || image.inventory.is_some() || !trees.is_empty()) {
            page.line(&format!("# {}", title(&image.identity)))?;
        }
        if let Some(inventory) = &image.inventory {
            page.inventory(inventory, on_base(image))?;
            continue;
        }
        match (image.entries, trees.as_slice()) {
            (Some(entries), _) => entries.entries().try_for_each(|entry| page.line(&entry_line(&entry)))?,
            (None, []) => page.image(image)?,
            (None, trees) => page.trees(image, trees)?,
        }
    }
    for note in &inspection.notes {
        page.line(&format!("note: {}: {}", note.source, note.message))?;
    }
    Ok(())
}

struct Lines<'out> {
    out: &'out mut dyn Write,
}

impl Lines<'_> {
    /// One line, escaped.
    fn line(&mut self, content: &str) -> io::Result<()> {
        writeln!(self.out, "{}", escape_text(content).trim_end())
    }

    fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.line(&format!("  {label:8}  {text}"))
    }

    fn image(&mut self, image: &InspectedImage<'_>) -> io::Result<()> {
        let (identity, config) = (&image.identity, &image.contents.config);
        self.line(&format!("{}: {}, {}", identity.source, identity.form, platform(&identity.platform)))?;
        for name in &identity.names {
            self.labelled("name", name)?;
        }
        if let Some(digest) = &identity.manifest_digest {
            self.labelled("manifest", digest)?;
        }
        for digest in &identity.index_digests {
            self.labelled("in index", digest)?;
        }
        self.labelled("config", &identity.config_digest)?;
        self.labelled("base", &stands_on(&image.contents))?;
        let uid = config.effective_uid.map_or("unknown".to_owned(), |uid| uid.to_string());
        let user = config.user.as_deref().map_or("unset".to_owned(), |user| format!("\"{user}\""));
        self.labelled("user", &format!("{user}, uid {uid}"))?;
        for (what, words) in [
            ("entry", &config.entrypoint),
            ("command", &config.cmd),
            ("env", &config.env),
            ("ports", &config.exposed_ports),
        ] {
            if !words.is_empty() {
                self.labelled(what, &words.join(" "))?;
            }
        }
        self.labelled("layers", &image.contents.layers.len().to_string())?;
        for layer in &image.contents.layers {
            self.layer(layer, on_base(image))?;
        }
        self.state(image)
    }

    fn layer(&mut self, layer: &LayerReport, on_base: bool) -> io::Result<()> {
        let unread = || "not read".to_owned();
        let size = |size: Option<u64>| size.map_or_else(unread, |size| size.to_string());
        let entries = layer.entries.map_or_else(unread, counted_entries);
        let compression = layer.compression.as_deref().unwrap_or("missing");
        let origin = if on_base { origin(layer.origin) } else { "" };
        let step = layer.created_by.as_deref().unwrap_or("(no build step)");
        self.line(&format!("  {:>4}{origin}  {step}", layer.index))?;
        self.line(&format!(
            "        {entries}, {compression} {} bytes, {} uncompressed",
            size(layer.size),
            size(layer.uncompressed_size)
        ))?;
        for (what, digest) in
            [("digest", &layer.digest), ("diffID", &layer.diff_id), ("chainID", &layer.chain_id)]
        {
            if let Some(digest) = digest {
                self.line(&format!("        {what:8} {digest}"))?;
            }
        }
        Ok(())
    }

    /// What is installed; what is said of it begins with `#`.
    fn inventory(&mut self, inventory: &InventoryReport<'_>, on_base: bool) -> io::Result<()> {
        let name = inventory.distribution.as_ref().map_or("no distribution", |known| &known.name);
        self.line(&format!("# {name}, {} packages", inventory.packages.len()))?;
        for gap in &inventory.gaps {
            self.line(&format!("# packages may be missing: {}: {}", gap.place, gap.reason))?;
        }
        for package in &inventory.packages {
            self.line(&package_line(package, on_base))?;
        }
        Ok(())
    }

    /// What could not be read, and what could be read in several ways.
    fn state(&mut self, image: &InspectedImage<'_>) -> io::Result<()> {
        if let Some(reason) = &image.unread {
            self.labelled("no tree", reason)?;
        }
        if let Some(readings) = image.readings.as_deref().filter(|readings| readings.len() > 1) {
            let by: Vec<_> = readings.iter().map(|reading| format!("by {}", runtimes(reading))).collect();
            self.labelled("read", &format!("{} (--tree shows how)", by.join(", otherwise ")))?;
        }
        for refusal in image.refusals.iter().flatten() {
            self.labelled("refused", &format!("by {}: {}", refusal.runtime, refusal.reason))?;
        }
        for rule in kinds(&image.anomalies) {
            self.line(&format!("  {rule}"))?;
            self.anomalies(image.anomalies.iter().filter(|anomaly| anomaly.rule == rule), "        ")?;
        }
        Ok(())
    }

    fn anomalies<'a>(
        &mut self,
        anomalies: impl Iterator<Item = &'a AnomalyReport>,
        indent: &str,
    ) -> io::Result<()> {
        let mut more = 0_usize;
        for (number, anomaly) in anomalies.enumerate() {
            if number >= TOLD {
                more += 1;
                continue;
            }
            let layer = anomaly.layer.map(|layer| format!("layer {layer}: ")).unwrap_or_default();
            let path = anomaly.path.as_deref().map(|path| format!("{path}: ")).unwrap_or_default();
            self.line(&format!("{indent}{layer}{path}{}", anomaly.message))?;
        }
        if more > 0 {
            self.line(&format!("{indent}and {more} more (--format json has all)"))?;
        }
        Ok(())
    }

    /// The first reading whole, and of each other what is otherwise. What is said of them begins with `#`.
    fn trees(
        &mut self,
        image: &InspectedImage<'_>,
        readings: &[(&ReadingReport<'_>, TreeListing<'_>)],
    ) -> io::Result<()> {
        let Some(((first, tree), others)) = readings.split_first() else { return Ok(()) };
        let refusals = image.refusals.as_deref().unwrap_or_default();
        self.why(image, refusals, !others.is_empty())?;
        if !others.is_empty() || !refusals.is_empty() {
            self.line(&format!("# as read by {}:", runtimes(first)))?;
        }
        let on_base = on_base(image);
        tree.nodes().try_for_each(|(_, node)| self.line(&node_line(&node, on_base)))?;
        for (other, others_tree) in others {
            let (before, now) = (runtimes(first), runtimes(other));
            self.line("")?;
            self.line(&format!("# as read by {now}, where that differs (- {before}, + {now}):"))?;
            self.difference(*tree, *others_tree, on_base)?;
        }
        Ok(())
    }

    /// Why there are several readings, or might be.
    fn why(&mut self, image: &InspectedImage<'_>, refusals: &[Refusal], differ: bool) -> io::Result<()> {
        let is_ambiguous = |anomaly: &&AnomalyReport| anomaly.rule == Fault::AmbiguousEntry.name();
        let ambiguous = || image.anomalies.iter().filter(is_ambiguous);
        if ambiguous().next().is_some() {
            let outcome = if differ {
                "runtimes read these entries differently, and make other trees of them:"
            } else {
                "runtimes treat these entries differently, though here all that unpack them make one tree:"
            };
            self.line(&format!("# {outcome}"))?;
            self.anomalies(ambiguous(), "#   ")?;
        }
        for refusal in refusals {
            self.line(&format!("# {} would not unpack it: {}", refusal.runtime, refusal.reason))?;
        }
        Ok(())
    }

    /// Where two trees show something else. Which layer put it there does not count.
    fn difference(&mut self, one: TreeListing<'_>, other: TreeListing<'_>, on_base: bool) -> io::Result<()> {
        let (mut one, mut other) = (one.nodes().peekable(), other.nodes().peekable());
        loop {
            let order = match (one.peek(), other.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((mine, _)), Some((theirs, _))) => mine.cmp(theirs),
            };
            let mine = if order.is_le() { one.next() } else { None };
            let theirs = if order.is_ge() { other.next() } else { None };
            if let (Some((_, mine)), Some((_, theirs))) = (&mine, &theirs)
                && is_same(mine, theirs)
            {
                continue;
            }
            for (sign, node) in [('-', mine), ('+', theirs)] {
                if let Some((_, node)) = node {
                    self.line(&format!("{sign} {}", node_line(&node, on_base)))?;
                }
            }
        }
    }
}

fn is_same(one: &NodeReport, other: &NodeReport) -> bool {
    one.attributes == other.attributes && one.same_file_as == other.same_file_as
}

fn on_base(image: &InspectedImage<'_>) -> bool {
    image.contents.base.status == BaseState::Verified
}

/// The rules that tell of these, each once.
fn kinds(anomalies: &[AnomalyReport]) -> std::collections::BTreeSet<&'static str> {
    anomalies.iter().map(|anomaly| anomaly.rule).collect()
}

fn runtimes(reading: &ReadingReport<'_>) -> String {
    reading.runtimes.join(" and ")
}

fn counted_entries(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "  base ",
        Origin::Upper => "  upper",
    }
}

fn node_line(node: &NodeReport, on_base: bool) -> String {
    let origin = if on_base { origin(node.origin) } else { "" };
    let link = node.same_file_as.as_deref().map(|first| format!("  (same file as {first})"));
    let (shown, after) = (attributes(&node.attributes), target(&node.attributes));
    format!("{shown} {:>3}{origin}  {}{after}{}", node.layer, node.path, link.unwrap_or_default())
}

fn package_line(package: &PackageReport<'_>, on_base: bool) -> String {
    let origin = if on_base { origin(package.origin) } else { "" };
    let inside = package.inside.map(|inside| format!("!/{inside}")).unwrap_or_default();
    let place = format!("  {}{inside}", package.place);
    let (kind, name, version) = (package.kind, package.name, package.version);
    let architecture = package.architecture.unwrap_or("-");
    format!("{kind:6} {name:32} {version:28} {architecture:8} {:>3}{origin}{place}", package.layer)
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
    let xattrs = attributes.xattrs.iter().map(|(name, value)| format!("  {name}={}", shortened(value)));
    xattrs.fold(target, |text, xattr| text + &xattr)
}

/// The beginning of a value in hexadecimal, and how long it is where that is not all.
fn shortened(value: &str) -> String {
    match value.get(..VALUE) {
        Some(start) if value.len() > VALUE => format!("{start}… ({} bytes)", value.len() / 2),
        _ => value.to_owned(),
    }
}
