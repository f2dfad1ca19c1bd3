//! `path-env-unsafe`: see the page beside this file.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::mounted::{comes_by_process, is_of_process, is_shared, located};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::rootfs::{ResolveError, Tree};
use crate::rules::findings::{Findings, UpTo};
use crate::rules::quote::Shown;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::mask_assignment;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "path-env-unsafe",
    severity: Severity::Medium,
    page: include_str!("path-env-unsafe.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

/// What a variable lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    /// Directories that are searched.
    Directories,
    /// Libraries; those with a slash are loaded from just there.
    Libraries,
}

/// Each with what parts its list.
const VARIABLES: [(&str, Lists, &[char]); 4] = [
    ("PATH", Lists::Directories, &[':']),
    ("LD_LIBRARY_PATH", Lists::Directories, &[':', ';']),
    ("LD_PRELOAD", Lists::Libraries, &[':', ' ']),
    ("LD_AUDIT", Lists::Libraries, &[':', ' ']),
];

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let trees: Vec<&Tree> = match &facts.rootfs {
        Ok(rootfs) => rootfs.readings.iter().map(|reading| &reading.effective).collect(),
        Err(_) => Vec::new(),
    };
    let mut told = UpTo::new(&mut findings, limits::LINE_FINDINGS);
    for assignment in facts.image.configs.iter().flat_map(|config| &config.env) {
        let Some((name, value)) = assignment.split_once('=') else { continue };
        let Some((_, lists, marks)) = VARIABLES.into_iter().find(|(known, ..)| *known == name) else {
            continue;
        };
        // Made where there is something to tell: values may be long.
        let shown = LazyCell::new(|| {
            let masked = mask_assignment(name, value);
            Shown::of(parts(&masked, lists, marks).into_iter().map(str::to_owned))
        });
        for part in parts(value, lists, marks) {
            if told.are_more() {
                break;
            }
            if let Some(fault) = fault_by_spelling(part, lists) {
                told.add(|| tell(name, &shown.part(part), fault))?;
            }
            for fault in trees.iter().filter_map(|tree| fault_in_tree(tree, part, lists)) {
                told.add(|| {
                    let shown = shown.part(part);
                    let finding = tell(name, &shown, fault);
                    // A path is shown as it stands: what holds a secret is told as a part of the variable alone.
                    if shown == part { finding.path(&ImagePath::new(part)) } else { finding }
                })?;
            }
        }
    }
    let unread = facts.rootfs.as_ref().err().cloned();
    let too_many = (told.are_more())
        .then(|| format!("there are more than {} faults (LINE_FINDINGS)", limits::LINE_FINDINGS));
    Ok(Judgement::of(findings).incomplete(unread.or(too_many)))
}

/// Each part once.
fn parts<'a>(value: &'a str, lists: Lists, marks: &[char]) -> BTreeSet<&'a str> {
    // Unset and empty are the same to the dynamic linker.
    value.split(marks).filter(|part| lists == Lists::Directories || part.contains('/')).collect()
}

fn fault_by_spelling(part: &str, lists: Lists) -> Option<&'static str> {
    match part {
        "" => Some("an empty part, which is the working directory"),
        "." | "./" => Some("the working directory"),
        _ if part.starts_with('/') => None,
        // The dynamic linker puts the program's directory in its place.
        _ if part.starts_with("$ORIGIN") || part.starts_with("${ORIGIN}") => None,
        _ if lists == Lists::Libraries => Some("a file relative to the working directory"),
        _ => Some("a part relative to the working directory"),
    }
}

fn fault_in_tree(tree: &Tree, part: &str, lists: Lists) -> Option<&'static str> {
    if part.len() > limits::PATH_BYTES {
        // No system opens it.
        return None;
    }
    let path = ImagePath::new(part.strip_prefix('/')?);
    let located = located(tree, &path);
    if comes_by_process(part) || is_of_process(&located) {
        return Some("a place below /proc or /dev/fd, which is another one for each process");
    }
    let is_shared = [&path, &located].into_iter().any(is_shared);
    let directory = match lists {
        Lists::Directories => path,
        Lists::Libraries if is_open(tree, &path) == Ok(true) => {
            return Some("a file that every user may write");
        }
        Lists::Libraries => path.parent(),
    };
    match is_open(tree, &directory) {
        Ok(open) => open.then_some("a directory that every user may write in"),
        Err(ResolveError::Missing) if is_shared => {
            Some("a place that runtimes mount for every user to write in")
        }
        Err(ResolveError::Missing) => {
            let open = is_open(tree, &nearest(tree, &directory)) == Ok(true);
            open.then_some("what is not there, in a directory where every user may make it")
        }
        Err(_) => None,
    }
}

/// The deepest directory above one that is not there. What is above a directory is there too, so it can be
/// searched by halves: paths may be long, and there may be many.
fn nearest(tree: &Tree, missing: &ImagePath) -> ImagePath {
    let bytes = missing.as_bytes();
    let slashes: Vec<usize> = (0..bytes.len()).filter(|at| bytes.get(*at) == Some(&b'/')).collect();
    let above = |end: usize| ImagePath::new(bytes.get(..end).unwrap_or_default());
    let there = slashes.partition_point(|end| is_open(tree, &above(*end)) != Err(ResolveError::Missing));
    above(there.checked_sub(1).and_then(|last| slashes.get(last)).copied().unwrap_or_default())
}

/// Whether every user may write there: the sticky bit protects what is there, and hinders no one to add.
fn is_open(tree: &Tree, path: &ImagePath) -> Result<bool, ResolveError> {
    tree.resolve(path).map(|found| found.node.inode().mode & 0o002 != 0)
}

fn tell(name: &str, part: &str, fault: &str) -> Finding {
    let message = format!("{name} holds {fault}");
    let remedy = "name only directories that root alone may write in, each with its whole path";
    Finding::new(message, remedy).evidence("variable", name).evidence("part", escape_text(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_judged_by_their_spelling() {
        let faults = |value, lists| {
            parts(value, lists, &[':', ' '])
                .into_iter()
                .filter_map(|part| fault_by_spelling(part, lists))
                .count()
        };
        for (value, number) in [
            ("/usr/bin:/bin", 0),
            (".:/bin", 1),
            ("/bin:", 1),
            ("::", 1),
            ("bin:~/bin:$HOME/bin", 3),
            ("$ORIGIN/lib", 0),
        ] {
            assert_eq!(faults(value, Lists::Directories), number, "{value}");
        }
        for (value, number) in [("libjemalloc.so.2", 0), ("", 0), ("/usr/lib/a.so lib/b.so", 1)] {
            assert_eq!(faults(value, Lists::Libraries), number, "{value}");
        }
    }
}
