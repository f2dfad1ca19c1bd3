//! `workdir-unsafe`: see the page beside this file.

use super::mounted::comes_by_process;
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{ResolveError, Steps, Tree};
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "workdir-unsafe",
    severity: Severity::High,
    page: include_str!("workdir-unsafe.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let readings = facts.rootfs.as_ref().map(|rootfs| rootfs.readings.as_slice()).unwrap_or_default();
    let (steps, mut too_far) = (Steps::default(), None);
    for config in &facts.image.configs {
        let written = config.working_dir.as_str();
        // No system opens a longer one.
        if written.len() > limits::PATH_BYTES {
            continue;
        }
        let mut by_link = || {
            readings.iter().any(|reading| {
                leads_to_process(&reading.effective, &steps, written).unwrap_or_else(|error| {
                    too_far.get_or_insert_with(|| format!("WORKDIR: {error}"));
                    false
                })
            })
        };
        if comes_by_process(written) || by_link() {
            let short: String =
                quote::setting(written).chars().take(limits::FINDING_STEP_CHARACTERS).collect();
            let message =
                "WORKDIR leads below /proc or /dev/fd, to what the runtime has open and not the image";
            let remedy = "set WORKDIR to a directory of the image";
            findings.add(Finding::new(message, remedy).evidence("workdir", short))?;
        }
    }
    // Without the trees the spelling alone was judged.
    let unread = facts.rootfs.as_ref().err().cloned();
    Ok(Judgement::of(findings).incomplete(unread.or(too_far)))
}

/// Whether symlinks on the way of a path lead there: as it is written, which Podman hands on, and as Docker cleans it.
fn leads_to_process(tree: &Tree, steps: &Steps, written: &str) -> Result<bool, ResolveError> {
    let cleaned = ImagePath::new(written);
    for path in [written.as_bytes(), cleaned.as_bytes()] {
        match steps.trail(tree, path) {
            Err(ResolveError::OfProcess) => return Ok(true),
            Err(ResolveError::TooFar) => return Err(ResolveError::TooFar),
            // In all others a container does not start.
            _ => {}
        }
    }
    Ok(false)
}
