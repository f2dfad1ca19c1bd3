//! `secret-file`: see the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use super::allowed::allowed;
use super::severity;
use super::shadow::{self, BaseHashes};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::NodeRef;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Entry;
use crate::scan::secrets::{Kind, Secret, Secrets};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-file",
    severity: Severity::High,
    page: include_str!("secret-file.md"),
    needs: Needs::Image,
    plan: shadow::plan,
    judge: |facts, _, findings| judge(facts, findings),
};

const REMEDY: &str = "replace the secret, for it must count as known; then keep it out of the build (a secret mount), since deleting it in a later layer leaves it readable";

/// Lines and offsets that one finding lists.
const PLACES: usize = 10;

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let mut passed_over: BTreeMap<&'static str, PassedOver> = BTreeMap::new();
    let base_hashes = BaseHashes::of(facts);
    let effective = effective(facts);
    for layer in facts.last_of_each_content(0..facts.image.layers.len()) {
        let mut told: BTreeMap<(&ImagePath, &Kind), Vec<&Secret>> = BTreeMap::new();
        let mut passed: BTreeSet<(&'static str, &ImagePath)> = BTreeSet::new();
        for secret in &secrets(facts, layer).found {
            let Some(entry) = facts.entries(layer).get(secret.entry) else { continue };
            let is_the_bases = !facts.upper_layers().contains(&layer)
                || is_in_base(facts, entry)
                || base_hashes.have(facts, layer, &entry.path, secret);
            let reason = if is_the_bases {
                Some("the base's own: told when the base is checked itself")
            } else {
                allowed(&entry.path, secret.kind)
            };
            match reason {
                Some(reason) => drop(passed.insert((reason, &entry.path))),
                None => told.entry((&entry.path, secret.kind)).or_default().push(secret),
            }
        }
        findings.extend(told.iter().map(|((path, kind), secrets)| {
            let mut finding = finding(kind, secrets).path(path).layer(layer);
            // It keeps its severity: it can be read out of the layer.
            finding.effective = secrets.iter().any(|secret| effective.contains(&(layer, secret.entry)));
            finding
        }))?;
        passed.into_iter().for_each(|(reason, path)| passed_over.entry(reason).or_default().add(path));
    }
    findings.extend(passed_over.iter().map(|(reason, files)| files.tell(reason)))?;
    Ok(Judgement::of(findings).incomplete(facts.unread_layers().or_else(|| gap(facts))))
}

fn secrets(facts: &Facts, layer: usize) -> &Secrets {
    static NONE: Secrets = Secrets { found: Vec::new(), gaps: Vec::new() };
    let layer = facts.layers.get(layer).and_then(Option::as_ref);
    layer.and_then(|layer| layer.tar.as_ref().ok()).map_or(&NONE, |tar| &tar.secrets)
}

/// Whether the base has the same bytes at the same path, in all readings: written again, not new.
fn is_in_base(facts: &Facts, entry: &Entry) -> bool {
    let Ok(rootfs) = &facts.rootfs else { return false };
    facts.base.base_layers() > 0
        && rootfs.readings.iter().all(|reading| {
            let node = reading.base.get(&entry.path);
            node.is_some_and(|node| node.inode().kind == entry.kind && node.inode().content == entry.content)
        })
}

/// Files with secrets that some reading shows, by layer and entry.
fn effective(facts: &Facts) -> BTreeSet<(usize, usize)> {
    let place = |node: NodeRef<'_>| {
        let origin = node.inode().origin;
        let (layer, entry) = (origin.layer(), origin.entry()?);
        // They are in the order of entries.
        let found = &secrets(facts, layer).found;
        found.binary_search_by_key(&entry, |secret| secret.entry).ok().map(|_| (layer, entry))
    };
    let has_some = (0..facts.image.layers.len()).any(|layer| !secrets(facts, layer).found.is_empty());
    let rootfs = facts.rootfs.iter().filter(|_| has_some);
    let readings = rootfs.flat_map(|rootfs| &rootfs.readings);
    let shown = readings.flat_map(|reading| reading.effective.walk_where(|node| place(node).is_some()));
    shown.filter_map(|(_, node)| place(node)).collect()
}

fn finding(kind: &Kind, secrets: &[&Secret]) -> Finding {
    let message = match secrets.len() {
        1 => format!("the file holds {}", kind.what),
        more => format!("the file holds {more} times {}", kind.what),
    };
    let mut finding = Finding::new(message, REMEDY).severity(severity(kind.weight)).evidence("kind", kind.id);
    for secret in secrets.iter().take(PLACES) {
        finding = match secret.line {
            Some(line) => finding.evidence("line", line),
            None => finding.evidence("offset", secret.offset),
        };
        finding = finding.evidence("length", secret.length);
    }
    finding.evidence("masked", kind.masked())
}

/// Files that were not taken for secrets, for one reason.
#[derive(Default)]
struct PassedOver {
    number: usize,
    /// The first of them.
    first: Vec<ImagePath>,
}

impl PassedOver {
    fn add(&mut self, path: &ImagePath) {
        self.number += 1;
        if self.first.len() < PLACES {
            self.first.push(path.clone());
        }
    }

    fn tell(&self, reason: &str) -> Finding {
        let message = format!("not taken for secrets in {} files: {reason}", self.number);
        let finding = Finding::new(message, "nothing, if that is so").severity(Severity::Info);
        self.first.iter().fold(finding, |finding, path| finding.evidence("file", path))
    }
}

/// Why files of the upper layers were not looked at in full.
fn gap(facts: &Facts) -> Option<String> {
    facts.upper_contents().find_map(|layer| {
        let entries = facts.entries(layer);
        let gaps = secrets(facts, layer).gaps.iter();
        let mut files = gaps.filter_map(|(entry, gap)| Some((entries.get(*entry)?, gap)));
        files
            .find(|(entry, _)| !is_in_base(facts, entry))
            .map(|(entry, gap)| format!("{} in layer {layer} {gap}", entry.path))
    })
}
