//! What each entry of a package says of a version of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::super::db::format::{EcosystemInfo, EndKind, Entry, Run};
use super::super::db::read::Database;
use super::super::ecosystem::Ecosystem;
use super::super::feed::Kind;
use super::super::feed::events::{Bound, holds};
use super::super::order::{Order, compare};
use super::super::record::{Fix, SOURCE, day, is_cve};
use super::super::severity::{Level, Score, Severity};
use super::answer::{Answer, Verdict};
use super::effort::Effort;
use super::own::Own;
use super::question::{Asked, Modularity, Question};
use crate::error::Result;

/// An answer, and what merging needs of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) answer: Answer,
    pub(super) modified: i64,
    /// Names that all mean this one vulnerability.
    pub(super) same: Vec<String>,
}

/// What one entry says.
#[derive(Debug, Clone)]
struct Said<'a> {
    verdict: Verdict,
    fixed_in: Option<&'a str>,
    /// Whether the fix is one for the package's own minor release.
    own_release: bool,
    entry: Entry,
}

/// The answers of all advisories that name the package; those that it is not affected by only where `all` are
/// asked for.
///
/// What the version is compared with counts as effort: each entry, and each range and version of it.
pub(super) fn answers(
    database: &Database,
    question: &Question<'_>,
    all: bool,
    effort: &Effort,
) -> Result<Vec<Found>> {
    let names = question.asked();
    // A name or channel that counts more hides what a plainer one says of the same advisory.
    let mut said: BTreeMap<u32, (&Asked<'_>, Said<'_>)> = BTreeMap::new();
    for asked in &names {
        for ecosystem in question.ecosystem.asked(asked.version) {
            for (advisory, new) in of_channel(database, question, asked, &ecosystem, effort)? {
                match said.entry(advisory) {
                    Slot::Vacant(slot) => _ = slot.insert((asked, new)),
                    // What is said of the source holds beside what is said of the package.
                    Slot::Occupied(mut slot) if asked.of_sources && slot.get().1.gives_way_to(&new) => {
                        slot.insert((asked, new));
                    }
                    Slot::Occupied(_) => {}
                }
            }
        }
    }
    // What Debian's tracker says not to be affected hides what the export of it says, so merging must see it.
    let mut exported = false;
    let tracked = database.header().sources.iter().any(|source| source.kind.contains(Kind::Debian.name()));
    for (advisory, (_, said)) in said.iter().filter(|_| tracked) {
        exported |= said.verdict != Verdict::NotAffected && kind(database, *advisory)? == Kind::Osv;
    }
    let mut answers = Vec::new();
    for (advisory, (asked, said)) in said {
        let wanted = all || said.verdict != Verdict::NotAffected;
        if wanted || (exported && kind(database, advisory)? == Kind::Debian) {
            answers.push(found(database, said, asked)?);
        }
    }
    Ok(answers)
}

/// What each advisory of an ecosystem says of a name.
fn of_channel<'a>(
    database: &'a Database,
    question: &Question<'_>,
    asked: &Asked<'_>,
    ecosystem: &Ecosystem,
    effort: &Effort,
) -> Result<BTreeMap<u32, Said<'a>>> {
    let mut said: BTreeMap<u32, Said<'_>> = BTreeMap::new();
    let Some(known) = database.ecosystem(ecosystem) else { return Ok(said) };
    let own = Own::new(ecosystem.order(), asked.version, asked.epoch);
    let plain = ecosystem.plain_of_fips(asked.version);
    let plain = plain.map(|text| Own::new(own.order, text, asked.epoch));
    let matched = Matched { database, question, own, plain };
    for entry in entries(database, known, asked)? {
        let entry = entry?;
        let compared = 1 + u64::from(entry.ranges.count) + u64::from(entry.versions.count);
        effort.spend(compared, asked.version)?;
        if let Some(new) = matched.entry(entry, asked)? {
            said.entry(entry.advisory).and_modify(|old| old.add(&new)).or_insert(new);
        }
    }
    Ok(said)
}

/// The entries of an ecosystem that speak of a name.
pub(super) fn entries<'a>(
    database: &'a Database,
    known: &EcosystemInfo,
    asked: &Asked<'_>,
) -> Result<impl Iterator<Item = Result<Entry>> + use<'a>> {
    let of_sources = asked.of_sources;
    Ok(database.entries(known, &asked.name)?.filter_map(move |entry| {
        let wanted = |entry: Entry| -> Result<Option<Entry>> {
            let is_of_source = database.text(entry.arch)? == SOURCE;
            Ok((is_of_source == of_sources).then_some(entry))
        };
        entry.and_then(wanted).transpose()
    }))
}

fn kind(database: &Database, advisory: u32) -> Result<Kind> {
    Ok(database.advisory_at(advisory.into())?.kind)
}

