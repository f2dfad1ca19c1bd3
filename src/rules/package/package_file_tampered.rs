//! `package-file-tampered`: see the page beside this file.

use crate::base::BaseStatus;
use crate::facts::{Facts, Verified};
use crate::model::escape::{escape_bytes, escape_text};
use crate::packages::verify::{Deviation, Found, HeldLayers};
use crate::packages::{self, Packed};
use crate::rules::Settings;
use crate::rules::base::base_file_replaced::kind_name;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "package-file-tampered",
    severity: Severity::High,
    page: include_str!("package-file-tampered.md"),
    needs: Needs::Base,
    plan: packages::plan,
    judge,
};

const RESTORE: &str = "leave the package's file as it is: install the package again, build one of your own, or put your file beside it and divert the package's (dpkg-divert)";

const CONFIGURE: &str =
    "configure beside it (a conf.d directory, an environment variable), or see that the change is meant";

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let verified = match known(facts, settings.options.verify_all_layers) {
        Ok(verified) => verified,
        Err(reason) => return Ok(Judgement::not_evaluated(reason)),
    };
    let deviations = verified.readings.iter().flat_map(|reading| &reading.deviations);
    findings.extend(deviations.map(|deviation| tell(deviation, settings)))?;
    let incomplete = verified.readings.iter().find_map(|reading| reading.gaps.reason());
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// What is known of packages' files, in all layers or in the upper ones.
fn known(facts: &Facts, all_layers: bool) -> Result<&Verified, String> {
    if !all_layers {
        if let BaseStatus::NotEvaluated { reason } = &facts.base {
            return Err(reason.clone());
        }
        if facts.base.base_layers() == 0 {
            return Err("the image stands on no base above which files could be looked at".to_owned());
        }
    }
    facts.rootfs.as_ref().map_err(Clone::clone)?;
    let verified = facts.verified.as_ref().ok_or("the files of packages were not looked at")?;
    if all_layers && verified.layers != HeldLayers::All {
        return Err("only files above the base were looked at".to_owned());
    }
    Ok(verified)
}

fn tell(deviation: &Deviation, settings: &Settings) -> Finding {
    let Deviation { path, layer, owner, is_config, told, found } = deviation;
    let [name, version] = [&owner.name, &owner.version].map(|text| escape_text(text));
    let of = if *is_config { "configuration of" } else { "a file of" };
    let what = match (told, found) {
        (_, Found::Content(_)) => "has other content than the package says".to_owned(),
        (Packed::Link(_), Found::Link(_)) => {
            "is a symlink with another target than the package says".to_owned()
        }
        (Packed::Digest(_), Found::Link(_)) => "is a symlink that the package does not have there".to_owned(),
        (_, found) => format!("is {}, and {} in the package", kind_name(kind(found)), packed_name(told)),
    };
    let remedy = if *is_config { CONFIGURE } else { RESTORE };
    let mut finding = Finding::new(format!("{of} the package {name} {version} {what}"), remedy)
        .path(path)
        .layer(*layer)
        .evidence("package", name)
        .evidence("version", version)
        .evidence("architecture", escape_text(&owner.architecture))
        .evidence("manager", owner.manager)
        .evidence("database", &owner.database);
    finding = match told {
        Packed::Digest(digest) => {
            finding.evidence("algorithm", digest.algorithm()).evidence("packageDigest", digest.hex())
        }
        Packed::Link(target) => finding.evidence("packageTarget", escape_bytes(target)),
        Packed::Untold | Packed::File | Packed::Directory(_) => {
            finding.evidence("packageType", packed_name(told))
        }
    };
    finding = match found {
        Found::Content(digest) => finding.evidence("digest", digest.hex()),
        Found::Link(target) => {
            finding.evidence("type", kind_name(EntryKind::Symlink)).evidence("target", escape_bytes(target))
        }
        Found::Other(kind) => finding.evidence("type", kind_name(*kind)),
    };
    if *is_config {
        finding.severity = Some(Severity::Low);
    }
    if settings.is_mutable(path) && matches!(found, Found::Content(_)) {
        finding.severity = Some(Severity::Info);
        finding = finding.evidence("mutable", "the policy lists this path as always changing");
    }
    finding
}

fn kind(found: &Found) -> EntryKind {
    match found {
        Found::Content(_) => EntryKind::File,
        Found::Link(_) => EntryKind::Symlink,
        Found::Other(kind) => *kind,
    }
}

fn packed_name(packed: &Packed) -> &'static str {
    match packed {
        // apk's may be that of a symlink's target.
        Packed::Digest(_) | Packed::File | Packed::Untold => "a file",
        Packed::Link(_) => "a symlink",
        Packed::Directory(_) => "a directory",
    }
}
