//! `ld-so-preload`: see the page beside this file.

use std::collections::BTreeSet;

use super::{Each, Fault, Visit, judge, line, quoted, visit_file};
use crate::model::ImagePath;
use crate::rootfs::{Inode, ResolveError, Tree};
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

const PRELOAD: &str = "etc/ld.so.preload";

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ld-so-preload",
    severity: Severity::High,
    page: include_str!("ld-so-preload.md"),
    needs: Needs::Image,
    plan: |plan| plan.capture(ImagePath::new(PRELOAD)),
    judge: |facts, _, findings| {
        let in_tree = |tree: &Tree, visit: &mut Visit<'_>| {
            let path = ImagePath::new(PRELOAD);
            if let Some(fault) = fault_of_place(tree, &path) {
                visit(&path, fault);
            }
            visit_file(facts, tree, PRELOAD, visit, faults)
        };
        let in_file = |_: (usize, usize), path: &ImagePath, content: &[u8], each: &mut Each<'_>| {
            if path.as_bytes() == PRELOAD.as_bytes() { faults(content, each) } else { None }
        };
        judge(facts, findings, in_tree, in_file)
    },
};

/// That others than root may say what is in the list, by its own or a directory's owner and mode, or since it is a symlink
/// to where nothing is yet: glibc asks for no owner.
fn fault_of_place<'tree>(tree: &'tree Tree, path: &ImagePath) -> Option<Fault<'tree>> {
    /// What nobody can make in a container, and has no libraries in it.
    const DEVICES: [&[u8]; 3] = [b"/dev/null", b"/dev/zero", b"/dev/full"];
    let there = tree.resolve_no_follow(path).ok()?.node.inode();
    let is_link = there.kind == EntryKind::Symlink;
    let place = if is_link { there.link() } else { PRELOAD.as_bytes() };
    match tree.resolve(path) {
        Ok(found) => {
            // Who may write in a directory on the way can put another one in its place.
            let end = found.path();
            let within = std::iter::successors(Some(end), |path| (!path.is_root()).then(|| path.parent()));
            let mut within = within.skip(1).filter_map(|path| tree.get(&path)).take_while(|_| is_link);
            let is_open = is_open(found.node.inode()) || within.any(|within| is_open(within.inode()));
            is_open.then(|| Fault::new(place, 0, tell_open))
        }
        Err(ResolveError::Missing | ResolveError::NotADirectory) if is_link && !DEVICES.contains(&place) => {
            Some(Fault::new(place, 0, tell_dangling))
        }
        Err(_) => None,
    }
}

/// Whether others than root may write a file, or put another one in the place of those in a directory.
fn is_open(inode: &Inode) -> bool {
    let is_sticky = inode.is_directory() && inode.mode & 0o1000 != 0;
    let may = |bit: u32| inode.mode & bit != 0 && !is_sticky;
    inode.uid != 0 || may(0o002) || (may(0o020) && inode.gid != 0)
}

fn tell_open(place: &[u8], _: usize) -> Finding {
    let message =
        format!("others than root may name libraries in {}, which every program loads", quoted(place));
    line(Finding::new(message, "take the file away, or give it to root alone"), "target", place)
}

fn tell_dangling(place: &[u8], _: usize) -> Finding {
    let message =
        format!("every program loads what will be named in {}, which is not there yet", quoted(place));
    line(Finding::new(message, "take the symlink away"), "target", place)
}

/// The libraries as glibc's `handle_preload_list` and `dl_main` (elf/rtld.c) take them: comments begin with
/// `#`, names are parted by white space and colons.
fn faults(content: &[u8], each: &mut Each<'_>) -> Option<String> {
    let meant = content.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b'#').next());
    let read = without_comments(content);
    let names = meant.flatten().chain([&*read]);
    let names = names.flat_map(|text| text.split(|byte| byte.is_ascii_whitespace() || *byte == b':'));
    let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().for_each(|name| each(Fault::new(name, 0, tell)));
    None
}

fn tell(name: &[u8], _: usize) -> Finding {
    let message = format!("every program loads {} before its own libraries", quoted(name));
    let remedy = "take the file away; set LD_PRELOAD for the one program that needs it";
    line(Finding::new(message, remedy), "library", name)
}

/// The file as glibc has it after its comments were blanked. It looks for each one from the start of the
/// file, and only as far as bytes are left behind the last one: what a later comment says is loaded.
fn without_comments(content: &[u8]) -> Vec<u8> {
    let mut file = content.to_vec();
    let mut left = file.len();
    while let Some(start) = file.iter().take(left).position(|byte| *byte == b'#') {
        left -= start;
        for byte in file.iter_mut().skip(start).take(left).take_while(|byte| **byte != b'\n') {
            *byte = b' ';
            left -= 1;
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::super::told_of;
    use super::*;

    #[test]
    fn libraries_are_read_as_the_linker_reads_them() {
        let names = |text: &[u8]| {
            let told = told_of(faults, text).into_iter();
            told.map(|finding| finding.evidence[0].1.clone()).collect::<BTreeSet<_>>()
        };
        assert_eq!(
            names(b"/a.so:/b.so # /c.so\n\t/d.so"),
            ["/a.so", "/b.so", "/d.so"].map(String::from).into()
        );
        assert_eq!(names(b"# nothing\n \t\n"), BTreeSet::new());
        // As glibc 2.36 does: "object '/e.so' from /etc/ld.so.preload cannot be preloaded".
        let second_comment = b"# a long comment here, long enough\n# /e.so\n";
        assert_eq!(names(second_comment), ["#", "/e.so"].map(String::from).into());
    }
}
