//! `path-env-unsafe`: see the page beside this file.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::mounted::{comes_by_process, is_hidden, is_shared, passes_shared};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::model::escape::escape_text;
use crate::rootfs::{NodeRef, ResolveError, Steps, Trail, Tree};
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

/// Each with what parts its list: to glibc, and to musl, which has white space in `LD_PRELOAD` and line feeds in
/// `LD_LIBRARY_PATH` part them too (`ldso/dynlink.c`).
const VARIABLES: [(&str, Lists, &[char]); 4] = [
    ("PATH", Lists::Directories, &[':']),
    ("LD_LIBRARY_PATH", Lists::Directories, &[':', ';', '\n']),
    ("LD_PRELOAD", Lists::Libraries, &[':', ' ', '\t', '\n', '\x0b', '\x0c', '\r']),
    ("LD_AUDIT", Lists::Libraries, &[':', ' ']),
];

/// Where most programs are: what the dynamic linker puts in the place of `$ORIGIN`.
const ORIGINS: [&str; 3] = ["/bin", "/usr/bin", "/usr/local/bin"];

const OF_PROCESS: &str = "a place below /proc or /dev/fd, which is another one for each process";
const SHARED: &str = "a place that runtimes mount for every user to write in";

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let trees: Vec<&Tree> = match &facts.rootfs {
        Ok(rootfs) => rootfs.readings.iter().map(|reading| &reading.effective).collect(),
        Err(_) => Vec::new(),
    };
    let mut told = UpTo::new(&mut findings, limits::LINE_FINDINGS);
    let (steps, mut too_far) = (Steps::default(), None);
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
            for tree in &trees {
                let fault = fault_in_tree(tree, &steps, part, lists).unwrap_or_else(|error| {
                    too_far.get_or_insert_with(|| format!("{name}: {error}"));
                    None
                });
                let Some(fault) = fault else { continue };
                told.add(|| {
                    let shown = shown.part(part);
                    let finding = tell(name, &shown, fault);
                    // A path is shown as it stands: what holds a secret is told as a part of the variable alone.
                    let is_path = part.starts_with('/') && !part.split('/').any(|name| name == "..");
                    if is_path && shown == part { finding.path(&ImagePath::new(part)) } else { finding }
                })?;
            }
        }
    }
    let unread = facts.rootfs.as_ref().err().cloned();
    let too_many = (told.are_more())
        .then(|| format!("there are more than {} faults (LINE_FINDINGS)", limits::LINE_FINDINGS));
    Ok(Judgement::of(findings).incomplete(unread.or(too_many).or(too_far)))
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
        _ if behind_origin(part).is_some() => None,
        _ if lists == Lists::Libraries => Some("a file relative to the working directory"),
        _ => Some("a part relative to the working directory"),
    }
}

/// What follows `$ORIGIN`, in whose place the dynamic linker puts the program's directory: only where the name ends there.
fn behind_origin(part: &str) -> Option<&str> {
    let rest = part.strip_prefix("$ORIGIN").or_else(|| part.strip_prefix("${ORIGIN}"))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn fault_in_tree(
    tree: &Tree,
    steps: &Steps,
    part: &str,
    lists: Lists,
) -> Result<Option<&'static str>, ResolveError> {
    if part.len() > limits::PATH_BYTES {
        // No system opens it.
        return Ok(None);
    }
    if let Some(rest) = behind_origin(part) {
        for origin in ORIGINS {
            if let Some(fault) = fault_of_path(tree, steps, &format!("{origin}{rest}"), lists)? {
                return Ok(Some(fault));
            }
        }
        return Ok(None);
    }
    if part.starts_with('/') { fault_of_path(tree, steps, part, lists) } else { Ok(None) }
}

fn fault_of_path(
    tree: &Tree,
    steps: &Steps,
    path: &str,
    lists: Lists,
) -> Result<Option<&'static str>, ResolveError> {
    if comes_by_process(path) {
        return Ok(Some(OF_PROCESS));
    }
    let trail = match steps.trail(tree, path.as_bytes()) {
        Ok(trail) => trail,
        Err(ResolveError::OfProcess) => return Ok(Some(OF_PROCESS)),
        Err(ResolveError::TooFar) => return Err(ResolveError::TooFar),
        // No process opens it.
        Err(_) => return Ok(None),
    };
    let is_absent_and_shared =
        trail.end.is_none() && (is_shared(&ImagePath::new(path)) || is_shared(&trail.located));
    if is_absent_and_shared || is_hidden(&trail.located) || passes_shared(path) {
        return Ok(Some(SHARED));
    }
    Ok(fault_on_the_way(&trail, lists))
}

