//! `sudo-nopasswd`: see the page beside this file.

use std::cell::Cell;

use super::doas::doas;
use super::sudo::{Sudoers, includes, is_read, sudoers};
use super::sudo_aliases::Definitions;
use super::sudo_files::{Reader, files_in, sudo_files, too_long};
use super::sudo_records::visit_records;
use super::{Each, Fault, Visit, judge, line, quoted};
use crate::facts::Facts;
use crate::limits;
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
    judge: |facts, _, findings| {
        let reader = Reader::new(facts, sudoers);
        let bytes = Cell::new(0);
        let in_tree = |tree: &Tree, visit: &mut Visit<'_>| in_tree(facts, &reader, tree, visit);
        let in_file = |place: (usize, usize), path: &ImagePath, content: &[u8], each: &mut Each<'_>| {
            if reader.has_read(place) { None } else { in_file(&bytes, path, content, each) }
        };
        judge(facts, findings, in_tree, in_file)
    },
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
    let reader = Reader::new(facts, includes);
    for tree in rootfs.readings.iter().flat_map(|reading| [&reading.base, &reading.effective]) {
        for (path, _) in sudo_files(&reader, tree, SUDOERS).unread {
            plan.capture(path);
        }
    }
}

fn in_tree(facts: &Facts, reader: &Reader<'_>, tree: &Tree, visit: &mut Visit<'_>) -> Option<String> {
    let files = sudo_files(reader, tree, SUDOERS);
    let upper = facts.upper_layers();
    let definitions = Definitions::of(&files.read);
    for file in &files.read {
        for open in &file.sudoers.open {
            let redefined = |finding: Finding| definitions.tell(finding, &open.text, &upper);
            let fault = Fault::new(&open.text, open.number, tell_sudo);
            let key = definitions.key_of(&open.text);
            visit(&file.path, Fault { key, redefined: Some(&redefined), ..fault });
        }
    }
    let records =
        visit_records(tree, &reader.steps, files.read.iter().any(|file| file.sudoers.keeps_records), visit);
    let unread = files.unread.into_iter().map(|(_, reason)| reason).next();
    let more = files.read.iter().find_map(|file| more_open(&file.sudoers));
    let reason = unread.or(files.incomplete).or(more).or(definitions.incomplete).or(records);
    in_doas(reader, facts, tree, files.bytes, visit).or(reason)
}

fn in_doas(
    reader: &Reader<'_>,
    facts: &Facts,
    tree: &Tree,
    mut bytes: usize,
    visit: &mut Visit<'_>,
) -> Option<String> {
    let mut reason = None;
    let more =
        files_in(tree, &reader.steps, &ImagePath::new(DOAS_DIRECTORY), |name| name.ends_with(b".conf"));
    for path in std::iter::once(ImagePath::new(DOAS)).chain(more) {
        match facts.content_of(reader.steps.resolve(tree, &path), &path) {
            Ok(Some(content)) => {
                bytes = bytes.saturating_add(content.len());
                if let Some(too_long) = too_long(bytes) {
                    return Some(too_long);
                }
                doas_faults(&content, &mut |fault| visit(&path, fault));
            }
            Ok(None) => {}
            Err(unread) => reason = Some(unread),
        }
    }
    reason
}

/// A file that some layer alone has: what it includes is not followed. All of them together, `bytes` so far, may be as
/// long as those of a tree.
fn in_file(bytes: &Cell<usize>, path: &ImagePath, content: &[u8], each: &mut Each<'_>) -> Option<String> {
    let (directory, name) = path.split();
    let is = |known: &str, path: &[u8]| known.as_bytes() == path;
    let is_sudoers = SUDOERS.iter().any(|known| is(known, path.as_bytes()))
        || SUDOERS_DIRECTORIES.iter().any(|known| is(known, directory)) && is_read(name);
    let is_doas = is(DOAS, path.as_bytes()) || is(DOAS_DIRECTORY, directory);
    if !is_sudoers && !is_doas {
        return None;
    }
    bytes.set(bytes.get().saturating_add(content.len()));
    if let Some(too_long) = too_long(bytes.get()) {
        return Some(too_long);
    }
    if is_doas {
        doas_faults(content, each);
        return None;
    }
    let read = sudoers(content);
    read.open.iter().for_each(|open| each(Fault::new(&open.text, open.number, tell_sudo)));
    more_open(&read)
}

fn doas_faults(content: &[u8], each: &mut Each<'_>) {
    doas(content, |open| each(Fault::new(&open.text, open.number, tell_doas)));
}

/// Why not all lines of a file are told.
fn more_open(read: &Sudoers) -> Option<String> {
    read.more_open.then(|| format!("there are more than {} (LINE_FINDINGS)", limits::LINE_FINDINGS))
}

fn tell_sudo(text: &[u8], line: usize) -> Finding {
    tell("sudo", text, line)
}

fn tell_doas(text: &[u8], line: usize) -> Finding {
    tell("doas", text, line)
}

fn tell(program: &str, text: &[u8], number: usize) -> Finding {
    let message = format!("{program} asks for no password: {}", quoted(text));
    let remedy = "take the line away; make what needs root in the image while it is built";
    line(Finding::new(message, remedy), "text", text).evidence("line", number)
}
