//! Whether the image stands on an approved base, and what the layers above did to it.

pub(super) mod base_account_changed;
pub(super) mod base_deprecated;
pub(super) mod base_file_deleted;
pub(super) mod base_file_modified;
pub(super) mod base_file_replaced;
pub(super) mod base_metadata_changed;
pub(super) mod base_not_official;
pub(super) mod base_package_changed;
pub(super) mod base_revoked;

use super::findings::Findings;
use super::rule::{Finding, Judged, Judgement};
use super::settings::Settings;
use super::severity::Severity;
use crate::base::{BaseStatus, Change, ChangeKind, Explanation};
use crate::facts::Facts;
use crate::model::ImagePath;

/// Why no rule about the base can be evaluated; `None` where the catalog was asked.
fn not_asked(facts: &Facts) -> Option<Judgement> {
    match &facts.base {
        BaseStatus::NotEvaluated { reason } => Some(Judgement::not_evaluated(reason.clone())),
        BaseStatus::Matched { .. } | BaseStatus::Missing { .. } => None,
    }
}

/// Judges each change of the base that `tell` knows, in every reading of the layers.
fn judge_changes(
    facts: &Facts,
    settings: &Settings,
    mut findings: Findings<'_>,
    tell: fn(&Change) -> Option<Finding>,
) -> Judged {
    if let Some(judgement) = not_asked(facts) {
        return Ok(judgement);
    }
    if facts.base.base_layers() == 0 {
        return Ok(Judgement::not_evaluated("the image stands on no base that could be compared"));
    }
    if let Err(reason) = &facts.rootfs {
        return Ok(Judgement::not_evaluated(reason.clone()));
    }
    for (change, explanation) in facts.explained_changes() {
        // Told once for its package.
        if matches!(explanation, Some(Explanation::Package(_))) {
            continue;
        }
        let Some(mut finding) = tell(change) else { continue };
        if let Some(Explanation::Alternative(why)) = explanation {
            finding = finding.severity(Severity::Low).evidence("alternative", why);
        }
        finding = finding.path(&change.path);
        finding.layer = change.layer;
        if !change.effective {
            finding =
                finding.not_effective().evidence("putBack", "a later layer made it as in the base again");
        }
        if is_ordinary(settings, change) {
            finding.severity = Some(Severity::Info);
            finding = finding.evidence("mutable", "the policy lists this path as always changing");
        }
        findings.add(finding)?;
    }
    Ok(Judgement::of(findings))
}

/// Package managers write into their state and drop some of it. They do not put links in its place,
/// take its whole directories away, or open it to others.
fn is_ordinary(settings: &Settings, change: &Change) -> bool {
    match &change.kind {
        ChangeKind::Modified { .. } => settings.is_mutable(&change.path),
        ChangeKind::Metadata { adds_privilege, .. } => !adds_privilege && settings.is_mutable(&change.path),
        ChangeKind::Deleted { .. } => settings.is_removable(&change.path),
        ChangeKind::Retargeted { is, .. } => {
            settings.is_mutable(&change.path) && is_timezone(&change.path, is)
        }
        ChangeKind::Replaced { .. } => false,
    }
}

/// Whether a link is that of the timezone, and leads to one.
fn is_timezone(path: &ImagePath, target: &[u8]) -> bool {
    // Of a relative one, `..` leads out of `/etc` and no further.
    let target = if target.starts_with(b"/") { target.to_vec() } else { [b"/etc/", target].concat() };
    path.as_bytes() == b"etc/localtime"
        && ImagePath::new(target).is_below(&ImagePath::new("usr/share/zoneinfo"))
}
