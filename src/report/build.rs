//! Filling the report: all that is decided about findings is decided here, once.

use std::cmp::Reverse;
use std::io;
use std::sync::Arc;

use super::findings::Teller;
use super::inventory::installed;
use super::{
    BaseReport, BaseState, BreakReport, ConfigReport, ContentReport, FindingReport, FindingStatus,
    ImageContents, ImageIdentity, ImageReport, LayerPlace, LayerReport, LineageReport, NearestReport, Origin,
    Outcome, PlatformReport, RuleReport, Verdict,
};
use crate::base::{BaseStatus, Nearest};
use crate::digest::chain_id_on;
use crate::error::Result;
use crate::facts::{Facts, user};
use crate::limits;
use crate::model::{History, Platform};
use crate::policy::Policy;
use crate::rules::quote::masked;
use crate::rules::{Judgement, Left, Rule};
use crate::scan::LayerFacts;
use crate::scan::secrets::{mask_assignment, mask_text, mask_words};

/// What is known of an image once every rule has spoken.
#[derive(Debug)]
pub struct ImageVerdict<'a> {
    /// The input, as given on the command line.
    pub source: &'a str,
    /// The facts.
    pub facts: &'a Facts,
    /// The policy.
    pub policy: &'a Policy,
    /// Whether a catalog was given.
    pub has_catalog: bool,
    /// Whether advisories were given.
    pub has_advisories: bool,
}

