//! `workdir-unsafe`: see the page beside this file.

use super::mounted::{comes_by_process, is_of_process, located};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::Tree;
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
    for config in &facts.image.configs {
        let written = config.working_dir.as_str();
        let by_link = || readings.iter().any(|reading| is_linked_to_process(&reading.effective, written));
        // No system opens a longer one.
        if written.len() <= limits::PATH_BYTES && (comes_by_process(written) || by_link()) {
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
    Ok(Judgement::of(findings).incomplete(unread))
}

/// Whether a symlink on the way of a path as written leads there.
fn is_linked_to_process(tree: &Tree, path: &str) -> bool {
    let mut here = ImagePath::root();
    path.split('/').any(|part| {
        here = match part {
            "" | "." => return false,
            ".." => here.parent(),
            part => here.join(part.as_bytes()),
        };
        is_of_process(&located(tree, &here))
    })
}
