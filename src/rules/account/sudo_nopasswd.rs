//! `sudo-nopasswd`: see the page beside this file.

use super::doas::doas;
use super::sudo::{is_read, sudoers};
use super::sudo_files::{files_in, sudo_files};
use super::{Fault, Found, Open, judge, quoted};
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::Tree;
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Plan;

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
    judge: |facts, _, findings| judge(facts, findings, |tree| in_tree(facts, tree), in_file),
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

/// Wants the included files that lie where the plan does not reach.
pub(in crate::rules) fn further(facts: &Facts, plan: &mut Plan) {
    let Ok(rootfs) = &facts.rootfs else { return };
    for tree in rootfs.readings.iter().flat_map(|reading| [&reading.base, &reading.effective]) {
        for (path, _) in sudo_files(facts, tree, SUDOERS).unread {
            plan.capture(path);
        }
    }
}

fn in_tree(facts: &Facts, tree: &Tree) -> Found {
    let mut found = Found::default();
    let files = sudo_files(facts, tree, SUDOERS);
    for (path, read) in files.read {
        found.faults.extend(read.open.into_iter().map(|open| (path.clone(), fault(open, tell_sudo))));
    }
    found.unread = files.unread.into_iter().map(|(_, reason)| reason).next().or(files.incomplete);
    let more = files_in(tree, &ImagePath::new(DOAS_DIRECTORY), |name| name.ends_with(b".conf"));
    for path in std::iter::once(ImagePath::new(DOAS)).chain(more) {
        found.add_file(facts, tree, path.as_bytes(), doas_faults);
    }
    found
}

/// A file that some layer alone has: what it includes is not followed.
fn in_file(path: &ImagePath, content: &[u8]) -> Vec<Fault> {
    let (directory, name) = path.split();
    let is = |known: &str, path: &[u8]| known.as_bytes() == path;
    if SUDOERS.iter().any(|known| is(known, path.as_bytes()))
        || SUDOERS_DIRECTORIES.iter().any(|known| is(known, directory)) && is_read(name)
    {
        return sudoers(content).open.into_iter().map(|open| fault(open, tell_sudo)).collect();
    }
    if is(DOAS, path.as_bytes()) || is(DOAS_DIRECTORY, directory) { doas_faults(content) } else { Vec::new() }
}

fn doas_faults(content: &[u8]) -> Vec<Fault> {
    doas(content).into_iter().map(|open| fault(open, tell_doas)).collect()
}

fn fault(Open { line, text }: Open, tell: fn(&[u8], usize) -> Finding) -> Fault {
    Fault { key: text, line, tell }
}

fn tell_sudo(text: &[u8], line: usize) -> Finding {
    tell("sudo", text, line)
}

fn tell_doas(text: &[u8], line: usize) -> Finding {
    tell("doas", text, line)
}

fn tell(program: &str, text: &[u8], line: usize) -> Finding {
    let message = format!("{program} asks for no password: {}", quoted(text));
    let remedy = "take the line away; make what needs root in the image while it is built";
    Finding::new(message, remedy).evidence("text", quoted(text)).evidence("line", line)
}
