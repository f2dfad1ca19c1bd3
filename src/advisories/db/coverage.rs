//! What the sources of a database are feeds of, apart from what comes along in records about others.
//!
//! That no advisory names a package says something only where a feed of its ecosystem was read: AlmaLinux's advisories
//! of release 8 name release 9 in one of a hundred, and npm's name packages of Maven. What a source covers is told by
//! the shares of its records, for a name proves nothing; the rule is [`of_shares`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ecosystem::Ecosystem;
use super::super::feed::{Kind, Taken};
use super::build::{Gathered, Kept};
use super::strings::{Strings, Sym};
use crate::error::{Error, Result};

/// Tells of each source what it covers and what else it mentions.
///
/// # Errors
/// Something is `stated` to be covered that no source speaks of.
pub(super) fn decide(gathered: &Gathered, taken: &mut [Taken], stated: &[Ecosystem]) -> Result<()> {
    let strings = &gathered.strings;
    let parts = parts(taken);
    let mut records: Vec<Vec<&Kept>> = vec![Vec::new(); taken.len()];
    for kept in &gathered.advisories {
        records.get_mut(kept.source).into_iter().for_each(|records| records.push(kept));
    }
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for (taken, records) in taken.iter_mut().zip(&records) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for kept in records {
            for ecosystem in ecosystems(kept) {
                *counts.entry(strings.text(ecosystem)).or_default() += 1;
            }
        }
        named.extend(counts.keys());
        let (whole, shared): (Vec<&Kept>, Vec<&Kept>) =
            records.iter().partition(|kept| matches!(kept.kind, Kind::Debian | Kind::Secdb));
        let whole = whole.into_iter().flat_map(ecosystems).map(|ecosystem| strings.text(ecosystem));
        let mut covers: BTreeSet<&str> = whole.filter(|name| !parts.contains(*name)).collect();
        // One record, or one document, is no feed of anything.
        if !taken.is_document {
            covers.extend(of_shares(strings, &taken.name, &shared));
        }
        counts.retain(|name, _| !covers.contains(name));
        taken.mentions = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        taken.covers = covers.into_iter().map(str::to_owned).collect();
    }
    match stated.iter().map(ToString::to_string).find(|stated| !named.contains(stated.as_str())) {
        None => Ok(()),
        Some(stated) => Err(Error::usage(format!("--covers {stated}: no source speaks of it"))
            .hint("name ecosystems and releases as `ocicheck db info` does: `Debian:12`, `PyPI`")),
    }
}

/// Releases of which not all repositories are there whose packages an image may have: Alpine's are in `main` and, from
/// 3.3 on, in `community`.
fn parts(taken: &[Taken]) -> BTreeSet<String> {
    let all: BTreeSet<&(String, String)> = taken.iter().flat_map(|taken| &taken.repositories).collect();
    let has = |release: &str, name: &str| all.contains(&(release.to_owned(), name.to_owned()));
    let is_part = |release: &str| {
        release.starts_with("Alpine:")
            && !has(release, "")
            && !(has(release, "main") && (has(release, "community") || has_one_repository(release)))
    };
    all.iter().map(|(release, _)| release).filter(|release| is_part(release)).cloned().collect()
}

fn has_one_repository(release: &str) -> bool {
    let number = release.strip_prefix("Alpine:").and_then(|release| release.split_once('.'));
    let number =
        number.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    number.is_some_and(|number| number < (3, 3))
}

/// The ecosystems that a record names, each once.
fn ecosystems(kept: &Kept) -> BTreeSet<Sym> {
    kept.affected.iter().map(|entry| entry.ecosystem).collect()
}

/// Of an ecosystem without its releases.
#[derive(Default)]
struct Family<'a> {
    /// Records that name it.
    records: u64,
    /// Of these, those that name no other.
    alone: u64,
    /// Its releases, with the records that name them.
    releases: BTreeMap<&'a str, Release>,
}

#[derive(Default)]
struct Release {
    records: u64,
    /// Of these, those that name another release which ten times as many do.
    beside: u64,
}

