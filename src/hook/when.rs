//! Which changes `when` of `[hook]` takes in.

use super::Repository;
use super::changes::Change;
use super::links::{Links, Way};
use crate::error::Result;
use crate::rules::Pattern;

/// The patterns of `when`, each with where the directory that it writes out leads in a commit.
#[derive(Debug)]
pub(super) struct Watched<'a>(Vec<(&'a Pattern, Way)>);

impl<'a> Watched<'a> {
    /// Looks into a commit; `None` where it is not known where a pattern leads.
    ///
    /// # Errors
    /// Git cannot be asked.
    pub(super) fn new(repository: &Repository, when: &'a [Pattern], commit: &str) -> Result<Option<Self>> {
        let ask = |names: &[Vec<u8>]| repository.symlinks(commit, names);
        let Some(mut links) = Links::new(ask, when.iter().map(written))? else { return Ok(None) };
        let mut watched = Vec::new();
        for pattern in when {
            let Some(way) = links.follow(written(pattern))? else { return Ok(None) };
            watched.push((pattern, way));
        }
        Ok(Some(Self(watched)))
    }

    /// Whether some pattern takes a change in: by its own name, by the one under which symlinks lead to it, or as what
    /// decides where the pattern leads.
    pub(super) fn takes_in(&self, change: &Change<'_>) -> bool {
        let may_lead = change.is_symlink() || change.is_submodule();
        self.0.iter().any(|(pattern, way)| {
            may_lead && way.through.contains(change.name)
                || takes_in(pattern, change)
                || renamed(change.name, &way.end, written(pattern))
                    .is_some_and(|name| takes_in(pattern, &change.named(&name)))
        })
    }
}

/// What a pattern writes out: all of it, or the directory of what its signs stand for.
pub(super) fn written(pattern: &Pattern) -> &str {
    let start = pattern.start();
    if start == pattern.text { start } else { start.rsplit_once('/').map_or("", |(directory, _)| directory) }
}

/// A path by the name by which symlinks lead to it; `None` where they do not, or it is the same.
fn renamed(path: &[u8], end: &[u8], name: &str) -> Option<Vec<u8>> {
    let name = name.as_bytes();
    match path.strip_prefix(end)? {
        _ if end == name => None,
        rest if end.is_empty() => Some([name, b"/", rest].concat()),
        rest => (rest.is_empty() || rest.starts_with(b"/")).then(|| [name, rest].concat()),
    }
}

/// Whether a pattern takes a change in, by the name that it has.
fn takes_in(pattern: &Pattern, change: &Change<'_>) -> bool {
    pattern.matches_path(change.name) || change.is_submodule() && may_match_below(pattern, change.name)
}

/// Whether a pattern could match some path below a directory of which nothing is known.
fn may_match_below(pattern: &Pattern, directory: &[u8]) -> bool {
    // Signs in braces may stand for a slash: what is before them is all that is easily told.
    if pattern.text.contains('{') {
        let (start, directory) = (pattern.start().as_bytes(), [directory, b"/"].concat());
        return directory.starts_with(start) || start.starts_with(&directory);
    }
    let mut parts = pattern.text.split('/');
    for name in directory.split(|byte| *byte == b'/') {
        match parts.next() {
            None => return false,
            Some(part) if part.contains("**") => return true,
            // What is no pattern by itself had its slash in brackets.
            Some(part) if Pattern::of_members(part).ok().is_none_or(|part| part.matches_path(name)) => {}
            Some(_) => return false,
        }
    }
    parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_another_name_where_a_symlink_leads_to_it() {
        for (path, end, name, renamed_to) in [
            ("lib/src/main", "lib/src", "src", Some("src/main")),
            ("lib/src", "lib/src", "src", Some("src")),
            ("lib/src2", "lib/src", "src", None),
            ("lib", "lib/src", "src", None),
            ("a/b", "", "src", Some("src/a/b")),
            ("src/main", "src", "src", None),
            ("a", "", "", None),
        ] {
            let renamed = renamed(path.as_bytes(), end.as_bytes(), name);
            assert_eq!(renamed.as_deref(), renamed_to.map(str::as_bytes), "{path} {end} {name}");
        }
    }

    #[test]
    fn a_pattern_writes_out_a_name_or_a_directory() {
        for (pattern, name) in [
            ("a/b", "a/b"),
            ("a", "a"),
            ("a/*", "a"),
            ("a/b*", "a"),
            ("a/b/{c,d}", "a/b"),
            ("**", ""),
            ("a*/b", ""),
            ("a\\[b/c", ""),
        ] {
            assert_eq!(written(&Pattern::of_members(pattern).unwrap()), name, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_may_match_what_is_below_a_directory() {
        for (pattern, directory, may) in [
            ("a/b/**", "a/b", true),
            ("a/b/c", "a/b", true),
            ("a/b", "a/b", false),
            ("a/*", "a/b", false),
            ("a/*/c", "a/b", true),
            ("a/?/c/d/e", "a/b", true),
            ("*", "a", false),
            ("**", "a", true),
            ("**/c", "a/b", true),
            ("a/**/c", "a/b", true),
            ("a/**/c", "b/b", false),
            ("a**/c", "ab/b", true),
            ("a/b/c", "a", true),
            ("a/b/c", "a/c", false),
            ("a/bc/d", "a/b", false),
            ("{a,c}/b", "a", true),
            ("{a/b,c}/d", "a/b", true),
            ("a/{b,c}", "a", true),
            ("a/{b,c}", "b", false),
            ("aa/{b,c}", "a", false),
            ("a[/]b/c", "a", true),
            ("[ab]/c", "a", true),
            ("[bc]/c", "a", false),
            ("\\*/c", "*", true),
            ("\\*/c", "a", false),
        ] {
            let found = may_match_below(&Pattern::of_members(pattern).unwrap(), directory.as_bytes());
            assert_eq!(found, may, "{pattern} {directory}");
        }
    }
}
