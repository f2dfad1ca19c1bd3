//! `distribution-eol`: see the page beside this file.

use super::distributions::{KNOWN_ON, find};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::rootfs::Tree;
use crate::rules::Settings;
use crate::rules::rule::{Finding, Judgement, Needs, Rule};
use crate::rules::severity::Severity;

/// Where os-release(5) says that it is; the first that is there counts.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

pub(in crate::rules) static RULE: Rule = Rule {
    id: "distribution-eol",
    severity: Severity::Medium,
    page: include_str!("distribution-eol.md"),
    needs: Needs::Image,
    plan: |plan| OS_RELEASE.into_iter().for_each(|path| plan.capture(ImagePath::new(path))),
    judge,
};

fn judge(facts: &Facts, settings: &Settings) -> Judgement {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Judgement::not_evaluated(reason.clone()),
    };
    let mut judgement = Judgement::default();
    for reading in &rootfs.readings {
        match os_release(facts, &reading.effective) {
            Ok(None) => {}
            Ok(Some((path, content))) => {
                let finding = ended(&content, settings.at).map(|finding| finding.path(&path));
                judgement.findings.extend(finding);
            }
            Err(reason) => judgement.incomplete = Some(reason),
        }
    }
    Judgement { incomplete: judgement.incomplete, ..Judgement::of_unique(judgement.findings) }
}

fn os_release(facts: &Facts, tree: &Tree) -> Result<Option<(ImagePath, String)>, String> {
    for path in OS_RELEASE {
        if let Some(content) = facts.file_content(tree, path)? {
            return Ok(Some((ImagePath::new(path), String::from_utf8_lossy(&content).into_owned())));
        }
    }
    Ok(None)
}

fn ended(os_release: &str, at: jiff::civil::Date) -> Option<Finding> {
    let id = field(os_release, "ID")?;
    let version = field(os_release, "VERSION_ID")?;
    let release = find(&id, &version).filter(|release| release.end < at)?;
    let name = escape_text(&field(os_release, "PRETTY_NAME").unwrap_or_else(|| format!("{id} {version}")));
    let message = format!("{name} has had no security updates since {}", release.end);
    let remedy = "move to a base of a release that is still kept";
    let finding = Finding::new(message, remedy)
        .evidence("id", escape_text(&id))
        .evidence("version", escape_text(&version))
        .evidence("end", release.end)
        .evidence("knownOn", KNOWN_ON);
    Some(finding)
}

/// The value of `NAME=value`, without its quotes; the last one counts, as in the shell.
fn field(os_release: &str, name: &str) -> Option<String> {
    let mut values = os_release.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    let value = values.next_back()?.trim();
    let quoted = |mark| value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_last_day_is_still_kept() {
        let bullseye = "PRETTY_NAME=\"Debian GNU/Linux 11\"\nVERSION_ID=\"11\"\nID=debian\n";
        assert_eq!(ended(bullseye, date(2026, 8, 31)), None);
        let finding = ended(bullseye, date(2026, 9, 1)).unwrap();
        assert_eq!(finding.message, "Debian GNU/Linux 11 has had no security updates since 2026-08-31");
    }

    #[test]
    fn what_is_not_known_is_no_finding() {
        for os_release in [
            "",
            "ID=wolfi\nVERSION_ID=1",
            "ID=debian",
            "ID=debian\nVERSION_ID=99",
            "ID=alpine\nVERSION_ID=3.99.1",
        ] {
            assert_eq!(ended(os_release, date(2999, 1, 1)), None, "{os_release}");
        }
    }

    #[test]
    fn fields_are_read_as_the_shell_reads_them() {
        assert_eq!(field("ID='a'\n  ID=\"b\"\nXID=c", "ID").as_deref(), Some("b"));
        assert_eq!(field("VERSION_ID=3.1", "VERSION").as_deref(), None);
    }
}