/// What records are a feed of, by their shares.
///
/// A source is a feed of an *ecosystem* if one in ten of its records that name it name no other, and these are one in a
/// thousand of all; or if it is called as OSV calls the export of it (`ECOSYSTEM/all.zip`) and each record names it.
///
/// If each record of an ecosystem names one *release*, it is a feed of that one only. Else it is one of each release that
/// one in a hundred names, unless nine in ten do so beside a release that ten times as many name.
fn of_shares<'a>(strings: &'a Strings, name: &str, records: &[&Kept]) -> Vec<&'a str> {
    let named: Vec<BTreeSet<&str>> = records
        .iter()
        .map(|kept| ecosystems(kept).into_iter().map(|name| strings.text(name)).collect::<BTreeSet<_>>())
        .filter(|names| !names.is_empty())
        .collect();
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for names in &named {
        let of_record: BTreeSet<&str> = names.iter().map(|name| family(name)).collect();
        for family in &of_record {
            let family = families.entry(family).or_default();
            family.records += 1;
            family.alone += u64::from(of_record.len() == 1);
        }
        for name in names {
            families.entry(family(name)).or_default().releases.entry(name).or_default().records += 1;
        }
    }
    let all = named.len() as u64;
    let exported = name.strip_suffix("/all.zip").and_then(|path| path.rsplit('/').next()).map(family);
    families.retain(|name, family| {
        let is_export = exported == Some(name) && family.records == all;
        is_export || family.alone * 10 >= family.records && family.alone * 1_000 >= all
    });
    for names in &named {
        count_beside(&mut families, names);
    }
    families.values().flat_map(Family::covered).collect()
}

/// Debian's, of `Debian:12`.
fn family(name: &str) -> &str {
    name.split_once(':').map_or(name, |(family, _)| family)
}

/// Counts the releases of one record that it names beside others of which more is told.
fn count_beside<'a>(families: &mut BTreeMap<&'a str, Family<'a>>, names: &BTreeSet<&'a str>) {
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    for name in names {
        let Some(release) = families.get(family(name)).and_then(|family| family.releases.get(name)) else {
            continue;
        };
        let most = most.entry(family(name)).or_default();
        *most = release.records.max(*most);
    }
    for name in names {
        let most = most.get(family(name)).copied().unwrap_or_default();
        let family = families.get_mut(family(name));
        if let Some(release) = family.and_then(|family| family.releases.get_mut(name)) {
            release.beside += u64::from(most >= release.records * 10);
        }
    }
}

