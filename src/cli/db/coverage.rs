//! What sources are feeds of, in words for people.

use std::collections::BTreeMap;

use super::grouped;
use crate::advisories::Advisories;
use crate::model::escape::escape_text;

/// Names that are told; more say no more.
const LISTED: usize = 12;

/// `a, b and 3 more`.
pub(super) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(|name| escape_text(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a source is a feed of, and what comes along in it: lines, where there is something to tell.
pub(super) fn of_source(
    repositories: &[String],
    covers: &[String],
    mentions: &BTreeMap<String, u64>,
) -> Vec<String> {
    let is_part = |name: &str| {
        repositories.iter().filter_map(|one| one.rsplit_once('/')).any(|(release, _)| release == name)
    };
    let (in_part, along): (Vec<_>, Vec<_>) = mentions.iter().partition(|(name, _)| is_part(name));
    let counted = |of: Vec<(&String, &u64)>| -> Vec<String> {
        of.into_iter().map(|(name, count)| format!("{name} ({})", grouped(*count))).collect()
    };
    let lines = [
        ("repositories", repositories),
        ("covers", covers),
        ("covers in part, without the other repository", &counted(in_part)),
        ("comes along", &counted(along)),
    ];
    let lines = lines.into_iter().filter(|(_, names)| !names.is_empty());
    lines.map(|(what, names)| format!("{what}: {}", listed(names))).collect()
}

/// What of a database is not covered, and what to do: lines, where there is such.
pub(super) fn uncovered(made: &Advisories) -> Vec<String> {
    let uncovered = made.ecosystems().iter().filter(|known| !known.covered);
    let uncovered: Vec<_> = uncovered.map(|known| known.name.clone()).collect();
    if uncovered.is_empty() {
        return Vec::new();
    }
    let what = "  no source is a whole feed of these, and what no advisory tells of their packages is not evaluated; add their \
                feeds, or state with --covers that a source is one";
    vec![format!("not covered: {}", listed(&uncovered)), what.to_owned()]
}
