//! The same vulnerability is told once, though several advisories tell of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::feed::Kind;
use super::super::severity::Level;
use super::answer::Verdict;
use super::matching::Found;

/// Makes one of answers that mean the same vulnerability, drops advisories whose CVEs are all told by others, and
/// sorts: affected first, then the worst, then by id.
pub(super) fn merge(answers: &mut Vec<Found>) {
    let groups = grouped(answers);
    let mut merged: Vec<Found> = groups.into_iter().filter_map(one).collect();
    drop_collections(&mut merged);
    merged.sort_by(|a, b| {
        let key = |found: &Found| (found.answer.verdict.rank(), Reverse(found.answer.severity.level));
        key(a).cmp(&key(b)).then_with(|| a.answer.id.cmp(&b.answer.id))
    });
    *answers = merged;
}

/// Answers that share a name, directly or by way of others.
fn grouped(answers: &mut Vec<Found>) -> Vec<Vec<Found>> {
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Found>> = Vec::new();
    for found in answers.drain(..) {
        let meet: BTreeSet<usize> = found.same.iter().filter_map(|name| by_name.get(name).copied()).collect();
        let mut meet = meet.into_iter();
        let home = meet.next().unwrap_or(groups.len());
        if home == groups.len() {
            groups.push(Vec::new());
        }
        let others: Vec<Found> =
            meet.filter_map(|at| groups.get_mut(at).map(std::mem::take)).flatten().collect();
        let Some(group) = groups.get_mut(home) else { continue };
        for found in others.into_iter().chain([found]) {
            by_name.extend(found.same.iter().map(|name| (name.clone(), home)));
            group.push(found);
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The one of a group that is told: what the distribution's own tracker says where there is one, then who is
/// affected, then who knows most.
fn one(mut group: Vec<Found>) -> Option<Found> {
    group.sort_by(|a, b| {
        let key = |found: &Found| {
            let answer = &found.answer;
            (
                // Debian's OSV export does not know what is undetermined or ignored.
                answer.feed != Kind::Debian,
                answer.verdict.rank(),
                answer.severity.level == Level::Unknown,
                answer.fixed_in.is_none(),
                Reverse(found.modified),
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.answer.id.cmp(&b.answer.id))
    });
    let mut group = group.into_iter();
    let mut kept = group.next()?;
    for other in group {
        let (answer, other) = (&mut kept.answer, other.answer);
        if other.id != answer.id {
            answer.also.push(other.id);
        }
        answer.aliases.extend(other.aliases);
        answer.cves.extend(other.cves);
        // The tracker's own word is the distribution's; of all others nobody's is better than the worst.
        let is_worse = other.verdict != Verdict::NotAffected && other.severity.level > answer.severity.level;
        if answer.severity.level == Level::Unknown || (answer.feed != Kind::Debian && is_worse) {
            answer.severity = other.severity;
        }
        if answer.fixed_in.is_none() && answer.verdict == other.verdict {
            answer.fixed_in = other.fixed_in;
        }
        if answer.cvss.is_none() {
            answer.cvss = other.cvss;
        }
        if answer.summary.is_empty() {
            answer.summary = other.summary;
        }
    }
    let answer = &mut kept.answer;
    for list in [&mut answer.also, &mut answer.aliases, &mut answer.cves] {
        list.sort();
        list.dedup();
    }
    answer.aliases.retain(|alias| *alias != answer.id && !answer.also.contains(alias));
    Some(kept)
}

/// An advisory of several CVEs, each of which is told with the same verdict by a record of its own, says nothing
/// more.
fn drop_collections(answers: &mut Vec<Found>) {
    let own: BTreeMap<(String, u8), usize> = answers
        .iter()
        .enumerate()
        .flat_map(|(at, found)| {
            let rank = found.answer.verdict.rank();
            found.same.iter().map(move |name| ((name.clone(), rank), at))
        })
        .collect();
    let mut dropped: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, found) in answers.iter().enumerate() {
        let rank = found.answer.verdict.rank();
        let is_collection =
            !found.answer.cves.is_empty() && !found.answer.cves.iter().any(|cve| found.same.contains(cve));
        let told: Option<Vec<usize>> =
            found.answer.cves.iter().map(|cve| own.get(&(cve.clone(), rank)).copied()).collect();
        if let (true, Some(told)) = (is_collection && found.answer.verdict != Verdict::NotAffected, told) {
            dropped.push((at, told));
        }
    }
    for (at, told) in &dropped {
        let Some((id, fixed_in)) =
            answers.get(*at).map(|found| (found.answer.id.clone(), found.answer.fixed_in.clone()))
        else {
            continue;
        };
        for told in told {
            if let Some(found) = answers.get_mut(*told) {
                found.answer.also.push(id.clone());
                found.answer.also.sort();
                if found.answer.fixed_in.is_none() {
                    found.answer.fixed_in.clone_from(&fixed_in);
                }
            }
        }
    }
    let mut at = 0;
    answers.retain(|_| {
        at += 1;
        !dropped.iter().any(|(dropped, _)| *dropped == at - 1)
    });
}