impl Said<'_> {
    /// Affected if any entry says so, of those for the package's own minor release where there are such.
    fn add(&mut self, other: &Self) {
        if self.gives_way_to(other) {
            *self = other.clone();
        }
    }

    fn gives_way_to(&self, other: &Self) -> bool {
        let worse = other.verdict.rank() < self.verdict.rank();
        (other.own_release && !self.own_release) || (other.own_release == self.own_release && worse)
    }
}

/// What comes of comparing a version with an entry's.
struct Compared<'a> {
    verdict: Verdict,
    /// Where it is fixed.
    fixed_in: Option<&'a str>,
    /// Whether the bounds are those of a module's packages.
    modular: bool,
    own_release: bool,
}

/// The minor release that an rpm's release names: `el9_2`.
fn minor_release(version: &str) -> Option<&str> {
    let tag = version.rsplit('.').find(|part| part.starts_with("el"))?;
    tag.contains('_').then_some(tag)
}

struct Matched<'a, 'q> {
    database: &'a Database,
    question: &'q Question<'q>,
    own: Own<'q>,
    /// What a build for FIPS was made anew of, where others than its own channels are asked.
    plain: Option<Own<'q>>,
}

impl<'a> Matched<'a, '_> {
    /// What an entry says; `None` where it is of another architecture or module stream.
    fn entry(&self, entry: Entry, asked: &Asked<'_>) -> Result<Option<Said<'a>>> {
        let arch = self.database.text(entry.arch)?;
        if !asked.of_sources
            && !arch.is_empty()
            && self.question.arch.as_deref().is_some_and(|own| own != arch)
        {
            return Ok(None);
        }
        if entry.fix == Fix::NotAffected {
            return Ok(Some(Said {
                verdict: Verdict::NotAffected,
                fixed_in: None,
                own_release: false,
                entry,
            }));
        }
        let Compared { verdict: mut decided, mut fixed_in, modular, own_release } =
            self.versions(&entry, self.own)?;
        if let (Verdict::NotAffected, Some(plain)) = (&decided, self.plain) {
            let of_plain = self.versions(&entry, plain)?;
            if of_plain.verdict != Verdict::NotAffected {
                let why = format!("a build for FIPS of {} may have the fix, and may not", plain.text);
                (decided, fixed_in) = (Verdict::Undecidable(why), of_plain.fixed_in);
            }
        }
        if self.own.order == Order::Rpm {
            match self.stream(self.database.text(entry.module)?, modular) {
                Stream::Same => {}
                Stream::Other => return Ok(None),
                Stream::Unclear(why) if decided != Verdict::NotAffected => {
                    decided = Verdict::Undecidable(why.to_owned());
                }
                Stream::Unclear(_) => {}
            }
        }
        if entry.fix == Fix::Undetermined && decided == Verdict::Affected {
            decided =
                Verdict::Undecidable("the feed has not determined yet whether it is affected".to_owned());
        }
        Ok(Some(Said { verdict: decided, fixed_in, own_release, entry }))
    }

    /// Compares a version with all bounds of an entry.
    fn versions(&self, entry: &Entry, own: Own<'_>) -> Result<Compared<'a>> {
        let mut verdict = Verdict::NotAffected;
        let mut fixes: Vec<&str> = Vec::new();
        let mut end_of_own = None;
        let mut modular = false;
        for interval in self.database.intervals(entry.ranges) {
            let interval = interval?;
            let (introduced, end) =
                (self.database.text(interval.introduced)?, self.database.text(interval.end)?);
            modular |= end.contains(".module");
            let bound = match interval.kind {
                EndKind::Open => Bound::Open,
                EndKind::Fixed | EndKind::Limit => Bound::Before,
                EndKind::LastAffected => Bound::With,
            };
            if interval.kind == EndKind::Fixed {
                fixes.push(end);
            }
            match holds(introduced, bound, end, |other| own.compare(other)) {
                Some(true) => {
                    verdict = Verdict::Affected;
                    end_of_own = (interval.kind == EndKind::Fixed).then_some(end).or(end_of_own);
                }
                None if verdict != Verdict::Affected => {
                    verdict = Verdict::Undecidable(own.why(introduced, end));
                }
                _ => {}
            }
        }
        if verdict != Verdict::Affected {
            for listed in self.database.list(entry.versions) {
                let listed = listed?;
                if listed == own.text || own.compare(listed) == Some(Ordering::Equal) {
                    verdict = Verdict::Affected;
                    break;
                }
            }
        }
        // Where no order is known, a version that is not listed may still be one of those that are.
        if verdict == Verdict::NotAffected && entry.versions.count > 0 && entry.ranges.count == 0 {
            verdict = unlisted(own);
        }
        let fixed_in = end_of_own.or_else(|| fixed(own, &fixes, &verdict));
        let release = minor_release(own.text).filter(|_| own.order == Order::Rpm);
        let own_release = release.is_some_and(|own| fixes.iter().any(|fix| minor_release(fix) == Some(own)));
        Ok(Compared { verdict, fixed_in, modular, own_release })
    }

    /// Whether an entry is of the module stream that the package is of.
    fn stream(&self, streams: &str, modular: bool) -> Stream {
        let of_module = self.own.text.contains(".module");
        match (&self.question.module, streams.is_empty()) {
            // What a module's packages have does not count for others, nor the other way round.
            (Modularity::None, true) if modular => Stream::Other,
            (Modularity::None, false) => Stream::Other,
            (Modularity::Unknown, false) if !of_module => Stream::Other,
            (Modularity::Unknown, true) if modular && !of_module => Stream::Other,
            (Modularity::Unknown, false) => {
                Stream::Unclear("which module stream the package is of is not known")
            }
            (Modularity::Stream(label), false) => {
                let own = |stream: &str| {
                    let rest = label.strip_prefix(stream);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                };
                if streams.split(',').any(own) { Stream::Same } else { Stream::Other }
            }
            (Modularity::Stream(_) | Modularity::Unknown, true) if modular => {
                Stream::Unclear("the advisory does not say which module stream it is of")
            }
            _ => Stream::Same,
        }
    }
}

/// A version that is none could be any of those that are listed.
fn unlisted(own: Own<'_>) -> Verdict {
    if own.is_version { Verdict::NotAffected } else { Verdict::Undecidable(own.why("", "")) }
}

/// The fix to name: the next one, or for who is not affected the last one that it has.
fn fixed<'a>(own: Own<'_>, fixes: &[&'a str], verdict: &Verdict) -> Option<&'a str> {
    let newer = |fix: &&&str| own.compare(fix).is_some_and(Ordering::is_lt);
    let older = |fix: &&&str| own.compare(fix).is_some_and(Ordering::is_ge);
    let by_order = |a: &&&str, b: &&&str| compare(own.order, a, b).unwrap_or(Ordering::Equal);
    let found = match verdict {
        Verdict::Affected => fixes.iter().filter(newer).min_by(by_order),
        Verdict::NotAffected => fixes.iter().filter(older).max_by(by_order),
        Verdict::Undecidable(_) => fixes.first(),
    };
    found.copied()
}

enum Stream {
    Same,
    Other,
    Unclear(&'static str),
}

/// The whole answer of an advisory.
fn found(database: &Database, said: Said<'_>, asked: &Asked<'_>) -> Result<Found> {
    let advisory = database.advisory_at(said.entry.advisory.into())?;
    let mut first = advisory.lists;
    let mut lists: [Vec<String>; 5] = Default::default();
    for (list, count) in lists.iter_mut().zip(advisory.counts) {
        *list =
            database.list(Run { first, count }).map(|text| text.map(str::to_owned)).collect::<Result<_>>()?;
        first = first.saturating_add(count.into());
    }
    let [aliases, upstream, related, references, vectors] = lists;
    let text = |reference| database.text(reference).map(str::to_owned);
    let id = text(advisory.id)?;
    let named = [&aliases, &upstream, &related].into_iter().flatten().chain([&id]);
    let mut cves: Vec<String> = named.filter(|id| is_cve(id)).cloned().collect();
    cves.sort();
    cves.dedup();
    let own = Severity { level: said.entry.level, by: text(said.entry.severity_by)? };
    let severity = if own.level == Level::Unknown {
        Severity { level: advisory.level, by: text(advisory.severity_by)? }
    } else {
        own
    };
    let mut same: Vec<String> = aliases.iter().chain([&id]).cloned().collect();
    // A distribution's record of one CVE: `UBUNTU-CVE-2024-1`, `DEBIAN-CVE-2024-1`.
    same.extend(upstream.iter().filter(|upstream| id.ends_with(upstream.as_str())).cloned());
    let cvss = vectors.into_iter().next().map(|vector| {
        let score = Score::parse(&vector).and_then(|score| score.base());
        (vector, score)
    });
    // Where no fix is named for who is affected, there is none.
    let is_open =
        said.entry.fix == Fix::AsRanges && said.verdict == Verdict::Affected && said.fixed_in.is_none();
    let fix = if is_open { Fix::Open } else { said.entry.fix };
    let answer = Answer {
        id,
        aliases,
        cves,
        also: Vec::new(),
        verdict: said.verdict,
        package: asked.name.to_string(),
        version: asked.version.to_owned(),
        fixed_in: said.fixed_in.map(str::to_owned),
        fix,
        severity,
        cvss,
        informational: text(advisory.informational)?,
        summary: text(advisory.summary)?,
        published: Some(advisory.published).filter(|time| *time > 0).map(day),
        modified: Some(advisory.modified).filter(|time| *time > 0).map(day),
        references,
        source: advisory.source.into(),
        feed: advisory.kind,
    };
    Ok(Found { answer, modified: advisory.modified, same })
}