/// Who may write in a directory makes what is not there; and what is there he puts something else in the place of, but where the
/// sticky bit protects it.
fn fault_on_the_way(trail: &Trail<'_>, lists: Lists) -> Option<&'static str> {
    let is_open = |node: &NodeRef<'_>| node.inode().mode & 0o002 != 0;
    let is_sticky = |node: &NodeRef<'_>| node.inode().mode & 0o1000 != 0;
    let within = trail.lookups.last().filter(|(_, is_there)| *is_there);
    match lists {
        Lists::Directories if trail.end.as_ref().is_some_and(is_open) => {
            return Some("a directory that every user may write in");
        }
        Lists::Libraries if trail.end.as_ref().is_some_and(is_open) => {
            return Some("a file that every user may write");
        }
        Lists::Libraries if within.is_some_and(|(directory, _)| is_open(directory)) => {
            return Some("a directory that every user may write in");
        }
        _ => {}
    }
    trail.lookups.iter().find_map(|(directory, is_there)| match is_there {
        false if is_open(directory) => Some("what is not there, in a directory where every user may make it"),
        true if is_open(directory) && !is_sticky(directory) => {
            Some("what every user may put something else in the place of")
        }
        _ => None,
    })
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
            ("${ORIGIN}", 0),
            ("$ORIGINAL:${ORIGIN}al", 2),
        ] {
            assert_eq!(faults(value, Lists::Directories), number, "{value}");
        }
        for (value, number) in [("libjemalloc.so.2", 0), ("", 0), ("/usr/lib/a.so lib/b.so", 1)] {
            assert_eq!(faults(value, Lists::Libraries), number, "{value}");
        }
    }

    #[test]
    fn a_part_is_judged_by_all_that_it_comes_by() {
        use crate::rootfs::tests::{dir, file, symlink, tree};
        let open = |path, mode| crate::scan::Entry { mode, ..dir(path) };
        let tree = tree(&[
            dir("usr/bin"),
            file("usr/lib/a.so", 0o644),
            open("data", 0o1777),
            dir("data/sub"),
            open("loose", 0o777),
            dir("loose/bin"),
            symlink("srv/l", "/data/sub"),
            symlink("srv/new", "/data/bin"),
            symlink("srv/x.so", "/data/x.so"),
            symlink("srv/p", "/proc/self/cwd"),
            // What is not there for programs in the container.
            symlink("proc/self", "../srv"),
            dir("srv/cwd"),
            dir("dev/shm/x"),
        ]);
        let faulty =
            |part: &str, lists| fault_in_tree(&tree, &Steps::default(), part, lists).unwrap().is_some();
        for part in [
            "/data",
            "/data/bin",
            "/loose/bin",
            "/srv/l/../bin",
            "/srv/new",
            "/srv/p",
            "/srv/../srv/p/x",
            "/tmp/x/../../usr/bin",
            "/tmp/$LIB/../../usr/lib",
            "/dev/shm/x",
            "$ORIGIN/../../tmp",
            "${ORIGIN}/../../proc/self/cwd",
            "$ORIGIN/../data/bin",
        ] {
            assert!(faulty(part, Lists::Directories), "{part}");
        }
        for part in [
            "/usr/bin",
            "/data/sub",
            "/srv/l",
            "/srv/l/../sub",
            "/data/../usr/bin",
            "/tmp/../usr/bin",
            "/opt/none",
            "$ORIGIN",
            "$ORIGIN/../lib",
            "usr",
            "",
        ] {
            assert!(!faulty(part, Lists::Directories), "{part}");
        }
        for (part, expected) in [
            ("/srv/x.so", true),
            ("/data/sub/x.so", false),
            ("/data/x.so", true),
            ("/usr/lib/a.so", false),
            ("/usr/lib/none.so", false),
        ] {
            assert_eq!(faulty(part, Lists::Libraries), expected, "{part}");
        }
    }
}
