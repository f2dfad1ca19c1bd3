//! One image: the verdict, what it stands on, what it runs, what was proven, what was found.

use std::collections::BTreeMap;

use super::page::{Look, Page, Safe, counted, human_size, shorten};
use super::{Style, Verbosity, finding, marked_by};
use crate::report::{
    BaseState, ConfigReport, ImageContents, ImageIdentity, ImageReport, LineageReport, Origin, Outcome,
    PlatformReport, RuleReport, Verdict,
};
use crate::rules::Severity;

/// The rules that together prove that an image is what its digests say.
const PROOF: [&str; 5] =
    ["blob-missing", "diff-id-mismatch", "digest-mismatch", "layer-count-mismatch", "layer-unsupported"];

/// Rules that stand on a line of their own with the reason; more are counted.
const NAMED: usize = 2;

const NO_REASON: &str = "no reason given";

pub(super) fn write(page: &mut Page, image: &ImageReport, fail_on: Severity, style: &Style) {
    marked_by(page, image.verdict, Safe::of(&image.identity.source).as_str());
    page.wrapped(
        7,
        &format!("{} · {}", title(&image.identity), Safe::of(&image.identity.form).as_str()),
        Look::Dim,
    );
    if image.verdict == Verdict::Error {
        labelled(page, "Why", "rules that the profile requires could not be evaluated; see below");
    }
    labelled(page, "Base", &base(&image.contents));
    if image.contents.base.status == BaseState::Verified {
        labelled(page, "", &measured(&image.contents));
    }
    labelled(page, "Runs", &runs(&image.contents.config));
    labelled(page, "Checked", &proof(image));
    labelled(page, "Rules", &outcomes(&image.rules));
    if style.verbosity == Verbosity::Verbose {
        write_identity(page, image, style);
    }
    finding::write(page, &image.findings, fail_on, style);
    write_not_evaluated(page, &image.rules, style);
}

/// `example.com/app:1, linux/amd64`.
pub(in crate::report) fn title(image: &ImageIdentity) -> String {
    let name = match best_name(&image.names) {
        None => "no name".to_owned(),
        Some((name, 0)) => Safe::of(name).as_str().to_owned(),
        Some((name, more)) => format!("{} and {}", Safe::of(name).as_str(), counted(more, "more name")),
    };
    format!("{name}, {}", platform(&image.platform))
}

/// `linux/arm64/v8`.
pub(in crate::report) fn platform(platform: &PlatformReport) -> String {
    let known =
        |part: &str| if part.is_empty() { "unknown".to_owned() } else { Safe::of(part).as_str().to_owned() };
    let variant = platform.variant.as_deref().map(|variant| format!("/{}", Safe::of(variant).as_str()));
    format!("{}/{}{}", known(&platform.os), known(&platform.architecture), variant.unwrap_or_default())
}

/// The name that says most, and how many others there are. Archives often give the tag of a name as
/// a name of its own.
fn best_name(names: &[String]) -> Option<(&str, usize)> {
    let best = names.iter().find(|name| name.contains(['/', ':'])).or(names.first())?;
    let is_other = |name: &&String| *name != best && !best.ends_with(&format!(":{name}"));
    Some((best, names.iter().filter(is_other).count()))
}

fn labelled(page: &mut Page, label: &str, text: &str) {
    page.marked(2, &format!("{label:9}"), Look::Bold, text, Look::Plain);
}

/// How many layers are not the base's.
fn above(image: &ImageContents) -> usize {
    image.layers.iter().filter(|layer| layer.origin == Origin::Upper).count()
}

/// `debian-base:12 (official) → application`, or why there is no base.
pub(in crate::report) fn base(image: &ImageContents) -> String {
    let base = &image.base;
    match (base.status, &base.nearest) {
        (BaseState::NotEvaluated, _) => {
            format!("not evaluated: {}", Safe::of(base.reason.as_deref().unwrap_or(NO_REASON)).as_str())
        }
        (BaseState::Missing, Some(near)) => {
            format!("none of the catalog: {}", Safe::of(&near.explanation).as_str())
        }
        (BaseState::Missing, None) => "none of the catalog, and no layer in common with any".to_owned(),
        (BaseState::Verified, _) => {
            let mut steps: Vec<_> = base.lineage.iter().map(lineage_step).collect();
            if above(image) > 0 {
                steps.push("application".to_owned());
            }
            steps.join(" → ")
        }
    }
}

fn measured(image: &ImageContents) -> String {
    let above = above(image);
    match (image.layers.len().saturating_sub(above), above) {
        (0, _) => "no approved base among them, so every layer counts as new".to_owned(),
        (below, 0) => format!("{} verified, none above", counted(below, "layer")),
        (below, _) => format!("{} verified, {above} above", counted(below, "layer")),
    }
}

