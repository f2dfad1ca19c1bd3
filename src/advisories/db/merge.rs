//! Records of one id made one: the same record comes in several exports, and a feed that is sorted by packages
//! has an issue once for each.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::build::{Gathered, Kept, KeptEntry};
use super::strings::{Strings, Sym};

/// All records, each id of a kind of feed once, by id and kind.
///
/// Of copies that differ, the one that was changed last says what the advisory is, and what it says of a package
/// counts. Nothing depends on the order in which the copies came; `places` says which source comes first.
pub(super) fn merged(gathered: &mut Gathered, places: &[u16]) -> Vec<Kept> {
    let mut all = std::mem::take(&mut gathered.advisories);
    let strings = &gathered.strings;
    let place = |kept: &Kept| places.get(kept.source).copied().unwrap_or_default();
    all.sort_by(|a, b| {
        let same_id = strings.text(a.id).cmp(strings.text(b.id)).then_with(|| a.kind.cmp(&b.kind));
        let newest = || b.modified.cmp(&a.modified).then_with(|| place(a).cmp(&place(b)));
        same_id.then_with(newest).then_with(|| by_content(strings, a, b))
    });
    let mut merged: Vec<Kept> = Vec::with_capacity(all.len());
    // Packages of which a newer copy speaks already, and how new it is.
    let mut spoken: BTreeSet<(Sym, Sym)> = BTreeSet::new();
    // How many of its entries these are of.
    let mut heard = 0;
    let mut newest = 0;
    for next in all {
        match merged.last_mut().filter(|last| last.id == next.id && last.kind == next.kind) {
            Some(last) => {
                if next.modified != newest {
                    let new = last.affected.get(heard..).unwrap_or_default();
                    spoken.extend(new.iter().map(|entry| (entry.ecosystem, entry.package)));
                    heard = last.affected.len();
                    newest = next.modified;
                }
                add(last, next, &spoken);
            }
            None => {
                spoken.clear();
                heard = 0;
                newest = next.modified;
                merged.push(next);
            }
        }
    }
    for kept in &mut merged {
        kept.affected.sort_by(|a, b| by_entries(strings, a, b));
        kept.affected.dedup();
        for list in kept.lists.iter_mut().take(3) {
            list.sort_by(|a, b| strings.text(*a).cmp(strings.text(*b)));
            list.dedup();
        }
    }
    merged
}

fn add(last: &mut Kept, next: Kept, spoken: &BTreeSet<(Sym, Sym)>) {
    let heard = |entry: &KeptEntry| spoken.contains(&(entry.ecosystem, entry.package));
    last.affected.extend(next.affected.into_iter().filter(|entry| !heard(entry)));
    for (at, (mine, others)) in last.lists.iter_mut().zip(next.lists).enumerate() {
        // Names add up; of references and vectors those of the first count.
        if at < 3 || mine.is_empty() {
            mine.extend(others);
        }
    }
    if last.summary == 0 {
        last.summary = next.summary;
    }
    if last.severity_by == 0 {
        (last.level, last.severity_by) = (next.level, next.severity_by);
    }
}

fn by_texts(strings: &Strings, a: &[Sym], b: &[Sym]) -> Ordering {
    a.iter().map(|sym| strings.text(*sym)).cmp(b.iter().map(|sym| strings.text(*sym)))
}

fn by_content(strings: &Strings, a: &Kept, b: &Kept) -> Ordering {
    let text = |sym: Sym| strings.text(sym);
    text(a.summary)
        .cmp(text(b.summary))
        .then_with(|| (a.level, a.published).cmp(&(b.level, b.published)))
        .then_with(|| text(a.severity_by).cmp(text(b.severity_by)))
        .then_with(|| text(a.informational).cmp(text(b.informational)))
        .then_with(|| {
            let lists = a.lists.iter().zip(&b.lists).map(|(a, b)| by_texts(strings, a, b));
            lists.fold(Ordering::Equal, Ordering::then)
        })
        .then_with(|| a.affected.len().cmp(&b.affected.len()))
        .then_with(|| {
            let entries = a.affected.iter().zip(&b.affected).map(|(a, b)| by_entries(strings, a, b));
            entries.fold(Ordering::Equal, Ordering::then)
        })
}

/// By all that an entry is, so that equal ones are neighbours.
pub(super) fn by_entries(strings: &Strings, a: &KeptEntry, b: &KeptEntry) -> Ordering {
    let text = |sym: Sym| strings.text(sym);
    let names =
        |entry: &KeptEntry| [entry.ecosystem, entry.package, entry.module, entry.arch, entry.severity_by];
    by_texts(strings, &names(a), &names(b))
        .then_with(|| (a.fix, a.level).cmp(&(b.fix, b.level)))
        .then_with(|| {
            let bound = |(introduced, kind, end): &(Sym, super::format::EndKind, Sym)| {
                (text(*introduced).to_owned(), *kind as u8, text(*end).to_owned())
            };
            a.ranges.iter().map(bound).cmp(b.ranges.iter().map(bound))
        })
        .then_with(|| by_texts(strings, &a.versions, &b.versions))
}
