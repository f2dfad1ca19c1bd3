//! `advisories-stale`: see the page beside this file.

use jiff::civil::Date;

use super::vulnerability::known;
use crate::advisories::Source;
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "advisories-stale",
    severity: Severity::Medium,
    page: include_str!("advisories-stale.md"),
    needs: Needs::Advisories,
    plan: no_plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let vulnerabilities = match known(facts) {
        Ok((_, vulnerabilities)) => vulnerabilities,
        Err(reason) => return Ok(Judgement::not_evaluated(reason)),
    };
    let most = settings.options.advisories_max_age_days;
    let mut incomplete = None;
    for source in &vulnerabilities.sources {
        match age(source, vulnerabilities.built.as_deref(), settings.at) {
            Some((day, age)) if age > i64::from(most) => {
                let message =
                    format!("the advisories of {} are of {day}, {age} days old", escape_text(&source.name));
                let finding =
                    Finding::new(message, "build the file of advisories anew, of a newer copy of the feed")
                        .evidence("name", escape_text(&source.name))
                        .evidence("date", day)
                        .evidence("maxAgeDays", most);
                findings.add(finding)?;
            }
            Some(_) => {}
            None => {
                let name = escape_text(&source.name);
                incomplete = Some(format!("the advisories of {name} do not say how old they are"));
            }
        }
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// The day of a feed's newest change, and how many days ago that is. Of a feed that does not say it, or names a day that had
/// not come then, the day on which the database was made of it: else one record of the year 2099 keeps a feed fresh. `None`
/// where neither is known.
fn age(source: &Source, built: Option<&str>, at: Date) -> Option<(Date, i64)> {
    let day = |text: &str| text.parse::<Date>().ok();
    let built = built.and_then(day);
    let told = match source.date.as_deref() {
        Some(told) => Some(day(told)?),
        None => None,
    };
    let last = built.unwrap_or(at);
    // It may be tomorrow elsewhere already.
    let last = last.tomorrow().unwrap_or(last);
    let day = told.filter(|told| *told <= last).or(built)?;
    let span = at.since(day).ok()?;
    Some((day, i64::from(span.get_days())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn an_age_is_in_days_whatever_the_months() {
        let source = |date: Option<&str>| Source {
            name: "all.zip".to_owned(),
            kind: "osv".to_owned(),
            sha256: String::new(),
            bytes: 0,
            date: date.map(str::to_owned),
            license: None,
            documents: 0,
            records: 0,
            skipped: BTreeMap::new(),
            repositories: Vec::new(),
            covers: Vec::new(),
            mentions: BTreeMap::new(),
        };
        let at = date(2026, 3, 1);
        let days = |day| age(&source(Some(day)), Some("2026-02-28"), at).map(|(_, age)| age);
        assert_eq!([days("2026-03-01"), days("2025-03-01")], [Some(0), Some(365)]);
        assert_eq!(days("2099-01-01"), Some(1), "that of the database");
        let undated = |day| age(&source(Some(day)), None, at).map(|(_, age)| age);
        assert_eq!((undated("2026-03-02"), undated("2099-01-01")), (Some(-1), None));
        assert_eq!((days("soon"), age(&source(None), None, at)), (None, None));
        assert_eq!(age(&source(None), Some("2026-02-28"), at), Some((date(2026, 2, 28), 1)));
    }
}
