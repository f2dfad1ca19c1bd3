//! Patterns in a policy, each held to what it is compared with: one that can match nothing is a mistake.

use super::document::{At, Table};
use super::draft::shown;
use crate::rules::Pattern;

/// Of absolute paths.
pub(super) fn path_pattern(table: &Table<'_>, text: &At<String>) -> Option<Pattern> {
    if !text.value.starts_with('/') && !text.value.starts_with("**") {
        table.mistake(
            text.place,
            format!("{} is no absolute path: it begins with / or **", shown(&text.value)),
        );
        return None;
    }
    if let Some(why) = matches_no_path(&text.value) {
        table.mistake(text.place, format!("{} matches nothing: {why}", shown(&text.value)));
        return None;
    }
    pattern(table, text, Pattern::of_paths)
}

/// Of files in a repository, by their paths from its top.
pub(super) fn file_pattern(table: &Table<'_>, text: &At<String>) -> Option<Pattern> {
    let why = match text.value.as_str() {
        "" => Some("it is empty"),
        path if path.starts_with('/') => Some("paths are relative to the top of the repository"),
        // Git tracks no file of such a name either, in whatever case: file systems may not tell them apart.
        path if path.split('/').any(|part| part.eq_ignore_ascii_case(".git")) => {
            Some("what is git's own (.git) is no file of the repository")
        }
        path => matches_no_path(path),
    };
    if let Some(why) = why {
        table.mistake(text.place, format!("{} matches nothing: {why}", shown(&text.value)));
        return None;
    }
    pattern(table, text, Pattern::of_members)
}

/// Why no path is as a pattern has it: paths are cleaned.
fn matches_no_path(text: &str) -> Option<&'static str> {
    if text.split('/').any(|part| matches!(part, "." | "..")) {
        Some("a path has no . or .. in it")
    } else if text.contains("//") {
        Some("a path has no // in it")
    } else if text.len() > 1 && text.ends_with('/') {
        Some("a path has no / at its end; /** stands for all below")
    } else {
        None
    }
}

/// Of the name of a member of an archive.
pub(super) fn member_pattern(table: &Table<'_>, text: &At<String>) -> Option<Pattern> {
    if text.value.starts_with('/') {
        let what = format!(
            "{} matches nothing: names in an archive have no leading slash; **/ stands for any directory",
            shown(&text.value)
        );
        table.mistake(text.place, what);
        return None;
    }
    pattern(table, text, Pattern::of_members)
}

/// Of names and words.
pub(super) fn name_pattern(table: &Table<'_>, text: &At<String>) -> Option<Pattern> {
    pattern(table, text, Pattern::of_words)
}

/// Of `NAME=value`: without a value it would match nothing.
pub(super) fn assignment_pattern(table: &Table<'_>, text: &At<String>) -> Option<Pattern> {
    if !text.value.contains('=') {
        let what = format!(
            "{} matches nothing: it is compared with NAME=value, so write NAME=*",
            shown(&text.value)
        );
        table.mistake(text.place, what);
        return None;
    }
    name_pattern(table, text)
}

fn pattern(
    table: &Table<'_>,
    text: &At<String>,
    make: fn(&str) -> std::result::Result<Pattern, String>,
) -> Option<Pattern> {
    match make(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            table.mistake(text.place, format!("{} is no pattern: {why}", shown(&text.value)));
            None
        }
    }
}
