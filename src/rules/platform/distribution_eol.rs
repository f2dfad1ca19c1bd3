//! `distribution-eol`: see the page beside this file.

use super::distributions::{KNOWN_ON, find};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::packages::{Databases, Distribution, distribution};
use crate::rootfs::Inode;
use crate::rules::Settings;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "distribution-eol",
    severity: Severity::Medium,
    page: include_str!("distribution-eol.md"),
    needs: Needs::Image,
    plan: distribution::plan,
    judge,
};

fn judge(facts: &Facts, settings: &Settings, mut findings: Findings<'_>) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let mut incomplete = None;
    let content = |inode: &Inode| facts.content(inode);
    for reading in &rootfs.readings {
        match Databases::new(&reading.effective, &content).distribution() {
            Ok(distribution) => {
                findings.extend(distribution.and_then(|distribution| ended(&distribution, settings.at)))?;
            }
            Err(reason) => incomplete = Some(reason),
        }
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}

fn ended(distribution: &Distribution, at: jiff::civil::Date) -> Option<Finding> {
    let Distribution { path, id, version, .. } = distribution;
    let version = version.as_deref()?;
    let release = find(id, version).filter(|release| release.end < at)?;
    let message =
        format!("{} has had no security updates since {}", escape_text(&distribution.title()), release.end);
    let remedy = "move to a base of a release that is still kept";
    let finding = Finding::new(message, remedy)
        .path(path)
        .evidence("id", escape_text(id))
        .evidence("version", escape_text(version))
        .evidence("end", release.end)
        .evidence("knownOn", KNOWN_ON);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::ImagePath;

    fn ended_at(id: &str, version: Option<&str>, at: jiff::civil::Date) -> Option<Finding> {
        let distribution = Distribution {
            path: ImagePath::new("etc/os-release"),
            id: id.to_owned(),
            version: version.map(str::to_owned),
            codename: None,
            name: version.map(|version| format!("Debian GNU/Linux {version}")),
        };
        ended(&distribution, at)
    }

    #[test]
    fn the_last_day_is_still_kept() {
        assert_eq!(ended_at("debian", Some("11"), date(2026, 8, 31)), None);
        let finding = ended_at("debian", Some("11"), date(2026, 9, 1)).unwrap();
        assert_eq!(finding.message, "Debian GNU/Linux 11 has had no security updates since 2026-08-31");
    }

    #[test]
    fn what_is_not_known_is_no_finding() {
        for (id, version) in
            [("wolfi", Some("1")), ("debian", None), ("debian", Some("99")), ("alpine", Some("3.99.1"))]
        {
            assert_eq!(ended_at(id, version, date(2999, 1, 1)), None, "{id}");
        }
    }
}
