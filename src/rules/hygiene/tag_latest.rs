//! `tag-latest`: see the page beside this file.

use crate::facts::Facts;
use crate::model::Form;
use crate::model::escape::escape_text;
use crate::rules::findings::Findings;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "tag-latest",
    severity: Severity::Low,
    page: include_str!("tag-latest.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let image = &facts.image;
    let bare_is_tag = matches!(image.form, Form::OciArchive | Form::OciDirectory);
    let moving = |name: &&String| tag(name, bare_is_tag).is_none_or(|tag| tag == "latest");
    // Builds like to add `latest` to a name that says the version.
    if !image.names.iter().all(|name| moving(&name)) {
        return Ok(Judgement::default());
    }
    findings.extend(image.names.iter().map(|name| {
        let name = escape_text(name);
        let message = format!("the name {name} says no version");
        let remedy = "give the image a tag that does not move: a version, or the commit it is made from";
        Finding::new(message, remedy).evidence("name", name)
    }))?;
    Ok(Judgement::of(findings))
}

/// The tag of a name, or the digest that pins it. In an OCI layout a name may be a tag alone.
fn tag(name: &str, bare_is_tag: bool) -> Option<&str> {
    if let Some((_, digest)) = name.split_once('@') {
        return Some(digest);
    }
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => Some(tag),
        _ if bare_is_tag && !name.contains('/') => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_what_follows_the_last_colon() {
        for (name, bare_is_tag, expected) in [
            ("example.com/app:1.0", false, Some("1.0")),
            ("example.com:5000/app", false, None),
            ("example.com:5000/app:latest", false, Some("latest")),
            ("app", false, None),
            ("app@sha256:aa", false, Some("sha256:aa")),
            ("latest", true, Some("latest")),
            ("1.0", true, Some("1.0")),
            ("example.com/app", true, None),
        ] {
            assert_eq!(tag(name, bare_is_tag), expected, "{name}");
        }
    }
}
