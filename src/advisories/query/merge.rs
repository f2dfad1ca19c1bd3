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
    let mut homes: Vec<usize> = (0..answers.len()).collect();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, found) in answers.iter().enumerate() {
        for name in &found.same {
            let other = *by_name.entry(name).or_insert(at);
            join(&mut homes, at, other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    for (at, found) in answers.drain(..).enumerate() {
        groups.entry(home(&mut homes, at)).or_default().push(found);
    }
    groups.into_values().collect()
}

/// Makes one of the groups of two answers, which goes by the first of all.
fn join(homes: &mut [usize], a: usize, b: usize) {
    let (a, b) = (home(homes, a), home(homes, b));
    if let Some(home) = homes.get_mut(a.max(b)) {
        *home = a.min(b);
    }
}

/// The first answer of a group; the way to it is halved, for whoever asks again.
fn home(homes: &mut [usize], mut at: usize) -> usize {
    loop {
        let next = homes.get(at).copied().unwrap_or(at);
        if next == at {
            return at;
        }
        let beyond = homes.get(next).copied().unwrap_or(next);
        homes.get_mut(at).into_iter().for_each(|home| *home = beyond);
        at = beyond;
    }
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
    answer.aliases.retain(|alias| *alias != answer.id && answer.also.binary_search(alias).is_err());
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
                if found.answer.fixed_in.is_none() {
                    found.answer.fixed_in.clone_from(&fixed_in);
                }
            }
        }
    }
    for told in dropped.iter().flat_map(|(_, told)| told).collect::<BTreeSet<_>>() {
        answers.get_mut(*told).into_iter().for_each(|found| found.answer.also.sort());
    }
    let dropped: BTreeSet<usize> = dropped.into_iter().map(|(at, _)| at).collect();
    let mut at = 0..;
    answers.retain(|_| at.next().is_none_or(|at| !dropped.contains(&at)));
}
