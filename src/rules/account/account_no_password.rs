//! `account-no-password`: see the page beside this file.

use super::{Each, Fault, Visit, each_line, judge, key, line, quoted, visit_content, visit_file};
use crate::base::accounts::TcbShadows;
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::Tree;
use crate::rules::rule::{Finding, Needs, Rule};
use crate::rules::severity::Severity;
use crate::scan::Plan;

const PASSWD: &str = "etc/passwd";
const SHADOW: &str = "etc/shadow";

pub(in crate::rules) static RULE: Rule = Rule {
    id: "account-no-password",
    severity: Severity::High,
    page: include_str!("account-no-password.md"),
    needs: Needs::Image,
    plan: |plan| {
        plan.capture(ImagePath::new(PASSWD));
        plan.capture(ImagePath::new(SHADOW));
    },
    judge: |facts, _, findings| {
        let in_tree = |tree: &Tree, visit: &mut Visit<'_>| {
            let passwd = visit_file(facts, tree, PASSWD, visit, in_passwd);
            let shadow = visit_file(facts, tree, SHADOW, visit, in_shadow).or(passwd);
            let own = TcbShadows::of(tree);
            own.files.iter().fold(own.incomplete.or(shadow), |unread, (account, path, file)| {
                // Of an account's own file only its line is asked for.
                let own = key(account);
                let visit = &mut |path: &ImagePath, fault: Fault<'_>| {
                    if fault.key == own {
                        visit(path, fault);
                    }
                };
                let content = facts.content(file.inode()).map(Some);
                let content = content.map_err(|reason| format!("{path}: {reason}"));
                visit_content(content, path, visit, in_shadow).or(unread)
            })
        };
        let in_file = |_: (usize, usize), path: &ImagePath, content: &[u8], each: &mut Each<'_>| match path
            .as_bytes()
        {
            b"etc/passwd" => in_passwd(content, each),
            b"etc/shadow" => in_shadow(content, each),
            _ => None,
        };
        judge(facts, findings, in_tree, in_file)
    },
};

/// Wants the files of single accounts, whose names the plan does not know.
pub(in crate::rules) fn further(facts: &Facts, plan: &mut Plan) {
    let Ok(rootfs) = &facts.rootfs else { return };
    for tree in rootfs.readings.iter().flat_map(|reading| [&reading.base, &reading.effective]) {
        let files = TcbShadows::of(tree).files.into_iter();
        files.take(limits::INCLUDED_FILES).for_each(|(_, path, _)| plan.capture(path));
    }
}

/// A line without a password field is none that a login would take, for it lacks the uid too.
fn in_passwd(content: &[u8], each: &mut Each<'_>) -> Option<String> {
    faults(content, each, |password| password.is_some_and(<[u8]>::is_empty))
}

/// glibc takes the fields that a short line lacks for empty.
fn in_shadow(content: &[u8], each: &mut Each<'_>) -> Option<String> {
    faults(content, each, |password| password.is_none_or(<[u8]>::is_empty))
}

fn faults(content: &[u8], each: &mut Each<'_>, is_open: impl Fn(Option<&[u8]>) -> bool) -> Option<String> {
    each_line(content, |number, line| {
        let mut fields = line.split(|byte| *byte == b':');
        // The rest of the line may change with the day of the build.
        let name = fields.next().unwrap_or_default();
        if is_open(fields.next()) {
            each(Fault::new(name, number, tell));
        }
    })
}

fn tell(name: &[u8], number: usize) -> Finding {
    let message = format!("the account {} has an empty password", quoted(name));
    let remedy = "lock the password (passwd -l, or usermod -p '!')";
    line(Finding::new(message, remedy), "name", name).evidence("line", number)
}

#[cfg(test)]
mod tests {
    use super::super::told_of;
    use super::*;

    fn names(faults_of: fn(&[u8], &mut Each<'_>) -> Option<String>, content: &[u8]) -> Vec<String> {
        told_of(faults_of, content).into_iter().map(|finding| finding.evidence[0].1.clone()).collect()
    }

    #[test]
    fn an_empty_field_is_no_password() {
        assert_eq!(names(in_shadow, b"a::19700:0:99999:7:::\nb\n"), ["a", "b"]);
        assert_eq!(names(in_passwd, b"a::5:5::/:/bin/sh\nb\n"), ["a"]);
    }

    #[test]
    fn locked_and_hashed_ones_are_passwords() {
        let shadow = b"a:*:1\nb:!:1\nc:!!:1\nd:$y$j9T$x:1\ne:x\n#f::1\n\n";
        assert_eq!(names(in_shadow, shadow), Vec::<String>::new());
        assert_eq!(names(in_passwd, b"a:x:5:5\nb:*:6:6\nc:!:7:7\n"), Vec::<String>::new());
    }
}
