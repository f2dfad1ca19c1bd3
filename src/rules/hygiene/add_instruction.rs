//! `add-instruction`: see the page beside this file.

use crate::facts::Facts;
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "add-instruction",
    severity: Severity::Low,
    page: include_str!("add-instruction.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let base_layers = facts.base.base_layers();
    for config in &facts.image.configs {
        let steps = config.history.iter().filter(|step| !step.empty_layer).enumerate();
        for (layer, step) in steps.skip(base_layers) {
            let step = step.step();
            // The first layer of a distribution's image is its whole tree, and only ADD unpacks it.
            let is_whole_tree = layer == 0 && to_root(&step);
            let Some(source) = added(&step).filter(|_| !is_whole_tree) else { continue };
            let finding = match source {
                Source::Download => {
                    let remedy =
                        "name the file's digest (ADD --checksum=sha256:…), or fetch and verify it in a RUN";
                    Finding::new("ADD fetches from the network, and nothing says what is to come", remedy)
                }
                Source::Verified => continue,
                Source::Local => {
                    let remedy = "use COPY, which does not unpack or fetch anything";
                    Finding::new("ADD is used where COPY may do", remedy).severity(Severity::Info)
                }
            };
            let finding = finding.evidence("step", quote::setting(&step));
            // Where history and layers do not fit together, there may be no such layer.
            findings.add(if layer < facts.image.layers.len() { finding.layer(layer) } else { finding })?;
        }
    }
    Ok(Judgement::of(findings))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Local,
    Download,
    /// Fetched, and held to a digest.
    Verified,
}

/// What an `ADD` adds; `None` for all other steps.
fn added(step: &str) -> Option<Source> {
    let arguments = step.strip_prefix("ADD ")?;
    let is_remote = |word: &str| {
        ["http://", "https://", "git://", "git@", "ssh://"].iter().any(|scheme| word.starts_with(scheme))
    };
    let mut words = arguments.split_ascii_whitespace().map(|word| word.trim_matches(['[', ']', '"', ',']));
    if words.clone().next().is_some_and(is_bare_digest) {
        return Some(Source::Download);
    }
    if !words.clone().any(is_remote) {
        return Some(Source::Local);
    }
    let is_verified = words.any(|word| word.starts_with("--checksum="));
    Some(if is_verified { Source::Verified } else { Source::Download })
}

/// How buildah calls what it fetched; a local file or directory is `file:<hex>` or `dir:<hex>`.
fn is_bare_digest(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `ADD file:… in /` of the classic builder, `ADD rootfs.tar.xz /` of BuildKit.
fn to_root(step: &str) -> bool {
    step.starts_with("ADD ") && step.split_ascii_whitespace().next_back() == Some("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::History;

    #[test]
    fn adds_are_known_in_the_words_of_each_builder() {
        for (created_by, expected) in [
            ("/bin/sh -c #(nop) ADD file:0a1b in /srv ", Some(Source::Local)),
            (&format!("/bin/sh -c #(nop) ADD {} in /srv ", "0a".repeat(32)), Some(Source::Download)),
            (&format!("/bin/sh -c #(nop) ADD dir:{} in /srv ", "0a".repeat(32)), Some(Source::Local)),
            ("ADD app.tar.gz /srv # buildkit", Some(Source::Local)),
            ("ADD https://example.com/x /srv # buildkit", Some(Source::Download)),
            ("ADD --checksum=sha256:00 https://example.com/x /srv # buildkit", Some(Source::Verified)),
            ("ADD [\"http://example.com/x\", \"/srv\"]", Some(Source::Download)),
            ("COPY a b # buildkit", None),
            ("/bin/sh -c echo ADD x", None),
            ("ADDER x", None),
        ] {
            let step = History { created_by: created_by.into(), ..History::default() }.step();
            assert_eq!(added(&step), expected, "{created_by}");
        }
        assert!(to_root("ADD file:0a1b in /") && !to_root("ADD x /srv") && !to_root("COPY x /"));
    }
}