/// The report of one image, of what each rule said; its findings take their part of what is left.
///
/// # Errors
/// The time is up, or the findings take more than is left.
pub fn build_image(
    verdict: &ImageVerdict<'_>,
    judged: Vec<(&'static Rule, Judgement)>,
    left: &mut Left,
) -> Result<ImageReport> {
    let facts = verdict.facts;
    let deadline = verdict.policy.limits.deadline;
    let places = layer_places(facts);
    let teller = Teller::new(verdict, &places);
    let number = judged.iter().map(|(_, judgement)| judgement.number()).sum();
    let mut findings: Vec<FindingReport> = Vec::with_capacity(number);
    let mut rules = Vec::new();
    let mut image_verdict = Verdict::Pass;
    for (rule, mut judgement) in judged {
        let incomplete = judgement.incomplete.take().map(masked);
        let references: Arc<[_]> = rule.references().into();
        let before = findings.len();
        for finding in judgement.into_findings() {
            deadline.check()?;
            let told = teller.tell(rule, &references, finding);
            left.take(1, bytes_in_json(&told))?;
            findings.push(told);
        }
        let told = findings.get(before..).unwrap_or_default();
        let fails = told.iter().any(|finding| finding.status == FindingStatus::Fail);
        let would_fail = |finding: &FindingReport| {
            let accepted = matches!(finding.status, FindingStatus::Waived | FindingStatus::Known);
            accepted && finding.severity >= verdict.policy.fail_on
        };
        let outcome = match (fails, &incomplete) {
            (true, _) => Outcome::Fail,
            (false, Some(_)) => Outcome::NotEvaluated,
            (false, None) if told.iter().any(would_fail) => Outcome::Waived,
            (false, None) => Outcome::Pass,
        };
        if fails {
            image_verdict = image_verdict.max(Verdict::Fail);
        }
        let required =
            verdict.policy.requires(rule, verdict.has_catalog, verdict.has_advisories, &facts.base);
        if incomplete.is_some() && required {
            image_verdict = Verdict::Error;
        }
        rules.push(RuleReport { rule: rule.id, outcome, reason: incomplete, required, findings: told.len() });
    }
    findings.sort_by(|a, b| place_in_report(a).cmp(&place_in_report(b)));
    rules.sort_by_key(|rule| rule.rule);
    Ok(ImageReport {
        identity: identity(verdict.source, facts),
        verdict: image_verdict,
        contents: contents(facts),
        findings,
        rules,
        packages: installed(facts),
        heard: teller.into_heard(),
    })
}

/// Worst first, then by rule, path and layer.
fn place_in_report(finding: &FindingReport) -> impl Ord {
    let FindingReport { severity, rule, path, layer, message, .. } = finding;
    (Reverse(*severity), *rule, path.as_deref(), layer.as_ref().map(|layer| layer.index), &**message)
}

/// How long a finding is in the JSON report, without indentation.
fn bytes_in_json(finding: &FindingReport) -> u64 {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A finding holds strings, numbers and maps with string keys: nothing that cannot be serialized.
    let _ = serde_json::to_writer(&mut count, finding);
    count.0
}

/// Which image it is; `source` is the input as given on the command line.
pub(super) fn identity(source: &str, facts: &Facts) -> ImageIdentity {
    let image = &facts.image;
    ImageIdentity {
        source: source.to_owned(),
        form: image.form.to_string(),
        names: image.names.iter().cloned().map(masked).collect(),
        manifest_digest: image.manifest_digest.map(|digest| digest.to_string()),
        index_digests: image.index_digests.iter().map(ToString::to_string).collect(),
        config_digest: image.config_digest.to_string(),
        platform: platform_report(image.platform()),
    }
}

/// What an image is made of.
pub(super) fn contents(facts: &Facts) -> ImageContents {
    ImageContents {
        base: base_report(&facts.base),
        config: config_report(facts),
        layers: layer_reports(facts),
    }
}

fn platform_report(platform: &Platform) -> PlatformReport {
    PlatformReport {
        os: masked(platform.os.clone()),
        architecture: masked(platform.architecture.clone()),
        variant: Some(masked(platform.variant.clone())).filter(|variant| !variant.is_empty()),
    }
}

/// How findings name each layer.
fn layer_places(facts: &Facts) -> Vec<Arc<LayerPlace>> {
    let steps = facts.image.build_steps();
    let place = |(index, layer): (usize, &Option<Arc<LayerFacts>>)| LayerPlace {
        index,
        diff_id: layer.as_ref().and_then(|layer| layer.tar.as_ref().ok()).map(|tar| tar.diff_id.to_string()),
        created_by: steps
            .get(index)
            .map(|step| without_middle(&shown_step(step), limits::FINDING_STEP_CHARACTERS)),
    };
    facts.layers.iter().enumerate().map(place).map(Arc::new).collect()
}

fn layer_reports(facts: &Facts) -> Vec<LayerReport> {
    let base_layers = facts.base.base_layers();
    let steps = facts.image.build_steps();
    // `None` from the first layer on that could not be read.
    let mut below = Some(None);
    let layers = facts.image.layers.iter().zip(&facts.layers).enumerate();
    layers
        .map(|(index, (layer, read))| {
            let tar = read.as_ref().and_then(|read| read.tar.as_ref().ok());
            below = below.zip(tar).map(|(below, tar)| Some(chain_id_on(below, tar.diff_id)));
            let declared = layer.declared.as_ref().filter(|declared| !declared.media_type.is_empty());
            LayerReport {
                index,
                digest: read.as_ref().map(|read| read.blob.sha256.to_string()),
                diff_id: tar.map(|tar| tar.diff_id.to_string()),
                chain_id: below.flatten().map(|digest| digest.to_string()),
                media_type: declared.map(|declared| masked(declared.media_type.as_str().to_owned())),
                compression: read.as_ref().map(|read| read.compression.to_string()),
                size: read.as_ref().map(|read| read.blob.size),
                uncompressed_size: tar.map(|tar| tar.size),
                origin: Origin::of(index, base_layers),
                created_by: steps.get(index).map(|step| shown_step(step)),
                entries: tar.map(|tar| tar.entries.len()),
            }
        })
        .collect()
}

fn base_report(base: &BaseStatus) -> BaseReport {
    let lineage = base.lineage().iter().map(|base| LineageReport {
        name: base.name.clone(),
        version: base.version.clone(),
        tier: base.tier.to_string(),
        state: base.state.to_string(),
        layers: base.layers.len(),
        chain_id: base.chain_id.to_string(),
    });
    let (status, reason, nearest) = match base {
        BaseStatus::NotEvaluated { reason } => (BaseState::NotEvaluated, Some(reason.clone()), None),
        BaseStatus::Matched { .. } => (BaseState::Verified, None, None),
        BaseStatus::Missing { nearest, .. } => {
            (BaseState::Missing, None, nearest.as_deref().map(nearest_report))
        }
    };
    BaseReport { status, reason, lineage: lineage.collect(), nearest }
}

fn nearest_report(near: &Nearest) -> NearestReport {
    NearestReport {
        name: near.base.name.clone(),
        version: near.base.version.clone(),
        layers: near.base.layers.len(),
        layers_agreed: near.layers_agreed,
        breaks_at: near.breaks_at.map(|at| BreakReport {
            layer: at.layer,
            expected: at.expected.to_string(),
            found: at.found.map(|digest| digest.to_string()),
        }),
        found_at: near.found_at,
        other_platform: near.other_platform,
        content: near.content.map(|content| ContentReport { files: content.files, equal: content.equal }),
        explanation: near.explain(),
    }
}

/// A report is passed around more freely than an image: what is a secret, or is one by its name, is not in it.
fn config_report(facts: &Facts) -> ConfigReport {
    let config = facts.image.config();
    let texts = |texts: &[String]| texts.iter().map(|text| mask_text(text)).collect();
    ConfigReport {
        user: config.user.clone().map(masked),
        effective_uid: user::effective_uid(facts),
        entrypoint: mask_words(&config.entrypoint),
        cmd: mask_words(&config.cmd),
        working_dir: mask_text(&config.working_dir),
        env: config.env.iter().map(|variable| mask(variable)).collect(),
        exposed_ports: texts(&config.exposed_ports),
        volumes: texts(&config.volumes),
        labels: config
            .labels
            .iter()
            .map(|(name, value)| (mask_text(name), mask_assignment(name, value)))
            .collect(),
        created: config.created.as_deref().map(mask_text),
    }
}

/// A variable as it may be shown.
fn mask(variable: &str) -> String {
    match variable.split_once('=') {
        Some((name, value)) => format!("{}={}", mask_text(name), mask_assignment(name, value)),
        None => mask_text(variable),
    }
}

/// A build step as it may be shown.
fn shown_step(step: &History) -> String {
    mask_text(&step.step())
}

/// At most so many characters of a text: its middle is left out, and its blanks stay as they are.
pub(super) fn without_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let tail = most / 2;
    let end: String = text.chars().skip(count - tail).collect();
    let begin: String = text.chars().take(most.saturating_sub(tail + 1)).collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_tells_finding_step_characters_of_a_build_step() {
        let most = limits::FINDING_STEP_CHARACTERS;
        let whole = "é".repeat(most);
        assert_eq!(without_middle(&whole, most), whole);
        let cut = without_middle(&format!("begin{whole}end"), most);
        assert_eq!(cut.chars().count(), most);
        assert!(cut.starts_with("begin") && cut.ends_with("end") && cut.contains('…'), "{cut}");
    }

    #[test]
    fn secrets_by_name_and_in_urls_are_not_shown() {
        for (variable, shown) in [
            ("PATH=/bin", "PATH=/bin"),
            ("NPM_TOKEN=hunter2", "NPM_TOKEN=***"),
            ("DB_PASS=hunter2", "DB_PASS=***"),
            ("AUTHOR=me", "AUTHOR=me"),
            ("DATABASE_URL=postgres://u:hunter2@h/db", "DATABASE_URL=postgres://u:***@h/db"),
            ("URL=https://h/a:b@c", "URL=https://h/a:b@c"),
            ("EMPTY_TOKEN=", "EMPTY_TOKEN="),
        ] {
            assert_eq!(mask(variable), shown);
        }
    }
}
