//! What each entry of a package says of a version of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::db::format::{EndKind, Entry, Run};
use super::super::db::read::Database;
use super::super::feed::Kind;
use super::super::feed::events::{Bound, holds};
use super::super::order::{Order, compare};
use super::super::record::{Fix, day, is_cve};
use super::super::severity::{Level, Score, Severity};
use super::answer::{Answer, Verdict};
use super::effort::Effort;
use super::question::{Modularity, Question};
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
    let (name, version) = question.asked();
    // A channel that counts more hides what a plainer one says of the same advisory.
    let mut said: BTreeMap<u32, Said<'_>> = BTreeMap::new();
    for ecosystem in question.ecosystem.asked(version) {
        let Some(known) = database.ecosystem(&ecosystem) else { continue };
        let matched = Matched { database, question, version, order: ecosystem.order() };
        let mut of_channel: BTreeMap<u32, Said<'_>> = BTreeMap::new();
        for entry in database.entries(known, &name)? {
            let entry = entry?;
            let compared = 1 + u64::from(entry.ranges.count) + u64::from(entry.versions.count);
            effort.spend(compared, version)?;
            if let Some(new) = matched.entry(entry)? {
                of_channel.entry(entry.advisory).and_modify(|old| old.add(&new)).or_insert(new);
            }
        }
        for (advisory, new) in of_channel {
            said.entry(advisory).or_insert(new);
        }
    }
    // What Debian's tracker says not to be affected hides what the export of it says, so merging must see it.
    let mut exported = false;
    let tracked = database.header().sources.iter().any(|source| source.kind.contains(Kind::Debian.name()));
    for (advisory, said) in said.iter().filter(|_| tracked) {
        exported |= said.verdict != Verdict::NotAffected && kind(database, *advisory)? == Kind::Osv;
    }
    let mut answers = Vec::new();
    for (advisory, said) in said {
        let wanted = all || said.verdict != Verdict::NotAffected;
        if wanted || (exported && kind(database, advisory)? == Kind::Debian) {
            answers.push(found(database, said, &name, version)?);
        }
    }
    Ok(answers)
}

fn kind(database: &Database, advisory: u32) -> Result<Kind> {
    Ok(database.advisory_at(advisory.into())?.kind)
}

impl Said<'_> {
    /// Affected if any entry says so, of those for the package's own minor release where there are such.
    fn add(&mut self, other: &Self) {
        let worse = other.verdict.rank() < self.verdict.rank();
        if (other.own_release && !self.own_release) || (other.own_release == self.own_release && worse) {
            *self = other.clone();
        }
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

struct Matched<'a> {
    database: &'a Database,
    question: &'a Question<'a>,
    version: &'a str,
    order: Order,
}

impl<'a> Matched<'a> {
    /// What an entry says; `None` where it is of another architecture or module stream.
    fn entry(&self, entry: Entry) -> Result<Option<Said<'a>>> {
        let arch = self.database.text(entry.arch)?;
        if !arch.is_empty() && self.question.arch.as_deref().is_some_and(|own| own != arch) {
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
        let Compared { verdict: mut decided, fixed_in, modular, own_release } = self.versions(&entry)?;
        if self.order == Order::Rpm {
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

    /// Compares the version with all bounds of an entry.
    fn versions(&self, entry: &Entry) -> Result<Compared<'a>> {
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
            match holds(self.order, introduced, bound, end, self.version) {
                Some(true) => {
                    verdict = Verdict::Affected;
                    end_of_own = (interval.kind == EndKind::Fixed).then_some(end).or(end_of_own);
                }
                None if verdict != Verdict::Affected => {
                    verdict = Verdict::Undecidable(self.why(introduced, end));
                }
                _ => {}
            }
        }
        if verdict != Verdict::Affected {
            for listed in self.database.list(entry.versions) {
                let listed = listed?;
                if listed == self.version
                    || compare(self.order, listed, self.version) == Some(Ordering::Equal)
                {
                    verdict = Verdict::Affected;
                    break;
                }
            }
        }
        // Where no order is known, a version that is not listed may still be one of those that are.
        if verdict == Verdict::NotAffected && entry.versions.count > 0 && entry.ranges.count == 0 {
            verdict = self.unlisted();
        }
        let fixed_in = end_of_own.or_else(|| self.fixed(&fixes, &verdict));
        let own = minor_release(self.version).filter(|_| self.order == Order::Rpm);
        let own_release = own.is_some_and(|own| fixes.iter().any(|fix| minor_release(fix) == Some(own)));
        Ok(Compared { verdict, fixed_in, modular, own_release })
    }

    /// A version that is none could be any of those that are listed.
    fn unlisted(&self) -> Verdict {
        let is_version = compare(self.order, self.version, self.version).is_some();
        let why = || format!("`{}` is no version that can be compared", self.version);
        if is_version { Verdict::NotAffected } else { Verdict::Undecidable(why()) }
    }

    /// The fix to name: the next one, or for who is not affected the last one that it has.
    fn fixed<'b>(&self, fixes: &[&'b str], verdict: &Verdict) -> Option<&'b str> {
        let newer = |fix: &&&str| compare(self.order, fix, self.version).is_some_and(Ordering::is_gt);
        let older = |fix: &&&str| compare(self.order, fix, self.version).is_some_and(Ordering::is_le);
        let by_order = |a: &&&str, b: &&&str| compare(self.order, a, b).unwrap_or(Ordering::Equal);
        let found = match verdict {
            Verdict::Affected => fixes.iter().filter(newer).min_by(by_order),
            Verdict::NotAffected => fixes.iter().filter(older).max_by(by_order),
            Verdict::Undecidable(_) => fixes.first(),
        };
        found.copied()
    }

    fn why(&self, introduced: &str, end: &str) -> String {
        let is_version = |text: &str| compare(self.order, text, text).is_some();
        if !is_version(self.version) {
            return format!("`{}` is no version that can be compared", self.version);
        }
        let bound = [introduced, end].into_iter().find(|bound| !bound.is_empty() && !is_version(bound));
        format!("the advisory's version `{}` cannot be compared", bound.unwrap_or(end))
    }

    /// Whether an entry is of the module stream that the package is of.
    fn stream(&self, streams: &str, modular: bool) -> Stream {
        let of_module = self.version.contains(".module");
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

enum Stream {
    Same,
    Other,
    Unclear(&'static str),
}

/// The whole answer of an advisory.
fn found(database: &Database, said: Said<'_>, package: &str, version: &str) -> Result<Found> {
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
        package: package.to_owned(),
        version: version.to_owned(),
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