/// `debian:12 (official)`, with the state where it is not approved.
fn lineage_step(base: &LineageReport) -> String {
    let state = if base.state == "approved" { String::new() } else { format!(", {}", base.state) };
    Safe::of(&format!("{}:{} ({}{state})", base.name, base.version, base.tier)).as_str().to_owned()
}

fn runs(config: &ConfigReport) -> String {
    let written = match config.user.as_deref().filter(|user| !user.is_empty()) {
        Some(user) => format!("USER {}", quoted(user)),
        None => "USER is not set".to_owned(),
    };
    let user = match config.effective_uid {
        Some(uid) => format!("as uid {uid} ({written})"),
        None => format!("as a user whose uid is not known ({written})"),
    };
    let words: Vec<_> = config.entrypoint.iter().chain(&config.cmd).map(|word| quoted(word)).collect();
    let command = if words.is_empty() { "nothing by itself".to_owned() } else { words.join(" ") };
    format!("{user}: {command}")
}

/// A word of a command, in quotes where it is not plainly one word.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && !word.contains(|char: char| char.is_whitespace() || char == '"');
    let safe = Safe::of(word);
    if plain { safe.as_str().to_owned() } else { format!("\"{}\"", safe.as_str()) }
}

/// How the rules ended.
fn outcomes(rules: &[RuleReport]) -> String {
    let words = [
        (Outcome::Fail, "failed"),
        (Outcome::NotEvaluated, "not evaluated"),
        (Outcome::Waived, "waived"),
        (Outcome::Pass, "passed"),
    ];
    let ended =
        words.map(|(outcome, word)| (rules.iter().filter(|rule| rule.outcome == outcome).count(), word));
    let told =
        ended.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// What was computed and held to what is declared.
fn proof(image: &ImageReport) -> String {
    let of_proof = || image.rules.iter().filter(|rule| PROOF.contains(&rule.rule));
    let broken: Vec<_> = of_proof().filter(|rule| rule.findings > 0).map(|rule| rule.rule).collect();
    if !broken.is_empty() {
        return format!("NOT proven to be what it says ({})", broken.join(", "));
    }
    if of_proof().filter(|rule| rule.outcome == Outcome::Pass).count() < PROOF.len() {
        return "not all of it could be held to its digests".to_owned();
    }
    let layers = counted(image.contents.layers.len(), "layer");
    match (image.identity.manifest_digest.is_some(), image.identity.form.as_str()) {
        (true, _) => format!("manifest, config and {layers} are what their digests say"),
        (false, "docker-archive-v1") => format!("{layers} read; this form has no digests to hold them to"),
        (false, _) => format!("{layers} with the diffIDs that the config says"),
    }
}

/// For whoever wants to see what exactly was judged.
fn write_identity(page: &mut Page, image: &ImageReport, style: &Style) {
    if let Some(digest) = &image.identity.manifest_digest {
        labelled(page, "Manifest", digest);
    }
    for digest in &image.identity.index_digests {
        labelled(page, "In index", digest);
    }
    labelled(page, "Config", &image.identity.config_digest);
    for (number, layer) in image.contents.layers.iter().enumerate() {
        let origin = layer.origin.name();
        let size = layer.uncompressed_size.map_or_else(|| "not read".to_owned(), human_size);
        let step = layer.created_by.as_deref().map(|step| format!(" · {}", Safe::of(step).as_str()));
        let label = if number == 0 { "Layers" } else { "" };
        let text = format!("{} {origin}, {size}{}", layer.index, step.unwrap_or_default());
        labelled(page, label, &shorten(&text, style.width.saturating_sub(11)));
        page.whole(13, layer.diff_id.as_deref().unwrap_or("no diffID"), Look::Dim);
    }
}

/// Rules that did not look at everything, by reason: they are no pass.
fn write_not_evaluated(page: &mut Page, rules: &[RuleReport], style: &Style) {
    let blocks = [
        ("Not evaluated, so not passed:", Outcome::NotEvaluated),
        ("Failed, and could not look at everything:", Outcome::Fail),
    ];
    for (heading, outcome) in blocks {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for rule in rules.iter().filter(|rule| rule.outcome == outcome) {
            match (&rule.reason, outcome) {
                (Some(reason), _) => by_reason.entry(reason).or_default().push(rule.rule),
                (None, Outcome::NotEvaluated) => by_reason.entry(NO_REASON).or_default().push(rule.rule),
                (None, _) => {}
            }
        }
        if by_reason.is_empty() {
            continue;
        }
        page.gap();
        page.wrapped(2, heading, Look::Bold);
        for (reason, rules) in by_reason {
            let reason = Safe::of(reason);
            let all = rules.join(", ");
            if rules.len() <= NAMED {
                page.wrapped(4, &format!("{all}: {}", reason.as_str()), Look::Plain);
                continue;
            }
            page.wrapped(4, &format!("{}: {}", counted(rules.len(), "rule"), reason.as_str()), Look::Plain);
            if style.verbosity == Verbosity::Verbose {
                page.wrapped(6, &all, Look::Dim);
            }
        }
    }
}
