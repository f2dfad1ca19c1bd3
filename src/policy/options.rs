//! What a policy chooses of single rules, read and written.

use std::fmt::Write as _;

use super::document::Table;
use super::draft::{push_list, quoted};
use super::patterns::name_pattern;
use super::read::{a_sha256, severity, words};
use crate::packages::Kind;
use crate::rules::options::{ForbiddenPackage, Threshold, Uncovered, VexFile, VulnerabilityOptions};
use crate::rules::{Options, Rule, Severity};

/// What only some rules can be told.
pub(super) fn add_options(options: &mut Options, rule: &Rule, table: &mut Table<'_>) {
    match rule.id {
        "label-missing" => {
            if let Some(labels) = table.strings("labels") {
                options.required_labels = labels.into_iter().map(|label| label.value).collect();
            }
        }
        "layer-count" => {
            if let Some(most) = table.number("max_layers") {
                options.max_layers = usize::try_from(most.value).unwrap_or(usize::MAX);
            }
        }
        "image-size" => {
            if let Some(most) = table.number("max_bytes") {
                options.max_image_bytes = Some(most.value);
            }
        }
        "vulnerability" => add_vulnerability_options(&mut options.vulnerability, table),
        "advisories-stale" => {
            if let Some(most) = table.number("max_age_days") {
                options.advisories_max_age_days = u32::try_from(most.value).unwrap_or(u32::MAX);
            }
        }
        "package-file-tampered" => {
            if let Some(flag) = table.flag("all_layers") {
                options.verify_all_layers = flag.value;
            }
        }
        "package-forbidden" => {
            let is_said = table.has("packages");
            let packages = table.tables("packages");
            if is_said {
                options.forbidden_packages = packages.into_iter().filter_map(forbidden_package).collect();
            }
        }
        _ => {}
    }
}

/// Those of `vulnerability`.
fn add_vulnerability_options(options: &mut VulnerabilityOptions, table: &mut Table<'_>) {
    for (key, threshold) in
        [("fail_from", &mut options.fail_from), ("fail_from_in_base", &mut options.fail_from_in_base)]
    {
        let Some(text) = table.string(key) else { continue };
        match (text.value.as_str(), text.value.parse()) {
            ("never", _) => *threshold = Threshold::Never,
            (_, Ok(severity)) => *threshold = Threshold::From(severity),
            _ => table.not_one_of(
                &text,
                "severity",
                Severity::WORST_FIRST.map(Severity::name).into_iter().chain(["never"]),
            ),
        }
    }
    if let Some(flag) = table.flag("only_fixable") {
        options.only_fixable = flag.value;
    }
    if let Some(unknown) = severity(table, "unknown") {
        options.unknown = unknown.value;
    }
    if let Some(text) = table.string("uncovered") {
        match Uncovered::ALL.into_iter().find(|uncovered| uncovered.name() == text.value) {
            Some(uncovered) => options.uncovered = uncovered,
            None => table.not_one_of(&text, "way", Uncovered::ALL.map(Uncovered::name)),
        }
    }
    if table.has("vex") {
        options.vex = table.tables("vex").into_iter().filter_map(vex_file).collect();
    } else {
        table.tables("vex");
    }
}

/// An item of `vex` of `vulnerability`.
fn vex_file(mut table: Table<'_>) -> Option<VexFile> {
    let line = table.place.line;
    let (file, sha256) = (table.string("file"), table.string("sha256"));
    let file = table.required("a VEX document", "file", file).and_then(|text| words(&table, text, "file"));
    let sha256 = sha256.map(|text| a_sha256(&table, text));
    table.end();
    // One that is no digest is told, and is no document without one.
    Some(VexFile { file: file?, sha256: sha256.map_or(Some(None), |sha256| sha256.map(Some))?, line })
}

/// An item of `packages` of `package-forbidden`.
fn forbidden_package(mut table: Table<'_>) -> Option<ForbiddenPackage> {
    let what = "a forbidden package";
    let (name, reason) = (table.string("name"), table.string("reason"));
    let name = table.required(what, "name", name).and_then(|text| name_pattern(&table, &text));
    let reason = table.required(what, "a reason", reason).and_then(|text| words(&table, text, "reason"));
    let kind = table.string("kind");
    let kind = kind.filter(|kind| {
        let is_known = Kind::ALL.iter().any(|known| known.purl_type() == kind.value);
        if !is_known {
            table.not_one_of(kind, "kind of packages", Kind::ALL.map(Kind::purl_type));
        }
        is_known
    });
    let (from, below) = (table.string("from"), table.string("below"));
    table.end();
    Some(ForbiddenPackage {
        name: name?,
        kind: kind.map(|kind| kind.value),
        from: from.map(|from| from.value),
        below: below.map(|below| below.value),
        reason: reason?,
    })
}

/// The options of one rule, as [`add_options`] reads them.
pub(super) fn push_options(text: &mut String, rule: &str, options: &Options) {
    match (rule, options.max_image_bytes) {
        ("label-missing", _) => push_list(text, "labels", options.required_labels.iter().map(String::as_str)),
        ("layer-count", _) => {
            let _ = writeln!(text, "max_layers = {}", options.max_layers);
        }
        ("image-size", Some(bytes)) => {
            let _ = writeln!(text, "max_bytes = {bytes}");
        }
        ("vulnerability", _) => {
            let VulnerabilityOptions { fail_from, fail_from_in_base, only_fixable, unknown, uncovered, vex } =
                &options.vulnerability;
            let _ = write!(
                text,
                "fail_from = \"{}\"\nfail_from_in_base = \"{}\"\nonly_fixable = {only_fixable}\nunknown = \"{unknown}\"\nuncovered = \"{}\"\n",
                fail_from.name(),
                fail_from_in_base.name(),
                uncovered.name()
            );
            push_vex(text, vex);
        }
        ("advisories-stale", _) => {
            let _ = writeln!(text, "max_age_days = {}", options.advisories_max_age_days);
        }
        ("package-file-tampered", _) => {
            let _ = writeln!(text, "all_layers = {}", options.verify_all_layers);
        }
        ("package-forbidden", _) => push_forbidden(text, &options.forbidden_packages),
        _ => {}
    }
}

fn push_vex(text: &mut String, files: &[VexFile]) {
    if files.is_empty() {
        return;
    }
    text.push_str("vex = [\n");
    for VexFile { file, sha256, line: _ } in files {
        let sha256 = sha256.map(|digest| format!(", sha256 = \"{}\"", digest.hex())).unwrap_or_default();
        let _ = writeln!(text, "    {{ file = {}{sha256} }},", quoted(file));
    }
    text.push_str("]\n");
}

fn push_forbidden(text: &mut String, packages: &[ForbiddenPackage]) {
    text.push_str("packages = [\n");
    for package in packages {
        let keys = [
            ("name", Some(&package.name.text)),
            ("kind", package.kind.as_ref()),
            ("from", package.from.as_ref()),
            ("below", package.below.as_ref()),
            ("reason", Some(&package.reason)),
        ];
        let keys = keys.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value?))));
        let _ = writeln!(text, "    {{ {} }},", keys.collect::<Vec<_>>().join(", "));
    }
    text.push_str("]\n");
}
