//! `ld-so-preload`: see the page beside this file.

use std::collections::BTreeSet;

use super::{Fault, Found, judge, quoted};
use crate::model::ImagePath;
use crate::rootfs::{ResolveError, Tree};
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
        let in_tree = |tree: &Tree| {
            let mut found = Found::default();
            found.add_file(facts, tree, PRELOAD, faults);
            found.faults.extend(dangling(tree).map(|fault| (ImagePath::new(PRELOAD), fault)));
            found
        };
        let in_file = |path: &ImagePath, content: &[u8]| {
            if path.as_bytes() == PRELOAD.as_bytes() { faults(content) } else { Vec::new() }
        };
        judge(facts, findings, in_tree, in_file)
    },
};

/// That the file is a symlink to where nothing is yet: whoever makes it is obeyed, for glibc asks for no owner.
fn dangling(tree: &Tree) -> Option<Fault> {
    let path = ImagePath::new(PRELOAD);
    let link = tree.resolve_no_follow(&path).ok()?.node.inode();
    let leads_nowhere =
        link.kind == EntryKind::Symlink && tree.resolve(&path).err() == Some(ResolveError::Missing);
    leads_nowhere.then(|| Fault { key: link.link().to_vec(), line: 0, tell: tell_dangling })
}

fn tell_dangling(target: &[u8], _: usize) -> Finding {
    let target = quoted(target);
    let message = format!("every program loads what will be named in {target}, which is not there yet");
    Finding::new(message, "take the symlink away").evidence("target", target)
}

/// The libraries as glibc's `handle_preload_list` and `dl_main` (elf/rtld.c) take them: comments begin with
/// `#`, names are parted by white space and colons.
fn faults(content: &[u8]) -> Vec<Fault> {
    let meant = content.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b'#').next());
    let read = without_comments(content);
    let names = meant.flatten().chain([&*read]);
    let names = names.flat_map(|text| text.split(|byte| byte.is_ascii_whitespace() || *byte == b':'));
    let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(|name| Fault { key: name.to_vec(), line: 0, tell }).collect()
}

fn tell(name: &[u8], _: usize) -> Finding {
    let message = format!("every program loads {} before its own libraries", quoted(name));
    let remedy = "take the file away; set LD_PRELOAD for the one program that needs it";
    Finding::new(message, remedy).evidence("library", quoted(name))
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
    use super::*;

    #[test]
    fn libraries_are_read_as_the_linker_reads_them() {
        let names = |text: &[u8]| faults(text).into_iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(names(b"/a.so:/b.so # /c.so\n\t/d.so"), [&b"/a.so"[..], b"/b.so", b"/d.so"]);
        assert_eq!(names(b"# nothing\n \t\n"), Vec::<Vec<u8>>::new());
        // As glibc 2.36 does: "object '/e.so' from /etc/ld.so.preload cannot be preloaded".
        let second_comment = b"# a long comment here, long enough\n# /e.so\n";
        assert_eq!(names(second_comment), [&b"#"[..], b"/e.so"]);
    }
}
