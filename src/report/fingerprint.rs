//! What identifies a finding across rebuilds of an image.

use crate::digest::Digest;
use crate::rules::{Also, Finding};

/// Evidence that differs from build to build, or with the policy, while what was found is the same: digests and sizes of what
/// a file holds (which a waiver names by its SHA-256), versions, dates, counts, places in a file or list. All other evidence is what
/// somebody looks at who accepts the finding: with another capability, owner, device or link it is another one.
const VARYING: [&str; 36] = [
    "baseSha256",
    "baseSize",
    "baseVersion",
    "bytes",
    "computed",
    "date",
    "declared",
    "declaredSize",
    "digest",
    "end",
    "endOffset",
    "entriesRead",
    "equalFiles",
    "expected",
    "explained",
    "files",
    "firstEntry",
    "found",
    "index",
    "knownOn",
    "layer",
    "layers",
    "layersAgreed",
    "limit",
    "line",
    "maxAgeDays",
    "number",
    "offset",
    "packageDigest",
    "paths",
    "pathsBelow",
    "sha256",
    "size",
    "tableOfContents",
    "tarHeader",
    "version",
];

/// 32 hexadecimal digits, of the rule, the path, and what tells the finding from others on it. `path` is as reports have it.
pub(super) fn fingerprint(rule: &str, path: &str, finding: &Finding) -> String {
    let detail = detail(finding);
    // Lengths keep ("ab", "c") and ("a", "bc") apart.
    let text = format!("1\n{rule}\n{}\n{path}\n{}\n{detail}\n", path.len(), detail.len());
    let mut hex = Digest::sha256(text.as_bytes()).hex();
    hex.truncate(32);
    hex
}

/// What it is about and what proves it, as far as that stays the same; the places beside its path, for who accepts a finding about several
/// places accepts these and no others. Without a path, the layer and the words tell.
fn detail(finding: &Finding) -> String {
    let Also { paths, more } = &finding.also;
    let mut parts = match (&finding.identity, &finding.path) {
        (Some(identity), _) => vec![identity.clone()],
        (None, Some(_)) => Vec::new(),
        (None, None) => vec![format!("{:?} {}", finding.layer, without_numbers(&finding.message))],
    };
    parts.extend(paths.iter().map(ToString::to_string));
    if finding.identity.is_none() || *more {
        let stays = finding.evidence.iter().filter(|(name, _)| *more || !VARYING.contains(name));
        parts.extend(stays.map(|(name, value)| format!("{name}={value}")));
    }
    parts.join("\n")
}

/// Words in which counts and digests make no difference: names that hold digits are evidence.
fn without_numbers(message: &str) -> String {
    message.chars().filter(|char| !char.is_ascii_digit()).collect()
}