impl<'a> Family<'a> {
    fn covered(&self) -> Vec<&'a str> {
        let in_each = self.releases.iter().filter(|(_, release)| release.records == self.records);
        let in_each: Vec<&str> = in_each.map(|(name, _)| *name).collect();
        if !in_each.is_empty() {
            return in_each;
        }
        let is_covered = |release: &Release| {
            release.records * 100 >= self.records && release.beside * 10 < release.records * 9
        };
        self.releases.iter().filter(|(_, release)| is_covered(release)).map(|(name, _)| *name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisories::record::{Affected, End, Fix, Range, Record};

    fn record(number: usize, kind: Kind, names: &[&str]) -> (Kind, Record) {
        let affected = names.iter().map(|name| Affected {
            ecosystem: Ecosystem::parse(name).unwrap(),
            package: "x".to_owned(),
            arch: String::new(),
            module: String::new(),
            ranges: vec![Range { introduced: String::new(), end: End::Open }],
            versions: Vec::new(),
            fix: Fix::AsRanges,
            severity: None,
        });
        (kind, Record { id: format!("A-{number}"), affected: affected.collect(), ..Record::default() })
    }

    /// A source of so many records of which each names these.
    fn source(name: &str, records: &[(usize, &[&str])]) -> (Taken, Vec<(Kind, Record)>) {
        let all = records.iter().flat_map(|(count, names)| std::iter::repeat_n(*names, *count));
        let all = all.enumerate().map(|(number, names)| record(number, Kind::Osv, names));
        (Taken { name: name.to_owned(), ..Taken::default() }, all.collect())
    }

    fn decided(sources: Vec<(Taken, Vec<(Kind, Record)>)>, stated: &[&str]) -> Result<Vec<Taken>> {
        let mut gathered = Gathered::default();
        let mut all = Vec::new();
        for (number, (taken, records)) in sources.into_iter().enumerate() {
            all.push(taken);
            for (kind, record) in records {
                gathered.add(number, kind, record).unwrap();
            }
        }
        let stated: Vec<_> = stated.iter().map(|name| Ecosystem::parse(name).unwrap()).collect();
        decide(&gathered, &mut all, &stated)?;
        Ok(all)
    }

    fn covers(name: &str, records: &[(usize, &[&str])]) -> Vec<String> {
        decided(vec![source(name, records)], &[]).unwrap().remove(0).covers
    }

    /// The exports that these are like are named.
    #[test]
    fn what_comes_along_is_not_covered() {
        for (what, name, records, expected) in [
            (
                "AlmaLinux 8",
                "AlmaLinux8-all.zip",
                &[
                    (3_197, &["AlmaLinux:8"][..]),
                    (34, &["AlmaLinux:8", "AlmaLinux:9"]),
                    (6, &["AlmaLinux:8", "AlmaLinux:10"]),
                ][..],
                &["AlmaLinux:8"][..],
            ),
            (
                "AlmaLinux 8, and a stray one",
                "x.zip",
                &[(3_197, &["AlmaLinux:8"]), (40, &["AlmaLinux:8", "AlmaLinux:9"]), (1, &["AlmaLinux:9"])],
                &["AlmaLinux:8"],
            ),
            (
                "AlmaLinux",
                "x.zip",
                &[(3_000, &["AlmaLinux:8"]), (300, &["AlmaLinux:10"])],
                &["AlmaLinux:10", "AlmaLinux:8"],
            ),
            (
                "Alpaquita",
                "x.zip",
                &[
                    (1_000, &["Alpaquita:stream", "Alpaquita:23", "Alpaquita:25"]),
                    (100, &["Alpaquita:stream", "Alpaquita:25"]),
                    (60, &["Alpaquita:stream", "BellSoft Hardened Containers:stream"]),
                    (2, &["Alpaquita:23"]),
                ],
                &["Alpaquita:23", "Alpaquita:25", "Alpaquita:stream"],
            ),
            (
                "Ubuntu 22.04, which is in each record",
                "x.zip",
                &[(60, &["Ubuntu:22.04", "Ubuntu:24.04"]), (40, &["Ubuntu:22.04"])],
                &["Ubuntu:22.04"],
            ),
            (
                "npm",
                "npm/all.zip",
                &[(300, &["npm"]), (9, &["npm", "Maven"]), (1, &["npm", "Maven", "NuGet"])],
                &["npm"],
            ),
            (
                "GitHub",
                "advisories",
                &[(700, &["npm"]), (2, &["Hex"]), (5, &["npm", "Maven"]), (300, &["Maven"])],
                &["Hex", "Maven", "npm"],
            ),
            ("PyPI, and a stray one", "x", &[(2_000, &["PyPI"]), (1, &["Maven"])], &["PyPI"]),
            ("one of four", "x", &[(1, &["npm", "Maven", "NuGet", "RubyGems"])], &[]),
            ("Wolfi", "Wolfi/all.zip", &[(50, &["Wolfi", "Chainguard"])], &["Wolfi"]),
            ("Wolfi below", "osv/Wolfi/all.zip", &[(50, &["Wolfi", "Chainguard"])], &["Wolfi"]),
            (
                "what is called as Wolfi's",
                "Wolfi/all.zip",
                &[(50, &["Wolfi", "Chainguard"]), (1, &["PyPI"])],
                &["PyPI"],
            ),
        ] {
            assert_eq!(covers(name, records), expected, "{what}");
        }
    }

    #[test]
    fn what_comes_along_is_counted() {
        let records: [(usize, &[&str]); 2] = [(300, &["npm"]), (9, &["npm", "Maven"])];
        let taken = decided(vec![source("x", &records)], &[]).unwrap().remove(0);
        assert_eq!(taken.mentions, BTreeMap::from([("Maven".to_owned(), 9)]));
    }

    /// Who adds the record of one fault adds no feed.
    #[test]
    fn one_document_covers_nothing() {
        let (mut taken, records) = source("x.json", &[(1, &["npm"])]);
        taken.is_document = true;
        let taken = decided(vec![(taken, records), source("dir", &[(1, &["PyPI"])])], &[]).unwrap();
        assert!(taken[0].covers.is_empty() && taken[0].mentions.contains_key("npm"));
        assert_eq!(taken[1].covers, ["PyPI"]);
    }

    #[test]
    fn a_release_of_alpine_is_covered_where_both_repositories_are_there() {
        let of = |release: &str, repository: &str| {
            let mut taken = Taken { is_document: true, ..Taken::default() };
            taken.repositories.insert((release.to_owned(), repository.to_owned()));
            (taken, vec![record(0, Kind::Secdb, &[release])])
        };
        let covered = |sources| {
            let taken = decided(sources, &[]).unwrap();
            taken.iter().map(|taken| taken.covers.len()).collect::<Vec<_>>()
        };
        assert_eq!(covered(vec![of("Alpine:3.18", "main")]), [0]);
        assert_eq!(covered(vec![of("Alpine:3.18", "community"), of("Alpine:3.17", "main")]), [0, 0]);
        assert_eq!(covered(vec![of("Alpine:3.18", "community"), of("Alpine:3.18", "main")]), [1, 1]);
        assert_eq!(covered(vec![of("Alpine:edge", "main")]), [0]);
        // It says nothing, had no other yet, or is another distribution's.
        assert_eq!(
            covered(vec![of("Alpine:3.18", ""), of("Alpine:3.2", "main"), of("Wolfi", "os")]),
            [1, 1, 1]
        );
    }

    #[test]
    fn what_nobody_speaks_of_cannot_be_stated() {
        let of = |stated: &[&str]| decided(vec![source("x", &[(1, &["npm", "Maven"])])], stated);
        assert!(of(&["npm", "Maven"]).is_ok());
        assert!(of(&["PyPI"]).unwrap_err().to_string().contains("--covers PyPI: no source speaks of it"));
    }
}
