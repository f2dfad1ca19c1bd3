//! `base-account-changed`: see the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use super::not_asked;
use crate::base::accounts::{ACCOUNT_FILES, AccountChange, TcbShadows, compare};
use crate::base::subordinate_ids::{self, Range, RangeChange, SUBORDINATE_FILES};
use crate::base::{Change, ChangeKind};
use crate::facts::Facts;
use crate::limits::LINE_FINDINGS;
use crate::model::ImagePath;
use crate::model::escape::escape_bytes;
use crate::rootfs::{Reading, Tree};
use crate::rules::findings::{Findings, Full, UpTo};
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Plan;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "base-account-changed",
    severity: Severity::High,
    page: include_str!("base-account-changed.md"),
    needs: Needs::Base,
    plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn plan(plan: &mut Plan) {
    for file in ACCOUNT_FILES {
        plan.capture(ImagePath::new(file));
    }
}

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    if let Some(judgement) = not_asked(facts) {
        return Ok(judgement);
    }
    if facts.base.base_layers() == 0 {
        return Ok(Judgement::not_evaluated("the image stands on no base that could be compared"));
    }
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let mut found = UpTo::new(&mut findings, LINE_FINDINGS);
    let mut incomplete = None;
    for (reading, comparison) in rootfs.readings.iter().zip(&facts.changes) {
        let changed = comparison.changes.iter().filter(|change| is_compared_by_line(change));
        for change in changed {
            let content = |tree: &Tree| match tree.get(&change.path) {
                Some(node) => facts.content(node.inode()),
                None => Err("it is not there".to_owned()),
            };
            match (content(&reading.base), content(&reading.effective)) {
                (Ok(before), Ok(after)) => {
                    for account in compare(&change.path, &before, &after) {
                        found.add(|| Finding { layer: change.layer, ..tell(&change.path, &account) })?;
                    }
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    incomplete = Some(format!("{}: {reason}", change.path));
                }
            }
        }
        incomplete = tell_tcb(facts, reading, &mut found)?.or(incomplete);
        for (file, accounts) in SUBORDINATE_FILES {
            incomplete = compare_ranges(facts, reading, file, accounts, &mut found)?.or(incomplete);
        }
    }
    let too_many = found.are_more().then(|| format!("there are more than {LINE_FINDINGS} (LINE_FINDINGS)"));
    Ok(Judgement::of(findings).incomplete(incomplete.or(too_many)))
}

/// Tells shadow files of single accounts of the base that the base does not have so. Why its accounts are not known, where
/// that is so.
fn tell_tcb(facts: &Facts, reading: &Reading, found: &mut UpTo<'_, '_>) -> Result<Option<String>, Full> {
    let passwd = match facts.file_content(&reading.base, "etc/passwd") {
        Ok(passwd) => passwd.unwrap_or_default(),
        Err(reason) => return Ok(Some(reason)),
    };
    let names =
        passwd.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b':').next());
    let names: BTreeSet<_> = names.collect();
    let shadows = TcbShadows::of(&reading.effective);
    let known = TcbShadows::of(&reading.base);
    let known: BTreeMap<_, _> = known.files.into_iter().map(|(account, _, file)| (account, file)).collect();
    for (account, path, file) in shadows.files.into_iter().filter(|(account, ..)| names.contains(account)) {
        if known.get(account).is_some_and(|known| known.inode().same_as(file.inode())) {
            continue;
        }
        let name = escape_bytes(account);
        let message = format!(
            "{name} of the base has a password of its own here, which musl asks for before /etc/shadow"
        );
        found.add(|| finding(&path, account, message).layer(file.inode().origin.layer()))?;
    }
    Ok(shadows.incomplete)
}

/// Also where the file is new: it gives to accounts what is the base's. Why they cannot be compared, where that is so.
fn compare_ranges(
    facts: &Facts,
    reading: &Reading,
    file: &str,
    accounts: &str,
    found: &mut UpTo<'_, '_>,
) -> Result<Option<String>, Full> {
    let contents = || -> Result<_, String> {
        let after = facts.file_content(&reading.effective, file)?;
        let before = facts.file_content(&reading.base, file)?.unwrap_or_default();
        Ok((before, after, facts.file_content(&reading.base, accounts)?.unwrap_or_default()))
    };
    let (before, after, accounts) = match contents() {
        Ok((before, Some(after), accounts)) if before != after => (before, after, accounts),
        Ok(_) => return Ok(None),
        Err(reason) => return Ok(Some(reason)),
    };
    let path = ImagePath::new(file);
    let layer = reading.effective.resolve(&path).ok().map(|found| found.node.inode().origin.layer());
    for change in subordinate_ids::compare(&before, &after, &accounts) {
        found.add(|| Finding { layer, ..tell_range(&path, &change) })?;
    }
    Ok(None)
}

fn is_compared_by_line(change: &Change) -> bool {
    let path = change.path.as_bytes();
    change.effective
        && matches!(change.kind, ChangeKind::Modified { .. })
        && crate::base::accounts::is_account_file(&change.path)
        && SUBORDINATE_FILES.iter().all(|(file, _)| file.as_bytes() != path)
}

fn tell(path: &ImagePath, account: &AccountChange) -> Finding {
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
    finding(path, name, message)
}

fn tell_range(path: &ImagePath, change: &RangeChange<'_>) -> Finding {
    let shown =
        |range: &Range<'_>| format!("{}-{} of {}", range.first, range.last, escape_bytes(range.owner));
    let (range, message) = match change {
        RangeChange::Lost(range) => (range, format!("the base's range {} is gone", shown(range))),
        RangeChange::Added(range) => {
            (range, format!("the range {}, an account of the base, is new", shown(range)))
        }
        RangeChange::HoldsId { range, id, with } => (
            range,
            format!("the new range {} holds the id {id} of the base's {}", shown(range), escape_bytes(with)),
        ),
        RangeChange::Overlaps { range, with } => {
            (range, format!("the new range {} overlaps the base's {}", shown(range), shown(with)))
        }
    };
    finding(path, range.owner, message)
}

fn finding(path: &ImagePath, name: &[u8], message: String) -> Finding {
    let remedy = "leave the base's accounts as they are, and add an ordinary account of your own";
    Finding::new(message, remedy).path(path).evidence("name", escape_bytes(name))
}
