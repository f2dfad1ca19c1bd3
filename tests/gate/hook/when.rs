//! What `when` takes in that git tells by another name than that of a file: submodules.

use super::{Desk, bad};

const NOT_CHECKED: &str = "no image is checked";

impl Desk {
    /// With a bad image, and all that is committed on the remote: what is checked from here on is refused.
    fn settled(when: &str) -> Self {
        let desk = Self::hooked(bad());
        desk.policy(&format!("when = {when}\n"));
        desk.settle(&[]);
        desk
    }

    fn settle(&self, files: &[(&str, &str)]) {
        self.commit("settled", files);
        self.pushed(&["--no-verify", "origin", "main"]);
    }

    /// Whether a push would be checked; nothing is pushed.
    fn is_checked(&self, what: &[&str]) -> bool {
        let (passes, told) = self.push(&[&["--dry-run"], what].concat());
        assert_eq!(passes, told.contains(NOT_CHECKED), "{what:?}: {told}");
        !passes
    }

    /// Whether what is committed here is checked, to the branch of the remote and to a new one.
    fn is_checked_anywhere(&self) -> bool {
        let known = self.is_checked(&["origin", "main"]);
        assert_eq!(known, self.is_checked(&["origin", "main:new"]));
        known
    }

    /// Whether it is by these patterns.
    fn is_checked_by(&self, when: &str) -> bool {
        self.policy(&format!("when = {when}\n"));
        self.is_checked_anywhere()
    }

    /// Commits a submodule at some commit of its own, which git does not need to have.
    fn submodule(&self, path: &str, digit: char) {
        std::fs::create_dir_all(self.top.join(path)).unwrap();
        let id = digit.to_string().repeat(self.zeros().len());
        self.must(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")]);
        self.must(&["commit", "-q", "-m", "submodule"]);
    }
}

#[test]
fn no_setting_hides_a_submodule() {
    let desk = Desk::settled("[\"vendor/sub\"]");
    let named = "[submodule \"s\"]\n\tpath = vendor/sub\n\turl = ../sub\n";
    desk.submodule("vendor/sub", '1');
    desk.settle(&[(".gitmodules", named)]);
    desk.submodule("vendor/sub", '2');
    assert!(desk.is_checked_anywhere());
    desk.must(&["config", "submodule.s.ignore", "all"]);
    assert!(desk.is_checked_anywhere());
    desk.must(&["config", "--unset", "submodule.s.ignore"]);
    desk.settle(&[(".gitmodules", &format!("{named}\tignore = all\n"))]);
    desk.submodule("vendor/sub", '3');
    assert!(desk.is_checked_anywhere());
}

/// Of what is in it git knows no more than that it is another commit.
#[test]
fn a_submodule_that_changes_may_be_any_file_in_it() {
    let desk = Desk::settled("[\"none\"]");
    desk.submodule("vendor/sub", '1');
    for (when, is_checked) in [
        ("[\"vendor/sub\"]", true),
        ("[\"vendor/*\"]", true),
        ("[\"vendor/sub/**\"]", true),
        ("[\"vendor/sub/Dockerfile\"]", true),
        ("[\"vendor/sub/*/deep/*.c\"]", true),
        ("[\"vendor/*/Dockerfile\"]", true),
        ("[\"v[e]ndor/{sub,other}/Dockerfile\"]", true),
        ("[\"{vendor/sub,other}/Dockerfile\"]", true),
        ("[\"**/Dockerfile\"]", true),
        ("[\"src/**\", \"vendor/**\"]", true),
        ("[\"vendor\"]", false),
        ("[\"vendor/*.c\"]", false),
        ("[\"vendor/sub2/**\"]", false),
        ("[\"vendor/su/**\"]", false),
        ("[\"vendor/*2/**\"]", false),
        ("[\"*/Dockerfile\"]", false),
        ("[\"src/**\"]", false),
    ] {
        assert_eq!(desk.is_checked_by(when), is_checked, "{when}");
    }
    // Also where it goes, or files of its own repository come instead.
    desk.pushed(&["--no-verify", "origin", "main"]);
    desk.must(&["rm", "-q", "--cached", "vendor/sub"]);
    desk.must(&["commit", "-q", "-m", "removed"]);
    assert!(desk.is_checked_by("[\"vendor/sub/Dockerfile\"]"));
}
