//! `sudo-nopasswd`: see the page beside this file.

use std::collections::BTreeSet;

use super::sudo::{Include, Open, doas, included_path, is_read, sudoers};
use super::{Fault, Found, judge, quoted};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::Tree;
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::{EntryKind, Plan};

/// sudo reads the first that is there, sudo-rs the one of its own before.
const SUDOERS: [&str; 3] = ["etc/sudoers-rs", "etc/sudoers", "usr/etc/sudoers"];
const SUDOERS_DIRECTORIES: [&str; 2] = ["etc/sudoers.d", "usr/etc/sudoers.d"];
const DOAS: &str = "etc/doas.conf";
/// Alpine's doas reads `*.conf` in it.
const DOAS_DIRECTORY: &str = "etc/doas.d";

pub(in crate::rules) static RULE: Rule = Rule {
    id: "sudo-nopasswd",
    severity: Severity::High,
    page: include_str!("sudo-nopasswd.md"),
    needs: Needs::Image,
    plan,
    judge: |facts, _| judge(facts, |tree| in_tree(facts, tree), in_file),
};

fn plan(plan: &mut Plan) {
    for file in SUDOERS.into_iter().chain([DOAS]) {
        plan.capture(ImagePath::new(file));
    }
    for directory in SUDOERS_DIRECTORIES {
        plan.capture_in(ImagePath::new(directory), "");
    }
    plan.capture_in(ImagePath::new(DOAS_DIRECTORY), ".conf");
}

fn in_tree(facts: &Facts, tree: &Tree) -> Found {
    let mut found = Found::default();
    let mut pending: Vec<ImagePath> = SUDOERS.into_iter().map(ImagePath::new).collect();
    // Each file and directory once: files may include each other.
    let mut seen = BTreeSet::new();
    while let Some(path) = pending.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let content = match facts.file_content(tree, path.as_bytes()) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(reason) => {
                found.unread = Some(reason);
                continue;
            }
        };
        let read = sudoers(&content);
        found.faults.extend(read.open.into_iter().map(|open| (path.clone(), sudo_fault(open))));
        for include in read.includes {
            match include {
                // sudo puts the host's name in its place.
                Include::File(name) | Include::Directory(name) if contains_host(&name) => {
                    found.unread =
                        Some(format!("{path} includes {}, which depends on the host", quoted(&name)));
                }
                Include::File(name) => pending.push(included_path(&path, &name)),
                Include::Directory(name) => {
                    let directory = included_path(&path, &name);
                    if seen.insert(directory.clone()) {
                        pending.extend(files_in(tree, &directory, is_read));
                    }
                }
            }
        }
    }
    let more = files_in(tree, &ImagePath::new(DOAS_DIRECTORY), |name| name.ends_with(b".conf"));
    for path in std::iter::once(ImagePath::new(DOAS)).chain(more) {
        found.add_file(facts, tree, path.as_bytes(), doas_faults);
    }
    found
}

fn contains_host(name: &[u8]) -> bool {
    name.windows(2).any(|pair| pair == b"%h")
}

/// The regular files right in a directory, links to some too.
fn files_in(tree: &Tree, directory: &ImagePath, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<ImagePath> {
    let Ok(found) = tree.resolve(directory) else { return Vec::new() };
    let names = found.node.children().map(|child| child.name()).filter(|name| is_wanted(name));
    let is_file =
        |path: &ImagePath| tree.resolve(path).is_ok_and(|found| found.node.inode().kind == EntryKind::File);
    names.map(|name| directory.join(name)).filter(is_file).collect()
}

/// A file that some layer alone has: what it includes is not followed.
fn in_file(path: &ImagePath, content: &[u8]) -> Vec<Fault> {
    let (directory, name) = path.split();
    let is = |known: &str, path: &[u8]| known.as_bytes() == path;
    if SUDOERS.iter().any(|known| is(known, path.as_bytes()))
        || SUDOERS_DIRECTORIES.iter().any(|known| is(known, directory)) && is_read(name)
    {
        return sudoers(content).open.into_iter().map(sudo_fault).collect();
    }
    if is(DOAS, path.as_bytes()) || is(DOAS_DIRECTORY, directory) { doas_faults(content) } else { Vec::new() }
}

fn doas_faults(content: &[u8]) -> Vec<Fault> {
    doas(content).into_iter().map(|open| fault("doas", open)).collect()
}

fn sudo_fault(open: Open) -> Fault {
    fault("sudo", open)
}

fn fault(program: &str, Open { line, text }: Open) -> Fault {
    let message = format!("{program} asks for no password: {}", quoted(&text));
    let remedy = "take the line away; make what needs root in the image while it is built";
    let finding = Finding::new(message, remedy).evidence("text", quoted(&text)).evidence("line", line);
    Fault { key: text, finding }
}
