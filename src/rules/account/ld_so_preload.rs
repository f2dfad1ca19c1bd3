//! `ld-so-preload`: see the page beside this file.

use std::collections::BTreeSet;

use super::{Fault, Found, judge, quoted};
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::Tree;
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;

const PRELOAD: &str = "etc/ld.so.preload";

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ld-so-preload",
    severity: Severity::High,
    page: include_str!("ld-so-preload.md"),
    needs: Needs::Image,
    plan: |plan| plan.capture(ImagePath::new(PRELOAD)),
    judge: |facts, _| {
        let in_tree = |tree: &Tree| {
            let mut found = Found::default();
            found.add_file(facts, tree, PRELOAD, faults);
            found
        };
        let in_file = |path: &ImagePath, content: &[u8]| {
            if path.as_bytes() == PRELOAD.as_bytes() { faults(content) } else { Vec::new() }
        };
        judge(facts, in_tree, in_file)
    },
};

/// The libraries as glibc's `do_preload` (elf/rtld.c) takes them: comments begin with `#`, names are
/// parted by white space and colons.
fn faults(content: &[u8]) -> Vec<Fault> {
    let code = content.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b'#').next());
    let names =
        code.flatten().flat_map(|line| line.split(|byte| byte.is_ascii_whitespace() || *byte == b':'));
    // One more than is told, so that it is told that there are more.
    let names: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
    let told = names.into_iter().take(limits::LINE_FINDINGS + 1).map(|name| {
        let message = format!("every program loads {} before its own libraries", quoted(name));
        let remedy = "take the file away; set LD_PRELOAD for the one program that needs it";
        Fault { key: name.to_vec(), finding: Finding::new(message, remedy).evidence("library", quoted(name)) }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_as_the_linker_reads_them() {
        let names = |text: &[u8]| faults(text).into_iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(names(b"/a.so:/b.so # /c.so\n\t/d.so"), [&b"/a.so"[..], b"/b.so", b"/d.so"]);
        assert_eq!(names(b"# nothing\n \t\n"), Vec::<Vec<u8>>::new());
    }
}
