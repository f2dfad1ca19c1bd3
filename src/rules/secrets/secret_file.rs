//! `secret-file`: see the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use super::allowed::allowed;
use super::severity;
use super::shadow::{self, BaseHashes};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::NodeRef;
use crate::rules::rule::{Finding, Judgement, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Entry;
use crate::scan::secrets::{Kind, Secret, Secrets};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-file",
    severity: Severity::High,
    page: include_str!("secret-file.md"),
    needs: Needs::Image,
    plan: shadow::plan,
    judge: |facts, _| judge(facts),
};

const REMEDY: &str = "replace the secret, for it must count as known; then keep it out of the build (a secret mount), since deleting it in a later layer leaves it readable";

/// Lines and offsets that one finding lists.
const PLACES: usize = 10;

fn judge(facts: &Facts) -> Judgement {
    let mut told: BTreeMap<(ImagePath, usize, &Kind), Vec<&Secret>> = BTreeMap::new();
    let mut passed_over: BTreeMap<&'static str, Vec<(usize, ImagePath)>> = BTreeMap::new();
    let base_hashes = BaseHashes::of(facts);
    for layer in 0..facts.image.layers.len() {
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
                Some(reason) => passed_over.entry(reason).or_default().push((layer, entry.path.clone())),
                None => told.entry((entry.path.clone(), layer, secret.kind)).or_default().push(secret),
            }
        }
    }
    let asked =
        told.iter().flat_map(|((_, layer, _), secrets)| secrets.iter().map(|secret| (*layer, secret.entry)));
    let effective = effective_of(facts, &asked.collect());
    let findings = told.iter().map(|(place, secrets)| finding(place, secrets, &effective));
    let mut findings: Vec<_> = findings.collect();
    findings.extend(passed_over.iter().map(|(reason, places)| passed_over_finding(reason, places)));
    Judgement { findings, incomplete: facts.unread_layers().or_else(|| gap(facts)) }
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

/// Those of some files, by layer and entry, that some reading shows.
fn effective_of(facts: &Facts, asked: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
    let Some(rootfs) = facts.rootfs.as_ref().ok().filter(|_| !asked.is_empty()) else {
        return BTreeSet::new();
    };
    let place = |node: NodeRef<'_>| {
        let origin = node.inode().origin;
        origin.entry().map(|entry| (origin.layer(), entry)).filter(|place| asked.contains(place))
    };
    let shown =
        rootfs.readings.iter().flat_map(|reading| reading.effective.walk_where(|node| place(node).is_some()));
    shown.filter_map(|(_, node)| place(node)).collect()
}

fn finding(
    (path, layer, kind): &(ImagePath, usize, &Kind),
    secrets: &[&Secret],
    effective: &BTreeSet<(usize, usize)>,
) -> Finding {
    let message = match secrets.len() {
        1 => format!("the file holds {}", kind.what),
        more => format!("the file holds {more} times {}", kind.what),
    };
    let mut finding = Finding::new(message, REMEDY).severity(severity(kind.weight)).path(path).layer(*layer);
    // It keeps its severity: it can be read out of the layer.
    finding.effective = secrets.iter().any(|secret| effective.contains(&(*layer, secret.entry)));
    finding = finding.evidence("kind", kind.id);
    for secret in secrets.iter().take(PLACES) {
        finding = match secret.line {
            Some(line) => finding.evidence("line", line),
            None => finding.evidence("offset", secret.offset),
        };
        finding = finding.evidence("length", secret.length);
    }
    finding.evidence("masked", kind.masked())
}

fn passed_over_finding(reason: &str, places: &[(usize, ImagePath)]) -> Finding {
    let files: BTreeSet<_> = places.iter().collect();
    let message = format!("not taken for secrets in {} files: {reason}", files.len());
    let mut finding = Finding::new(message, "nothing, if that is so").severity(Severity::Info);
    for (_, path) in files.into_iter().take(PLACES) {
        finding = finding.evidence("file", path);
    }
    finding
}

/// Why files of the upper layers were not looked at in full.
fn gap(facts: &Facts) -> Option<String> {
    facts.upper_layers().find_map(|layer| {
        let entries = facts.entries(layer);
        let gaps = secrets(facts, layer).gaps.iter();
        let mut files = gaps.filter_map(|(entry, gap)| Some((entries.get(*entry)?, gap)));
        files
            .find(|(entry, _)| !is_in_base(facts, entry))
            .map(|(entry, gap)| format!("{} in layer {layer} {gap}", entry.path))
    })
}
