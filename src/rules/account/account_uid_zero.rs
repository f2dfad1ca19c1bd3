//! `account-uid-zero`: see the page beside this file.

use super::{Each, Fault, Visit, each_line, judge, line, quoted, visit_file};
use crate::model::ImagePath;
use crate::rootfs::Tree;
use crate::rootfs::accounts::uid_readings;
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;

const PASSWD: &str = "etc/passwd";

pub(in crate::rules) static RULE: Rule = Rule {
    id: "account-uid-zero",
    severity: Severity::High,
    page: include_str!("account-uid-zero.md"),
    needs: Needs::Image,
    plan: |plan| plan.capture(ImagePath::new(PASSWD)),
    judge: |facts, _, findings| {
        let in_tree = |tree: &Tree, visit: &mut Visit<'_>| visit_file(facts, tree, PASSWD, visit, faults);
        let in_file = |_: (usize, usize), path: &ImagePath, content: &[u8], each: &mut Each<'_>| {
            if path.as_bytes() == PASSWD.as_bytes() { faults(content, each) } else { None }
        };
        judge(facts, findings, in_tree, in_file)
    },
};

fn faults(content: &[u8], each: &mut Each<'_>) -> Option<String> {
    each_line(content, |number, line| {
        let (name, uid) = name_and_uid(line);
        if name != b"root" && uid_readings(uid).contains(&0) {
            each(Fault::new(line, number, tell));
        }
    })
}

fn name_and_uid(line: &[u8]) -> (&[u8], &[u8]) {
    let mut fields = line.split(|byte| *byte == b':');
    (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default())
}

fn tell(account: &[u8], number: usize) -> Finding {
    let (name, uid) = name_and_uid(account);
    let message = format!("the account {} is another name of root: its uid is read as 0", quoted(name));
    let remedy = "give the account an uid of its own, and let it do the single things that it needs root for with sudo";
    line(line(Finding::new(message, remedy), "name", name), "uid", uid).evidence("line", number)
}

#[cfg(test)]
mod tests {
    use super::super::told_of;
    use super::*;

    fn names(text: &[u8]) -> Vec<String> {
        told_of(faults, text).into_iter().map(|finding| finding.evidence[0].1.clone()).collect()
    }

    #[test]
    fn every_way_to_write_zero_is_zero() {
        for uid in ["0", "00", "+0", "-0", "", " 0", "zero", "4294967296", "18446744073709551616", "0\0"] {
            assert_eq!(names(format!("a:x:{uid}:5::/:/bin/sh").as_bytes()), ["a"], "{uid:?}");
        }
        assert_eq!(names(b"short\nshort2:x\n:x:0"), ["short", "short2", ""]);
    }

    #[test]
    fn root_and_ordinary_accounts_are_no_fault() {
        let ordinary =
            b"root:x:0:0::/root:/bin/sh\nroot:x:0\n# a comment\n\n#off:x:0:0\na:x:1:0\nb:x:100:0\r\n";
        assert_eq!(names(ordinary), Vec::<String>::new());
    }

    #[test]
    fn hostile_lines_are_read_as_far_as_sense_goes() {
        let long = [&b"a".repeat(1 << 20)[..], b":x:0:0\nb:x:0\n\0\xff:x:0"].concat();
        let names = names(&long);
        assert!(names[0].len() < 300 && names[1..] == ["b", "\\x00\\xff"], "{names:?}");
    }
}
