//! Which changes `when` of `[hook]` takes in.

use super::changes::Change;
use crate::rules::Pattern;

/// Whether a pattern takes a change in.
pub(super) fn takes_in(pattern: &Pattern, change: &Change<'_>) -> bool {
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
