//! `base-account-changed`: see the page beside this file.

use super::not_asked;
use crate::base::accounts::{ACCOUNT_FILES, AccountChange, compare};
use crate::base::{Change, ChangeKind};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::model::escape::escape_bytes;
use crate::rules::rule::{Finding, Judgement, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Plan;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-account-changed",
    severity: Severity::High,
    page: include_str!("base-account-changed.md"),
    needs: Needs::Base,
    plan,
    judge: |facts, _| judge(facts),
};

fn plan(plan: &mut Plan) {
    for file in ACCOUNT_FILES {
        plan.capture(ImagePath::new(file));
    }
}

fn judge(facts: &Facts) -> Judgement {
    if let Some(judgement) = not_asked(facts) {
        return judgement;
    }
    if facts.base.base_layers() == 0 {
        return Judgement::not_evaluated("the image stands on no base that could be compared");
    }
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Judgement::not_evaluated(reason.clone()),
    };
    let mut judgement = Judgement::default();
    for (reading, comparison) in rootfs.readings.iter().zip(&facts.changes) {
        let changed = comparison.changes.iter().filter(|change| is_modified_account_file(change));
        for change in changed {
            let content = |tree: &crate::rootfs::Tree| match tree.get(&change.path) {
                Some(node) => facts.content(node.inode()),
                None => Err("it is not there".to_owned()),
            };
            match (content(&reading.base), content(&reading.effective)) {
                (Ok(before), Ok(after)) => {
                    for account in compare(&change.path, &before, &after) {
                        judgement.findings.push(tell(change, &account));
                    }
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    judgement.incomplete = Some(format!("{}: {reason}", change.path));
                }
            }
        }
    }
    Judgement { incomplete: judgement.incomplete, ..Judgement::of_unique(judgement.findings) }
}

fn is_modified_account_file(change: &Change) -> bool {
    change.effective
        && matches!(change.kind, ChangeKind::Modified { .. })
        && crate::base::accounts::is_account_file(&change.path)
}

fn tell(change: &Change, account: &AccountChange) -> Finding {
    let (name, message) = match account {
        AccountChange::Changed { name, fields } => {
            (name, format!("{} of the base is changed: {}", escape_bytes(name), fields.join(", ")))
        }
        AccountChange::Removed { name } => (name, format!("{} of the base is gone", escape_bytes(name))),
        AccountChange::SharesId { name, with, id } => (
            name,
            format!(
                "the new {} shares the id {} of the base's {}",
                escape_bytes(name),
                escape_bytes(id),
                escape_bytes(with)
            ),
        ),
        AccountChange::Shadowed { name } => {
            (name, format!("{} of the base is hidden by another line before it", escape_bytes(name)))
        }
    };
    let remedy = "leave the base's accounts as they are, and add an ordinary account of your own";
    let mut finding = Finding::new(message, remedy).path(&change.path).evidence("name", escape_bytes(name));
    finding.layer = change.layer;
    finding
}
