//! `account-no-password`: see the page beside this file.

use super::{Fault, Found, judge, lines, quoted};
use crate::base::accounts::tcb_shadows;
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
        let in_tree = |tree: &Tree| {
            let mut found = Found::default();
            found.add_file(facts, tree, PASSWD, in_passwd);
            found.add_file(facts, tree, SHADOW, in_shadow);
            for (account, path) in tcb_shadows(tree) {
                found.add_file(facts, tree, path.as_bytes(), |content| in_shadow_of(account, content));
            }
            found
        };
        let in_file = |path: &ImagePath, content: &[u8]| match path.as_bytes() {
            b"etc/passwd" => in_passwd(content),
            b"etc/shadow" => in_shadow(content),
            _ => Vec::new(),
        };
        judge(facts, findings, in_tree, in_file)
    },
};

/// Wants the files of single accounts, whose names the plan does not know.
pub(in crate::rules) fn further(facts: &Facts, plan: &mut Plan) {
    let Ok(rootfs) = &facts.rootfs else { return };
    for tree in rootfs.readings.iter().flat_map(|reading| [&reading.base, &reading.effective]) {
        tcb_shadows(tree).take(limits::INCLUDED_FILES).for_each(|(_, path)| plan.capture(path));
    }
}

/// A line without a password field is none that a login would take, for it lacks the uid too.
fn in_passwd(content: &[u8]) -> Vec<Fault> {
    faults(content, |password| password.is_some_and(<[u8]>::is_empty))
}

/// glibc takes the fields that a short line lacks for empty.
fn in_shadow(content: &[u8]) -> Vec<Fault> {
    faults(content, |password| password.is_none_or(<[u8]>::is_empty))
}

/// Of an account's own file only its line is asked for.
fn in_shadow_of(account: &[u8], content: &[u8]) -> Vec<Fault> {
    in_shadow(content).into_iter().filter(|fault| fault.key == account).collect()
}

fn faults(content: &[u8], is_open: impl Fn(Option<&[u8]>) -> bool) -> Vec<Fault> {
    let open = lines(content).filter_map(|(number, line)| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().unwrap_or_default();
        // The rest of the line may change with the day of the build.
        is_open(fields.next()).then(|| Fault { key: name.to_vec(), line: number, tell })
    });
    open.collect()
}

fn tell(name: &[u8], number: usize) -> Finding {
    let message = format!("the account {} has an empty password", quoted(name));
    let remedy = "lock the password (passwd -l, or usermod -p '!')";
    Finding::new(message, remedy).evidence("name", quoted(name)).evidence("line", number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| fault.finding().evidence[0].1.clone()).collect()
    }

    #[test]
    fn an_empty_field_is_no_password() {
        assert_eq!(names(in_shadow(b"a::19700:0:99999:7:::\nb\n")), ["a", "b"]);
        assert_eq!(names(in_passwd(b"a::5:5::/:/bin/sh\nb\n")), ["a"]);
    }

    #[test]
    fn locked_and_hashed_ones_are_passwords() {
        let shadow = b"a:*:1\nb:!:1\nc:!!:1\nd:$y$j9T$x:1\ne:x\n#f::1\n\n";
        assert_eq!(names(in_shadow(shadow)), Vec::<String>::new());
        assert_eq!(names(in_passwd(b"a:x:5:5\nb:*:6:6\nc:!:7:7\n")), Vec::<String>::new());
    }
}
